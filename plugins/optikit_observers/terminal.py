"""The terminal that observers draw on: stderr, so that results on stdout can go into a pipe."""

import functools
import sys
from typing import Any


def is_there() -> bool:
    """Say whether stderr is a terminal that can be drawn on."""
    return sys.stderr.isatty() and not console().is_dumb_terminal


@functools.cache
def console() -> Any:
    """Give rich's console of stderr: one a process, so that rich knows who else is drawing."""
    from rich.console import Console

    return Console(stderr=True)
