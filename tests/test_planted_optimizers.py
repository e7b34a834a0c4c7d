"""The battery can fail: each of its points finds the faults that are planted in a sound optimizer."""

import pytest
from battery import Contender, Hung, put_to
from planted_optimizers import CONTENDERS
from points import POINTS

FAULTS = [
    ("asks-the-function-itself", "budget", "an evaluation was not counted"),
    ("rounds-the-best", "best", "the point is not where the best was seen"),
    ("believes-its-model", "best", "the value is not the best that was seen"),
    ("steps-outside", "bounds", "a point outside the bounds was asked for"),
    ("refuses-too-late", "bounds", "this optimizer takes no bounds"),
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
    ("puts-the-state-back", "global generator", "what others drew was put back"),
    ("shares-its-array", "overwriting", "a function that writes into its argument changes the run"),
    ("goes-on", "raising", "did not come out"),
    ("keeps-elsewhere", "resume", "it goes"),
    ("keeps-an-object", "resume", "cannot be saved"),
    ("loses-a-field", "config", "it is another one when it is read again"),
    ("gives-up", "quadratics", "random search was better"),
    ("checks-for-finite", "nan", "infs or NaNs"),
    ("arrives-at-nan", "nan", "it was content without a single number"),
    ("waits-for-a-number", "nan", "nothing came back for 1 seconds"),
    ("asks-in-double", "float32", "float64"),
    ("takes-any-rate", "bad input", "DID NOT RAISE"),
    ("takes-text", "bad input", "DID NOT RAISE"),
    ("asks-before-the-gradient", "bad input", "no gradient"),
    ("asks-nothing", "overwriting", "the point has asked nothing"),
    ("skips", "float32", "no point of the battery is skipped"),
]


def fault(contender: Contender, point: str) -> str:
    try:
        put_to(contender, POINTS[point], seconds=1.0 if "wait" in contender.name else 300.0)
    except (Exception, Hung, pytest.fail.Exception) as found:
        return str(found)
    return ""


@pytest.mark.parametrize("point", POINTS)
def test_a_sound_optimizer_passes(point):
    put_to(CONTENDERS["sound"], POINTS[point])


@pytest.mark.parametrize(("name", "point", "said"), FAULTS)
def test_a_planted_fault_is_found(name, point, said):
    assert said in fault(CONTENDERS[name], point)


def test_every_point_has_a_fault_that_it_finds_and_every_fault_is_found():
    assert {point for _, point, _ in FAULTS} == set(POINTS)
    assert {name for name, _, _ in FAULTS} == set(CONTENDERS) - {"sound"}
