"""An example for an optimizer: a program that runs, made of what it needs.

It is made from the abilities, so it has a gradient where one is needed and bounds where a box is; and from the required
fields, which are given another component, or the first of the `examples` of the field.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from optikit import able, registry
from optikit.component import Component
from optikit.errors import InputError
from optikit.probe import Abilities
from optikit.registry import Entry

_TEMPLATE = """\
import optikit


def valley(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


optimizer = optikit.get({made})
result = optikit.minimize(valley, [-1.2, 1.0], {arguments})
print(result)
"""


class Example(NamedTuple):
    """An optimizer as the example has it."""

    abilities: Abilities
    fields: dict[str, Any]
    """Those that are not left at their defaults."""
    program: str | None
    """The source, or None where it is not known what the optimizer needs."""


def example(entry: Entry, required: Mapping[str, Any]) -> Example:
    """Make an example for an optimizer.

    Parameters
    ----------
    entry : Entry
        The optimizer.
    required : mapping
        The JSON schemas of its required fields, by name.

    Returns
    -------
    Example
        The program, and the abilities of the optimizer in it.
    """
    name = registry.default().written(entry)
    fields = _filled(required)
    try:
        made = registry.default().make("optimizer", {**fields, "name": name}) if fields else name
    except InputError:
        made = name
    found = able.abilities(made)
    if not found.complete:
        return Example(found, fields, None)
    words = ['"optimizer"', f'"{name}"', *(f"{field}={_source(value)}" for field, value in fields.items())]
    arguments = {
        "optimizer=optimizer": True,
        'gradient="central-difference"': found.needs_gradient,
        "bounds=(-2, 2)": found.needs_box,
        # A library that draws may take long to choose a point: TPE as long as for 30,000 values of this function.
        f"max_evals={300 if found.stochastic and entry.item.requires else 2000}": True,
        "rng=0": found.stochastic,
    }
    given = [argument for argument, needed in arguments.items() if needed]
    return Example(found, fields, _TEMPLATE.format(made=", ".join(words), arguments=", ".join(given)))


def example_fields(cls: type[Component]) -> dict[str, Any]:
    """Give values for the required fields of a component, as far as they are known.

    Parameters
    ----------
    cls : type
        The class; it need not be installed.

    Returns
    -------
    dict
        For `Registry.make`, or to validate: parts are named.
    """
    if not _required(cls):
        return {}
    schema = cls.model_json_schema()
    return _filled({name: schema["properties"][name] for name in schema.get("required", ())})


def _filled(required: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, schema in required.items() if (value := _value(schema)) is not None}


def _required(cls: type[Component]) -> bool:
    return any(field.is_required() for field in cls.model_fields.values())


def _source(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _value(schema: Mapping[str, Any]) -> Any:
    """Give a required field a value: the first component of its kind that needs nothing, or the author's example."""
    if "component" not in schema:
        return next(iter(schema.get("examples", [])), None)
    for entry in registry.default().entries:
        if entry.kind == schema["component"] and entry.item.requires is None and not _required(entry.item):
            return registry.default().written(entry)
    return None
