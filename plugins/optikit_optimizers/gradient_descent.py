"""Gradient descent: a step against the gradient, with the memory of the steps before."""

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, State, Stop, StopReason


@dataclass(kw_only=True, slots=True)
class GradientDescentState(State):
    """Where it is, how fast, and the first value it saw."""

    velocity: Array
    first: float = math.nan


class GradientDescent(Optimizer[GradientDescentState]):
    r"""Gradient descent with constant learning rate, momentum and Nesterov's variant of it.

    .. math:: v \leftarrow \mu v - \eta \nabla f(x), \qquad x \leftarrow x + v

    and with `nesterov` :math:`x \leftarrow x + \mu v - \eta \nabla f(x)` with the new :math:`v`, the form of
    Sutskever et al. that asks for the gradient at `x` itself.  With bounds, x is clipped to them after every step
    (projected gradient descent), and the velocity of a clipped coordinate is what the step really was.

    It stops when no component of the gradient exceeds `gtol` (a component that points out of the box at a bound does
    not count), and when the loss has risen a thousandfold, which no convergent run does.

    References
    ----------
    Cauchy (1847); Polyak (1964), "Some methods of speeding up the convergence of iteration methods"; Nesterov (1983);
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in deep learning",
    ICML.
    """

    name = "gradient-descent"

    learning_rate: float = Field(default=0.01, gt=0)
    r"""Step length :math:`\eta` per unit of gradient."""
    momentum: float = Field(default=0.0, ge=0, lt=1)
    r"""Fraction :math:`\mu` of the last step that is made again; 0 is plain gradient descent, 0.9 is common."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""
    gtol: float = Field(default=1e-8, ge=0)
    """Stop when the largest absolute component of the gradient is at most this."""

    def init(self, x0: Array, rng: np.random.Generator) -> GradientDescentState:
        """Start at rest."""
        return GradientDescentState(x=x0, velocity=np.zeros_like(x0))

    def step(self, oracle: Oracle, state: GradientDescentState) -> GradientDescentState:
        """Ask for one gradient and make one step."""
        x = state.x
        low, high = oracle.bounds
        value, gradient = oracle.value_and_grad(x)
        if math.isnan(state.first) and not math.isfinite(value):
            state.stop = Stop(False, "The value at the start is not finite; start where it is.")
            return state
        first = value if math.isnan(state.first) else state.first
        # One unit is added for losses that start near zero.
        if value - first > 1000 * (abs(first) + 1):
            message = (
                f"The loss rose from {first:.4g} to {value:.4g}: it diverges; "
                f"a learning_rate below {self.learning_rate:g} may help."
            )
            return GradientDescentState(
                x=x, velocity=state.velocity, first=first, stop=Stop(False, message, StopReason.DIVERGED)
            )
        stuck = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        if abs(np.where(stuck, 0, gradient)).max() <= self.gtol:
            message = f"No component of the gradient exceeds gtol = {self.gtol:g}"
            stop = (
                Stop(True, f"{message}.") if math.isfinite(value) else Stop(False, f"{message}, but the value is inf.")
            )
            return GradientDescentState(x=x, velocity=state.velocity, first=first, stop=stop)
        velocity = self.momentum * state.velocity - self.learning_rate * gradient
        move = self.momentum * velocity - self.learning_rate * gradient if self.nesterov else velocity
        target = x + move
        clipped = np.clip(target, low, high)
        velocity = np.where(clipped == target, velocity, clipped - x)
        return GradientDescentState(x=clipped, velocity=velocity, first=first)
