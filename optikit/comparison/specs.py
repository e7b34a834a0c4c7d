"""Problems and optimizers as they are written on the command line.

``rosenbrock``, ``rosenbrock:dimension=5``, or a table in TOML or JSON.  Of problems a field may have several values, by
commas or as a range of whole numbers: ``bbob:function=1-24,dimension=2,5`` are 48 problems.
"""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

from optikit.errors import InputError
from optikit.experiment import read_table, written

_RANGE = re.compile(r"(\d+)-(\d+)")
_MOST = 10_000
"""Values that a range may stand for."""


def problems(text: str) -> list[Any]:
    """Read a problem, or several of one name.

    Raises
    ------
    InputError
        If it is not written like that.
    """
    if text.lstrip().startswith("{"):
        return [read_table("PROBLEM", text)]
    name, fields = _parted(text)
    values = dict[str, list[Any]]()
    for part in fields:
        field, equals, value = part.partition("=")
        if equals:
            last = values.setdefault(field.strip(), [])
        else:
            last, value = next(reversed(values.values())), part
        last += _ranged(value.strip(), text)
    return [{"name": name, **dict(zip(values, chosen, strict=True))} for chosen in product(*values.values())]


def optimizers(texts: Sequence[str]) -> list[Any]:
    """Read optimizers, several of them in a text by commas.

    Raises
    ------
    InputError
        If one is not written like that.
    """
    found = list[Any]()
    for text in texts:
        if text.lstrip().startswith("{"):
            found.append(read_table("--optimizers", text))
            continue
        for part in _split(text):
            before = part.partition("=")[0]
            if "=" not in part:
                found.append({"name": part.strip()})
            elif ":" in before:
                name, _, field = before.rpartition(":")
                found.append({"name": name.strip(), field.strip(): written(part.partition("=")[2].strip())})
            elif found:
                found[-1][before.strip()] = written(part.partition("=")[2].strip())
            else:
                raise InputError(f"--optimizers {text}: write it as NAME:FIELD=VALUE")
    return found


def _parted(text: str) -> tuple[str, list[str]]:
    """Part a name from its fields; a colon may also stand in the name, after a distribution."""
    before, equals, _ = text.partition("=")
    if not equals:
        return text.strip(), []
    name, colon, _ = before.rpartition(":")
    if not colon or not name.strip():
        raise InputError(f"{text}: write it as NAME:FIELD=VALUE,FIELD=VALUE")
    return name.strip(), _split(text[len(name) + 1 :])


def _ranged(value: str, text: str) -> list[Any]:
    match = _RANGE.fullmatch(value)
    if match is None:
        return [written(value)]
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + _MOST:
        raise InputError(f"{text}: {value} is no range; write the smaller number first, such as 1-24")
    return list(range(first, last + 1))


def _split(text: str) -> list[str]:
    """Split at commas that stand in no bracket."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in ")}]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
