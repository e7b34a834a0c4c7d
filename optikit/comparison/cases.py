"""Cases: what optimizers are compared on, all of one shape, whatever the user gave.

A benchmark draws its starts and may know its minimum.  A function or a model of the user's becomes a case, too: there
the best value that anybody finds stands for the minimum.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np

from optikit import registry
from optikit.benchmark import Benchmark
from optikit.checkpoint import named
from optikit.component import Component
from optikit.errors import InputError, OptikitError
from optikit.mapped import flat_problem
from optikit.parameters import Parameters
from optikit.problem import Problem, TrainingProblem
from optikit.run import read_data
from optikit.types import Array


class Posed(Protocol):
    """What `Benchmark` has, too: a problem, and where to start."""

    def pose(self) -> Problem:
        """Make the problem."""
        ...

    def start(self, rng: np.random.Generator) -> Array:
        """Draw a start, (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A problem of a comparison."""

    label: str
    n: int
    """Number of parameters."""
    minimum: float | None
    """The lowest value, where it is known."""
    posed: Posed = field(repr=False)
    judge: Callable[[Array], float] | None = None
    """Gives the value by which points are judged, where that is not the objective's."""
    fixed: bool = False
    """Whether all seeds start at one point."""
    table: Any = None
    """What it is, as plain data: a component as a table with its name and fields; of the user's own, what it is called.
    """


def read_cases(given: Any, *, x0: Any = None, bounds: Any = None) -> tuple[Case, ...]:
    """Read what users pass as problems.

    Parameters
    ----------
    given : Benchmark, str, dict, callable, Problem, (model, loss, data), or list of them
        The problems.
    x0, bounds
        Of a function or a `Problem`.

    Raises
    ------
    InputError
        If something is no problem, or two have one label.
    """
    items = cast("list[Any]", given) if isinstance(given, list) else [given]
    if not items:
        raise InputError("there are no problems; pass one, such as 'rosenbrock'")
    known = [isinstance(item, str | dict | Benchmark) for item in items]
    if (x0 is not None or bounds is not None) and all(known):
        raise InputError("x0 and bounds are for a function of your own; a benchmark has its own")
    make = registry.default().make
    cases = tuple(
        _benchmark(make("problem", item)) if one else _own(item, x0, bounds)
        for item, one in zip(items, known, strict=True)
    )
    distinct("problems", [case.label for case in cases])
    return cases


def distinct(what: str, labels: Sequence[str]) -> None:
    """Refuse two of one label: their trials could not be told apart."""
    for label in labels:
        if labels.count(label) > 1:
            more = ", or pass a dict with a label for each" if what == "optimizers" else ""
            raise InputError(f"two of the {what} are called {label!r}; leave one out{more}")


def called(component: Component) -> str:
    """Give a component a label: its name, and the fields that are not as by default."""
    fields = component.model_dump(mode="json", exclude_defaults=True)
    said = ",".join(f"{name}={_short(getattr(component, name), value)}" for name, value in fields.items())
    return f"{component.name}:{said}" if said else component.name


def _short(value: Any, written: Any) -> str:
    """Write a field: a part by its label, in parentheses where that has fields of its own."""
    if isinstance(value, Component):
        label = called(value)
        return f"({label})" if ":" in label else label
    return json.dumps(written).replace('"', "")


def tabled(component: Component) -> dict[str, Any]:
    """Write a component down as a table that makes it again."""
    return {"name": component.name, **component.model_dump(mode="json")}


def _benchmark(benchmark: Benchmark) -> Case:
    label = called(benchmark)
    try:
        benchmark.pose()
        start = benchmark.start(np.random.default_rng(0))
        minimum = benchmark.minimum
    except OptikitError as error:
        raise InputError(f"the problem {label}: {error}") from error
    judge = None if type(benchmark).judge is Benchmark.judge else benchmark.judge
    return Case(label, len(start), minimum, benchmark, judge, table=tabled(benchmark))


@dataclass(frozen=True, slots=True)
class _Own:
    """A problem of the user's, with its starts."""

    problem: Problem
    x0: Any

    def pose(self) -> Problem:
        return self.problem

    def start(self, rng: np.random.Generator) -> Array:
        if isinstance(self.x0, _Drawn):
            return self.problem.draws(rng, 1, self.x0.n)[0]
        return np.array(self.x0(rng) if callable(self.x0) else self.x0)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Says that starts are drawn from the problem's own distribution: the box, or the model's."""

    n: int


def _own(given: Any, x0: Any, bounds: Any) -> Case:
    if isinstance(given, tuple):
        return _training(cast("tuple[Any, ...]", given))
    if not isinstance(given, Problem) and not callable(given):
        raise InputError(
            f"{given!r} is no problem; pass the name of one, a Benchmark, a function with x0 or bounds, a Problem, or "
            "(model, loss, data)"
        )
    label = _named(given).rpartition(":")[2]
    if isinstance(given, Problem):
        if bounds is not None:
            raise InputError("bounds are given, but a Problem has its own; pass them to the Problem")
        problem, x0 = given, _starts(given, x0)
    elif x0 is None or callable(x0):
        problem = Problem(given, bounds=bounds)
        x0 = x0 or _Drawn(_dimension(bounds, label))
    else:
        parameters = Parameters(x0, bounds=bounds)
        problem, x0 = flat_problem(parameters, given), parameters.start
    own = _Own(problem, x0)
    start = own.start(np.random.default_rng(0))
    if start.ndim != 1:
        raise InputError(f"x0 gives {start.shape} for the shape of a start; give a flat array")
    table, fixed = {"own": _named(given), "n": len(start)}, not isinstance(x0, _Drawn) and not callable(x0)
    return Case(label, len(start), None, own, fixed=fixed, table=table)


def _starts(problem: Problem, x0: Any) -> Any:
    if x0 is None and problem.n is None:
        raise InputError("a Problem has no start; pass x0, a point or a function of a generator")
    if x0 is None or callable(x0):
        return x0 or _Drawn(cast("int", problem.n))
    return Parameters(x0).start


def _dimension(bounds: Any, label: str) -> int:
    """Say how many parameters there are by the bounds alone."""
    sides: Iterable[Any] = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else bounds or ()
    sizes = {np.size(side) for side in sides if np.ndim(side) == 1}
    if len(sizes) != 1:
        raise InputError(
            f"{label} has no start: pass x0, a point or a function of a generator, or bounds=(low, high) with lists of "
            "finite numbers, in which starts are drawn"
        )
    return sizes.pop()


def _training(given: tuple[Any, ...]) -> Case:
    if len(given) != 3:
        raise InputError(f"a tuple of {len(given)} is no problem; pass (model, loss, data)")
    make = registry.default().make
    model, loss = make("model", given[0]), make("loss", given[1])
    problem = TrainingProblem(model, loss, read_data(given[2]).train)
    own = _Own(problem, _Drawn(cast("int", problem.n)))
    return Case(_named(problem), cast("int", problem.n), None, own, table={"own": _named(problem), "n": problem.n})


def _named(given: Any) -> str:
    return f"{given.model.name} with {given.loss.name}" if isinstance(given, TrainingProblem) else named(given)
