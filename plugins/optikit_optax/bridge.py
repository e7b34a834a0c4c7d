"""The bridge to optax: a gradient transformation, compiled, on NumPy's arrays.

Optax's names and defaults are kept, but for the learning rate, for which it has no default.  Masks and the precisions
of parts of the memory are no fields.  JAX computes in the precision of x, float64 too: it is told so for the time of a
call, whatever the process has chosen for itself.  Optax's state is kept as arrays; its structure is rebuilt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, final

import numpy as np
from pydantic import Field

from optikit import Array, GradientRule, GradientRuleState, import_library


@dataclass(kw_only=True, slots=True)
class OptaxState(GradientRuleState):
    """Where a rule is, and the leaves of optax's state."""

    memory: tuple[Array, ...]
    """In optax's order; of shape (n,), or () for numbers."""


class OptaxRule(GradientRule[OptaxState]):
    """An update rule of optax; authors write the fields."""

    requires = "optax"
    rule: ClassVar[str]
    """Name of the function in optax."""

    @final
    def init(self, x0: Array, rng: np.random.Generator) -> OptaxState:
        """Start with optax's first state."""
        start, _ = self._functions()
        return OptaxState(x=x0.copy(), memory=_plain(start(x0)))

    @final
    def move(self, state: OptaxState, value: float, gradient: Array) -> Array:
        """Have optax say what is added to x."""
        _, update = self._functions()
        move, memory = update(gradient, state.memory, state.x, value)
        state.memory = _plain(memory)
        return state.x + np.asarray(move, dtype=state.x.dtype)

    def _functions(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return _compiled(self.rule, **self.model_dump(exclude={"gtol"}))


class PacedRule(OptaxRule):
    """One with a learning rate."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Learning rate; optax has no default."""


def _plain(leaves: Any) -> tuple[Array, ...]:
    """Copy JAX's arrays, of which NumPy's would be views that cannot be written to."""
    return tuple(np.array(leaf) for leaf in leaves)


@lru_cache(maxsize=64)
def _compiled(name: str, **fields: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Make functions for the leaves of the first state, and for a move with the leaves of the next one.

    To compile takes half a second for a rule and a number of parameters, a thousand times as long as a move.
    """
    jax, optax = import_library("jax"), import_library("optax")
    rule: Any = optax.with_extra_args_support(getattr(optax, name)(**fields))

    def start(x: Array) -> Any:
        return jax.tree.leaves(rule.init(x))

    @jax.jit
    def update(gradient: Any, leaves: Any, x: Any, value: Any) -> Any:
        structure = jax.tree.structure(jax.eval_shape(rule.init, x))
        move, state = rule.update(gradient, jax.tree.unflatten(structure, leaves), x, value=value)
        return move, jax.tree.leaves(state)

    # Newer versions of JAX have it at the top.
    double = jax.enable_x64 if hasattr(jax, "enable_x64") else import_library("jax.experimental").enable_x64

    def in_double(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            with double(True):
                return function(*args)

        return call

    return in_double(start), in_double(update)
