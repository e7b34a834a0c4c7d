"""The suites: the built-in components pass them, and each of their checks finds the faults that are planted."""

import numpy as np
import planted_estimators
import planted_losses
import planted_models
import planted_others
import planted_problems
import pytest
from drawn import ACTIVATIONS, classes, simple

import optikit
from optikit import InputError
from optikit.testing import checks, conformance, examine, parametrize_checks, posed
from optikit.testing.components import CHECKS as SHARED

PLANTED = [planted_estimators, planted_losses, planted_models, planted_others, planted_problems]
CLAIMS = {"loss": {"convex"}}


def claimed(cls):
    """Make a subject of which all is claimed that can be."""
    return posed(cls, claims=CLAIMS.get(cls.kind, ()))


def numbers(subjects):
    """Count the checks of each subject."""
    return {subject.name: len(checks(subject)) for subject in subjects}


ESTIMATORS = [posed(cls) for cls in simple("gradient")]


@parametrize_checks(ESTIMATORS)
def test_the_built_in_estimators_pass(subject, check):
    check(subject)


def test_no_check_of_an_estimator_is_lost():
    adaptive = {"noise-aware", "richardson", "spsa", "gaussian-smoothing"}
    assert numbers(ESTIMATORS) == {subject.name: 13 + (subject.name in adaptive) for subject in ESTIMATORS}


OTHER_FIELDS = [
    optikit.get("loss", name, **fields)
    for name, fields in [
        ("cross-entropy", {"label_smoothing": 0.1}),
        ("cross-entropy", {"label_smoothing": 0.7}),
        ("focal", {"gamma": 0.0}),
        ("focal", {"gamma": 0.5}),
        ("huber", {"delta": 0.1}),
    ]
]
LOSSES = [
    posed(each, claims=() if each.name == "focal" else {"convex"}, examples=40)
    for each in (*classes("loss"), *OTHER_FIELDS)
]


@parametrize_checks(LOSSES)
def test_the_built_in_losses_pass(subject, check):
    check(subject)


def test_no_check_of_a_loss_is_lost():
    assert numbers(LOSSES) == {subject.name: 13 + (subject.name != "focal") for subject in LOSSES}


LAYERS = [(3, 2), (1, 1), (2, 5, 1), (1, 6, 2, 3), (6, 1, 4), (4, 4, 4, 4, 2)]
IMAGES = [
    {"image": [5, 6, 2], "outputs": 2, "filters": [3], "kernel": 2, "pooling": "average", "activation": "tanh"},
    {"image": [6, 5], "outputs": 1, "filters": [2, 3], "kernel": 2, "pool": 1, "dense": [], "bias": False},
]
ARCHITECTURES = [
    *(
        optikit.get("model", "mlp", layers=layers, activation=activation, bias=len(layers) % 2 == 0)
        for layers, activation in zip(LAYERS, ACTIVATIONS, strict=True)
    ),
    *(optikit.get("model", "cnn", **fields) for fields in IMAGES),
    optikit.get("model", "linear", inputs=5, outputs=4),
]
MODELS = [posed(each) for each in (*classes("model"), *ARCHITECTURES)]


@parametrize_checks(MODELS)
def test_the_built_in_models_pass(subject, check):
    check(subject)


def test_no_check_of_a_model_is_lost():
    assert numbers(MODELS) == {"cnn": 16, "linear": 17, "mlp": 17}


def others():
    """Make a subject of each schedule, rule, observer and source of data that needs neither a library nor a file."""
    for kind in ("schedule", "stopping", "observer", "data"):
        for cls in classes(kind):
            if cls.requires is None and cls.name not in ("csv", "npz", "idx"):
                yield posed(cls)


OTHERS = list(others())


@parametrize_checks(OTHERS)
def test_the_other_built_in_components_pass(subject, check):
    check(subject)


def test_no_check_of_another_component_is_lost():
    own = {"schedule": 7, "stopping": 8, "observer": 9, "data": 8}
    assert numbers(OTHERS) == {subject.name: own[subject.component.kind] for subject in OTHERS}


def test_data_in_files_pass(tmp_path):
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(30, 2)), rng.integers(3, size=30)
    np.savez(tmp_path / "data.npz", x=inputs, y=labels)
    lines = [f"{a},{b},{label}" for (a, b), label in zip(inputs.tolist(), labels.tolist(), strict=True)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,label", *lines]))
    tables = [
        optikit.get("data", "npz", path=tmp_path / "data.npz"),
        optikit.get("data", "csv", path=tmp_path / "data.csv", target="label"),
    ]
    for source in tables:
        subject = posed(source)
        report = examine(subject, checks(subject))
        assert report.passed, report


def test_the_sorts_of_targets_are_found_by_trying():
    def sorts(name):
        return {sort for sort, _ in posed(optikit.components("loss")[name]).cases}

    assert sorts("mean-squared-error") == {"numbers"}
    assert sorts("hinge") == {"labels"}
    assert sorts("cross-entropy") == {"labels", "probabilities"}
    assert sorts("binary-cross-entropy") >= {"answers", "probabilities"}
    assert posed(planted_losses.Sound, targets="signs").cases == [("signs", k) for k in (1, 2, 3, 4)]
    own = posed(planted_losses.Sound, targets=lambda rng, outputs: rng.poisson(2.0, size=outputs.shape))
    assert {sort for sort, _ in own.cases} == {"yours"}


class Embedding(optikit.Model):
    """Rows of a table."""

    name = "embedding"

    def init(self, rng):
        return rng.normal(size=10)

    def __call__(self, params, inputs):
        return params.reshape(5, 2)[inputs]


class Bumps(optikit.Model):
    """Has two columns, and lets NumPy make two of one."""

    name = "bumps"

    def init(self, rng):
        return rng.normal(size=6)

    def __call__(self, params, inputs):
        return np.exp(-((inputs[:, None] - params.reshape(3, 2)) ** 2).sum(axis=2))


def test_the_width_of_a_row_is_found_by_trying():
    assert posed(planted_models.Sound).draw(np.random.default_rng(0), 4).shape == (4, 3)
    assert posed(optikit.get("model", "linear", inputs=1)).draw(np.random.default_rng(0), 4).shape == (4, 1)
    assert posed(Bumps).draw(np.random.default_rng(0), 4).shape == (4, 2)
    assert posed(optikit.get("model", "linear", inputs=7), inputs=7).draw(np.random.default_rng(0), 4).shape == (4, 7)


test_an_embedding_is_given_its_inputs = conformance(
    Embedding, inputs=lambda rng, rows: rng.integers(5, size=rows), at_least=12
)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda: posed(Embedding).draw,
            "embedding takes no rows of 1 to 256 numbers .* pass inputs=, the shape of one",
        ),
        (
            lambda: posed(planted_models.Sound, inputs=2).draw,
            r"takes no rows of shape \(2,\) \(InputError: .*3 numbers",
        ),
        (lambda: posed(Embedding, inputs="a"), "inputs is 'a'; pass the shape of one row"),
        (lambda: posed(planted_losses.Sound, targets="nubers"), "targets is 'nubers'; did you mean 'numbers'"),
        (lambda: posed(planted_losses.Sound, targets=3), "targets is 3; pass one of numbers, labels"),
        (lambda: posed(planted_losses.Sound, targets="labels").cases, "sound takes none of labels .* pass targets="),
        (lambda: posed(planted_losses.Sound, inputs=3), "the checks of a loss take no inputs"),
        (lambda: posed(planted_losses.Sound, claims=["convx"]), "did you mean 'convex'"),
    ],
)
def test_what_cannot_be_checked_is_said_in_a_sentence(ask, said):
    with pytest.raises(InputError, match=said) as caught:
        ask()
    assert "\n" not in str(caught.value)


SOUND = [cls for module in PLANTED for cls in module.SOUND]
FAULTS = [fault for module in PLANTED for fault in module.FAULTS]


@parametrize_checks([claimed(cls) for cls in SOUND])
def test_a_sound_component_passes(subject, check):
    if check not in SHARED:
        check(subject)


SHOWN = {
    "gradient": {"gradient", "objective", "x"},
    "loss": {"loss", "outputs", "targets"},
    "model": {"model", "params", "inputs"},
    "data": {"data"},
    "schedule": {"schedule", "pace", "value"},
    "stopping": {"stopping", "points", "nfev", "lowest"},
    "observer": {"observer", "placed", "run"},
    "problem": {"problem"},
}
"""What an author needs to see of a failing example."""
EARLIER = {"init": {"params", "inputs"}, "said": {"points", "nfev", "lowest"}}
"""What there is not yet when a check fails."""


@pytest.mark.parametrize(("cls", "name", "said"), FAULTS, ids=lambda each: getattr(each, "name", each))
def test_a_planted_fault_is_found(cls, name, said):
    subject = claimed(cls)
    check = next(check for check in checks(subject) if check.name == name)
    before = np.random.get_state()  # noqa: NPY002 - some of them draw from there
    try:
        with pytest.raises(Exception) as found:  # noqa: PT011 - of any type
            check(subject)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert said in str(found.value)
    (example,) = found.value.__notes__
    told = {line.partition(" = ")[0] for line in example.splitlines()}
    assert told >= SHOWN[cls.kind] - EARLIER.get(name, set()), "it shows what the component was given"
    assert " at 0x" not in example, "it is the same each time"


def test_every_check_has_a_fault_that_it_finds():
    for module in PLANTED:
        owed = {check.name for cls in module.SOUND for check in checks(claimed(cls)) if check not in SHARED}
        assert {name for _, name, _ in module.FAULTS} == owed
