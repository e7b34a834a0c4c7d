"""Arrays on disk: npz files that can be read without trust, and written without being torn.

Nothing is ever unpickled, and sizes are compared before anything is inflated: a file can do no more than be refused.
"""

import ast
import math
import os
import secrets
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from optikit.errors import InputError

MOST_BYTES = 4 << 30
"""Most that is read from one file, 4 GiB."""
_MOST_HEADER = 10_000
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What `zipfile` inflates no further than it is asked to; of bzip2 and LZMA it inflates all that it has read."""


def load_arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read arrays from an npz file.

    Parameters
    ----------
    path : Path
        The file.
    names : iterable of str, optional
        Those to read; all by default.

    Returns
    -------
    dict of str to ndarray
        By name.

    Raises
    ------
    InputError
        If the file or an array is missing, damaged, too large, or not of plain numbers or text.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            wanted = list(members) if names is None else list(names)
            for name in wanted:
                if name not in members:
                    raise InputError(f"{path}: there is no array {name!r}; it has {', '.join(members)}")
            if any(members[name].compress_type not in _BOUNDED for name in wanted):
                raise InputError(f"{path}: its arrays are packed in another way than NumPy packs them")
            if sum(members[name].file_size for name in wanted) > MOST_BYTES:
                raise InputError(f"{path}: its arrays promise more than {MOST_BYTES:,} bytes")
            return {name: _read(archive, members[name], f"{path}: {name}") for name in wanted}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except InputError:
        raise
    except Exception as error:  # a damaged file makes zipfile, zlib and NumPy raise many things
        raise InputError(f"{path}: this is no readable npz file ({type(error).__name__}: {error})") from None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> NDArray[Any]:
    with archive.open(info) as stream:
        head = stream.read(12)
        wide = head[6:7] > b"\1"  # since version 2 the length of the header has four bytes
        length = int.from_bytes(head[8:12] if wide else head[8:10], "little")
        if head[:6] != b"\x93NUMPY" or length > _MOST_HEADER:
            raise InputError(f"{where}: this is no array")
        text = (head[12:] if wide else head[10:]) + stream.read(length - (0 if wide else 2))
        header = ast.literal_eval(text.decode("latin1"))
        shape, dtype = header["shape"], np.dtype(header["descr"])
        if not all(type(size) is int and size >= 0 for size in shape):
            raise InputError(f"{where}: an array cannot have the shape {shape}")
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "biufU" or size > info.file_size:
            raise InputError(f"{where}: an array of {dtype} and shape {shape} is not taken from this file")
        data = stream.read(size)
        if len(data) != size:
            raise InputError(f"{where}: the array is cut off")
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape[::-1]).T if header["fortran_order"] else array.reshape(shape)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an npz file, whole or not at all."""

    def write(stream: IO[bytes]) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy.write_array(member, np.asarray(array), allow_pickle=False)

    write_whole(path, write)


def save_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    write_whole(path, lambda stream: stream.write(text.encode()))


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write beside the file and move it into place, so that a torn write leaves the old file as it was."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("xb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
