"""The checks can fail: each finds the faults that are planted in a sound optimizer."""

import pytest
from planted_optimizers import OPTIMIZERS

from optikit.testing import Hung, checks, posed
from optikit.testing.optimizers import CHECKS, elsewhere

FAULTS = [
    ("asks-the-function-itself", "budget", "an evaluation was not counted"),
    ("rounds-the-best", "best", "the point is not where the best was seen"),
    ("believes-its-model", "best", "the value is not the best that was seen"),
    ("steps-outside", "bounds", "a point outside the bounds was asked for"),
    ("refuses-too-late", "bounds", "this optimizer takes no bounds"),
    ("clips-late", "takes bounds", "it refuses bounds; read oracle.bounds before the first question"),
    ("leans-on-the-bound", "corner", "it never left the bound"),
    ("takes-two-coordinates", "one dimension", "out of bounds for axis"),
    ("seeds-itself", "seed", "another run with the same rng is another run"),
    ("remembers-other-runs", "seed", "another run with the same rng is another run"),
    ("hashes", "process", "another process finds something else"),
    ("draws-globally", "global generator", "it drew from NumPy's global generator"),
    ("seeds-itself-late", "seed", "another run with the same rng is another run"),
    ("hashes-late", "process", "another process finds something else"),
    ("loops-late", "process", "loops-late: nothing came back from another process in time"),
    ("draws-globally-late", "global generator", "it drew from NumPy's global generator"),
    ("puts-the-state-back", "busy thread", "what others drew was put back"),
    ("shares-its-array", "overwriting", "a function that writes into its argument changes the run"),
    ("goes-on", "raising", "did not come out"),
    ("keeps-elsewhere", "resume", "it goes"),
    ("keeps-an-object", "resume", "cannot be saved"),
    ("loses-a-field", "config", "it is another one when it is read from JSON"),
    ("gives-up", "quadratics", "random search was better"),
    ("checks-for-finite", "nan", "infs or NaNs"),
    ("arrives-at-nan", "nan", "it was content without a single number"),
    ("waits-for-a-number", "nan", "nothing came back for 1 seconds"),
    ("asks-in-double", "float32", "float64"),
    ("takes-any-rate", "bad input", "lr = 0 is taken"),
    ("takes-text", "wrong fields", "size = '0.1' is taken"),
    ("asks-before-the-gradient", "bad input", "no gradient"),
    ("asks-nothing", "overwriting", "the check has asked nothing"),
    ("skips", "float32", "no check is skipped"),
    ("draws-in-init", "init", "another state of the same x0 and rng"),
    ("writes-into-the-start", "init", "init wrote into x0"),
    ("recommends-the-outside", "state", "is outside the bounds"),
    ("keeps-an-object", "state", "cannot be saved"),
    ("keeps-elsewhere", "step", "what changes belongs in the state"),
    ("draws-from-python", "global generator", "it drew from Python's global generator"),
    ("looks-for-the-thread", "busy thread", "changes it"),
    ("ignores-constraints", "constraints", "it is taken, and violated by"),
    ("refuses-constraints-too-late", "constraints", "it is refused too late"),
    ("falls-at-infinity", "failures", "no number to reckon with"),
    ("arrives-at-failures", "failures", "it was content with an evaluation that failed"),
    ("counts-its-beginnings", "every question", "when its step was made again"),
    ("keeps-it-all", "memory", "bytes of each evaluation"),
    ("asks-once", "memory", "and then nothing more: what it keeps cannot be measured"),
    ("asks-nothing", "memory", "it asks 0 times, run after run, and then nothing more"),
    ("saunters", "local", "it ends at"),
]


def fault(name: str, check: str) -> str:
    subject = posed(OPTIMIZERS[name], claims=["bounds", "local"], examples=4)
    (chosen,) = [each for each in checks(subject) if each.name == check]
    try:
        chosen(subject, seconds=1.0 if "wait" in name else 300.0)
    except (Exception, Hung) as found:
        return str(found)
    return ""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(elsewhere, "PATIENCE", 5.0)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_sound_optimizer_passes(check):
    assert fault("sound" if check.claim is None else "really local", check.name) == ""


@pytest.mark.parametrize(("name", "check", "said"), FAULTS)
def test_a_planted_fault_is_found(name, check, said):
    assert said in fault(name, check)


def test_every_check_has_a_fault_that_it_finds_and_every_fault_is_found():
    found = {check for _, check, _ in FAULTS}
    assert found >= {check.name for check in CHECKS}
    assert {name for name, _, _ in FAULTS} == set(OPTIMIZERS) - {"sound", "really local"}
