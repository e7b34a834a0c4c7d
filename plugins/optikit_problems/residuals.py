"""The 22 families of residuals of the Moré-Wild set, and their standard starts.

Each is a function of x, (n,), and of the number of residuals where that is free.  They are written so that complex
points may be given, too: a step of 1e-30 along the imaginary axis gives a column of the Jacobian, exact to rounding.
The formulas, the data and the starts are those of Moré, Garbow and Hillstrom (1981) for 1 to 18, and of CUTEr for 19 to
22, as Moré and Wild (2009) took them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

_BARD = "14 18 22 25 29 32 35 39 37 58 73 96 134 210 439"
_KOWALIK = "1957 1947 1735 1600 844 627 456 342 323 235 246"
_DOSES = "4 2 1 .5 .25 .167 .125 .1 .0833 .0714 .0625"
_MEYER = "34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872"
_OSBORNE = (
    "844 908 932 936 925 908 881 850 818 784 751 718 685 658 628 603 580 558 538 522 506 490 478 467 457 448 438 431 "
    "424 420 414 411 406"
)
_PEAKS = (
    "1366 1191 1112 1013 991 885 831 847 786 725 746 679 608 655 616 606 602 626 651 724 649 649 694 644 624 661 612 "
    "558 533 495 500 423 395 375 372 391 396 405 428 429 523 562 607 653 672 708 633 668 645 632 591 559 597 625 739 "
    "710 729 720 636 581 428 292 162 98 54"
)


def _numbers(text: str) -> Any:
    return np.array(text.split(), dtype=np.float64)


def _counted(number: int) -> Any:
    return np.arange(1.0, number + 1)


def linear_full_rank(x: Any, m: int) -> Any:
    """Compute those of a linear function of full rank."""
    return np.concatenate([x, np.zeros(m - len(x))]) - 2 * x.sum() / m - 1


def linear_rank_one(x: Any, m: int) -> Any:
    """Compute those of a linear function of rank 1."""
    return _counted(m) * (_counted(len(x)) @ x) - 1


def linear_rank_one_zeros(x: Any, m: int) -> Any:
    """Compute those of a linear function of rank 1 with columns and rows of zeros."""
    inner = np.arange(2.0, len(x)) @ x[1:-1]
    return np.append(np.arange(m - 1), 0) * inner - 1


def rosenbrock(x: Any, m: int) -> Any:
    """Rosenbrock's function."""
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def helical_valley(x: Any, m: int) -> Any:
    """Fletcher and Powell's helical valley: the angle jumps where x[0] is 0."""
    if x[0] == 0:
        turn = 0.25 if x[1] != 0 else 0.0
    else:
        turn = np.arctan(x[1] / x[0]) / (2 * np.pi) + (0.5 if x[0].real < 0 else 0.0)
    return np.array([10 * (x[2] - 10 * turn), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


def powell_singular(x: Any, m: int) -> Any:
    """Powell's singular function."""
    return np.array([x[0] + 10 * x[1], 5**0.5 * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, 10**0.5 * (x[0] - x[3]) ** 2])


def freudenstein_roth(x: Any, m: int) -> Any:
    """Freudenstein and Roth's function."""
    return np.array([x[0] - 13 + ((5 - x[1]) * x[1] - 2) * x[1], x[0] - 29 + ((1 + x[1]) * x[1] - 14) * x[1]])


def bard(x: Any, m: int) -> Any:
    """Bard's function."""
    u, data = _counted(15), _numbers(_BARD) / 100
    v = 16 - u
    return data - x[0] - u / (v * x[1] + np.minimum(u, v) * x[2])


def kowalik_osborne(x: Any, m: int) -> Any:
    """Kowalik and Osborne's function."""
    u, data = _numbers(_DOSES), _numbers(_KOWALIK) / 10000
    return data - x[0] * u * (u + x[1]) / (u * (u + x[2]) + x[3])


def meyer(x: Any, m: int) -> Any:
    """Meyer's function."""
    return x[0] * np.exp(x[1] / (45 + 5 * _counted(16) + x[2])) - _numbers(_MEYER)


def watson(x: Any, m: int) -> Any:
    """Watson's function."""
    t, powers = (_counted(29) / 29)[:, None], np.arange(len(x))
    slope = (powers[1:] * t ** powers[:-1]) @ x[1:]
    return np.concatenate([slope - (t**powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def box(x: Any, m: int) -> Any:
    """Box's three-dimensional function."""
    t = _counted(m) / 10
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) + (np.exp(-10 * t) - np.exp(-t)) * x[2]


def jennrich_sampson(x: Any, m: int) -> Any:
    """Jennrich and Sampson's function."""
    i = _counted(m)
    return 2 + 2 * i - np.exp(i * x[0]) - np.exp(i * x[1])


def brown_dennis(x: Any, m: int) -> Any:
    """Brown and Dennis's function."""
    t = _counted(m) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + np.sin(t) * x[3] - np.cos(t)) ** 2


def chebyquad(x: Any, m: int) -> Any:
    """Fletcher's function: the means of shifted Chebyshev polynomials, less their integrals."""
    before, now, means = np.ones_like(x), 2 * x - 1, list[Any]()
    for _ in range(m):
        means.append(now.mean())
        before, now = now, 2 * (2 * x - 1) * now - before
    i = _counted(m)
    even = i % 2 == 0
    return np.array(means) + np.where(even, 1 / np.where(even, i**2 - 1, 1), 0)


def brown_almost_linear(x: Any, m: int) -> Any:
    """Brown's almost linear function."""
    return np.append(x[:-1] + x.sum() - len(x) - 1, x.prod() - 1)


def osborne_1(x: Any, m: int) -> Any:
    """Osborne's first function: two exponentials."""
    t = 10 * np.arange(33.0)
    return _numbers(_OSBORNE) / 1000 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def osborne_2(x: Any, m: int) -> Any:
    """Osborne's second function: an exponential and three peaks."""
    t = (np.arange(65) / 10)[:, None]
    peaks = np.exp(-((t - x[8:11]) ** 2) * x[5:8]) @ x[1:4]
    return _numbers(_PEAKS) / 1000 - (x[0] * np.exp(-t[:, 0] * x[4]) + peaks)


def bdqrtic(x: Any, m: int) -> Any:
    """CUTEr's BDQRTIC: a band of quartics."""
    k = len(x) - 4
    squares = x**2
    band = sum(weight * squares[weight - 1 : weight - 1 + k] for weight in range(1, 5))
    return np.concatenate([3 - 4 * x[:k], band + 5 * squares[-1]])


def cube(x: Any, m: int) -> Any:
    """CUTEr's CUBE: each coordinate is tied to the cube of the one before."""
    return np.append(x[0] - 1, 10 * (x[1:] - x[:-1] ** 3))


def mancino(x: Any, m: int) -> Any:
    """CUTEr's MANCINO."""
    i = _counted(len(x))
    return 1400 * x + (i - 50) ** 3 + _mancino_sums(x[:, None] ** 2 + i[:, None] / i)


def _mancino_sums(squares: Any) -> Any:
    roots = np.sqrt(squares)
    return (roots * (np.sin(np.log(roots)) ** 5 + np.cos(np.log(roots)) ** 5)).sum(axis=1)


def heart8(x: Any, m: int) -> Any:
    """CUTEr's HEART8LS: the dipole model of the heart, as powers of two complex numbers.

    With z = e - i g and w = f - i h, the last six equations are the real and the imaginary parts of (a + i c) z^k +
    (b + i d) w^k for k = 1, 2 and 3.  Written in real numbers, so that a complex step goes through.
    """
    a, b, c, d, e, f, g, h = x
    first, second, rows = (a, c), (b, d), [a + b + 0.69, c + d + 0.044]
    for real, imaginary in ((-1.57, -1.31), (-2.65, 2.0), (-12.6, 9.48)):
        first = first[0] * e - first[1] * g, first[1] * e + first[0] * g
        second = second[0] * f - second[1] * h, second[1] * f + second[0] * h
        rows += [first[0] + second[0] - real, first[1] + second[1] - imaginary]
    return np.array(rows)


def _mancino_start(n: int) -> Any:
    i = _counted(n)
    return -8.710996e-4 * ((i - 50) ** 3 + _mancino_sums(i[:, None] / i))


def _all(number: float) -> Callable[[int], Any]:
    return lambda n: np.full(n, number)


def _list(*numbers: float) -> Callable[[int], Any]:
    return lambda n: np.array(numbers)


FAMILIES: list[tuple[Callable[[Any, int], Any], Callable[[int], Any]]] = [
    (linear_full_rank, _all(1.0)),
    (linear_rank_one, _all(1.0)),
    (linear_rank_one_zeros, _all(1.0)),
    (rosenbrock, _list(-1.2, 1.0)),
    (helical_valley, _list(-1.0, 0.0, 0.0)),
    (powell_singular, _list(3.0, -1.0, 0.0, 1.0)),
    (freudenstein_roth, _list(0.5, -2.0)),
    (bard, _all(1.0)),
    (kowalik_osborne, _list(0.25, 0.39, 0.415, 0.39)),
    (meyer, _list(0.02, 4000.0, 250.0)),
    (watson, _all(0.5)),
    (box, _list(0.0, 10.0, 20.0)),
    (jennrich_sampson, _list(0.3, 0.4)),
    (brown_dennis, _list(25.0, 5.0, -5.0, -1.0)),
    (chebyquad, lambda n: _counted(n) / (n + 1)),
    (brown_almost_linear, _all(0.5)),
    (osborne_1, _list(0.5, 1.5, 1.0, 0.01, 0.02)),
    (osborne_2, _list(1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5)),
    (bdqrtic, _all(1.0)),
    (cube, _all(0.5)),
    (mancino, _mancino_start),
    (heart8, _list(-0.3, -0.39, 0.3, -0.344, -1.2, 2.69, 1.59, -1.5)),
]
"""Residuals and standard start of each family, in the order of Moré and Wild."""
