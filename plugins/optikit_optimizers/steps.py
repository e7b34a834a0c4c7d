"""What goes in steps: compositions that act between the steps of another optimizer need one that has some."""

from typing import Annotated, Any

from pydantic import AfterValidator

from optikit import Optimizer, Part, Solver


def _in_steps(optimizer: Optimizer[Any]) -> Optimizer[Any]:
    if isinstance(optimizer, Solver):
        raise ValueError(f"must go in steps, and {optimizer.name} does everything in one; take a rule such as adam")
    return optimizer


InSteps = Annotated[Optimizer[Any], Part("optimizer"), AfterValidator(_in_steps)]
"""A field for an optimizer that is no `Solver`."""
