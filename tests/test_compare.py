"""Comparisons: trials are paired, equal in budget, independent of their order, and none is lost."""

import os

import numpy as np
import pytest
from contests import Bowl, Cliff, Noisy, Valley
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit

pytestmark = pytest.mark.filterwarnings("ignore:one seed:UserWarning")

FAST = ["lbfgs", "random-search"]


def same(one, other):
    """Say whether two trials are the same but for the time that they took."""
    numbers = ("problem", "optimizer", "seed", "start", "nfev", "njev", "reason", "message")
    return (
        all(getattr(one, name) == getattr(other, name) for name in numbers)
        and np.array_equal(one.evaluations, other.evaluations)
        and np.array_equal(one.values, other.values)
    )


def compare(problems, optimizers=("lbfgs", "scipy-nelder-mead"), max_evals="30d", seeds=3, **options):
    return optikit.compare(problems, optimizers=optimizers, max_evals=max_evals, seeds=seeds, **options)


# Trials


def test_trials_start_at_the_same_point_and_go_as_minimize_goes():
    comparison = compare([Bowl(), Valley()], seeds=2)
    for case in comparison.problems:
        for seed in (0, 1):
            trials = [comparison.trial(case.label, name, seed) for name in comparison.optimizers]
            assert len({trial.start for trial in trials}) == 1
            starts, stream = comparison.terms.streams(case.label, seed)
            x0 = case.posed.start(starts)
            result = optikit.minimize(
                case.posed.pose(), x0, optimizer="lbfgs", gradient="forward-difference",
                max_evals=30 * case.n, target=1e-8, rng=stream,
            )  # fmt: skip
            assert (trials[0].nfev, trials[0].njev, trials[0].best) == (result.nfev, result.njev, result.fun)
            improved = np.flatnonzero(np.diff(np.concatenate([[np.inf], result.history.best])) < 0)
            assert np.array_equal(trials[0].evaluations, improved + 1)
            assert np.array_equal(trials[0].values, result.history.best[improved])


def test_other_seeds_start_elsewhere():
    comparison = compare(Bowl(), seeds=5)
    assert len({trial.start for trial in comparison.trials}) == 5


@settings(max_examples=10)
@given(
    problems=st.permutations([Bowl(), Valley(), Bowl(n=2)]).flatmap(
        lambda all_: st.sampled_from([all_, all_[:2], all_[:1]])
    ),
    optimizers=st.permutations(["lbfgs", "random-search", "scipy-nelder-mead"]).flatmap(
        lambda all_: st.sampled_from([all_, all_[1:]])
    ),
    seeds=st.lists(st.integers(0, 3), min_size=1, unique=True),
)
def test_a_trial_depends_on_nothing_else_in_the_comparison(problems, optimizers, seeds):
    boxed = [problem.model_copy(update={"bounded": True}) for problem in problems]
    whole = compare(
        [one.model_copy(update={"bounded": True}) for one in (Bowl(), Valley(), Bowl(n=2))],
        ["lbfgs", "random-search", "scipy-nelder-mead"], seeds=4, max_evals=20,
    )  # fmt: skip
    part = compare(boxed, optimizers, seeds=seeds, max_evals=20)
    assert len(part.trials) == len(problems) * len(optimizers) * len(seeds)
    for trial in part.trials:
        assert same(trial, whole.trial(*trial.key))


def test_no_budget_is_exceeded_and_differences_count():
    comparison = compare([Bowl(n=4), Valley()], [*FAST, "gradient-descent", "scipy-powell"], max_evals="12.5d",
                         gradient="central-difference")  # fmt: skip
    for trial in comparison.trials:
        n = 4 if "4" in trial.problem else 3
        assert trial.nfev <= int(12.5 * n)
        assert trial.evaluations.max(initial=0) <= trial.nfev


def test_gradients_of_the_problem_are_used_where_there_are_some():
    exact, differences = (
        compare(Valley(exact=exact), "lbfgs", max_evals=100).trials[0] for exact in (True, False)
    )  # fmt: skip
    assert exact.njev >= exact.nfev - 1  # the last one reached the target
    assert differences.nfev > 3 * differences.njev
    forced = compare(Valley(exact=True), "lbfgs", max_evals=100, gradient="central-difference").trials[0]
    assert forced.nfev > 5 * forced.njev


def test_a_trial_ends_at_the_last_target():
    comparison = compare(Bowl(exact=True), "lbfgs", max_evals=1000, targets=[1e-1, 1e-3])
    for trial in comparison.trials:
        assert trial.reason == "target"
        assert trial.best <= 1e-3 < trial.values[-2]


def test_points_are_judged_without_noise():
    comparison = compare(Noisy(), "scipy-nelder-mead", max_evals=60)
    for trial in comparison.trials:
        assert (trial.values >= 0).all()
        assert (np.diff(trial.values) < 0).all()
        assert trial.reason != "target"
        assert trial.nfev == 60


def test_what_cannot_be_taken_is_a_row_that_says_so():
    comparison = compare([Bowl(), Bowl(bounded=True)], ["scipy-differential-evolution", "lbfgs", "scipy-cobyla"])
    refused = {(trial.problem, trial.optimizer): trial for trial in comparison.trials if trial.reason == "refused"}
    assert set(refused) == {("bowl", "scipy-differential-evolution"), ("bowl:bounded=true", "scipy-cobyla")}
    for trial in refused.values():
        assert trial.failed
        assert trial.nfev == 0
        assert "choose one that" in trial.message
    assert len(comparison.trials) == 2 * 3 * 3
    assert sum("was refused on" in note for note in comparison.notes()) == 2


@pytest.mark.parametrize("workers", [None, 2])
def test_what_raises_is_a_row_with_what_it_found_until_then(workers):
    comparison = compare([Cliff(), Bowl()], "scipy-nelder-mead", seeds=6, workers=workers)
    failed = [trial for trial in comparison.trials if trial.reason == "error"]
    assert failed
    assert all("over the cliff" in trial.message and trial.problem == "cliff" for trial in failed)
    assert any(len(trial.values) for trial in failed)
    assert not any(trial.failed for trial in comparison.trials if trial.problem == "bowl")


def test_workers_change_no_number():
    problems = [Bowl(), Valley(), Noisy()]
    alone, together = compare(problems), compare(problems, workers=2)
    assert len(alone.trials) == len(together.trials) == 18
    assert all(map(same, alone.trials, together.trials))


def test_a_worker_that_dies_is_a_row():
    class Deadly(Bowl):
        """Ends its process."""

        name = "deadly"

        def value(self, x):
            os._exit(3)

    comparison = compare([Deadly(), Bowl()], "scipy-nelder-mead", seeds=2, workers=2)
    assert [trial.message for trial in comparison.trials if trial.failed] == ["the worker died (exit status 3)"] * 2
    assert not any(trial.failed for trial in comparison.trials if trial.problem == "bowl")
