"""A curve drawn with the eighths of block characters, of as many numbers as come."""

import itertools
import math
from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_DECADES = 100.0
"""From here on a ratio of the largest to the smallest number needs a logarithmic scale."""


class Curve:
    """Numbers in their order, in a few columns: when they are full, each two neighbours become one.

    Parameters
    ----------
    columns : int
        How many there are at least, once there are as many numbers.
    """

    def __init__(self, columns: int) -> None:
        self._most = 2 * columns
        self._each: int = 1
        self._means: list[float] = []
        self._sum, self._count = 0.0, 0

    def add(self, number: float) -> None:
        """Add a number; one that is not finite is left out."""
        if not math.isfinite(number):
            return
        self._sum, self._count = self._sum + number, self._count + 1
        if self._count == self._each:
            self._means.append(self._sum / self._count)
            self._sum, self._count = 0.0, 0
            if len(self._means) == self._most:
                self._means = _merged(self._means, self._most // 2)
                self._each *= 2

    def columns(self, width: int) -> list[float]:
        """Give a mean for every column, `width` at most."""
        means = self._means if not self._count else [*self._means, self._sum / self._count]
        return means if len(means) <= width else _merged(means, width)


def _merged(numbers: Sequence[float], width: int) -> list[float]:
    """Give means of neighbours, so that `width` are left."""
    ends = [column * len(numbers) // width for column in range(width + 1)]
    return [math.fsum(numbers[a:b]) / (b - a) for a, b in itertools.pairwise(ends)]


def chart(numbers: Sequence[float], height: int) -> tuple[list[str], bool]:
    """Draw finite numbers, one a column, with their scale at the left.

    Parameters
    ----------
    numbers : sequence of float
        At least one.
    height : int
        Lines, at least 3.

    Returns
    -------
    lines : list of str
        From the top.
    logarithmic : bool
        Whether the scale is: where all are positive, and some many times as large as others.
    """
    low, high = min(numbers), max(numbers)
    logarithmic = low > 0 and high / low >= _DECADES
    scaled = [math.log(number) for number in numbers] if logarithmic else list(numbers)
    bottom, top = min(scaled), max(scaled)
    # Halved, as the difference of the largest finite numbers is not finite.
    span = (top / 2 - bottom / 2) or 1.0
    # The lowest number is an eighth high, to be seen.
    eighths = [1 + round((number / 2 - bottom / 2) / span * (8 * height - 1)) for number in scaled]
    labels = [""] * height
    labels[-1] = f"{low:.3g}"
    if high > low:
        # What the middle of that line stands for.
        share = (height - height // 2 - 0.5) / height
        middle = bottom * (1 - share) + top * share
        labels[0], labels[height // 2] = f"{high:.3g}", f"{math.exp(middle) if logarithmic else middle:.3g}"
    wide = max(map(len, labels))
    lines = [
        f"{label:>{wide}} ┤" + "".join(_BLOCKS[min(8, max(0, eighth - 8 * (height - 1 - line)))] for eighth in eighths)
        for line, label in enumerate(labels)
    ]
    return lines, logarithmic
