"""The two front doors: `minimize` a function, `fit` a model to data.  Both make a `Run` and give it to the one loop."""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numpy as np
from pydantic import ValidationError

from optikit import registry
from optikit.able import able
from optikit.advice import advised
from optikit.budget import Budget, TrainingBudget
from optikit.check import glance
from optikit.checkpoint import GIVEN, Slot, fingerprint, kept, named, opened
from optikit.component import explain
from optikit.curve import Curve
from optikit.data import Data, Dataset, Samples
from optikit.errors import InputError
from optikit.failures import read_failures
from optikit.gradient import GradientEstimator
from optikit.history import Kept, read_kept
from optikit.journal import Journal
from optikit.loop import Progress, Run, deliver, execute
from optikit.loss import Loss
from optikit.mapped import flat_problem
from optikit.model import Model
from optikit.observer import Observer, watched
from optikit.optimizer import Optimizer
from optikit.parameters import Parameters
from optikit.problem import FEASIBILITY_TOL, Problem, TrainingProblem
from optikit.result import Result, TrainingResult
from optikit.solver import Solver, unlimited
from optikit.stopping import Stopping
from optikit.types import Seed, generator
from optikit.workers import hired

B = TypeVar("B", bound=Budget)


def minimize(
    fun: Callable[[Any], Any] | Problem,
    x0: Any,
    *,
    optimizer: Optimizer[Any] | str,
    gradient: GradientEstimator | str | Callable[[Any], Any] | None = None,
    bounds: Any = None,
    fixed: Any = None,
    scale: Any = None,
    constraints: Any = None,
    feasibility_tol: float | None = None,
    check_gradient: bool | Literal["raise"] = True,
    on_error: Any = "raise",
    history: Kept = "values",
    max_evals: int | None = None,
    max_grads: int | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    target: float | None = None,
    stop: Any = None,
    rng: Seed = None,
    callback: Callable[[Progress], Any] | None = None,
    observers: Sequence[Observer | str | dict[str, Any]] = (),
    checkpoint: str | Path | Slot | Journal | None = None,
    workers: Any = None,
) -> Result:
    """Minimise a function.

    Parameters
    ----------
    fun : callable or Problem
        Takes what `x0` is, an array or a structure of arrays, and returns a real number.
    x0 : array, or (nested) dict or list of arrays and numbers
        Where to start.  Float64, unless all arrays in it are float32.
    optimizer : Optimizer or str
        A component or its name.
    gradient : GradientEstimator, str or callable, optional
        An estimator or its name, or a function that returns the gradient in the structure of `x0`.  By default the
        problem's own gradient is used, if it has one.
    bounds : (low, high) or dict, optional
        Each side a number or something of the structure of `x0`, infinite or None where there is no bound; or an object
        with `lb` and `ub`.  For structures a dict may give such bounds for some parts by name, to any depth:
        ``{"w": (0, 1), "b": (None, 5)}``.
    fixed : list of names, or bools, optional
        Parameters that keep the number in `x0`, bitwise: names of parts of a dict, or bools in the structure of `x0`,
        or a dict of either for some parts.  Optimizer, estimator and the check of the gradient see the others only;
        `fun`, the gradient and the result have all.
    scale : number, or numbers in the structure of `x0`, optional
        Positive: how large a change of a parameter is that matters, or a dict of that for some parts, 1 for the
        others.  Optimizer and estimator see x / scale, so that their steps of length 1 are one scale long; everything
        that is passed to `fun`, the callback and the result is in the units of `x0`.  Points are rounded unless scales
        are powers of two; but `x0` is evaluated as it is, and bounds are kept exactly.
    constraints : list of LinearConstraint and NonlinearConstraint, optional
        What the result shall satisfy besides, for optimizers that take constraints; `x0` need not.  Their functions
        take what `x0` is.  SciPy's objects and dicts are taken, too.
    feasibility_tol : float, optional
        By how much a point may violate a constraint, in the constraint's own unit, and still count as feasible; 1e-6 if
        not given.
    check_gradient : bool or "raise"
        Whether a gradient that the user gives is compared with differences at `x0` before it is first used.  A wrong
        one is a `GradientWarning`, or with ``"raise"`` a `GradientError`.  That takes 17 to 25 evaluations, more if
        something is wrong, all inside the bounds; they count as `Result.nfev_check` and not towards the limits.
    on_error : "raise", "skip", "penalise" or Failures
        What happens when an evaluation fails, that is raises or returns no number: it ends the run; or the optimizer is
        told +inf; or a finite value worse than all before.  `Failures` says more, such as what NaN and infinities are.
    history : "values", "points" or "best"
        What `Result.history` keeps: the value of every evaluation; its point, too; or improvements only.
    max_evals : int, optional
        Evaluations allowed, difference quotients included; never exceeded.  If neither this nor `max_steps` nor
        `max_seconds` is given, it is 10,000 (n + 1).
    max_grads : int, optional
        Gradients that the optimizer may be given, as `Result.njev` counts them: one each, exact or made of differences.
        Who asks for one more ends the run before anything is evaluated for it.  No limit to who asks for none.
    max_steps : int, optional
        Steps allowed; refused for a solver that owns its loop, which is one long step.
    max_seconds : float, optional
        No evaluation begins after so many seconds.
    target : float, optional
        Ends the run, with success, at the first evaluation at or below it, with constraints at a feasible point.
    stop : str, Stopping, dict or list of them, optional
        Rules that end a run that gets nowhere any more, with success: ``"ftol"``, ``"xtol"``, ``"patience"``, or a
        table such as ``{"name": "patience", "evaluations": 500}``.
    rng : int, SeedSequence, Generator or None
        Where all randomness comes from, as in SPEC 7.
    callback : callable, optional
        Called with a `Progress` after every step; raising StopIteration ends the run.
    observers : sequence of Observer, str or dict, optional
        What shows or writes down how the run goes: components, names, or tables with a name and fields.  They change
        nothing; one that raises is reported once and dropped.
    checkpoint : str or Path, optional
        A file in which the run is kept, so that `resume` can continue it, whatever ended it.  Other runs in it stay.
    workers : int, Executor, callable, distributed.Client or str, optional
        Who evaluates what an optimizer or an estimator asks as a batch, several at a time and with the same numbers: so
        many processes, -1 for one a core; an executor of `concurrent.futures`; ``workers(function, items)``, which maps
        as `map` does; or ``"dask"`` or ``"dask://HOST:PORT"``.  A timeout in `on_error` needs a number.

    Returns
    -------
    Result
        The best point seen, with constraints the best feasible one, and how it was found.  Ctrl-C ends the run and
        returns what was found until then.

    Raises
    ------
    InputError
        If an argument is wrong; nothing has been evaluated then.
    Exception
        What `fun` or the gradient raised, with the partial result as its attribute ``result``.

    Examples
    --------
    >>> import optikit
    >>> result = optikit.minimize(
    ...     lambda x: ((x - 3) ** 2).sum(), [0.0, 0.0], optimizer="gradient-descent", gradient="central-difference"
    ... )
    >>> result.x.round(3)
    array([3., 3.])
    """
    _check_callback(callback)
    chosen_observers = _observers(observers)
    run = posed(
        fun,
        x0,
        optimizer=optimizer,
        gradient=gradient,
        bounds=bounds,
        fixed=fixed,
        scale=scale,
        constraints=constraints,
        feasibility_tol=feasibility_tol,
        on_error=on_error,
        history=history,
        stop=stop,
        continued=isinstance(checkpoint, Journal),
        max_evals=max_evals,
        max_grads=max_grads,
        max_steps=max_steps,
        max_seconds=max_seconds,
        target=target,
    )
    look = None
    if _checks(check_gradient, run.problem):
        look = partial(glance, run.problem, strict=check_gradient == "raise")
    stream = generator(rng)
    arguments = {
        **{"door": "minimize", "fun": fun, "x0": x0, "bounds": bounds, "fixed": fixed, "scale": scale, "rng": stream},
        **{"constraints": None if constraints is None else GIVEN, "feasibility_tol": feasibility_tol},
        **{"optimizer": run.optimizer, "gradient": run.gradient or gradient, "check_gradient": check_gradient},
        **{"on_error": run.failures.model_dump(), "history": history},
        **{"max_evals": max_evals, "max_grads": max_grads, "max_steps": max_steps, "max_seconds": max_seconds},
        **{"target": target},
    }
    if isinstance(fun, Problem):
        arguments["fun"] = GIVEN
    with (
        hired(workers, run.problem, run.failures) as source,
        watched(run, registry.default().observers, chosen_observers) as watchers,
        kept(opened(checkpoint, run, arguments, named(fun)), checkpoint) as journal,
    ):
        given: dict[str, Any] = {"source": source, "watchers": watchers, "callback": callback, "journal": journal}
        result, error = execute(run, stream, look=look, **given)
        watchers.close(result)
    return deliver(result, advised(error, run))


def fit(
    model: Model | str,
    loss: Loss | str,
    data: Data | Dataset | tuple[Any, Any] | tuple[Any, Any, Any] | str,
    *,
    optimizer: Optimizer[Any] | str,
    gradient: GradientEstimator | str | None = "analytic",
    epochs: int | None = None,
    batch_size: int | None = None,
    l2: float = 0.0,
    on_error: Any = "raise",
    history: Kept = "values",
    max_evals: int | None = None,
    max_grads: int | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    target: float | None = None,
    stop: Any = None,
    rng: Seed = None,
    callback: Callable[[Progress], Any] | None = None,
    observers: Sequence[Observer | str | dict[str, Any]] = (),
    checkpoint: str | Path | Slot | Journal | None = None,
    workers: Any = None,
) -> TrainingResult:
    """Fit the parameters of a model to data.

    Parameters
    ----------
    model, loss : Model, Loss or str
        Components or their names.
    data : Data, Dataset, (inputs, targets), (inputs, targets, weights) or str
        What to learn from.  A data component or `Dataset` may hold samples out; arrays hold out none.  A sample of
        weight 2 counts as two of weight 1; only the ratios of the weights matter.
    optimizer : Optimizer or str
        A component or its name.
    gradient : GradientEstimator or str, optional
        How the gradient of the loss is found.
    epochs : int, optional
        How often every sample is used.  This, `max_evals`, `max_steps` or `max_seconds` is needed.  A solver that owns
        its loop uses every sample in each evaluation, difference quotients included.
    batch_size : int, optional
        Rows in the minibatch of a step; all by default.  A solver that owns its loop always takes all.
    l2 : float
        Adds ``l2 / 2`` times the sum of the squares of all parameters, biases included, to what is minimised.
    max_evals, max_grads, max_steps, max_seconds : optional
        Limits, as for `minimize`; the first to be reached ends the run.
    target : float, optional
        As for `minimize`.  Values of minibatches do not count, so it needs all samples in each step, or an optimizer
        that takes them anyway.
    stop : str, Stopping, dict or list of them, optional
        As for `minimize`; rules that compare values need the same.
    rng : int, SeedSequence, Generator or None
        Gives, in this order, the initial parameters, the order of the samples, and the optimizer's and estimator's
        randomness: runs with the same `rng` start at the same point and see the same minibatches.
    callback : callable, optional
        Called with a `Progress` after every step; raising StopIteration ends the run.
    on_error, history, observers, checkpoint, workers : optional
        As for `minimize`.

    Returns
    -------
    TrainingResult
        `x` is the optimizer's recommendation at the end (with one batch, the best point seen); `fun` the mean loss over
        all training samples there, with the L2 penalty, an evaluation that is not counted in `nfev`.  The held-out loss
        and the accuracies are without the penalty.

    Raises
    ------
    InputError
        If an argument is wrong or the parts do not fit together; nothing has been trained then.
    Exception
        What model or loss raised, with the partial result as its attribute ``result``.
    """
    chosen: Optimizer[Any] = _component("optimizer", optimizer)
    budget = _limits(
        TrainingBudget,
        chosen,
        max_evals=max_evals,
        max_grads=max_grads,
        max_steps=max_steps,
        max_seconds=max_seconds,
        target=target,
        epochs=epochs,
        batch_size=batch_size,
    )
    if not budget.finite:
        steps = "" if isinstance(chosen, Solver) else "max_steps, "
        raise InputError(f"it is not said how long to train; pass epochs, {steps}max_evals or max_seconds")
    _check_callback(callback)
    chosen_observers = _observers(observers)
    dataset, stream = read_data(data), generator(rng)
    arguments = {
        **{"door": "fit", "model": model, "loss": loss, "data": data, "optimizer": chosen, "gradient": gradient},
        **{"epochs": epochs, "batch_size": batch_size, "l2": l2, "on_error": on_error, "history": history},
        **{"max_evals": max_evals, "max_grads": max_grads, "max_steps": max_steps, "max_seconds": max_seconds},
        **{"target": target},
        "rng": deepcopy(stream),
    }
    streams = stream.spawn(3)
    made = _component("model", model)
    seed = int(streams[1].integers(2**63))
    problem = TrainingProblem(made, _component("loss", loss), dataset.train, budget.batch_size, seed, l2)
    run = Run(
        problem=problem,
        x0=made.init(streams[0]),
        optimizer=chosen,
        gradient=None if gradient is None else _component("gradient", gradient),
        budget=budget,
        planned=_planned(budget, chosen, problem),
        failures=read_failures(on_error),
        keep=read_kept(history),
        continued=isinstance(checkpoint, Journal),
        stopping=_rules(stop),
    )
    if checkpoint is not None:
        arguments |= {
            "model": made,
            "loss": problem.loss,
            "gradient": run.gradient,
            "fingerprint": fingerprint(dataset),
        }
        arguments |= {"on_error": run.failures.model_dump()}
        source = checkpoint.data or data if isinstance(checkpoint, Slot) else data
        arguments["data"] = source if isinstance(source, Data | str) else GIVEN
    curve = Curve(problem, dataset.held_out, run)
    subject = f"{made.name} with {problem.loss.name}"
    with (
        hired(workers, problem, run.failures) as source,
        watched(run, registry.default().observers, chosen_observers) as watchers,
        kept(opened(checkpoint, run, arguments, subject), checkpoint) as journal,
    ):
        given: dict[str, Any] = {"source": source, "watchers": watchers, "callback": callback, "journal": journal}
        result, error = execute(run, streams[2], measure=curve, **given)
        result = curve.judge(result)
        watchers.close(result)
    return deliver(result, advised(error, run))


def posed(
    fun: Callable[[Any], Any] | Problem,
    x0: Any,
    *,
    optimizer: Optimizer[Any] | str,
    gradient: GradientEstimator | str | Callable[[Any], Any] | None,
    bounds: Any,
    fixed: Any,
    scale: Any,
    constraints: Any,
    feasibility_tol: float | None,
    on_error: Any,
    history: Kept,
    stop: Any,
    continued: bool,
    **limits: Any,
) -> Run:
    """Pose the run of minimising a function; takes what `minimize` takes.

    Raises
    ------
    InputError
        If an argument is wrong.
    """
    parameters = Parameters(x0, bounds=bounds, fixed=fixed, scale=scale)
    chosen: Optimizer[Any] = _component("optimizer", optimizer)
    budget = _limits(Budget, chosen, **limits)
    if not budget.finite:
        budget = budget.model_copy(update={"max_evals": 10_000 * (len(parameters.start) + 1)})
    if isinstance(gradient, type):
        raise InputError(f"gradient is the class {gradient.__name__}; pass an object of it, or a function")
    own = gradient if not isinstance(gradient, GradientEstimator) and callable(gradient) else None
    if isinstance(fun, Problem):
        given = {"gradient": own, "bounds": bounds, "constraints": constraints, "feasibility_tol": feasibility_tol}
        for what, value in given.items():
            if value is not None:
                raise InputError(f"fun is a Problem, which has its own {what}; pass it to the Problem")
        if not parameters.plain:
            raise InputError("fun is a Problem, which takes a vector; pass a flat x0, and neither fixed nor scale")
        problem = fun
    else:
        tolerance = FEASIBILITY_TOL if feasibility_tol is None else feasibility_tol
        problem = flat_problem(parameters, fun, own, constraints, tolerance)
    return Run(
        problem=problem,
        x0=parameters.start,
        optimizer=chosen,
        gradient=None if gradient is None or own is not None else _component("gradient", gradient),
        budget=budget,
        failures=read_failures(on_error),
        keep=read_kept(history),
        continued=continued,
        stopping=_rules(stop),
    )


def get(kind: str, name: str, **fields: Any) -> Any:
    """Make a component by name.

    Parameters
    ----------
    kind : str
        ``model``, ``loss``, ``gradient``, ``optimizer``, ``data``, ``schedule``, ``stopping`` or ``observer``.
    name : str
        Its name, or ``distribution:name`` where several distributions bring one of that name.
    **fields
        Its options.

    Returns
    -------
    Component
        The component.

    Raises
    ------
    InputError
        If there is no such component, or a field is wrong.
    """
    return registry.default().make(kind, {**fields, "name": name})


def components(kind: str, **abilities: bool | None) -> dict[str, type[Any]]:
    """Give the classes of all installed components of a kind, by name.

    Parameters
    ----------
    kind : str
        ``model``, ``loss``, ``gradient``, ``optimizer``, ``data``, ``schedule``, ``stopping`` or ``observer``.
    **abilities
        Of optimizers: those only that have the abilities that are True and not those that are False, by the names of
        the fields of `Abilities`; None where it does not matter.  Whose abilities are not known is left out.

    Returns
    -------
    dict of str to type
        Sorted by name; by ``distribution:name`` where the bare name is ambiguous.

    Raises
    ------
    InputError
        If there is no such kind or ability, or an ability is not True, False or None.

    Examples
    --------
    >>> import optikit
    >>> "random-search" in optikit.components("optimizer", needs_gradient=False, needs_box=True)
    True
    """
    found = registry.default().components(kind)
    if not abilities:
        return found
    if kind != "optimizer":
        raise InputError(f"abilities are those of optimizers; components({kind!r}) takes none")
    fitting = able(abilities)
    return {name: cls for name, cls in found.items() if name in fitting}


def _component(kind: str, given: Any) -> Any:
    return registry.default().make(kind, given)


def _rules(given: Any) -> tuple[Stopping[Any], ...]:
    rules = () if given is None else cast("list[Any]", given) if isinstance(given, list | tuple) else (given,)
    return tuple(_component("stopping", rule) for rule in rules)


def _checks(wanted: Any, problem: Problem) -> bool:
    """Whether there is a gradient of the user's own, and it is to be checked if the run asks for it."""
    if not isinstance(wanted, bool) and wanted != "raise":
        raise InputError(f"check_gradient is {wanted!r}; pass True, False or 'raise'")
    return bool(wanted) and problem.has_gradient


def _observers(given: Any) -> list[Observer]:
    if isinstance(given, str | dict | Observer) or not isinstance(given, Iterable):
        raise InputError(f"observers is {given!r}; pass a list of observers, such as ['progress']")
    return [_component("observer", each) for each in cast("Iterable[Any]", given)]


def _check_callback(callback: Any) -> None:
    if callback is not None and not callable(callback):
        raise InputError(f"callback is {callback!r}, which cannot be called; pass a function of a Progress")


def _planned(budget: TrainingBudget, optimizer: Optimizer[Any], problem: TrainingProblem) -> int | None:
    """Say how many steps all epochs are."""
    if isinstance(optimizer, Solver):
        return 1
    return None if budget.epochs is None else budget.epochs * problem.batches


def _limits(kind: type[B], optimizer: Optimizer[Any], **limits: Any) -> B:
    try:
        budget = kind(**limits)
    except ValidationError as error:
        (place, *_), sentence = explain(error)[0]
        raise InputError(f"{place} {sentence}") from None
    if (refusal := unlimited(optimizer, budget.max_steps)) is not None:
        raise InputError(refusal)
    return budget


def read_data(data: Any) -> Dataset:
    """Load what users pass as data; takes what `fit` takes.

    Raises
    ------
    InputError
        If that is no data.
    """
    if isinstance(data, np.ndarray):
        raise InputError("data is one array; pass a pair (inputs, targets), or a data component")
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple | list):
        arrays = cast("list[Any]", data)
        if len(arrays) not in (2, 3):
            raise InputError(
                f"data has {len(arrays)} items; pass (inputs, targets), (inputs, targets, weights), or a data component"
            )
        return Dataset(Samples.of(*arrays))
    return _component("data", data).load()
