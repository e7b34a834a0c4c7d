"""The kit as authors of optimizers meet it: any fields, any module, and a sentence where something is wrong."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from optikit import Optimizer, State, Stop
from optikit.testing import checks, examine, posed
from optikit.testing.optimizers import CHECKS, elsewhere

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "plugins.md"


@dataclass(kw_only=True, slots=True)
class HikeState(State):
    stride: float
    rng: np.random.Generator
    fun: float = float("inf")


class Hike(Optimizer[HikeState]):
    """Go a random step if it is down, and stride longer; or else shorter."""

    name = "hike"
    stride: float = Field(gt=0, examples=[0.5])
    """First length of a step."""
    factors: tuple[float, float] = (1.5, 0.9)
    """What it is multiplied with."""

    def init(self, x0, rng):
        return HikeState(x=x0, stride=self.stride, rng=rng)

    def step(self, oracle, state):
        longer, shorter = self.factors
        move = 0 if state.fun == float("inf") else state.stride * state.rng.standard_normal(len(state.x))
        x = np.clip(state.x + move, *oracle.bounds).astype(state.x.dtype)
        fun = oracle.value(x)
        if fun <= state.fun:
            return HikeState(x=x, stride=longer * state.stride, rng=state.rng, fun=fun)
        state.stride *= shorter
        state.stop = Stop(True, "The stride is tiny.") if state.stride < 1e-9 else None
        return state


def test_an_optimizer_of_somebody_else_with_fields_of_its_own_passes():
    subject = posed(Hike, examples=4)
    report = examine(subject, checks(subject))
    assert [str(verdict) for verdict in report.verdicts if not verdict.good] == []
    assert report.ran == report.checks == 28
    assert report.fields == {"stride": 0.5}


def test_the_page_for_authors_lists_the_checks():
    rows = [f"| {check.name} | {check.says} |" for check in CHECKS]
    assert [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line in rows] == rows


def test_the_names_and_sentences_of_the_checks_differ():
    assert len({check.name for check in CHECKS}) == len({check.says for check in CHECKS}) == len(CHECKS)
    assert all(check.says.endswith(".") for check in CHECKS)


def test_a_field_that_can_be_changed_is_told_of():
    class Remembers(Hike):
        """Remembers in a field what belongs into the state."""

        history: list[Any] = []  # noqa: RUF012 - this is the mistake
        """What has been."""

    subject = posed(Remembers)
    (config,) = [check for check in checks(subject) if check.name == "config"]
    with pytest.raises(AssertionError, match=r"a field holds what can be changed .* as a ClassVar"):
        config(subject)


def test_a_class_that_no_other_process_can_find_is_told_of():
    class Hidden(Hike):
        """Is defined in a function."""

    with pytest.raises(AssertionError, match="is defined in a function; define it at the top of a module"):
        elsewhere.found(Hidden(stride=1.0), 10)


def test_a_class_that_cannot_be_made_elsewhere_is_told_of():
    class Lost(Hike):
        """Is found nowhere under its name."""

    Lost.__qualname__ = "Rambles"
    with pytest.raises(AssertionError, match=r"another process cannot make it: .* has no attribute 'Rambles'"):
        elsewhere.found(Lost(stride=1.0), 10)


def test_another_process_takes_the_place_of_one_that_has_died():
    subject = posed(Hike)
    here = elsewhere.fingerprint(subject.component, 10)
    assert elsewhere.found(subject.component, 10) == here
    (helper,) = elsewhere._helper
    os.kill(helper.pid, signal.SIGKILL)
    helper.wait()
    assert elsewhere.found(subject.component, 10) == here


def test_a_class_of_a_script_is_made_elsewhere(tmp_path):
    script = tmp_path / "my script.py"
    source = Path(__file__).read_text(encoding="utf-8")
    made = source[source.index("@dataclass") : source.index("def test_an_optimizer")]
    script.write_text(f"""
from dataclasses import dataclass
import numpy as np
from pydantic import Field
from optikit import Optimizer, State, Stop
from optikit.testing import posed
from optikit.testing.optimizers import elsewhere

{made}
if __name__ == "__main__":
    subject = posed(Hike)
    assert len(elsewhere.found(subject.component, 10)) == 13
    assert elsewhere.found(subject.component, 10) == elsewhere.fingerprint(subject.component, 10)
""")
    path = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    subprocess.run([sys.executable, script], check=True, env=os.environ | {"PYTHONPATH": path})
