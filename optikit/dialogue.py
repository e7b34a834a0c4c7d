"""A session as a dialogue in lines of JSON: what a shell, a lab robot or a job queue can speak.

A line goes out for each batch of questions, ``{"ask": [x, ...]}``, with ``"gradient": true`` where gradients are asked
for, too.  A line comes in for each batch of answers: a list with, for each x in the same order, a number; or null where
there is none, ``{"failed": "why"}``, or ``[value, gradient]``.  At the end comes ``{"result": {...}}``.  A wrong line
is complained about, and changes nothing; the end of the input is a pause, and what was told is in the checkpoint.
"""

import json
import math
from collections.abc import Iterable
from typing import Any, TextIO, cast

from numpy.typing import NDArray

from optikit.errors import InputError, OptikitError, raised
from optikit.session import Session
from optikit.store import CheckpointError
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
            complain(f"line {number}: {error if isinstance(error, OptikitError) else raised(error)}")
            if not session.ended:
                continue
        _ask(session, out)


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
