"""PyTorch's Adam and its family."""

from typing import Annotated

from annotated_types import Ge, Lt
from pydantic import Field

from optikit_torch.bridge import DecayingRule

Beta = Annotated[float, Ge(0), Lt(1)]


class _Moments(DecayingRule):
    """Moving means of the gradient and of its square."""

    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """How slowly the means of the gradient and of its square forget."""
    eps: float = Field(default=1e-8, ge=0)
    """Keeps the division finite."""


class Adam(_Moments):
    """PyTorch's Adam: momentum, divided by the root of a moving mean of squared gradients.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR; Reddi, Kale and Kumar (2018), "On the
    convergence of Adam and beyond", ICLR, for `amsgrad`; ``torch.optim.Adam``.
    """

    name = "torch-adam"
    rule = "Adam"

    amsgrad: bool = False
    """Whether the divisor never becomes smaller."""


class AdamW(Adam):
    """PyTorch's AdamW: Adam with decoupled weight decay.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", ICLR; ``torch.optim.AdamW``.
    """

    name = "torch-adamw"
    rule = "AdamW"

    weight_decay: float = Field(default=0.01, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient."""


class Adamax(_Moments):
    """PyTorch's Adamax: Adam with the largest gradient, slowly forgotten, in place of the root mean square.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR; ``torch.optim.Adamax``.
    """

    name = "torch-adamax"
    rule = "Adamax"

    lr: float = Field(default=2e-3, gt=0)
    """Learning rate."""


class NAdam(_Moments):
    """PyTorch's NAdam: Adam with Nesterov's momentum, and a schedule of the momentum.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop; ``torch.optim.NAdam``.
    """

    name = "torch-nadam"
    rule = "NAdam"

    lr: float = Field(default=2e-3, gt=0)
    """Learning rate."""
    momentum_decay: float = Field(default=4e-3, ge=0)
    """How fast the momentum comes to its final value."""
    decoupled_weight_decay: bool = False
    """Whether the weight decay is apart from the gradient, as in AdamW."""


class RAdam(_Moments):
    """PyTorch's rectified Adam: without division until the mean of squares is reliable, so that it needs no warm-up.

    References
    ----------
    Liu, Jiang, He, Chen, Liu, Gao and Han (2020), "On the variance of the adaptive learning rate and beyond", ICLR;
    ``torch.optim.RAdam``.
    """

    name = "torch-radam"
    rule = "RAdam"

    decoupled_weight_decay: bool = False
    """Whether the weight decay is apart from the gradient, as in AdamW."""
