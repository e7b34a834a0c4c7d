"""A plugin as a patient: it is looked at in a process of its own, which it may kill, block or fill as it likes.

`reports` starts `optikit.examined` for each plugin, a few at a time.  One that breaks in Python has the fault that the
registry finds, since it is the registry that looks in there.  One that takes the interpreter with it, or never comes
back, is known from what it left: how far it came, and a traceback.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, NamedTuple

from optikit import registry
from optikit.fault import Fault, lethal
from optikit.pool import cores

_GRACE, _LOOK = 5.0, 0.02
"""Seconds that the process itself has to end one that takes too long, and between two looks at it."""
_CODE = """
import json, sys
sys.path[:], what, *rest = json.loads(sys.argv[1])
from optikit import examined
getattr(examined, what)(*rest)
"""
"""Begins with our path, so that the same is found in there; and with no folder of a script on it."""


def reports(points: Sequence[EntryPoint], probe: bool, patience: float) -> list[dict[str, Any]]:
    """Have each plugin looked at.

    Parameters
    ----------
    points : sequence of importlib.metadata.EntryPoint
        The plugins.
    probe : bool
        Whether optimizers are run for a moment.
    patience : float
        Seconds that each stage of a plugin may take.

    Returns
    -------
    list of dict
        One for each, as from `optikit.examined.examine`.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(min(4, cores())) as pool:
        try:
            return list(pool.map(partial(_report, probe=probe, patience=patience, stop=stop), points))
        finally:
            stop.set()  # after Ctrl-C no other one is begun, and those that run are ended


def others(distribution: str, patience: float) -> list[dict[str, Any]] | None:
    """Have one process say what the plugins of all other distributions bring; None if one of them ends it."""
    lines, _, _ = _left("others", [distribution, patience], patience, threading.Event())
    return next((line["report"] for line in lines if "report" in line), None)


def _report(point: EntryPoint, *, probe: bool, patience: float, stop: threading.Event) -> dict[str, Any]:
    """Have a process look at one plugin; give its report, with a fault if it did not come to an end."""
    if stop.is_set():
        return {}
    wanted = [registry.distribution_of(point), point.name, point.value, patience, probe]
    lines, end, trace = _left("one", wanted, patience, stop)
    report: dict[str, Any] | None = next((line["report"] for line in lines if "report" in line), None)
    if report is None:
        report = {"milliseconds": None, "imports": {}, "components": [], "deprecated": []}
        report["faults"] = [asdict(_death(point, lines, end, trace, patience))]
    return report


def _left(
    what: str, arguments: list[Any], patience: float, stop: threading.Event
) -> tuple[list[dict[str, Any]], "_Ended", str]:
    """Have a process look at something; give what it has written, how it ended, and a traceback if it left one."""
    with (
        tempfile.TemporaryDirectory(prefix="optikit-doctor-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        # What a plugin prints is no part of our output.  Each is a file of its own, as one that is replaced by another
        # of them, or by the null device, shall be seen.
        names = "stdin", "stdout", "stderr"
        stdin, stdout, stderr = (stack.enter_context((Path(folder) / name).open("w+b")) for name in names)
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE, json.dumps([sys.path, what, folder, *arguments])],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # what it has started ends with it
        )
        written, trace = Path(folder) / "report", Path(folder) / "trace"
        try:
            end = _waited(process, written, patience + _GRACE, stop)
        finally:
            _end(process)
        said = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() else ""
        return _lines(written), end, said


class _Ended(NamedTuple):
    """How a process has ended."""

    status: int | None
    """As the system says; None if it has not begun another stage for so long."""
    stopped: int = 0
    """The signal that has stopped it before."""


def _waited(process: subprocess.Popen[bytes], written: Path, patience: float, stop: threading.Event) -> _Ended:
    """Wait for the end of a process."""
    size, until, stopped = -1, 0.0, 0
    while process.poll() is None and not stop.is_set():
        now = written.stat().st_size if written.exists() else 0
        if now != size:
            size, until = now, time.monotonic() + patience
        elif time.monotonic() > until:
            return _Ended(None, stopped)
        stopped = stopped or _aborted(process)
        time.sleep(_LOOK)
    return _Ended(process.returncode, stopped)


def _aborted(process: subprocess.Popen[bytes]) -> int:
    """Abort a process that has been stopped, so that it says where; give the signal that did it, or 0."""
    if sys.platform in ("win32", "darwin"):
        return 0
    with suppress(ChildProcessError):
        found = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG)
        if found is not None:
            os.kill(process.pid, signal.SIGABRT)
            os.kill(process.pid, signal.SIGCONT)
            return found.si_status
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _lines(written: Path) -> list[dict[str, Any]]:
    """Read a report, of which the last line may be torn."""
    lines: list[dict[str, Any]] = []
    with suppress(OSError, ValueError):
        for line in written.read_text(encoding="utf-8").splitlines():
            lines.append(json.loads(line))
    return lines


def _death(point: EntryPoint, lines: list[dict[str, Any]], end: _Ended, trace: str, patience: float) -> Fault:
    """Describe a plugin that took its process with it, or did not come back."""
    known = {key: value for line in lines for key, value in line.items()}
    where = _place(point, trace)
    exited = re.match(r"os\._exit\(.*\)", trace)
    status = end.status
    if end.stopped:
        problem = f"it stopped the process ({_signal(end.stopped)})"
    elif status is None or trace.startswith("Timeout"):
        problem = f"it did not come back within {patience:g} seconds"
    elif exited:
        problem = f"it ended the process with {exited[0]}"
    elif "raised" in known:
        problem, where = f"it raised {known['raised']}", known["where"]
    elif status < 0:
        problem = f"it killed the process ({_signal(-status)})"
    else:
        problem = f"it ended the process with the status {status}"
    return lethal(point, registry.distribution_of(point), known.get("stage", "import"), where, problem)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _place(point: EntryPoint, trace: str) -> str:
    """Find the last line of the plugin's own code in what the interpreter left."""
    package = re.split(r"[.:\s\[]", point.value.strip(), maxsplit=1)[0]
    for file, line in re.findall(r'^  File "(.*)", line (\d+) in ', trace, re.MULTILINE):
        if package in (Path(file).stem, *Path(file).parent.parts):
            return f"{file}:{line}"
    return f"entry point {point.name} = {point.value}"
