"""The Moré-Wild set: 53 small least-squares problems, on which methods without derivatives are compared.

Each is a family of residuals with numbers of coordinates and of residuals, from its standard start or from ten times
that; the table says which.
"""

from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from optikit import Array, Benchmark, Problem
from optikit_problems.residuals import FAMILIES


class Member(NamedTuple):
    """One of the 53."""

    family: int
    """Of the residuals, counted from 1 as Moré and Wild do."""
    n: int
    """Number of coordinates."""
    m: int
    """Number of residuals."""
    far: int
    """How many powers of ten the start is from the standard one."""


def _members() -> list[Member]:
    """List them: each line gives a family, n, m, and how far the starts are."""
    table = """
        1 9 45 01, 2 7 35 01, 3 7 35 01, 4 2 2 01, 5 3 3 01, 6 4 4 01, 7 2 2 01, 8 3 15 01, 9 4 11 0, 10 3 16 0,
        11 6 31 01, 11 9 31 01, 11 12 31 01, 12 3 10 0, 13 2 10 0, 14 4 20 01, 15 6 6 0, 15 7 7 0, 15 8 8 0,
        15 9 9 0, 15 10 10 0, 15 11 11 0, 16 10 10 0, 17 5 33 0, 18 11 65 01, 19 8 8 0, 19 10 12 0, 19 11 14 0,
        19 12 16 0, 20 5 5 0, 20 6 6 0, 20 8 8 0, 21 5 5 01, 21 8 8 0, 21 10 10 0, 21 12 12 01, 22 8 8 01
    """
    rows = [line.split() for line in table.split(",")]
    return [Member(*map(int, (family, n, m, far))) for family, n, m, fars in rows for far in fars]


MEMBERS = _members()

_LOWEST = {
    **{(1, 9): 36.0, (2, 7): 8.380281690, (3, 7): 9.880597014, (8, 3): 8.214877306e-3, (9, 4): 3.075056038e-4},
    **{(10, 3): 87.94585517, (11, 6): 2.287670053e-3, (11, 9): 1.399760138e-6, (11, 12): 4.722381100e-10},
    **{(13, 2): 124.3621823, (14, 4): 85822.20162, (15, 8): 3.516873725e-3, (15, 10): 4.772713696e-3},
    **{(15, 11): 2.799761551e-3, (17, 5): 5.464894697e-5, (18, 11): 4.013773629e-2, (19, 8): 10.23897342},
    **{(19, 10): 18.28116175, (19, 11): 22.26059173, (19, 12): 26.27276639},
}
"""The lowest sums of squares that are known, by family and n; of the others it is 0, as all residuals can vanish.

Those of the linear families 1 to 3 are formulas.  The others are the lowest of up to 120 runs of SciPy's
`least_squares`, with exact Jacobians and all tolerances at 1e-15, from the standard start, ten times that, and points
around both; of Chebyquad with 8 coordinates or more, also of 25 to 60 runs from points in the unit cube.  They are
written with ten digits, the last rounded down.
"""


class MoreWild(Benchmark):
    """One of the 53 sums of squares of Moré and Wild, from its own start, without bounds.

    Some have several minima; the one that is known as the lowest may be far from the start.

    References
    ----------
    Moré and Wild, "Benchmarking derivative-free optimization algorithms", SIAM Journal on Optimization 20, 2009; Moré,
    Garbow and Hillstrom, "Testing unconstrained optimization software", ACM Transactions on Mathematical Software 7,
    1981.
    """

    name = "more-wild"

    number: int = Field(default=1, ge=1, le=53)
    """Which of them, in the order of the published list."""
    absolute: bool = False
    """Whether to sum absolute values instead of squares, which is the set's own way to kinks; then no minimum is known
    but 0."""

    @property
    def member(self) -> Member:
        """Family, numbers of coordinates and of residuals, and start."""
        return MEMBERS[self.number - 1]

    def residuals(self, x: Any) -> Any:
        """Compute the residuals, (m,), at a real or a complex point, (n,)."""
        return FAMILIES[self.member.family - 1][0](x, self.member.m)

    def jacobian(self, x: Array) -> Array:
        """Compute the Jacobian, (m, n), by complex steps so short that nothing is cut off."""
        points = x + 1e-30j * np.eye(self.member.n)
        return np.stack([self.residuals(point).imag for point in points], axis=1) / 1e-30

    def value(self, x: Array) -> float:
        """Compute the sum."""
        residuals = self.residuals(x)
        return abs(residuals).sum() if self.absolute else residuals @ residuals

    def slope(self, x: Array) -> Array:
        """Compute its gradient."""
        residuals = self.residuals(x)
        return (np.sign(residuals) if self.absolute else 2 * residuals) @ self.jacobian(x)

    def pose(self) -> Problem:
        """Make the problem, with the exact gradient."""
        return Problem(self.value, self.slope)

    def start(self, rng: np.random.Generator) -> Array:
        """Give the start of the published list, the same for all seeds."""
        return FAMILIES[self.member.family - 1][1](self.member.n) * 10.0**self.member.far

    @property
    def minimum(self) -> float | None:
        """The lowest sum that is known."""
        lowest = _LOWEST.get((self.member.family, self.member.n), 0.0)
        return None if self.absolute and lowest else lowest
