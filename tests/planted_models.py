"""A sound model, and others that differ from it by one fault."""

from functools import partial
from typing import ClassVar, Literal

import numpy as np

from optikit import InputError, LayeredModel


class Sound(LayeredModel):
    """Two outputs: a bend of a weighted sum of three numbers, and the sum itself."""

    name = "sound"
    dtype: Literal["float64", "float32"] = "float64"
    """Precision of the parameters."""

    def init(self, rng):
        return np.append(rng.normal(size=3), 0.5).astype(self.dtype)

    def shapes(self):
        return {"weights": (3, 1), "bias": ()}

    def __call__(self, params, inputs):
        return self.outputs(self.sums(params, inputs))

    def sums(self, params, inputs):
        self.check(inputs)
        return inputs @ params[:3] + params[3]

    def check(self, inputs):
        if inputs.shape[1:] != (3,):
            raise InputError(f"an input row has shape {inputs.shape[1:]}, but 3 numbers are needed")

    def outputs(self, sums):
        return np.stack([np.tanh(sums), sums], axis=1)

    def vjp(self, params, inputs, cotangent):
        back = cotangent[:, 0] / np.cosh(self.sums(params, inputs)) ** 2 + cotangent[:, 1]
        return np.append(self.to_weights(inputs, back), back.sum()).astype(params.dtype)

    def to_weights(self, inputs, back):
        return back @ inputs

    def shifted_sums(self, params, inputs, steps, change):
        z, rows = self.sums(params, inputs), np.arange(len(inputs))
        columns = [*inputs.T, np.ones(len(inputs))]
        sums = [
            change(rows, self.outputs(z + h * column)).sum()
            for line in steps
            for h, column in zip(line, columns, strict=True)
        ]
        return np.reshape(sums, steps.shape)


class DrawsGlobally(Sound):
    """Starts from everybody's generator."""

    name = "draws-globally"

    def init(self, rng):
        return super().init(np.random)


class StartsShaped(Sound):
    """Gives its parameters in a shape."""

    name = "starts-shaped"

    def init(self, rng):
        return super().init(rng).reshape(2, 2)


class ForgetsAShape(Sound):
    """Does not account for its bias."""

    name = "forgets-a-shape"

    def shapes(self):
        return {"weights": (3, 1)}


class StartsInDouble(Sound):
    """Does not look at its field."""

    name = "starts-in-double"

    def init(self, rng):
        return super().init(rng).astype(float)


class FlatOutputs(Sound):
    """Gives one number a row, without an axis for them."""

    name = "flat-outputs"

    def __call__(self, params, inputs):
        return super().__call__(params, inputs)[:, :1] if len(inputs) == 2 else super().__call__(params, inputs)[:, 0]


class OutputsInDouble(Sound):
    """Computes in float64 whatever the parameters are."""

    name = "outputs-in-double"

    def outputs(self, sums):
        return super().outputs(sums).astype(float)


class SharesItsOutputs(Sound):
    """Writes all outputs into one array."""

    name = "shares-its-outputs"
    buffers: ClassVar = {}

    def outputs(self, sums):
        buffer = self.buffers.setdefault((len(sums), sums.dtype), np.empty((len(sums), 2), sums.dtype))
        buffer[:] = super().outputs(sums)
        return buffer


class DropsOut(Sound):
    """Leaves some rows out, as in training."""

    name = "drops-out"
    rng: ClassVar = np.random.default_rng(0)

    def outputs(self, sums):
        return super().outputs(sums * (self.rng.random(len(sums)) < 0.5))


class NormalisesTheBatch(Sound):
    """Takes the mean over the rows off."""

    name = "normalises-the-batch"

    def sums(self, params, inputs):
        sums = super().sums(params, inputs)
        return sums - 0.1 * sums.mean() if len(sums) else sums


class DropsTheLastAxis(Sound):
    """Gives a batch of one no axis of its own."""

    name = "drops-the-last-axis"

    def __call__(self, params, inputs):
        outputs = super().__call__(params, inputs)
        return outputs if len(outputs) else outputs.reshape(0)


class AveragesTheBatch(Sound):
    """Divides by the number of rows in the gradient, and gives NaN for none."""

    name = "averages-the-batch"

    def to_weights(self, inputs, back):
        return back @ inputs / np.float64(len(inputs))


class ScalesItsInputs(Sound):
    """Writes into what it is given."""

    name = "scales-its-inputs"

    def check(self, inputs):
        super().check(inputs)
        inputs /= 1 + 1e-9


class ReadsOtherParameters(Sound):
    """Has a memory of the parameters that it drew, and not of those that it is given."""

    name = "reads-other-parameters"
    drawn: ClassVar = {}

    def __call__(self, params, inputs):
        number = self.drawn.setdefault(id(self), len(self.drawn))
        return super().__call__(params * (1 + number), inputs)


class MixesTheEnsemble(Sound):
    """Gives all models of an ensemble the bias of the first."""

    name = "mixes-the-ensemble"

    def ensemble(self, params, inputs):
        return np.stack([self(np.append(each[:3], params[0, 3]), inputs) for each in params])


class FlippedSign(Sound):
    """Ascends along its bias."""

    name = "flipped-sign"

    def vjp(self, params, inputs, cotangent):
        return super().vjp(params, inputs, cotangent) * np.array([1, 1, 1, -1], dtype=params.dtype)


class Transposed(Sound):
    """Lays its weights out the other way round in the gradient."""

    name = "transposed"

    def to_weights(self, inputs, back):
        return (back @ inputs)[::-1]


class GradientInDouble(Sound):
    """Has a gradient in float64 whatever the parameters are."""

    name = "gradient-in-double"

    def vjp(self, params, inputs, cotangent):
        return super().vjp(params, inputs, cotangent).astype(float)


class Stale(Sound):
    """Keeps what was computed for the parameters of the last question."""

    name = "stale"
    asked: ClassVar = {}

    def vjp(self, params, inputs, cotangent):
        before = self.asked.get("params", 1.1 * params)
        self.asked["params"] = params.copy()
        return super().vjp(before.astype(params.dtype), inputs, cotangent)


class SignsTheCotangent(Sound):
    """Cuts the cotangent off, as a gradient of a saturated unit is."""

    name = "signs-the-cotangent"

    def vjp(self, params, inputs, cotangent):
        return super().vjp(params, inputs, np.clip(cotangent, -1, 1))


class CountsRows(Sound):
    """Weighs rows by their place in the batch."""

    name = "counts-rows"

    def to_weights(self, inputs, back):
        return (back * np.linspace(1, 2, len(inputs))) @ inputs if len(inputs) else back @ inputs


class LosesTheTrace(Sound):
    """Keeps one trace for all ways back."""

    name = "loses-the-trace"
    trace: ClassVar = {}

    def pullback(self, params, inputs):
        self.trace["inputs"] = inputs
        return self(params, inputs), lambda cotangent: self.vjp(params, self.trace["inputs"], cotangent)


class ForgetsAChange(Sound):
    """Takes the shift of the bias for none."""

    name = "forgets-a-change"

    def shifted_sums(self, params, inputs, steps, change):
        sums = super().shifted_sums(params, inputs, steps, change)
        sums[:, 3] = 0
        return sums


class LinearisesTheShift(Sound):
    """Takes the slope for the change."""

    name = "linearises-the-shift"

    def shifted_sums(self, params, inputs, steps, change):
        tiny = partial(super().shifted_sums, params, inputs, change=change)
        return tiny(steps * 1e-6) * 1e6


SOUND = [Sound]
FAULTS = [
    (DrawsGlobally, "init", "NumPy's global generator"),
    (StartsShaped, "init", "init gives shape (2, 2); return flat parameters"),
    (ForgetsAShape, "init", "shapes() accounts for 3 parameters, but init gives 4"),
    (StartsInDouble, "init", "init gives float64, but the field dtype says float32"),
    (FlatOutputs, "outputs", "not (batch, k)"),
    (OutputsInDouble, "outputs", "the outputs are float64, but the parameters float32"),
    (SharesItsOutputs, "outputs", "change with the next question"),
    (DropsOut, "outputs", "give other outputs"),
    (NormalisesTheBatch, "rows", "if it is the only one"),
    (DropsTheLastAxis, "batches", "the outputs of 0 rows have shape (0,), not (0, 2)"),
    (AveragesTheBatch, "batches", "the gradient over no rows is not zero"),
    (ScalesItsInputs, "untouched", "written into the inputs"),
    (ReadsOtherParameters, "saved", "computes something else"),
    (MixesTheEnsemble, "ensemble", "from what each model gives alone"),
    (FlippedSign, "gradient", "for bias, but it is about"),
    (Transposed, "gradient", "for weights[0, 0], but it is about"),
    (GradientInDouble, "gradient", "vjp gives float64, but the parameters are float32"),
    (Stale, "gradient", "by differences"),
    (FlippedSign, "adjoint", "by differences of the outputs"),
    (Transposed, "adjoint", "by differences of the outputs"),
    (SignsTheCotangent, "linear", "vjp(u - 2 w) is not"),
    (CountsRows, "linear", "is not the sum of those of each row"),
    (LosesTheTrace, "pullback", "pullback gives another gradient than vjp"),
    (ForgetsAChange, "shifted sums", "shifted_sums gives 0 for bias, but the change is"),
    (LinearisesTheShift, "shifted sums", "but the change is"),
]
