"""Advice: what is seen of a problem is so, it costs what it may, and what is recommended works."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import optikit
from optikit import InputError, registry
from optikit.choice.advise import advised, described
from optikit.choice.rules import RULES
from optikit.choice.traits import Traits, look

KNOWN = {"n": 5, "budget": 1000, "gradient": False, "box": True, "bounded": True, "constrained": False}
KNOWN |= {"minibatches": False}
"""Traits of a function in a box."""


def seen(fun, n, seed):
    """Look at a function in a box, as if it could be evaluated 10,000 times."""
    return look(optikit.Problem(fun, bounds=(-5, 5)), np.full(n, 0.5), 10_000, 400, np.random.default_rng(seed))


def rosenbrock(x):
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def rastrigin(x):
    return float(10 * len(x) + (x * x - 10 * np.cos(2 * np.pi * x)).sum())


@given(
    n=st.integers(1, 6),
    budget=st.integers(1, 20_000),
    share=st.floats(0, 1),
    low=st.sampled_from([-math.inf, -5.0]),
    high=st.sampled_from([2.0, math.inf]),
    seed=st.integers(0, 99),
    raises=st.booleans(),
)
@settings(max_examples=25)
def test_it_looks_inside_the_bounds_and_spends_no_more_than_its_share(n, budget, share, low, high, seed, raises):
    asked, lost = [], []

    def fun(x):
        assert ((low <= x) & (x <= high)).all()
        asked.append(x)
        if raises and x[0] > 0:
            lost.append(x)
            raise ValueError("not here")
        return rosenbrock(x) + x @ x

    advice = optikit.advise(fun, np.zeros(n), bounds=(low, high), max_evals=budget, share=share, rng=seed)
    assert advice.traits.spent == len(asked) <= min(400, share * budget)
    assert advice.traits.failing == (len(lost) / len(asked) if asked else 0)


@given(seed=st.integers(0, 10**6))
def test_it_is_the_same_again_with_the_same_seed(seed):
    first, second = (seen(rastrigin, 3, seed).model_dump(exclude={"seconds"}) for _ in range(2))
    assert first == second


@given(seed=st.integers(0, 10**6), n=st.integers(1, 8), size=st.floats(1e-3, 1e3))
def test_polynomials_are_smooth_and_quadratic_ones_have_one_valley(seed, n, size):
    rng = np.random.default_rng(seed)
    root, linear = rng.normal(size=(n, n)), rng.normal(size=n)

    def quadratic(x):
        return float(size * (((root @ x) ** 2).sum() + linear @ x))

    traits = seen(quadratic, n, seed)
    assert (traits.noise, traits.smooth, traits.rugged) == (0, True, False)
    assert seen(lambda x: quadratic(x) ** 2, n, seed).smooth


@given(seed=st.integers(0, 10**6), n=st.integers(1, 8))
def test_kinks_on_a_grid_and_jumps_are_seen(seed, n):
    def sawtooth(x):
        return float(np.abs((200 * x) % 2 - 1).sum())

    for fun in (sawtooth, lambda x: float(np.floor(500 * x).sum())):
        assert seen(fun, n, seed).smooth is False


@given(seed=st.integers(0, 10**6), n=st.integers(1, 5))
def test_many_valleys_are_seen(seed, n):
    assert seen(rastrigin, n, seed).rugged


@given(seed=st.integers(0, 10**6), size=st.floats(1e-9, 1e3))
def test_noise_is_seen_and_measured_and_is_no_valley(seed, size):
    rng = np.random.default_rng(seed)
    traits = seen(lambda x: float(x @ x) + size * rng.normal(), 2, seed)
    assert traits.noisy
    assert traits.smooth is None
    if size < 0.1:
        assert traits.rugged is False
        # The range is that of x @ x on lines through the box; eight draws tell a deviation to a factor of some.
        assert size / 100 < traits.noise < size


TRAITS = st.builds(
    Traits,
    n=st.sampled_from([1, 2, 3, 5, 40, 1000, 5000]),
    budget=st.integers(1, 10**6),
    gradient=st.booleans(),
    box=st.booleans(),
    bounded=st.just(True),
    constrained=st.booleans(),
    minibatches=st.booleans(),
    noise=st.sampled_from([None, 0.0, 0.1]),
    smooth=st.sampled_from([None, True, False]),
    rugged=st.sampled_from([None, True, False]),
    failing=st.sampled_from([0.0, 0.5]),
    seconds=st.sampled_from([None, 1e-3]),
)


@given(traits=TRAITS)
def test_the_first_rules_that_hold_count_and_it_says_which(traits):
    advice = advised(traits)
    holding = [rule for rule in RULES if rule.holds(traits)]
    assert advice.rules == tuple(rule.name for rule in holding)
    places = [advice.rules.index(each.rule) for each in advice.recommended]
    assert places == sorted(places)
    names = [each.optimizer for each in advice.recommended]
    assert len(set(names)) == len(names) <= 3
    by_name = {rule.name: rule for rule in holding}
    assert all(each.optimizer in by_name[each.rule].optimizers for each in advice.recommended)
    assert described(traits) in str(advice)
    assert all(each.optimizer in str(advice) for each in advice.recommended)


@pytest.mark.parametrize("case", list(itertools.product([True, False], repeat=3)))
def test_what_is_recommended_takes_the_problem(case):
    exact, boxed, constrained = case
    options = {"bounds": (-5, 5)} if boxed else {}
    options |= {"gradient": lambda x: 2 * x} if exact else {}
    options |= {"constraints": [optikit.LinearConstraint([[1, 1]], upper=1)]} if constrained else {}
    advice = optikit.advise(lambda x: float(x @ x), [1.0, 2.0], max_evals=3000, rng=0, **options)
    assert advice.recommended
    for each in advice.recommended:
        chosen = {"gradient": each.gradient} if each.gradient else {}
        optikit.minimize(
            lambda x: float(x @ x), [0.1, 0.2], optimizer=each.optimizer, max_evals=50, rng=0, **options | chosen
        )


def test_every_name_in_the_rules_is_one_of_ours():
    for rule in RULES:
        for name in rule.optimizers:
            registry.default().find("optimizer", name)
        if rule.gradient is not None:
            registry.default().find("gradient", rule.gradient)
        assert rule.holds(Traits(**KNOWN)) in (True, False)


def test_what_would_change_its_mind_is_what_it_says_then():
    advice = advised(Traits(**KNOWN, smooth=True, rugged=False, noise=0.0))
    assert (
        advice.otherwise["it had an exact gradient"]
        == advised(Traits(**{**KNOWN, "gradient": True})).recommended[0].optimizer
    )
    assert all(name != advice.recommended[0].optimizer for name in advice.otherwise.values())


def test_what_is_not_installed_is_named_apart(monkeypatch):
    entries = [entry for entry in registry.default().entries if entry.kind == "optimizer"]
    lacking = {entry.name for entry in entries if entry.item.requires == "scipy"}
    real = registry.find_spec
    monkeypatch.setattr(optikit.registry, "find_spec", lambda name: None if name == "scipy" else real(name))
    advice = advised(Traits(**KNOWN, smooth=True))
    assert "scipy-slsqp" in advice.missing
    assert not lacking & {each.optimizer for each in advice.recommended}
    assert "scipy-slsqp" in str(advice)


def test_models_are_looked_at_too():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 2))
    model, loss = optikit.get("model", "linear", inputs=2, outputs=2), optikit.get("loss", "cross-entropy")
    for batch_size, first in ((5, "adam"), (None, "lbfgs")):
        problem = optikit.Problem.of(model, loss, inputs, rng.integers(2, size=30), batch_size)
        advice = optikit.advise(problem, model.init(rng), max_evals=2000, rng=0)
        assert advice.traits.gradient
        assert advice.recommended[0].optimizer == first


@pytest.mark.parametrize("share", [-0.1, 1.5, math.nan])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match="from 0 to 1"):
        optikit.advise(rosenbrock, [0.0, 0.0], share=share)


def test_ctrl_c_is_not_a_failure_of_the_function():
    def fun(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optikit.advise(fun, [0.0, 0.0], rng=0)


def test_the_table_in_the_docs_is_the_one_that_is_read():
    text = (Path(__file__).parent.parent / "docs" / "choosing.md").read_text(encoding="utf-8")
    for rule in RULES:
        estimator = f" with `{rule.gradient}`" if rule.gradient else ""
        names = ", ".join(f"`{name}`" for name in rule.optimizers)
        assert f"| `{rule.name}` | {rule.when} | {names}{estimator} | {rule.because} | {rule.evidence} |\n" in text
