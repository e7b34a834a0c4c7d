"""Optax's other update rules: by the gradient, its sign, its square, or the sizes of gradient and x.

What is computed layer by layer in a network takes the whole of x as one layer here.
"""

from typing import ClassVar, Literal

from pydantic import Field

from optikit_optax.bridge import OptaxRule, PacedRule


class SGD(PacedRule):
    """Optax's gradient descent with momentum.

    The momentum multiplies the learning rate from outside, as in PyTorch.  With bounds, x is clipped after every move,
    and the momentum is left as it is.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton (2013), "On the importance of initialization and momentum in deep learning",
    ICML; ``optax.sgd``.
    """

    name = "optax-sgd"
    rule = "sgd"

    learning_rate: float = Field(default=0.01, gt=0)
    """Learning rate; optax has no default."""
    momentum: float | None = Field(default=None, ge=0)
    """Fraction of the last step that is made again; none by default, 0.9 is common."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""


class Adagrad(PacedRule):
    """Optax's Adagrad: every coordinate has its own learning rate, by the root of the sum of squared gradients.

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 12; ``optax.adagrad``.
    """

    name = "optax-adagrad"
    rule = "adagrad"

    learning_rate: float = Field(default=0.01, gt=0)
    """Learning rate; optax has no default."""
    initial_accumulator_value: float = Field(default=0.1, ge=0)
    """First value of the sum."""
    eps: float = Field(default=1e-7, ge=0)
    """Keeps the division finite."""


class RMSProp(PacedRule):
    """Optax's RMSProp: the gradient, divided by the root of a moving mean of its square.

    References
    ----------
    Tieleman and Hinton (2012), "Lecture 6.5 - RMSProp", Coursera; Graves (2013), "Generating sequences with recurrent
    neural networks", arXiv:1308.0850, for `centered`; ``optax.rmsprop``.
    """

    name = "optax-rmsprop"
    rule = "rmsprop"

    decay: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the mean of the square forgets."""
    eps: float = Field(default=1e-8, ge=0)
    """Keeps the division finite."""
    initial_scale: float = Field(default=0.0, ge=0)
    """First value of the mean of the square."""
    eps_in_sqrt: bool = True
    """Whether `eps` is inside the root."""
    centered: bool = False
    """Whether the mean gradient is subtracted: the division is by an estimate of the standard deviation."""
    momentum: float | None = Field(default=None, ge=0)
    """Fraction of the last step that is made again; none by default."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""
    bias_correction: bool = False
    """Whether the means are corrected for their start."""


class Lion(PacedRule):
    """Optax's Lion: the sign of a mean of gradients, so that every coordinate moves by the learning rate.

    References
    ----------
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", NeurIPS 36; ``optax.lion``.
    """

    name = "optax-lion"
    rule = "lion"

    learning_rate: float = Field(default=1e-4, gt=0)
    """Size of every step in every coordinate, about a tenth of Adam's; optax has no default."""
    b1: float = Field(default=0.9, ge=0, lt=1)
    """Share of the mean in what the sign is taken of."""
    b2: float = Field(default=0.99, ge=0, lt=1)
    """How slowly the mean forgets."""
    weight_decay: float = Field(default=1e-3, ge=0)
    """Shrinks x by this, times the learning rate, in every move, apart from the gradient."""


class LARS(PacedRule):
    """LARS: gradient descent whose steps are in proportion to the norm of x; for very large minibatches.

    The whole of x counts as one layer.

    References
    ----------
    You, Gitman and Ginsburg (2017), "Large batch training of convolutional networks", arXiv:1708.03888; ``optax.lars``.
    """

    name = "optax-lars"
    rule = "lars"

    learning_rate: float = Field(default=1.0, gt=0)
    """Learning rate; optax has no default."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Adds this times x to the gradient."""
    trust_coefficient: float = Field(default=1e-3, gt=0)
    """Norm of a step, relative to that of x, at a learning rate of 1."""
    eps: float = Field(default=0.0, ge=0)
    """Added to the norm of the gradient."""
    momentum: float = Field(default=0.9, ge=0)
    """Fraction of the last step that is made again."""
    nesterov: bool = False
    """Whether the momentum looks ahead."""


class LAMB(PacedRule):
    """LAMB: Adam whose steps are in proportion to the norm of x; for very large minibatches.

    The whole of x counts as one layer.

    References
    ----------
    You et al. (2020), "Large batch optimization for deep learning: training BERT in 76 minutes", ICLR; ``optax.lamb``.
    """

    name = "optax-lamb"
    rule = "lamb"

    b1: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the mean of the gradient forgets."""
    b2: float = Field(default=0.999, ge=0, lt=1)
    """How slowly the mean of the square forgets."""
    eps: float = Field(default=1e-6, ge=0)
    """Keeps the division finite."""
    eps_root: float = Field(default=0.0, ge=0)
    """Added to the mean of the square inside the root."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Adds this times x to the direction, before it is scaled."""


class NovoGrad(PacedRule):
    """NovoGrad: momentum of gradients of length 1; the mean of squares is one number.

    The whole of x counts as one layer.

    References
    ----------
    Ginsburg et al. (2019), "Stochastic gradient methods with layer-wise adaptive moments for training of deep
    networks", arXiv:1905.11286; ``optax.novograd``.
    """

    name = "optax-novograd"
    rule = "novograd"

    b1: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the momentum forgets."""
    b2: float = Field(default=0.25, ge=0, lt=1)
    """How slowly the mean of the squared norm forgets."""
    eps: float = Field(default=1e-6, ge=0)
    """Keeps the division finite."""
    eps_root: float = Field(default=0.0, ge=0)
    """Added to the mean of the squared norm inside the root."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Adds this times x to the normed gradient."""


class Fromage(PacedRule):
    """Fromage: steps of a length in proportion to the norm of x, which is shrunk a little so that it does not grow.

    The whole of x counts as one layer.  At x = 0 it does not move far: start elsewhere.

    References
    ----------
    Bernstein, Vahdat, Yue and Liu (2020), "On the distance between two neural networks and the stability of learning",
    NeurIPS 33; ``optax.fromage``.
    """

    name = "optax-fromage"
    rule = "fromage"

    learning_rate: float = Field(default=0.01, gt=0)
    """Relative length of a step; optax has no default."""
    min_norm: float = Field(default=1e-6, ge=0)
    """Smallest norm of x and of the gradient that counts."""


class SM3(PacedRule):
    """SM3: Adagrad with little memory for matrices; for a vector, as x is here, it is Adagrad with momentum.

    References
    ----------
    Anil, Gupta, Koren and Singer (2019), "Memory-efficient adaptive optimization", NeurIPS 32; ``optax.sm3``.
    """

    name = "optax-sm3"
    rule = "sm3"

    learning_rate: float = Field(default=0.1, gt=0)
    """Learning rate; optax has no default."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the mean of the steps forgets."""


class Adafactor(PacedRule):
    """Optax's Adafactor: steps relative to the size of x, by a mean of squared gradients that forgets less and less.

    The memory is not factored here, as x is a vector.

    References
    ----------
    Shazeer and Stern (2018), "Adafactor: adaptive learning rates with sublinear memory cost", ICML;
    ``optax.adafactor``.
    """

    name = "optax-adafactor"
    rule = "adafactor"

    learning_rate: float = Field(default=0.01, gt=0)
    """Relative length of a step.  Optax's default, None, would make steps of length 1."""
    decay_rate: float = Field(default=0.8, gt=0, lt=1)
    """Power of the step with which the mean of the squares takes in new ones."""
    multiply_by_parameter_scale: bool = True
    """Whether steps are relative to the root mean square of x."""
    clipping_threshold: float = Field(default=1.0, gt=0)
    """The root mean square of the scaled gradient is cut to this."""
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """How slowly a mean of the steps forgets; none by default."""
    weight_decay_rate: float | None = Field(default=None, ge=0)
    """Shrinks x by this in every move."""
    eps: float = Field(default=1e-30, gt=0)
    """Smallest squared gradient."""


class PolyakSGD(OptaxRule):
    """Polyak's step: the length at which a linear model would reach the lowest value, which has to be known.

    It is `scaling (f(x) - f_min) / |g|^2`, and no more than `max_learning_rate`.

    References
    ----------
    Polyak (1987), "Introduction to optimization"; Loizou, Vaswani, Laradji and Lacoste-Julien (2021), "Stochastic
    Polyak step-size for SGD", AISTATS; ``optax.polyak_sgd``.
    """

    name = "optax-polyak-sgd"
    rule = "polyak_sgd"
    rate: ClassVar[str] = "max_learning_rate"

    max_learning_rate: float = Field(default=1.0, gt=0)
    """Longest step, in units of the gradient."""
    scaling: float = Field(default=1.0, gt=0)
    """Factor of the step."""
    f_min: float = 0.0
    """The lowest value, or a bound below it."""
    eps: float = Field(default=0.0, ge=0)
    """Added to the squared norm of the gradient."""
    variant: Literal["sps", "sps+"] = "sps"
    """Whether f(x) - f_min may be negative, or counts as 0 then."""
