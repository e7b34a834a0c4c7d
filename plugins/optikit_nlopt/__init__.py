"""NLopt's algorithms: local and global, by values and by gradients, with and without constraints."""

from optikit import hookimpl
from optikit_nlopt.by_gradient import Ccsaq, Lbfgs, Mma, Slsqp, Tnewton, Var1, Var2
from optikit_nlopt.by_values import Bobyqa, Cobyla, NelderMead, Newuoa, Praxis, Sbplx
from optikit_nlopt.everywhere import Ags, Crs2Lm, Direct, DirectL, Esch, Isres, OrigDirect, OrigDirectL, Stogo
from optikit_nlopt.nested import Auglag, Mlsl


@hookimpl
def optikit_components() -> list[type]:
    """Bring the optimizers."""
    return [
        *(Bobyqa, Cobyla, NelderMead, Newuoa, Praxis, Sbplx),
        *(Lbfgs, Var1, Var2, Tnewton, Slsqp, Mma, Ccsaq),
        *(Direct, DirectL, OrigDirect, OrigDirectL, Crs2Lm, Isres, Esch, Stogo, Ags),
        *(Mlsl, Auglag),
    ]
