"""Sound losses, of numbers and of labels, and others that differ from them by one fault."""

# ruff: noqa: NPY002 - as they do

from typing import ClassVar

import numpy as np

from optikit import DifferentiableLoss, InputError


class Sound(DifferentiableLoss):
    """Half the squares of the differences."""

    name = "sound"

    def __call__(self, outputs, targets):
        return float(self.per_row(outputs, targets).mean(dtype=np.float64))

    def per_row(self, outputs, targets):
        return (self.differences(outputs, targets) ** 2).sum(axis=1) / 2

    def grad(self, outputs, targets):
        return self.differences(outputs, targets) / len(outputs)

    def differences(self, outputs, targets):
        self.check(outputs, targets)
        return outputs - targets.astype(outputs.dtype)

    def check(self, outputs, targets):
        if outputs.shape != targets.shape:
            raise InputError(f"targets have shape {targets.shape}, but outputs {outputs.shape}; make them agree")


class SoundOfLabels(DifferentiableLoss):
    """The output of the label, in the soft maximum of all."""

    name = "sound-of-labels"

    def __call__(self, outputs, targets):
        return float(self.per_row(outputs, targets).mean(dtype=np.float64))

    def per_row(self, outputs, targets):
        self.check(outputs, targets)
        return np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(outputs)), targets]

    def grad(self, outputs, targets):
        self.check(outputs, targets)
        gradient = np.exp(outputs - np.logaddexp.reduce(outputs, axis=1)[:, None])
        gradient[np.arange(len(outputs)), targets] -= 1
        return gradient / len(outputs)

    def check(self, outputs, targets):
        labels = targets.shape == outputs.shape[:1] and targets.dtype.kind == "i"
        if not labels or targets.min() < 0 or targets.max() >= outputs.shape[1]:
            raise InputError("the targets are no labels of these outputs")


class GivesAnArray(Sound):
    """Gives a number of NumPy's."""

    name = "gives-an-array"

    def __call__(self, outputs, targets):
        return self.per_row(outputs, targets).mean()


class Overflows(SoundOfLabels):
    """Takes the exponential of what comes."""

    name = "overflows"

    def per_row(self, outputs, targets):
        self.check(outputs, targets)
        return np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(outputs)), targets]


class Sums(Sound):
    """Sums where others average."""

    name = "sums"

    def __call__(self, outputs, targets):
        return float(self.per_row(outputs, targets).sum())

    def grad(self, outputs, targets):
        return super().grad(outputs, targets) * len(outputs)


class ComparesRows(Sound):
    """Has a loss of a row that depends on the others."""

    name = "compares-rows"

    def differences(self, outputs, targets):
        difference = super().differences(outputs, targets)
        return difference - difference.mean(axis=0)


class CountsTheFirstTwice(Sound):
    """Weighs rows by their place."""

    name = "counts-the-first-twice"

    def __call__(self, outputs, targets):
        each = self.per_row(outputs, targets)
        return float((each.sum() + each[0]) / (len(each) + 1))


class Doubled(Sound):
    """Has the 2 of another loss in its gradient."""

    name = "doubled"

    def grad(self, outputs, targets):
        return 2 * super().grad(outputs, targets)


class MeanForgotten(SoundOfLabels):
    """Takes the mean in the value only."""

    name = "mean-forgotten"

    def grad(self, outputs, targets):
        return super().grad(outputs, targets) * len(outputs)


class GradientInDouble(Sound):
    """Has a gradient in float64 whatever the outputs are."""

    name = "gradient-in-double"

    def grad(self, outputs, targets):
        return super().grad(outputs, targets).astype(float)


class ValueOfItsOwn(Sound):
    """Computes the value anew, in another way."""

    name = "value-of-its-own"

    def value_and_grad(self, outputs, targets):
        difference = self.differences(outputs, targets)
        return float(np.vdot(difference, difference) / 2 / (len(outputs) + 1e-9)), self.grad(outputs, targets)


class SharesItsGradient(Sound):
    """Keeps one array for all its gradients."""

    name = "shares-its-gradient"
    buffers: ClassVar = {}

    def value_and_grad(self, outputs, targets):
        buffer = self.buffers.setdefault((outputs.shape, outputs.dtype), np.empty_like(outputs))
        buffer[:] = self.grad(outputs, targets)
        return self(outputs, targets), buffer


class TinyInSingle(Sound):
    """Takes a constant from the rounding of the outputs."""

    name = "tiny-in-single"

    def per_row(self, outputs, targets):
        return super().per_row(outputs, targets) + np.finfo(outputs.dtype).eps ** 0.5


class WritesIntoOutputs(Sound):
    """Saves an array."""

    name = "writes-into-outputs"

    def differences(self, outputs, targets):
        self.check(outputs, targets)
        outputs -= targets.astype(outputs.dtype)
        return outputs


class Draws(Sound):
    """Adds noise that nobody asked for."""

    name = "draws"

    def per_row(self, outputs, targets):
        return super().per_row(outputs, targets) + 1e-15 * np.random.random()


class Broadcasts(Sound):
    """Looks at no shape."""

    name = "broadcasts"

    def check(self, outputs, targets):
        pass


class IndexesFromTheEnd(SoundOfLabels):
    """Takes a label of -1 for the last one."""

    name = "indexes-from-the-end"

    def check(self, outputs, targets):
        super().check(outputs, np.where(targets < 0, 0, targets))


class Bent(Sound):
    """Grows ever more slowly."""

    name = "bent"

    def per_row(self, outputs, targets):
        return np.log1p(self.differences(outputs, targets) ** 2).sum(axis=1)

    def grad(self, outputs, targets):
        difference = self.differences(outputs, targets)
        return 2 * difference / (1 + difference**2) / len(outputs)


SOUND = [Sound, SoundOfLabels]
FAULTS = [
    (GivesAnArray, "finite", "it returns float64; return a float"),
    (Overflows, "finite", "it is inf for outputs of"),
    (Sums, "mean", "but the mean of its"),
    (ComparesRows, "mean", "if it is the only one"),
    (CountsTheFirstTwice, "weights", "and weighted so"),
    (Doubled, "gradient", "by differences"),
    (MeanForgotten, "gradient", "by differences"),
    (GradientInDouble, "gradient", "the gradient is float64, but the outputs are float32"),
    (ValueOfItsOwn, "value and gradient", "but the loss is"),
    (SharesItsGradient, "value and gradient", "changes with the next question"),
    (TinyInSingle, "float32", "another one for float32"),
    (WritesIntoOutputs, "untouched", "written into the outputs"),
    (Draws, "untouched", "NumPy's global generator"),
    (Broadcasts, "shapes", "are taken for right ones"),
    (IndexesFromTheEnd, "shapes", "a label of -1 are taken for right ones"),
    (Bent, "convex", "in the middle of a chord"),
]
