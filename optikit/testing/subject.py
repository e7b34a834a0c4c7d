"""A subject: the component that is put to checks, and what the checks have to know of it, mostly nothing.

What a component can do is found by trying it, so that nobody can declare a check away.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any

import numpy as np
from hypothesis import Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, UnsatisfiedAssumption

from optikit.component import Component
from optikit.errors import InputError
from optikit.testing.shown import written

seeds = st.integers(0, 2**32 - 1)
"""Draws seeds of random generators."""


class Unposed(InputError):
    """What the checks have to know of a component was not found by trying: they do not run until somebody says it."""


@dataclass(eq=False, kw_only=True)
class Subject:
    """A component under examination.

    Parameters
    ----------
    component : Component
        With the fields that it shall be examined with.
    claims : collection of str
        What is claimed of it beyond what every component of its kind owes.
    examples : int
        How many examples of each property are drawn; fewer for a slow one.
    """

    component: Any
    claims: frozenset[str] = frozenset()
    examples: int = 20
    asked: int = field(default=0, init=False)
    """How often the component was put to work, to see that a check does so at all."""
    unposed: str = field(default="", init=False)
    """The check that has said what has to be known, so that the others need not say it again."""
    noted: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    """With what it was put to work the last time, to be shown if the check fails."""

    shrinks = 1000
    """How many examples are tried to make a failing one smaller; fewer where each takes long."""

    @property
    def name(self) -> str:
        """What the component is called."""
        component: Component = self.component
        return component.name

    @cached_property
    def found(self) -> str:
        """What it was found to do, in one line, where that is found by trying."""
        return ""

    @property
    def example(self) -> str:
        """What has been noted, as lines that can be put into Python."""
        return written(self.component, self.noted)

    def note(self, **given: Any) -> None:
        """Note with what the component is put to work now, by the names that its author knows."""
        # As it was before the component wrote into it.
        self.noted |= {name: each.copy() if isinstance(each, np.ndarray) else each for name, each in given.items()}

    @contextmanager
    def aside(self) -> Generator[None]:
        """Try what the component is, in between; what is noted of that is shown only if it fails itself."""
        noted, self.noted = self.noted, {}
        yield
        self.noted = noted

    def drawn(self, **strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
        """Check a property at once, in as many examples as the subject has."""
        drawing = settings(
            max_examples=self.examples, phases=[Phase.generate, Phase.shrink], deadline=None, derandomize=True,
            database=None, report_multiple_bugs=False, verbosity=Verbosity.quiet, print_blob=False,
        )  # fmt: skip

        def check(holds: Callable[..., None]) -> None:
            failing, tries = list[dict[str, Any]](), 0

            @wraps(holds)
            def noted(**drawn: Any) -> None:
                nonlocal tries
                tries += bool(failing)
                if tries > self.shrinks and drawn not in failing:
                    return  # so that none is smaller
                self.noted = drawn.copy()
                try:
                    holds(**drawn)
                except UnsatisfiedAssumption:
                    raise
                except Exception:
                    failing.append(drawn)
                    raise

            try:
                drawing(given(**strategies)(noted))()
            except Flaky as flaky:
                # A failing example that passes when it is tried again: Hypothesis says that, and we what failed.
                failed = next(iter(getattr(flaky, "exceptions", ())), flaky)
                raise AssertionError(f"{failed}; but not each time: it does not repeat itself") from flaky

        return check
