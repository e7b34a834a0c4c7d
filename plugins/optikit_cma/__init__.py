"""CMA-ES by its author's library, pycma."""

from optikit import hookimpl
from optikit_cma.evolution import CmaEs


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizer."""
    return [CmaEs]
