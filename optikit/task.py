"""What the runs of an experiment work on: a model to be trained, or a function or another problem to be minimised."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from optikit.benchmark import Benchmark
from optikit.budget import Budget
from optikit.checkpoint import Slot
from optikit.constraint import LinearConstraint, NonlinearConstraint
from optikit.data import Data, Dataset
from optikit.errors import InputError, OptikitError, raised
from optikit.gradient import GradientEstimator
from optikit.history import Kept
from optikit.imported import imported
from optikit.journal import Journal
from optikit.loop import Progress
from optikit.loss import Loss
from optikit.mapped import flat_problem
from optikit.model import Model
from optikit.observer import Observer
from optikit.optimizer import Optimizer
from optikit.oracle import Oracle
from optikit.parameters import Parameters
from optikit.problem import Problem, TrainingProblem
from optikit.result import Result
from optikit.run import fit, minimize
from optikit.solver import unlimited
from optikit.stopping import Stopping
from optikit.structure import is_structure


@dataclass(frozen=True, slots=True)
class Plan:
    """One run of an experiment, its components made."""

    optimizer: Optimizer[Any]
    gradient: GradientEstimator | None
    budget: Budget
    epochs: int | None
    check_gradient: bool | Literal["raise"] = True
    compare_gradient: GradientEstimator | None = None
    on_error: Any = "raise"
    """As for `minimize`, as are the next two."""
    history: Kept = "values"
    rng: int = 0
    checkpoint: Slot | Journal | None = None
    observers: tuple[Observer, ...] = ()
    stop: tuple[Stopping[Any], ...] = ()
    workers: int | str | None = None
    """As for `minimize`; they make no difference to the numbers."""

    @property
    def limits(self) -> dict[str, Any]:
        """The limits, as `minimize` and `fit` take them."""
        return self.budget.model_dump()


class Task(ABC):
    """The subject of an experiment; nothing is loaded or imported until it is prepared."""

    @abstractmethod
    def refuses(self, plan: Plan) -> str | None:
        """Say what is wrong with a run, as far as that can be seen before anything is loaded."""

    @abstractmethod
    def prepare(self) -> str:
        """Load what is needed, check that it fits together, and describe it in one line."""

    @abstractmethod
    def subject(self, seed: int) -> tuple[Problem, Any]:
        """Give the problem, once it is prepared, and a point to look at it from."""

    @abstractmethod
    def run(self, plan: Plan, callback: Callable[[Progress], Any]) -> Result:
        """Make one run."""


@dataclass(kw_only=True, slots=True)
class TrainingTask(Task):
    """Fit a model to data."""

    path: Path
    data: Data
    model: Model
    loss: Loss
    held_out: Data | None
    batch_size: int | None
    l2: float
    _dataset: Dataset | None = None
    _problem: TrainingProblem | None = None

    def refuses(self, plan: Plan) -> str | None:
        """Refuse a run without an end, or with one that it cannot have."""
        if plan.epochs is None and not plan.budget.finite:
            return "it is not said how long to train; give epochs, max_steps, max_evals or max_seconds"
        return unlimited(plan.optimizer, plan.budget.max_steps)

    def prepare(self) -> str:
        """Load the data and pass a first batch through model and loss."""
        dataset = self._load(self.data, "data")
        if self.held_out is not None:
            dataset = Dataset(dataset.whole, self._load(self.held_out, "held_out").whole)
        train, held_out = dataset.train, dataset.held_out
        part = None
        try:
            problem = TrainingProblem(self.model, self.loss, train, self.batch_size, l2=self.l2)
            if held_out is not None:
                part = None if self.held_out is None else "held_out"
                problem.score(self.model.init(np.random.default_rng(0)), held_out)
        except OptikitError as error:
            part = part or ("model" if str(error).startswith(self.model.name) else "loss")
            raise InputError(f"{self.path}: [problem.{part}] {error}") from None
        except Exception as error:
            raise InputError(
                f"{self.path}: [problem] {self.model.name} with {self.loss.name} {raised(error)}"
            ) from error
        self._dataset, self._problem = dataset, problem
        return (
            f"{self.model.name} with {problem.n:,} parameters, {self.loss.name}, on {self.data.name}: "
            f"{len(train):,} samples in batches of {problem.batch_size:,}, "
            f"{len(held_out) if held_out is not None else 0:,} held out"
        )

    def _load(self, data: Data, field: str) -> Dataset:
        try:
            return data.load()
        except InputError as error:
            raise InputError(f"{self.path}: [problem.{field}] {error}") from None
        except Exception as error:
            raise InputError(f"{self.path}: [problem.{field}] {data.name} {raised(error)}") from error

    def subject(self, seed: int) -> tuple[Problem, Any]:
        """Give the problem and freshly drawn parameters."""
        return cast("Problem", self._problem), self.model.init(np.random.default_rng(seed))

    def run(self, plan: Plan, callback: Callable[[Progress], Any]) -> Result:
        """Train."""
        checkpoint = plan.checkpoint
        if isinstance(checkpoint, Slot) and self.held_out is None:
            checkpoint = checkpoint._replace(data=self.data)
        return fit(
            self.model,
            self.loss,
            self._dataset or self.data,
            optimizer=plan.optimizer,
            gradient=plan.gradient or "analytic",
            epochs=plan.epochs,
            batch_size=self.batch_size,
            l2=self.l2,
            stop=plan.stop,
            on_error=plan.on_error,
            history=plan.history,
            rng=plan.rng,
            callback=callback,
            checkpoint=checkpoint,
            observers=plan.observers,
            workers=plan.workers,
            **plan.limits,
        )


@dataclass(kw_only=True, slots=True)
class MinimizingTask(Task):
    """Minimise a problem that has a start."""

    path: Path

    def refuses(self, plan: Plan) -> str | None:
        """Refuse epochs, which a function does not have, and steps, where there is only one."""
        if plan.epochs is not None:
            return "epochs are for data; give max_steps, max_evals or max_seconds"
        return unlimited(plan.optimizer, plan.budget.max_steps)

    def run(self, plan: Plan, callback: Callable[[Progress], Any]) -> Result:
        """Minimise."""
        problem, start = self.subject(plan.rng)
        return minimize(
            problem,
            start,
            optimizer=plan.optimizer,
            gradient=plan.gradient,
            check_gradient=plan.check_gradient,
            stop=plan.stop,
            on_error=plan.on_error,
            history=plan.history,
            rng=plan.rng,
            callback=callback,
            checkpoint=plan.checkpoint,
            observers=plan.observers,
            workers=plan.workers,
            **plan.limits,
        )


@dataclass(kw_only=True, slots=True)
class BenchmarkTask(MinimizingTask):
    """Minimise a problem that is a component, from its own start."""

    benchmark: Benchmark

    def prepare(self) -> str:
        """Pose the problem, and see whether its start fits."""
        name = self.benchmark.name
        try:
            problem, start = self.subject(0)
            Oracle(problem, start)
        except InputError as error:
            raise InputError(f"{self.path}: [problem] {error}") from error.__cause__
        except Exception as error:
            raise InputError(f"{self.path}: [problem] {name} {raised(error)}") from error
        minimum = self.benchmark.minimum
        return f"{name} of {len(start):,} parameters" + ("" if minimum is None else f", minimum {minimum:g}")

    def subject(self, seed: int) -> tuple[Problem, Any]:
        """Pose the problem, and draw its start from a stream that is not the optimizer's."""
        problem = self.benchmark.pose()
        problem.subject = self.benchmark.name
        return problem, self.benchmark.start(np.random.default_rng([seed, 1]))


@dataclass(kw_only=True, slots=True)
class FunctionTask(MinimizingTask):
    """Minimise a function that can be imported."""

    function: str
    gradient: str | None
    x0: Any
    bounds: Any
    fixed: Any
    scale: Any
    constraints: list[dict[str, Any]]
    feasibility_tol: float
    _problem: Problem | None = None
    _start: Any = None

    def prepare(self) -> str:
        """Import the function."""
        folder = self.path.parent  # functions may lie beside the experiment file
        try:
            parameters = Parameters(self.x0, bounds=self.bounds, fixed=self.fixed, scale=self.scale)
            if not is_structure(self.x0) and np.ndim(self.x0) != 1:
                raise InputError("x0 is not a list of numbers; write x0 = [1.0, 2.0], or a table of such by name")
            gradient = None if self.gradient is None else _import("gradient", self.gradient, folder)
            fun = _import("function", self.function, folder)
            tables = enumerate(self.constraints)
            constraints = [read_constraint(f"constraints.{i}", folder, **table) for i, table in tables]
            self._problem = flat_problem(parameters, fun, gradient, constraints, self.feasibility_tol)
            self._problem.subject = self.function
            Oracle(self._problem, parameters.start)  # sees whether they fit x0, and asks nothing
        except InputError as error:
            raise InputError(f"{self.path}: [problem] {error}") from error.__cause__
        self._start = parameters.start
        return f"{self.function} of {len(self._start):,} parameters"

    def subject(self, seed: int) -> tuple[Problem, Any]:
        """Give the problem and its start."""
        return cast("Problem", self._problem), self._start


def read_constraint(
    field: str, folder: Path, *, A: Any, fun: str | None, gradient: str | None, lower: Any, upper: Any
) -> LinearConstraint | NonlinearConstraint:
    """Make a constraint of what is written down.

    Parameters
    ----------
    field : str
        What it is called, for messages.
    folder : Path
        Where its functions may lie.
    A, fun, gradient, lower, upper : Any
        The fields.

    Raises
    ------
    InputError
        If they do not go together, or there is no such function.
    """
    if (A is None) == (fun is None) or (fun is None and gradient is not None):
        raise InputError(f"{field} must have A, or fun and perhaps its gradient")
    slope = None if gradient is None else _import(f"{field}.gradient", gradient, folder)
    called = None if fun is None else _import(f"{field}.fun", fun, folder)
    try:
        if called is None:
            return LinearConstraint(A, lower, upper)
        return NonlinearConstraint(called, lower, upper, slope)
    except InputError as error:
        raise InputError(f"{field}: {error}") from None


def _import(field: str, name: str, folder: Path) -> Any:
    """Import ``module:name`` or ``file.py:name``."""
    try:
        return imported(name, folder)
    except InputError as error:
        raise InputError(f"{field} = {name!r}: {error}") from error
