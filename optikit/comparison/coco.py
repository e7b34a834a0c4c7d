"""A comparison in COCO's data format, so that its own program, ``cocopp``, draws its figures and tables of it.

Each optimizer has a folder.  For each function there is an index, ``bbobexp_f1.info``, that says for each dimension
which instances were tried, how many evaluations each trial made, and how far above the minimum it ended; and in
``data_f1`` for each dimension the trials themselves, twice: at the evaluations that brought something (``.dat``), and
at evaluations that are spaced evenly in their logarithm (``.tdat``).  That is the format "bbob-new2" [1]_.

Trials keep their improvements and no points.  So lines end before the coordinates, which ``cocopp`` does not read, and
the value measured last is the best one.  A trial that evaluated nothing, as it was refused, is left out.

.. [1] Hansen, Auger, Ros, Mersmann, Tušar, Brockhoff: COCO: a platform for comparing continuous optimizers in a
   black-box setting. Optimization Methods and Software 36 (2021).
"""

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np

from optikit.comparison.cases import Case
from optikit.comparison.hits import Numbers, after
from optikit.comparison.outcome import Comparison
from optikit.comparison.trial import Trial
from optikit.errors import InputError
from optikit.files import save_text

_PER_DECADE = 20
"""Evaluations that are written down between one power of ten and the next, as COCO's logger does."""
_NONE = 1e300
"""Stands for no finite value yet: from an infinite one, ``cocopp`` would count down for ever."""


def export(comparison: Comparison, folder: Path) -> None:
    """Write the trials on COCO's functions into a folder, which is made.

    Raises
    ------
    InputError
        If none of the problems is one of COCO's, or the folder cannot be written to.
    """
    cases = sorted((case for case in comparison.problems if _is_coco(case)), key=_place)
    if not cases:
        raise InputError("COCO's format is for its own functions, and none is compared on; compare on bbob")
    try:
        for name, optimizer in zip(_folders(comparison.optimizers), comparison.optimizers, strict=True):
            for function, some in groupby(cases, lambda case: _place(case)[0]):
                _function(comparison, optimizer, folder / name, function, list(some))
    except OSError as error:
        raise InputError(f"{folder}: it cannot be written to ({error.strerror}); give another folder") from None


def _is_coco(case: Case) -> bool:
    return cast("dict[str, Any]", case.table or {}).get("name") == "bbob"


def _place(case: Case) -> tuple[int, int, int]:
    """Give function, dimension and instance."""
    return case.table["function"], case.table["dimension"], case.table["instance"]


def _function(comparison: Comparison, optimizer: str, folder: Path, function: int, cases: Iterable[Case]) -> None:
    """Write the trials of an optimizer on a function: the index, and for each dimension the data."""
    index = list[str]()
    for n, some in groupby(cases, lambda case: case.n):
        tried = list[tuple[int, float, Trial]]()
        for case in some:
            trials = (comparison.trial(case.label, optimizer, seed) for seed in comparison.seeds)
            tried += [(_place(case)[2], comparison.lowest(case.label), one) for one in trials if one and one.nfev]
        if not tried:
            continue
        data = f"data_f{function}/bbobexp_f{function}_DIM{n}"
        ends = ", ".join(
            f"{instance}:{trial.nfev}|{min(trial.best, _NONE) - low:.1e}" for instance, low, trial in tried
        )
        index += [
            f"suite = 'bbob', funcId = {function}, DIM = {n}, Precision = 1.000e-08, algId = '{folder.name}', "
            "logger = 'bbob', data_format = 'bbob-new2', settings = ''",
            f"% {folder.name}",
            f"{data}.dat, {ends}",
        ]
        (folder / data).parent.mkdir(parents=True, exist_ok=True)
        for suffix, chosen in ((".dat", _improving), (".tdat", _spaced)):
            blocks = [_block(trial, low, chosen(trial)) for _, low, trial in tried]
            save_text(folder / f"{data}{suffix}", "".join(blocks))
    if index:
        save_text(folder / f"bbobexp_f{function}.info", "\n".join(index) + "\n")


def _improving(trial: Trial) -> Numbers:
    """Give the first evaluation, those that were better than all before, and the last."""
    return np.unique([1, *trial.evaluations.tolist(), trial.nfev]).astype(np.float64)


def _spaced(trial: Trial) -> Numbers:
    """Give evaluations that are spaced evenly in their logarithm, the first and the last among them."""
    many = int(np.ceil(np.log10(trial.nfev) * _PER_DECADE)) + 1
    return np.unique([*np.floor(np.geomspace(1, trial.nfev, many)), trial.nfev])


def _block(trial: Trial, lowest: float, numbers: Numbers) -> str:
    """Write a trial down: a line for each of some evaluations, with the best value until then."""
    head = (
        f"% f evaluations | g evaluations | best noise-free fitness - Fopt ({lowest:.12e}) + sum g_i+ | "
        "measured fitness | best measured fitness or single-digit g-values\n"
    )
    values = np.minimum(after(trial.evaluations, trial.values, numbers), _NONE)
    return head + "".join(
        f"{number:.0f} 0 {value - lowest:+.9e} {value:+.9e} {value:+.9e}\n"
        for number, value in zip(numbers, values, strict=True)
    )


def _folders(labels: Iterable[str]) -> list[str]:
    """Name folders after optimizers, each another, in letters that every file system and ``cocopp`` take."""
    found = list[str]()
    for label in labels:
        plain = re.sub(r"[^A-Za-z0-9-]+", "_", label)[:60].strip("_-") or "optimizer"
        twins = [name for name in found if re.fullmatch(rf"{plain}(_\d+)?", name, re.IGNORECASE)]
        found.append(f"{plain}_{len(twins) + 1}" if twins else plain)
    return found
