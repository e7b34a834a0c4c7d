"""The suites: the built-in components pass them, and each of their checks finds the faults that are planted."""

import numpy as np
import planted_estimators
import planted_losses
import planted_models
import planted_others
import pytest
from drawn import classes, simple

from optikit.testing import checks, parametrize_checks, posed
from optikit.testing.components import CHECKS as SHARED

PLANTED = [planted_estimators, planted_losses, planted_models, planted_others]
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


LOSSES = [posed(cls, claims=() if cls.name == "focal" else {"convex"}) for cls in classes("loss")]


@parametrize_checks(LOSSES)
def test_the_built_in_losses_pass(subject, check):
    check(subject)


def test_no_check_of_a_loss_is_lost():
    assert numbers(LOSSES) == {subject.name: 13 + (subject.name != "focal") for subject in LOSSES}


MODELS = [posed(cls) for cls in classes("model")]


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


SOUND = [cls for module in PLANTED for cls in module.SOUND]
FAULTS = [fault for module in PLANTED for fault in module.FAULTS]


@parametrize_checks([claimed(cls) for cls in SOUND])
def test_a_sound_component_passes(subject, check):
    if check not in SHARED:
        check(subject)


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


def test_every_check_has_a_fault_that_it_finds():
    for module in PLANTED:
        owed = {check.name for cls in module.SOUND for check in checks(claimed(cls)) if check not in SHARED}
        assert {name for _, name, _ in module.FAULTS} == owed
