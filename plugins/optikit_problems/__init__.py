"""Problems to compare optimizers on: functions whose minima are known."""

from optikit import hookimpl
from optikit_problems.coco import Bbob
from optikit_problems.more_wild import MoreWild
from optikit_problems.plane import Beale, Booth, Branin, Bukin, Easom, GoldsteinPrice, Himmelblau, SixHumpCamel
from optikit_problems.training import LogisticRegression, MnistNetwork
from optikit_problems.valleys import DixonPrice, Ellipsoid, Powell, Rosenbrock, Sphere, Trid, Zakharov
from optikit_problems.waves import Ackley, Griewank, Levy, Michalewicz, Rastrigin, Schwefel, StyblinskiTang
from optikit_problems.wrapped import Kinked, Noisy


@hookimpl
def optikit_components() -> list[type]:
    """Bring the problems."""
    return [
        *(Sphere, Ellipsoid, Zakharov, Trid, Rosenbrock, DixonPrice, Powell),
        *(Ackley, Rastrigin, Griewank, Levy, Schwefel, StyblinskiTang, Michalewicz),
        *(Beale, Booth, Himmelblau, GoldsteinPrice, Branin, SixHumpCamel, Easom, Bukin),
        *(Bbob, MoreWild, Noisy, Kinked, LogisticRegression, MnistNetwork),
    ]
