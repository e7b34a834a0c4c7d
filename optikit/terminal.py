"""How the command line speaks: results to stdout, everything else to stderr, and how it ended in the exit status."""

from typing import Any

import click

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
"""Exit statuses: something went wrong, the user can mend it, Ctrl-C."""


def complain(sentence: str) -> None:
    """Say on stderr what is wrong."""
    click.echo(f"optikit: {sentence}", err=True)


def hired(workers: str | None) -> int | str | None:
    """Read an option that is a number of workers, or says who they are."""
    return int(workers) if workers and workers.removeprefix("-").isdecimal() else workers


def show(renderable: Any) -> None:
    """Print a table of rich on stdout."""
    from rich.console import Console

    # A narrow terminal wraps the lines itself; rich would cut off digits.
    needed = Console(width=1000).measure(renderable).maximum
    console = Console(highlight=False)
    console.width = max(console.width, needed)
    console.print(renderable)
