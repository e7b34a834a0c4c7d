"""Who can what: the abilities of the installed optimizers, probed once for each version and then remembered.

What a probe finds depends on the optimizer's code and on the libraries that it runs on.  So it is remembered under
their versions, and under the times of the source files, which change where a developer changes code and no version.
"""

import functools
import hashlib
import math
import re
import reprlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from optikit import cache, probe, registry
from optikit.component import explain
from optikit.errors import InputError, did_you_mean
from optikit.fault import said
from optikit.optimizer import Optimizer
from optikit.probe import Abilities
from optikit.registry import Entry

NAMES = tuple(name for name in Abilities.model_fields if name != "unknown")
"""The names of all abilities."""


def abilities(optimizer: Optimizer[Any] | str) -> Abilities:
    """Say what an optimizer can do and what it needs, found out by running it for a moment on a tiny problem.

    Parameters
    ----------
    optimizer : Optimizer or str
        With its fields; or the name of one, whose fields have their defaults then.  What is found of a name is
        remembered, until a version changes, in the user's cache folder or the one that the environment variable
        ``OPTIKIT_CACHE`` names.

    Returns
    -------
    Abilities
        With a reason instead where nothing can be found out: a field has no default, or a library is missing.

    Raises
    ------
    InputError
        If there is no such optimizer.

    Examples
    --------
    >>> import optikit
    >>> optikit.abilities("random-search").batches
    False
    >>> optikit.abilities(optikit.get("optimizer", "random-search", samples=10)).batches
    True
    """
    all_of_them = registry.default()
    if isinstance(optimizer, Optimizer):
        return probe.probed(all_of_them.make("optimizer", optimizer))
    cls = all_of_them.find("optimizer", optimizer)
    (found,) = known(entry for entry in all_of_them.entries if entry.item is cls).values()
    return found


Announce = Callable[[int], None]
"""Is told how many optimizers are about to be probed."""


def able(
    wanted: Mapping[str, bool | None], *, seconds: float = math.inf, announce: Announce | None = None
) -> dict[str, Abilities]:
    """Give the optimizers that are known to have abilities, or not to have them.

    Parameters
    ----------
    wanted : mapping of str to bool or None
        By the names of the fields of `Abilities`; None where it does not matter.
    seconds, announce : optional
        As for `known`.

    Returns
    -------
    dict of str to Abilities
        By the name that `optikit.get` takes.

    Raises
    ------
    InputError
        If there is no such ability, or something else is wanted of it than to be there or not.
    """
    for name, value in wanted.items():
        if name not in NAMES:
            raise InputError(f"there is no ability {name!r}; {did_you_mean(name, NAMES)}")
        if not isinstance(cast("object", value), bool | None):
            raise InputError(f"{name} is {reprlib.repr(value)}; pass True, False, or None where it does not matter")
    demands = {name: value for name, value in wanted.items() if value is not None}
    all_of_them = registry.default()
    entries = [entry for entry in all_of_them.entries if entry.kind == "optimizer"]
    found = known(entries, seconds=seconds, announce=announce)
    fitting = (entry for entry in entries if entry.qualified in found and fits(found[entry.qualified], demands))
    return {all_of_them.written(entry): found[entry.qualified] for entry in fitting}


def fits(found: Abilities, wanted: Mapping[str, bool]) -> bool:
    """Say whether an optimizer is known to be as wanted."""
    return all(getattr(found, name) is value for name, value in wanted.items())


def known(
    entries: Iterable[Entry], *, seconds: float = math.inf, announce: Announce | None = None
) -> dict[str, Abilities]:
    """Give the abilities of optimizers: those remembered, and the others by probing.

    Parameters
    ----------
    entries : iterable of Entry
        The optimizers; they are probed with the defaults of their fields.
    seconds : float
        Who is in a hurry gives a finite number: probing begins only within it, and no library is loaded for it.
    announce : callable, optional
        Called with the number of optimizers to probe before the first of them, as it may take a while.

    Returns
    -------
    dict of str to Abilities
        By qualified name; in a hurry not of all.
    """
    remembered = cache.recall("abilities")
    states = {entry.qualified: (entry, state(entry)) for entry in entries}
    recalled = {name: _recalled(remembered.get(name), now) for name, (_, now) in states.items()}
    found = {name: abilities for name, abilities in recalled.items() if abilities is not None}
    pending = [entry for name, (entry, _) in states.items() if name not in found]
    if seconds < math.inf:
        pending = [entry for entry in pending if entry.item.requires in (None, *sys.modules)]
    if announce is not None and (number := sum(map(_runs, pending))):
        announce(number)
    new, until = dict[str, Any](), time.perf_counter() + seconds
    try:
        for entry in pending:
            if time.perf_counter() < until:
                name = entry.qualified
                found[name], (_, now) = anew(entry), states[name]
                if now is not None and found[name].complete:
                    new[name] = {"state": now, "abilities": found[name].model_dump(exclude={"unknown"})}
    finally:
        if new:  # also what was found before Ctrl-C
            cache.keep("abilities", new)
    return found


def _runs(entry: Entry) -> bool:
    """Say whether a probe would run the optimizer, or know beforehand that it cannot."""
    return entry.missing is None and not any(field.is_required() for field in entry.item.model_fields.values())


def anew(entry: Entry) -> Abilities:
    """Probe an optimizer with the defaults of its fields, whatever is remembered."""
    if (missing := entry.missing) is not None:
        return Abilities(unknown=f"it needs {missing}, which is not installed; {entry.remedy}")
    try:
        optimizer = entry.item()
    except ValidationError as error:
        place = ".".join(str(part) for part in explain(error)[0][0])
        return Abilities(unknown=f"that depends on its field {place}, which has no default")
    except Exception as error:
        return Abilities(unknown=f"it cannot be made ({said(error)})")
    return probe.probed(optimizer)


def _recalled(entry: Any, now: str | None) -> Abilities | None:
    """Read what is remembered, if it is of the same state and whole."""
    try:
        recalled = Abilities.model_validate(entry["abilities"])
        return recalled if recalled.complete and entry["state"] == now else None
    except (KeyError, TypeError, ValidationError):
        return None


def state(entry: Entry) -> str | None:
    """Say in one word on what the abilities, and all else that is measured of a component, depend.

    Returns
    -------
    str or None
        A hash of versions and of the times of source files; None of who is in no installed distribution.
    """
    try:
        versions = _versions(entry.distribution, entry.item.requires)
    except metadata.PackageNotFoundError:
        return None
    modules = {cls.__module__ for cls in (*entry.item.__mro__, Abilities)}
    files = sorted(getattr(sys.modules.get(module), "__file__", None) or "" for module in modules)
    times = [Path(file).stat().st_mtime_ns for file in files if Path(file).is_file()]
    return hashlib.sha256(repr((versions, times)).encode()).hexdigest()


@functools.cache
def _versions(distribution: str, extra: str | None) -> list[str]:
    """List the versions of a distribution and of what it requires, also for an extra; and that of Python."""
    lines = [line for line in metadata.requires(distribution) or [] if _applies(line, extra)]
    names = [distribution, *(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines)]
    return [sys.version, *(f"{name} {_version(name)}" for name in names)]


def _applies(requirement: str, extra: str | None) -> bool:
    extras = re.findall(r"extra\s*==\s*['\"]([^'\"]+)", requirement)
    return not extras or extra in extras


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
