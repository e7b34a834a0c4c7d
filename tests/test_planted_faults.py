"""The tests of gradients can fail: faults planted in a real network and a real loss are found, by them and by users.

Each mutant is the network or the loss that is shipped with one line of its gradient made wrong, in a way that has
happened to somebody.  The rule that `test_gradients` puts every model and loss to has to name it, and so has
`check_gradient`.
"""

from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optikit_losses import CrossEntropy
from optikit_models import MLP

from optikit import Problem, check_gradient
from optikit.testing.agreement import wrong_coordinate

LAYERS = (2, 3, 3, 3)
"""Two layers are square, so that their weights can be transposed by mistake."""


class BackPropagated(MLP):
    """The network with relu, and its gradient as textbooks write it, to be made wrong in a subclass."""

    def vjp(self, params, inputs, cotangent):
        """Go back through the layers."""
        z, below = [], [inputs]
        for weights, bias in self.read(params):
            z.append(below[-1] @ weights + bias)
            below.append(np.maximum(z[-1], 0))
        parts = []
        for depth, (weights, _) in reversed(list(enumerate(self.read(params)))):
            parts = [*self.layer(below[depth], cotangent), *parts]
            if depth:
                cotangent = self.through_relu(self.through_weights(weights, cotangent), z[depth - 1])
        return np.concatenate([part.ravel() for part in parts])

    def read(self, params):
        """Cut the parameters into weights and biases."""
        start = 0
        for fan_in, fan_out in pairwise(self.layers):
            middle = start + fan_in * fan_out
            yield params[start:middle].reshape(fan_in, fan_out), params[middle : middle + fan_out]
            start = middle + fan_out

    def layer(self, below, cotangent):
        """Compute the gradients of the weights and the bias of a layer."""
        return below.T @ cotangent, cotangent.sum(axis=0)

    def through_weights(self, weights, cotangent):
        """Go from the outputs of a layer to its inputs."""
        return cotangent @ weights.T

    def through_relu(self, cotangent, z):
        """Go from what relu gives to what it gets."""
        return cotangent * (z > 0)


class FlippedSign(MLP):
    """Ascends."""

    def vjp(self, params, inputs, cotangent):
        """Compute the gradient of the loss upside down."""
        return -super().vjp(params, inputs, cotangent)


class BiasForgotten(BackPropagated):
    """Never moves its biases."""

    def layer(self, below, cotangent):
        """Leave the bias out."""
        return below.T @ cotangent, np.zeros(cotangent.shape[1])


class BiasAveraged(BackPropagated):
    """Takes the mean where the loss has taken it already."""

    def layer(self, below, cotangent):
        """Take the mean over the rows for the bias."""
        return below.T @ cotangent, cotangent.mean(axis=0)


class WeightsTransposed(BackPropagated):
    """Goes back through square layers the wrong way."""

    def through_weights(self, weights, cotangent):
        """Forget the transpose where the shapes do not tell."""
        return cotangent @ (weights if len(weights) == weights.shape[1] else weights.T)


class GradientTransposed(BackPropagated):
    """Lays the gradient of square layers out by columns."""

    def layer(self, below, cotangent):
        """Swap rows and columns."""
        return (cotangent.T @ below) if below.shape[1] == cotangent.shape[1] else below.T @ cotangent, cotangent.sum(0)


class MaskOfTheGradient(BackPropagated):
    """Takes relu's mask from the wrong array."""

    def through_relu(self, cotangent, z):
        """Ask which slopes are positive, not which units are on."""
        return cotangent * (cotangent > 0)


class MaskForgotten(BackPropagated):
    """Takes relu for the identity."""

    def through_relu(self, cotangent, z):
        """Let everything pass."""
        return cotangent


class OffByOne(MLP):
    """Puts every component one place too far."""

    def vjp(self, params, inputs, cotangent):
        """Shift the gradient."""
        return np.roll(super().vjp(params, inputs, cotangent), 1)


class StalePoint(MLP):
    """Keeps the parameters of the last question."""

    def vjp(self, params, inputs, cotangent):
        """Compute the gradient where it was asked for the time before, in place of a cache that is not renewed."""
        self.asked.append(params.copy())
        return super().vjp(self.asked[-2], inputs, cotangent)

    asked: ClassVar[list[np.ndarray]] = []


class Doubled(CrossEntropy):
    """Has the 2 of another loss."""

    def grad(self, outputs, targets):
        """Compute twice the gradient."""
        return 2 * super().grad(outputs, targets)


class MeanForgotten(CrossEntropy):
    """Takes the mean in the value only."""

    def grad(self, outputs, targets):
        """Sum over the rows."""
        return super().grad(outputs, targets) * len(outputs)


class LabelForgotten(CrossEntropy):
    """Gives the softmax alone."""

    def grad(self, outputs, targets):
        """Leave the label out."""
        gradient = super().grad(outputs, targets)
        gradient[np.arange(len(targets)), targets] += 1 / len(targets)
        return gradient


NETWORKS = [
    FlippedSign, BiasForgotten, BiasAveraged, WeightsTransposed, GradientTransposed, MaskOfTheGradient, MaskForgotten,
    OffByOne, StalePoint,
]  # fmt: skip
CRITERIA = [Doubled, MeanForgotten, LabelForgotten]


def posed(seed, network=MLP, criterion=CrossEntropy):
    """Give a problem and a point, at which nothing is near a kink or zero, and every layer takes part."""
    rng = np.random.default_rng(seed)
    model = network(layers=LAYERS)
    problem = Problem.of(model, criterion(), rng.normal(size=(8, 2)), rng.integers(3, size=8))
    x = model.init(rng) + 0.1 * rng.normal(size=problem.n)
    # Once elsewhere first: a gradient may be wrong from the second question on.
    StalePoint.asked[:] = [x]
    problem.at(0).value_and_grad(x + 0.1 * rng.normal(size=problem.n))
    return problem, x


seeds = given(seed=st.integers(0, 2**32 - 1))
mutants = pytest.mark.parametrize(
    ("network", "criterion"),
    [*((network, CrossEntropy) for network in NETWORKS), *((MLP, criterion) for criterion in CRITERIA)],
    ids=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("network", [MLP, BackPropagated])
@settings(max_examples=25)
@seeds
def test_without_a_fault_nothing_is_found(network, seed):
    problem, x = posed(seed, network)
    assert wrong_coordinate(problem.at(0), x) is None
    assert check_gradient(problem, None, x).success


@mutants
@settings(max_examples=10)  # wrong in every example
@seeds
def test_a_fault_in_a_model_or_a_loss_is_found(network, criterion, seed):
    problem, x = posed(seed, network, criterion)
    assert wrong_coordinate(problem.at(0), x) is not None
    problem, x = posed(seed, network, criterion)
    assert not check_gradient(problem, None, x).success


def test_the_fault_is_named_where_its_pattern_tells():
    said = {
        (FlippedSign, CrossEntropy): "opposite sign", (MLP, Doubled): "2 times what it should be",
        (MLP, MeanForgotten): "8 times what it should be",
    }  # fmt: skip
    for (network, criterion), words in said.items():
        problem, x = posed(0, network, criterion)
        assert words in check_gradient(problem, None, x).message
