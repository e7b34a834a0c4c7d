"""optikit: optimizers, gradient estimators, models and losses as plugins that fit together.

Everything public is an attribute of this package, loaded at its first use, so that ``import optikit`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optikit.able import abilities
    from optikit.benchmark import Benchmark
    from optikit.bounds import Bounds, stuck
    from optikit.check import GradientCheck, check_gradient
    from optikit.choice.advise import Advice, advise
    from optikit.comparison.compare import compare
    from optikit.comparison.outcome import Comparison
    from optikit.component import Component, FilePath
    from optikit.constraint import LinearConstraint, NonlinearConstraint
    from optikit.continued import resume, runs
    from optikit.data import Data, Dataset, Samples
    from optikit.database import CheckpointError
    from optikit.derivative import Derivative, differentiate
    from optikit.errors import (
        CheckpointWarning,
        ContractError,
        GradientError,
        GradientWarning,
        InputError,
        ObjectiveError,
        OptikitError,
        UnsupportedError,
    )
    from optikit.failures import Failures
    from optikit.feasibility import Constraints
    from optikit.files import load_arrays
    from optikit.gradient import ErrorEstimator, Estimate, GradientEstimator
    from optikit.history import History
    from optikit.hookspecs import hookimpl
    from optikit.library import import_library
    from optikit.loop import Progress, Run
    from optikit.loss import DifferentiableLoss, Loss
    from optikit.model import DifferentiableModel, LayeredModel, Model
    from optikit.objective import Objective
    from optikit.observer import Observer
    from optikit.optimizer import Optimizer, State, TellingState
    from optikit.oracle import Oracle
    from optikit.part import Part
    from optikit.probe import Abilities
    from optikit.problem import Problem
    from optikit.questions import Questions
    from optikit.registry import Registry
    from optikit.result import Result, TrainingResult
    from optikit.rule import GradientRule, GradientRuleState
    from optikit.run import components, fit, get, minimize
    from optikit.schedule import Pace, Schedule
    from optikit.session import Session
    from optikit.solver import Solver, SolverState
    from optikit.stop import Stop, StopReason
    from optikit.stopping import Answer, Stopping, StoppingState
    from optikit.tuning.tune import Tuned, tune
    from optikit.types import Array, ComplexArray, Targets

    __version__: str

_HOMES = {
    "able": ["abilities"],
    "benchmark": ["Benchmark"],
    "bounds": ["Bounds", "stuck"],
    "check": ["GradientCheck", "check_gradient"],
    "choice.advise": ["Advice", "advise"],
    "comparison.compare": ["compare"],
    "comparison.outcome": ["Comparison"],
    "component": ["Component", "FilePath"],
    "constraint": ["LinearConstraint", "NonlinearConstraint"],
    "continued": ["resume", "runs"],
    "data": ["Data", "Dataset", "Samples"],
    "database": ["CheckpointError"],
    "derivative": ["Derivative", "differentiate"],
    "errors": [
        "CheckpointWarning",
        "ContractError",
        "GradientError",
        "GradientWarning",
        "InputError",
        "ObjectiveError",
        "OptikitError",
        "UnsupportedError",
    ],
    "failures": ["Failures"],
    "feasibility": ["Constraints"],
    "files": ["load_arrays"],
    "gradient": ["ErrorEstimator", "Estimate", "GradientEstimator"],
    "history": ["History"],
    "hookspecs": ["hookimpl"],
    "library": ["import_library"],
    "loop": ["Progress", "Run"],
    "loss": ["DifferentiableLoss", "Loss"],
    "model": ["DifferentiableModel", "LayeredModel", "Model"],
    "objective": ["Objective"],
    "observer": ["Observer"],
    "optimizer": ["Optimizer", "State", "TellingState"],
    "oracle": ["Oracle"],
    "part": ["Part"],
    "probe": ["Abilities"],
    "problem": ["Problem"],
    "questions": ["Questions"],
    "registry": ["Registry"],
    "result": ["Result", "TrainingResult"],
    "schedule": ["Pace", "Schedule"],
    "rule": ["GradientRule", "GradientRuleState"],
    "run": ["components", "fit", "get", "minimize"],
    "session": ["Session"],
    "solver": ["Solver", "SolverState"],
    "stop": ["Stop", "StopReason"],
    "stopping": ["Answer", "Stopping", "StoppingState"],
    "tuning.tune": ["Tuned", "tune"],
    "types": ["Array", "ComplexArray", "Targets"],
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Abilities",
    "Advice",
    "Answer",
    "Array",
    "Benchmark",
    "Bounds",
    "CheckpointError",
    "CheckpointWarning",
    "Comparison",
    "ComplexArray",
    "Component",
    "Constraints",
    "ContractError",
    "Data",
    "Dataset",
    "Derivative",
    "DifferentiableLoss",
    "DifferentiableModel",
    "ErrorEstimator",
    "Estimate",
    "Failures",
    "FilePath",
    "GradientCheck",
    "GradientError",
    "GradientEstimator",
    "GradientRule",
    "GradientRuleState",
    "GradientWarning",
    "History",
    "InputError",
    "LayeredModel",
    "LinearConstraint",
    "Loss",
    "Model",
    "NonlinearConstraint",
    "Objective",
    "ObjectiveError",
    "Observer",
    "OptikitError",
    "Optimizer",
    "Oracle",
    "Pace",
    "Part",
    "Problem",
    "Progress",
    "Questions",
    "Registry",
    "Result",
    "Run",
    "Samples",
    "Schedule",
    "Session",
    "Solver",
    "SolverState",
    "State",
    "Stop",
    "StopReason",
    "Stopping",
    "StoppingState",
    "Targets",
    "TellingState",
    "TrainingResult",
    "Tuned",
    "UnsupportedError",
    "__version__",
    "abilities",
    "advise",
    "check_gradient",
    "compare",
    "components",
    "differentiate",
    "fit",
    "get",
    "hookimpl",
    "import_library",
    "load_arrays",
    "minimize",
    "resume",
    "runs",
    "stuck",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("optikit")
    if name not in _HOME:
        raise AttributeError(f"module 'optikit' has no attribute {name!r}")
    value = getattr(import_module(f"optikit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
