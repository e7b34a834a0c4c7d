"""A problem: what is to be minimised, from the first step to the last.

Either a function (`Problem(fun, gradient, bounds)`) or a model, a loss and samples (`Problem.of`).  ``at(step)`` gives
the `Objective` of a step.  The minibatch of a step is a function of (seed, step) alone, so the order of the data needs
no saved state: whoever asks for step 1000 gets the minibatch of step 1000.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optikit.bounds import Bounds, read_bounds
from optikit.data import Samples
from optikit.errors import ContractError, InputError, ObjectiveError
from optikit.loss import DifferentiableLoss, Loss
from optikit.model import DifferentiableModel, LayeredModel, Model
from optikit.objective import Objective
from optikit.types import Array, ComplexArray, Targets


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

    Raises
    ------
    InputError
        If `fun` or `gradient` cannot be called.
    """

    stochastic: bool = False
    """Whether the objective changes from step to step, so that values of different steps do not compare."""
    n: int | None = None
    """Number of parameters, where the problem knows it."""

    def __init__(
        self,
        fun: Callable[[Array], Any],
        gradient: Callable[[Array], Any] | None = None,
        bounds: Any = None,
    ) -> None:
        for what, given in (("fun", fun), ("gradient", fun if gradient is None else gradient)):
            if not callable(given):
                raise InputError(f"{what} is {given!r}, which cannot be called; pass a function of an array")
        self._objective: Objective = _Function(fun, gradient, bounds)

    @staticmethod
    def of(
        model: Model,
        loss: Loss,
        inputs: ArrayLike,
        targets: ArrayLike,
        batch_size: int | None = None,
        *,
        seed: int = 0,
    ) -> "TrainingProblem":
        """Pose the problem of fitting a model to samples.

        Parameters
        ----------
        model : Model
            Its parameters are what is looked for.
        loss : Loss
            Its mean over the minibatch is what is minimised.
        inputs : array, shape (rows, ...)
            One row a sample.
        targets : array, shape (rows,) or (rows, k)
            Labels or values.
        batch_size : int, optional
            Rows in the minibatch of a step; all of them by default.
        seed : int
            Seed of the order of the samples, which is shuffled anew every epoch.

        Returns
        -------
        TrainingProblem
            A problem like any other.

        Raises
        ------
        InputError
            If model, loss and samples do not fit together; found out here, before anything is trained.
        """
        samples = Samples(np.asarray(inputs), np.asarray(targets))
        return TrainingProblem(model, loss, samples, batch_size, seed)

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

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n parameters from the problem's own initial distribution: here, uniformly from the box.

        Raises
        ------
        InputError
            If a bound is infinite.
        """
        low, high = self.bounds(n)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise InputError("this optimizer draws points from a box; pass finite bounds=(low, high)")
        u = rng.random(n)  # not rng.uniform, whose difference of the bounds may overflow
        return low * (1 - u) + high * u


class _Function(Objective):
    def __init__(self, fun: Callable[[Array], Any], gradient: Callable[[Array], Any] | None, bounds: Any) -> None:
        self._fun, self._gradient, self._bounds = fun, gradient, bounds

    def bounds(self, n: int) -> Bounds:
        return read_bounds(self._bounds, n)

    def value(self, x: Array) -> float:
        return _real(self._fun(x.copy()))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        if self._gradient is None:
            raise InputError(
                "the function has no gradient of its own; pass gradient='central-difference', pass the gradient "
                "as a function, or choose an optimizer that needs none"
            )
        answer: Any = self._gradient(x.copy())
        return self.value(x), np.asarray(answer)

    def complex_values(self, xs: ComplexArray) -> ComplexArray:
        return np.array([_complex(self._fun, x.copy()) for x in xs])


def _real(answer: Any) -> float:
    if isinstance(answer, float):
        return float(answer)
    array = np.asarray(answer)
    if array.shape == () and array.dtype.kind in "fiu":
        return float(array)
    shown = f"an array of shape {array.shape}" if array.shape else f"{answer!r} ({type(answer).__name__})"
    raise ObjectiveError(f"the objective returned {shown}; it must return one real number")


def _complex(fun: Callable[[Any], Any], x: ComplexArray) -> complex:
    """Call a function at a complex point; whoever drops the imaginary part on the way would have no slope."""
    remedy = "pass gradient='richardson' or 'central-difference'"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            answer = np.asarray(fun(x))
    except (TypeError, np.exceptions.ComplexWarning) as error:
        raise ObjectiveError(f"the objective takes no complex numbers ({error}); {remedy}") from error
    if answer.shape == () and answer.dtype.kind == "c":
        return complex(answer)
    if answer.shape == () and answer.dtype.kind in "fiu":
        raise ObjectiveError(f"the objective drops the imaginary part of complex numbers; {remedy}")
    shown = f"an array of shape {answer.shape}" if answer.shape else f"{answer!r}"
    raise ObjectiveError(f"the objective returned {shown} at a complex point; it must return one number")


class Score(NamedTuple):
    """How well parameters do on samples."""

    loss: float
    """Mean loss."""
    accuracy: float | None
    """Fraction of rows whose largest output is at their label, or whose only output is positive for label 1 and
    negative for label 0; None where targets are no labels."""


class TrainingProblem(Problem):
    """Fit a model to samples; made by `Problem.of`."""

    def __init__(
        self, model: Model, loss: Loss, samples: Samples, batch_size: int | None = None, seed: int = 0
    ) -> None:
        rows = len(samples)
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size is {batch_size}; pass at least 1, or None for all rows")
        self.model, self.loss, self.seed = model, loss, seed
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
        """Bring inputs to the model's dtype once, and let model and loss say what does not fit."""
        inputs = samples.inputs.astype(self._dtype, copy=False)
        # One row through the model, its output against every target: cheap, and finds a label that is out of range.
        outputs = np.asarray(self.model(x, inputs[:1]))
        if outputs.ndim != 2 or len(outputs) != 1:
            raise ContractError(f"{self.model.name} gave outputs of shape {outputs.shape} for one row, not (1, k)")
        self.loss(np.repeat(outputs, len(inputs), axis=0), samples.targets)
        return Samples(inputs, samples.targets)

    def at(self, step: int) -> Objective:
        """Give the objective of a step: the mean loss over its minibatch."""
        if not self.stochastic:
            return self.whole
        epoch, batch = divmod(step, self.batches)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._order = epoch, rng.permutation(len(self.samples))
        rows = self._order[1][batch * self.batch_size : (batch + 1) * self.batch_size]
        return self._over(self.samples.inputs[rows], self.samples.targets[rows])

    @property
    def whole(self) -> Objective:
        """The mean loss over all training samples."""
        return self._over(self.samples.inputs, self.samples.targets)

    def _over(self, inputs: Array, targets: Targets) -> "_Fit":
        if isinstance(self.model, LayeredModel):
            return _LayeredFit(self.model, self.loss, inputs, targets)
        return _Fit(self.model, self.loss, inputs, targets)

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Draw parameters from the model's initial distribution."""
        return self.model.init(rng)

    def score(self, x: Array, samples: Samples | None = None) -> Score:
        """Say how well parameters do.

        Parameters
        ----------
        x : ndarray, shape (n,)
            The parameters.
        samples : Samples, optional
            Those to judge on; all training samples by default.

        Returns
        -------
        Score
            Mean loss, and the accuracy where the targets are labels.
        """
        samples = self.samples if samples is None else samples
        outputs = self.model(x, samples.inputs.astype(self._dtype, copy=False))
        loss = float(self.loss(outputs, samples.targets))
        if not samples.labelled:
            return Score(loss, None)
        # A single output is the logit of label 1 against label 0.
        labels = outputs.argmax(axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0
        return Score(loss, np.count_nonzero(labels == samples.targets) / len(samples))


class _Fit(Objective):
    """The mean loss of a model over some samples."""

    def __init__(self, model: Model, loss: Loss, inputs: Array, targets: Targets) -> None:
        self._model, self._loss, self._inputs, self._targets = model, loss, inputs, targets

    def value(self, x: Array) -> float:
        return float(self._loss(self._model(x, self._inputs), self._targets))

    def value_and_grad(self, x: Array) -> tuple[float, Array]:
        model, loss = self._model, self._loss
        if not isinstance(model, DifferentiableModel) or not isinstance(loss, DifferentiableLoss):
            lacking = loss if isinstance(model, DifferentiableModel) else model
            raise InputError(
                f"the {lacking.kind} {lacking.name} has no gradient of its own; pass gradient='central-difference'"
            )
        outputs = model(x, self._inputs)
        value = float(loss(outputs, self._targets))
        return value, model.vjp(x, self._inputs, loss.grad(outputs, self._targets))


class _LayeredFit(_Fit):
    """The same, for a model that shares the work between shifted points."""

    _model: LayeredModel

    def shifted(self, x: Array, step: Array | float) -> Array:
        losses = self._loss.per_row(self._model(x, self._inputs), self._targets)

        def change(rows: NDArray[np.intp], outputs: Array) -> Array:
            return self._loss.per_row(outputs, self._targets[rows]) - losses[rows]

        steps = np.broadcast_to(np.asarray(step, dtype=x.dtype), np.broadcast_shapes(np.shape(step), x.shape))
        sums = self._model.shifted_sums(x, self._inputs, np.atleast_2d(steps), change)
        return losses.mean() + sums.reshape(steps.shape) / len(losses)
