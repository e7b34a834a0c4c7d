"""What every optimizer owes its users, whoever wrote it, and whatever it is."""

from optikit.testing.check import Check
from optikit.testing.optimizers import asking, constrained, continuing, contract, repeating, trouble, worth
from optikit.testing.optimizers.trial import OptimizerSubject

CHECKS = [
    Check(name="init", holds=contract.begins_at_the_start),
    Check(name="state", holds=contract.keeps_plain_data),
    Check(name="step", holds=contract.steps_follow_from_the_state),
    Check(name="budget", holds=asking.keeps_the_budget),
    Check(name="best", holds=asking.reports_the_best_seen),
    Check(name="bounds", holds=asking.stays_inside_bounds_or_refuses_them),
    Check(name="takes bounds", holds=asking.takes_bounds, claim="bounds"),
    Check(name="corner", holds=asking.starts_at_a_bound),
    Check(name="constraints", holds=constrained.honours_constraints_or_refuses_them),
    Check(name="one dimension", holds=asking.minimises_in_one_dimension),
    Check(name="float32", holds=asking.stays_in_single_precision),
    Check(name="overwriting", holds=asking.hands_out_nothing_that_can_be_spoilt),
    Check(name="bad input", holds=asking.refuses_bad_input),
    Check(name="seed", holds=repeating.repeats_itself),
    Check(name="process", holds=repeating.repeats_itself_in_another_process),
    Check(name="global generator", holds=repeating.leaves_the_global_generators_alone),
    Check(name="busy thread", holds=repeating.repeats_itself_beside_a_busy_thread),
    Check(name="raising", holds=trouble.keeps_what_was_found_when_the_function_raises),
    Check(name="failures", holds=trouble.goes_on_where_evaluations_fail),
    Check(name="nan", holds=trouble.nan_is_no_obstacle),
    Check(name="resume", holds=continuing.continues_where_it_was),
    Check(name="every question", holds=continuing.goes_on_from_every_question),
    Check(name="quadratics", holds=worth.beats_random_search),
    Check(name="local", holds=worth.arrives_on_quadratics, claim="local"),
    Check(name="memory", holds=worth.keeps_little),
]

__all__ = ["CHECKS", "OptimizerSubject"]
