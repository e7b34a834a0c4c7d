"""Twenty smooth functions with their gradients, in real and complex arithmetic."""

import numpy as np


def _rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _rosenbrock_gradient(x):
    g, bend = np.zeros_like(x), x[1:] - x[:-1] ** 2
    g[1:] += 200 * bend
    g[:-1] -= 400 * x[:-1] * bend + 2 * (1 - x[:-1])
    return g


def _weights(x):
    return 1 + np.arange(len(x)) / len(x)


def _neighbours(x):
    g = np.zeros_like(x)
    g[1:] += x[:-1] * np.cos(x[1:] * x[:-1])
    g[:-1] += x[1:] * np.cos(x[1:] * x[:-1])
    return g


def _others(factors):
    """Compute for each factor the product of the others."""
    return np.array([np.prod(np.delete(factors, i)) for i in range(len(factors))])


def _griewank(x):
    return np.sum(x * x) / 4000 - np.prod(np.cos(x / np.sqrt(1 + np.arange(len(x))))) + 1


def _griewank_gradient(x):
    root = np.sqrt(1 + np.arange(len(x)))
    return x / 2000 + np.sin(x / root) / root * _others(np.cos(x / root))


def _ackley(x):
    return 20 - 20 * np.exp(-0.2 * np.sqrt(np.mean(x * x))) + np.e - np.exp(np.mean(np.cos(2 * np.pi * x)))


def _ackley_gradient(x):
    size, n = np.sqrt(np.mean(x * x)), len(x)
    far, near = np.exp(-0.2 * size), np.exp(np.mean(np.cos(2 * np.pi * x)))
    return 4 * far * x / (n * size) + near * 2 * np.pi / n * np.sin(2 * np.pi * x)


SMOOTH = {
    "sphere": (lambda x: np.sum(x * x), lambda x: 2 * x),
    "ellipsoid": (lambda x: np.sum(_weights(x) ** 9 * x * x), lambda x: 2 * _weights(x) ** 9 * x),
    "linear": (lambda x: np.sum(_weights(x) * x), _weights),
    "quartic": (lambda x: np.sum(x**4 - 16 * x**2 + 5 * x) / 2, lambda x: (4 * x**3 - 32 * x + 5) / 2),
    "quintic": (lambda x: np.sum(x**5 - 2 * x**3), lambda x: 5 * x**4 - 6 * x**2),
    "rosenbrock": (_rosenbrock, _rosenbrock_gradient),
    "exponential": (lambda x: np.sum(np.exp(_weights(x) * x)), lambda x: _weights(x) * np.exp(_weights(x) * x)),
    "bell": (lambda x: np.exp(-np.sum(x * x)), lambda x: -2 * x * np.exp(-np.sum(x * x))),
    "sine": (lambda x: np.sum(np.sin(x)), np.cos),
    "fast sine": (lambda x: np.sum(np.sin(7 * x)), lambda x: 7 * np.cos(7 * x)),
    "neighbours": (lambda x: np.sum(np.sin(x[1:] * x[:-1])), _neighbours),
    "tanh": (lambda x: np.sum(np.tanh(x)), lambda x: 1 / np.cosh(x) ** 2),
    "logistic": (lambda x: np.sum(np.log(1 + np.exp(x))), lambda x: 1 / (1 + np.exp(-x))),
    "softmax": (lambda x: np.log(np.sum(np.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x))),
    "runge": (lambda x: np.sum(1 / (1 + x * x)), lambda x: -2 * x / (1 + x * x) ** 2),
    "root": (lambda x: np.sum(np.sqrt(1 + x * x)), lambda x: x / np.sqrt(1 + x * x)),
    "cauchy": (lambda x: np.log(1 + np.sum(x * x)), lambda x: 2 * x / (1 + np.sum(x * x))),
    "rastrigin": (
        lambda x: np.sum(x * x - 10 * np.cos(2 * np.pi * x)),
        lambda x: 2 * x + 20 * np.pi * np.sin(2 * np.pi * x),
    ),
    "cubic plus sum": (lambda x: np.sum(x) ** 3 + np.sum(x**3), lambda x: 3 * np.sum(x) ** 2 + 3 * x * x),
    "damped wave": (
        lambda x: np.sum(np.exp(-x) * np.cos(4 * x)),
        lambda x: -np.exp(-x) * (np.cos(4 * x) + 4 * np.sin(4 * x)),
    ),
}
"""Name: (function, gradient); no kinks, and finite for coordinates between -2 and 2."""

RESTLESS = {
    "griewank": (_griewank, _griewank_gradient, 600),
    "ackley": (_ackley, _ackley_gradient, 32),
    "rastrigin": (*SMOOTH["rastrigin"], 10),
    "sine": (*SMOOTH["sine"], 1000),
    "ripples": (lambda x: np.sum(1e-3 * np.sin(1000 * x) + x), lambda x: np.cos(1000 * x) + 1, 2),
    **{
        f"sine of {w} x": (lambda x, w=w: np.sum(np.sin(w * x)), lambda x, w=w: w * np.cos(w * x), 2)
        for w in (10, 30, 100, 300, 1000)
    },
    **{
        f"bell of width {w:g}": (
            lambda x, w=w: np.sum(np.exp(-((x / w) ** 2))),
            lambda x, w=w: -2 * x / w**2 * np.exp(-((x / w) ** 2)),
            2 * w,
        )
        for w in (0.1, 0.02, 0.002)
    },
}
"""Name: (function, gradient, size of x); smooth, but they do much on little room."""
