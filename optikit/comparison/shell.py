"""What ``optikit compare`` does: read what is meant, make the trials, and show the tables."""

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from optikit.comparison import archive, specs
from optikit.comparison.cases import Case, read_cases
from optikit.comparison.compare import ONE_SEED, made
from optikit.comparison.contestants import Contestant, read_contestants
from optikit.comparison.html import library
from optikit.comparison.outcome import Comparison
from optikit.comparison.tables import all_tables, remarks
from optikit.comparison.terms import Terms, read_seeds, read_terms, rooted
from optikit.comparison.trial import Trial
from optikit.comparison.written import document
from optikit.conduct import warned
from optikit.errors import InputError
from optikit.experiment import CompareTable, read_experiment, read_table, written
from optikit.problem import TrainingProblem
from optikit.task import BenchmarkTask
from optikit.terminal import INTERRUPTED, complain, hired, show

_Asked = tuple[Sequence[Case], Sequence[Contestant], Sequence[int], Terms]


def shell(
    problems: Sequence[str],
    *,
    workers: str | None,
    file: Path | None,
    resume: Path | None,
    out: Path | None,
    html: Path | None,
    as_json: bool,
    **given: Any,
) -> int:
    """Compare; the options are those of the command.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    InputError
        If something is wrong; nothing has been evaluated then.
    """
    said = {name: value for name, value in given.items() if value not in (None, ())}
    if resume is not None:
        if problems or said or file is not None:
            raise InputError(
                "--resume goes on with what is in the file; it takes --workers, --out, --html and --json only"
            )
        asked = archive.settings(resume)
    elif len(problems) == 1 and problems[0].endswith(".toml"):
        asked = _filed(Path(problems[0]), said)
    else:
        asked = _named(problems, said)
    cases, contestants, seeds, _ = asked
    if html is not None:
        library()  # what draws the page is missed before hours of trials, and not after them
    if len(seeds) == 1:
        complain(ONE_SEED)
    with warned(), _progress(len(cases) * len(contestants) * len(seeds)) as callback:
        comparison = made(*asked, workers=hired(workers), file=resume or file, callback=callback)
    if out is not None:
        comparison.save(out)
    if as_json:
        click.echo(json.dumps(document(comparison), indent=1, allow_nan=False))
    else:
        _show(comparison)
    if out is not None:
        click.echo(f"results: {out}/comparison.json", err=as_json)
    if html is not None:
        comparison.html(html)
        click.echo(f"page: {html}", err=as_json)
    if comparison.interrupted:
        complain(f"interrupted; {'the same call goes on' if resume or file else 'no --file has kept the trials'}")
        return INTERRUPTED
    return 0


def _named(problems: Sequence[str], said: dict[str, Any]) -> _Asked:
    """Read problems and optimizers by name."""
    if not problems:
        raise InputError(
            "there are no problems; name one, such as rosenbrock; `optikit list --kind problem` lists them"
        )
    if "optimizers" not in said:
        raise InputError("there are no optimizers; give them as --optimizers lbfgs,scipy-nelder-mead")
    cases = read_cases([table for text in problems for table in specs.problems(text)])
    gradient = read_table("--gradient", said["gradient"]) if "gradient" in said else None
    contestants = read_contestants(specs.optimizers(said["optimizers"]), gradient)
    return cases, contestants, _seeds(said, 10), _terms(said, None)


def _filed(path: Path, said: dict[str, Any]) -> _Asked:
    """Read an experiment file: its problem, and the optimizers and gradients of its runs."""
    experiment = read_experiment(path)
    if experiment.compare is None:
        raise InputError(f'{path}: it has no [compare] table; write one, such as max_evals = "200d"')
    if "optimizers" in said or "gradient" in said:
        raise InputError(
            f"{path}: optimizers and gradients are those of its runs; leave out --optimizers and --gradient"
        )
    click.echo(f"{path.name}: {experiment.task.prepare()}", err=True)
    task = experiment.task
    if isinstance(task, BenchmarkTask):
        cases = read_cases(task.benchmark)
    else:
        problem, x0 = task.subject(experiment.rng)
        # A model draws its parameters for each seed; a function starts where the file says.
        cases = read_cases(problem, x0=None if isinstance(problem, TrainingProblem) else x0)
    contestants = [Contestant(name, plan.optimizer, plan.gradient) for name, plan in experiment.plans.items()]
    said = {"rng": experiment.rng, **said}
    return cases, contestants, _seeds(said, experiment.compare.seeds), _terms(said, experiment.compare)


def _seeds(said: dict[str, Any], default: Any) -> tuple[int, ...]:
    return read_seeds(written(said["seeds"]) if "seeds" in said else default)


def _terms(said: dict[str, Any], table: CompareTable | None) -> Terms:
    asked = {} if table is None else table.model_dump(exclude_none=True, exclude={"seeds"})
    asked |= {name: said[name] for name in ("max_evals", "max_seconds", "targets") if name in said}
    limit = asked.get("max_evals")
    limit = written(limit) if isinstance(limit, str) else limit
    return read_terms(limit, asked.get("max_seconds"), asked.get("targets"), rooted(said.get("rng", 0)))


def _show(comparison: Comparison) -> None:
    for table in all_tables(comparison):
        show(table)
        click.echo()
    for sentence in remarks(comparison):
        click.echo(sentence)


@contextmanager
def _progress(number: int) -> Generator[Callable[[Trial], None] | None]:
    """Show on a terminal how many trials have been made."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("trials", total=number)
        yield lambda trial: bar.advance(task)
