"""The catalogue: what the registry knows, as plain data and as text for people."""

from collections.abc import Callable, Mapping
from typing import Any

from optikit import registry
from optikit.errors import InputError, did_you_mean
from optikit.page import availability
from optikit.registry import Entry

KINDS = tuple(registry.BASES)


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
            "summary": entry.summary if entry.chosen else f"Watches every run: {entry.summary}",
            **availability(entry),
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


def optimizers(wanted: Mapping[str, bool], announce: Callable[[int], None] | None = None) -> list[dict[str, Any]]:
    """List the optimizers with their `abilities`, a table, for which those that have not been are probed.

    Parameters
    ----------
    wanted : mapping of str to bool
        Leave out those that are not so; those of which it is not known stay.
    announce : callable, optional
        Called with the number of optimizers to probe, if there are any.

    Returns
    -------
    list of dict
        As from `rows`.
    """
    from optikit import able, probe  # a plain list needs neither, nor all that they need

    found = able.able({}, announce=announce)
    listed: list[dict[str, Any]] = []
    for row in rows("optimizer"):
        # What is broken is in no registry.
        abilities = found.get(row["name"]) if "stage" not in row else None
        abilities = abilities or probe.Abilities(unknown=row["problem"])
        if not abilities.complete or able.fits(abilities, wanted):
            listed.append({**row, "abilities": abilities.model_dump()})
    return listed


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


def columns(rows: list[dict[str, Any]], last: str = "summary") -> str:
    """Lay rows out in columns; by hand, as a table of rich would be a tenth of the time that `optikit list` takes."""
    shown = ("kind", "name", "distribution", last) if any("kind" in row for row in rows) else tuple(*rows[:1])
    cells = [shown, *(tuple(_cell(row, key) for key in shown) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cell(row: dict[str, Any], key: str) -> str:
    if row.get("available", True):
        return _abilities(row[key]) if key == "abilities" else str(row[key])
    problem = f"{row['problem']}; {row['remedy']}" if "extra" in row else row["problem"]
    return {"kind": row["kind"] or "broken", "summary": problem, "abilities": problem}.get(key) or str(row[key])


def _abilities(abilities: dict[str, Any]) -> str:
    """Name the abilities that an optimizer has, or say why they are not known."""
    had = [name.replace("_", " ") for name, value in abilities.items() if value is True]
    return f"unknown: {abilities['unknown']}" if abilities["unknown"] else ", ".join(had) or "none"


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
    for other in registry.BASES:
        if not found and any((entry.kind, entry.name) == (other, name) for entry in known.entries):
            known.find(other, name)  # several distributions bring it: that is said
    if not found:
        names = [known.written(entry) for entry in known.entries]
        raise InputError(f"there is no component {name!r}; {did_you_mean(name, names, 'optikit list')}")
    return found[0]
