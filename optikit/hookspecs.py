"""The hooks: the whole extension surface of optikit, on one screen.

A plugin is a module, named by an entry point in the group ``optikit``, with one or both of these functions::

    from optikit import hookimpl

    @hookimpl
    def optikit_components():
        return [MyOptimizer]
"""

from collections.abc import Callable
from typing import Any

import pluggy

GROUP = "optikit"
"""The entry-point group in which plugins are found, and the project name of the hooks."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def optikit_components() -> list[type[Any]]:
    """Return the component classes that the plugin brings, of any kind: the base class says which.

    It returns them and registers nothing.
    """
    ...


@hookspec
def optikit_observer(run: Any) -> Callable[[Any], None] | None:
    """Return a function to be called after every step of a run, or None to look away.

    Called once for every run, with the `optikit.Run`.  What it returns is called directly, with an `optikit.Progress`.
    It may have the methods `within(progress)` and `close(result)`, as what `optikit.Observer.watch` returns.
    """
    ...
