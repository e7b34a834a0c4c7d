"""A fault: a plugin, or a component of it, that cannot be used, with where it went wrong and what mends it."""

import inspect
import re
import sys
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from types import FrameType
from typing import Any

from optikit.required import bringing

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WHEN = {
    "import": "when it was imported",
    "components": "when it was asked for its components",
    "fields": "when its fields were looked at",
    "probe": "when its optimizer was run",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with a plugin."""

    distribution: str
    plugin: str
    """Name of the entry point."""
    stage: str
    """How far it came: ``found``, ``import``, ``hook``, ``components``, ``component`` or ``name``, and where `doctor`
    looks further ``fields`` or ``probe``."""
    where: str
    """File and line, where there is one."""
    problem: str
    remedy: str
    """What to do now: a command, or whom to tell."""
    kind: str | None = None
    name: str | None = None
    """Kind and name of the component, if one is meant."""

    def __str__(self) -> str:
        """Say it in one sentence."""
        return f"{self.problem} ({self.distribution}, {self.stage}, {self.where}); {self.remedy}"


def said(error: BaseException) -> str:
    """Give type and message of a foreign exception in one line, whatever its ``__str__`` does."""
    try:
        message = " ".join(str(error).split())
    except Exception:
        message = ""
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def defined_at(item: Any, otherwise: str) -> str:
    """Give the file and line where a class or a function is defined."""
    try:
        return f"{inspect.getsourcefile(item)}:{inspect.getsourcelines(item)[1]}"
    except Exception:  # besides OSError and TypeError, SyntaxError where the file has changed
        return otherwise


def own_line(package: str, error: BaseException, otherwise: str) -> str:
    """Find the last line of a plugin's own code in a traceback."""
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _package(frame) == package
    ]
    return own[-1] if own else otherwise


def running_line(package: str, otherwise: str) -> str:
    """Find the line of a plugin's own code that is being run."""
    for frame, line in traceback.walk_stack(inspect.currentframe()):
        if _package(frame) == package:
            return f"{frame.f_code.co_filename}:{line}"
    return otherwise


def lethal(point: EntryPoint, distribution: str, stage: str, where: str, problem: str) -> Fault:
    """Describe a plugin that harms its host: whatever looks a component up imports every plugin, and would suffer."""
    return Fault(
        distribution=distribution,
        plugin=point.name,
        stage=stage,
        where=where,
        problem=f"{problem} {_WHEN[stage]}",
        remedy=f"run `python -m pip uninstall {distribution}` until its author has mended it",
    )


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def faulty(point: EntryPoint, distribution: str, error: BaseException) -> Fault:
    """Describe a plugin that did not import.

    Parameters
    ----------
    point : importlib.metadata.EntryPoint
        The plugin.
    distribution : str
        Who brings it.
    error : BaseException
        What importing it raised.

    Returns
    -------
    Fault
        With the line of the plugin's own code that raised.
    """
    problem = said(error)
    remedy = f"update it with `python -m pip install --upgrade {distribution}` or tell its author"
    # Not point.module, which itself dies of a value that is no module, such as one with a hyphen.
    package = re.split(r"[.:\s\[]", point.value.strip(), maxsplit=1)[0]
    if isinstance(error, AttributeError) and point.pattern.match(point.value) is None:
        problem = f"its entry point names {point.value!r}, which is no module"
        remedy = "its author must mend it"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name.partition(".")[0]
        if missing == package:
            problem = f"its own module {error.name} does not exist"
            remedy = f"install it again with `python -m pip install --force-reinstall {distribution}`"
        elif missing in sys.modules:
            problem = f"it needs {error.name}, which the installed {missing} does not have"
        else:
            problem = f"it needs {missing}, which is not installed"
            remedy = bringing(point, distribution, missing)
    elif isinstance(error, SystemExit):
        problem = f"it called sys.exit({error.code!r}) when it was imported"
    elif isinstance(error, KeyboardInterrupt):
        problem = f"it raised {said(error)} when it was imported, and nobody had interrupted it"
    return Fault(
        distribution=distribution,
        plugin=point.name,
        stage="import",
        where=_line(point, package, error),
        problem=problem,
        remedy=remedy,
    )


def _line(point: EntryPoint, package: str, error: BaseException) -> str:
    """Find the last line of the plugin's own code in the traceback."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    return own_line(package, error, f"entry point {point.name} = {point.value}")


def invalid(
    item: Any, kinds: list[str], known: Collection[tuple[str, str]], distribution: str, plugin: str
) -> Fault | None:
    """Say what is wrong with a component class, or None.

    Parameters
    ----------
    item : object
        What the hook `optikit_components` returned.
    kinds : list of str
        The kinds whose interface it derives from.
    known : collection of (kind, name)
        What the distribution has brought already.
    distribution, plugin : str
        Who brings it.

    Returns
    -------
    Fault or None
        With file and line of the class.
    """
    name = getattr(item, "name", None) if isinstance(item, type) else None
    missing = sorted(getattr(item, "__abstractmethods__", ()))
    requires = getattr(item, "requires", None) if isinstance(item, type) else None
    if not isinstance(item, type):
        problem = f"an object of {type(item).__qualname__} is no class; the hook returns classes, not objects"
    elif len(kinds) != 1:
        problem = f"{item.__qualname__} derives from {len(kinds)} of optikit's interfaces; it must be one"
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"{item.__qualname__}.name is {name!r}; it must be lower-case words joined by hyphens"
    elif missing:
        problem = f"{item.__qualname__} has no {', '.join(missing)}, which its interface needs"
    elif not isinstance(item.__doc__, str) or not item.__doc__.strip():
        problem = f"{item.__qualname__} has no docstring; its first line is what `optikit list` shows"
    elif requires is not None and not (isinstance(requires, str) and requires.isidentifier()):
        problem = f"{item.__qualname__}.requires is {requires!r}; it must be the name of one top-level module"
    elif (kinds[0], name) in known:
        problem = repeated(item.__qualname__, kinds[0], name)
    else:
        return None
    where = defined_at(item if isinstance(item, type) else type(item), str(getattr(item, "__module__", plugin)))
    return Fault(
        distribution=distribution,
        plugin=plugin,
        stage="component",
        where=where,
        problem=problem,
        remedy="its author must mend it",
        kind=kinds[0] if kinds else None,
        name=name if isinstance(name, str) else None,
    )


def repeated(cls: str, kind: str, name: str) -> str:
    """Say that a distribution brings a name twice."""
    return f"{cls} has the same kind and name, {kind} {name!r}, as another of its distribution"
