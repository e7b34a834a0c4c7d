"""The command ``optikit advise``."""

import dataclasses
import json

import click

from optikit.errors import InputError


@click.command()
@click.argument("problem")
@click.option("--x0", metavar="JSON", help="Where to start, of a function, such as [0.0, 0.0].")
@click.option("--bounds", metavar="JSON", help="Of a function, such as [[0, 0], [1, 1]]; null is no bound.")
@click.option("--max-evals", metavar="N|Nd", help="Evaluations that the run may make; 200d is 200 times the dimension.")
@click.option("--share", type=float, help="The share of them for looking at the problem; 0.05 by default.")
@click.option("--rng", type=int, default=0, show_default=True, help="Draws where to look.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def advise(
    problem: str,
    x0: str | None,
    bounds: str | None,
    max_evals: str | None,
    share: float | None,
    rng: int,
    as_json: bool,
) -> None:
    """Say which optimizer to take for a PROBLEM, and why.

    PROBLEM is NAME or NAME:FIELD=VALUE,... of a known one, module:function or file.py:function with --x0, or an
    experiment FILE.toml.
    """
    from optikit.choice.advise import SHARE, advise
    from optikit.comparison.subject import read_subject
    from optikit.experiment import written

    if rng < 0:
        raise InputError(f"--rng is {rng}; give a whole number from 0 on")
    subject, start, box = read_subject(problem, x0, bounds)
    limit = written(max_evals) if max_evals is not None else None
    found = advise(subject, start, bounds=box, max_evals=limit, share=SHARE if share is None else share, rng=rng)
    if as_json:
        plain = dataclasses.asdict(found) | {"traits": found.traits.model_dump()}
        click.echo(json.dumps(plain, indent=1, allow_nan=False))
    else:
        click.echo(found)
