"""Advice: the installed optimizers that fit a problem, where the chosen one does not."""

from typing import Any

import numpy as np

from optikit import able, probe, registry
from optikit.errors import UnsupportedError
from optikit.loop import Run
from optikit.registry import HOME

MOST, OF_ONE = 6, 3
"""Optimizers that one sentence names at most, and those of one library."""
SECONDS = 2.0
"""For probing them: who is waiting for an error does not wait for long."""


def advised(error: Any, run: Run) -> Any:
    """Add to an error of an optimizer that does not fit the problem which of the installed ones do.

    Those are named first that can and need the same as the chosen one besides, a few of each library.  What is not
    remembered is probed, as long as it takes no time worth mentioning, and loads no library.  Only our own are named:
    an error must not run what somebody else has written and nobody has chosen.

    Parameters
    ----------
    error : BaseException or None
        What ended the run.
    run : Run
        With the problem and the optimizer that was chosen.

    Returns
    -------
    BaseException or None
        The same object.
    """
    if isinstance(error, UnsupportedError):
        all_of_them = registry.default()
        ours = [entry for entry in all_of_them.entries if (entry.kind, entry.distribution) == ("optimizer", HOME)]
        known, demands = able.known(ours, seconds=SECONDS), _demands(run, error.demand)
        found = {
            all_of_them.written(entry): known[entry.qualified]
            for entry in ours
            if entry.qualified in known and able.fits(known[entry.qualified], demands)
        }
        chosen = set(probe.probed(run.optimizer))  # pairs of name and value
        names = sorted(found, key=lambda name: -len(chosen & set(found[name])))
        if names := _mixed(names, run.optimizer.requires):
            error.args = (f"{error} (such as {', '.join(names)}; see `optikit list --abilities`)",)
    return error


def _mixed(names: list[str], library: str | None) -> list[str]:
    """Take the first ones, a few of each library: of the chosen optimizer's, of ours, and of the others."""
    homes: dict[str | None, list[str]] = {library: [], None: []}
    for name in names:
        homes.setdefault(registry.default().find("optimizer", name).requires, []).append(name)
    return [name for home in homes.values() for name in home[:OF_ONE]][:MOST]


def _demands(run: Run, demand: str) -> dict[str, bool]:
    """Say which abilities an optimizer for this problem has, and which needs it must not have."""
    finite = np.isfinite(run.problem.bounds(len(run.x0)))
    demands: dict[str, bool] = {}
    if finite.any():
        demands["bounds"] = True
    if not finite.all():
        demands["needs_box"] = False
    if run.problem.constraints:
        demands["constraints"] = True
    # Some estimators need the function's own gradient; an error about it says that this one does.
    if not run.problem.has_gradient and (run.gradient is None or demand == "gradient"):
        demands["needs_gradient"] = False
    return demands
