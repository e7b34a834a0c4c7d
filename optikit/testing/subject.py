"""A subject: the component that is put to checks, and what the checks have to know of it, mostly nothing.

What a component can do is found by trying it, so that nobody can declare a check away.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from optikit.component import Component

seeds = st.integers(0, 2**32 - 1)
"""Draws seeds of random generators."""


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

    shrinks = True
    """Whether a failing example is made smaller; pointless where it is a seed, as none is simpler than another."""

    @property
    def name(self) -> str:
        """What the component is called."""
        component: Component = self.component
        return component.name

    def drawn(self, **strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
        """Check a property at once, in as many examples as the subject has."""
        phases = [Phase.generate, Phase.shrink] if self.shrinks else [Phase.generate]
        drawing = settings(
            max_examples=self.examples, phases=phases, deadline=None, derandomize=True, database=None,
            report_multiple_bugs=False,
        )  # fmt: skip

        def check(holds: Callable[..., None]) -> None:
            try:
                drawing(given(**strategies)(holds))()
            except Flaky as flaky:
                # A failing example that passes when it is tried again: Hypothesis says that, and we what failed.
                failed = next(iter(getattr(flaky, "exceptions", ())), flaky)
                raise AssertionError(f"{failed}; but not each time: it does not repeat itself") from flaky

        return check
