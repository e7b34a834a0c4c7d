"""Versions of what takes part in a run: its numbers are promised bitwise for the same ones only."""

import platform
import re
from importlib import metadata
from typing import Any

from optikit import registry
from optikit.component import Component


def versions(*components: Any) -> dict[str, str]:
    """Give the versions of all that numbers depend on, as far as it is installed as a distribution.

    Parameters
    ----------
    *components : Component or None
        Those that take part; what they have as fields does, too.

    Returns
    -------
    dict of str to str
        Of Python, NumPy, optikit, the distributions of the components, and the libraries that these need.
    """
    names = {"numpy", "optikit"}
    for component in components:
        names |= _distributions(component) if isinstance(component, Component) else set()
    found = {name: _version(name) for name in sorted(names)}
    return {"python": platform.python_version(), **{name: known for name, known in found.items() if known is not None}}


def _distributions(component: Component) -> set[str]:
    names = {entry.distribution for entry in registry.default().entries if entry.item is type(component)}
    if (extra := component.requires) is not None:
        names |= {extra, *(library for name in names for library in _libraries(name, extra))}
    for field in type(component).model_fields:
        if isinstance(part := getattr(component, field), Component):
            names |= _distributions(part)
    return names


def _libraries(distribution: str, extra: str) -> set[str]:
    """Give what a distribution requires for an extra."""
    if _version(distribution) is None:
        return set()
    mine = re.compile(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]")
    lines = [line for line in metadata.requires(distribution) or [] if mine.search(line)]
    return {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
