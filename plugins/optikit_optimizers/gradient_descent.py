"""Gradient descent: a step against the gradient, with the memory of the steps before."""

from typing import ClassVar

from pydantic import Field

from optikit import Array
from optikit_optimizers.rule import Turn, UpdateRule


class GradientDescent(UpdateRule):
    r"""Gradient descent with momentum and Nesterov's variant of it.

    .. math:: v \leftarrow \mu v + \nabla f(x), \qquad x \leftarrow x - \eta v

    and with `nesterov` :math:`x \leftarrow x - \eta (\nabla f(x) + \mu v)` with the new :math:`v`, the form of
    Sutskever et al. that asks for the gradient at `x` itself.

    References
    ----------
    Cauchy (1847); Polyak (1964), "Some methods of speeding up the convergence of iteration methods"; Nesterov (1983);
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in deep learning",
    ICML.  There the learning rate is inside the momentum, which differs where it changes on the way.
    """

    name = "gradient-descent"
    rows: ClassVar[int] = 1
    inertia: ClassVar[bool] = True

    momentum: float = Field(default=0.0, ge=0, lt=1)
    r"""Fraction :math:`\mu` of the last step that is made again; 0 is plain gradient descent, 0.9 is common."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Go on with the velocity."""
        if not self.momentum:
            return turn.rate * turn.gradient
        velocity = memory[0]
        velocity *= self.momentum
        velocity += turn.gradient
        return turn.rate * (turn.gradient + self.momentum * velocity if self.nesterov else velocity)
