"""Py-BOBYQA: derivative-free trust regions that can deal with noise."""

from optikit import hookimpl
from optikit_pybobyqa.trust_region import PyBobyqa


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizer."""
    return [PyBobyqa]
