"""A page about one component: what it is, its fields, what it can do, and an example that runs."""

import inspect
import json
import re
from textwrap import indent
from typing import Any, cast

from optikit import formula, registry
from optikit.component import Component
from optikit.errors import InputError
from optikit.fault import said
from optikit.gradient import GradientEstimator
from optikit.guard import guarded
from optikit.registry import Entry

_RULE = r"^\.\. math:: *(.*(?:\n +.*)*)"
"""A formula that stands for itself."""


def availability(entry: Entry) -> dict[str, Any]:
    """Say as plain data whether what a component requires is installed."""
    if (missing := entry.missing) is None:
        return {"available": True}
    problem = f"it needs {missing}, which is not installed"
    return {"available": False, "extra": missing, "problem": problem, "remedy": entry.remedy}


def described(entry: Entry) -> dict[str, Any]:
    """Describe a component as plain data, without running it."""
    name = registry.default().written(entry)
    return {"kind": entry.kind, "name": name, "distribution": entry.distribution, **looked_up(entry)}


def looked_up(entry: Entry) -> dict[str, Any]:
    """Describe what can be said of a component without knowing what others there are."""
    described: dict[str, Any] = {"summary": entry.summary, "description": entry.summary}
    if entry.chosen:
        cls = cast("type[Component]", entry.item)
        required = any(field.is_required() for field in cls.model_fields.values())
        schema: dict[str, Any] = {}
        with guarded() as raised:
            schema = cls.model_json_schema()
            if issubclass(cls, GradientEstimator) and not required:
                described["cost"] = {str(n): cls().cost(n) for n in (10, 1000)}
            if issubclass(cls, GradientEstimator):
                described["error_estimate"] = cls.estimate is not GradientEstimator.estimate
        for error in raised:
            raise InputError(f"the {entry.kind} {entry.name!r} cannot be described: {said(error)}")
        own = inspect.get_annotations(cls)  # a component's own fields before those that it shares with others
        schema["properties"] = dict(sorted(schema["properties"].items(), key=lambda field: field[0] not in own))
        if cls.requires is not None:
            described |= {"requires": cls.requires, **availability(entry)}
        described |= {
            "description": inspect.cleandoc(cls.__doc__ or ""),
            "class": f"{cls.__module__}.{cls.__qualname__}",
            "schema": schema,
        }
    return described


def document(entry: Entry) -> dict[str, Any]:
    """Describe a component as plain data; an optimizer with what it can do, for which it is probed, and an example."""
    from optikit import able
    from optikit.example import example  # `optikit doctor` describes components too, and needs no example

    data = described(entry)
    if entry.chosen:
        sections = re.split(r"\n\n?(\w+)\n-+\n", data["description"])
        rules = re.findall(_RULE, data["description"], re.MULTILINE)
        data["update_rule"] = [" ".join(rule.split()) for rule in rules]
        data["reference"] = dict(zip(sections[1::2], sections[2::2], strict=True)).get("References")
    if entry.kind == "optimizer":
        schema = data["schema"]
        shown = example(entry, {name: schema["properties"][name] for name in schema.get("required", [])})
        # Those with the defaults, as `optikit list` has them; what depends on a required field is not known of it.
        of_itself = able.abilities(data["name"]) if shown.fields else shown.abilities
        data["abilities"] = of_itself.model_dump()
        if shown.fields:
            data |= {"example_fields": shown.fields, "example_abilities": shown.abilities.model_dump()}
        data["example"] = shown.program
    return data


def page(entry: Entry) -> str:
    """Describe a component as text."""
    data = document(entry)
    lines = [f"{data['kind']} {data['name']}  (from {data['distribution']})", "", _plain(data["description"]), ""]
    if "requires" in data:
        state = "which is installed" if data["available"] else f"which is not installed; {data['remedy']}"
        lines.append(f"needs {data['requires']}, {state}")
    for n, cost in data.get("cost", {}).items():
        count = "unknown" if cost is None else f"{cost:,}"
        lines.append(f"evaluations for {int(n):,} coordinates, with the defaults: {count}")
    if "error_estimate" in data:
        lines.append(f"error estimate for every coordinate: {'yes' if data['error_estimate'] else 'no'}")
    schema = data.get("schema", {"properties": {}})
    required = schema.get("required", [])
    if schema["properties"]:
        lines += ["", "Fields", "------"]
    for name, field in schema["properties"].items():
        default = "required" if name in required else f"default {json.dumps(field.get('default'))}"
        lines += [
            f"{name}: {kind_of(field)}, {default}",
            "    " + _plain(" ".join(field.get("description", "").split())),
        ]
    if "abilities" in data:
        lines += ["", "Abilities", "---------", *_abilities(data["abilities"], "the defaults")]
    given = {name: json.dumps(value) for name, value in data.get("example_fields", {}).items()}
    if given:
        fields = ", ".join(f"{name} = {value}" for name, value in given.items())
        lines += ["", "For example:", *_abilities(data["example_abilities"], fields)]
    if entry.chosen:
        table = f"problem.{entry.kind}" if entry.kind in ("data", "model", "loss") else f"runs.NAME.{entry.kind}"
        inner = {"schedule": "runs.NAME.optimizer.schedule", "stopping": "runs.NAME.stop"}
        table = {**inner, "observer": "[runs.NAME.observers]", "problem": "problem"}.get(entry.kind, table)
        lines += [
            "",
            "In an experiment file",
            "---------------------",
            f"[{table}]",
            f"name = {json.dumps(data['name'])}",
        ]
        offered = {name: schema["properties"][name].get("examples") for name in required}
        shown = {name: json.dumps(examples[0]) for name, examples in offered.items() if examples} | given
        lines += [f"{name} = {shown[name]}" if name in shown else f"# {name} is required" for name in required]
    text = "\n".join(lines).replace("\n\n\n", "\n\n")
    return f"{text}\n\nIn Python\n---------\n{data['example']}" if data.get("example") else text


def _abilities(abilities: dict[str, Any], fields: str) -> list[str]:
    """Say in words what an optimizer with these fields can do."""
    from optikit.probe import Abilities

    if abilities["unknown"]:
        return [f"unknown: {abilities['unknown']}"]
    titles = {name: field.title for name, field in Abilities.model_fields.items() if field.title}
    lines = [f"{title}: {'yes' if abilities[name] else 'no'}" for name, title in titles.items()]
    return [*lines, f"(found by running it for a moment, with {fields})"]


def kind_of(field: dict[str, Any]) -> str:
    """Say in words which values a field of a JSON schema takes."""
    if "component" in field:
        return f"{field['component']} (its name, or a table with its name and fields)"
    if "enum" in field:
        return " or ".join(json.dumps(value) for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(kind_of(choice) for choice in field["anyOf"])
    kind = {"integer": "whole number", "number": "number", "boolean": "true or false", "null": "nothing"}.get(
        field.get("type", ""), {"path": "file", None: "text"}.get(field.get("format"), "text")
    )
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    if field.get("type") == "array":
        kind = f"list of ({kind_of(field.get('items', {}))}),"
        signs = {"minItems": "at least", "maxItems": "at most"}
        if "prefixItems" in field:  # so many, each with its own range
            return f"list of ({', '.join(map(kind_of, field['prefixItems']))})"
    limits = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return f"{kind} {' and '.join(limits)}".strip(" ,")


def _plain(text: str) -> str:
    """Take the markup out of a docstring."""
    text = re.sub(r":math:`([^`]*)`", lambda found: formula.plain(found[1]), text)
    text = re.sub(_RULE, lambda found: indent(formula.plain(found[1]), "    "), text, flags=re.MULTILINE)
    return re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("``", "")
