"""Constraints: an optimizer finds a point that satisfies them, or refuses them before anything is asked."""

from typing import Any

import numpy as np

from optikit.constraint import LinearConstraint, NonlinearConstraint
from optikit.errors import InputError
from optikit.loop import Progress
from optikit.problem import FEASIBILITY_TOL
from optikit.testing.optimizers.trial import LONG, OptimizerSubject, Watched, minimized, refused

LEAST = 0.9
"""Of the sum of the two parameters; at the minimum it is less."""
SUMS = {
    "a linear constraint": LinearConstraint([1.0, 1.0], lower=LEAST),
    "a nonlinear constraint": NonlinearConstraint(lambda x: x[0] + x[1], lower=LEAST, gradient=np.ones_like),
}
_LOWEST = np.array([0.3, -0.4])


def honours_constraints_or_refuses_them(subject: OptimizerSubject) -> None:
    """End at a point that satisfies the constraints, or refuse them before anything is asked."""
    watched = Watched(
        subject,
        lambda x: float((x - _LOWEST) @ (x - _LOWEST)),
        lambda x: 2 * (x - _LOWEST),
        formula="(x[0] - 0.3)**2 + (x[1] + 0.4)**2",
    )
    for what, constraint in SUMS.items():
        asked, excess = len(watched.points), [0.0]

        def look(progress: Progress, excess: list[float] = excess) -> None:
            excess[:] = [LEAST - progress.x.sum()]  # of the last recommendation only

        given: dict[str, Any] = {"constraints": [constraint], "x0": _LOWEST - 0.5, "max_evals": LONG}
        try:
            result, _ = minimized(subject, 0, watched=watched, callback=look, **given)
        except InputError:
            assert len(watched.points) == asked, f"{what}: it is refused too late, when something has been asked"
            refused(subject, watched, what, **given)
        else:
            # That a point which satisfies it was asked may be chance; it has to be recommended, too.
            excess = max(result.violation, *excess)
            end = f"{what}: it is taken, and violated by {excess:.2g} in the end"
            assert excess <= 10 * FEASIBILITY_TOL, f"{end}; honour oracle.constraints, or never read them"
    minimized(subject, 0, 1)  # which is what all of it was about
