"""A lock on a file, held by one process at a time and let go by the system when that process dies, however it does."""

import os
import sys
from pathlib import Path

from optikit.errors import InputError

_held = set[int]()


def _forget() -> None:
    """Close in a fork what its parent holds: who outlives the parent for a moment shall not hold it, too."""
    for file in _held:
        os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Lock:
    """Held from when it is made until `release`.

    Parameters
    ----------
    path : Path
        The file that is to be used by one process only; the lock itself lies beside it.

    Raises
    ------
    InputError
        If another process, or another run of this one, holds it, or the folder cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}-lock")
        while True:
            try:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise InputError(f"{path}: it cannot be written to ({error.strerror}); pass another file") from None
            if not _taken(self._file):
                os.close(self._file)
                raise InputError(f"{path}: another run is writing to it; wait until it ends, or pass another file")
            if self._is_there():
                _held.add(self._file)
                return
            os.close(self._file)  # whoever held it has removed it meanwhile

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go."""
        self._path.unlink(missing_ok=True)
        _held.discard(self._file)
        os.close(self._file)


def _taken(file: int) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
