"""Which distribution brings a module that is missing: its name may be another, as scikit-learn brings sklearn.

No list of such names is kept, which would age.  What the plugin requires says it: the requirement of the module's name,
or else the only one that is not installed.
"""

import re
from importlib import metadata
from importlib.metadata import EntryPoint
from typing import NamedTuple


def bringing(point: EntryPoint, distribution: str, module: str) -> str:
    """Say what to install for a module that a plugin misses.

    Parameters
    ----------
    point : importlib.metadata.EntryPoint
        The plugin.
    distribution : str
        Who brings it.
    module : str
        The top-level module that is missing.

    Returns
    -------
    str
        What to do: a command, if it can be known.
    """
    declared = [_read(text) for text in (point.dist.requires if point.dist else None) or []]
    absent = [requirement for requirement in declared if requirement.sure and not _is_installed(requirement.name)]
    named = [requirement for requirement in declared if _same(requirement.name, module)]
    for requirement in named or (absent if len(absent) == 1 else []):
        wanted = f"{distribution}[{requirement.extra}]" if requirement.extra else requirement.wanted
        return f"run `python -m pip install '{wanted}'`"
    if absent:
        several = " ".join(f"'{requirement.wanted}'" for requirement in absent)
        return f"install what it requires, one of which brings that: run `python -m pip install {several}`"
    unknown = f"install the distribution that brings the module {module}"
    perhaps = [requirement.name for requirement in declared if not _is_installed(requirement.name)]
    if perhaps:
        return f"{unknown}, perhaps {' or '.join(perhaps)}, which it requires under conditions"
    return f"{unknown}, and tell its author, who has not required one"


class _Requirement(NamedTuple):
    """What a distribution requires."""

    name: str
    wanted: str
    """The name and the versions."""
    extra: str | None
    """The extra that it belongs to."""
    sure: bool
    """Whether it is required on every system."""


def _read(text: str) -> _Requirement:
    wanted, _, marker = (part.strip() for part in text.partition(";"))
    extra = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", marker)
    sure = not marker or (extra is not None and extra[0] == marker)
    return _Requirement(re.split(r"[^A-Za-z0-9_.-]", wanted, maxsplit=1)[0], wanted, extra and extra[1], sure)


def _same(name: str, module: str) -> bool:
    return name.lower().replace("-", "_") == module.lower()


def _is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except (metadata.PackageNotFoundError, ValueError):
        return False
