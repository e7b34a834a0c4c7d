"""The command line: the same words as the API.

``run`` makes the runs of an experiment file, ``list`` and ``show`` look components up, ``doctor`` says what is wrong
with plugins.  Results go to stdout, everything else to stderr; a mistake of the user ends in one sentence and status 2.
"""

import itertools
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from optikit.errors import InputError, ObjectiveError, did_you_mean

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optikit", prog_name="optikit")
def cli() -> None:
    """Optimizers, gradient estimators, models and losses as plugins that fit together."""


def main() -> None:
    """Run the command line."""
    try:
        status = cli.main(prog_name="optikit", standalone_mode=False)
    except InputError as error:
        _complain(str(error))
        status = BAD_INPUT
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    sys.exit(status if isinstance(status, int) else 0)


def _complain(sentence: str) -> None:
    click.echo(f"optikit: {sentence}", err=True)


def _print(renderable: Any) -> None:
    from rich.console import Console

    # A pipe has no width: wide enough then that nothing is cut off.
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(renderable)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="TABLE.FIELD=VALUE", help="Put a value into the file first.")
@click.option("--only", multiple=True, metavar="NAME", help="Make this run only; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results; results/FILE-N by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
def run(file: Path, overrides: Sequence[str], only: Sequence[str], out: Path | None, as_json: bool) -> int:
    """Make the runs of an experiment FILE and compare them."""
    from optikit import picture, report
    from optikit.experiment import read_experiment
    from optikit.live import shown
    from optikit.result import Result
    from optikit.stop import StopReason

    experiment = read_experiment(file, overrides)
    for name in only:
        if name not in experiment.plans:
            raise InputError(f"--only {name}: {file} has no such run; {did_you_mean(name, experiment.plans)}")
    click.echo(f"{file.name}: {experiment.task.prepare()}", err=as_json)
    out = out or _free(file.stem)
    report.claim(out)
    results: dict[str, Result] = {}
    status = 0
    for name in only or experiment.plans:
        plan, place = experiment.plans[name], f"{file}: [runs.{name}]"
        try:
            with shown(name, experiment.task.steps(plan)) as callback:
                results[name] = experiment.task.run(plan, experiment.seed, callback)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except Exception as error:
            if isinstance(partial := getattr(error, "result", None), Result):
                results[name] = partial
            mistaken = isinstance(error, InputError | ObjectiveError)
            _complain(f"{place} {error}" if mistaken else f"{place} {_raised(error)}")
            status = status or (BAD_INPUT if mistaken else FAILED)
        if name in results:
            report.save(experiment, results, out, name)
            if results[name].reason is StopReason.DIVERGED:
                _complain(f"{place} {results[name].message}")
                status = BAD_INPUT
            if results[name].reason is StopReason.INTERRUPTED:
                status = INTERRUPTED
        if status == INTERRUPTED:
            _complain(f"{place} interrupted; the runs until here are kept")
            break
    drawn = bool(results) and picture.draw(results, out / "curves.png")
    if as_json:
        click.echo(json.dumps(report.document(experiment, results, out), indent=1, allow_nan=False))
    elif results:
        _print(report.table(results))
    if results:
        click.echo(f"results: {out}/results.json", err=as_json)
        click.echo(f"curves:  {out / 'curves.png' if drawn else picture.MISSING}", err=as_json)
    return status


def _free(stem: str) -> Path:
    """Find the first free folder, so that no earlier result is overwritten."""
    folders = (Path("results") / f"{stem}-{number}" for number in itertools.count(1))
    return next(folder for folder in folders if not folder.exists())


def _raised(error: Exception) -> str:
    """Say what was raised and where, without a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"raised {type(error).__name__}: {error}{where}"


@cli.command("list")
@click.option("--kind", metavar="KIND", help="model, loss, gradient, optimizer, data or observer.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--plugins", is_flag=True, help="List the installed plugins instead; none of their code runs.")
def list_(kind: str | None, as_json: bool, plugins: bool) -> None:
    """List the components that can be used."""
    from optikit import catalogue

    rows = catalogue.plugins() if plugins else catalogue.rows(kind)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    click.echo(catalogue.columns(rows))
    broken = sum(not row.get("available", True) for row in rows)
    if broken:
        click.echo(f"{broken} cannot be used; `optikit doctor` says why", err=True)


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="[KIND] NAME")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, with the JSON schema of the fields.")
def show(words: Sequence[str], as_json: bool) -> None:
    """Show a component: what it does, its fields, and how to write it into an experiment file."""
    from optikit import catalogue

    if len(words) > 2:
        raise InputError(f"show takes a kind and a name, not {len(words)} words")
    entry = catalogue.find(*reversed(words))
    click.echo(json.dumps(catalogue.described(entry), indent=1) if as_json else catalogue.page(entry))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if anything is wrong.")
def doctor(as_json: bool, strict: bool) -> int:
    """Check the installed plugins, and say what is wrong and what mends it."""
    from optikit import catalogue

    found = catalogue.checkup()
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        for plugin in found["plugins"]:
            click.echo(f"{plugin['distribution']} {plugin['version']}, {plugin['plugin']}: {plugin['brings']}")
        for fault in found["faults"]:
            click.echo(
                f"\n{fault['distribution']}, {fault['plugin']}: {fault['problem']}\n"
                f"  stage: {fault['stage']}\n  where: {fault['where']}\n  mend:  {fault['remedy']}"
            )
        click.echo(f"\n{len(found['faults'])} faults" if found["faults"] else "\nall is well")
    return FAILED if strict and found["faults"] else 0
