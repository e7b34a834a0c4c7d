"""The IDX format, in which MNIST and its relatives are published."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from optikit import Data, Dataset, FilePath, InputError, Samples

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


class Idx(Data):
    """Images and labels in IDX files, plain or gzipped, as MNIST is published.

    Inputs are the pixels of an image by rows; bytes are scaled from 0 to 255 to 0 to 1.  With files of their own for
    the held-out part, everything in the first two is for training.

    References
    ----------
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits" (the format is described there).
    """

    name = "idx"

    images: FilePath
    """File of the images, two or more dimensions."""
    labels: FilePath
    """File of their labels, one dimension."""
    held_out_images: FilePath | None = None
    """File of the images to hold out; needs `held_out_labels`."""
    held_out_labels: FilePath | None = None
    """File of their labels."""

    def load(self) -> Dataset:
        """Read the files."""
        train = _samples("", self.images, self.labels)
        if self.held_out_images is None and self.held_out_labels is None:
            return self.split(train.inputs, train.targets)
        if self.held_out_images is None or self.held_out_labels is None:
            raise InputError("held_out_images and held_out_labels go together; give both or neither")
        return Dataset(train, _samples("held_out_", self.held_out_images, self.held_out_labels))


def _samples(prefix: str, images: Path, labels: Path) -> Samples:
    from_images, from_labels = f"{prefix}images = {images}", f"{prefix}labels = {labels}"
    inputs, targets = _read(images, from_images), _read(labels, from_labels)
    if inputs.ndim < 2:
        raise InputError(f"{from_images}: it has {inputs.ndim} dimension, as labels have; are the files swapped?")
    if targets.ndim != 1 or targets.dtype.kind not in "iu":
        raise InputError(
            f"{from_labels}: it has {targets.ndim} dimensions of {targets.dtype}, but labels are one of integers; "
            "are the files swapped?"
        )
    if not len(inputs):
        raise InputError(f"{from_images}: it has no images")
    if len(inputs) != len(targets):
        raise InputError(
            f"{from_images} has {len(inputs)} images, but {from_labels} has {len(targets)} labels; give a pair"
        )
    scale = 255.0 if inputs.dtype.itemsize == 1 else 1.0
    return Samples(inputs.reshape(len(inputs), -1) / scale, targets.astype(np.int64))


def _read(path: Path, where: str) -> NDArray[Any]:
    """Read one array; the size that the header promises is compared before the data are read."""
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            # Deflate makes nothing smaller than a thousandth or so.
            most = path.stat().st_size * (1100 if zipped else 1)
            if not zipped:
                return _parse(raw, where, most)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _parse(stream, where, most)
    except FileNotFoundError:
        raise InputError(f"{where}: there is no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where}: it cannot be read ({error})") from None


def _parse(stream: IO[bytes] | gzip.GzipFile, where: str, most: int) -> NDArray[Any]:
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _DTYPES or not 1 <= head[3] <= 8:
        raise InputError(f"{where}: this is no IDX file; it begins with {head.hex(' ') or 'nothing'}")
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise InputError(f"{where}: the IDX file is cut off in its header")
    shape = struct.unpack(f">{head[3]}I", sizes)
    dtype = np.dtype(_DTYPES[head[2]])
    wanted = math.prod(shape) * dtype.itemsize
    promise = f"{where}: its header promises {wanted:,} bytes of shape {shape}"
    if wanted > most:
        raise InputError(f"{promise}, but the file cannot hold so many; is it cut off?")
    data = stream.read(wanted + 1)
    if len(data) != wanted:
        found = "more" if len(data) > wanted else f"only {len(data):,}"
        raise InputError(f"{promise}, but there are {found}; is it cut off, or damaged?")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
