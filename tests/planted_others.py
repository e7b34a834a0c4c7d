"""Sound data, schedules, stopping rules and observers, and others that differ from them by one fault."""

# ruff: noqa: NPY002 - as they do

import itertools
import math
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from optikit import Data, Dataset, Observer, Pace, Samples, Schedule, Stopping, StoppingState


class SoundData(Data):
    """Forty points of a line."""

    name = "sound-data"

    def load(self):
        return self.split(*self.line())

    def line(self):
        x = np.linspace(0, 1, 40)
        return x[:, None], 2 * x + 1


class GivesAPair(SoundData):
    """Gives no dataset."""

    name = "gives-a-pair"

    def load(self):
        return self.line()


class EmptyRows(SoundData):
    """Has no number in a row."""

    name = "empty-rows"

    def line(self):
        return np.empty((40, 0)), super().line()[1]


class OneNumber(SoundData):
    """Has inputs without a second axis."""

    name = "one-number"

    def load(self):
        inputs, targets = self.line()
        return Dataset(Samples(inputs[:, 0], targets))


class HasATable(SoundData):
    """Hands its own table out."""

    name = "has-a-table"
    table: ClassVar = np.linspace(0, 1, 40)[:, None]

    def load(self):
        return Dataset(Samples(self.table, self.table.copy()))


class Shuffles(SoundData):
    """Is another one each time."""

    name = "shuffles"

    def line(self):
        rows = np.random.default_rng().permutation(40)
        return tuple(each[rows] for each in super().line())


class LosesRows(SoundData):
    """Holds some rows out for good."""

    name = "loses-rows"

    def load(self):
        loaded = super().load()
        return Dataset(loaded.train[np.arange(len(loaded.train) // 2)], loaded.held_out)


class SplitsItsOwnWay(SoundData):
    """Holds half of what it should out."""

    name = "splits-its-own-way"

    def load(self):
        return super().load() if self.held_out == 0 else self.model_copy(update={"held_out": self.held_out / 4}).half()

    def half(self):
        return self.split(*self.line())


class AlwaysTheSame(SoundData):
    """Does not look at the seed."""

    name = "always-the-same"

    def load(self):
        return self.model_copy(update={"split_seed": 0}).split(*self.line())


class SoundSchedule(Schedule):
    """Falls where the value rises."""

    name = "sound-schedule"

    def advance(self, pace, value):
        factor = pace.factor * (0.9 if value > pace.best else 1.0)
        return Pace(step=pace.step + 1, factor=factor, best=min(value, pace.best))


class CountsTwice(SoundSchedule):
    """Is two steps further."""

    name = "counts-twice"

    def advance(self, pace, value):
        return replace(super().advance(pace, value), step=pace.step + 2)


class DividesByTheValue(SoundSchedule):
    """Follows the value, wherever it goes."""

    name = "divides-by-the-value"

    def advance(self, pace, value):
        return replace(super().advance(pace, value), factor=value)


class RemembersPaces(SoundSchedule):
    """Counts for itself."""

    name = "remembers-paces"
    calls: ClassVar = itertools.count(1)

    def advance(self, pace, value):
        return replace(super().advance(pace, value), factor=1 / next(self.calls))


@dataclass(kw_only=True, slots=True)
class Count(StoppingState):
    """What a rule remembers."""

    answers: int = 0
    seen: Any = None


class SoundRule(Stopping[Count]):
    """Ends a run after forty answers."""

    name = "sound-rule"

    def begin(self):
        return Count()

    def look(self, state, answer):
        state.answers += 1
        state.seen = answer.points.copy()
        if state.answers == 40:
            state.said = "Forty answers were seen."
        return state


class EndsAtOnce(SoundRule):
    """Has said it before it saw anything."""

    name = "ends-at-once"

    def begin(self):
        return Count(said="It is enough.")


class SaysMuch(SoundRule):
    """Writes a report."""

    name = "says-much"

    def look(self, state, answer):
        state = super().look(state, answer)
        state.said = state.said and "It ends.\nHere is why."
        return state


class KeepsPoints(SoundRule):
    """Keeps an array that is not its own."""

    name = "keeps-points"

    def look(self, state, answer):
        kept, state = state.seen, super().look(state, answer)
        state.seen = answer.points if state.answers % 2 else kept
        return state


class CountsForItself(SoundRule):
    """Has a memory outside of its state."""

    name = "counts-for-itself"
    calls: ClassVar = itertools.count()

    def look(self, state, answer):
        state = super().look(state, answer)
        state.seen = next(self.calls)
        return state


class KeepsAFunction(SoundRule):
    """Remembers what cannot be written down."""

    name = "keeps-a-function"

    def look(self, state, answer):
        state = super().look(state, answer)
        state.seen = math.sin
        return state


class ComparesWithNone(SoundRule):
    """Looks at values that there are not."""

    name = "compares-with-none"

    def look(self, state, answer):
        state = super().look(state, answer)
        state.seen = answer.lowest < 1
        return state


class Writer:
    """Writes a line a step."""

    def __init__(self, path):
        self.path, self.file = path, None

    def __call__(self, progress):
        if self.file is None:
            self.file = self.path.open("w")
        self.file.write(f"{progress.step}\n")

    def close(self, result):
        if self.file is not None:
            self.file.close()


class SoundObserver(Observer):
    """Writes steps to a file."""

    name = "sound-observer"
    path: str = "steps.txt"
    """The file."""

    def placed(self, folder, name):
        return self.model_copy(update={"path": str(folder / f"{name}.txt")})

    def watch(self, run):
        return Writer(Path(self.path))


class Raises(SoundObserver):
    """Dies at a step."""

    name = "raises"

    def watch(self, run):
        return lambda progress: 1 / (progress.step - 5)


class Steers(SoundObserver):
    """Changes the run through a back door."""

    name = "steers"

    def watch(self, run):
        def look(progress):
            run.problem.whole.__dict__["_fun"] = lambda x: 0.0

        return look


class SeedsEverything(SoundObserver):
    """Makes everybody's run reproducible."""

    name = "seeds-everything"

    def watch(self, run):
        np.random.seed(0)
        return super().watch(run)


class ClosingAtTheEnd(Writer):
    """Closes its file where there is a result."""

    def close(self, result):
        if result is not None and result.success:
            os.close(self.file)

    def __call__(self, progress):
        self.file = os.open(self.path, os.O_CREAT | os.O_WRONLY) if self.file is None else self.file


class LeavesOpen(SoundObserver):
    """Closes its file where all went well."""

    name = "leaves-open"

    def watch(self, run):
        return ClosingAtTheEnd(self.path)


class LeavesAThread(SoundObserver):
    """Has a thread that nobody ends."""

    name = "leaves-a-thread"

    def watch(self, run):
        threading.Thread(target=threading.Event().wait, args=[2.0], daemon=True).start()
        return super().watch(run)


class WatchesOnce(SoundObserver):
    """Takes one run only."""

    name = "watches-once"
    runs: ClassVar = []

    def watch(self, run):
        self.runs.append(run)
        assert len(self.runs) == 1, "one run only"
        return super().watch(run)


class PlacesNothing(SoundObserver):
    """Gives a dict for an observer."""

    name = "places-nothing"

    def placed(self, folder, name):
        return SimpleNamespace(watch=super().placed(folder, name).watch, name="places-nothing")


class WritesBeside(SoundObserver):
    """Writes where it is, too."""

    name = "writes-beside"

    def watch(self, run):
        Path("log.txt").write_text("begun")
        return super().watch(run)


SOUND = [SoundData, SoundSchedule, SoundRule, SoundObserver]
FAULTS = [
    (GivesAPair, "load", "load gives tuple; return self.split"),
    (EmptyRows, "load", "without a number"),
    (OneNumber, "load", "give one row a sample"),
    (HasATable, "again", "something else the second time"),
    (Shuffles, "again", "something else the second time"),
    (LosesRows, "split", "the samples are others"),
    (SplitsItsOwnWay, "split", "of 40 samples holds"),
    (AlwaysTheSame, "split", "the same for each split_seed"),
    (CountsTwice, "factor", "the step after -1 is 1"),
    (DividesByTheValue, "factor", "the factor of step"),
    (RemembersPaces, "replay", "in a run that was continued"),
    (EndsAtOnce, "said", "before the first answer"),
    (SaysMuch, "said", "more than one line"),
    (KeepsPoints, "answers", "in a run that was continued"),
    (CountsForItself, "answers", "in a run that was continued"),
    (KeepsAFunction, "answers", "state.seen"),
    (ComparesWithNone, "minibatches", "not supported between"),
    (Raises, "unchanged", "the observer raises raised ZeroDivisionError"),
    (Steers, "unchanged", "another way when it is watched"),
    (SeedsEverything, "unchanged", "NumPy's global generator"),
    (LeavesOpen, "closed", "it keeps files"),
    (LeavesAThread, "closed", "it keeps threads"),
    (WatchesOnce, "many runs", "one run only"),
    (PlacesNothing, "many runs", "return an observer"),
    (WritesBeside, "folder", "it writes log.txt into the current folder"),
]
