"""One plugin, looked at in this process, which was started for it alone: `optikit.doctor` reads what is written here.

A file takes a line before each stage, so that whoever finds this process dead knows how far it came, and at the end the
whole report.  Another one takes the traceback of whatever kills the interpreter, or takes too long.
"""

import faulthandler
import functools
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TextIO

from optikit import able, deprecated, registry
from optikit.errors import InputError
from optikit.fault import Fault, defined_at, own_line, said
from optikit.guard import guarded
from optikit.leftovers import Leftovers
from optikit.page import looked_up
from optikit.registry import Entry, Registry

MEMORY, FILE = 4 << 30, 1 << 30
"""Bytes of memory and of each file that a plugin may fill while it is looked at, where the system can limit that."""


class _Imports:
    """A finder that finds nothing itself, and measures the modules that a plugin imports from other libraries."""

    def __init__(self, package: str) -> None:
        self.seconds: dict[str, float] = {}
        self._own, self._within = package, list[str]()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                loader: Any = spec.loader
                # Those of built-in modules are classes, which all of them share; they take no time.
                if loader is not None and not isinstance(loader, type):
                    with suppress(AttributeError):
                        loader.exec_module = functools.partial(self._timed, loader.exec_module)
                return spec
        return None

    def _timed(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        library = module.__name__.partition(".")[0]
        direct = self._within[-1:] == [self._own] and library not in (self._own, "optikit")
        self._within.append(library)
        start = time.perf_counter()
        try:
            execute(module)
        finally:
            self._within.pop()
            if direct:
                self.seconds[library] = self.seconds.get(library, 0.0) + time.perf_counter() - start


class _Loaded(Registry):
    """A registry of one plugin, that knows when it has been imported."""

    def __init__(self, point: EntryPoint, stage: Callable[[str], None]) -> None:
        self._stage, self.imported = stage, 0.0
        stage("import")
        self.began = time.perf_counter()
        super().__init__([point])

    def add(self, plugin: Any, distribution: str, name: str) -> None:
        self.imported = time.perf_counter()
        self._stage("components")
        super().add(plugin, distribution, name)


def examine(point: EntryPoint, probe: bool, stage: Callable[[str], None], left: Leftovers) -> dict[str, Any]:
    """Look at one plugin.

    Parameters
    ----------
    point : importlib.metadata.EntryPoint
        The plugin.
    probe : bool
        Whether its optimizers are run for a moment.
    stage : callable
        Called with the name of each stage as it begins.
    left : Leftovers
        Who notes what it starts and closes.

    Returns
    -------
    dict
        As plain data: what it brings, its faults, and what it took to import it.
    """
    watching: Any = (imports := _Imports(left.package))
    sys.meta_path.insert(0, watching)

    def begun(name: str) -> None:
        left.stage = name
        stage(name)

    try:
        loaded = _Loaded(point, begun)
    finally:
        sys.meta_path.remove(watching)
    begun("fields")
    faults = [*loaded.faults, *filter(None, map(indescribable, loaded.entries))]
    components = [_row(entry) for entry in loaded.entries]
    if probe:
        for entry, row in zip(loaded.entries, components, strict=True):
            if entry.kind == "optimizer":
                begun("probe")
                row["abilities"] = able.anew(entry).model_dump()  # what is remembered would run nothing
    faults += left.faults()  # the last, as what is run may leave something, too
    return {
        "milliseconds": 1000 * (loaded.imported - loaded.began) if loaded.imported else None,
        "imports": {library: 1000 * seconds for library, seconds in imports.seconds.items()},
        "components": components,
        "faults": [asdict(fault) for fault in faults],
        "deprecated": list(deprecated.told),
    }


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "chosen": entry.chosen,
        "module": getattr(entry.item, "__module__", ""),
        "class": getattr(entry.item, "__qualname__", ""),
        "where": defined_at(entry.item, str(getattr(entry.item, "__module__", ""))),
        "requires": getattr(entry.item, "requires", None),
    }


def indescribable(entry: Entry) -> Fault | None:
    """Say what is wrong with the fields of a component; they are looked at when they are first needed."""
    try:
        looked_up(entry)
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


def _told_exit(trace: TextIO) -> Callable[[int], NoReturn]:
    """Give an `os._exit` that says from where it was called, which nobody could find out afterwards."""
    leave = os._exit

    def _exit(status: int) -> NoReturn:
        trace.write(f"os._exit({status})\n")
        trace.flush()
        faulthandler.dump_traceback(trace, all_threads=False)
        leave(status)

    return _exit


def _limit() -> None:
    """Keep a plugin from filling the memory, and the disk with what it prints or what is left of the process."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for limit, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, FILE)):
            resource.setrlimit(limit, (most, resource.getrlimit(limit)[1]))


class _Report:
    """The report in a folder, on what happens in this process from now on."""

    def __init__(self, folder: str, patience: float) -> None:
        self._patience = patience
        self._trace = (Path(folder) / "trace").open("w", encoding="utf-8")
        self._file = (Path(folder) / "report").open("w", encoding="utf-8")
        self.descriptors = [self._trace.fileno(), self._file.fileno()]
        faulthandler.enable(self._trace)
        os._exit = _told_exit(self._trace)
        _limit()
        warnings.simplefilter("ignore")

    def write(self, line: dict[str, Any]) -> None:
        """Add a line."""
        print(json.dumps(line), file=self._file, flush=True)

    def stage(self, name: str) -> None:
        """Say what begins now, and see to it that it ends."""
        faulthandler.dump_traceback_later(self._patience, exit=True, file=self._trace)
        self.write({"stage": name})


def one(folder: str, distribution: str, plugin: str, value: str, patience: float, probe: bool) -> None:
    """Look at one plugin, and leave the report in a folder."""
    leave = os._exit
    report = _Report(folder, patience)
    points = registry.installed()
    near = {registry.canonical(distribution), registry.canonical(registry.HOME)}
    # What looks something up finds this plugin and the built-in ones, and no other one that might be at fault.
    known = [point for point in points if registry.canonical(registry.distribution_of(point)) in near]
    registry.default = functools.cache(lambda: Registry(known))
    wanted = (distribution, plugin, value)
    for point in known:
        if (registry.distribution_of(point), point.name, point.value) == wanted:
            left = Leftovers(point, distribution, report.descriptors)
            with guarded() as raised:
                report.write({"report": examine(point, probe, report.stage, left)})
            for error in raised:
                report.write({"raised": said(error), "where": own_line(left.package, error, left.otherwise)})
            break
    leave(0)  # no thread, no `atexit` of a plugin keeps us


def others(folder: str, distribution: str, patience: float) -> None:
    """Leave in a folder what the plugins of all other distributions bring, by name."""
    leave = os._exit
    report = _Report(folder, patience)
    report.stage("import")
    own = registry.canonical(distribution)
    points = [point for point in registry.installed() if registry.canonical(registry.distribution_of(point)) != own]
    rows = [
        {"distribution": entry.distribution, "plugin": entry.plugin, **_row(entry)}
        for entry in Registry(points).entries
    ]
    report.write({"report": rows})
    leave(0)
