"""The space in which the fields of an optimizer are looked for: one axis a field, each from 0 to 1.

An axis follows the range that the field has anyway.  What may be anything above 0 goes by powers of ten, as learning
rates do; what is at least 0 and below 1 goes by powers of ten of its distance from 1, as momentum does; what lies
between two numbers goes evenly; whole numbers are rounded.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import ValidationError

from optikit.component import explain
from optikit.errors import InputError, did_you_mean
from optikit.optimizer import Optimizer

FIRST = "learning_rate"
"""The field that is looked at where none is named: what matters most, where there is one."""
FACTOR = 1000.0
"""How far an axis without an end goes from the default, both ways."""
NEAREST = 1e-4
"""How near to 1 what is below 1 goes."""
_EDGE = 1e-6
"""How far from an end that may be excluded."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A field, and where its values are."""

    field: str
    low: float
    high: float
    scale: Literal["even", "powers", "towards one"]
    whole: bool = False
    """Whether values are rounded to whole numbers."""

    def value(self, u: float) -> float | int:
        """Give the value at u, from 0 to 1."""
        if self.scale == "powers":
            value = math.exp(math.log(self.low) * (1 - u) + math.log(self.high) * u)
        elif self.scale == "towards one":
            value = 1 - math.exp(math.log1p(-self.low) * (1 - u) + math.log1p(-self.high) * u)
        else:
            value = self.low * (1 - u) + self.high * u
        return round(value) if self.whole else min(max(value, self.low), self.high)

    def place(self, value: float) -> float:
        """Give the u of a value; of one outside, the nearest."""
        value = min(max(value, self.low), self.high)
        if self.scale == "powers":
            share = math.log(value / self.low) / math.log(self.high / self.low)
        elif self.scale == "towards one":
            share = (math.log1p(-value) - math.log1p(-self.low)) / (math.log1p(-self.high) - math.log1p(-self.low))
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


def axes(optimizer: Optimizer[Any], fields: Any = None) -> list[Axis]:
    """Make the axes of an optimizer's fields.

    Parameters
    ----------
    optimizer : Optimizer
        Its values say where axes without an end are.
    fields : str, list of str, or dict of str to (low, high), optional
        Which; with a range of their own, if they are not to have the natural one.  The learning rate, if not given.

    Raises
    ------
    InputError
        If there is no such field, or it is no number, or the range is none.
    """
    known = {name for name in type(optimizer).model_fields if _number(getattr(optimizer, name))}
    if fields is None:
        if FIRST not in known:
            raise InputError(f"{optimizer.name} has no {FIRST}; say by fields=[...] which to look at: {_listed(known)}")
        fields = [FIRST]
    named: Mapping[Any, Any]
    if isinstance(fields, Mapping):
        named = cast("Mapping[Any, Any]", fields)
    else:
        named = dict.fromkeys([fields] if isinstance(fields, str) else cast("Iterable[Any]", fields))
    if not named:
        raise InputError(f"fields names none; {optimizer.name} has {_listed(known)}")
    for name in named:
        if name not in known:
            problem = "is no number" if name in type(optimizer).model_fields else "is no field"
            meant = did_you_mean(str(name), known)
            raise InputError(f"fields: {name!r} {problem} of {optimizer.name} that can be looked for; {meant}")
    return [_axis(optimizer, name, given) for name, given in named.items()]


def made(optimizer: Optimizer[Any], along: Sequence[Axis], u: Sequence[float]) -> Optimizer[Any]:
    """Give the optimizer with the values at a point of the space.

    Raises
    ------
    pydantic.ValidationError
        If it does not take them together.
    """
    fields = {name: getattr(optimizer, name) for name in type(optimizer).model_fields}
    values = {axis.field: axis.value(share) for axis, share in zip(along, u, strict=True)}
    # The way to the axis and back rounds; what is as it was is the same optimizer.
    changed = {name: value for name, value in values.items() if not math.isclose(value, fields[name], rel_tol=1e-9)}
    return type(optimizer)(**{**fields, **changed})


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no field that is a number"


def _axis(optimizer: Optimizer[Any], name: str, given: Any) -> Axis:
    value = getattr(optimizer, name)
    whole = isinstance(value, int)
    least, most, open_least = _range(type(optimizer).model_fields[name].metadata)
    if given is not None:
        low, high = _read(optimizer, name, given)
        scale = "powers" if low > 0 and high / low >= 10 else "even"
        return Axis(name, low, high, scale, whole)
    if least == 0 and most == 1:
        return Axis(name, 0.0 if not open_least else NEAREST, 1 - NEAREST, "towards one")
    if math.isfinite(least) and math.isfinite(most):
        edge = 0.0 if whole else _EDGE * (most - least)
        return Axis(name, least + edge, most - edge, "even", whole)
    if value <= 0:
        raise InputError(f"fields: {name} of {optimizer.name} is {value}, which says nothing of its size; give a range")
    # A little inside: ends may be excluded.
    low, high = max(value / FACTOR, least * (1 + _EDGE) if least > 0 else 0.0), min(value * FACTOR, most * (1 - _EDGE))
    low = max(low, 1.0) if whole else low
    return Axis(name, low, high, "powers", whole)


def _range(metadata: Iterable[Any]) -> tuple[float, float, bool]:
    """Give the limits of a field, infinite where there is none, and whether the lower one is excluded."""
    least, most, excluded = -math.inf, math.inf, False
    for each in metadata:
        if (low := getattr(each, "gt", None)) is not None:
            least, excluded = float(low), True
        if (low := getattr(each, "ge", None)) is not None:
            least = float(low)
        for high in (getattr(each, "lt", None), getattr(each, "le", None)):
            most = most if high is None else float(high)
    return least, most, excluded


def _read(optimizer: Optimizer[Any], name: str, given: Any) -> tuple[float, float]:
    """Read a range, of which the optimizer takes both ends."""
    try:
        low, high = (float(end) for end in given)
    except (TypeError, ValueError):
        raise InputError(f"fields: {name} = {given!r} is no range; pass (low, high)") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"fields: {name} = {given!r} is no range; pass two finite numbers, the lower one first")
    whole = isinstance(getattr(optimizer, name), int)
    fields = {each: getattr(optimizer, each) for each in type(optimizer).model_fields}
    for end in (low, high):
        try:
            type(optimizer)(**{**fields, name: round(end) if whole else end})
        except ValidationError as error:
            raise InputError(f"fields: {name} = {end:g}: {explain(error)[0][1]}") from None
    return low, high
