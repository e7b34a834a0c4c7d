"""The built-in sources of data."""

from optikit import hookimpl
from optikit_data.idx import Idx
from optikit_data.mnist_sample import MnistSample
from optikit_data.tables import Csv, Npz

__all__ = ["Csv", "Idx", "MnistSample", "Npz"]


@hookimpl
def optikit_components() -> list[type]:
    """Bring the sources."""
    return [Csv, Idx, MnistSample, Npz]
