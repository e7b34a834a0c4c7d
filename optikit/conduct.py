"""Conducting an experiment: its runs one after the other, whatever becomes of each.

What a run has found until then is written and shown, however it ends; the others are made nevertheless, unless it was
Ctrl-C.
"""

import itertools
import json
import signal
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from optikit import picture, report
from optikit.errors import GradientWarning, InputError, ObjectiveError, did_you_mean, raised
from optikit.experiment import read_experiment
from optikit.live import shown
from optikit.result import Result
from optikit.stop import StopReason
from optikit.terminal import BAD_INPUT, FAILED, INTERRUPTED, complain, show
from optikit.twin import Apart, Follower


def conduct(
    file: Path,
    overrides: Sequence[str],
    only: Sequence[str],
    out: Path | None,
    as_json: bool,
    workers: int | str | None = None,
) -> int:
    """Make the runs of an experiment file and compare them.

    Parameters
    ----------
    file : Path
        The experiment.
    overrides : sequence of str
        ``TABLE.FIELD=VALUE``, put into the file first.
    only : sequence of str
        Names of runs; all if empty.
    out : Path or None
        Folder for the results; a new one by default.
    as_json : bool
        Whether one JSON document is printed.
    workers : int, str or None
        As for `minimize`.

    Returns
    -------
    int
        The exit status.
    """
    experiment = read_experiment(file, overrides)
    for name in only:
        if name not in experiment.plans:
            raise InputError(f"--only {name}: {file} has no such run; {did_you_mean(name, experiment.plans)}")
    click.echo(f"{file.name}: {experiment.task.prepare()}", err=as_json)
    out = out or _free(file.stem)
    report.claim(out)
    results: dict[str, Result] = {}
    apart: dict[str, Apart] = {}
    status = 0
    for name in only or experiment.plans:
        plan, place = replace(experiment.plans[name], workers=workers), f"{file}: [runs.{name}]"
        try:
            steps = experiment.task.steps(plan)
            with _warned(place), shown(name, steps) as callback:
                follower = Follower(plan, callback)
                results[name] = experiment.task.run(plan, experiment.seed, follower)
            if (other := plan.compare_gradient) is not None and results[name].reason is not StopReason.INTERRUPTED:
                with _warned(place), shown(f"{name} again", steps) as callback:
                    apart[name] = follower.apart(experiment.task, other, experiment.seed, callback)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except (Exception, SystemExit) as error:
            if isinstance(partial := getattr(error, "result", None), Result):
                results.setdefault(name, partial)
            mistaken = isinstance(error, InputError | ObjectiveError)
            complain(f"{place} {error if mistaken else raised(error)}")
            status = status or (BAD_INPUT if mistaken else FAILED)
        if name in results and results[name].reason is StopReason.INTERRUPTED:
            status = INTERRUPTED
        if status == INTERRUPTED:
            # What there is will be written and shown in a moment; an impatient second Ctrl-C shall not lose it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if name in results:
            if results[name].reason in (StopReason.DIVERGED, StopReason.FAILED):
                complain(f"{place} {results[name].message}")
                status = status or BAD_INPUT
            with _held() as interrupts:
                try:
                    report.save(experiment, results, out, name, apart)
                except InputError as error:
                    complain(str(error))
                    status = status or BAD_INPUT
            status = INTERRUPTED if interrupts else status
        if status == INTERRUPTED:
            complain(f"{place} interrupted; the runs until here are kept")
            break
    curves = ""
    if results:
        with _held():  # drawn before anything is printed, as whoever reads may go away
            curves = _picture(results, out / "curves.png")
    if as_json:
        click.echo(json.dumps(report.document(experiment, results, out, apart), indent=1, allow_nan=False))
    elif results:
        show(report.table(results))
        click.echo()
    for name, twin in apart.items():
        click.echo(f"{name}: {twin}", err=as_json)
    if results:
        click.echo(f"results: {out}/results.json", err=as_json)
        click.echo(f"curves:  {curves}", err=as_json)
    else:
        report.disclaim(out)
    return status


@contextmanager
def _warned(place: str) -> Generator[None]:
    """Show warnings as sentences like all others."""

    def show(message: Warning | str, *_: Any) -> None:
        complain(f"{place} {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", GradientWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _held() -> Generator[list[int]]:
    """Keep Ctrl-C waiting: what is being written shall be whole.  Yields the interrupts that came meanwhile."""
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _picture(results: Mapping[str, Any], path: Path) -> str:
    """Draw the curves, and say where they are, or why not."""
    try:
        return picture.draw(results, path)
    except Exception as error:  # no picture is worth losing a result for
        return f"no picture: {raised(error)}"


def _free(stem: str) -> Path:
    """Find the first free folder, so that no earlier result is overwritten."""
    folders = (Path("results") / f"{stem}-{number}" for number in itertools.count(1))
    return next(folder for folder in folders if not folder.exists())
