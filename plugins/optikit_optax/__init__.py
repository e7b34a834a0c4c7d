"""optax's update rules on NumPy parameters."""

from optikit import hookimpl
from optikit_optax.moments import AdaBelief, Adam, Adamax, AdamW, Adan, AMSGrad, NAdam, RAdam, Yogi
from optikit_optax.scaled import LAMB, LARS, SGD, SM3, Adafactor, Adagrad, Fromage, Lion, NovoGrad, PolyakSGD, RMSProp

__all__ = [
    "LAMB",
    "LARS",
    "SGD",
    "SM3",
    "AMSGrad",
    "AdaBelief",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Adan",
    "Fromage",
    "Lion",
    "NAdam",
    "NovoGrad",
    "PolyakSGD",
    "RAdam",
    "RMSProp",
    "Yogi",
]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        *(SGD, Adagrad, RMSProp, Lion, LARS, LAMB, NovoGrad, Fromage, SM3, Adafactor, PolyakSGD),
        *(Adam, AdamW, Adamax, NAdam, RAdam, AMSGrad, AdaBelief, Adan, Yogi),
    ]
