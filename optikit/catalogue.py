"""The catalogue: what the registry knows, as plain data and as text for people."""

import inspect
import json
import re
from dataclasses import asdict
from typing import Any, cast

from optikit import registry
from optikit.component import Component
from optikit.errors import InputError, did_you_mean
from optikit.fault import Fault, defined_at, said
from optikit.gradient import GradientEstimator
from optikit.registry import Entry

KINDS = (*registry.BASES, "observer")


def rows(kind: str | None = None) -> list[dict[str, Any]]:
    """List the components, and after them what cannot be used, as plain data.

    Parameters
    ----------
    kind : str, optional
        Those of this kind only.

    Returns
    -------
    list of dict
        With `kind`, `name`, `distribution`, `summary` and `available`; what cannot be used also has `problem` and
        `remedy`, and `extra` if it only needs that; what is broken has no kind if that is not known.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"there is no kind {kind!r}; {did_you_mean(kind, KINDS)}")
    known = registry.default()
    whole = [
        {
            "kind": entry.kind,
            "name": known.written(entry),
            "distribution": entry.distribution,
            "summary": entry.summary,
            **_availability(entry),
        }
        for entry in known.entries
    ]
    broken = [
        {
            "kind": fault.kind,
            "name": fault.name or fault.plugin,
            "distribution": fault.distribution,
            "summary": "",
            "available": False,
            "stage": fault.stage,
            "where": fault.where,
            "problem": fault.problem,
            "remedy": fault.remedy,
        }
        for fault in known.faults
    ]
    whole.sort(key=lambda row: (KINDS.index(row["kind"]), row["name"]))
    return [row for row in whole + broken if kind in (None, row["kind"])]


def _availability(entry: Entry) -> dict[str, Any]:
    if (missing := entry.missing) is None:
        return {"available": True}
    problem = f"it needs {missing}, which is not installed"
    return {"available": False, "extra": missing, "problem": problem, "remedy": entry.remedy}


def plugins() -> list[dict[str, Any]]:
    """List the installed plugins by their metadata; none of their code runs."""
    return [
        {
            "distribution": point.dist.name if point.dist else "unknown",
            "version": point.dist.version if point.dist else "",
            "plugin": point.name,
            "module": point.value,
        }
        for point in registry.installed()
    ]


def columns(rows: list[dict[str, Any]]) -> str:
    """Lay rows out in columns; by hand, as a table of rich would be a tenth of the time that `optikit list` takes."""
    shown = ("kind", "name", "distribution", "summary") if any("kind" in row for row in rows) else tuple(*rows[:1])
    cells = [shown, *(tuple(_cell(row, key) for key in shown) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cell(row: dict[str, Any], key: str) -> str:
    if row.get("available", True):
        return str(row[key])
    problem = f"{row['problem']}; {row['remedy']}" if "extra" in row else row["problem"]
    return {"kind": row["kind"] or "broken", "summary": problem}.get(key, str(row[key]))


def find(name: str, kind: str | None = None) -> Entry:
    """Find a component by its name, in one kind or in all.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    known = registry.default()
    if kind is not None:
        cls = known.find(kind, name)
        return next(entry for entry in known.entries if entry.item is cls)
    found = [entry for entry in known.entries if name in (known.written(entry), entry.qualified)]
    if len(found) > 1:
        raise InputError(f"several kinds have a {name!r}; write one of {', '.join(f'{e.kind} {name}' for e in found)}")
    for fault in known.faults:
        if not found and fault.name == name.rpartition(":")[2]:
            raise InputError(f"{name!r} cannot be used: {fault}")
    if not found:
        names = [known.written(entry) for entry in known.entries]
        raise InputError(f"there is no component {name!r}; {did_you_mean(name, names)}")
    return found[0]


def described(entry: Entry) -> dict[str, Any]:
    """Describe a component as plain data."""
    described: dict[str, Any] = {
        "kind": entry.kind,
        "name": registry.default().written(entry),
        "distribution": entry.distribution,
        "summary": entry.summary,
        "description": entry.summary,
    }
    if entry.kind in registry.BASES:
        cls = cast("type[Component]", entry.item)
        required = any(field.is_required() for field in cls.model_fields.values())
        try:
            schema = cls.model_json_schema()
            if issubclass(cls, GradientEstimator) and not required:
                described["cost"] = {str(n): cls().cost(n) for n in (10, 1000)}
            if issubclass(cls, GradientEstimator):
                described["error_estimate"] = cls.estimate is not GradientEstimator.estimate
        except Exception as error:
            raise InputError(f"the {entry.kind} {entry.name!r} cannot be described: {said(error)}") from None
        own = inspect.get_annotations(cls)  # a component's own fields before those that it shares with others
        schema["properties"] = dict(sorted(schema["properties"].items(), key=lambda field: field[0] not in own))
        if cls.requires is not None:
            described |= {"requires": cls.requires, **_availability(entry)}
        described |= {
            "description": inspect.cleandoc(cls.__doc__ or ""),
            "class": f"{cls.__module__}.{cls.__qualname__}",
            "schema": schema,
        }
    return described


def page(entry: Entry) -> str:
    """Describe a component as text."""
    data = described(entry)
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
    if entry.kind in registry.BASES:
        table = {"data": "problem.data", "model": "problem.model", "loss": "problem.loss"}.get(
            entry.kind, f"runs.NAME.{entry.kind}"
        )
        lines += [
            "",
            "In an experiment file",
            "---------------------",
            f"[{table}]",
            f"name = {json.dumps(data['name'])}",
        ]
        lines += [f"# {name} is required" for name in required]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


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
    limits = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return f"{kind} {' and '.join(limits)}".strip(" ,")


def _plain(text: str) -> str:
    """Take the markup out of a docstring."""
    text = re.sub(r":\w+:`([^`]*)`", r"\1", text).replace("``", "")
    return re.sub(r"^\.\. math:: *", "    ", text, flags=re.MULTILINE)


def _indescribable(entry: Entry) -> Fault | None:
    """Say what is wrong with the fields of a component; they are looked at when they are first needed."""
    try:
        described(entry)
    except InputError as error:
        return Fault(
            distribution=entry.distribution,
            plugin=entry.plugin,
            stage="fields",
            where=defined_at(entry.item, entry.item.__module__),
            problem=str(error),
            remedy="its author must mend it",
            kind=entry.kind,
            name=entry.name,
        )
    return None


def checkup() -> dict[str, Any]:
    """Say what each plugin brings, which extras of it are not installed, and everything that is wrong."""
    known = registry.default()
    faults = [*known.faults, *known.clashes(), *filter(None, map(_indescribable, known.entries))]
    found = plugins()
    for plugin in found:
        own = (plugin["distribution"], plugin["plugin"])
        brought = [f"{e.kind} {e.name}" for e in known.entries if (e.distribution, e.plugin) == own]
        plugin["brings"] = ", ".join(brought) or "nothing"
    extras: dict[str, dict[str, Any]] = {}
    for entry in known.entries:
        if (missing := entry.missing) is not None:
            named = {"distribution": entry.distribution, "extra": missing, "remedy": entry.remedy}
            extras.setdefault(entry.remedy, named).setdefault("needed_by", []).append(f"{entry.kind} {entry.name}")
    return {"plugins": found, "extras": list(extras.values()), "faults": [asdict(fault) for fault in faults]}
