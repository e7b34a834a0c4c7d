"""Problems made of other problems: with noise on the values, or with kinks."""

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from optikit import Array, Benchmark, InputError, Part, Problem


class Wrapped(Benchmark):
    """A problem made of another one, with its start."""

    problem: Annotated[Benchmark, Part("problem")]
    """The problem that it is made of."""

    def start(self, rng: np.random.Generator) -> Array:
        """Draw a point, (n,), as the other problem does."""
        return self.problem.start(rng)

    @property
    def minimum(self) -> float | None:
        """The lowest value, as that of the other problem."""
        return self.problem.minimum

    @property
    def minimizer(self) -> Array | None:
        """A point where it is, as that of the other problem."""
        return self.problem.minimizer


class Noisy(Wrapped):
    """Another problem with normal noise on its values, and without its gradient; points are judged without noise.

    The noise is a function of the seed, of the point and of how often this problem has been asked there: a run that is
    made again is the same, asking twice at a point gives two values, and workers in other processes each count for
    themselves.

    References
    ----------
    Moré and Wild, "Estimating computational noise", SIAM Journal on Scientific Computing 33, 2011.
    """

    name = "noisy"

    sigma: float = Field(default=1e-3, ge=0)
    """Standard deviation of the noise."""
    scale: Literal["relative", "absolute"] = "relative"
    """Whether the noise is multiplied by the size of the value, or added as it is."""
    seed: int = Field(default=0, ge=0)
    """Which noise."""

    def pose(self) -> Problem:
        """Make the problem, which has not been asked anywhere."""
        inner = self.problem.pose()
        n = len(self.start(np.random.default_rng(0)))
        return Problem(_Noise(self, inner), bounds=inner.bounds(n), constraints=inner.constraints)

    def judge(self, x: Array) -> float:
        """Give the value without noise."""
        return self.problem.judge(x)


class _Noise:
    """The values with noise; it remembers how often it was asked at each point."""

    def __init__(self, which: Noisy, inner: Problem) -> None:
        self._which, self._inner = which, inner
        self._asked: dict[bytes, int] = {}

    def __call__(self, x: Array) -> float:
        point = hashlib.blake2b((x + 0.0).tobytes(), digest_size=16).digest()  # -0.0 is the point 0.0
        time = self._asked[point] = self._asked.get(point, 0) + 1
        rng = np.random.default_rng([self._which.seed, time, int.from_bytes(point, "little")])
        value, draw = self._inner.whole.value(x), float(rng.normal())
        size = abs(value) if self._which.scale == "relative" else 1.0
        return value + self._which.sigma * size * draw


class Kinked(Wrapped):
    r"""Another problem with a kink along every axis through its minimizer, which stays where it is.

    .. math:: f(x) + w \sum_i |x_i - x^*_i|
    """

    name = "kinked"

    weight: float = Field(default=1.0, gt=0)
    """How steep the kinks are, w."""

    def pose(self) -> Problem:
        """Make the problem, with the gradient of the other one and the slopes of the kinks."""
        inner, at = self.problem.pose(), self.problem.minimizer
        if at is None:
            raise InputError(f"kinked: {self.problem.name} does not know its minimizer; choose another problem")
        made = _Kinks(inner, at, self.weight)
        slope = made.slope if inner.has_gradient else None
        return Problem(made, slope, inner.bounds(len(at)), inner.constraints)


class _Kinks:
    def __init__(self, inner: Problem, at: Array, weight: float) -> None:
        self._inner, self._at, self._weight = inner, at, weight

    def __call__(self, x: Array) -> Any:
        return self._inner.whole.value(x) + self._weight * abs(x - self._at).sum()

    def slope(self, x: Array) -> Array:
        return self._inner.whole.value_and_grad(x)[1] + self._weight * np.sign(x - self._at)
