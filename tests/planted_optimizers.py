"""A sound optimizer, and others that differ from it by one fault, each of a kind that has been met in a library."""

# ruff: noqa: NPY002 - as they do

import itertools
import math
import random
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

import optikit
from optikit import InputError, Optimizer, State, Stop


@dataclass(kw_only=True, slots=True)
class Walk(State):
    """Where it is, and how long its next step is."""

    rng: np.random.Generator
    rate: float
    fun: float = math.inf
    slope: Any = None


class Sound(Optimizer[Walk]):
    """Descends along the gradient; the step grows where that succeeds, and shrinks where it fails."""

    name = "sound"

    lr: float = Field(default=1.0, gt=0)

    def init(self, x0, rng):
        return Walk(x=x0, rng=rng, rate=self.lr)

    def step(self, oracle, state):
        trial = state.x
        if state.slope is not None:
            trial = state.x - state.rate * state.slope * (1 + 0.1 * self.number(state))
        trial = self.trial(oracle, state, np.clip(trial, *oracle.bounds))
        fun, slope = oracle.value_and_grad(trial)
        if fun < state.fun:
            return self.told(oracle, Walk(x=trial, rng=state.rng, rate=2 * state.rate, fun=fun, slope=slope))
        if state.slope is None:
            return self.lost(oracle, state)
        state.rate /= 2
        if state.rate * abs(state.slope).max() < 1e-12:
            state.stop = Stop(True, "No step descends.")
        return self.told(oracle, state)

    def number(self, state):
        return state.rng.normal()

    def trial(self, oracle, state, x):
        return x

    def told(self, oracle, state):
        return state

    def lost(self, oracle, state):
        state.stop = Stop(False, "The start has no value.")
        return state


class AsksTheFunctionItself(Sound):
    """Goes round the oracle, so that an evaluation is not counted."""

    name = "asks-the-function-itself"

    def told(self, oracle, state):
        oracle._problem.whole.value(state.x)
        return state


class RoundsTheBest(Sound):
    """Reports another point than the one that was found."""

    name = "rounds-the-best"

    def told(self, oracle, state):
        oracle.best = oracle.best[0], oracle.best[1].round(3), oracle.best[2]
        return state


class BelievesItsModel(Sound):
    """Reports a value that nobody has found."""

    name = "believes-its-model"

    def told(self, oracle, state):
        oracle.best = oracle.best[0] - 1e-9, oracle.best[1], oracle.best[2]
        return state


class StepsOutside(Sound):
    """Reads the bounds, and asks outside them."""

    name = "steps-outside"

    def trial(self, oracle, state, x):
        return x if state.slope is None else state.x - state.rate * state.slope


class RefusesTooLate(Sound):
    """Looks at the bounds when it has asked already."""

    name = "refuses-too-late"

    def told(self, oracle, state):
        if oracle.bounded:
            raise InputError("this optimizer takes no bounds")
        return state


class ClipsLate(Sound):
    """Clips each move into the bounds, but has asked at the start before it reads them."""

    name = "clips-late"

    def step(self, oracle, state):
        if state.slope is not None:
            return super().step(oracle, state)
        fun, slope = oracle.value_and_grad(state.x)
        return Walk(x=state.x, rng=state.rng, rate=state.rate, fun=fun, slope=slope)


class LeansOnTheBound(Sound):
    """Never leaves a bound again."""

    name = "leans-on-the-bound"

    def trial(self, oracle, state, x):
        low, high = oracle.bounds
        return np.where((state.x == low) | (state.x == high), state.x, x)


class TakesTwoCoordinates(Sound):
    """Does not expect a single parameter."""

    name = "takes-two-coordinates"

    def trial(self, oracle, state, x):
        x[[0, 1]] = x[[0, 1]]
        return x


class SeedsItself(Sound):
    """Has randomness of its own."""

    name = "seeds-itself"

    def number(self, state):
        return np.random.default_rng().normal()


class RemembersOtherRuns(Sound):
    """Keeps something in its class, which all runs share."""

    name = "remembers-other-runs"
    numbers: ClassVar[Any] = itertools.count()

    def number(self, state):
        return math.sin(next(self.numbers))


class KeepsElsewhere(Sound):
    """Remembers in itself what belongs in the state: how often it has drawn."""

    name = "keeps-elsewhere"
    drawn: ClassVar[list[int]] = [0]

    def init(self, x0, rng):
        self.drawn[0] = 0
        return super().init(x0, rng)

    def number(self, state):
        self.drawn[0] += 1
        return math.sin(self.drawn[0])


class KeepsAnObject(Sound):
    """Has something in its state that cannot be saved."""

    name = "keeps-an-object"

    def init(self, x0, rng):
        state = super().init(x0, rng)
        state.slope = None if x0 is None else itertools.count()
        return state

    def step(self, oracle, state):
        state.slope = None if isinstance(state.slope, itertools.count) else state.slope
        return super().step(oracle, state)


class Hashes(Sound):
    """Depends on Python's hashes, which every process seeds anew."""

    name = "hashes"

    def number(self, state):
        return math.sin(hash("word") % 1000)


class DrawsGlobally(Sound):
    """Draws from NumPy's global generator."""

    name = "draws-globally"

    def number(self, state):
        return np.random.normal()


class Endless:
    """Goes on where it could stop, to do late what shows in a long run only."""

    def told(self, oracle, state):
        state.stop = None
        return state


class DrawsGloballyLate(Endless, Sound):
    """Draws from NumPy's global generator when it does not get on any more."""

    name = "draws-globally-late"

    def trial(self, oracle, state, x):
        return np.clip(x + 1e-3 * np.random.normal(), *oracle.bounds) if oracle.nfev > 46 else x


class HashesLate(Endless, Sound):
    """Depends on Python's hashes when it does not get on any more."""

    name = "hashes-late"

    def trial(self, oracle, state, x):
        return np.clip(x + 1e-3 * math.sin(hash("word") % 1000), *oracle.bounds) if oracle.nfev > 46 else x


class SeedsItselfLate(Endless, Sound):
    """Has randomness of its own when it does not get on any more."""

    name = "seeds-itself-late"

    def trial(self, oracle, state, x):
        return np.clip(x + 1e-3 * np.random.default_rng().normal(), *oracle.bounds) if oracle.nfev > 46 else x


class LoopsLate(Endless, Sound):
    """Goes round in circles near the limit of rounding, and asks nothing."""

    name = "loops-late"

    def trial(self, oracle, state, x):
        while oracle.nfev > 350:
            pass
        return x


class PutsTheStateBack(Sound):
    """Seeds NumPy's global generator for itself, and puts its state back in the end, with what others have drawn."""

    name = "puts-the-state-back"

    def step(self, oracle, state):
        before = np.random.get_state()
        np.random.seed(1)
        try:
            return super().step(oracle, state)
        finally:
            np.random.set_state(before)


class SharesItsArray(Sound):
    """Asks with its own array, of which no copy is made."""

    name = "shares-its-array"

    def told(self, oracle, state):
        oracle._problem.whole._fun(state.x)
        return state


class GoesOn(Sound):
    """Takes what the function raises for a bad point, and goes on."""

    name = "goes-on"

    def step(self, oracle, state):
        try:
            return super().step(oracle, state)
        except BaseException:
            oracle.ended = None
            return Walk(x=state.x, rng=state.rng, rate=state.rate, stop=Stop(True, "All is well."))


class LosesAField(Sound):
    """Has an option that is not written down."""

    name = "loses-a-field"

    lr: float = Field(default=1.0, gt=0, exclude=True)


class GivesUp(Sound):
    """Arrives nowhere."""

    name = "gives-up"

    def told(self, oracle, state):
        state.stop = Stop(True, "Good enough.")
        return state


class ChecksForFinite(Sound):
    """Falls over where there is no number."""

    name = "checks-for-finite"

    def lost(self, oracle, state):
        raise ValueError("array must not contain infs or NaNs")


class ArrivesAtNan(Sound):
    """Takes small steps for arrival, wherever it is."""

    name = "arrives-at-nan"

    def lost(self, oracle, state):
        state.stop = Stop(True, "The radius is small.")
        return state


class WaitsForANumber(Sound):
    """Goes round in circles where there is no number, and asks nothing."""

    name = "waits-for-a-number"

    def lost(self, oracle, state):
        while not math.isfinite(state.fun):
            pass


class AsksInDouble(Sound):
    """Asks in double precision, whatever the parameters are in."""

    name = "asks-in-double"

    def trial(self, oracle, state, x):
        oracle._dtype = np.dtype("float64")
        return x


class DrawsInInit(Sound):
    """Draws a first number that nobody gave it."""

    name = "draws-in-init"

    def init(self, x0, rng):
        return Walk(x=x0, rng=rng, rate=self.lr * np.random.default_rng().random())


class WritesIntoTheStart(Sound):
    """Makes its first state in the array that it was given."""

    name = "writes-into-the-start"

    def init(self, x0, rng):
        x0 += 0.0625
        return super().init(x0, rng)


class RecommendsTheOutside(Sound):
    """Asks inside the bounds, and recommends where it would have gone without them."""

    name = "recommends-the-outside"

    def told(self, oracle, state):
        return Walk(x=state.x + 9, rng=state.rng, rate=state.rate, stop=Stop(False, "No further."))


class DrawsFromPython(Sound):
    """Draws from Python's global generator."""

    name = "draws-from-python"

    def number(self, state):
        return random.gauss()


class LooksForTheThread(Sound):
    """Goes another way where there is another thread."""

    name = "looks-for-the-thread"

    def number(self, state):
        return math.sin(threading.active_count())


class IgnoresConstraints(Sound):
    """Reads the constraints, and minimises without them."""

    name = "ignores-constraints"

    def trial(self, oracle, state, x):
        assert oracle.constraints is None or oracle.constraints.linear is not None
        return x


class RefusesConstraintsTooLate(Sound):
    """Looks at the constraints when it has asked already."""

    name = "refuses-constraints-too-late"

    def told(self, oracle, state):
        if oracle.constraints is not None:
            raise InputError("this optimizer takes no constraints")
        return state

    def trial(self, oracle, state, x):
        _ = oracle.constraints
        return x


class FallsAtInfinity(Sound):
    """Cannot reckon with a value that is no number, once it has one."""

    name = "falls-at-infinity"

    def told(self, oracle, state):
        if not math.isfinite(oracle.answer):
            raise FloatingPointError("infinity is no number to reckon with")
        return state


class ArrivesAtFailures(Sound):
    """Takes an evaluation that failed for arrival."""

    name = "arrives-at-failures"

    def told(self, oracle, state):
        if oracle.answer == math.inf:
            state.stop = Stop(True, "It gets no better.")
        return state


class CountsItsBeginnings(Sound):
    """Remembers in its class how often a step was begun, so that no step can be made again."""

    name = "counts-its-beginnings"
    begun: ClassVar[list[int]] = [0]

    def init(self, x0, rng):
        self.begun[0] = 0
        return super().init(x0, rng)

    def step(self, oracle, state):
        self.begun[0] += 1
        return super().step(oracle, state)

    def number(self, state):
        return math.sin(self.begun[0])


class KeepsItAll(Sound):
    """Remembers a matrix of every evaluation."""

    name = "keeps-it-all"
    kept: ClassVar[list[Any]] = []

    def init(self, x0, rng):
        self.kept.clear()
        return super().init(x0, rng)

    def told(self, oracle, state):
        self.kept.append(np.ones(4000))
        return state


class AsksOnce(Sound):
    """Knows after its first run where to end."""

    name = "asks-once"
    arrived: ClassVar[list[Any]] = []

    def init(self, x0, rng):
        stop = Stop(True, "It has been here.") if self.arrived == [len(x0)] else None
        self.arrived[:] = [len(x0)]
        return Walk(x=x0, rng=rng, rate=self.lr, stop=stop)

    def step(self, oracle, state):
        state = super().step(oracle, state)
        if oracle.nfev > 60:
            state.stop = Stop(True, "It is near enough.")
        return state


class Saunters(Sound):
    """Goes into the right direction, and takes its time."""

    name = "saunters"

    def step(self, oracle, state):
        state.rate = min(state.rate, 0.01)
        return super().step(oracle, state)


class TakesAnyRate(Sound):
    """Has an option without a range."""

    name = "takes-any-rate"

    lr: float = 1.0


class TakesText(Sound):
    """Reads numbers in quotes."""

    name = "takes-text"

    size: float = Field(default=1.0, strict=False)


class AsksBeforeTheGradient(Sound):
    """Spends an evaluation before it finds that there is no gradient."""

    name = "asks-before-the-gradient"

    def trial(self, oracle, state, x):
        oracle.value(x)
        return x


class Skips(Sound):
    """Has itself excused."""

    name = "skips"

    def init(self, x0, rng):
        pytest.skip("not today")


class AsksNothing(Sound):
    """Ends before it has begun."""

    name = "asks-nothing"

    def init(self, x0, rng):
        return Walk(x=x0, rng=rng, rate=1.0, stop=Stop(False, "Nothing to do."))


OPTIMIZERS = {cls.name: cls(lr=0.5) for cls in (Sound, *Sound.__subclasses__())}
OPTIMIZERS["really local"] = optikit.get("optimizer", "barzilai-borwein")
