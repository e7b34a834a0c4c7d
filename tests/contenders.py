"""Every optimizer that is installed, and what its checks have to know of it: mostly nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from drawn import classes

import optikit
from optikit.testing import posed


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of an optimizer; see `optikit.testing.Subject`."""

    fields: dict[str, Any] = field(default_factory=dict)
    """Options for functions of a few parameters of size 1, a budget of 300 evaluations, and 1e-8."""
    local: bool = False
    examples: int = 8
    expected: Mapping[str, str] = field(default_factory=dict)
    """Checks that it cannot pass, and why."""


def rate(learning_rate: float, **fields: Any) -> Entry:
    """Give a learning rate; the defaults are for networks."""
    return Entry(fields={"learning_rate": learning_rate, **fields})


def lr(lr: float, **fields: Any) -> Entry:
    """Give a learning rate, as PyTorch calls it."""
    return Entry(fields={"lr": lr, **fields})


RANDOM = {"quadratics": "it is random search itself, by other numbers: as often worse as better"}

OURS = {
    "gradient-descent": rate(0.5, momentum=0.9),
    "adagrad": rate(1.0),
    "rmsprop": rate(0.05),
    "adadelta": rate(30.0),
    "adam": rate(0.2),
    "adamw": rate(0.2, weight_decay=0.0),
    "amsgrad": rate(0.2),
    "nadam": rate(0.2),
    "lion": rate(0.1, schedule={"name": "exponential", "decay": 0.99}),
    "rprop": rate(0.1),
    "barzilai-borwein": Entry(local=True),
    "lbfgs": Entry(local=True),
    "bfgs": Entry(local=True),
    "conjugate-gradients": Entry(local=True),
    "line-search-descent": Entry(
        local=True,
        expected={"local": "steepest descent takes as many steps as the condition number is large"},
    ),
    "averaging": Entry(fields={"optimizer": {"name": "adam", "learning_rate": 0.2}}),
    "lookahead": Entry(fields={"optimizer": {"name": "adam", "learning_rate": 0.4}}),
    "simulated-annealing": Entry(fields={"cooling": 0.5, "moves": 4}),
    "multistart": Entry(fields={"optimizer": "barzilai-borwein", "max_steps": 50}),
}

SCIPY = {
    "scipy-bfgs": Entry(local=True, fields={"gtol": 1e-8}),
    "scipy-cg": Entry(local=True, fields={"gtol": 1e-8}),
    "scipy-newton-cg": Entry(local=True, fields={"xtol": 1e-9}),
    "scipy-lbfgsb": Entry(local=True, fields={"ftol": 1e-15, "gtol": 1e-8}),
    "scipy-tnc": Entry(local=True, fields={"ftol": 1e-14}),
    "scipy-slsqp": Entry(local=True, fields={"ftol": 1e-12}),
    "scipy-trust-constr": Entry(local=True, examples=2),
    "scipy-dogleg": Entry(local=True, fields={"gtol": 1e-7}),
    "scipy-trust-exact": Entry(local=True, fields={"gtol": 1e-7}),
    "scipy-trust-krylov": Entry(local=True, fields={"gtol": 1e-7}),
    "scipy-trust-ncg": Entry(local=True, fields={"gtol": 1e-7}),
    "scipy-cobyqa": Entry(local=True, examples=2, fields={"final_tr_radius": 1e-8}),
    "scipy-powell": Entry(
        local=True,
        fields={"xtol": 1e-8, "ftol": 1e-12},
        expected={"local": "seven of 20 with 10 parameters have not arrived, one at 1e-2"},
    ),
    "scipy-nelder-mead": Entry(
        local=True,
        fields={"xatol": 1e-8, "fatol": 1e-12},
        expected={"local": "its simplex flattens: none of 20 with 10 parameters arrives, at up to 5e-2"},
    ),
    "scipy-cobyla": Entry(
        local=True,
        fields={"tol": 1e-8},
        expected={"local": "its models are linear: 2e-4 after 1,000 evaluations of 5"},
    ),
}


SEPARABLE = {"local": "its models are separable: linear convergence where directions mix, 4e-6 in the end"}
GENERATIONS = {"quadratics": "300 evaluations are a few generations of its population"}

NLOPT = {
    **{f"nlopt-{name}": Entry(local=True) for name in ("lbfgs", "slsqp", "tnewton", "var1", "var2")},
    **{f"nlopt-{name}": Entry(local=True, expected=SEPARABLE) for name in ("ccsaq", "mma")},
    **{f"nlopt-{name}": Entry(expected=GENERATIONS) for name in ("esch", "isres")},
    "nlopt-cobyla": Entry(
        local=True,
        expected={
            "local": "its models are linear: 1e-3 after 200 evaluations a parameter",
            "quadratics": "its models are linear: in narrow valleys random search was better, six times of 20",
        },
    ),
    "nlopt-sbplx": Entry(
        local=True, expected={"local": "it moves in subspaces: 1e-3 after 200 evaluations a parameter"}
    ),
    "nlopt-bobyqa": Entry(local=True, expected={"local": "one of 20 with 10 parameters is at 2e-7 in the end"}),
    "nlopt-praxis": Entry(local=True, expected={"local": "two of 20 with 10 parameters have not arrived, one at 2e-2"}),
    "nlopt-neldermead": Entry(local=True, expected={"local": "three of 20 with 10 parameters are at up to 1e-3"}),
    "nlopt-auglag": Entry(local=True),
    "nlopt-newuoa": Entry(
        local=True, expected={"one dimension": "NLopt's NEWUOA needs two parameters at least, and says so"}
    ),
}

ONE = {"one dimension": "nevergrad leaves CMA-ES of one parameter to the package fcmaes, and the wrapper refuses it"}
NOISY = {"quadratics": "it moves one coordinate at a time, or asks again where it has been, as for noise"}

KEEPS = {"memory": "nevergrad keeps every candidate, as an object of 5.4 kB"}

NEVERGRAD = {
    **{
        f"nevergrad-{name}": Entry(expected=KEEPS | GENERATIONS)
        for name in ("eda", "emna", "es", "pso", "rec-es", "sqopso")
    },
    **{
        f"nevergrad-{name}": Entry(expected=KEEPS)
        for name in ("one-plus-one", "real-space-pso", "rotated-two-points-de")
    },
    **{f"nevergrad-{name}-one-plus-one": Entry(expected=KEEPS | NOISY) for name in ("discrete", "portfolio-discrete")},
    "nevergrad-optimistic-noisy-one-plus-one": Entry(expected=NOISY),
    **{f"nevergrad-{name}": Entry(examples=4, expected=KEEPS | ONE) for name in ("cma", "diagonal-cma")},
    **{f"nevergrad-{name}": Entry(examples=4, expected=KEEPS) for name in ("de", "shiwa", "tbpsa", "two-points-de")},
}

TORCH = {
    "torch-sgd": lr(0.5, momentum=0.9),
    "torch-asgd": lr(1.0),
    "torch-adagrad": lr(1.0),
    "torch-adadelta": lr(30.0),
    "torch-adafactor": lr(0.3),
    "torch-adam": lr(0.2),
    "torch-adamw": lr(0.2, weight_decay=0.0),
    "torch-adamax": lr(0.2),
    "torch-nadam": lr(0.2),
    "torch-radam": lr(0.2),
    "torch-lbfgs": Entry(local=True, fields={"tolerance_grad": 1e-9, "tolerance_change": 1e-14}),
}

OPTAX = {
    "optax-sgd": rate(0.5, momentum=0.9),
    "optax-adam": rate(0.2),
    "optax-adamw": rate(0.2, weight_decay=0.0),
    "optax-adamax": rate(0.2),
    "optax-amsgrad": rate(0.2),
    "optax-nadam": rate(0.2),
    "optax-radam": rate(0.2),
    "optax-adabelief": rate(0.2),
    "optax-yogi": rate(0.2),
    "optax-adagrad": rate(1.0),
    "optax-adan": rate(0.3),
    "optax-adafactor": rate(0.3),
    "optax-fromage": rate(0.02),
    "optax-lamb": rate(0.05),
    "optax-lars": rate(20.0),
    "optax-lion": rate(0.02),
    "optax-novograd": rate(0.1),
    "optax-rmsprop": rate(0.02),
    "optax-sm3": rate(1.0),
}

OPTUNA = {
    "optuna-cmaes": Entry(examples=4),
    "optuna-qmc": Entry(examples=4, expected=RANDOM),
    "optuna-random": Entry(examples=4, expected=RANDOM),
    "optuna-tpe": Entry(examples=2),
}

OTHERS = {
    "minuit-migrad": Entry(local=True, fields={"tol": 1e-6}),
    "minuit-simplex": Entry(
        local=True,
        fields={"tol": 1e-8},
        expected={"local": "its simplex flattens: it ends at 1e-2 with 5 parameters"},
    ),
    "py-bobyqa": Entry(local=True, examples=1),
}

KNOWN = OURS | SCIPY | NLOPT | NEVERGRAD | TORCH | OPTAX | OPTUNA | OTHERS


def contender(name: str) -> Any:
    entry = KNOWN.get(name, Entry())
    optimizer = optikit.get("optimizer", name, **entry.fields)
    return posed(optimizer, claims=["local"] * entry.local, examples=entry.examples)


LISTED = {cls.name: cls.requires for cls in classes("optimizer")}
CONTENDERS = {
    name: contender(name) for name, library in LISTED.items() if library is None or find_spec(library) is not None
}
EXPECTED = {name: entry.expected for name, entry in KNOWN.items() if entry.expected and name in CONTENDERS}
