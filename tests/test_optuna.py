"""Optuna's samplers: the same points as when a study is asked and told by hand, and nobody else hears of it."""

import inspect
import logging

import numpy as np
import pytest
from driven import first_batches

import optikit
from optikit import InputError, StopReason

optuna = pytest.importorskip("optuna", reason="needs optuna: python -m pip install 'optikit[optuna]'")
pytest.importorskip("cmaes")

CLASSES = {name: cls for name, cls in optikit.components("optimizer").items() if name.startswith("optuna-")}
OTHERS = {
    "optuna-random": {},
    "optuna-tpe": {"n_startup_trials": 4, "n_ei_candidates": 7, "multivariate": True, "group": True,
                   "constant_liar": False},
    "optuna-cmaes": {"n_startup_trials": 3, "popsize": 4, "use_separable_cma": True},
    "optuna-qmc": {"qmc_type": "halton", "scramble": True},
}  # fmt: skip
X0, LOW, HIGH = np.array([0.5, -1.0, 1.5]), np.array([-2.0, -1.0, 0.0]), np.array([1.0, 2.0, 3.0])

each = pytest.mark.parametrize("name", sorted(CLASSES))


def bowl(x):
    return float((x - 0.3) @ (x - 0.3))


def asked_for(optimizer, max_evals=30, rng=5, bounds=(LOW, HIGH), **arguments):
    points = []
    result = optikit.minimize(
        lambda x: points.append(x.copy()) or bowl(x), X0, optimizer=optimizer, bounds=bounds, max_evals=max_evals,
        rng=rng, **arguments,
    )  # fmt: skip
    return np.array(points), result


def by_hand(name, options, n, jobs=1, rng=5):
    seed = int(np.random.default_rng(rng).spawn(2)[0].integers(2**32))
    study = optuna.create_study(sampler=getattr(optuna.samplers, CLASSES[name].sampler)(seed=seed, **options))
    space = {f"x{i}": optuna.distributions.FloatDistribution(LOW[i], HIGH[i]) for i in range(3)}
    study.enqueue_trial({f"x{i}": X0[i] for i in range(3)})
    points = []
    while len(points) < n:
        trials = [study.ask(space) for _ in range(jobs)]
        for trial in trials:
            points.append(np.array(list(trial.params.values())))
            study.tell(trial, bowl(points[-1]))
    return np.array(points)


@each
@pytest.mark.parametrize(("other", "jobs"), [(False, 1), (True, 1), (False, 5)])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_it_asks_where_optuna_asks(name, other, jobs):
    options = OTHERS[name] if other else {}
    points, result = asked_for(CLASSES[name](**options, n_jobs=jobs))
    assert np.array_equal(points, by_hand(name, options, 30, jobs))
    assert np.array_equal(points[0], X0)
    assert (result.reason, result.nfev) == (StopReason.MAX_EVALS, 30)
    if other and name != "optuna-random":
        assert not np.array_equal(points, asked_for(name)[0])


@each
def test_fields_are_optunas_options_with_optunas_defaults(name):
    cls = CLASSES[name]
    theirs = inspect.signature(getattr(optuna.samplers, cls.sampler)).parameters
    assert set(cls.model_fields) - {"n_jobs"} <= set(theirs)
    assert set(cls.model_fields) == {*OTHERS[name], "n_jobs", *(["lr_adapt"] if name == "optuna-cmaes" else [])}
    for field, info in cls.model_fields.items():
        assert field == "n_jobs" or info.default in (None, theirs[field].default)


def test_learning_rates_adapt_where_that_is_chosen():
    assert not np.array_equal(asked_for(CLASSES["optuna-cmaes"](lr_adapt=True))[0], asked_for("optuna-cmaes")[0])


@pytest.mark.parametrize("name", ["optuna-random", "optuna-tpe", "optuna-cmaes"])
def test_another_seed_gives_other_points(name):
    assert not np.array_equal(asked_for(name, rng=1)[0], asked_for(name, rng=2)[0])


@each
def test_batches_are_asked_at_once_and_the_budget_is_exact(name):
    problem = optikit.Problem(bowl, bounds=(LOW, HIGH))
    assert first_batches(CLASSES[name](n_jobs=4), problem, X0) == [4] * 3
    assert asked_for(CLASSES[name](n_jobs=4), max_evals=10)[1].nfev == 10


def test_nothing_is_logged_and_what_others_log_is(capfd):
    said = []

    class Noting(logging.Handler):
        def emit(self, record):
            said.append(record.getMessage())

    logger, handler = logging.getLogger("optuna"), Noting()
    logger.addHandler(handler)
    try:
        before = logger.level, [list(handler.filters) for handler in logger.handlers]
        asked_for(CLASSES["optuna-tpe"](multivariate=True, group=True), max_evals=5)
        assert not said
        assert capfd.readouterr() == ("", "")
        assert (logger.level, [list(handler.filters) for handler in logger.handlers]) == before
        optuna.create_study()
        assert len(said) == 1
    finally:
        logger.removeHandler(handler)


@each
def test_a_box_is_needed_and_may_have_no_room(name):
    with pytest.raises(InputError, match="searches a box; pass finite bounds") as caught:
        asked_for(name, bounds=(LOW, np.inf))
    assert caught.value.result.nfev == 0
    high = HIGH.copy()
    high[1] = LOW[1]
    points, _ = asked_for(name, bounds=(LOW, high), max_evals=12)
    assert (points[:, 1] == LOW[1]).all()


@each
def test_a_box_whose_width_overflows_is_one_sentence(name):
    low, high = LOW.copy(), HIGH.copy()
    low[1], high[1] = -1e308, 1e308
    with pytest.raises(InputError, match=r"cannot draw x\[1\] from -1e\+308 to 1e\+308, .*; pass narrower") as caught:
        asked_for(name, bounds=(low, high))
    assert caught.value.result.nfev == 0


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("optuna-tpe", {"group": True}, "optuna-tpe: group needs multivariate = true"),
        ("optuna-cmaes", {"use_separable_cma": True, "lr_adapt": True}, "lr_adapt does not go with use_separable_cma"),
        ("optuna-tpe", {"gamma": 1}, "optuna-tpe has no field 'gamma'"),
        ("optuna-qmc", {"n_jobs": 0}, "n_jobs is 0, but must be greater than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_one_sentence(name, options, said):
    with pytest.raises(InputError, match=said):
        optikit.get("optimizer", name, **options)
