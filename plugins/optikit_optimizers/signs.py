"""Rules that look at the signs of gradients only: their size says nothing about the length of a step."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from optikit import Array
from optikit_optimizers.rule import Turn, UpdateRule, blend


class Lion(UpdateRule):
    r"""Lion: the sign of a momentum, so that every coordinate moves by the learning rate.

    .. math:: x \leftarrow x - \eta \operatorname{sign}(\beta_1 m + (1 - \beta_1) g), \qquad
              m \leftarrow \beta_2 m + (1 - \beta_2) g

    Its learning rate should be a third to a tenth of Adam's, and its weight decay as much larger.  It never settles:
    near a minimum it goes to and fro by the learning rate, so it wants a schedule.

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", NeurIPS.
    """

    name = "lion"
    rows: ClassVar[int] = 1
    inertia: ClassVar[bool] = True

    learning_rate: float = Field(default=1e-4, gt=0)
    """The size of a step in each coordinate."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    r"""Share of the momentum in the sign, :math:`\beta_1`."""
    beta2: float = Field(default=0.99, ge=0, lt=1)
    r"""How slowly the momentum forgets, :math:`\beta_2`."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Take the sign."""
        mean = memory[0]
        move = turn.rate * np.sign(self.beta1 * mean + (1 - self.beta1) * turn.gradient)
        blend(mean, turn.gradient, self.beta2)
        return move


class Rprop(UpdateRule):
    r"""Rprop: each coordinate has a step of its own, which grows while the sign stays and shrinks when it changes.

    .. math:: d \leftarrow d \cdot \begin{cases} \eta^+ & g g' > 0 \\ \eta^- & g g' < 0 \end{cases}, \qquad
              x \leftarrow x - d \operatorname{sign}(g)

    with g' the gradient before, and no move where the sign has just changed.  For whole data, not for minibatches,
    whose signs change by chance.

    References
    ----------
    Riedmiller and Braun (1993), "A direct adaptive method for faster backpropagation learning: the RPROP algorithm";
    Igel and Hüsken (2000), "Improving the Rprop learning algorithm", whose iRprop- this is.
    """

    name = "rprop"
    rows: ClassVar[int] = 2

    learning_rate: float = Field(default=0.01, gt=0)
    """The first step of each coordinate; a schedule multiplies all steps."""
    grow: float = Field(default=1.2, gt=1)
    r"""Factor :math:`\eta^+` where the sign stays."""
    shrink: float = Field(default=0.5, gt=0, lt=1)
    r"""Factor :math:`\eta^-` where it changes."""
    smallest: float = Field(default=1e-12, gt=0)
    """No step becomes smaller."""
    largest: float = Field(default=50.0, gt=0)
    """No step becomes larger."""

    def formula(self, turn: Turn, memory: Array) -> Array:
        """Grow or shrink the steps."""
        length, before = memory
        if turn.number == 1:
            length[:] = self.learning_rate
        agreement = np.sign(turn.gradient) * np.sign(before)
        length *= np.where(agreement > 0, self.grow, np.where(agreement < 0, self.shrink, 1.0))
        np.clip(length, self.smallest, self.largest, out=length)
        before[:] = np.where(agreement < 0, 0, turn.gradient)
        return turn.rate / self.learning_rate * length * np.sign(before)
