"""Nevergrad's choice among its optimizers.

Of its meta-optimizers only the one without metamodels is here.  The metamodels of NGOpt and its successors draw from
NumPy's global generator, and those of nevergrad 1.0.12 fail with NumPy 2.4; a test tells when they do not.
"""

from optikit_nevergrad.bridge import NevergradOptimizer


class Shiwa(NevergradOptimizer):
    """Nevergrad's choice among its optimizers, by number of parameters, budget and workers.

    Among them are CMA-ES, COBYLA in a thread, and differential evolution.

    References
    ----------
    Liu, Moreau, Preuss, Rapin, Roziere, Teytaud and Teytaud (2020), "Versatile black-box optimization", GECCO;
    ``nevergrad.optimizers.Shiwa``.
    """

    name = "nevergrad-shiwa"
    made_by = "Shiwa"
