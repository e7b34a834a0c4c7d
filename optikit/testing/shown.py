"""An example: with what a component was put to work when a check failed, as lines that can be put into Python.

A seed says nothing to an author.  So whoever hands a component its arrays notes them in the `Subject`, and a failure
shows the last of them: those of the smallest example, as Hypothesis ends with that one.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import numpy as np
from pydantic import BaseModel

from optikit.component import Component

MOST, EDGE = 24, 2
"""Numbers of an array that are shown, and those at each end of a longer one."""
LONGEST = 600
"""Characters of anything else."""


def written(component: Component, noted: Mapping[str, Any]) -> str:
    """Write down a component and what was noted of its use, a line each.

    Parameters
    ----------
    component : Component
        Who was put to work.
    noted : mapping of str to object
        With what, by the name of each.

    Returns
    -------
    str
        The same for the same example; long arrays are cut.
    """
    return "\n".join(f"{name} = {_text(value)}" for name, value in {component.kind: component, **noted}.items())


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return _array(cast("np.ndarray[Any, Any]", value))
    text = _plain(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _plain(value: Any) -> str:
    if isinstance(value, np.generic):
        value = cast("object", value.item())
    if value is None or isinstance(value, bool | int | float | complex | str):
        return repr(value)
    if isinstance(value, BaseModel):
        try:
            return repr(value)
        except Exception:  # of a field that cannot be shown; the check that fails is another one
            return type(value).__name__
    if isinstance(value, list | tuple):
        parts = [_text(each) for each in cast("list[Any]", value)]
        if len(parts) > MOST:
            parts[EDGE:-EDGE] = ["..."]
        return f"[{', '.join(parts)}]" if isinstance(value, list) else f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    if is_dataclass(value) and not isinstance(value, type):
        parts = [f"{field.name}={_text(getattr(value, field.name))}" for field in fields(value)]
        return f"{type(value).__name__}({', '.join(parts)})"
    # Anything else, such as a function, would show its address, which is another one each time.
    return getattr(value, "__name__", type(value).__name__)


def _array(array: "np.ndarray[Any, Any]") -> str:
    """Write an array with all its digits, in one line."""
    cut = array.size > MOST
    numbers = np.array2string(array, separator=", ", threshold=MOST, edgeitems=EDGE, formatter={"all": str})
    numbers = re.sub(r"\s+", " ", numbers)
    known = array.dtype in (np.float64, np.int64, np.bool_)
    text = f"array({numbers}{'' if known else f', dtype={str(array.dtype)!r}'})"
    return f"{text} of shape {array.shape}" if cut else text
