"""The suite of data: what is loaded is the same each time, and split as the fields say."""

from typing import Any

import numpy as np

from optikit.component import Component
from optikit.data import Dataset, Samples
from optikit.testing.check import Check
from optikit.testing.components import remade
from optikit.testing.subject import Subject
from optikit.testing.untouched import untouched


def loads_samples(subject: Subject) -> None:
    """Load samples to train on: rows of real, finite numbers, none of them empty."""
    dataset = _loaded(subject)
    assert isinstance(dataset, Dataset), f"load gives {type(dataset).__name__}; return self.split(inputs, targets)"
    for what, samples in (("training", dataset.train), ("held-out", dataset.held_out)):
        if samples is None:
            continue
        # What `Samples` refuses when it is made may come to be afterwards.
        Samples(samples.inputs, samples.targets, samples.weights)
        assert samples.inputs.ndim >= 2, f"the {what} inputs have shape {samples.inputs.shape}; give one row a sample"
        assert samples.inputs[0].size, (
            f"the {what} inputs have rows of shape {samples.inputs.shape[1:]}, without a number"
        )
    held_out = dataset.held_out
    if held_out is not None:
        for what in ("inputs", "targets"):
            train, held = getattr(dataset.train, what), getattr(held_out, what)
            fits = train.shape[1:] == held.shape[1:]
            assert fits, f"rows of {what} have shape {train.shape[1:]} in training, but {held.shape[1:]} held out"


def loads_the_same_again(subject: Subject) -> None:
    """Load the same again, whatever was done with what it gave before."""
    with untouched():
        first = _arrays(_loaded(subject))
    kept = [array.tobytes() for array in first]
    for array in first:
        if array.flags.writeable:
            array[:] = 0
    again = [array.tobytes() for array in _arrays(_loaded(subject))]
    assert kept == again, "it loads something else the second time"


def splits_as_declared(subject: Subject) -> None:
    """Hold out the fraction of the samples that the fields say, and lose none; or have a split of its own."""
    whole = _loaded(subject).whole
    rows = sorted(_rows(whole))
    sizes = dict[float, int]()
    for fraction in (0.0, 0.25, 0.5):
        dataset = _loaded(subject, held_out=fraction)
        again = _loaded(subject, held_out=fraction)
        same = all(map(np.array_equal, _arrays(dataset), _arrays(again)))
        assert same, f"held_out = {fraction} holds other samples out each time"
        assert sorted(_rows(dataset.whole)) == rows, f"with held_out = {fraction} the samples are others"
        sizes[fraction] = 0 if dataset.held_out is None else len(dataset.held_out)
    if len(set(sizes.values())) == 1:  # a source that comes in two parts
        return
    # Of each label a row is left for training, however few there are.
    labels = len(np.unique(whole.targets)) if whole.labelled else 1
    for fraction, size in sizes.items():
        near = abs(size - fraction * len(whole)) <= labels
        assert near, f"held_out = {fraction} of {len(whole)} samples holds {size} out"
    if 1 < sizes[0.5] < len(whole) - 1 and len(set(rows)) == len(rows):
        one, other = (_loaded(subject, held_out=0.5, split_seed=seed).held_out for seed in (1, 2))
        assert _rows(one) != _rows(other), "the split is the same for each split_seed"


def _loaded(subject: Subject, **fields: Any) -> Any:
    subject.asked += 1
    component: Component = subject.component
    made: Any = remade(type(component), {**component.model_dump(mode="json"), **fields}) if fields else component
    subject.note(data=made)
    return made.load()


def _arrays(dataset: Dataset) -> list[Any]:
    parts = [part for part in (dataset.train, dataset.held_out) if part is not None]
    arrays = [array for part in parts for array in (part.inputs, part.targets, part.weights)]
    return [array for array in arrays if array is not None]


def _rows(samples: Any) -> list[int]:
    """Give a hash of each row, as there may be many, and large ones."""
    weights = np.ones(len(samples)) if samples.weights is None else samples.weights
    parts = zip(samples.inputs, samples.targets, weights, strict=True)
    return [hash(tuple(np.asarray(each).tobytes() for each in part)) for part in parts]


CHECKS = [
    Check(name="load", holds=loads_samples),
    Check(name="again", holds=loads_the_same_again),
    Check(name="split", holds=splits_as_declared),
]
