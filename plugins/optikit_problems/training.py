"""Training as a problem: digits to be told apart, small enough that a comparison takes seconds.

Data, model and loss are those that the registry knows by their names, as in any experiment.
"""

from abc import abstractmethod
from functools import cache
from typing import Any

import numpy as np
from pydantic import Field

from optikit import Array, Benchmark, Model, Problem, get


@cache
def _digits(samples: int) -> tuple[Any, Any]:
    """Read digits, as many of each, and average their pixels in squares of four by four: 49 numbers each."""
    data = get("data", "mnist-sample", held_out=0.0).load().train
    rows = np.concatenate([np.flatnonzero(data.targets == digit)[: samples // 10] for digit in range(10)])
    pixels = data.inputs[rows].reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49)
    pixels.setflags(write=False)  # every problem has the same ones
    return pixels, data.targets[rows]


class Training(Benchmark):
    """The mean cross-entropy of a model on handwritten digits, with an L2 penalty; all samples count in each value."""

    samples: int = Field(default=500, ge=10, le=5000, multiple_of=10)
    """How many digits, as many of each."""
    l2: float = Field(default=1e-3, ge=0)
    """Weight of the penalty: half of it times the sum of the squares of all parameters."""

    @property
    @abstractmethod
    def model(self) -> Model:
        """The model."""

    def pose(self) -> Problem:
        """Make the problem, with the gradient of the model and the loss."""
        return Problem.of(self.model, get("loss", "cross-entropy"), *_digits(self.samples), l2=self.l2)

    def start(self, rng: np.random.Generator) -> Array:
        """Draw initial parameters, (n,), as the model does."""
        return self.model.init(rng)


class LogisticRegression(Training):
    """Multinomial logistic regression on handwritten digits: 500 parameters, convex.

    The digits are those of `mnist-sample`, with 7 by 7 pixels.  No bounds; the minimum is not written down.
    """

    name = "logistic-regression"

    @property
    def model(self) -> Model:
        """The linear model."""
        return get("model", "linear", inputs=49, outputs=10)


class MnistNetwork(Training):
    """A network with one hidden layer on handwritten digits: 610 parameters with 10 hidden units, not convex.

    The digits are those of `mnist-sample`, with 7 by 7 pixels.  No bounds; nobody knows the minimum.
    """

    name = "mnist-network"

    hidden: int = Field(default=10, ge=1)
    """Number of hidden units."""

    @property
    def model(self) -> Model:
        """The network, smooth, so that its gradient is a gradient everywhere."""
        return get("model", "mlp", layers=[49, self.hidden, 10], activation="tanh")
