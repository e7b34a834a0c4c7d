"""The command line: the same words as the API.

``run`` makes the runs of an experiment file, ``session`` has somebody else evaluate, ``list`` and ``show`` look
components up, ``doctor`` says what is wrong with plugins.  Results go to stdout, everything else to stderr; a mistake
of the user ends in one sentence and status 2.
"""

import contextlib
import errno
import gc
import json
import os
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from optikit.choice.command import advise
from optikit.comparison.command import compare
from optikit.errors import InputError, OptikitError, raised
from optikit.terminal import BAD_INPUT, FAILED, INTERRUPTED, complain, hired
from optikit.tuning.command import tune


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optikit", prog_name="optikit", message="%(prog)s %(version)s")
def cli() -> None:
    """Optimizers, gradient estimators, models and losses as plugins that fit together."""


cli.add_command(compare)
cli.add_command(advise)
cli.add_command(tune)


def main() -> None:
    """Run the command line."""
    gc.disable()  # what is loaded to look something up lives until the end; `run` takes it back
    try:
        status = cli.main(prog_name="optikit", standalone_mode=False)
    except InputError as error:
        complain(str(error))
        status = BAD_INPUT
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        complain("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        status = FAILED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF):  # the last if a plugin has closed it
            raise
        complain(f"the output cannot be written ({error.strerror})")
        status = FAILED
    except ValueError:
        if not sys.stdout.closed:  # by a plugin
            raise
        complain("the output cannot be written (it has been closed)")
        status = FAILED
    sys.exit(status if isinstance(status, int) else 0)


_settings = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="TABLE.FIELD=VALUE",
    help="Put a value into the file first; may be repeated.",
)


_observe = click.option(
    "--observe",
    multiple=True,
    metavar="NAME|TABLE",
    help='Have an observer watch every run: its name, or {"name": ..., FIELD: ...}; may be repeated.',
)
_workers = click.option(
    "--workers", help="Evaluate so many points at a time, -1 for one a core; or dask, or dask://HOST:PORT."
)
_stop = click.option(
    "--stop",
    multiple=True,
    metavar="NAME|TABLE",
    help='A stopping rule: its name, or {"name": ..., FIELD: ...}; may be repeated.',
)


def integer(text: str) -> int:
    """Read a whole number, which may be written as in files: 1e5."""
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        if (number := float(text)).is_integer():
            return int(number)
    raise click.BadParameter(f"{text!r} is not a valid integer.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@_settings
@click.option("--only", multiple=True, metavar="NAME", help="Make this run only; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the results; results/FILE-N by default.")
@_observe
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="File in which the runs are kept, for `resume`.")
@_workers
def run(
    file: Path,
    overrides: Sequence[str],
    only: Sequence[str],
    out: Path | None,
    observe: Sequence[str],
    as_json: bool,
    checkpoint: Path | None,
    workers: str | None,
) -> int:
    """Make the runs of an experiment FILE and compare them."""
    from optikit.conduct import conduct

    gc.enable()
    return conduct(file, overrides, only, out, as_json, observe, checkpoint, workers=hired(workers))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_settings
@click.option("--max-evals", type=integer, help="Another limit, counted from the beginning of the run; without FILE.")
@click.option("--max-grads", type=integer, help="The same for gradients.")
@click.option("--max-steps", type=integer, help="The same for steps.")
@click.option("--max-seconds", type=float, help="The same for seconds.")
@click.option("--epochs", type=integer, help="The same for epochs.")
@click.option("--target", type=float, help="Another value that is good enough; without FILE.")
@_stop
@click.option("--run", "number", type=int, help="The run to continue, as `optikit runs` numbers them; without FILE.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the results of FILE; results/FILE-N by default."
)
@_observe
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document; with FILE.")
@_workers
def resume(
    path: Path,
    file: Path | None,
    overrides: Sequence[str],
    stop: Sequence[str],
    number: int | None,
    out: Path | None,
    observe: Sequence[str],
    as_json: bool,
    workers: str | None,
    **limits: float | None,
) -> int | None:
    """Continue what is in the checkpoint PATH.

    With an experiment FILE all its runs are, and those not begun yet are made.  Without, it is the last run, which must
    be of a model, as functions are not saved.  A session is continued by `optikit session --resume PATH`.
    """
    gc.enable()
    from optikit.conduct import chosen, conduct, warned

    if file is not None:
        if number is not None:
            raise InputError("--run is for a PATH without FILE; name runs of the file by `optikit run --only`")
        if stop or any(limit is not None for limit in limits.values()):
            raise InputError("with FILE, limits are put into it: --set runs.NAME.max_evals=1000")
        return conduct(file, overrides, (), out, as_json, observe, path, again=True, workers=hired(workers))
    if overrides or out or as_json:
        raise InputError("--set, --out and --json are for an experiment: give its FILE, too")
    from optikit.continued import resume

    again: dict[str, Any] = {**limits, "stop": chosen("stopping", "--stop", stop) if stop else None}
    watching = chosen("observer", "--observe", observe)
    try:
        with warned():
            result = resume(path, run=number, observers=watching, workers=hired(workers), **again)
        click.echo(str(result))
    except InputError as error:
        if "is not saved" in str(error):
            raise InputError(
                f"{path}: it needs what is not saved; give the experiment file, too: `optikit resume {path} FILE`, or "
                "continue it in Python with optikit.resume"
            ) from None
        raise
    return None


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def runs(path: Path, as_json: bool) -> None:
    """List the runs in the checkpoint PATH; nothing in it is run."""
    from dataclasses import asdict

    from optikit.continued import runs

    entries = runs(path)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in entries], indent=1))
        return
    for entry in entries:
        value = "" if entry.fun is None else f", best {entry.fun:.6g}"
        click.echo(
            f"{entry.run}: {entry.label}, {entry.about.get('optimizer')} on {entry.about.get('problem')}, begun "
            f"{entry.begun}: {entry.stop or 'not ended'}, {entry.nfev:,} evaluations, {entry.nit:,} steps{value}"
        )


@cli.command("check-gradient")
@click.argument("subject", metavar="FILE|FILE.py:FUNCTION")
@click.option("--gradient", metavar="NAME", help="The gradient in FILE.py; FUNCTION_gradient by default.")
@click.option("--at", "point", metavar="X", help="The point, such as 1.5,-2; by default what FILE.py calls x0.")
@_settings
def check_gradient(subject: str, gradient: str | None, point: str | None, overrides: Sequence[str]) -> int:
    """Compare a gradient with differences; status 1 if it is wrong.

    It is that of the problem of an experiment FILE, or of a FUNCTION in a Python file.
    """
    from optikit.check import check_gradient

    module, colon, function = subject.rpartition(":")
    if colon and function.isidentifier():
        if overrides:
            raise InputError(f"--set {overrides[0]}: it is for experiment files, not for {subject}")
        arguments = _function(module, function, gradient, point)
        place = subject
    else:
        if subject.endswith(".py"):
            raise InputError(f"{subject}: which function is meant? write {subject}:FUNCTION")
        if gradient is not None or point is not None:
            raise InputError(f"--gradient and --at are for FILE.py:FUNCTION, not for the experiment file {subject}")
        arguments = _problem(Path(subject), overrides)
        place = f"{subject}: [problem]"
    try:
        check = check_gradient(*arguments)
    except OptikitError as error:
        raise InputError(f"{place}: {error}" if module else f"{place} {error}") from None
    except Exception as error:
        raise InputError(f"{place}: the function {raised(error)}") from None
    click.echo(f"{check.message}\n{check.nfev:,} evaluations; noise of the values about {check.noise:.1g}")
    return 0 if check.success else FAILED


def _problem(file: Path, overrides: Sequence[str]) -> tuple[Any, None, Any]:
    """Give the problem of an experiment file, and a point."""
    from optikit.experiment import read_experiment

    experiment = read_experiment(file, overrides)
    click.echo(f"{file.name}: {experiment.task.prepare()}")
    problem, x = experiment.task.subject(experiment.rng)
    return problem, None, x


def _function(module: str, function: str, gradient: str | None, point: str | None) -> tuple[Any, Any, Any]:
    """Give a function, its gradient and a point, all from one Python file."""
    from optikit.imported import imported

    def named(name: str, remedy: str = "") -> Any:
        try:
            return imported(f"{module}:{name}", Path())
        except InputError as error:
            raise InputError(f"{module}:{name}: {error}{remedy}") from None

    fun = named(function)
    slope = named(gradient or f"{function}_gradient", "" if gradient else "; name it with --gradient NAME")
    if point is None:
        return fun, slope, named("x0", "; give the point with --at 1.5,-2")
    try:
        return fun, slope, tomllib.loads(f"x = {point if point.lstrip()[:1] in '[{' else f'[{point}]'}")["x"]
    except tomllib.TOMLDecodeError:
        raise InputError(f"--at {point}: write numbers, such as 1.5,-2, or {{w = [1.0, 2.0], b = 0.5}}") from None


_FILTERS = {
    "needs_gradient": ("--needs-gradient/--no-gradient", "need a gradient, or need none"),
    "bounds": ("--bounds/--no-bounds", "take bounds, or do not"),
    "needs_box": ("--needs-box/--no-box", "need finite bounds, or do not"),
    "constraints": ("--constraints/--no-constraints", "take constraints, or do not"),
    "batches": ("--batches/--no-batches", "evaluate several points at once, or do not"),
    "stochastic": ("--stochastic/--deterministic", "use randomness, or use none"),
}
"""An option for each of the abilities, with both directions."""


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for name, (words, meaning) in reversed(_FILTERS.items()):
        command = click.option(words, name, default=None, help=f"Only optimizers that {meaning}.")(command)
    return command


@cli.command("list")
@click.option(
    "--kind", metavar="KIND", help="model, loss, gradient, optimizer, data, schedule, stopping, observer or problem."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option("--plugins", is_flag=True, help="List the installed plugins instead; none of their code runs.")
@click.option("--installed/--not-installed", default=None, help="Those whose extra is installed, or is not.")
@click.option("--abilities", is_flag=True, help="Show what each optimizer can do and needs.")
@_filters
def list_(
    kind: str | None, as_json: bool, plugins: bool, installed: bool | None, abilities: bool, **filters: bool | None
) -> None:
    """List the components that can be used; with a filter, the optimizers that pass it.

    What an optimizer can do is found out by running it for a moment, once for each version.
    """
    from optikit import catalogue

    wanted = {name: value for name, value in filters.items() if value is not None}
    probed = bool(wanted or abilities)
    if plugins and (probed or kind is not None or installed is not None):
        raise InputError("--plugins lists all installed plugins; it goes with --json only")
    if probed and kind not in (None, "optimizer"):
        raise InputError(f"--kind {kind}: abilities are those of optimizers; leave out --kind, or the abilities")
    rows = (
        catalogue.plugins() if plugins else catalogue.optimizers(wanted, _announce) if probed else catalogue.rows(kind)
    )
    rows = [row for row in rows if installed in (None, row.get("available"))]
    found = [row for row in rows if not wanted or not row["abilities"]["unknown"]]
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        click.echo(catalogue.columns(found, "abilities" if abilities else "summary"))
        _count(found)
    if len(found) < len(rows):
        more = f"{len(rows) - len(found)} more may fit, whose abilities are not known"
        click.echo(f"{more}; `optikit list --abilities` says why", err=True)


def _announce(number: int) -> None:
    click.echo(f"finding out, once for each version, what {number} optimizers can do ...", err=True)


def _count(rows: list[dict[str, Any]]) -> None:
    """Say how many of the listed components cannot be used."""
    lacking = sum("extra" in row for row in rows)
    if lacking:
        click.echo(f"{lacking} need{'s' if lacking == 1 else ''} an extra that is not installed", err=True)
    broken = sum(not row.get("available", True) for row in rows) - lacking
    if broken:
        click.echo(f"{broken} cannot be used; `optikit doctor` says why", err=True)


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="[KIND] NAME")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, with the JSON schema of the fields.")
def show(words: Sequence[str], as_json: bool) -> None:
    """Show a component: what it does, its fields, what it can do, and how to use it."""
    from optikit import catalogue
    from optikit.page import document, page

    if len(words) > 2:
        raise InputError(f"show takes a kind and a name, not {len(words)} words")
    entry = catalogue.find(*reversed(words))
    click.echo(json.dumps(document(entry), indent=1) if as_json else page(entry))


@cli.command()
@click.argument("name", required=False)
@click.option(
    "--kind", default="optimizer", show_default=True, help="optimizer, gradient-estimator, model, loss, data, observer."
)
@click.option("--author", help="Who holds the copyright; 'The authors of NAME' by default.")
@click.option("--to", "folder", type=click.Path(path_type=Path), help="Where the project shall be; NAME by default.")
@click.option("--update", type=click.Path(path_type=Path), help="Bring the project in this folder up to date instead.")
def new(name: str | None, kind: str, author: str | None, folder: Path | None, update: Path | None) -> None:
    """Make the project of a new plugin, NAME, with an example that works, tests, documentation and all.

    An update replaces what you have left as it was made, and overwrites nothing else.
    """
    import shlex

    from optikit import scaffold

    if update is not None:
        if name is not None or folder is not None or author is not None:
            raise InputError("--update takes the folder of a project, and nothing else")
        done = scaffold.update(update)
        for what, paths in zip(("replaced", "added", "changed by you, the new one is"), done, strict=True):
            for path in paths:
                click.echo(f"{what} {path}")
        if not any(done):
            click.echo(f"{update} is up to date")
        return
    if name is None:
        raise InputError("`optikit new` takes the name of the plugin: optikit new my-search --kind optimizer")
    place = Path(name) if folder is None else folder
    for path in scaffold.create(name, kind, place, author):
        click.echo(place / path)
    click.echo(f"next: cd {shlex.quote(str(place))} && python -m pip install -e '.[dev]' && python -m pytest", err=True)


@cli.command()
@click.argument("name", metavar="NAME|DISTRIBUTION")
@click.option("--kind", metavar="KIND", help="Of the component, where several kinds have the name.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Make it with this; may be repeated.")
@click.option(
    "--claim", "claims", multiple=True, metavar="CLAIM", help="Check this, too, such as bounds, local or convex."
)
@click.option(
    "--expect", "expected", multiple=True, metavar="CHECK=REASON", help="Expect it to fail a check; may be repeated."
)
@click.option("--examples", type=click.IntRange(1), help="How many examples of each property are drawn.")
@click.option("--at-least", type=click.IntRange(1), help="How many checks there have to be.")
@click.option("--inputs", metavar="SHAPE", help="Of a row of the inputs of a model, such as 3 or 28,28.")
@click.option("--targets", metavar="SORT", help="Of a loss: numbers, labels, probabilities, answers or signs.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("conformance.json"), show_default=True, help="The report."
)
def check(
    name: str,
    kind: str | None,
    settings: Sequence[str],
    claims: Sequence[str],
    expected: Sequence[str],
    examples: int | None,
    at_least: int | None,
    out: Path,
    **known: str | None,
) -> int:
    """Put a component, or all that a distribution brings, to the checks of its kind; status 1 if it fails.

    The checks are those of `optikit.testing`, which authors put into their tests, too.
    """
    try:
        from optikit.testing.shell import check
    except ModuleNotFoundError as error:
        remedy = "run `python -m pip install 'optikit[testing]'`"
        raise InputError(f"`optikit check` needs {error.name}, which is not installed; {remedy}") from None
    from rich.console import Console

    given = {option: value for option, value in known.items() if value is not None}
    passed = check(name, kind, settings, claims, expected, examples, at_least, given, out, Console())
    return 0 if passed else FAILED


@cli.command()
@click.argument("name", metavar="[DISTRIBUTION]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@click.option("--strict", is_flag=True, help="Exit with status 1 if anything is wrong.")
@click.option("--probe", is_flag=True, help="Run the optimizers for a moment, too, to find what they can do.")
@click.option(
    "--patience", type=click.FloatRange(0, min_open=True), help="Seconds for each stage of a plugin; 30 by default."
)
def doctor(name: str | None, as_json: bool, strict: bool, probe: bool, patience: float | None) -> int:
    """Look at the installed plugins, each in a process of its own, and say what is wrong and what mends it."""
    from optikit.doctor import PATIENCE, checkup, told

    found = checkup(name, probe=probe, patience=patience or PATIENCE)
    click.echo(json.dumps(found, indent=1) if as_json else told(found))
    return FAILED if strict and found["faults"] else 0


@cli.command()
@click.option("--optimizer", metavar="NAME|TABLE", help='Its name, or {"name": ..., FIELD: ...}.')
@click.option("--x0", metavar="JSON", help='Where to start, such as [0.0, 0.0] or {"heat": 20.0}.')
@click.option("--gradient", metavar="NAME|TABLE", help="An estimator, or `told` if the answers have gradients.")
@click.option("--bounds", metavar="JSON", help='Such as [[0, 0], [1, 1]], or {"heat": [10, 30]}; null is no bound.')
@click.option("--fixed", metavar="JSON", help='What keeps its number in x0: ["heat"], or [true, false].')
@click.option("--scale", metavar="JSON", help='How large a change matters: 0.1, [1.0, 0.1] or {"heat": 10.0}.')
@click.option("--constraints", metavar="JSON", help='Such as [{"A": [[1, 1]], "upper": 2}], as in experiment files.')
@click.option("--feasibility-tol", type=float, help="By how much constraints may be violated; 1e-6 by default.")
@click.option("--on-error", metavar="ACTION|TABLE", help="Of failed evaluations: skip (by default), penalise or raise.")
@click.option("--history", metavar="KEPT", help="What the checkpoint keeps: values (by default), points or best.")
@click.option("--max-evals", type=integer, help="Evaluations allowed.")
@click.option("--max-grads", type=integer, help="Gradients allowed.")
@click.option("--max-steps", type=integer, help="Steps allowed.")
@click.option("--target", type=float, help="A value that is good enough.")
@_stop
@click.option("--rng", type=int, help="Seed of all randomness.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="File in which a new session is kept.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue the session in this file instead.")
@click.option("--run", type=int, help="With --resume: its number in the file; the last one by default.")
def session(resume: Path | None, run: int | None, **options: Any) -> None:
    """Let an optimizer ask, and tell it the answers, in lines of JSON.

    Each line on stdout is {"ask": [x, ...]}, and the last one {"result": {...}}.  Each line on stdin is a list with an
    answer for each x: a number, null or {"failed": "why"}, and [value, gradient] where the question has "gradient".
    The end of the input is a pause.  With --resume, limits, --target and --stop may be others than before, and
    --constraints are given again.
    """
    from optikit.dialogue import begin, converse

    opened = begin(resume, run, {name: value for name, value in options.items() if value not in (None, ())})
    file = resume or options["checkpoint"]
    try:
        with opened:
            converse(opened, sys.stdin, sys.stdout)
    finally:  # whoever interrupts it wants to know, too
        if not opened.ended:
            again = f"`optikit session --resume {file}` continues it" if file else "it was kept in no --checkpoint"
            click.echo(f"the session waits; {again}", err=True)
