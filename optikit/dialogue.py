"""A session as a dialogue in lines of JSON: what a shell, a lab robot or a job queue can speak.

A line goes out for each batch of questions, ``{"ask": [x, ...]}``, with ``"gradient": true`` where gradients are asked
for, too.  A line comes in for each batch of answers: a list with, for each x in the same order, a number; or null where
there is none, ``{"failed": "why"}``, or ``[value, gradient]``.  At the end comes ``{"result": {...}}``.  A wrong line
is complained about, and changes nothing; the end of the input is a pause, and what was told is in the checkpoint.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

from numpy.typing import NDArray
from pydantic import ValidationError

from optikit.component import explain
from optikit.database import CheckpointError
from optikit.errors import InputError, OptikitError, raised
from optikit.experiment import ConstraintTable, read_table
from optikit.session import Session
from optikit.task import read_constraint
from optikit.terminal import complain


class EvaluationError(Exception):
    """What somebody told instead of a number."""


def converse(session: Session, lines: Iterable[str], out: TextIO) -> None:
    """Ask on `out`, and read the answers from `lines`, until either ends.

    Parameters
    ----------
    session : Session
        What is asked and told.
    lines : iterable of str
        What comes in.
    out : text stream
        Where questions and the result go, each flushed as it is written.

    Raises
    ------
    InputError
        If answers cannot be written to the checkpoint.
    """
    _ask(session, out)
    for number, line in enumerate(lines, 1):
        if session.ended:
            return
        if not line.strip():
            continue
        try:
            session.tell([_answer(each) for each in _list(line)])
        except CheckpointError as error:
            raise InputError(str(error)) from None
        except Exception as error:  # of a wrong line, or of the optimizer, which ends the run
            complain(f"line {number}: {_said(error)}")
            if not session.ended:
                continue
        _ask(session, out)


def begin(path: Path | None, run: int | None, options: Mapping[str, Any]) -> Session:
    """Begin a session, or continue one, by what the command line says.

    Parameters
    ----------
    path : Path, optional
        The file of the session to continue.
    run : int, optional
        Its number in the file.
    options : mapping
        What was given, by the names that `Session` knows.

    Raises
    ------
    InputError
        If something is missing, or wrong.
    """
    given = {name: _READ[name](f"--{_dashed(name)}", value) for name, value in options.items() if name in _READ}
    given = {**options, **given}
    if path is None:
        if run is not None:
            raise InputError("--run goes with --resume; a new session has no number yet")
        if missing := [f"--{name}" for name in ("optimizer", "x0") if name not in given]:
            raise InputError(f"a session needs {' and '.join(missing)}, or --resume FILE")
        return _made(Session, **given)
    if left := sorted(set(given) - _AGAIN):
        others = ", ".join(f"--{_dashed(name)}" for name in sorted(_AGAIN))
        raise InputError(
            f"--{_dashed(left[0])} is in the file that --resume continues; leave it out ({others} may stay)"
        )
    return _made(Session.resume, path, run=run, **given)


def _made(make: Callable[..., Session], *args: Any, **options: Any) -> Session:
    """Make a session; what is wrong is said in one sentence, whoever found it."""
    try:
        return make(*args, **options)
    except InputError as error:
        raise InputError(_said(error)) from error.__cause__
    except OptikitError:
        raise
    except Exception as error:  # of a constraint, or of the optimizer
        again = "go on with --resume" if options.get("checkpoint") or args else "begin again"
        raise InputError(f"the session could not go on: its code {_said(error)}; mend that, and {again}") from error


_OPTIONS = "optimizer|gradient|bounds|fixed|scale|constraints|history|target|stop|rng|checkpoint"
_KEYWORDS = re.compile(
    rf"(?<![\w.'-])(?:max_evals|max_grads|max_steps|feasibility_tol|on_error)\b|(?<![\w.'-])(?:{_OPTIONS})(?==)"
)
"""Words of Python that are options here; words that are none of English, and others where a value follows."""


def _said(error: Exception) -> str:
    """Say what went wrong, with options as they are written here, and where, if the code of others raised it."""
    if isinstance(error, OptikitError):
        said = _KEYWORDS.sub(lambda found: f"--{_dashed(found[0])}", str(error))
        return said.replace("=(low, high)", "='[low, high]'")
    return ", ".join([raised(error), *getattr(error, "__notes__", ())])


_AGAIN = {"max_evals", "max_grads", "max_steps", "target", "stop", "constraints"}
"""What may be given when a session is continued."""


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def read_constraints(option: str, text: str) -> list[Any]:
    """Read a list of constraints, written as in an experiment file.

    Raises
    ------
    InputError
        If one of them is wrong.
    """
    given: Any = read_json(option, text)
    if not isinstance(given, list):
        raise InputError(f'{option} {text}: write a list of tables, such as [{{"A": [[1, 1]], "upper": 2}}]')
    made: list[Any] = []
    for i, table in enumerate(cast("list[Any]", given)):
        try:
            made.append(read_constraint(str(i), Path(), **dict(ConstraintTable.model_validate(table))))
        except ValidationError as error:
            place, sentence = explain(error)[0]
            raise InputError(f"{option}: {' '.join(map(str, (i, *place)))} {sentence}") from None
        except InputError as error:
            raise InputError(f"{option}: {error}") from None
    return made


def read_json(what: str, text: str) -> Any:
    """Read an option that is a JSON document.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} {text.strip()[:80]}: this is no JSON ({error})") from None


_READ: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("x0", "bounds", "fixed", "scale"), read_json),
    **dict.fromkeys(("optimizer", "gradient", "on_error"), read_table),
    "stop": lambda option, rules: [read_table(option, rule) for rule in rules],
    "constraints": read_constraints,
}
"""How options are read that are no plain numbers or words."""


def _list(line: str) -> list[Any]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is no JSON ({error}); write a list with an answer for each question") from None
    if not isinstance(given, list):
        raise InputError("this is no list; write a list with an answer for each question, such as [1.5, null]")
    return cast("list[Any]", given)


def _answer(given: Any) -> Any:
    if isinstance(given, dict):
        said = cast("dict[str, Any]", given)
        if set(said) != {"failed"}:
            raise InputError(f'{json.dumps(given)} is no answer; write a number, null, or {{"failed": "why"}}')
        return EvaluationError(str(said["failed"]))
    if isinstance(given, list) and given:
        value, *rest = cast("list[Any]", given)
        return [_answer(value), *rest]
    return math.nan if given is None else cast("object", given)


def _ask(session: Session, out: TextIO) -> None:
    if points := session.ask():
        said: dict[str, Any] = {"ask": points}
        if session.asks_gradient:
            said["gradient"] = True
    else:
        result = session.result
        fun = result.fun if math.isfinite(result.fun) else None  # JSON has no infinity
        found = {"x": result.x, "fun": fun, "success": result.success, "reason": result.reason}
        counts = {"nfev": result.nfev, "njev": result.njev, "nit": result.nit}
        said = {"result": {**found, "message": result.message, **counts}}
    out.write(json.dumps(said, default=_plain) + "\n")
    out.flush()


def _plain(value: NDArray[Any]) -> Any:
    """Give arrays as lists."""
    return value.tolist()
