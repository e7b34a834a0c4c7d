"""The doctor: what the installed plugins bring, what they cost, what is wrong with them, and what mends it.

Each is looked at in a process of its own (`patient`).  What none of them can tell alone is found here: names that
clash, one name twice in a distribution, a distribution that is there twice.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import EntryPoint, distributions
from typing import Any

from optikit import api, hookspecs, patient, registry
from optikit.errors import InputError, did_you_mean
from optikit.fault import Fault, repeated
from optikit.registry import Entry, Registry, canonical

PATIENCE = 30.0
"""Seconds that each stage of a plugin may take."""
HEAVY = 50.0
"""Milliseconds from which on an import at module level is worth a word: a whole light plugin takes less than one."""


def checkup(name: str | None = None, *, probe: bool = False, patience: float = PATIENCE) -> dict[str, Any]:
    """Say what each plugin brings and what it takes to load it, which extras are missing, and everything that is wrong.

    Parameters
    ----------
    name : str, optional
        The distribution that is meant; of the others only the names are asked, as they may clash.
    probe : bool
        Whether optimizers are run for a moment, to find what they can do.
    patience : float
        Seconds that each stage of a plugin may take.

    Returns
    -------
    dict
        With the lists `plugins`, `extras`, `faults` and `notes`; plain data.

    Raises
    ------
    InputError
        If no such distribution brings a plugin.
    """
    points = registry.installed()
    own = {registry.distribution_of(point) for point in points}
    if name is not None and canonical(name) not in map(canonical, own):
        raise InputError(f"no installed distribution {name!r} brings a plugin; {did_you_mean(name, own)}")
    meant = [point for point in points if name is None or _is_of(point, name)]
    reports = patient.reports(meant, probe, patience)
    found = _gathered(meant, reports, [] if name is None else _others(points, name, patience))
    faults = found["faults"]
    found["faults"] = [row for row in faults if name is None or canonical(row["distribution"]) == canonical(name)]
    return found | {"probed": probe}


def _is_of(point: EntryPoint, distribution: str) -> bool:
    return canonical(registry.distribution_of(point)) == canonical(distribution)


def _others(points: Sequence[EntryPoint], name: str, patience: float) -> list[Entry]:
    """Give what all other distributions bring, by name: from one process, or if that dies of one, from one for each."""
    rows = patient.others(name, patience)
    if rows is None:
        rest = [point for point in points if not _is_of(point, name)]
        rows = [
            {"distribution": registry.distribution_of(point), "plugin": point.name, **row}
            for point, report in zip(rest, patient.reports(rest, False, patience), strict=True)
            for row in report["components"]
        ]
    return [_entry(row, row["distribution"], row["plugin"]) for row in rows]


def _gathered(
    points: Sequence[EntryPoint], reports: Sequence[dict[str, Any]], others: Sequence[Entry]
) -> dict[str, Any]:
    """Put the reports together, and find what none of them can tell alone, beside what others bring."""
    known, found = Registry([]), list[dict[str, Any]]()
    known.entries.extend(others)
    extras: dict[str, dict[str, Any]] = {}
    faults, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    for point, report in zip(points, reports, strict=True):
        distribution = registry.distribution_of(point)
        entries = [_entry(row, distribution, point.name) for row in report["components"]]
        twice = {(e.kind, e.name) for e in known.entries if e.chosen and e.distribution == distribution}
        for entry, row in zip(entries, report["components"], strict=True):
            if entry.chosen and (entry.kind, entry.name) in twice:
                report["faults"].append(asdict(_again(entry, row)))
            else:
                known.entries.append(entry)
        faults += report["faults"]
        own = {"distribution": distribution, "plugin": point.name}
        numbers = api.stated(point.dist)
        brings = ", ".join(f"{e.kind} {e.name}" for e in entries) or "nothing"
        heavy = {library: spent for library, spent in report["imports"].items() if spent >= HEAVY}
        found.append(
            {
                "distribution": distribution,
                "version": point.dist.version if point.dist else "",
                "plugin": point.name,
                "module": point.value,
                "api": numbers,
                "stage": report["faults"][0]["stage"] if report["faults"] else "whole",
                "milliseconds": report["milliseconds"],
                "heavy": heavy,
                "brings": brings,
                "components": report["components"],
            }
        )
        for entry in entries:
            if (missing := entry.missing) is not None:
                named = {"distribution": distribution, "extra": missing, "remedy": entry.remedy}
                extras.setdefault(entry.remedy, named).setdefault("needed_by", []).append(f"{entry.kind} {entry.name}")
        for library, spent in heavy.items():
            notes.append(
                own
                | {
                    "note": f"importing it imports {library}, {spent:.0f} of {report['milliseconds'] or 0:.0f} ms",
                    "remedy": "its author can import that in the methods that need it, so that only who uses it waits",
                }
            )
        notes += [own | {"note": said, "remedy": "its author must mend it"} for said in report["deprecated"]]
    faults += [asdict(clash) for clash in known.clashes()]
    notes += _silent(points) + _twice(points)
    return {"plugins": found, "extras": list(extras.values()), "faults": faults, "notes": notes}


def _entry(row: dict[str, Any], distribution: str, plugin: str) -> Entry:
    """Make an entry of what a report says: a class in name only, as the plugin's own is in no process any more."""
    named = {"__module__": row["module"], "__qualname__": row["class"], "requires": row["requires"]}
    return Entry(
        kind=row["kind"],
        name=row["name"],
        distribution=distribution,
        plugin=plugin,
        summary="",
        item=type(row["class"], (), named) if row["chosen"] else None,
    )


def _again(entry: Entry, row: dict[str, Any]) -> Fault:
    return Fault(
        distribution=entry.distribution,
        plugin=entry.plugin,
        stage="component",
        where=row["where"],
        problem=repeated(row["class"], entry.kind, entry.name),
        remedy="its author must mend it",
        kind=entry.kind,
        name=entry.name,
    )


def _silent(points: Sequence[EntryPoint]) -> list[dict[str, Any]]:
    """Tell of distributions that do not say which plugin API they were written for."""
    silent = {registry.distribution_of(point): point for point in points if not api.stated(point.dist)}
    return [
        {
            "distribution": distribution,
            "plugin": point.name,
            "note": f"it does not say for which plugin API it was written, and counts as written for API {api.OLDEST}",
            "remedy": f'its author can add [project.entry-points."{api.GROUP}"] with {api.OLDEST} = "{point.value}"',
        }
        for distribution, point in silent.items()
    ]


def _twice(points: Sequence[EntryPoint]) -> list[dict[str, Any]]:
    """Tell of distributions that are there more than once, of which the first on the path is meant."""
    wanted = {canonical(registry.distribution_of(point)): point for point in points}
    places: dict[str, list[str]] = {}
    for distribution in distributions():
        with suppress(Exception):  # a damaged one
            if distribution.entry_points.select(group=hookspecs.GROUP):
                name = canonical(distribution.name)
                places.setdefault(name, []).append(str(distribution.locate_file("")))
    return [
        {
            "distribution": registry.distribution_of(wanted[name]),
            "plugin": wanted[name].name,
            "note": f"it is installed in {len(folders)} places; the one in {folders[0]} is meant",
            "remedy": f"uninstall the others: {', '.join(folders[1:])}",
        }
        for name, folders in places.items()
        if len(set(folders)) > 1 and name in wanted
    ]


def told(found: dict[str, Any]) -> str:
    """Say the same to people."""
    lines = list[str]()
    for plugin in found["plugins"]:
        took = "" if plugin["milliseconds"] is None else f" (imported in {plugin['milliseconds']:.0f} ms)"
        lines.append(f"{plugin['distribution']} {plugin['version']}, {plugin['plugin']}: {plugin['brings']}{took}")
        for component in plugin["components"]:
            if "abilities" in component:
                had = [name.replace("_", " ") for name, value in component["abilities"].items() if value is True]
                unknown = component["abilities"]["unknown"]
                lines.append(f"  {component['name']}: {f'unknown: {unknown}' if unknown else ', '.join(had) or 'none'}")
    for extra in found["extras"]:
        what = f"{extra['distribution']}[{extra['extra']}], which {', '.join(extra['needed_by'])} would need"
        lines.append(f"not installed: {what}; {extra['remedy']} if you want it")
    for note in found["notes"]:
        lines.append(f"note: {note['distribution']}, {note['plugin']}: {note['note']}; {note['remedy']}")
    for fault in found["faults"]:
        lines.append(
            f"\n{fault['distribution']}, {fault['plugin']}: {fault['problem']}\n"
            f"  stage: {fault['stage']}\n  where: {fault['where']}\n  mend:  {fault['remedy']}"
        )
    lines.append(f"\n{_counted(len(found['faults']), 'fault')} in {_looked_at(found)}")
    return "\n".join(lines)


def _looked_at(found: dict[str, Any]) -> str:
    """Say what the absence of a fault means: what was looked at, and what was not."""
    rows = [row for plugin in found["plugins"] for row in plugin["components"]]
    what = (
        f"{_counted(len(found['plugins']), 'plugin')} with {_counted(len(rows), 'component')}, imported and described"
    )
    optimizers = [row for row in rows if row["kind"] == "optimizer"]
    if not optimizers:
        return what
    many = _counted(len(optimizers), "optimizer")
    if not found["probed"]:
        return f"{what}; {many} not run, which --probe does"
    ran = sum("abilities" in row and not row["abilities"]["unknown"] for row in optimizers)
    return f"{what}; {many if ran == len(optimizers) else f'{ran} of {many}'} run for a moment"


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
