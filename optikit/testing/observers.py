"""The suite of observers: a run is the same whether they watch or not, and what they opened is closed in the end."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from optikit.errors import InputError
from optikit.observer import Observer
from optikit.run import minimize
from optikit.testing.check import Check
from optikit.testing.subject import Subject
from optikit.testing.untouched import untouched

STEPS = 12
"""Of the runs that are watched."""
RUN = f"minimize(sum((x - 0.3)**2), np.ones(3), optimizer='random-search', bounds=(-2, 2), max_steps={STEPS}, rng=0)"
"""What is watched."""


def changes_nothing(subject: Subject) -> None:
    """Change no number of a run, draw nothing, and raise nothing."""
    alone = _run()
    with _folder() as folder:
        _run(_placed(subject, folder, "first"))  # some libraries draw while they are loaded
        with untouched():
            watched = _run(_placed(subject, folder, "watched"))
    assert watched.message == alone.message, f"the run ends with {watched.message!r}, and alone with {alone.message!r}"
    same = np.array_equal(watched.x, alone.x) and np.array_equal(watched.history.fun, alone.history.fun)
    assert same, "the run goes another way when it is watched"


def gives_back_what_it_opened(subject: Subject) -> None:
    """Close what it has opened when a run ends, is refused, or raises."""
    ends = {"ended": _run, "been refused": _refused_run, "raised": _raising_run}
    with _folder() as folder:
        _run(_placed(subject, folder, "first"))  # libraries that are loaded now keep something for good
        for end, run in ends.items():
            before = _held()
            run(_placed(subject, folder, end.replace(" ", "-")))
            for what, kept in _held().items():
                assert kept == before[what], f"when a run has {end}, it keeps {what}: {kept}, and before {before[what]}"


def watches_many_runs(subject: Subject) -> None:
    """Watch one run after another, and two at once, as one component does for all of an experiment."""
    with _folder() as folder:
        first, second = (_placed(subject, folder, name) for name in ("one", "two"))
        assert isinstance(first, Observer), f"placed gives {type(first).__name__}; return an observer"
        results = [_run(first), _run(second), _run(_placed(subject, folder, "three"), _placed(subject, folder, "four"))]
        same = all(np.array_equal(result.x, results[0].x) for result in results)
        assert same, "the second run goes another way than the first"


def writes_where_it_is_told(subject: Subject) -> None:
    """Write into the folder of an experiment, and nowhere else, if it has been placed there."""
    with _folder() as folder:
        (folder / "results").mkdir()
        _run(_placed(subject, folder / "results", "run"))
        beside = sorted(path.name for path in folder.iterdir() if path.name != "results")
        assert not beside, f"it writes {', '.join(beside)} into the current folder; see placed(folder, name)"


CHECKS = [
    Check(name="unchanged", holds=changes_nothing),
    Check(name="closed", holds=gives_back_what_it_opened),
    Check(name="many runs", holds=watches_many_runs),
    Check(name="folder", holds=writes_where_it_is_told),
]


def _bowl(x: Any) -> float:
    return float(((x - 0.3) ** 2).sum())


def _run(*observers: Any, fun: Any = _bowl, optimizer: str = "random-search") -> Any:
    """Make a run that is watched, and see that nobody complains."""
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("always")
        try:
            return minimize(
                fun, np.ones(3), optimizer=optimizer, bounds=(-2, 2), max_steps=STEPS, rng=0, observers=list(observers)
            )
        finally:
            said = [str(each.message) for each in caught if str(each.message).startswith("the observer")]
            if said:
                raise AssertionError(said[0])


def _refused_run(observer: Any) -> None:
    try:
        _run(observer, optimizer="gradient-descent")  # without a gradient
    except InputError:
        return


def _raising_run(observer: Any) -> None:
    calls: list[None] = []

    def fails(x: Any) -> float:
        calls.append(None)
        if len(calls) > STEPS // 2:
            raise ZeroDivisionError
        return _bowl(x)

    try:
        _run(observer, fun=fails)
    except ZeroDivisionError:
        return


def _placed(subject: Subject, folder: Path, name: str) -> Any:
    subject.asked += 1
    subject.note(placed=("a folder", name), run=RUN)
    return subject.component.placed(folder, name)


@contextmanager
def _folder() -> Generator[Path]:
    """Be in an empty folder."""
    with TemporaryDirectory() as folder, chdir(folder):
        yield Path(folder)


def _held() -> dict[str, Any]:
    """Look at what a process holds."""
    descriptors = Path("/dev/fd")
    return {
        "files": len(os.listdir(descriptors)) if descriptors.is_dir() else 0,
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "stdout and stderr": (id(sys.stdout), id(sys.stderr)),
        "the folder": os.getcwd(),
        "the handler of Ctrl-C": signal.getsignal(signal.SIGINT),
    }
