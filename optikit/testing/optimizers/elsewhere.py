"""Another process, which has other hashes: a component is made there of its class and its fields, and put to work.

One process serves all checks, as an interpreter takes long to start; one that hangs or dies is replaced.  Requests and
answers are lines of JSON.
"""

import atexit
import faulthandler
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from optikit.component import Component
from optikit.imported import imported
from optikit.testing.components import remade
from optikit.testing.optimizers.trial import OptimizerSubject, minimized

PATIENCE = 60.0
"""Seconds for a run there, and for the libraries that it loads."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from optikit.testing.optimizers.elsewhere import serve; serve()"
_helper: "list[subprocess.Popen[str]]" = []


def fingerprint(component: Component, max_evals: int) -> list[str]:
    """Give what an optimizer finds, to the last bit; what it raises is for other checks."""
    return fingerprint_of(OptimizerSubject(component=component), max_evals)


def fingerprint_of(subject: OptimizerSubject, max_evals: int) -> list[str]:
    """Give the same of a subject, which counts and notes what it is asked."""
    try:
        result, _ = minimized(subject, 3, max_evals)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return [float(value).hex() for value in (result.fun, *result.x, *result.history.fun)]


def found(component: Component, number: int, look: Callable[[Component, int], list[str]] = fingerprint) -> list[str]:
    """Give what a function says of a component and a number, in another process.

    Parameters
    ----------
    component : Component
        It is made there again.
    number : int
        What the function is given besides.
    look : callable
        A function of a module; by default `fingerprint`.

    Raises
    ------
    AssertionError
        If nothing comes back in time, or the component cannot be made there.
    """
    cls = type(component)
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    where = "define it at the top of a module, so that another process can make it"
    assert "<locals>" not in cls.__qualname__, f"{cls.__qualname__} is defined in a function; {where}"
    assert file is not None or cls.__module__ != "__main__", f"{cls.__qualname__} is defined in no file; {where}"
    request = {
        **{"module": cls.__module__, "file": file, "qualname": cls.__qualname__, "path": sys.path},
        **{"fields": component.model_dump(mode="json"), "number": number, "patience": PATIENCE},
        "look": [look.__module__, look.__name__],
    }
    answer = _answered(json.dumps(request))
    assert answer is not None, f"{cls.name}: nothing came back from another process in time, or it has crashed"
    given = json.loads(answer)
    assert "error" not in given, f"another process cannot make it: {given.get('error')}"
    return given["found"]


def serve() -> None:
    """Answer requests, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print, too
    for line in sys.stdin:
        request = json.loads(line)
        # This needs no signal of Python's, and so ends C, too.
        faulthandler.dump_traceback_later(request["patience"], exit=True, file=sys.__stderr__ or 2)
        print(json.dumps(_served(request)), file=answers, flush=True)
        faulthandler.cancel_dump_traceback_later()


def _served(request: dict[str, Any]) -> dict[str, Any]:
    sys.path[:] = request["path"]
    try:
        cls = _class(request["module"], request["file"], request["qualname"])
        component = remade(cls, request["fields"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    home, look = request["look"]
    return {"found": getattr(import_module(home), look)(component, request["number"])}


def _class(module: str, file: str | None, qualname: str) -> Any:
    """Find a class by its module, or by its file where no other process can import that."""
    outer, *inner = qualname.split(".")
    try:
        if module == "__main__":
            raise ImportError("this process has another one of that name")
        found = getattr(import_module(module), outer)
    except ImportError:
        if file is None:
            raise
        found = imported(f"{Path(file).name}:{outer}", Path(file).parent)
    for name in inner:
        found = getattr(found, name)
    return found


def _answered(request: str) -> str | None:
    """Give the answer of the helper; None if it hangs or dies."""
    if not _helper or _helper[0].poll() is not None:
        _end()
        _helper[:] = [_started()]
    helper = _helper[0]
    assert helper.stdin, "this is a pipe"
    assert helper.stdout, "this is a pipe"
    try:
        print(request, file=helper.stdin, flush=True)
        if answer := helper.stdout.readline():
            return answer
    except BrokenPipeError:
        pass
    except BaseException:  # whoever is interrupted here would read the answer as that to the next request
        _end()
        raise
    _end()
    return None


def _started() -> "subprocess.Popen[str]":
    hashes = "7" if os.environ.get("PYTHONHASHSEED") != "7" else "8"
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _START, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": hashes},
    )


@atexit.register
def _end() -> None:
    while _helper:
        with (helper := _helper.pop()):
            helper.kill()
