"""PyTorch's update rules that follow the gradient, or scale each coordinate by the gradients before."""

from typing import Annotated, Self

from annotated_types import Gt, Lt
from pydantic import Field, model_validator

from optikit_torch.bridge import DecayingRule, TorchRule


class SGD(DecayingRule):
    """PyTorch's gradient descent with momentum.

    The momentum multiplies the learning rate from outside: `v = momentum v + (1 - dampening) g`, and `x = x - lr v`.
    With bounds, x is clipped after every move, and the momentum is left as it is.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in deep learning",
    ICML; ``torch.optim.SGD``.
    """

    name = "torch-sgd"
    rule = "SGD"

    momentum: float = Field(default=0.0, ge=0)
    """Fraction of the last step that is made again; 0.9 is common."""
    dampening: float = Field(default=0.0)
    """Fraction of the gradient that does not enter the momentum."""
    nesterov: bool = False
    """Whether the momentum looks ahead; needs a momentum, and no dampening."""

    @model_validator(mode="after")
    def _looks_ahead(self) -> Self:
        if self.nesterov and (self.momentum <= 0 or self.dampening != 0):
            raise ValueError("torch-sgd: nesterov needs a momentum above 0 and a dampening of 0")
        return self


class ASGD(DecayingRule):
    """PyTorch's averaged gradient descent: steps that shrink, along the gradient.

    PyTorch keeps the average of the iterates for itself (its ``ax``); what is moved, and recommended here, is not
    averaged.  The composition `averaging` does that for every rule.

    References
    ----------
    Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization 30; ``torch.optim.ASGD``.
    """

    name = "torch-asgd"
    rule = "ASGD"

    lr: float = Field(default=0.01, gt=0)
    """First learning rate."""
    lambd: float = Field(default=1e-4, ge=0)
    """Decay of the learning rate, and of x."""
    alpha: float = Field(default=0.75, ge=0)
    """Power with which the learning rate falls."""
    t0: float = Field(default=1e6, ge=0)
    """Steps before averaging begins."""


class Adagrad(DecayingRule):
    """PyTorch's Adagrad: every coordinate has its own learning rate, by the root of the sum of squared gradients.

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12; ``torch.optim.Adagrad``.
    """

    name = "torch-adagrad"
    rule = "Adagrad"

    lr: float = Field(default=0.01, gt=0)
    """Learning rate."""
    lr_decay: float = Field(default=0.0, ge=0)
    """The learning rate is divided by 1 + lr_decay (t - 1)."""
    initial_accumulator_value: float = Field(default=0.0, ge=0)
    """First value of the sum."""
    eps: float = Field(default=1e-10, ge=0)
    """Keeps the division finite."""


class Adadelta(DecayingRule):
    """PyTorch's Adadelta: steps as large as the steps before, divided by the gradients before.

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method", arXiv:1212.5701; ``torch.optim.Adadelta``.
    """

    name = "torch-adadelta"
    rule = "Adadelta"

    lr: float = Field(default=1.0, gt=0)
    """Factor of the step."""
    rho: float = Field(default=0.9, ge=0, le=1)
    """How slowly the means forget."""
    eps: float = Field(default=1e-6, ge=0)
    """Keeps the division finite, and the first steps from being zero."""


class Adafactor(DecayingRule):
    """PyTorch's Adafactor: steps relative to the size of x, by a moving mean of squared gradients that forgets less.

    The memory is not factored here, as x is a vector.  The learning rate is an upper limit of the relative step
    1 / sqrt(t).

    References
    ----------
    Shazeer and Stern (2018), "Adafactor: adaptive learning rates with sublinear memory cost", ICML;
    ``torch.optim.Adafactor``, which torch has from 2.5 on.
    """

    name = "torch-adafactor"
    rule = "Adafactor"

    lr: float = Field(default=0.01, gt=0)
    """Largest relative step."""
    beta2_decay: float = Field(default=-0.8, le=0)
    """Power of the step with which the mean of the squares takes in new ones."""
    eps: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] | None = None
    """Smallest squared gradient, and smallest size of x; by default the rounding unit of the precision, and 0.001."""
    d: float = Field(default=1.0, ge=1)
    """The root mean square of the scaled gradient is cut to this."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient (decoupled)."""


class RMSprop(DecayingRule):
    """PyTorch's RMSprop: the gradient, divided by the root of a moving mean of its square.

    References
    ----------
    Tieleman and Hinton (2012), "Lecture 6.5 - RMSProp", Coursera; Graves (2013), "Generating sequences with recurrent
    neural networks", arXiv:1308.0850, for `centered`; ``torch.optim.RMSprop``.
    """

    name = "torch-rmsprop"
    rule = "RMSprop"

    lr: float = Field(default=0.01, gt=0)
    """Learning rate."""
    alpha: float = Field(default=0.99, ge=0)
    """How slowly the mean of the square forgets."""
    eps: float = Field(default=1e-8, ge=0)
    """Keeps the division finite."""
    momentum: float = Field(default=0.0, ge=0)
    """Fraction of the last step that is made again."""
    centered: bool = False
    """Whether the mean gradient is subtracted: the division is by an estimate of the standard deviation."""


class Rprop(TorchRule):
    """PyTorch's Rprop: only the signs of the gradient count, and every coordinate adapts its step; not for minibatches.

    References
    ----------
    Riedmiller and Braun (1993), "A direct adaptive method for faster backpropagation learning: the RPROP algorithm",
    IEEE International Conference on Neural Networks; ``torch.optim.Rprop``.
    """

    name = "torch-rprop"
    rule = "Rprop"

    lr: float = Field(default=0.01, gt=0)
    """First step of every coordinate."""
    etas: tuple[Annotated[float, Gt(0), Lt(1)], Annotated[float, Gt(1)]] = (0.5, 1.2)
    """Factors of the step where the sign changes, and where it stays."""
    step_sizes: tuple[Annotated[float, Gt(0)], Annotated[float, Gt(0)]] = (1e-6, 50.0)
    """Smallest and largest step."""
