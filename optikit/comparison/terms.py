"""The terms of a comparison: what every optimizer may spend, and where the randomness of each trial comes from.

Trials are paired.  Problem and seed alone decide on the start and on the random numbers, whatever the optimizer, and
never the order in which trials are made: any number of workers gives the same numbers, and so does any part of a
comparison.
"""

import hashlib
import re
from typing import Any, cast

import numpy as np
from pydantic import Field, ValidationError

from optikit.budget import Budget
from optikit.comparison.hits import PRECISIONS, Numbers
from optikit.component import explain
from optikit.described import Described
from optikit.errors import InputError
from optikit.types import Seed, generator

_TIMES = re.compile(r"([0-9.]+(?:e[0-9]+)?) *\*? *[dDnN]")


class Terms(Described):
    """What holds for all trials."""

    max_evals: int | str
    """Evaluations of each trial, difference quotients included; or text such as ``"200d"``, times the dimension."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Seconds of each trial; what it finds then depends on the machine."""
    targets: tuple[float, ...] | None = None
    """How far above the minimum the targets are, if not those of COCO."""
    root: int
    """Where all randomness comes from."""

    @property
    def precisions(self) -> Numbers:
        """How far above the minimum the targets are, falling; a trial ends at the last one of a known minimum."""
        return PRECISIONS if self.targets is None else np.array(self.targets)

    def allowance(self, n: int) -> int:
        """Give the evaluations that a trial in n dimensions may make."""
        if isinstance(self.max_evals, int):
            return self.max_evals
        match = _TIMES.fullmatch(self.max_evals.strip())
        assert match is not None, "read by `read_terms`"
        return max(1, int(round(float(match[1]) * n, 6)))  # 0.29 times 100 is a bit less than 29

    def streams(self, problem: str, seed: int) -> tuple[np.random.Generator, np.random.Generator]:
        """Give what a start is drawn by, and what the optimizer draws by, of a problem's label and a seed."""
        digest = hashlib.sha256(problem.encode()).digest()
        words = np.frombuffer(digest, dtype="<u4").tolist()
        starts, draws = np.random.SeedSequence([*words, self.root, seed]).spawn(2)
        return np.random.default_rng(starts), np.random.default_rng(draws)


def rooted(rng: Seed) -> int:
    """Draw the number that all randomness of a comparison comes from."""
    return int(generator(rng).integers(2**63))


def read_terms(max_evals: Any, max_seconds: float | None, targets: Any, root: int) -> Terms:
    """Read the terms.

    Raises
    ------
    InputError
        If a limit or a target is none.
    """
    text = isinstance(max_evals, str)
    if text:
        match = _TIMES.fullmatch(max_evals.strip())
        try:
            good = match is not None and 0 < float(match[1]) < 1e15
        except ValueError:
            good = False
        if not good:
            raise InputError(
                f"max_evals is {max_evals!r}; pass a number of at least 1, or text such as '200d', times the dimension"
            )
    try:
        limits = Budget(max_evals=None if text else max_evals, max_seconds=max_seconds)
    except ValidationError as error:
        (place, *_), sentence = explain(error)[0]
        raise InputError(f"{place} {sentence}") from None
    if not text and limits.max_evals is None:
        raise InputError("max_evals is missing; pass a number of at least 1, or text such as '200d'")
    most = max_evals if text else cast("int", limits.max_evals)
    return Terms(max_evals=most, max_seconds=limits.max_seconds, targets=_targets(targets), root=root)


def _targets(given: Any) -> tuple[float, ...] | None:
    if given is None:
        return None
    try:
        found = np.unique(np.asarray(given, dtype=np.float64))[::-1]
        good = np.ndim(given) == 1 and len(found) > 0 and bool(np.isfinite(found).all() and found[-1] > 0)
    except (TypeError, ValueError):
        good, found = False, PRECISIONS
    if not good:
        raise InputError(f"targets is {given!r}; pass how far above the minimum they are, such as [1e-1, 1e-3, 1e-6]")
    return tuple(found.tolist())


def read_seeds(given: Any) -> tuple[int, ...]:
    """Read how many seeds there are, or which.

    Raises
    ------
    InputError
        If there is none, or one twice.
    """
    if isinstance(given, int | np.integer) and not isinstance(given, bool):
        seeds: list[Any] = list(range(int(cast("int", given))))
    else:
        seeds = list(cast("list[Any]", given)) if isinstance(given, list | tuple | range) else []
    whole = all(isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0 for seed in seeds)
    if not seeds or not whole or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds is {given!r}; pass how many, at least 1, or a list of different numbers from 0 on")
    return tuple(map(int, seeds))
