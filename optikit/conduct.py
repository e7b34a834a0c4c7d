"""Conducting an experiment: its runs one after the other, whatever becomes of each.

What a run has found until then is written and shown, however it ends; the others are made nevertheless, unless it was
Ctrl-C.
"""

import itertools
import json
import signal
import sys
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from optikit import picture, registry, report
from optikit.checkpoint import Slot
from optikit.continued import runs
from optikit.errors import CheckpointWarning, GradientWarning, InputError, ObjectiveError, did_you_mean, raised
from optikit.experiment import read_experiment, read_table
from optikit.interrupts import held, waited
from optikit.journal import Journal
from optikit.observer import Observer
from optikit.result import Result
from optikit.stop import StopReason
from optikit.task import Plan
from optikit.terminal import BAD_INPUT, FAILED, INTERRUPTED, complain, show
from optikit.twin import Apart, Follower


def conduct(
    file: Path,
    overrides: Sequence[str],
    only: Sequence[str],
    out: Path | None,
    as_json: bool,
    observe: Sequence[str] = (),
    checkpoint: Path | None = None,
    again: bool = False,
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
    observe : sequence of str
        Observers of every run, besides its own: names, or tables in TOML.
    checkpoint : Path, optional
        A file that the runs are kept in.
    again : bool
        Whether runs that are in it are continued.
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
    begun = {} if checkpoint is None else _begun(checkpoint, only or experiment.plans, again)
    observers = chosen("observer", "--observe", observe)
    click.echo(f"{file.name}: {experiment.task.prepare()}", err=as_json)
    out = out or _free(file.stem)
    report.claim(out)
    results: dict[str, Result] = {}
    apart: dict[str, Apart] = {}
    status = 0
    for name in only or experiment.plans:
        plan, place = replace(experiment.plans[name], workers=workers), f"{file}: [runs.{name}]"
        late: list[int] = []
        try:
            with warned(place), waited() as late:
                plan = replace(plan, observers=_placed((*plan.observers, *observers), out, name))
                follower = Follower(plan)
                other = plan.compare_gradient
                with _journalled(plan, name, checkpoint, begun) as kept:
                    results[name] = experiment.task.run(kept, follower)
                    if other is not None and isinstance(kept.checkpoint, Journal):
                        follower.recall(kept.checkpoint, experiment.task.subject(plan.rng)[0])
                if other is not None and results[name].reason is not StopReason.INTERRUPTED:
                    watched = _placed((), out, f"{name} again")
                    apart[name] = follower.apart(experiment.task, other, watched)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except (Exception, SystemExit) as error:
            if isinstance(partial := getattr(error, "result", None), Result):
                results.setdefault(name, partial)
            mistaken = isinstance(error, InputError | ObjectiveError)
            complain(f"{place} {error if mistaken else raised(error)}")
            status = status or (BAD_INPUT if mistaken else FAILED)
        if late or (name in results and results[name].reason is StopReason.INTERRUPTED):
            status = INTERRUPTED
        if status == INTERRUPTED:
            # What there is will be written and shown in a moment; an impatient second Ctrl-C shall not lose it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if name in results:
            if results[name].reason in (StopReason.DIVERGED, StopReason.FAILED):
                complain(f"{place} {results[name].message}")
                status = status or BAD_INPUT
            with held() as interrupts:
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
        with held():  # drawn before anything is printed, as whoever reads may go away
            curves = _picture(results, out / "curves.png")
    if as_json:
        click.echo(json.dumps(report.document(experiment, results, out, apart), indent=1, allow_nan=False))
    elif results:
        show(report.table(results))
        click.echo()
    for name, result in results.items():
        if result.amiss:
            click.echo(f"{name}: {result.remedies()[0]}", err=as_json)
    for name, twin in apart.items():
        click.echo(f"{name}: {twin}", err=as_json)
    if results:
        click.echo(f"results: {out}/results.json", err=as_json)
        click.echo(f"curves:  {curves}", err=as_json)
    else:
        report.disclaim(out)
    return status


def _begun(checkpoint: Path, names: Iterable[str], again: bool) -> dict[str, int]:
    """Give the runs that are in a file already, by name; the last where there are several."""
    if not checkpoint.exists() and not again:
        return {}
    begun = {entry.label: entry.run for entry in runs(checkpoint)}
    if not again and (known := [name for name in names if name in begun]):
        raise InputError(
            f"--checkpoint {checkpoint}: it has a run {known[0]!r} already; continue it with "
            f"`optikit resume {checkpoint} FILE`, or give another file"
        )
    return begun


@contextmanager
def _journalled(plan: Plan, name: str, checkpoint: Path | None, begun: Mapping[str, int]) -> Generator[Plan]:
    """Give the plan of a run that is kept in a file, or is continued from there."""
    if checkpoint is None:
        yield plan
    elif name in begun:
        journal = Journal.reopen(checkpoint, begun[name])
        try:
            yield replace(plan, checkpoint=journal)
        finally:
            journal.close()
    else:
        yield replace(plan, checkpoint=Slot(checkpoint, name))


def chosen(kind: str, option: str, texts: Sequence[str]) -> list[Any]:
    """Make the components that an option of the command line asks for.

    Raises
    ------
    InputError
        If there is no such component, or a field is wrong.
    """
    made: list[Any] = []
    for text in texts:
        try:
            made.append(registry.default().make(kind, read_table(option, text)))
        except InputError as error:
            said = str(error)
            raise InputError(said if said.startswith(option) else f"{option} {text}: {said}") from None
    return made


def _placed(observers: tuple[Observer, ...], out: Path, name: str) -> tuple[Observer, ...]:
    """Give the observers of one run; without one that draws on the terminal, its progress is shown, too."""
    known, drawn = registry.default(), sys.stderr.isatty() and any(observer.draws for observer in observers)
    if not drawn and "progress" in known.components("observer"):  # a run need not be shown to be made
        observers = (*observers, known.make("observer", {"name": "progress", "lines": True}))
    return tuple(observer.placed(out, name) for observer in observers)


@contextmanager
def warned(place: str = "") -> Generator[None]:
    """Show warnings as sentences like all others, and where they belong, if they do not say it themselves."""

    def show(message: Warning | str, *_: Any) -> None:
        complain(f"{place} {message}".strip())

    with warnings.catch_warnings():
        for kind in (GradientWarning, CheckpointWarning):
            warnings.simplefilter("always", kind)
        warnings.showwarning = show
        yield


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
