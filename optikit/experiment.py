"""An experiment: a problem and the runs on it, written down in a TOML file.

The file says what, never how: opening it imports nothing and runs nothing.  It is read in two passes, first the
tables, then each component by its name, and every mistake is answered with file, table and field.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from optikit import registry
from optikit.budget import Budget, Count
from optikit.component import explain
from optikit.described import Described
from optikit.errors import InputError, did_you_mean
from optikit.failures import read_failures
from optikit.history import Kept
from optikit.problem import FEASIBILITY_TOL
from optikit.task import BenchmarkTask, FunctionTask, Plan, Task, TrainingTask

MOST_BYTES = 16 << 20
"""Most that is read from one file, 16 MiB."""
_DEEPEST, _LONGEST = 50, 256
_RUN_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*")


class ConstraintTable(Described):
    """One of the constraints of a function: linear, with `A`, or a function of its own, with `fun`."""

    A: Any = None
    """The matrix: a list of rows."""
    fun: str | None = None
    """A function, as ``module:name``."""
    gradient: str | None = None
    """Its gradient, as ``module:name``."""
    lower: Any = -math.inf
    """Lowest allowed value of ``A @ x`` or ``fun(x)``: a number, or a list with one for each row."""
    upper: Any = math.inf
    """Highest allowed value."""


class ProblemTable(Described):
    """``[problem]`` without a name: either data, model and loss, or a function.

    With a `name` it is a problem that is installed, and has the fields of that.
    """

    data: Any = None
    """A data component: its name, or a table with its name and fields."""
    model: Any = None
    """A model."""
    loss: Any = None
    """A loss."""
    held_out: Any = None
    """A data component that is used for evaluation only; all of `data` is trained on then."""
    batch_size: Count | None = None
    """Rows in the minibatch of a step; all by default."""
    l2: float = Field(default=0.0, ge=0)
    """Adds ``l2 / 2`` times the sum of the squares of all parameters, biases included, to what is minimised."""
    function: str | None = None
    """A function to minimise, as ``module:name``; the module may lie beside the file."""
    gradient: str | None = None
    """Its gradient, as ``module:name``."""
    x0: Any = None
    """Where to start: a list of numbers, or a table of lists and numbers by name."""
    bounds: Any = None
    """``[low, high]``, two numbers or two lists of numbers; or a table of such pairs by name."""
    fixed: Any = None
    """What keeps its number in x0: a list of names, or of true and false."""
    scale: Any = None
    """How large a change of a parameter is that matters: a positive number, a list, or a table by name; optimizers see
    the parameters divided by it."""
    constraints: list[ConstraintTable] = Field(default_factory=list[ConstraintTable])
    """What the result shall satisfy besides."""
    feasibility_tol: float = FEASIBILITY_TOL
    """By how much a point may violate a constraint and still count as feasible."""


class RunTable(Budget):
    """``[runs.NAME]``: an optimizer, a gradient estimator, and limits."""

    optimizer: Any
    """An optimizer: its name, or a table with its name and fields."""
    gradient: Any = None
    """A gradient estimator; by default `analytic` for a model, and the function's own gradient for a function."""
    compare_gradient: Any = None
    """Another gradient estimator: the run is made again with it, and the parameters at the end are compared."""
    epochs: Count | None = None
    """How often every sample is used."""
    stop: Any = None
    """A stopping rule, or a list of them: names, or tables with name and fields."""
    check_gradient: bool | Literal["raise"] = True
    """Whether the gradient of a function is compared with differences before the first step; a wrong one is a warning,
    or with "raise" an error."""
    on_error: Any = "raise"
    """What happens when an evaluation fails: "raise", "skip" or "penalise", or a table that says it for `error`, `nan`,
    `inf` and `minus_inf`, with `timeout` and `retries` for workers."""
    history: Kept = "values"
    """What the history keeps: the value of every evaluation; its point, too; or improvements only."""
    rng: int | None = Field(default=None, ge=0)
    """Where this run starts from, if not from that of the file."""
    observers: list[Any] = Field(default_factory=list[Any])
    """What shows or writes down how the run goes: names, or tables with a name and fields."""


class CompareTable(Described):
    """``[compare]``: on which terms `optikit compare` compares the optimizers of the runs."""

    max_evals: Any
    """Evaluations of each trial: a number, or text such as "200d", times the dimension."""
    seeds: Any = 10
    """How many trials each makes, or a list of seeds."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Seconds of each trial."""
    targets: list[float] | None = None
    """How far above the minimum the targets are."""


class ExperimentTable(Described):
    """A whole experiment file."""

    rng: int = Field(default=0, ge=0, validation_alias=AliasChoices("rng", "seed"))
    """Every run starts from it: same initial parameters, same minibatches.  Its first name, `seed`, is taken, too."""
    problem: ProblemTable
    """What is minimised."""
    runs: dict[str, RunTable] = Field(min_length=1)
    """The runs by name, made in this order."""
    compare: CompareTable | None = None
    """On which terms `optikit compare` compares their optimizers; their own limits do not count there."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A problem and its runs, validated; no data are loaded and no function is imported yet."""

    path: Path
    tables: dict[str, Any]
    """The file as read, with the overrides in it."""
    rng: int
    task: Task
    plans: dict[str, Plan]
    compare: CompareTable | None = None


def read_experiment(path: Path, overrides: Iterable[str] = ()) -> Experiment:
    """Read an experiment file.

    Parameters
    ----------
    path : Path
        The file.
    overrides : iterable of str
        Values to put into it first, such as ``runs.backprop.optimizer.learning_rate=0.05``.

    Returns
    -------
    Experiment
        All its components made.

    Raises
    ------
    InputError
        If something is wrong; the sentence gives file, table and field.
    """
    try:
        tables = tomllib.loads(_text(path))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: it cannot be read ({getattr(error, 'strerror', error)})") from None
    except (ValueError, RecursionError) as error:  # integers without end and brackets without end are the latter two
        raise InputError(f"{path}: this is no TOML: {error}") from None
    if (excess := _excess(tables)) is not None:
        raise InputError(f"{path}: {excess}, which no experiment needs")
    for override in overrides:
        _override(tables, override)
    # A problem with a name is a component, whose fields only its class knows: that is for the second pass.
    problem: Any = tables.get("problem")
    named = isinstance(problem, dict) and "name" in problem
    try:
        table = ExperimentTable.model_validate({**tables, "problem": {}} if named else tables)
    except ValidationError as error:
        raise InputError(f"{path}: {_misplaced(*explain(error)[0])}") from None
    reader = _Reader(path)
    for name in table.runs:
        if not _RUN_NAME.fullmatch(name):
            raise InputError(f"{path}: [runs] {name!r} names files, too; use letters, digits, '-', '_' and '.' only")
    plans = {
        name: Plan(
            optimizer=reader.component("optimizer", run.optimizer, f"runs.{name}", "optimizer"),
            gradient=reader.component("gradient", run.gradient, f"runs.{name}", "gradient"),
            budget=Budget(**{name: getattr(run, name) for name in Budget.model_fields}),
            epochs=run.epochs,
            stop=reader.rules(run.stop, f"runs.{name}"),
            compare_gradient=reader.component("gradient", run.compare_gradient, f"runs.{name}", "compare_gradient"),
            check_gradient=run.check_gradient,
            on_error=reader.on_error(run.on_error, f"runs.{name}"),
            history=run.history,
            rng=table.rng if run.rng is None else run.rng,
            observers=tuple(
                reader.component("observer", given, f"runs.{name}", f"observers.{i}")
                for i, given in enumerate(run.observers)
            ),
        )
        for name, run in table.runs.items()
    }
    if named:
        task: Task = BenchmarkTask(path=path, benchmark=reader.component("problem", problem, "problem"))
    else:
        task = reader.task(table.problem)
    for name, plan in plans.items():
        if (refusal := task.refuses(plan)) is not None:
            raise InputError(f"{path}: [runs.{name}] {refusal}")
    return Experiment(path, tables, table.rng, task, plans, table.compare)


class _Reader:
    """The second pass: finds classes by name and validates their fields."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def component(self, kind: str, given: Any, table: str, field: str | None = None) -> Any:
        if given is None:
            return None
        try:
            return registry.default().make(kind, given, folder=self._path.parent)
        except InputError as error:
            inner = table if field is None else f"{table}.{field}"
            place = f"[{inner}]" if isinstance(given, dict) else f"[{table}] {field}:"
            raise InputError(f"{self._path}: {place} {error}") from None

    def rules(self, given: Any, table: str) -> tuple[Any, ...]:
        rules = cast("list[Any]", given) if isinstance(given, list) else [given]
        return tuple(self.component("stopping", rule, table, "stop") for rule in rules if rule is not None)

    def on_error(self, given: Any, table: str) -> Any:
        try:
            read_failures(given)
        except InputError as error:
            raise InputError(f"{self._path}: [{table}] {error}") from None
        return given

    def task(self, problem: ProblemTable) -> Task:
        given = problem.model_fields_set
        own = {"function", "gradient", "x0", "bounds", "fixed", "scale", "constraints", "feasibility_tol"}
        needed = {"function", "x0"} if problem.function is not None else {"data", "model", "loss"}
        allowed = own if problem.function is not None else {*needed, "held_out", "batch_size", "l2"}
        for field in sorted(needed - given):
            raise InputError(
                f"{self._path}: [problem] {field} is missing; a problem is data, model and loss, or function and x0, "
                "or the name of one that `optikit list --kind problem` shows"
            )
        for field in sorted(given - allowed):
            raise InputError(f"{self._path}: [problem] {field} does not go together with {', '.join(sorted(needed))}")
        if problem.function is not None:
            return FunctionTask(
                path=self._path,
                function=problem.function,
                gradient=problem.gradient,
                x0=problem.x0,
                bounds=problem.bounds,
                fixed=problem.fixed,
                scale=problem.scale,
                constraints=[dict(table) for table in problem.constraints],
                feasibility_tol=problem.feasibility_tol,
            )
        return TrainingTask(
            path=self._path,
            data=self.component("data", problem.data, "problem", "data"),
            model=self.component("model", problem.model, "problem", "model"),
            loss=self.component("loss", problem.loss, "problem", "loss"),
            held_out=self.component("data", problem.held_out, "problem", "held_out"),
            batch_size=problem.batch_size,
            l2=problem.l2,
        )


def _text(path: Path) -> str:
    """Read the file, if it is no larger than people write them."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: it has more than {MOST_BYTES:,} bytes; put data into files of their own")
    return data.decode()


def _excess(tables: Any) -> str | None:
    """Say whether something is deeper than recursion could follow, or a number longer than can be written."""
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):  # level by level, so that looking needs no recursion
        lists = [list(cast("dict[str, Any]", one).values()) if isinstance(one, dict) else one for one in level]
        items: list[Any] = [item for inner in lists for item in inner]
        if any(isinstance(item, int) and item.bit_length() > _LONGEST for item in items):
            return f"it has an integer of more than {_LONGEST} bits"
        level = [item for item in items if isinstance(item, dict | list)]
    return f"its tables are nested more than {_DEEPEST} deep" if level else None


def _override(tables: dict[str, Any], override: str) -> None:
    """Put one ``table.field=value`` into the tables; the value is TOML, or else a string."""
    place, equals, text = override.partition("=")
    *path, field = (part.strip() for part in place.split("."))
    if not equals or not field or not all(path):
        raise InputError(f"--set {override}: write it as table.field=value")
    table = tables
    for depth, part in enumerate(path):
        if depth == 1 and path[0] == "runs" and part not in table:
            raise InputError(f"--set {override}: there is no run {part!r}; {did_you_mean(part, table)}")
        inner = table.setdefault(part, {})
        if isinstance(inner, str):
            inner = table[part] = {"name": inner}  # the short form of a component
        if not isinstance(inner, dict):
            raise InputError(f"--set {override}: {part} is no table")
        table = cast("dict[str, Any]", inner)
    table[field] = written(text)


def written(text: str) -> Any:
    """Read what is written on the command line: a value of TOML, a table in JSON, or else a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return json.loads(text) if text.lstrip().startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text


def read_table(option: str, text: str) -> Any:
    """Read an option that is a name, or a table in TOML or JSON.

    Raises
    ------
    InputError
        If it was to be a table, and is none.
    """
    given = written(text) if text.lstrip().startswith("{") else text
    if isinstance(given, str) and given.lstrip().startswith("{"):
        raise InputError(f'{option} {text}: this is no table; write a name, or {{"name": ..., FIELD: ...}}')
    return given


def _misplaced(place: tuple[int | str, ...], sentence: str) -> str:
    """Say which field of which table is wrong."""
    *path, field = map(str, place)
    tables: dict[str, type[BaseModel]] = {"problem": ProblemTable, "runs": RunTable, "compare": CompareTable}
    owner = ConstraintTable if "constraints" in path else tables.get(path[0] if path else "", ExperimentTable)
    if sentence.startswith("is no field"):
        sentence += f"; {did_you_mean(field, owner.model_fields)}"
    return f"[{'.'.join(path)}] {field} {sentence}" if path else f"{field} {sentence}"
