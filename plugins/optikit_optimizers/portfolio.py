"""The portfolio of `auto`: who takes part, how the evaluations are shared out, and who is given up.

The numbers were found on BBOB, instances 1 to 3 in 2, 5 and 10 dimensions (``benchmarks/choose.py``).
"""

from dataclasses import dataclass
from typing import Any

from optikit import Optimizer, Oracle, State
from optikit_optimizers.bfgs import Bfgs
from optikit_optimizers.covariance_adaptation import CovarianceState
from optikit_optimizers.lbfgs import Lbfgs
from optikit_optimizers.nelder_mead import NelderMead
from optikit_optimizers.one_plus_one_es import OnePlusOneES

_FEW = 2
"""Parameters up to which a simplex is better than quasi-Newton steps by differences."""
_MANY = 500
"""Parameters up to which a matrix is worth its price."""
_LONG = 500
"""Evaluations for each parameter from which on differential evolution is worth its slow beginning."""
_RECENT = 15
"""Generations in which a population has to gain a twentieth of what it is behind, once its values are close."""


@dataclass(kw_only=True, slots=True)
class Member:
    """An optimizer of the portfolio, between two of its steps."""

    share: float = 1.0
    """Of the evaluations, where several take turns."""
    spent: int = 0
    begun: int = 0
    """How often it has begun."""
    inner: State | None = None
    """None where it is to begin again."""


def shares(n: int, evaluations: float, *, noisy: bool, boxed: bool) -> dict[str, float]:
    """Share the evaluations out to those that take turns.

    Parameters
    ----------
    n : int
        Parameters.
    evaluations : float
        Of the whole run.
    noisy : bool
        Whether values differ at the same point: then only a population averages.
    boxed : bool
        Whether all bounds are finite, as differential evolution needs.

    Returns
    -------
    dict
        The shares of "evolution", "descents" and "differences", as far as they take part.
    """
    if n > _MANY:
        return {"descents": 1.0}
    if noisy:
        return {"evolution": 1.0}
    if evaluations < _LONG * n:
        return {"descents": 1.0} if n <= _FEW else {"evolution": 0.8, "descents": 0.2}
    among = {"evolution": 0.4, "descents": 0.2} if n <= _FEW else {"evolution": 0.7, "descents": 0.2}
    return {**among, "differences": 0.4 if n <= _FEW else 0.1} if boxed else among


def local(oracle: Oracle, n: int) -> Optimizer[Any]:
    """Choose who goes down: a simplex for few parameters, and no matrix for very many."""
    if n <= _FEW and not oracle.differentiable:
        return NelderMead()
    if n <= _MANY:
        return Bfgs()
    return Lbfgs() if oracle.differentiable else OnePlusOneES()


def hopeless(inner: State, known: float) -> bool:
    """Say whether a population comes to rest at values that are worse than what is known."""
    assert isinstance(inner, CovarianceState)
    missing, recent = min(inner.lowest) - known, inner.lowest[-2 * _RECENT :]
    if len(recent) < 2 * _RECENT:
        return False
    gained = min(recent[:_RECENT]) - min(recent)
    return missing > 2 * inner.spread and missing > 20 * gained
