"""Adagrad and its two heirs: each coordinate has a learning rate of its own, from its gradients so far."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_optimizers.rule import Turn, UpdateRule, blend


class Adagrad(UpdateRule):
    r"""Adagrad: steps divided by the root of the sum of all squared gradients, made for sparse gradients.

    .. math:: s \leftarrow s + g^2, \qquad x \leftarrow x - \eta g / (\sqrt{s} + \epsilon)

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization",
    Journal of Machine Learning Research 12.
    """

    name = "adagrad"
    rows: ClassVar[int] = 1

    epsilon: float = Field(default=1e-10, gt=0)
    r"""Keeps the division finite, :math:`\epsilon`."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Divide by the root of the sum."""
        memory[0] += turn.gradient**2
        return turn.rate * turn.gradient / (np.sqrt(memory[0]) + self.epsilon)


class RMSProp(UpdateRule):
    r"""RMSProp: steps divided by the root of a moving mean of squared gradients, if wanted with momentum.

    .. math:: s \leftarrow \rho s + (1 - \rho) g^2, \quad v \leftarrow \mu v + g / (\sqrt{s} + \epsilon), \quad
              x \leftarrow x - \eta v

    References
    ----------
    Tieleman and Hinton (2012), "Lecture 6.5: RMSProp", Neural networks for machine learning.
    """

    name = "rmsprop"
    rows: ClassVar[int] = 2
    inertia: ClassVar[bool] = True

    rho: float = Field(default=0.99, ge=0, lt=1)
    r"""How slowly the mean forgets, :math:`\rho`."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    r"""Fraction :math:`\mu` of the last step that is made again."""
    epsilon: float = Field(default=1e-8, gt=0)
    r"""Keeps the division finite, :math:`\epsilon`."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Divide by the root of the mean."""
        velocity, square = memory
        blend(square, turn.gradient**2, self.rho)
        velocity *= self.momentum
        velocity += turn.gradient / (np.sqrt(square) + self.epsilon)
        return turn.rate * velocity


class Adadelta(UpdateRule):
    r"""Adadelta: RMSProp with steps that have the unit of x, so that it needs no learning rate.

    .. math:: s \leftarrow \rho s + (1 - \rho) g^2, \quad
              d = \sqrt{u + \epsilon} / \sqrt{s + \epsilon} \; g, \quad
              u \leftarrow \rho u + (1 - \rho) d^2, \quad x \leftarrow x - \eta d

    It starts with steps of the root of epsilon, and needs some hundred of them to find the right size.

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method".
    """

    name = "adadelta"
    rows: ClassVar[int] = 2

    learning_rate: float = Field(default=1.0, gt=0)
    """Multiplies the steps; 1 in the paper."""
    rho: float = Field(default=0.95, ge=0, lt=1)
    r"""How slowly the means forget, :math:`\rho`."""
    epsilon: float = Field(default=1e-6, gt=0)
    r"""Keeps the division finite and the first steps from being zero, :math:`\epsilon`."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Scale the gradient by the steps before."""
        square, moved = memory
        blend(square, turn.gradient**2, self.rho)
        move = np.sqrt((moved + self.epsilon) / (square + self.epsilon)) * turn.gradient
        blend(moved, move**2, self.rho)
        return turn.rate * move
