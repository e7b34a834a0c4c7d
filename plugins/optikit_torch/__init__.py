"""PyTorch's optimizers on NumPy parameters: its update rules, and its L-BFGS."""

from optikit import hookimpl
from optikit_torch.adaptive import ASGD, SGD, Adadelta, Adafactor, Adagrad, RMSprop, Rprop
from optikit_torch.lbfgs import LBFGS
from optikit_torch.moments import Adam, Adamax, AdamW, NAdam, RAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        *(SGD, ASGD, Adagrad, Adadelta, Adafactor, RMSprop, Rprop),
        *(Adam, AdamW, Adamax, NAdam, RAdam),
        LBFGS,
    ]
