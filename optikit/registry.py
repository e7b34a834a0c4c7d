"""The registry: which components there are, who brings them, and what is wrong with the rest.

Plugins are found through the entry-point group ``optikit``.  Each is loaded behind its own guard: one that does not
import, brings an invalid hook or an invalid component becomes a `Fault`, which says where and how to mend it, and is
an error only for who asks for it by name.  A registry is an object; the default one is made at the first look-up.
"""

import functools
import re
import reprlib
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pluggy
from pydantic import PydanticUndefinedAnnotation, PydanticUserError, ValidationError

from optikit import api, hookspecs
from optikit.benchmark import Benchmark
from optikit.component import Component, explain
from optikit.data import Data
from optikit.errors import InputError, did_you_mean
from optikit.fault import Fault, defined_at, faulty, invalid, own_line, said
from optikit.gradient import GradientEstimator
from optikit.guard import guarded
from optikit.loss import Loss
from optikit.model import Model
from optikit.observer import Observer
from optikit.optimizer import Optimizer
from optikit.schedule import Schedule
from optikit.stopping import Stopping
from optikit.watch import Named, complain

BASES: dict[str, type[Component]] = {
    "model": Model,
    "loss": Loss,
    "gradient": GradientEstimator,
    "optimizer": Optimizer,
    "data": Data,
    "schedule": Schedule,
    "stopping": Stopping,
    "observer": Observer,
    "problem": Benchmark,
}
"""The kinds of component and their interfaces."""

HOME = "optikit"
"""The distribution of the built-in plugins; nobody else can take over a name of theirs."""

_HOOKS = "its author must mend it: the hooks and their arguments are in optikit/hookspecs.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a plugin brings: a component, or a hook that watches every run."""

    kind: str
    name: str
    distribution: str
    plugin: str
    """Name of the entry point."""
    summary: str
    """First line of the docstring."""
    item: Any
    """The component class, or the hook."""

    @property
    def chosen(self) -> bool:
        """Whether it is a component, that users choose by name, and no hook, which watches every run."""
        return isinstance(self.item, type)

    @property
    def qualified(self) -> str:
        """The name that is never ambiguous."""
        return f"{self.distribution}:{self.name}"

    @property
    def missing(self) -> str | None:
        """The module that the component requires and nobody has installed; nothing is imported to find out."""
        module = getattr(self.item, "requires", None)
        try:
            return module if module is not None and find_spec(module) is None else None
        except ValueError:  # it is loaded already, by hand
            return None

    @property
    def remedy(self) -> str:
        """What to do where the required module is missing."""
        return f"run `python -m pip install '{self.distribution}[{self.item.requires}]'`"


class _Manager(pluggy.PluginManager):
    """Spares itself the names that begin with two underscores, which are most of all names and never hooks."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)

    def parse_hookspec_opts(self, module_or_class: ModuleType | type, name: str) -> pluggy.HookspecOpts | None:
        return None if name.startswith("__") else super().parse_hookspec_opts(module_or_class, name)


class Registry:
    """The components of a set of plugins.

    Parameters
    ----------
    plugins : iterable of importlib.metadata.EntryPoint, optional
        Those to load; all installed ones by default.
    """

    def __init__(self, plugins: Iterable[EntryPoint] | None = None) -> None:
        self.entries: list[Entry] = []
        self.faults: list[Fault] = []
        stated = functools.cache(api.stated)  # a distribution may bring many plugins
        for point in installed() if plugins is None else plugins:
            distribution = distribution_of(point)
            fault = api.refused(point, distribution, stated(point.dist))
            if fault is not None:
                self.faults.append(fault)
                continue
            with guarded() as raised:
                plugin = point.load()
            if raised:
                self.faults.append(faulty(point, distribution, raised[0]))
            else:
                self.add(plugin, distribution, point.name)

    def add(self, plugin: Any, distribution: str, name: str) -> None:
        """Take in a loaded plugin: a module, or any object with hook implementations.

        Parameters
        ----------
        plugin : object
            The module.
        distribution, name : str
            Who brings it, and under which name.
        """
        with guarded() as raised:
            self._add(plugin, distribution, name)
        for error in raised:  # a module may answer to its attributes, and end its host there
            fault = Fault(
                distribution=distribution,
                plugin=name,
                stage="hook",
                where=own_line(_package(plugin), error, _package(plugin)),
                problem=f"it raised {said(error)} when it was asked for its hooks",
                remedy=_HOOKS,
            )
            self.faults.append(fault)

    def _add(self, plugin: Any, distribution: str, name: str) -> None:
        note = functools.partial(Fault, distribution=distribution, plugin=name)
        file = getattr(plugin, "__file__", None) or type(plugin).__qualname__
        # A manager for each plugin: a hook that is refused leaves no trace in the others.
        manager = _Manager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        known = [hook for hook in vars(hookspecs) if hook.startswith("optikit_")]
        at: Any = None
        try:
            hooks = [hook for hook in dir(plugin) if manager.parse_hookimpl_opts(plugin, hook) is not None]
            if not hooks:
                at = next((getattr(plugin, hook) for hook in known if hasattr(plugin, hook)), None)
                raise pluggy.PluginValidationError(plugin, "no function of it is marked with @hookimpl")
            for hook in set(known) - set(hooks):
                if callable(getattr(plugin, hook, None)):
                    at = getattr(plugin, hook)
                    raise pluggy.PluginValidationError(plugin, f"{hook} is not marked with @hookimpl")
            # One by one, to know which is refused: pluggy's error does not give the function.
            for hook in hooks:
                at = getattr(plugin, hook)
                if hook not in known:
                    problem = f"there is no hook {hook!r}; {did_you_mean(hook, known)}"
                    raise pluggy.PluginValidationError(plugin, problem)
                manager.register(SimpleNamespace(**{hook: getattr(plugin, hook)}), f"{name} {hook}")
        except pluggy.PluginValidationError as error:
            problem = " ".join(str(error).split())
            where = defined_at(at, file)  # reads the source, so only now
            self.faults.append(note(stage="hook", where=where, problem=problem, remedy=_HOOKS))
            return
        remedy = "its author must mend it: the hook returns a list of classes"
        brought: list[Any] = []
        # Called one by one and not through the manager, which drops a None and says not whose it is.
        for hook in manager.hook.optikit_components.get_hookimpls():
            with guarded() as raised:
                items: Any = hook.function()
                if not isinstance(items, list | tuple):
                    what = "None" if items is None else f"an object of {type(items).__qualname__}"
                    problem = f"optikit_components returned {what}, not a list of classes"
                    where = defined_at(hook.function, file)
                    self.faults.append(note(stage="components", where=where, problem=problem, remedy=remedy))
                else:
                    brought += items
            for error in raised:
                problem = f"optikit_components raised {said(error)}"
                package = str(hook.function.__globals__.get("__name__", "")).partition(".")[0]
                where = own_line(package, error, defined_at(hook.function, file))
                self.faults.append(note(stage="components", where=where, problem=problem, remedy=remedy))
        for item in brought:
            with guarded() as raised:
                self._take(item, distribution, name)
            for error in raised:  # a class may answer to its attributes, too
                problem = f"a class that it brings cannot be looked at: {said(error)}"
                where = own_line(_package(plugin), error, file)
                self.faults.append(note(stage="components", where=where, problem=problem, remedy=remedy))
        for hook in manager.hook.optikit_observer.get_hookimpls():
            summary = _summary(hook.function.__doc__)
            self.entries.append(
                Entry(
                    kind="observer",
                    name=name,
                    distribution=distribution,
                    plugin=name,
                    summary=summary,
                    item=manager.hook.optikit_observer,
                )
            )

    def _take(self, item: Any, distribution: str, plugin: str) -> None:
        kinds = [kind for kind, base in BASES.items() if isinstance(item, type) and issubclass(item, base)]
        known = {(entry.kind, entry.name) for entry in self.entries if entry.distribution == distribution}
        fault = invalid(item, kinds, known, distribution, plugin)
        if fault is not None:
            self.faults.append(fault)
            return
        self.entries.append(
            Entry(
                kind=kinds[0],
                name=cast("type[Component]", item).name,
                distribution=distribution,
                plugin=plugin,
                summary=_summary(item.__doc__),
                item=item,
            )
        )

    def components(self, kind: str) -> dict[str, type[Any]]:
        """Give the components of a kind by name; by ``distribution:name`` where the bare name means another or none."""
        self._check_kind(kind)
        ours = [entry for entry in self.entries if entry.kind == kind and entry.chosen]
        return dict(sorted((self.written(entry), entry.item) for entry in ours))

    def written(self, entry: Entry) -> str:
        """Give the name that means this entry: the bare one, if no other has it."""
        alone = not entry.chosen or self._meant(entry.kind, entry.name) == [entry]
        return entry.name if alone else entry.qualified

    def find(self, kind: str, name: str) -> type[Any]:
        """Find a component class.

        Parameters
        ----------
        kind : str
            ``model``, ``loss``, ``gradient``, ``optimizer``, ``data``, ``schedule``, ``stopping``, ``observer`` or
            ``problem``.
        name : str
            Its name, or ``distribution:name``.

        Returns
        -------
        type
            The class.

        Raises
        ------
        InputError
            If there is none, or several; the sentence says what to write, or what to mend.
        """
        self._check_kind(kind)
        meant = self._meant(kind, name)
        if len(meant) == 1:
            return meant[0].item
        if meant:
            choices = " or ".join(repr(entry.qualified) for entry in meant)
            raise InputError(f"several distributions bring the {kind} {name!r}; write {choices}")
        distribution, _, bare = name.rpartition(":")
        near = [f for f in self.faults if not distribution or canonical(f.distribution) == canonical(distribution)]
        for fault in near:
            if (fault.kind, fault.name) == (kind, bare):
                raise InputError(f"the {kind} {name!r} cannot be used: {fault}")
        broken = sorted({fault.distribution for fault in near if None in (fault.kind, fault.name)})
        hint = f" ({', '.join(broken)} could not be loaded; see `optikit doctor`)" if broken else ""
        for other in BASES:
            if other != kind and self._meant(other, name):
                raise InputError(f"there is no {kind} {name!r}; that is a {other}")
        meant = did_you_mean(name, self.components(kind), f"optikit list --kind {kind}")
        raise InputError(f"there is no {kind} {name!r}; {meant}{hint}")

    def make(self, kind: str, given: Any, folder: Any = None) -> Any:
        """Make a component of what a user wrote.

        Parameters
        ----------
        kind : str
            ``model``, ``loss``, ``gradient``, ``optimizer``, ``data``, ``schedule``, ``stopping``, ``observer`` or
            ``problem``.
        given : Component, str or dict
            A component, its name, or a table with its `name` and its fields.
        folder : path, optional
            Where relative paths in the fields are looked for first.

        Returns
        -------
        Component
            A component of that kind.

        Raises
        ------
        InputError
            If there is no such component, it requires what is not installed, or a field is wrong; then the sentence
            begins with the field.
        """
        self._check_kind(kind)
        if isinstance(given, BASES[kind]):
            self._refuse_if_missing(type(given))
            return given
        table = {"name": given} if isinstance(given, str) else given
        known = cast("dict[Any, Any]", table if isinstance(table, dict) else {})
        if not all(isinstance(name, str) for name in (known.get("name"), *known)):
            raise InputError(
                f"{reprlib.repr(given)} is no {kind}; give a component, its name, or a table with its name and fields"
            )
        fields: dict[str, Any] = dict(known)
        cls = self.find(kind, fields.pop("name"))
        self._refuse_if_missing(cls)
        try:
            return cls.model_validate(fields, context={"folder": folder, "make": self.make})
        except (PydanticUserError, PydanticUndefinedAnnotation) as error:
            problem = f"{said(error)} ({defined_at(cls, cls.__module__)})"
            raise InputError(f"the {kind} {cls.name!r} cannot be used: {problem}; its author must mend it") from None
        except ValidationError as error:
            loc, sentence = explain(error)[0]
            place = ".".join(map(str, loc))
            raise InputError(f"{cls.name}: {place} {sentence}" if place else sentence) from None

    def _refuse_if_missing(self, cls: type[Any]) -> None:
        for entry in self.entries:
            if entry.item is cls and entry.missing is not None:
                problem = f"the {entry.kind} {entry.name!r} needs {entry.missing}, which is not installed"
                raise InputError(f"{problem}; {entry.remedy}")

    def observers(self, run: Any) -> list[Named]:
        """Ask every plugin that watches all runs for its function; one that raises is reported and left out."""
        watching: list[Named] = []
        for entry in self.entries:
            if not entry.chosen:
                with guarded() as raised:
                    for watcher in cast("list[Callable[[Any], None]]", entry.item(run=run)):
                        if not callable(watcher):
                            raise TypeError(f"{watcher!r} cannot be called")
                        watching.append((entry.qualified, watcher))
                for error in raised:
                    complain(f"the observer {entry.qualified} raised {said(error)} and is left out")
        return watching

    def clashes(self) -> list[Fault]:
        """List the components whose bare name means another, or none: shadowed built-ins and twins."""
        return [
            Fault(
                distribution=entry.distribution,
                plugin=entry.plugin,
                stage="name",
                kind=entry.kind,
                name=entry.name,
                where=f"{entry.item.__module__}.{entry.item.__qualname__}",
                problem=f"the {entry.kind} name {entry.name!r} is also that of "
                + ", ".join(twin.distribution for twin in self._twins(entry)),
                remedy=f"write {entry.qualified!r}, or uninstall one",
            )
            for entry in self.entries
            if self.written(entry) != entry.name
        ]

    def _twins(self, entry: Entry) -> list[Entry]:
        same = [twin for twin in self.entries if twin.chosen and (twin.kind, twin.name) == (entry.kind, entry.name)]
        return [twin for twin in same if twin is not entry]

    def _meant(self, kind: str, name: str) -> list[Entry]:
        """Find the entries that a name may mean: a built-in one before all others."""
        distribution, _, bare = name.rpartition(":")
        same = [entry for entry in self.entries if entry.chosen and (entry.kind, entry.name) == (kind, bare)]
        wanted = distribution or HOME
        exact = [entry for entry in same if canonical(entry.distribution) == canonical(wanted)]
        return exact if exact or distribution else same

    @staticmethod
    def _check_kind(kind: str) -> None:
        if kind not in BASES:
            raise InputError(f"there is no kind {kind!r}; {did_you_mean(kind, BASES)}")


def canonical(distribution: str) -> str:
    """Write the name of a distribution as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", distribution).translate(_LOWER)


_LOWER = {ord(letter): ord(letter.lower()) for letter in string.ascii_uppercase}
"""Not `str.lower`, for which the Kelvin sign is a k, so that somebody else could be called optikit."""


def _package(plugin: Any) -> str:
    """Name the package of a plugin, which is not asked for it."""
    module = plugin.__name__ if type(plugin) is ModuleType else type(plugin).__module__
    return module.partition(".")[0]


def _summary(doc: str | None) -> str:
    return (doc or "").strip().partition("\n")[0]


def installed() -> list[EntryPoint]:
    """List the installed plugins by name; none of their code runs."""
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for distribution in distributions():
        try:
            points = list(distribution.entry_points.select(group=hookspecs.GROUP))
            # The name is in another file, which need not be read for the hundreds of others.
            name = canonical(_name(distribution)) if points else ""
        except Exception:  # a damaged entry_points.txt is not worth dying of
            continue
        # The first on the path is the one that would be imported.
        if name not in seen:
            found += points
        seen |= {name} - {""}
    return sorted(found, key=lambda point: (distribution_of(point), point.name))


def distribution_of(point: EntryPoint) -> str:
    """Name the distribution that brings a plugin."""
    return (point.dist and _name(point.dist)) or "unknown"


@functools.cache
def _name(distribution: Distribution) -> str:
    """Read the name of a distribution: to parse all of its metadata takes longer than to import a light plugin."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    return next((line[5:].strip() for line in head.splitlines() if line.lower().startswith("name:")), "")


@functools.cache
def default() -> Registry:
    """Give the registry of all installed plugins, loaded at the first call."""
    return Registry()
