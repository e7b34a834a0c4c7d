"""How optimizers come down on three standard functions: measured once for each version, and then remembered."""

import hashlib
import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from optikit import able, cache, registry
from optikit.errors import InputError
from optikit.example import example_fields
from optikit.registry import Entry
from optikit.run import minimize
from optikit.types import Array

MAX_EVALS, FEWER, POINTS = 1000, 300, 60
"""Evaluations of a run, those of a slow one, and the points of a curve that are kept."""
BOX = (-5.12, 5.12)
"""For optimizers that need one."""

Curve: TypeAlias = tuple[list[int], list[float]]
"""Numbers of evaluations, and the lowest value until then."""


class Function(NamedTuple):
    """A standard function whose lowest value is 0."""

    name: str
    fun: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    start: tuple[float, ...]


def _sphere(x: Array) -> float:
    return float(x @ x)


def _sphere_gradient(x: Array) -> Array:
    return 2 * x


def _rosenbrock(x: Array) -> float:
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def _rosenbrock_gradient(x: Array) -> Array:
    gradient, bend = np.zeros_like(x), x[1:] - x[:-1] ** 2
    gradient[1:] += 200 * bend
    gradient[:-1] -= 400 * x[:-1] * bend + 2 * (1 - x[:-1])
    return gradient


def _rastrigin(x: Array) -> float:
    return float(np.sum(x * x + 10 * (1 - np.cos(2 * np.pi * x))))


def _rastrigin_gradient(x: Array) -> Array:
    return 2 * x + 20 * np.pi * np.sin(2 * np.pi * x)


FUNCTIONS = (
    Function("sphere", _sphere, _sphere_gradient, (1.0, -2.0, 3.0, -1.0)),
    Function("Rosenbrock", _rosenbrock, _rosenbrock_gradient, (-1.2, 1.0, -1.2, 1.0)),
    Function("Rastrigin", _rastrigin, _rastrigin_gradient, (2.3, -1.4, 0.6, 3.2)),
)
"""A round one, one with a curved valley, and one with many minima; of four parameters."""


def curves(entry: Entry) -> dict[str, Curve]:
    """Give the curves of an optimizer by the names of the functions; none of a function on which it fails."""
    known, now = cache.recall("curves").get(entry.qualified), _state(entry)
    if (recalled := _recalled(known, now)) is not None:
        return recalled
    found = _measured(entry)
    if now is not None and found:
        cache.keep("curves", {entry.qualified: {"state": now, "curves": found}})
    return found


def _state(entry: Entry) -> str | None:
    """Say on what the curves depend: on the optimizer, and on this file."""
    if (state := able.state(entry)) is None:
        return None
    return hashlib.sha256(f"{state} {Path(__file__).stat().st_mtime_ns}".encode()).hexdigest()


def _recalled(known: Any, now: str | None) -> dict[str, Curve] | None:
    """Read what is remembered, if it is of the same state and whole."""
    try:
        if now is None or known["state"] != now:
            return None
        return {
            function.name: ([int(n) for n in known["curves"][function.name][0]], [float(v) for v in values])
            for function in FUNCTIONS
            if function.name in known["curves"]
            for values in [known["curves"][function.name][1]]
        }
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return None


def _measured(entry: Entry) -> dict[str, Curve]:
    known = registry.default()
    try:
        made = known.make("optimizer", {**example_fields(entry.item), "name": entry.qualified})
        abilities = able.abilities(made if example_fields(entry.item) else entry.qualified)
    except InputError:
        return {}
    if not abilities.complete:
        return {}
    found: dict[str, Curve] = {}
    for function in FUNCTIONS:
        silence = io.StringIO()
        try:
            with warnings.catch_warnings(), redirect_stdout(silence), redirect_stderr(silence):
                warnings.simplefilter("ignore")
                result = minimize(
                    function.fun,
                    list(function.start),
                    optimizer=made,
                    gradient=function.gradient if abilities.needs_gradient else None,
                    bounds=BOX if abilities.needs_box else None,
                    max_evals=FEWER if abilities.stochastic and entry.item.requires else MAX_EVALS,
                    rng=0,
                    observers=(),
                )
        except Exception:  # of foreign code, too; what it is good for is not shown where it fails
            continue
        if result.nfev:
            found[function.name] = _thinned(np.asarray(result.history.best))
    return found


def _thinned(best: Array) -> Curve:
    """Keep some of the places where the value was lowered, close together at the beginning, and the last one."""
    lower = np.flatnonzero(np.diff(best, prepend=np.inf) < 0)
    wanted = np.unique(np.geomspace(1, len(best), POINTS).astype(int)) - 1
    places = sorted({*np.unique(lower[np.searchsorted(lower, wanted, side="right") - 1]).tolist(), len(best) - 1})
    return [place + 1 for place in places], [float(f"{best[place]:.3g}") for place in places]
