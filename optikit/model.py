"""A model: a family of functions from inputs to outputs, picked from by a flat vector of parameters.

Optimizers see nothing but the flat vector of shape ``(n,)``.  The model alone knows how to read it as layers,
and does so by views, never by copies: one buffer, many shapes.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from optikit.component import Component
from optikit.types import Array


class Model(Component):
    """Maps parameters and inputs to outputs."""

    kind: ClassVar[str] = "model"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give back the default `ensemble` to who overrides the call of a model that has its own."""
        super().__init_subclass__(**kwargs)
        if "ensemble" not in vars(cls) and "__call__" in vars(cls):
            cls.ensemble = Model.ensemble

    @abstractmethod
    def init(self, rng: np.random.Generator) -> Array:
        """Draw parameters from the model's initial distribution.

        Parameters
        ----------
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        ndarray, shape (n,)
            Float64, or float32 if the model is told to work in it; the inputs follow.
        """

    @abstractmethod
    def __call__(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs, row by row.

        Parameters
        ----------
        params : ndarray, shape (n,)
            The parameters; not written to.
        inputs : ndarray, shape (batch, ...)
            One row a sample, in the dtype of `params`; not written to.

        Returns
        -------
        ndarray, shape (batch, k)
            Row i depends on row i of the inputs only.

        Raises
        ------
        InputError
            If the inputs do not fit the model; the message names the field to change.
        """

    def ensemble(self, params: Array, inputs: NDArray[Any]) -> Array:
        """Compute the outputs of many models that differ in their parameters.

        An author may override it, where work can be shared: searches compare many parameters on the same inputs.

        Parameters
        ----------
        params : ndarray, shape (k, n)
            One row a model.
        inputs : ndarray, shape (batch, ...)
            What all of them get.

        Returns
        -------
        ndarray, shape (k, batch, outputs)
            What calling the model with each row gives, up to rounding.
        """
        return np.stack([self(x, inputs) for x in params])

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name the arrays that the flat parameters consist of.

        An author may override it.  Whoever speaks of a single parameter, such as the gradient check, then names it by
        its array and its place in there.

        Returns
        -------
        dict of str to tuple of int
            The shape of each array, in the order of the flat vector; their sizes sum to n.  Empty by default: nothing
            is known.
        """
        return {}


class DifferentiableModel(Model):
    """A model that can say how a change of its parameters changes its outputs."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give back the default `pullback` to who overrides the call or `vjp` of a model that has its own."""
        super().__init_subclass__(**kwargs)
        if "pullback" not in vars(cls) and not {"__call__", "vjp"}.isdisjoint(vars(cls)):
            cls.pullback = DifferentiableModel.pullback

    @abstractmethod
    def vjp(self, params: Array, inputs: NDArray[Any], cotangent: Array) -> Array:
        """Multiply a row vector with the Jacobian of the outputs in the parameters (back-propagation).

        Parameters
        ----------
        params : ndarray, shape (n,)
            The parameters.
        inputs : ndarray, shape (batch, ...)
            The inputs.
        cotangent : ndarray, shape (batch, k)
            The gradient of some scalar in the outputs.

        Returns
        -------
        ndarray, shape (n,)
            The gradient of that scalar in the parameters.
        """

    def pullback(self, params: Array, inputs: NDArray[Any]) -> tuple[Array, Callable[[Array], Array]]:
        """Compute the outputs, and give the function that propagates a cotangent back from there.

        An author may override it.  Training asks for both; a model that keeps what the way forward has computed need
        not compute it again on the way back.

        Parameters
        ----------
        params : ndarray, shape (n,)
            The parameters.
        inputs : ndarray, shape (batch, ...)
            The inputs.

        Returns
        -------
        outputs : ndarray, shape (batch, k)
            As from calling the model; not written to before `back` is called.
        back : callable
            Takes a cotangent, (batch, k); returns what `vjp` does, (n,).  Parameters and inputs must not have changed.
        """
        return self(params, inputs), partial(self.vjp, params, inputs)


class LayeredModel(DifferentiableModel):
    """A model that knows which outputs one parameter changes, and so computes difference quotients faster."""

    @abstractmethod
    def shifted_sums(
        self,
        params: Array,
        inputs: NDArray[Any],
        steps: Array,
        change: Callable[[NDArray[np.intp], Array], Array],
    ) -> Array:
        """Shift each parameter alone, and sum the changes of the losses of all rows.

        Exact: what it gives is what computing the whole model n times would give, up to rounding.

        Parameters
        ----------
        params : ndarray, shape (n,)
            The parameters.
        inputs : ndarray, shape (batch, ...)
            The inputs.
        steps : ndarray, shape (s, n)
            How far each parameter is shifted, s times, such as up and down.
        change : callable
            Takes rows, integers of shape (p,), and their new outputs, (p, k); returns by how much the loss of each
            changes, (p,).  Rows that do not change are not asked for.

        Returns
        -------
        ndarray, shape (s, n)
            The sums, one for each shift of each parameter.
        """
