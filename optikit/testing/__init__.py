"""The kit for authors: what a component owes its users, as checks that every author can run.

One line in a test file makes a test of each check::

    test_my_search = optikit.testing.conformance(MySearch)

and ``optikit check NAME`` runs the same without a test file.  The built-in components pass the same checks in the same
way.  It needs pytest and Hypothesis: ``python -m pip install 'optikit[testing]'``.
"""

from optikit.testing.check import Check, ConformanceWarning, Hung
from optikit.testing.collected import conformance, parametrize_checks
from optikit.testing.subject import Subject
from optikit.testing.suites import checks, posed
from optikit.testing.verdicts import Report, Verdict, examine, load, save

__all__ = [
    "Check",
    "ConformanceWarning",
    "Hung",
    "Report",
    "Subject",
    "Verdict",
    "checks",
    "conformance",
    "examine",
    "load",
    "parametrize_checks",
    "posed",
    "save",
]
