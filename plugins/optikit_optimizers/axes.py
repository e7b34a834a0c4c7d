"""One axis after the other: where the function is a sum over the parameters, n searches of one dimension find it all.

Whether it is such a sum is seen by a few values: for two points and any way to mix their coordinates, what a mixture
and its opposite give adds up to what the two points give.
"""

import math

import numpy as np

from optikit import Array, Oracle

_GRID = 40
_WELLS = 3
_ROUNDS = 9


def separable(oracle: Oracle, x: Array, fun: float, rng: np.random.Generator, trials: int = 3) -> bool:
    """Say whether the function seems to be a sum over its parameters.

    Parameters
    ----------
    oracle : Oracle
        With finite bounds; asked for three values a trial.
    x : ndarray, shape (n,)
        Where it is looked at, and compared with random points of the box.
    fun : float
        The value there.
    rng : numpy.random.Generator
        Draws the other points, and how they are mixed.
    trials : int
        How often.

    Returns
    -------
    bool
        Always True with one parameter.
    """
    low, high = oracle.box
    if len(x) == 1:
        return True
    for _ in range(trials):
        other = np.clip((low + (high - low) * rng.random(len(x))).astype(x.dtype), low, high)
        mixed = rng.permutation(len(x)) < (len(x) + 1) // 2
        there, one, two = oracle.values(np.array([other, np.where(mixed, other, x), np.where(mixed, x, other)]))
        if not np.isfinite([there, one, two, fun]).all():
            return False
        size = max(abs(one - fun), abs(two - fun), abs(there - fun))
        if not abs(one + two - fun - there) <= 1e-6 * size:
            return False
    return True


def searched(oracle: Oracle, x: Array, fun: float, axis: int, offset: float) -> tuple[Array, float]:
    """Search one axis: a grid, and the lowest wells of it by parabolas.

    Parameters
    ----------
    oracle : Oracle
        With finite bounds.
    x : ndarray, shape (n,)
        Where from; not written to.
    fun : float
        The value there.
    axis : int
        Which coordinate changes.
    offset : float
        Where the grid lies, in units of its width, from 0 to 1.

    Returns
    -------
    x : ndarray, shape (n,)
        The best point on the line.
    fun : float
        The value there.
    """
    low, high = (float(side[axis]) for side in oracle.box)
    width = (high - low) / _GRID

    def ask(places: Array) -> Array:
        points = np.repeat(x[None], len(places), axis=0)
        points[:, axis] = np.clip(places, low, high)
        return oracle.values(points)

    places = np.concatenate([[low], low + width * (np.arange(_GRID) + offset), [high]])
    values = ask(places)
    places, values = np.append(places, x[axis]), np.append(values, fun)
    order = np.argsort(places, kind="stable")
    places, values = places[order], values[order]
    edged = np.concatenate([[math.inf], values, [math.inf]])
    wells = np.flatnonzero((edged[1:-1] <= edged[:-2]) & (edged[1:-1] <= edged[2:]))
    wells = wells[np.argsort(values[wells], kind="stable")][:_WELLS]
    best, lowest = float(x[axis]), fun
    triples = [
        [(float(places[i]), float(values[i])) for i in range(max(0, w - 1), min(len(places), w + 2))] for w in wells
    ]
    for round_ in range(_ROUNDS):
        tried = np.array([_vertex(each) for each in triples])
        answers = ask(tried)
        for each, place, value in zip(triples, tried, answers, strict=True):
            each.append((float(place), float(value)))
            each.sort()
            at = min(range(len(each)), key=lambda i: each[i][1])
            each[:] = each[max(0, at - 1) : at + 2]
            if each[min(at, 1)][1] < lowest:
                best, lowest = each[min(at, 1)]
        if round_ == 1:
            triples = sorted(triples, key=lambda each: min(value for _, value in each))[:1]
    there = x.copy()
    there[axis] = np.clip(best, low, high)
    return (there, lowest) if lowest < fun else (x, fun)


def _vertex(points: list[tuple[float, float]]) -> float:
    """Give the lowest point of the parabola through three points, or the middle of the larger side."""
    if len(points) == 3:
        (a, fa), (b, fb), (c, fc) = points
        p, q = (b - a) * (fb - fc), (b - c) * (fb - fa)
        if p != q and math.isfinite(p) and math.isfinite(q):
            t = b - 0.5 * ((b - a) * p - (b - c) * q) / (p - q)
            if a < t < c and abs(t - b) > 1e-3 * (c - a):
                return t
        return (b + c) / 2 if c - b > b - a else (a + b) / 2
    return sum(place for place, _ in points) / len(points)
