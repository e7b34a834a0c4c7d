"""The command ``optikit compare``: what it takes; `shell` does it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("problems", nargs=-1)
@click.option(
    "--optimizers",
    multiple=True,
    metavar="NAMES",
    help="By commas, each NAME or NAME:FIELD=VALUE,...; or a table. May be repeated.",
)
@click.option("--max-evals", metavar="N|Nd", help="Evaluations of each trial; 200d is 200 times the dimension.")
@click.option("--seeds", metavar="N", help="Trials of each optimizer on each problem; 10 by default.")
@click.option("--gradient", metavar="NAME|TABLE", help="How gradients are found; the problem's own by default.")
@click.option("--target", "targets", type=float, multiple=True, help="How far above the minimum; may be repeated.")
@click.option("--max-seconds", type=float, help="Seconds of each trial.")
@click.option("--rng", type=int, help="Where all randomness comes from; 0 by default.")
@click.option("--workers", help="Make so many trials at a time, -1 for one a core; or dask, or dask://HOST:PORT.")
@click.option("--file", type=click.Path(path_type=Path), help="Keep trials in this file; the same call again goes on.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with the comparison in this file.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for comparison.json and the CSV files.")
@click.option("--html", type=click.Path(path_type=Path), help="Write one HTML file, with figures; it needs no network.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables.")
def compare(problems: Sequence[str], **options: Any) -> int:
    """Compare optimizers on PROBLEMS: the same starts, the same budget of evaluations.

    A problem is NAME, NAME:FIELD=VALUE,..., where a field may have several values (bbob:function=1-24,dimension=2,5), a
    table, or an experiment FILE.toml with a [compare] table, whose runs are compared.
    """
    import gc

    from optikit.comparison.shell import shell

    gc.enable()
    return shell(problems, **options)
