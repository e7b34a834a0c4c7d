"""Losses: the textbook's formula to the last digits, whatever the outputs, and nothing but targets that fit."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from drawn import TARGETS, classes, drawn_fields, targets_for, targets_of
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError

LOSSES = classes("loss")
LABELS = [cls for cls in LOSSES if "labels" in TARGETS.get(cls.name, ())]
PROBABILITIES = [cls for cls in LOSSES if "probabilities" in TARGETS.get(cls.name, ())]
NUMBERS = [cls for cls in LOSSES if cls.name not in TARGETS]

each = pytest.mark.parametrize("loss", LOSSES, ids=lambda cls: cls.name)
seeds = given(seed=st.integers(0, 2**32 - 1))


def textbook(loss, o, t):
    """Compute the loss of one row as books write it, in numbers of 60 digits: o of shape (k,), t a label or (k,)."""
    one, k = Decimal(1), len(o)
    if loss.name in ("cross-entropy", "focal", "kullback-leibler"):
        powers = [x.exp() for x in o]
        p = [power / sum(powers) for power in powers]
        t = [one * (j == t) for j in range(k)] if isinstance(t, int) else t
    match loss.name:
        case "cross-entropy":
            s = Decimal(loss.label_smoothing)
            return -sum(((1 - s) * t[j] + s / k) * p[j].ln() for j in range(k))
        case "kullback-leibler":
            return sum(t[j] * (t[j].ln() - p[j].ln()) for j in range(k) if t[j])
        case "focal":
            q, gamma = sum((p[j] for j in range(k) if not t[j]), Decimal(0)), Decimal(loss.gamma)
            return sum((-(q**gamma if gamma else one) * p[j].ln() for j in range(k) if t[j]), Decimal(0))
        case "binary-cross-entropy":
            yes = [1 / (1 + (-x).exp()) for x in o]
            no = [1 / (1 + x.exp()) for x in o]
            t = [one * t] if isinstance(t, int) else t
            return -sum(t[j] * yes[j].ln() + (1 - t[j]) * no[j].ln() for j in range(k))
        case "hinge" | "squared-hinge":
            lack = max([Decimal(0)] + [1 + o[j] - o[t] for j in range(k) if j != t])
            return lack if loss.name == "hinge" else lack**2
    d = [x - y for x, y in zip(o, t, strict=True)]
    match loss.name:
        case "mean-squared-error":
            return sum(x * x for x in d)
        case "mean-absolute-error":
            return sum(abs(x) for x in d)
        case "huber":
            delta = Decimal(loss.delta)
            return sum(x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2) for x in d)
        case "log-cosh":
            return sum(((x.exp() + (-x).exp()) / 2).ln() for x in d)
    raise AssertionError(f"the textbook lacks {loss.name}")


def exact(loss, outputs, targets):
    """Compute losses and gradients of the rows from the textbook, the gradients by differences of 1e-22."""
    values, slopes, h = [], np.empty(outputs.shape), Decimal("1e-22")
    with localcontext() as context:
        context.prec = 60
        for i, row in enumerate(outputs.tolist()):
            o, t = [Decimal(x) for x in row], targets[i].tolist()
            t = [Decimal(x) for x in t] if isinstance(t, list) else t
            values.append(float(textbook(loss, o, t)))
            for j in range(len(o)):
                up, down = ([x + sign * h * (other == j) for other, x in enumerate(o)] for sign in (1, -1))
                slopes[i, j] = (textbook(loss, up, t) - textbook(loss, down, t)) / (2 * h)
    return np.array(values), slopes


@pytest.mark.parametrize("loss", LABELS, ids=lambda cls: cls.name)
def test_labels_may_be_of_a_small_type_and_the_rows_many(loss):
    outputs, labels = np.random.default_rng(0).normal(size=(300, 3)), np.arange(300) % 3
    assert loss()(outputs, labels.astype(np.uint8)) == loss()(outputs, labels)
    assert np.array_equal(loss().grad(outputs, labels.astype(np.uint8)), loss().grad(outputs, labels))


@each
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(1, 4),
    scale=st.sampled_from([1e-8, 1e-3, 1.0, 30.0, 1e3]),
)
def test_values_and_gradients_are_those_of_the_textbook(loss, seed, k, scale):
    rng = np.random.default_rng(seed)
    criterion, outputs = loss(**drawn_fields(loss, rng)), scale * rng.uniform(-1, 1, size=(2, k))
    targets = targets_for(criterion, k, 2, rng)
    values, slopes = exact(criterion, outputs, targets)
    # Rounding of outputs of this size, and of logarithms near 1; the derivative of a square is as large as its root.
    assert np.allclose(criterion.per_row(outputs, targets), values, rtol=1e-13, atol=1e-15 * (1 + scale))
    assert np.allclose(criterion.grad(outputs, targets), slopes / 2, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("loss", LABELS, ids=lambda cls: cls.name)
@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (np.array([0, 1, 3]), "there is a label 3, but the model has 3 outputs, for labels 0 to 2"),
        (np.array([0, -1, 2]), "there is a label -1"),
        (np.array([0, 1]), r"the targets are int64 of shape \(2,\); it needs 3 integer labels"),
        (np.array([0.0, 1.0, 2.0]), r"the targets are float64 of shape \(3,\); it needs 3 integer labels"),
        (np.zeros((3, 2, 1), dtype=int), "it needs 3 integer labels"),
    ],
    ids=str,
)
def test_labels_that_do_not_fit_are_refused(loss, targets, said):
    refused(loss(), np.zeros((3, 3)), targets, said)


@pytest.mark.parametrize("loss", PROBABILITIES, ids=lambda cls: cls.name)
@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (np.array([[0.5, 0.5], [0.5, 0.4]]), "the probabilities of row 1 sum to 0.9; divide each row by its sum"),
        (np.array([[0.5, 0.5], [1.5, -0.5]]), "there is a target -0.5; it needs numbers from 0 to 1"),
        (np.array([[0.5, 0.5], [1.5, 0.0]]), "there is a target 1.5"),
        (np.array([[0.5, 0.5], [np.nan, 0.5]]), "there is a target nan"),
        (np.array([[1.0], [1.0]]), r"the targets have shape \(2, 1\), but the outputs \(2, 2\)"),
        (np.array([[0.5, 0.5]]), r"the targets have shape \(1, 2\)"),
    ],
    ids=str,
)
def test_probabilities_that_do_not_fit_are_refused(loss, targets, said):
    refused(loss(), np.zeros((2, 2)), targets, said)


@pytest.mark.parametrize("loss", NUMBERS, ids=lambda cls: cls.name)
@pytest.mark.parametrize("targets", [np.zeros(2), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2, dtype=int)], ids=str)
def test_numbers_of_another_shape_are_refused(loss, targets):
    refused(loss(), np.zeros((2, 2)), targets, "the targets have shape .*, but the outputs")


@pytest.mark.parametrize(
    ("outputs", "targets", "said"),
    [
        (1, np.array([0, 2]), "there is a target 2; it needs numbers from 0 to 1"),
        (1, np.array([-1, 1]), "there is a target -1"),
        (1, np.array([[0.5], [np.nan]]), "there is a target nan"),
        (1, np.array([0.0, 1.0]), "the targets are float64"),
        (1, np.array([0, 1, 1]), r"the targets have shape \(3, 1\)"),
        (2, np.array([0, 1]), "it needs integer labels 0 and 1 with one output, or numbers from 0 to 1"),
        (2, np.array([[0.5], [0.5]]), "the targets have shape"),
    ],
    ids=str,
)
def test_answers_that_do_not_fit_are_refused(outputs, targets, said):
    refused(optikit.get("loss", "binary-cross-entropy"), np.zeros((2, outputs)), targets, said)


def refused(criterion, outputs, targets, said):
    for compute in (criterion, criterion.per_row, criterion.grad):
        with pytest.raises(InputError, match=f"{criterion.name}: .*{said}") as caught:
            compute(outputs, targets)
        assert "\n" not in str(caught.value)


@seeds
def test_a_label_is_its_one_hot_row(seed):
    rng = np.random.default_rng(seed)
    criterion = optikit.get("loss", "cross-entropy", **drawn_fields(optikit.components("loss")["cross-entropy"], rng))
    outputs, labels = 10 * rng.normal(size=(5, 4)), rng.integers(4, size=5)
    for one_hot in (np.eye(4)[labels], np.eye(4, dtype=int)[labels]):
        # The rounding of a few additions of numbers of about 10.
        assert np.allclose(criterion.per_row(outputs, one_hot), criterion.per_row(outputs, labels), rtol=0, atol=1e-13)
        assert np.allclose(criterion.grad(outputs, one_hot), criterion.grad(outputs, labels), rtol=0, atol=1e-15)


@seeds
def test_losses_that_are_one_another_in_special_cases_agree(seed):
    rng = np.random.default_rng(seed)
    outputs, labels, difference = rng.normal(size=(5, 4)), rng.integers(4, size=5), rng.normal(size=(5, 4))
    shares, zeros = targets_of("probabilities", 4, 5, rng), np.zeros((5, 4))

    def same(one, other):
        return np.isclose(one, other, rtol=1e-13, atol=1e-15)

    def loss(name, *arguments, **fields):
        return optikit.get("loss", name, **fields)(*arguments)

    assert same(loss("focal", outputs, labels, gamma=0), loss("cross-entropy", outputs, labels))
    assert same(loss("huber", difference, zeros, delta=1e3), loss("mean-squared-error", difference, zeros) / 2)
    assert np.isclose(loss("kullback-leibler", np.log(shares), shares), 0, rtol=0, atol=1e-14)
    one, two = outputs[:, :1], np.concatenate([np.zeros((5, 1)), outputs[:, :1]], axis=1)
    assert same(loss("cross-entropy", two, labels % 2), loss("binary-cross-entropy", one, labels % 2))


@seeds
def test_a_right_answer_has_a_gradient_as_exact_as_its_loss(seed):
    rng = np.random.default_rng(seed)
    answers, size = rng.integers(2, size=5), rng.uniform(5, 300, size=5)
    outputs = np.where(answers, size, -size)[:, None]
    # Far out both are exp(-size); rounding of a few operations.
    found = optikit.get("loss", "binary-cross-entropy").grad(outputs, answers)[:, 0]
    expected = np.where(answers, -1, 1) * np.exp(-size) / (1 + np.exp(-size)) / 5
    assert np.allclose(found, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("name", "field", "bad"),
    [
        ("cross-entropy", "label_smoothing", (1.0, -0.1, "0.1", float("nan"))),
        ("focal", "gamma", (-1.0, float("inf"))),
        ("huber", "delta", (0.0, -1.0)),
    ],
)
def test_fields_out_of_range_are_refused(name, field, bad):
    for value in bad:
        with pytest.raises(InputError, match=field):
            optikit.get("loss", name, **{field: value})
