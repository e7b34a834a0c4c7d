"""Gradients by autograd."""

from importlib import import_module
from typing import Any

from optikit import Array
from optikit_gradients.automatic import Automatic, Function, scalar


class Autograd(Automatic):
    """Automatic differentiation by autograd, of a function written in autograd.numpy.

    Costs one evaluation, and is exact up to rounding.  The function takes plain arrays, too, as optimizers without
    gradients pass them.  Where it does not depend on x the gradient is zero, and autograd warns.

    References
    ----------
    Maclaurin, Duvenaud and Adams (2015), "Autograd: effortless gradients in NumPy", ICML AutoML workshop.
    """

    name = "autograd"
    requires = "autograd"
    remedy = "write it with autograd.numpy"
    refusals = "ArrayBox|setting an array element"

    def differentiate(self, fun: Function, x: Array) -> tuple[Any, Any]:
        """Call the function with boxes that remember what was done to them, and go back."""
        autograd: Any = import_module("autograd")
        return autograd.value_and_grad(scalar(fun))(x)
