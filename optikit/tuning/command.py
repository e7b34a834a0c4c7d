"""The command ``optikit tune``."""

import json
from collections.abc import Sequence
from typing import Any

import click

from optikit.errors import InputError


@click.command()
@click.argument("optimizer")
@click.argument("problem")
@click.option("--x0", metavar="JSON", help="Where to start, of a function, such as [0.0, 0.0].")
@click.option("--bounds", metavar="JSON", help="Of a function, such as [[0, 0], [1, 1]]; null is no bound.")
@click.option("--gradient", metavar="NAME|TABLE", help="How gradients are found; the problem's own by default.")
@click.option(
    "--field", "fields", multiple=True, metavar="FIELD[=[LOW,HIGH]]", help="Look for this one; may be repeated."
)
@click.option("--max-evals", required=True, metavar="N|Nd", help="Evaluations of a run, as 900 or 200d.")
@click.option("--tries", type=int, help="Settings that are tried with the shortest runs; 27 by default.")
@click.option("--seeds", type=int, help="Runs of each setting; 3 by default.")
@click.option("--by", metavar="NAME|TABLE", help="The optimizer that says which to try next.")
@click.option("--rng", type=int, help="Where all randomness comes from; 0 by default.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def tune(
    optimizer: str,
    problem: str,
    x0: str | None,
    bounds: str | None,
    fields: Sequence[str],
    max_evals: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Look for the best values of an OPTIMIZER's own fields on a PROBLEM, the learning rate first.

    OPTIMIZER is a name or a table.  PROBLEM is NAME or NAME:FIELD=VALUE,... of a known one, module:function or
    file.py:function with --x0, or an experiment FILE.toml.
    """
    from optikit.comparison.cases import tabled
    from optikit.comparison.subject import read_subject
    from optikit.experiment import read_table, written
    from optikit.problem import TrainingProblem
    from optikit.tuning.tune import tune

    subject, start, box = read_subject(problem, x0, bounds)
    if isinstance(subject, TrainingProblem):
        start = None  # a model draws its parameters for each seed
    named = {field.partition("=")[0].strip(): field.partition("=")[2] for field in fields}
    options = {name: value for name, value in given.items() if value is not None}
    options |= {name: read_table(f"--{name}", options[name]) for name in ("gradient", "by") if name in options}
    if options.get("rng", 0) < 0:
        raise InputError(f"--rng is {options['rng']}; give a whole number from 0 on")
    if named:
        options["fields"] = {name: written(ends) if ends else None for name, ends in named.items()}
    chosen = read_table("OPTIMIZER", optimizer)
    found = tune(chosen, subject, start, bounds=box, max_evals=written(max_evals), **options)
    if as_json:
        said: dict[str, Any] = {"optimizer": tabled(found.optimizer), "value": found.value, "before": found.before}
        said |= {"nfev": found.nfev, "settings": [[each.fields, each.max_evals, each.value] for each in found.settings]}
        click.echo(json.dumps(said, indent=1))
    else:
        click.echo(found)
