"""Adam and its family: momentum, and a learning rate for every coordinate, both from moving means."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_optimizers.rule import Turn, UpdateRule, blend


class _Moments(UpdateRule):
    """Moving means of the gradient and of its square."""

    rows: ClassVar[int] = 2
    inertia: ClassVar[bool] = True

    learning_rate: float = Field(default=1e-3, gt=0)
    """About the size of a step in each coordinate, whatever the size of the gradient."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    r"""How slowly the mean of the gradient forgets, :math:`\beta_1`."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    r"""How slowly the mean of the square forgets, :math:`\beta_2`."""
    epsilon: float = Field(default=1e-8, gt=0)
    r"""Keeps the division finite, :math:`\epsilon`."""

    def _update(self, turn: Turn, memory: Array) -> tuple[Array, Array]:
        """Update both means, and return the bias-corrected root of the second with epsilon, for division."""
        mean, square = memory[0], memory[1]
        blend(mean, turn.gradient, self.beta1)
        blend(square, turn.gradient**2, self.beta2)
        return mean, np.sqrt(square / (1 - self.beta2**turn.number)) + self.epsilon


class Adam(_Moments):
    r"""Adam: momentum, divided by the root of a moving mean of squared gradients, both corrected for their start.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \quad
              x \leftarrow x - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR.
    """

    name = "adam"

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Divide the one mean by the root of the other."""
        mean, root = self._update(turn, memory)
        return turn.rate / (1 - self.beta1**turn.number) * mean / root


class AdamW(Adam):
    """Adam with decoupled weight decay: what most networks are trained with today.

    As `adam`, and x shrinks by the learning rate times `weight_decay` in every step.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", ICLR.
    """

    name = "adamw"

    weight_decay: float = Field(default=0.01, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient."""


class AMSGrad(_Moments):
    r"""AMSGrad: Adam whose divisor never becomes smaller, so that it converges wherever the convex theory says so.

    .. math:: \hat s \leftarrow \max(\hat s, s / (1 - \beta_2^t)), \qquad
              x \leftarrow x - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{\hat s} + \epsilon}

    with m and s as in `adam`.

    References
    ----------
    Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", ICLR.  There without the corrections for the
    start.
    """

    name = "amsgrad"
    rows: ClassVar[int] = 3

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Divide by the largest root so far."""
        mean, root = self._update(turn, memory)
        np.maximum(memory[2], root, out=memory[2])
        return turn.rate / (1 - self.beta1**turn.number) * mean / memory[2]


class NAdam(_Moments):
    r"""NAdam: Adam with Nesterov's momentum, which looks one step ahead.

    .. math:: x \leftarrow x - \frac{\eta}{\sqrt{s / (1 - \beta_2^t)} + \epsilon} \left(
              \frac{\beta_1 m}{1 - \beta_1^{t+1}} + \frac{(1 - \beta_1) g}{1 - \beta_1^t} \right)

    with m and s as in `adam`.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop; here without its schedule of the momentum.
    """

    name = "nadam"

    learning_rate: float = Field(default=2e-3, gt=0)
    """About the size of a step in each coordinate, whatever the size of the gradient."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Look ahead along the mean."""
        mean, root = self._update(turn, memory)
        ahead = self.beta1 / (1 - self.beta1 ** (turn.number + 1)) * mean
        ahead += (1 - self.beta1) / (1 - self.beta1**turn.number) * turn.gradient
        return turn.rate * ahead / root
