"""Tables of pandas, for who goes on in it: columns by name, and points as a column for each parameter."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from optikit.errors import InputError
from optikit.library import import_library


def table(
    index: tuple[str, NDArray[Any]], columns: Mapping[str, NDArray[Any]], points: NDArray[Any], names: Sequence[str]
) -> Any:
    """Make a table.

    Parameters
    ----------
    index : tuple of str and ndarray
        The name of the rows, and what each is called, shape (k,).
    columns : mapping of str to ndarray
        By their names, shape (k,) each.
    points : ndarray, shape (k, m)
        What stands in the columns after them.
    names : sequence of str
        Their names, m of them.

    Returns
    -------
    pandas.DataFrame
        With k rows.

    Raises
    ------
    InputError
        If pandas is not installed.
    """
    try:
        pandas = import_library("pandas")
    except ImportError:
        raise InputError(
            "a table needs pandas, which is not installed; run `python -m pip install 'optikit[pandas]'`"
        ) from None
    name, numbers = index
    rows = pandas.Index(numbers, name=name)
    # Parameters may be called as a column is: both are kept.
    parts = pandas.DataFrame(dict(columns), index=rows), pandas.DataFrame(points, index=rows, columns=list(names))
    return pandas.concat(parts, axis=1)
