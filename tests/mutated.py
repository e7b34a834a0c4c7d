"""Files that somebody has changed: at random, or on purpose; and who looks out for code that runs meanwhile."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from optikit import InputError

RUNS = {
    *("exec", "marshal.loads", "pickle.find_class", "import", "ctypes.dlopen", "code.__new__", "function.__new__"),
    *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen"),
    *("socket.connect", "socket.bind", "os.chmod", "shutil.rmtree"),
}
"""What Python's audit hooks report when code is run or loaded."""
LONGEST = 1100
"""Characters of one sentence."""
_seen: list[str] | None = None


def _audit(event, arguments):
    if _seen is not None and event in RUNS:
        _seen.append(f"{event} {arguments!r:.200}")


sys.addaudithook(_audit)  # it cannot be removed again, so it is asleep most of the time


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fail if code is run or loaded; what is used lazily has to be loaded before."""
    global _seen
    _seen = []
    try:
        yield
        found = _seen
    finally:
        _seen = None
    assert found == []


def mutate(data, rng):
    """Change a few bytes, cut it off, double a piece, or put a piece in another place."""
    data = bytearray(data)
    how = rng.integers(5)
    for _ in range(int(rng.integers(1, 8))):
        i, j = (int(at) for at in rng.integers(len(data), size=2))
        if how == 0:
            data[i] = int(rng.integers(256))
        elif how == 1:
            data[i : i + 8] = bytes(rng.integers(256, size=8, dtype="u1"))
        elif how == 2:
            data[i : i + 16] = data[j : j + 16]
        elif how == 3:
            data[i:i] = data[j : j + int(rng.integers(1, 64))]
    return bytes(data[: int(rng.integers(1, len(data)))] if how == 4 else data)


WORDS = [b"-1", b"0", b"1e400", b"nan", b"9" * 30, b"[]", b"{}", b'""', b"true", b"[[1]]", b"1979-05-27", b'"\\u0000"']


def reword(data, rng):
    """Change a text, so that most of what comes out has its grammar still: put some words in the place of others."""
    pieces = re.split(rb"(\b[\w.]+\b)", data)
    words = pieces[1::2]
    for _ in range(int(rng.integers(1, 3))):
        i, j = (int(at) for at in rng.integers(len(words), size=2))
        pieces[2 * i + 1] = words[j] if rng.random() < 0.5 else WORDS[int(rng.integers(len(WORDS)))]
    return b"".join(pieces)


def opened(read, path, contents) -> dict[str, int]:
    """Read a file with each of many contents: each is read, or refused in one sentence, and no code runs."""
    counts = {"files": 0, "read": 0, "refused": 0}
    for content in contents:
        path.write_bytes(content)
        counts["files"] += 1
        try:
            with nothing_runs():
                read(path)
            counts["read"] += 1
        except InputError as error:
            counts["refused"] += 1
            sentence = str(error)
            assert sentence.isprintable(), sentence
            assert len(sentence) < LONGEST
    return counts
