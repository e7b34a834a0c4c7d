"""Gradients by JAX."""

import weakref
from typing import Any

from optikit import Array, InputError, ObjectiveError, import_library
from optikit_gradients.automatic import Automatic, Function, scalar

_compiled: weakref.WeakKeyDictionary[Function, Function] = weakref.WeakKeyDictionary()
"""What has been compiled, as long as the functions live: to compile takes a thousand times as long as a call."""


class Jax(Automatic):
    """Automatic differentiation by JAX, of a function written in jax.numpy.

    Costs one evaluation, and is exact up to rounding.  JAX computes in float32 unless it is told otherwise: call
    ``jax.config.update("jax_enable_x64", True)`` first, or start from a float32 x0; anything else is refused.  The
    function takes plain arrays, too, as optimizers without gradients pass them.  Where it does not depend on x the
    gradient is zero.

    A compiled function is traced once a run: what it reads besides x stays as it was then.  Where it is not compiled,
    ``.item()`` and ``int()`` are taken as meant to cut a slope off.

    References
    ----------
    Bradbury et al. (2018), "JAX: composable transformations of Python+NumPy programs".
    """

    name = "jax"
    requires = "jax"
    remedy = "write it with jax.numpy"
    refusals = "Tracer"

    jit: bool = True
    """Compile the function; false for one whose Python branches depend on values."""

    def differentiate(self, fun: Function, x: Array) -> tuple[Any, Any]:
        """Trace the function, or run what was compiled before."""
        jax = import_library("jax")
        point = jax.numpy.asarray(x)
        if point.dtype != x.dtype:
            raise InputError(
                f"jax would round x from {x.dtype} to {point.dtype}; call jax.config.update('jax_enable_x64', True) "
                "first, or pass a float32 x0"
            )
        if not self.jit:
            return jax.value_and_grad(scalar(fun))(point)
        errors = jax.errors
        try:
            return _compile(jax, fun)(point)
        except (
            errors.TracerBoolConversionError,
            errors.TracerIntegerConversionError,
            errors.NonConcreteBooleanIndexError,
        ) as error:
            raise ObjectiveError(
                "the objective branches, or chooses elements, by values, which a compiled function cannot; set jit = "
                "false, or write it with jax.numpy.where"
            ) from error


def _compile(jax: Any, fun: Function) -> Function:
    compiled = _compiled.get(fun)
    if compiled is None:
        # A strong reference from the value to its key would keep both for ever.
        compiled = _compiled[fun] = jax.jit(jax.value_and_grad(scalar(weakref.proxy(fun))))
    return compiled
