"""A problem: what is to be minimised, from the first step to the last.

Either a function (`Problem(fun, gradient, bounds, constraints)`) or a model, a loss and samples (`Problem.of`).
``at(step)`` gives the `Objective` of a step.  The minibatch of a step is a function of (seed, step) alone, so the order
of the data needs no saved state: whoever asks for step 1000 gets the minibatch of step 1000.
"""

import math
import numbers
import warnings
from collections.abc import Callable
from functools import partial
from reprlib import repr as shortened
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optikit.bounds import Bounds, read_bounds
from optikit.constraint import Constraint, read_constraints
from optikit.data import Samples
from optikit.errors import ContractError, InputError, ObjectiveError, UnsupportedError
from optikit.loss import DifferentiableLoss, Loss
from optikit.model import DifferentiableModel, Model
from optikit.names import Block, blocks, label
from optikit.objective import Objective, Rule
from optikit.risk import empirical_risk
from optikit.types import Array, ComplexArray, regular
from optikit.units import Units

FEASIBILITY_TOL = 1e-6
"""By how much solvers miss a constraint that they hold: up to their own tolerance, 1e-6 for SLSQP, or to rounding."""


class Problem:
    """A function to minimise.

    Parameters
    ----------
    fun : callable
        Takes an array of shape (n,), returns a real number.  It gets a copy: it may keep it, or write into it.
    gradient : callable, optional
        Takes an array of shape (n,), returns the gradient, shape (n,).
    bounds : (low, high), optional
        Two numbers or two arrays of shape (n,), infinite where there is none.  An object with `lb` and `ub`, such as
        `scipy.optimize.Bounds`, is taken too.
    constraints : list of LinearConstraint and NonlinearConstraint
        What the result shall satisfy besides; see `optikit.constraint`.
    feasibility_tol : float
        By how much a point may violate a constraint, in the constraint's own unit, and still count as feasible.

    Raises
    ------
    InputError
        If `fun` or `gradient` cannot be called, something is no constraint, or the tolerance is negative.
    """

    stochastic: bool = False
    """Whether the objective changes from step to step, so that values of different steps do not compare."""
    n: int | None = None
    """Number of parameters, where the problem knows it."""
    has_gradient: bool = False
    """Whether the user gave a gradient, which may be wrong."""
    constraints: tuple[Constraint, ...] = ()
    """What a point shall satisfy to be the result."""
    feasibility_tol: float = FEASIBILITY_TOL
    """By how much a feasible point may violate them."""
    subject: Any = None
    """The function, or what people call it."""

    def __init__(
        self,
        fun: Callable[[Array], Any],
        gradient: Callable[[Array], Any] | None = None,
        bounds: Any = None,
        constraints: Any = (),
        feasibility_tol: float = FEASIBILITY_TOL,
    ) -> None:
        for what, given in (("fun", fun), ("gradient", fun if gradient is None else gradient)):
            if not callable(given):
                raise InputError(f"{what} is {given!r}, which cannot be called; pass a function of an array")
        if not (isinstance(feasibility_tol, numbers.Real) and 0 <= feasibility_tol < math.inf):
            raise InputError(f"feasibility_tol is {feasibility_tol!r}; pass a finite number of at least 0")
        self.constraints, self.feasibility_tol = read_constraints(constraints), float(feasibility_tol)
        self.has_gradient, self.subject = gradient is not None, fun
        self._objective: Objective = _Function(fun, gradient, bounds)

    @staticmethod
    def of(
        model: Model,
        loss: Loss,
        inputs: ArrayLike,
        targets: ArrayLike,
        batch_size: int | None = None,
        *,
        weights: ArrayLike | None = None,
        l2: float = 0.0,
        seed: int = 0,
    ) -> "TrainingProblem":
        """Pose the problem of fitting a model to samples.

        Parameters
        ----------
        model : Model
            Its parameters are what is looked for.
        loss : Loss
            Its mean over the minibatch, weighted if there are weights, is what is minimised.
        inputs : array, shape (rows, ...)
            One row a sample.
        targets : array, shape (rows,) or (rows, k)
            Labels or values.
        batch_size : int, optional
            Rows in the minibatch of a step; all of them by default.
        weights : array, shape (rows,), optional
            How much each sample counts: finite numbers of at least 0, not all 0.  Only their ratios matter, as they
            are divided by their mean over all samples: a sample of weight 2 counts as two of weight 1.
        l2 : float
            Adds ``l2 / 2`` times the sum of the squares of all parameters, biases included, to the mean loss.
        seed : int
            Seed of the order of the samples, which is shuffled anew every epoch.

        Returns
        -------
        TrainingProblem
            A problem like any other.

        Raises
        ------
        InputError
            If model, loss and samples do not fit together, or a number is out of range; found out here, before anything
            is trained.
        """
        return TrainingProblem(model, loss, Samples.of(inputs, targets, weights), batch_size, seed, l2)

    @property
    def differentiable(self) -> bool:
        """Whether the objective has a gradient of its own."""
        return self.has_gradient

    def at(self, step: int) -> Objective:
        """Give the objective of a step, counted from 0."""
        return self._objective

    @property
    def whole(self) -> Objective:
        """The objective over everything: what a result is judged by."""
        return self.at(0)

    def bounds(self, n: int) -> Bounds:
        """Give the bounds of n parameters as two arrays of shape (n,), infinite where there is none."""
        return self.whole.bounds(n)

    def blocks(self, n: int) -> list[Block]:
        """Give the names of n parameters, as named arrays that follow each other in the vector."""
        return blocks([("x", (n,))])

    def label(self, i: int) -> str:
        """Name parameter i, for messages."""
        return label(self.blocks(i + 1), i)

    def restore(self, x: Array) -> Any:
        """Give a point, shape (n,), the structure that the user's function takes: here it has that already."""
        return x

    def units(self, x0: Array) -> Units:
        """Give the way from points that optimizers see, as `x0`, (n,), to all parameters: here they are the same."""
        return Units(start=x0, blocks=self.blocks(len(x0)))

    def unscaled(self, x: Array) -> "tuple[Problem, Array]":
        """Give the problem and a point, shape (n,), in the units of the user's function: here they are."""
        return self, x

    def draws(self, rng: np.random.Generator, number: int, n: int) -> Array:
        """Draw points, (number, n), from the problem's own initial distribution: here, uniformly from the box.

        Raises
        ------
        InputError
            If a bound is infinite.
        """
        low, high = self.bounds(n)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            sentence = "this optimizer draws points from a box; pass finite bounds=(low, high)"
            raise UnsupportedError("box", f"{sentence}, or choose one that needs none")
        u = rng.random((number, n))  # not rng.uniform, whose difference of the bounds may overflow
        return low * (1 - u) + high * u


class _Function(Objective):
    def __init__(self, fun: Callable[[Array], Any], gradient: Callable[[Array], Any] | None, bounds: Any) -> None:
        # An object of this problem's own: what a library compiles for it is never that of an earlier problem with the
        # same function, which may read something that has changed since.
        self._fun = partial(fun)
        self._gradient, self._bounds = gradient, bounds
        self._read: dict[int, Bounds] = {}

    def bounds(self, n: int) -> Bounds:
        if n not in self._read:
            self._read[n] = read_bounds(self._bounds, n)
        low, high = self._read[n]
        return low.copy(), high.copy()

    def value(self, x: Array) -> float:
        return _real(self._fun(x.copy()))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        if self._gradient is None:
            raise UnsupportedError(
                "gradient",
                "the function has no gradient of its own; pass gradient='central-difference', pass the gradient "
                "as a function, or choose an optimizer that needs none",
            )
        answer: Any = self._gradient(x.copy())
        if type(answer) is not np.ndarray and np.ma.is_masked(answer):
            raise ObjectiveError("the gradient has masked components; it must give a number for each")
        return self.value(x), regular(answer, "the gradient")

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        return np.array([_complex(self._fun, x.copy()) for x in xs])

    def differentiated(self, rule: Rule, x: Array) -> tuple[float, Array]:
        value, gradient = rule(self._fun, x.copy())
        return _real(value), np.array(gradient)


def _real(answer: Any) -> float:
    if type(answer) is float:
        return answer
    if isinstance(answer, float):
        return float(answer)
    try:
        shape = tuple(np.shape(answer))
    except ValueError:  # a ragged tuple, such as one of value and gradient
        shape = None
    if shape == ():
        # NumPy does not take every number of another library: not one on a graphics card, or with a gradient.
        foreign = hasattr(answer, "item") and not isinstance(cast("object", answer), np.ndarray | np.generic)
        array = np.asarray(answer.item() if foreign else answer)
        if array.dtype.kind in "fiu" and not np.ma.is_masked(answer):
            return float(array)
    shown = f"an array of shape {shape}" if shape else f"{shortened(answer)} ({type(answer).__name__})"
    raise ObjectiveError(f"the objective returned {shown}; it must return one real number")


def _complex(fun: Callable[[Any], Any], x: ComplexArray) -> complex:
    """Call a function at a complex point; whoever drops the imaginary part on the way would have no slope."""
    remedy = "pass gradient='richardson' or 'central-difference'"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            answer = regular(fun(x), "what the objective returned")
    except (TypeError, np.exceptions.ComplexWarning) as error:
        raise ObjectiveError(f"the objective takes no complex numbers ({error}); {remedy}") from error
    if answer.shape == () and answer.dtype.kind == "c":
        return complex(answer)
    if answer.shape == () and answer.dtype.kind in "fiu":
        if not np.isfinite(answer):
            return complex(math.nan, math.nan)
        raise ObjectiveError(f"the objective drops the imaginary part of complex numbers; {remedy}")
    shown = f"an array of shape {answer.shape}" if answer.shape else shortened(answer[()])
    raise ObjectiveError(f"the objective returned {shown} at a complex point; it must return one number")


class Score(NamedTuple):
    """How well parameters do on samples."""

    loss: float
    """Mean loss; weighted, if the samples are."""
    accuracy: float | None
    """Fraction of rows, by weight if the samples have weights, whose largest output is at their label, or whose only
    output is positive for label 1 and negative for label 0; None where targets are no labels."""


class TrainingProblem(Problem):
    """Fit a model to samples; made by `Problem.of`."""

    def __init__(
        self,
        model: Model,
        loss: Loss,
        samples: Samples,
        batch_size: int | None = None,
        seed: int = 0,
        l2: float = 0.0,
    ) -> None:
        rows = len(samples)
        if not (isinstance(l2, numbers.Real) and 0 <= l2 < math.inf):
            raise InputError(f"l2 is {l2!r}; pass a finite number of at least 0")
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size is {batch_size}; pass at least 1, or None for all rows")
        self.model, self.loss, self.seed, self.l2 = model, loss, seed, float(l2)
        self.batch_size = rows if batch_size is None else min(int(batch_size), rows)
        # An epoch is every sample once; the last minibatch of an epoch is smaller where the numbers do not divide.
        self.batches = -(-rows // self.batch_size)
        self.stochastic = self.batches > 1
        x = np.asarray(model.init(np.random.default_rng(0)))
        if x.ndim != 1 or x.dtype.kind != "f" or not np.isfinite(x).all():
            raise ContractError(f"{model.name}.init gave {x.dtype} of shape {x.shape}; it must give finite floats (n,)")
        self.n, self._dtype = len(x), x.dtype
        self.samples = self._prepared(samples, x)
        self._order: tuple[int, np.ndarray[Any, Any]] = (-1, np.arange(0))

    def _prepared(self, samples: Samples, x: Array) -> Samples:
        """Bring inputs to the model's dtype, weights to mean 1, and let model and loss say what does not fit."""
        inputs = samples.inputs.astype(self._dtype, copy=False)
        # One row through the model, its output against every target: cheap, and finds a label that is out of range.
        outputs = np.asarray(self.model(x, inputs[:1]))
        if outputs.ndim != 2 or len(outputs) != 1:
            raise ContractError(f"{self.model.name} gave outputs of shape {outputs.shape} for one row, not (1, k)")
        self.loss(np.repeat(outputs, len(inputs), axis=0), samples.targets)
        return Samples(inputs, samples.targets, _of_mean_one(samples.weights))

    @property
    def differentiable(self) -> bool:
        """Whether model and loss both have a gradient, and so their mean loss."""
        return isinstance(self.model, DifferentiableModel) and isinstance(self.loss, DifferentiableLoss)

    def at(self, step: int) -> Objective:
        """Give the objective of a step: the mean loss over its minibatch, and the L2 penalty."""
        if not self.stochastic:
            return self.whole
        epoch, batch = divmod(step, self.batches)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._order = epoch, rng.permutation(len(self.samples))
        return self._over(self._order[1][batch * self.batch_size : (batch + 1) * self.batch_size])

    @property
    def whole(self) -> Objective:
        """The mean loss over all training samples, and the L2 penalty."""
        return self._over(slice(None))

    def _over(self, rows: NDArray[np.integer[Any]] | slice) -> Objective:
        inputs, targets, weights = self.samples.inputs[rows], self.samples.targets[rows], self.samples.weights
        weights = None if weights is None else weights[rows]
        return empirical_risk(self.model, self.loss, inputs, targets, weights, self.l2)

    def blocks(self, n: int) -> list[Block]:
        """Give the names of the parameters, as the model has them."""
        return blocks(self.model.shapes().items()) or super().blocks(n)

    def draws(self, rng: np.random.Generator, number: int, n: int) -> Array:
        """Draw parameters, (number, n), from the model's initial distribution."""
        return np.array([self.model.init(rng) for _ in range(number)]).reshape(number, n)

    def score(self, x: Array, samples: Samples | None = None) -> Score:
        """Say how well parameters do: by the loss alone, without the L2 penalty.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The parameters.
        samples : Samples, optional
            Those to judge on; all training samples by default.

        Returns
        -------
        Score
            Mean loss, and the accuracy where the targets are labels; weighted means, where the samples have weights.
        """
        samples = self.samples if samples is None else samples
        outputs = self.model(x, samples.inputs.astype(self._dtype, copy=False))
        weights = _of_mean_one(samples.weights)
        loss = self.loss.weighted(outputs, samples.targets, weights)
        if not samples.labelled:
            return Score(loss, None)
        # A single output is the logit of label 1 against label 0.
        labels = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0
        right = labels == samples.targets
        return Score(loss, float((right if weights is None else weights * right).mean()))


def _of_mean_one(weights: Array | None) -> Array | None:
    """Scale weights, the largest of them first, so that no sum overflows."""
    if weights is None:
        return None
    scaled = weights / weights.max()
    return scaled / scaled.mean()
