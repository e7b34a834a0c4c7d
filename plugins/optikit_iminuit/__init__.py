"""MINUIT's MIGRAD and SIMPLEX by the library iminuit."""

from optikit import hookimpl
from optikit_iminuit.minuit import Migrad, Simplex


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [Migrad, Simplex]
