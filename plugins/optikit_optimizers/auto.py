"""`auto`: a portfolio of optimizers that hand on what they find, for functions that nobody has seen.

No optimizer is the best for all functions, and what a function is like shows while it is minimised.  So each stage
answers a question at the price of a few evaluations, and what it learns decides about the next:

1. *look*: does the function give the same value at the same point?  If not, populations only, which average.
2. *descent*: is it smooth?  Then quasi-Newton steps, or in one or two dimensions a simplex, are faster than all else.
3. *sums*: is it a sum over the parameters?  Then each is searched for itself, as far as that leads.
4. *turns*: it has many minima.  Populations that grow from restart to restart, descents from other points, and
   differential evolution take turns, by their shares of the evaluations.

A step is a step of one of them, which is small, so budgets, checkpoints and workers mean what they mean for everyone.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import Field

from optikit import Array, Optimizer, Oracle, Stop, TellingState
from optikit_optimizers.axes import searched, separable
from optikit_optimizers.covariance_adaptation import CovarianceAdaptation
from optikit_optimizers.differential_evolution import DifferentialEvolution
from optikit_optimizers.portfolio import Member, hopeless, local, shares

_SHORT = 200
"""Evaluations for each parameter that the first descent may have in any case."""
_DESCENT = 0.15
"""Share of the evaluations that it may have if that is more."""
_PLANNED = 10_000
"""Evaluations for each parameter that are planned with, where there are more or no limit."""
_NOISY = 2
"""How often the population is doubled at once where values are noisy."""
_AROUND = 2.0
"""How far from the start point others begin where there is no box, in units of max(1, abs(x))."""


@dataclass(kw_only=True, slots=True)
class AutoState(TellingState):
    """The stage, the members, and what is known of the problem."""

    rng: np.random.Generator
    x0: Array
    stage: str = "look"
    total: float = math.inf
    """The evaluations to plan with."""
    noisy: bool = False
    leader: str = ""
    """Who has found the best point, among those that take turns."""
    axis: int = 0
    """Axes that have been searched."""
    fruitless: int = 0
    """Searches of all axes, one after the other, that have brought nothing."""
    before: float = math.inf
    """The lowest value when the first axis was searched."""
    members: dict[str, Member] = field(default_factory=dict[str, Member])


class Auto(Optimizer[AutoState]):
    """Chooses by itself: quasi-Newton steps, axis by axis, and populations, by what the function turns out to be like.

    For up to some hundred parameters and a budget of 50 to 10,000 evaluations for each.  It needs no gradient, and uses
    one that is there; bounds are kept, and where all are finite it looks everywhere between them.  It first goes down
    from the start point.  Then it asks whether the function is a sum over its parameters, and if so, searches each.
    What is left belongs to CMA-ES with growing populations, descents from other points, and differential evolution,
    which take turns.  Where values at the same point differ, it begins with a population.

    What it did and why stands in the `log` of the result, sentence by sentence.

    References
    ----------
    Auger and Hansen (2005), "A restart CMA evolution strategy with increasing population size", CEC 2005; the idea of a
    portfolio is that of Baudiš and Pošík (2014), "Online black-box algorithm portfolios for continuous optimization",
    PPSN XIII.
    """

    name = "auto"

    restarts: int = Field(default=9, ge=0)
    """How often CMA-ES begins again, each time with twice the population, before it all ends."""
    patience: int = Field(default=6, ge=1)
    """How many searches of all axes in a row, each on another grid, may bring nothing."""

    def init(self, x0: Array, rng: np.random.Generator) -> AutoState:
        """Know nothing yet."""
        return AutoState(x=x0, x0=x0.copy(), rng=rng)

    def moved(self, state: AutoState, x: Array) -> AutoState:
        """Go down from there."""
        return AutoState(x=x.copy(), x0=x.copy(), rng=state.rng, log=state.log)

    def step(self, oracle: Oracle, state: AutoState) -> AutoState:
        """Make a step of the member whose turn it is."""
        match state.stage:
            case "look":
                self._look(oracle, state)
            case "descent":
                self._descend(oracle, state)
            case "sums":
                self._search_axes(oracle, state)
            case "polish":
                self._polish(oracle, state)
            case _:
                self._take_turns(oracle, state)
        if oracle.nfev:
            state.x = oracle.best[1].copy()
        return state

    def _look(self, oracle: Oracle, state: AutoState) -> None:
        """Ask twice at the start point: values that differ are noise."""
        oracle.use_whole()
        _ = oracle.bounds
        n = len(state.x0)
        state.total = min(oracle.evaluations_left, _PLANNED * n)
        one, other = oracle.values(np.stack([state.x0, state.x0]))
        state.noisy = one != other
        if state.noisy:
            state.log.append(f"Values at the start point differ by {abs(one - other):.2g}, so populations take over.")
            self._begin_turns(oracle, state)
        else:
            state.stage, state.members["descent"] = "descent", Member()

    def _descend(self, oracle: Oracle, state: AutoState) -> None:
        """Go down from the start point as far as it goes, and then say whether the function is a sum."""
        member, n = state.members["descent"], len(state.x0)
        stop = self._step(oracle, state, member, local(oracle, n), state.x0)
        if stop is None and member.spent <= max(_DESCENT * state.total, _SHORT * n):
            return
        why = "waits." if stop is None else "ends: " + stop.message
        if stop is not None:
            member.inner = None
        state.log.append(f"The descent has come to {oracle.best_fun:.6g} by {member.spent:,} evaluations, and {why}")
        if np.isfinite(oracle.bounds).all() and separable(oracle, *_best(oracle), state.rng):
            state.log.append("The function is a sum over its parameters, so that each is searched for itself.")
            state.stage, state.before = "sums", math.inf
        else:
            self._begin_turns(oracle, state)

    def _search_axes(self, oracle: Oracle, state: AutoState) -> None:
        """Search one axis; after the last of them, look whether they have brought anything."""
        n = len(state.x0)
        if state.axis % n == 0 and state.axis:
            gained, state.before = state.before - oracle.best_fun, oracle.best_fun
            state.fruitless = 0 if gained > 1e-9 * max(1e-3, abs(state.before)) else state.fruitless + 1
            if state.fruitless == 1 and "polish" not in state.members:
                state.stage, state.members["polish"] = "polish", Member()
                return
            if state.fruitless >= self.patience:
                state.log.append(f"After {state.axis // n} searches of all axes it is {oracle.best_fun:.6g}.")
                self._begin_turns(oracle, state)
                return
        offset = 0.5 if state.axis < n else float(state.rng.random())
        searched(oracle, *_best(oracle), state.axis % n, offset)
        state.axis += 1

    def _polish(self, oracle: Oracle, state: AutoState) -> None:
        """Go down from the best point, since parabolas on axes leave the last digits."""
        member, n = state.members["polish"], len(state.x0)
        stop = self._step(oracle, state, member, local(oracle, n), oracle.best[1])
        if stop is not None or member.spent > _SHORT * n:
            state.log.append(f"A descent from the best point of {state.axis:,} axes has come to {oracle.best_fun:.6g}.")
            state.stage = "sums"

    def _begin_turns(self, oracle: Oracle, state: AutoState) -> None:
        """Share out the evaluations that are left."""
        boxed = bool(np.isfinite(oracle.bounds).all())
        among = shares(len(state.x0), state.total, noisy=state.noisy, boxed=boxed)
        begun = state.members.get("descent")
        state.members = {name: Member(share=share) for name, share in among.items()}
        if begun is not None and begun.inner is not None and "descents" in state.members:
            state.members["descents"].inner = begun.inner  # what was cut off goes on
        state.stage = "turns"
        state.log.append(f"Now these take turns, by their shares: {among}.")

    def _take_turns(self, oracle: Oracle, state: AutoState) -> None:
        """Let the one step that is farthest behind its share; who has found the best point may have twice as much."""

        def lag(name: str) -> float:
            member = state.members[name]
            return member.spent / (member.share * (2 if name == state.leader else 1))

        name, known = min(state.members, key=lag), oracle.best_fun
        member, n = state.members[name], len(state.x0)
        if name == "evolution":
            self._evolve(oracle, state, member)
        else:
            optimizer = local(oracle, n) if name == "descents" else DifferentialEvolution()
            if self._step(oracle, state, member, optimizer, self._draw(oracle, state)) is not None:
                member.inner = None
        if oracle.best_fun < known:
            state.leader = name

    def _evolve(self, oracle: Oracle, state: AutoState, member: Member) -> None:
        """Make a step of CMA-ES: first from the best point, and then from others with twice the population."""
        n, first = len(state.x0), member.begun == 0
        doublings = member.begun - (member.inner is not None) + (_NOISY if state.noisy else 0)
        count = (4 + int(3 * math.log(n))) * 2**doublings
        x0 = oracle.best[1] if first else self._draw(oracle, state)
        stop = self._step(oracle, state, member, CovarianceAdaptation(population=count), x0)
        if stop is None and member.inner is not None and hopeless(member.inner, oracle.best_fun):
            stop = Stop(False, "It came to rest at higher values than are known.")
        if stop is None:
            return
        member.inner = None
        state.log.append(
            f"CMA-ES number {member.begun}, with {count} points, leaves {oracle.best_fun:.6g}: {stop.message}"
        )
        if member.begun > self.restarts:
            state.stop = Stop(True, state.log[-1])

    def _step(
        self, oracle: Oracle, state: AutoState, member: Member, optimizer: Optimizer[Any], x0: Array
    ) -> Stop | None:
        """Make a step of a member, from x0 if it begins; say why it has stopped, if it has."""
        if member.inner is None:
            generator = np.random.default_rng(int(state.rng.integers(2**63)))
            member.inner = optimizer.init(x0.copy(), generator)
            member.begun += 1
        before = oracle.nfev
        inner = member.inner = optimizer.step(oracle, member.inner)
        member.spent += max(1, oracle.nfev - before)
        return inner.stop

    def _draw(self, oracle: Oracle, state: AutoState) -> Array:
        """Draw a point to begin from: anywhere in the box, or around the start point where there is none."""
        low, high = oracle.bounds
        if np.isfinite([low, high]).all():
            return oracle.draw(state.rng)
        move = _AROUND * np.maximum(abs(state.x0), 1) * state.rng.standard_normal(len(state.x0))
        return np.clip((state.x0 + move).astype(state.x0.dtype), low, high)


def _best(oracle: Oracle) -> tuple[Array, float]:
    return oracle.best[1].copy(), oracle.best[0]
