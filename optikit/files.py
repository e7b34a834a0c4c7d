"""Arrays on disk: npz files that can be read without trust, and written without being torn.

Nothing is ever unpickled, and sizes are compared before anything is inflated: a file can do no more than be refused.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from optikit.errors import InputError

MOST_BYTES = 4 << 30
"""Largest array that is read, 4 GiB."""


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
        If the file or an array is missing, damaged, too large, or not of plain numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            wanted = list(members) if names is None else list(names)
            for name in wanted:
                if name not in members:
                    raise InputError(f"{path}: there is no array {name!r}; it has {', '.join(members)}")
            return {name: _read(archive, members[name], f"{path}: {name}") for name in wanted}
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: this is no readable npz file ({error})") from None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> NDArray[Any]:
    with archive.open(info) as stream:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        size = dtype.itemsize
        for length in shape:
            size *= length
        if dtype.kind not in "biufU" or size > MOST_BYTES or size > info.file_size:
            raise InputError(f"{where}: an array of {dtype} and shape {shape} is not taken from this file")
        data = stream.read(size)
        if len(data) != size:
            raise InputError(f"{where}: the array is cut off")
    array = np.frombuffer(data, dtype=dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an npz file, whole or not at all."""

    def write(stream: IO[bytes]) -> None:
        np.savez_compressed(stream, allow_pickle=False, **cast("dict[str, Any]", dict(arrays)))

    write_whole(path, write)


def save_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    write_whole(path, lambda stream: stream.write(text.encode()))


def write_whole(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write beside the file and move it into place, so that a torn write leaves the old file as it was."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # mkstemp makes files for their owner alone
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
