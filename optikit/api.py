"""The plugin API has a number, and a plugin says which one it was written for before any of its code runs.

It says so by entry points in the group ``optikit.api``, whose names are numbers: they stand in a file that is read
anyway to find the plugin, installers keep it, and it can be read without an import.  A plugin that says nothing counts
as written for the oldest that still works: it may well be that old.  `optikit.deprecated` warns before anything goes.
"""

import re
from importlib.metadata import Distribution, EntryPoint

from optikit.fault import Fault

API = 1
"""The number of this optikit: one more whenever something that plugins may rely on changes or goes."""
OLDEST = 1
"""The oldest that it still works with."""
GROUP = "optikit.api"

# The rule of the packaging specifications.  ASCII, as to Python the Kelvin sign is a k that is not in lower case.
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)


def stated(distribution: Distribution | None) -> list[str]:
    """Give the numbers that a distribution says it was written for; none of its code runs."""
    points = distribution.entry_points.select(group=GROUP) if distribution else ()
    return sorted({point.name for point in points})


def refused(point: EntryPoint, distribution: str, numbers: list[str]) -> Fault | None:
    """Say why a plugin is not even imported, or give None.

    Parameters
    ----------
    point : importlib.metadata.EntryPoint
        The plugin.
    distribution : str
        Who brings it.
    numbers : list of str
        What it was written for.

    Returns
    -------
    Fault or None
        With the stage ``found``: it was, and came no further.
    """
    where = f"entry point {point.name} = {point.value}"
    ours = f"API {API}" if OLDEST == API else f"API {OLDEST} to {API}"
    known = sorted(int(number) for number in numbers if number.isascii() and number.isdecimal())
    remedy = f"update it with `python -m pip install --upgrade {distribution}` or tell its author"
    if not _NAME.fullmatch(distribution):
        # Such a name could pass for another one, to people or to programs; no installer makes it.
        problem = f"the name of its distribution, {distribution!a}, is none that a distribution can have"
        remedy = "find out who made it, and uninstall it"
    elif len(known) < len(numbers):
        wrong = sorted(set(numbers) - set(map(str, known)))
        problem = f"it says that it was written for the plugin API {wrong[0]!r}, which is no whole number"
        remedy = "its author must mend it"
        where = f"entry point group {GROUP}"
    elif any(OLDEST <= number <= API for number in known or [OLDEST]):
        return None
    elif known[0] > API:
        problem = f"it was written for the plugin API {known[0]}, and this optikit has {ours}"
        remedy = "run `python -m pip install --upgrade optikit`"
        where = f"entry point group {GROUP}"
    else:
        problem = f"it was written for the plugin API {known[-1]}, and this optikit works with {ours} only"
        where = f"entry point group {GROUP}"
    return Fault(
        distribution=distribution, plugin=point.name, stage="found", where=where, problem=problem, remedy=remedy
    )
