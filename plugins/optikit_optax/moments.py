"""Optax's Adam and its family."""

from pydantic import Field

from optikit_optax.bridge import PacedRule


class _Moments(PacedRule):
    """Moving means of the gradient and of its square."""

    b1: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the mean of the gradient forgets."""
    b2: float = Field(default=0.999, ge=0, lt=1)
    """How slowly the mean of the square forgets."""
    eps: float = Field(default=1e-8, ge=0)
    """Keeps the division finite."""


class _Rooted(_Moments):
    """One that can have a constant inside the root."""

    eps_root: float = Field(default=0.0, ge=0)
    """Added to the mean of the square inside the root."""


class Adam(_Rooted):
    """Optax's Adam: momentum, divided by the root of a moving mean of squared gradients.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR; ``optax.adam``.
    """

    name = "optax-adam"
    rule = "adam"

    nesterov: bool = False
    """Whether the momentum looks ahead."""


class AdamW(Adam):
    """Optax's AdamW: Adam with decoupled weight decay.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled weight decay regularization", ICLR; ``optax.adamw``.
    """

    name = "optax-adamw"
    rule = "adamw"

    weight_decay: float = Field(default=1e-4, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient."""


class Adamax(_Moments):
    """Optax's Adamax: Adam with the largest gradient, slowly forgotten, in place of the root mean square.

    References
    ----------
    Kingma and Ba (2015), "Adam: a method for stochastic optimization", ICLR; ``optax.adamax``.
    """

    name = "optax-adamax"
    rule = "adamax"


class NAdam(Adam):
    """Optax's NAdam: Adam with Nesterov's momentum.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam", ICLR workshop; ``optax.nadam``.
    """

    name = "optax-nadam"
    rule = "nadam"

    nesterov: bool = True
    """Whether the momentum looks ahead."""


class RAdam(Adam):
    """Optax's rectified Adam: without division until the mean of squares is reliable, so that it needs no warm-up.

    References
    ----------
    Liu, Jiang, He, Chen, Liu, Gao and Han (2020), "On the variance of the adaptive learning rate and beyond", ICLR;
    ``optax.radam``.
    """

    name = "optax-radam"
    rule = "radam"

    threshold: float = Field(default=5.0, ge=4)
    """Length of the average from which on the mean of squares counts as reliable; below 4 its formula has no value."""


class AMSGrad(_Rooted):
    """Optax's AMSGrad: Adam whose divisor never becomes smaller.

    References
    ----------
    Reddi, Kale and Kumar (2018), "On the convergence of Adam and beyond", ICLR; ``optax.amsgrad``.
    """

    name = "optax-amsgrad"
    rule = "amsgrad"


class AdaBelief(_Rooted):
    """AdaBelief: Adam that divides by how far gradients are from their mean: steps are long where they agree.

    References
    ----------
    Zhuang, Tang, Ding, Tatikonda, Dvornek, Papademetris and Duncan (2020), "AdaBelief optimizer: adapting stepsizes by
    the belief in observed gradients", NeurIPS 33; ``optax.adabelief``.
    """

    name = "optax-adabelief"
    rule = "adabelief"

    eps: float = Field(default=1e-16, ge=0)
    """Keeps the division finite."""
    eps_root: float = Field(default=1e-16, ge=0)
    """Added to the mean of the square inside the root."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""


class Adan(_Rooted):
    """Adan: Adam with Nesterov's momentum written as means of the gradient, of its change, and of their square.

    References
    ----------
    Xie, Zhou, Li, Lin and Yan (2024), "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 46; ``optax.adan``.
    """

    name = "optax-adan"
    rule = "adan"

    b1: float = Field(default=0.98, ge=0, lt=1)
    """How slowly the mean of the gradient forgets."""
    b2: float = Field(default=0.92, ge=0, lt=1)
    """How slowly the mean of the change of the gradient forgets."""
    b3: float = Field(default=0.99, ge=0, lt=1)
    """How slowly the mean of the square forgets."""
    eps_root: float = Field(default=1e-8, ge=0)
    """Added to the mean of the square inside the root."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient."""


class Yogi(_Moments):
    """Yogi: Adam whose mean of squares grows by steps of a limited size, so that the learning rate does not jump.

    References
    ----------
    Zaheer, Reddi, Sachan, Kale and Kumar (2018), "Adaptive methods for nonconvex optimization", NeurIPS 31;
    ``optax.yogi``.
    """

    name = "optax-yogi"
    rule = "yogi"

    eps: float = Field(default=1e-3, ge=0)
    """Keeps the division finite, and limits how adaptive it is."""
