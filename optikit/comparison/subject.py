"""The one problem of a command, as it is written there: a benchmark, a function that can be imported, or a file's."""

from pathlib import Path
from typing import Any

from optikit import registry
from optikit.comparison import specs
from optikit.dialogue import read_json
from optikit.errors import InputError
from optikit.experiment import read_experiment
from optikit.imported import imported
from optikit.task import BenchmarkTask


def read_subject(text: str, x0: str | None = None, bounds: str | None = None) -> tuple[Any, Any, Any]:
    """Read a problem.

    Parameters
    ----------
    text : str
        ``NAME`` or ``NAME:FIELD=VALUE,...`` of a benchmark, ``module:function`` or ``file.py:function``, or an
        experiment ``FILE.toml``.
    x0, bounds : str, optional
        Of a function, in JSON.

    Returns
    -------
    tuple
        The problem, its start and its bounds, as `advise` and `tune` take them; None where it has its own.

    Raises
    ------
    InputError
        If it is nothing of these.
    """
    function = not text.endswith(".toml") and "=" not in text and text.count(":") == 1 and not _known(text)
    if not function and (x0 is not None or bounds is not None):
        raise InputError(f"{text} has a start and bounds of its own; leave out --x0 and --bounds")
    if function:
        if x0 is None:
            raise InputError(f"{text} is a function; say where to start, such as --x0 '[0.0, 0.0]'")
        try:
            fun = imported(text, Path())
        except InputError as error:
            raise InputError(f"{text}: {error}") from error.__cause__
        return fun, read_json("--x0", x0), None if bounds is None else read_json("--bounds", bounds)
    if text.endswith(".toml"):
        experiment = read_experiment(Path(text))
        if isinstance(experiment.task, BenchmarkTask):
            return experiment.task.benchmark, None, None
        experiment.task.prepare()
        return *experiment.task.subject(experiment.rng), None
    tables = specs.problems(text)
    if len(tables) != 1:
        raise InputError(f"{text} are {len(tables)} problems; name one")
    return registry.default().make("problem", tables[0]), None, None


def _known(name: str) -> bool:
    """Whether it is the name of a benchmark with that of its distribution before it."""
    return any(entry.kind == "problem" and entry.qualified == name for entry in registry.default().entries)
