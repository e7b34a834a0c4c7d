"""The bridge to PyTorch's update rules: NumPy's arrays and torch's tensors are the same memory.

A ``torch.optim`` optimizer is made anew in every step and given the tensors that it keeps, so that the state of a run
is arrays.  PyTorch's names and defaults are kept; ``foreach``, ``fused``, ``capturable`` and ``differentiable``, which
change no formula, and ``maximize`` are no fields.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, final

import numpy as np
from pydantic import Field

from optikit import Array, GradientRule, GradientRuleState


@dataclass(kw_only=True, slots=True)
class TorchState(GradientRuleState):
    """Where a rule is, and what PyTorch keeps for it."""

    memory: dict[str, Array]
    """By PyTorch's names; of shape (n,), or () for numbers.  Empty before the first move."""


class TorchRule(GradientRule[TorchState]):
    """An update rule of ``torch.optim``; authors write the fields."""

    requires = "torch"
    rate: ClassVar[str] = "lr"
    rule: ClassVar[str]
    """Name of the class in ``torch.optim``."""

    lr: float = Field(default=1e-3, gt=0)
    """Learning rate."""

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> TorchState:
        """Start with an empty memory."""
        return TorchState(x=x0.copy(), memory={})

    @final
    def move(self, state: TorchState, value: float, gradient: Array) -> Array:
        """Lend x, gradient and memory to PyTorch, which writes into them."""
        torch: Any = import_module("torch")
        x = torch.from_numpy(state.x)
        x.grad = torch.from_numpy(gradient)
        rule = getattr(torch.optim, self.rule)([x], **self.model_dump(exclude={"gtol"}, exclude_none=True))
        # Otherwise it starts its memory, where it does so in the constructor.
        if state.memory:
            rule.state[x] = {name: torch.as_tensor(kept) for name, kept in state.memory.items()}
        rule.step()
        state.memory = {name: kept.numpy() for name, kept in rule.state[x].items() if kept is not None}
        return state.x


class DecayingRule(TorchRule):
    """One that shrinks x on the way."""

    weight_decay: float = Field(default=0.0, ge=0)
    """Adds this times x to the gradient, an L2 penalty.  To make it part of what is minimised, give `l2` to the
    problem instead."""
