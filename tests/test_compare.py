"""Comparisons: trials are paired, equal in budget, independent of their order, and none is lost."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from contests import Batches, Bowl, Cliff, Noisy, Unknown, Valley
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError
from optikit.comparison.terms import read_terms

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


def test_other_seeds_and_other_problems_start_elsewhere():
    comparison = compare(Bowl(), seeds=5)
    assert len({trial.start for trial in comparison.trials}) == 5
    draws = [comparison.terms.streams(label, seed)[which].random(2).tolist() for label in ("bowl", "valley")
             for seed in (0, 1) for which in (0, 1)]  # fmt: skip
    assert len(np.unique(draws)) == 16


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


def test_labels_say_what_is_not_by_default():
    ahead = optikit.get("optimizer", "lookahead", optimizer={"name": "adam", "learning_rate": 0.1})
    comparison = compare([Bowl(n=2, exact=True)], [ahead, "lbfgs"], seeds=2)
    assert comparison.optimizers == ("lookahead:optimizer=(adam:learning_rate=0.1)", "lbfgs")
    assert comparison.problems[0].label == "bowl:n=2,exact=true"
    assert compare(Bowl(), {"a": "lbfgs", "b": {"name": "adam"}}, seeds=2).optimizers == ("a", "b")


def test_no_budget_is_exceeded_and_differences_count():
    comparison = compare([Bowl(n=4), Valley()], [*FAST, "gradient-descent", "scipy-powell"], max_evals="12.5d",
                         gradient="central-difference")  # fmt: skip
    for trial in comparison.trials:
        n = 4 if "4" in trial.problem else 3
        assert trial.nfev <= int(12.5 * n)
        assert trial.evaluations.max(initial=0) <= trial.nfev


@given(hundredths=st.integers(1, 10**6), n=st.integers(1, 100))
def test_a_budget_by_the_dimension_is_exact_and_at_least_one(hundredths, n):
    terms = read_terms(f"{hundredths / 100}d", None, None, 0)
    assert terms.allowance(n) == max(1, hundredths * n // 100)
    assert read_terms(hundredths, None, None, 0).allowance(n) == hundredths


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
        assert (trial.reason, trial.nfev) == ("max-evals", 60)  # although noisy values are below the minimum
        starts, stream = comparison.terms.streams("noisy", trial.seed)
        result = optikit.minimize(
            Noisy().pose(), Noisy().start(starts), optimizer="scipy-nelder-mead", max_evals=60, rng=stream,
            history="points",
        )  # fmt: skip
        judged = np.array([Noisy().judge(x) for x in result.history.points])
        assert np.array_equal(trial.values, np.unique(np.minimum.accumulate(judged))[::-1])
        assert np.array_equal(judged[trial.evaluations - 1], trial.values)


def test_points_of_minibatches_are_judged_by_all_samples():
    comparison = compare(Batches(), ["adam", "lbfgs"], max_evals=12)
    whole = Batches().pose().whole
    for trial in comparison.trials:
        assert not trial.failed
        starts, _ = comparison.terms.streams("batches", trial.seed)
        x0 = Batches().start(starts)
        assert (trial.start, trial.evaluations[0], trial.values[0]) == (whole.value(x0), 1, whole.value(x0))
        assert trial.njev > 0


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


# One's own problem


def cost(x):
    return float(((x - [1, -2]) ** 2).sum() + 3)


def test_a_function_of_ones_own_needs_a_start_or_a_box():
    point = compare(cost, x0=[0.0, 0.0])
    assert {trial.start for trial in point.trials} == {8.0}
    assert any("start at the same point on cost" in note for note in point.notes())
    drawn = compare(cost, x0=lambda rng: rng.normal(size=2))
    assert len({trial.start for trial in drawn.trials}) == 3
    boxed = compare(cost, bounds=([-3, -3], [3, 3]))
    assert len({trial.start for trial in boxed.trials}) == 3
    assert all("start at the same point" not in note for note in [*drawn.notes(), *boxed.notes()])
    for nothing in (None, (-3, 3)):
        with pytest.raises(InputError, match="cost has no start: pass x0"):
            compare(cost, bounds=nothing)


def test_a_function_may_take_a_structure_and_be_a_problem():
    named = compare(lambda p: (p["a"] - 1) ** 2 + p["b"] @ p["b"], x0={"a": 0.0, "b": np.ones(2)})
    assert named.problems[0].n == 3
    assert named.lowest(named.problems[0].label) < 1e-3
    posed = compare(optikit.Problem(cost, lambda x: 2 * (x - [1, -2])), "lbfgs", x0=[5.0, 5.0])
    assert posed.trials[0].njev >= posed.trials[0].nfev - 1


def test_a_model_with_a_loss_and_data_is_a_problem():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 2))
    linear = optikit.get("model", "linear", inputs=2, outputs=1)
    comparison = compare(
        (linear, "mean-squared-error", (inputs, inputs @ [[1.0], [2.0]])), ["lbfgs", "adam"], max_evals=60
    )
    assert comparison.problems[0].label == "linear with mean-squared-error"
    assert comparison.trial("linear with mean-squared-error", "lbfgs", 0).best < 1e-9
    assert comparison.trial("linear with mean-squared-error", "lbfgs", 0).njev > 1


def test_the_best_value_of_all_stands_for_a_minimum_that_nobody_knows():
    comparison = compare(Unknown(), max_evals="200d")
    assert comparison.lowest("unknown") == min(trial.best for trial in comparison.trials)
    assert abs(comparison.lowest("unknown") - 7) < 1e-6
    assert any("The minimum is not known of unknown" in note for note in comparison.notes())
    starts = np.median([trial.start for trial in comparison.trials])
    assert np.isclose(comparison.targets("unknown")[0], starts)
    told = compare(Unknown(), targets=[1.0, 0.1])
    assert np.allclose(told.targets("unknown") - told.lowest("unknown"), [1.0, 0.1])


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"problems": "valey"}, "there is no problem 'valey'"),
        ({"problems": []}, "there are no problems"),
        ({"problems": 7}, "7 is no problem; pass the name of one"),
        ({"problems": [Bowl(), Bowl()]}, "two of the problems are called 'bowl'"),
        ({"optimizers": "lbfsg"}, "there is no optimizer 'lbfsg'; did you mean 'lbfgs'?"),
        ({"optimizers": []}, "there are no optimizers"),
        ({"optimizers": ["lbfgs", "lbfgs"]}, "two of the optimizers are called 'lbfgs'; leave one out, or pass a dict"),
        ({"optimizers": {"": "lbfgs"}}, "'' is no label"),
        ({"max_evals": 0}, "max_evals"),
        ({"max_evals": "0d"}, "max_evals is '0d'; pass a number of at least 1"),
        ({"max_evals": "many"}, "max_evals is 'many'"),
        ({"max_evals": None}, "max_evals is missing"),
        ({"max_seconds": 0.0}, "max_seconds"),
        ({"seeds": 0}, "seeds is 0; pass how many, at least 1"),
        ({"seeds": [1, 1]}, "different numbers"),
        ({"seeds": True}, "seeds is True"),
        ({"targets": [0.0]}, "targets is"),
        ({"targets": "low"}, "targets is 'low'"),
        ({"gradient": "central"}, "there is no gradient 'central'"),
        ({"x0": [1.0]}, "x0 and bounds are for a function of your own"),
        ({"workers": 0}, "workers is 0"),
        ({"file": ""}, "file is ''"),
        ({"rng": "dice"}, "rng is 'dice'"),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(arguments, said):
    with pytest.raises(InputError) as refusal:
        compare(**{"problems": Bowl(), **arguments})
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_one_seed_is_a_warning():
    with pytest.warns(UserWarning, match="one seed says nothing about others: nothing can be concluded"):
        comparison = compare([Bowl(), Valley()], seeds=1)
    assert "One seed says nothing about others: nothing can be concluded." in comparison.notes()
    assert "The evidence does not separate" in str(comparison)
    assert "reached a larger share" not in str(comparison)


def test_what_the_evidence_says_is_a_sentence():
    one = compare([Bowl(), Valley()], {"quick": "lbfgs", "same": "lbfgs", "lost": "random-search"}, seeds=4)
    assert "The evidence does not separate quick from same." in str(one)
    box = [Bowl(bounded=True), Valley(bounded=True)]
    clear = str(compare(box, {"quick": "lbfgs", "slow": "random-search"}, seeds=4))
    assert "quick reached a larger share of the targets than slow (by 0." in clear
    assert "does not separate" not in clear


# Files


def test_the_same_call_again_makes_only_what_is_missing(tmp_path):
    file, made = tmp_path / "comparison.db", []
    first = compare([Bowl()], seeds=2, file=file, callback=made.append)
    assert len(made) == 4
    again = compare([Bowl()], seeds=2, file=file, callback=made.append)
    assert len(made) == 4
    more = compare([Valley(), Bowl()], ["scipy-powell", "lbfgs", "scipy-nelder-mead"], seeds=3, file=file,
                   callback=made.append)  # fmt: skip
    assert len(made) == 18
    assert all(map(same, first.trials, again.trials))
    fresh = compare([Valley(), Bowl()], ["scipy-powell", "lbfgs", "scipy-nelder-mead"], seeds=3)
    assert all(map(same, more.trials, fresh.trials))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"max_evals": 7}, "max_evals"),
        ({"rng": 1}, "root"),
        ({"targets": [1.0]}, "targets"),
        ({"gradient": "central-difference"}, "gradient"),
        ({"optimizers": {"lbfgs": "adam", "scipy-nelder-mead": "scipy-nelder-mead"}}, "optimizer"),
    ],
)
def test_a_file_of_another_comparison_is_refused_and_left_as_it_is(tmp_path, other, said):
    file = tmp_path / "comparison.db"
    compare([Bowl()], file=file)
    with pytest.raises(InputError, match="it is of another comparison") as refusal:
        compare(**{"problems": [Bowl()], "file": file, **other})
    assert said in str(refusal.value)
    made = []
    compare([Bowl()], file=file, callback=made.append)
    assert not made


def test_what_is_no_file_of_a_comparison_is_refused(tmp_path):
    optikit.minimize(cost, [0.0, 0.0], optimizer="scipy-powell", checkpoint=tmp_path / "run.db")
    with pytest.raises(InputError, match=r"run\.db: this is no comparison of optikit"):
        compare([Bowl()], file=tmp_path / "run.db")
    (tmp_path / "text.db").write_text("a text")
    with pytest.raises(InputError, match=r"text\.db: this is no comparison of optikit"):
        compare([Bowl()], file=tmp_path / "text.db")


@settings(max_examples=25)
@given(column=st.sampled_from(["evaluations", "vals", "start", "nfev", "seed", "reason", "seconds"]),
       value=st.sampled_from([None, "text", b"12345678", b"1234", -1]))  # fmt: skip
def test_a_tampered_trial_is_refused_or_is_still_one(tmp_path_factory, column, value):
    file = tmp_path_factory.mktemp("tampered") / "comparison.db"
    compare([Bowl()], "scipy-powell", seeds=2, file=file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE trials SET {column} = ? WHERE seed = 1", [value])
        connection.commit()
    with suppress(InputError):
        str(compare([Bowl()], "scipy-powell", seeds=2, file=file))


@pytest.mark.parametrize("workers", [None, 2])
def test_an_interrupted_comparison_gives_what_there_is_and_goes_on(tmp_path, workers):
    file, made = tmp_path / "comparison.db", []

    def interrupt(trial):
        made.append(trial)
        if len(made) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    partial = compare([Bowl(), Valley()], seeds=4, file=file, callback=interrupt, workers=workers)
    assert partial.interrupted
    assert 5 <= len(partial.trials) < 16
    assert "trials are missing" in str(partial)
    assert np.isfinite(partial.ranking().scores).all()
    whole = compare([Bowl(), Valley()], seeds=4, file=file, callback=made.append)
    assert len(made) == 16
    assert all(map(same, whole.trials, compare([Bowl(), Valley()], seeds=4).trials))


KILLED = """
import os, signal, optikit
from contests import Bowl, Valley

made = []

def kill(trial):
    made.append(trial)
    if len(made) == 5:
        os.kill(os.getpid(), signal.SIGKILL)

optikit.compare([Bowl(), Valley()], optimizers=["lbfgs", "scipy-nelder-mead"], max_evals="30d", seeds=3, file="c.db",
                callback=kill, workers=2)
"""


def test_a_comparison_that_is_killed_has_lost_nothing_that_was_done(tmp_path):
    folders = [Path(__file__).parents[1], Path(__file__).parents[1] / "plugins", Path(__file__).parent]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env=env)
    assert killed.returncode == -signal.SIGKILL
    made = []
    whole = compare([Bowl(), Valley()], file=tmp_path / "c.db", callback=made.append)
    assert len(made) == 12 - 5
    assert all(map(same, whole.trials, compare([Bowl(), Valley()]).trials))


def test_a_file_is_written_by_one_comparison_at_a_time(tmp_path):
    file, said = tmp_path / "comparison.db", []

    def intrude(trial):
        with pytest.raises(InputError, match="another run is writing to it") as refusal:
            compare([Bowl()], file=file)
        said.append(refusal)

    compare([Bowl()], "scipy-powell", file=file, callback=intrude)
    assert len(said) == 3


# What comes out


def test_everything_is_written_and_can_be_read_again(tmp_path):
    comparison = compare([Bowl(bounded=True), Bowl(), Cliff()], ["lbfgs", "random-search"], max_evals=40)
    comparison.save(tmp_path / "out")
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [trial["best"] for trial in document["trials"]] == [
        trial.best if np.isfinite(trial.best) else None for trial in comparison.trials
    ]
    assert document["verdicts"]
    sheets = {
        path.stem: list(csv.DictReader(path.read_text().splitlines())) for path in (tmp_path / "out").glob("*.csv")
    }
    assert set(sheets) == {
        "trials",
        "ranking",
        "runtimes",
        "data_profiles",
        "performance_profiles",
        "curves",
        "expected_runtimes",
    }
    assert len(sheets["trials"]) == 18
    assert all(sheets.values())
    last = {row["optimizer"]: float(row["share"]) for row in sheets["runtimes"]}
    scores = {row["optimizer"]: float(row["score"]) for row in sheets["ranking"]}
    assert last == pytest.approx(scores)  # all targets that were reached at all
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        comparison.save(tmp_path / "taken")


def test_the_trials_are_a_table_of_pandas():
    pytest.importorskip("pandas")
    frame = compare([Bowl()], seeds=2).frame()
    assert list(frame["optimizer"]) == ["lbfgs", "lbfgs", "scipy-nelder-mead", "scipy-nelder-mead"]
    assert (frame["gap"] == frame["best"]).all()


def test_the_time_of_the_function_is_a_part_of_the_time():
    for trial in compare([Bowl(), Valley(exact=True)]).trials:
        assert 0 < trial.seconds_fun <= trial.seconds
