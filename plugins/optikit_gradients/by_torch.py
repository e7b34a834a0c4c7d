"""Gradients by PyTorch."""

import warnings
from importlib import import_module
from typing import Any

from optikit import Array, ObjectiveError
from optikit_gradients.automatic import Automatic, Function, scalar


class Torch(Automatic):
    """Automatic differentiation by PyTorch, of a function written in torch.

    Costs one evaluation, and is exact up to rounding.  Begin the function with ``x = torch.as_tensor(x)``: optimizers
    without gradients pass plain arrays.  A result without a gradient is an error, and so is, with a torch that warns of
    it, turning a tensor into a plain number by ``float()`` or `math`; where that is meant, as for printing, use
    ``x.detach()``.  What else cuts a part of the slope off (``.item()``, ``.detach()``) is taken as meant.

    References
    ----------
    Paszke et al. (2019), "PyTorch: an imperative style, high-performance deep learning library", NeurIPS 32.
    """

    name = "torch"
    requires = "torch"
    remedy = "write it with torch"
    refusals = r"'Tensor' object|call numpy\(\)|requires_grad=True"

    def differentiate(self, fun: Function, x: Array) -> tuple[Any, Any]:
        """Record the function on a tape, and play it back."""
        torch: Any = import_module("torch")
        leaf = torch.tensor(x, requires_grad=True)
        before = torch.is_warn_always_enabled()
        with torch.enable_grad(), warnings.catch_warnings():
            # Torch warns of a lost slope, but once a process only, and goes on.
            warnings.filterwarnings("error", "Converting a tensor with requires_grad=True")
            torch.set_warn_always(True)
            try:
                value = scalar(fun)(leaf.clone())  # a copy, that the function may write into
            finally:
                torch.set_warn_always(before)
        gradient = None
        if torch.is_tensor(value) and value.requires_grad:
            (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True)
        if gradient is None:
            raise ObjectiveError(
                "the result of the objective has no gradient, so it left torch on the way (torch.tensor, detach, item "
                "and numpy do that) or does not depend on x; write it with torch throughout, or pass "
                "gradient='central-difference'"
            )
        return value.item(), gradient.numpy()
