"""What every component owes, of whatever kind: it is its own configuration, and so can be written down and sent."""

import json
import math
import pickle
import re
import tomllib
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast, get_args

import tomli_w
from pydantic import ValidationError

from optikit.component import Component, explain
from optikit.testing.check import Check
from optikit.testing.subject import Subject

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def is_described(subject: Subject) -> None:
    """Have a name, and a text for the class and each field, which is all that users will see."""
    cls = type(_of(subject))
    assert _NAME.fullmatch(cls.name), f"{cls.__qualname__}.name is {cls.name!r}, not lower-case words joined by hyphens"
    own = vars(cls).get("__doc__") or ""
    assert own.strip(), f"{cls.__qualname__} has no docstring; its first line is what `optikit list` shows"
    properties = cls.model_json_schema()["properties"]
    silent = [name for name, field in properties.items() if not field.get("description", "").strip()]
    assert not silent, f"there is no text under {' and '.join(f'`{name}`' for name in silent)}"


def survives_json_and_toml(subject: Subject) -> None:
    """Be the same after being written to JSON and TOML and read again."""
    given = _of(subject)
    try:
        hash(given)
        written = given.model_dump(mode="json")
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"a field holds what can be changed or cannot be written ({error}); have numbers, text, tuples and "
            "components as fields, and what all runs share as a ClassVar"
        ) from None
    for what, read in (
        ("JSON", json.loads(json.dumps(written))),
        ("TOML", tomllib.loads(tomli_w.dumps(_without_nulls(written)))),
    ):
        try:
            again = remade(type(given), read)
        except ValidationError as error:
            loc, sentence = explain(error)[0]
            raise AssertionError(f"it cannot be read again from {what}: {'.'.join(map(str, loc))} {sentence}") from None
        assert again == given, f"it is another one when it is read from {what}"
        assert hash(again) == hash(given), f"its hash is another one when it is read from {what}"


def travels(subject: Subject) -> None:
    """Be the same in another process, where workers put it to use."""
    given = _of(subject)
    assert pickle.loads(pickle.dumps(given)) == given, "it is another one behind a pipe"
    assert deepcopy(given) == given, "its copy is another one"


def refuses_wrong_fields(subject: Subject) -> None:
    """Refuse a misspelt option, and NaN or text for a number, by its name."""
    given = _of(subject)
    fields = given.model_dump(mode="json")
    numbers = [name for name in fields if _is_number(type(given).model_fields[name].annotation)]
    wrong: list[tuple[str, Any]] = [("no_such_option", 1)]
    wrong += [(name, value) for name in numbers for value in (math.nan, math.inf, "0.1")]
    for name, value in wrong:
        says = refusal(lambda name=name, value=value: remade(type(given), {**fields, name: value}), ValueError)
        assert says is not None, f"{name} = {value!r} is taken"
        assert name in says, f"{name} = {value!r} is refused without its name: {says}"


def cannot_be_changed(subject: Subject) -> None:
    """Have no field that can be set, so as to be the same at the end of a run as at its beginning."""
    given = _of(subject)
    for name, value in given:
        said = refusal(lambda name=name, value=value: setattr(given, name, value), ValidationError)
        assert said, f"{name} can be set"


CHECKS = [
    Check(name="described", holds=is_described),
    Check(name="config", holds=survives_json_and_toml),
    Check(name="travels", holds=travels),
    Check(name="wrong fields", holds=refuses_wrong_fields),
    Check(name="frozen", holds=cannot_be_changed),
]


def remade(cls: type[Component], fields: dict[str, Any]) -> Component:
    """Make a component of a class with fields as they are written, whether it is installed or not."""
    from optikit import registry

    return cls.model_validate(fields, context={"folder": None, "make": registry.default().make})


def refusal(act: Callable[[], Any], kind: type[Exception]) -> str | None:
    """Give what is said where something is refused, and None where it is done."""
    try:
        act()
    except kind as error:
        return str(error)
    return None


def _of(subject: Subject) -> Component:
    subject.asked += 1
    return subject.component


def _is_number(annotation: Any) -> bool:
    return bool({int, float} & {annotation, *get_args(annotation)})


def _without_nulls(table: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None: TOML cannot say it, and a field that is left out has its default."""
    return {
        key: _without_nulls(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }
