"""Abilities: found by probing what an optimizer does, whatever it says; remembered, and never trusted further."""

import io
import json
import math
import os
import sys
import threading
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from drawn import classes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

import optikit
from optikit import (
    InputError,
    Optimizer,
    Registry,
    Solver,
    State,
    Stop,
    UnsupportedError,
    able,
    advice,
    cache,
    hookimpl,
    probe,
    registry,
)
from optikit.catalogue import find
from optikit.page import document

G, B, X, C, P, S = "needs_gradient", "bounds", "needs_box", "constraints", "batches", "stochastic"
TABLE = [
    ({G, B}, "gradient-descent adagrad rmsprop adadelta adam adamw amsgrad nadam lion rprop barzilai-borwein"),
    ({G, B}, "line-search-descent conjugate-gradients lbfgs scipy-lbfgsb scipy-tnc"),
    ({G, B, C}, "scipy-slsqp scipy-trust-constr"),
    ({G}, "scipy-cg scipy-bfgs scipy-newton-cg scipy-dogleg scipy-trust-exact scipy-trust-ncg scipy-trust-krylov"),
    ({G, B, S}, "scipy-basinhopping"),
    ({B}, "bfgs scipy-nelder-mead scipy-powell"),
    ({B, P}, "nelder-mead"),
    ({B, C}, "scipy-cobyqa"),
    ({C}, "scipy-cobyla"),
    ({B, S}, "one-plus-one-es simulated-annealing"),
    ({B, P, S}, "auto adaptive-random-search covariance-adaptation"),
    ({B, X, P, S}, "differential-evolution"),
    ({B, X}, "scipy-shgo scipy-direct"),
    ({B, X, S}, "random-search scipy-differential-evolution scipy-dual-annealing"),
    (None, "averaging lookahead multistart"),
]
"""What ours and SciPy's can do and need, written down by hand; None where that depends on another optimizer."""

KNOWN = {name: has for has, names in TABLE for name in names.split()}


def had(found):
    """Give the names of the abilities that an optimizer has, None if they are not known."""
    return {name for name in able.NAMES if getattr(found, name)} if found.complete else None


@pytest.mark.parametrize("name", KNOWN)
def test_what_a_probe_finds_is_what_is_known_by_hand(name):
    if name.startswith("scipy-"):
        pytest.importorskip("scipy")
    assert had(optikit.abilities(name)) == KNOWN[name]


def test_every_optimizer_of_ours_and_of_scipy_is_in_the_table():
    ours = {
        cls.name for cls in classes("optimizer") if cls.__module__.startswith(("optikit_optimizers", "optikit_scipy"))
    }
    assert ours == KNOWN.keys()


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("random-search", {"samples": 5}, {B, X, P, S}),
        ("random-search", {"samples": 5, "draw": "sobol"}, {B, X, P, S}),
        ("scipy-differential-evolution", {"updating": "deferred"}, {B, X, P, S}),
        ("lookahead", {"optimizer": "adam"}, {G, B}),
        ("averaging", {"optimizer": "one-plus-one-es"}, {B, S}),
        ("multistart", {"optimizer": "gradient-descent"}, {G, B, X, S}),
    ],
)
def test_fields_and_parts_change_what_an_optimizer_can(name, fields, expected):
    pytest.importorskip("scipy")
    assert had(optikit.abilities(optikit.get("optimizer", name, **fields))) == expected


def test_components_are_filtered_by_abilities():
    found = optikit.components("optimizer", needs_gradient=False, bounds=True, needs_box=True)
    wanted = {name for name, has in KNOWN.items() if has is not None and has >= {B, X} and G not in has}
    assert found.keys() & KNOWN.keys() == wanted
    assert all(found[name] is optikit.components("optimizer")[name] for name in found)
    assert optikit.components("optimizer", bounds=None, needs_gradient=False, needs_box=None) == optikit.components(
        "optimizer", needs_gradient=False
    )
    neither = optikit.components("optimizer", bounds=True).keys() | optikit.components("optimizer", bounds=False).keys()
    assert not neither & {"averaging", "lookahead", "multistart"}


def test_who_takes_constraints_says_so_in_its_first_line():
    able = optikit.components("optimizer", constraints=True)
    assert [name for name in able if "constraint" not in find(name, "optimizer").summary] == []


@pytest.mark.parametrize(
    ("kind", "wanted", "said"),
    [
        ("optimizer", {"bound": True}, "there is no ability 'bound'; did you mean 'bounds'?"),
        ("optimizer", {"bounds": "yes"}, "bounds is 'yes'; pass True, False, or None where it does not matter"),
        ("optimizer", {"needs_box": 1}, "needs_box is 1; pass True, False, or None"),
        ("loss", {"bounds": True}, "abilities are those of optimizers"),
        ("los", {"bounds": True}, "there is no kind 'los'"),
    ],
)
def test_a_wrong_filter_is_one_sentence(kind, wanted, said):
    with pytest.raises(InputError, match=said):
        optikit.components(kind, **wanted)
    with pytest.raises(InputError, match="there is no optimizer 'adm'; did you mean 'adam'"):
        optikit.abilities("adm")


# Optimizers that lie, fail or hang.


class Stepper(Optimizer[State]):
    """Goes downhill by small steps."""

    name = "stepper"

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        low, high = oracle.bounds
        _, gradient = oracle.value_and_grad(state.x)
        return State(x=np.clip(state.x - 1e-3 * gradient, low, high))


class Liar(Stepper):
    """Reads the bounds, and then does not mind them."""

    name = "liar"

    def step(self, oracle, state):
        _ = oracle.bounds
        _, gradient = oracle.value_and_grad(state.x)
        return State(x=state.x - 1e-3 * gradient)


class Blind(Stepper):
    """Does not read the bounds."""

    name = "blind"

    def step(self, oracle, state):
        _, gradient = oracle.value_and_grad(state.x)
        return State(x=state.x - 1e-3 * gradient)


class Careful(Stepper):
    """Projects its steps onto the constraint that the sum of all parameters is large enough."""

    name = "careful"

    def step(self, oracle, state):
        lowest = -math.inf if oracle.constraints is None else oracle.constraints.lower[0]
        state = super().step(oracle, state)
        return State(x=state.x + max(lowest - state.x.sum(), 0) / len(state.x))


class Careless(Stepper):
    """Reads the constraints, and then does not mind them."""

    name = "careless"

    def step(self, oracle, state):
        _ = oracle.constraints
        return super().step(oracle, state)


class Boxed(Stepper):
    """Needs a finite box."""

    name = "boxed"

    def step(self, oracle, state):
        _ = oracle.box
        return super().step(oracle, state)


class Loud(Stepper):
    """Prints and warns."""

    name = "loud"

    def step(self, oracle, state):
        print("a step")
        print("a step", file=sys.stderr)
        warnings.warn("a step", RuntimeWarning, stacklevel=1)
        return super().step(oracle, state)


class Silent(Solver):
    """Asks nothing."""

    name = "silent"

    def solve(self, oracle, x0, rng):
        return x0, Stop(True, "Nothing to do.")


class Leaving(Solver):
    """Ends its host."""

    name = "leaving"

    def solve(self, oracle, x0, rng):
        sys.exit("enough")


RELEASED = threading.Event()


class Hanging(Solver):
    """Asks nothing and does not come back."""

    name = "hanging"

    def solve(self, oracle, x0, rng):
        RELEASED.wait(60)
        return x0, Stop(True, "At last.")


class Endless(Solver):
    """Asks the same again and again, however slow the answers are."""

    name = "endless"

    def solve(self, oracle, x0, rng):
        while oracle.bounds:
            oracle.value(x0)
            time.sleep(0.01)


class Needy(Stepper):
    """Has a field without a default."""

    name = "needy"
    size: float = Field(gt=0, examples=[0.5])
    """Nothing."""


class Mute(Needy):
    """Has a field without a default, and no example for it."""

    name = "mute"
    size: float = Field(gt=0)
    """Nothing."""


class Lacking(Stepper):
    """Requires what nobody has."""

    name = "lacking"
    requires = "optikit_nothing"


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (Stepper(), {G, B}),
        (Liar(), {G}),
        (Blind(), {G}),
        (Careful(), {G, B, C}),
        (Careless(), {G, B}),
        (Boxed(), {G, B, X}),
        (Loud(), {G, B}),
        (Endless(), {B}),
    ],
)
def test_what_an_optimizer_does_counts_and_not_what_it_promises(optimizer, expected, monkeypatch):
    monkeypatch.setattr(probe, "MAX_SECONDS", 0.05)
    monkeypatch.setattr(probe, "PATIENCE", 5.0)
    assert had(probe.probed(optimizer)) == expected


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (Silent(), "it fails with bounds and without; it asks nothing"),
        (Leaving(), "it fails with bounds and without; SystemExit: enough"),
        (Lacking(), "optikit_nothing cannot be loaded (ModuleNotFoundError: No module named 'optikit_nothing')"),
    ],
)
def test_who_fails_is_unknown_with_a_reason(optimizer, said):
    found = probe.probed(optimizer)
    assert found.unknown == said
    assert had(found) is None


def test_who_does_not_come_back_is_left_alone(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.1)
    assert probe.probed(Hanging()).unknown == "hanging did not end within 0.1 seconds"
    RELEASED.set()


def test_a_probe_that_is_given_up_ends_at_its_next_question(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.1)
    monkeypatch.setattr(probe, "MAX_SECONDS", 60.0)
    ended = threading.Event()

    class Slow(Endless):
        name = "slow"

        def solve(self, oracle, x0, rng):
            try:
                return super().solve(oracle, x0, rng)
            finally:
                ended.set()

    monkeypatch.setattr(probe, "MAX_EVALS", 10**9)
    assert "did not end" in probe.probed(Slow()).unknown
    assert ended.wait(30)


def test_what_an_optimizer_prints_goes_nowhere(capfd):
    with warnings.catch_warnings(record=True) as caught:
        probe.probed(Loud())
    assert capfd.readouterr() == ("", "")
    assert caught == []


# What is remembered.


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Make an optimizer from a file the only one of the default registry; give the file and how often it was probed."""
    file = tmp_path / "planted.py"
    file.write_text("")
    module = ModuleType("planted")
    module.__file__ = str(file)
    planted = type("Planted", (Stepper,), {"name": "planted", "__module__": "planted", "__doc__": "A plant."})
    needy = type("Needing", (Needy,), {"name": "needing", "__module__": "planted", "__doc__": "A plant."})

    @hookimpl
    def optikit_components():
        return [planted, needy]

    module.optikit_components = optikit_components
    monkeypatch.setitem(sys.modules, "planted", module)
    monkeypatch.setenv("OPTIKIT_CACHE", str(tmp_path / "cache"))
    known, probes = Registry([]), []
    known.add(module, "optikit", "planted")
    assert known.faults == []
    monkeypatch.setattr(registry, "default", lambda: known)
    real = probe.probed
    monkeypatch.setattr(probe, "probed", lambda optimizer: [probes.append(optimizer.name), real(optimizer)][1])
    return file, probes


def test_an_optimizer_is_probed_once(planted):
    _, probes = planted
    first = optikit.abilities("planted")
    assert had(first) == {G, B}
    assert optikit.abilities("planted") == first
    assert list(optikit.components("optimizer", bounds=True)) == ["planted"]
    assert probes == ["planted"]
    assert "needing" not in (cache.folder() / "abilities.json").read_text()


def test_how_many_are_probed_is_said_before(planted):
    _, probes = planted
    said = []
    able.able({}, announce=lambda number: said.append((number, len(probes))))
    able.able({"bounds": True}, announce=lambda number: said.append((number, len(probes))))
    assert said == [(1, 0)]


def test_another_version_or_another_source_is_probed_again(planted, monkeypatch):
    file, probes = planted
    optikit.abilities("planted")
    os.utime(file, ns=(1, 1))
    optikit.abilities("planted")
    assert len(probes) == 2
    versions = able._versions
    monkeypatch.setattr(able, "_versions", lambda *names: [*versions(*names), "scipy 99"])
    optikit.abilities("planted")
    optikit.abilities("planted")
    assert len(probes) == 3


def test_versions_are_those_of_the_distribution_and_of_what_it_requires():
    plain, scipy = (able._versions("optikit", extra) for extra in (None, "scipy"))
    assert {f"optikit {optikit.__version__}", f"numpy {np.__version__}"} <= set(plain)
    names = [line.split()[0] for line in scipy]
    assert "scipy" in names
    assert not {"scipy", "hypothesis"} & {line.split()[0] for line in plain}
    assert "hypothesis" not in names


def test_a_component_that_no_installed_distribution_brings_is_not_remembered(planted):
    _, probes = planted
    registry.default().entries[:] = [
        registry.Entry(kind=e.kind, name=e.name, distribution="nobody's", plugin="p", summary="", item=e.item)
        for e in registry.default().entries
    ]
    assert had(optikit.abilities("planted")) == had(optikit.abilities("planted")) == {G, B}
    assert len(probes) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*able.NAMES, "unknown", "x"]), inner),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=30) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_damaged_document_is_as_if_it_were_not_there(planted, text):
    file = cache.folder() / "abilities.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text)
    assert had(optikit.abilities("planted")) == {G, B}
    assert json.loads(file.read_bytes())["optikit:planted"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values, whole=st.booleans())
def test_a_damaged_entry_is_refused_alone(planted, value, whole):
    optikit.abilities("planted")
    document = cache.recall("abilities")
    damaged = value if whole else {**document["optikit:planted"], "abilities": value}
    cache.keep("abilities", {"optikit:planted": damaged, "other": 1})
    assert had(optikit.abilities("planted")) == {G, B}
    assert cache.recall("abilities") == {**document, "other": 1}


@pytest.mark.parametrize(
    "text", [b"[" * 200_000, b'{"a": "' + b" " * cache.MOST_BYTES + b'"}', b"[1]", b"\xff", b'{"a": NaN']
)
def test_what_is_too_deep_or_too_large_is_not_read(planted, text):
    cache.folder().mkdir()
    (cache.folder() / "abilities.json").write_bytes(text)
    assert cache.recall("abilities") == {}


def test_a_folder_that_cannot_be_written_to_only_costs_time(planted, monkeypatch, tmp_path):
    _, probes = planted
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OPTIKIT_CACHE", str(tmp_path / "file" / "folder"))
    assert had(optikit.abilities("planted")) == had(optikit.abilities("planted")) == {G, B}
    assert probes == ["planted"] * 2


def test_ctrl_c_keeps_what_was_found(planted, monkeypatch):
    def interrupted(optimizer):
        if optimizer.name == "planted":
            return probe.Abilities(**dict.fromkeys(able.NAMES, True))
        raise KeyboardInterrupt

    monkeypatch.setattr(probe, "probed", interrupted)
    entries = registry.default().entries
    entries.append(entries[0])
    with pytest.raises(KeyboardInterrupt):
        able.known([entries[0], registry.Entry(
            kind="optimizer", name="slow", distribution="optikit", plugin="p", summary="", item=Endless
        )])  # fmt: skip
    assert list(cache.recall("abilities")) == ["optikit:planted"]


def test_who_is_in_a_hurry_gets_what_is_remembered_and_loads_nothing(planted):
    _, probes = planted
    assert able.able({}, seconds=0.0) == {}
    assert probes == []
    assert list(able.able({"bounds": True}, seconds=60.0)) == ["planted"]
    assert list(able.able({"bounds": True}, seconds=0.0)) == ["planted"]
    assert probes == ["planted"]
    absent = registry.Entry(
        kind="optimizer", name="lacking", distribution="optikit", plugin="p", summary="", item=Lacking
    )
    assert able.known([absent], seconds=60.0) == {}
    assert "optikit_nothing, which is not installed" in able.known([absent])["optikit:lacking"].unknown


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"OPTIKIT_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ("linux", {"XDG_CACHE_HOME": "/b"}, "/b/optikit"),
        ("linux", {"XDG_CACHE_HOME": "b"}, "/home/me/.cache/optikit"),
        ("linux", {}, "/home/me/.cache/optikit"),
        ("darwin", {"XDG_CACHE_HOME": "/b"}, "/home/me/Library/Caches/optikit"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/optikit/Cache"),
        ("win32", {}, "/home/me/AppData/Local/optikit/Cache"),
    ],
)
def test_the_folder_is_the_usual_one(platform, variables, expected, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("OPTIKIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    assert cache.folder() == Path(expected)


def test_without_a_home_nothing_is_kept(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("OPTIKIT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    cache.keep("abilities", {"a": 1})
    assert cache.recall("abilities") == {}


# Pages and their examples.


@pytest.mark.parametrize("name", optikit.components("optimizer"))
def test_the_example_of_every_optimizer_runs(name):
    entry = find(name, "optimizer")
    if entry.missing:
        assert document(entry)["example"] is None
        return
    program, printed = document(entry)["example"], io.StringIO()
    with redirect_stdout(printed):
        exec(program, {})
    assert "fun:" in printed.getvalue()


def test_the_example_of_an_optimizer_with_required_fields_has_them(planted):
    shown = document(find("needing"))
    assert shown["example_fields"] == {"size": 0.5}
    assert "size=0.5)" in shown["example"]
    assert shown["example_abilities"]["needs_gradient"] is True
    assert shown["abilities"]["unknown"] == "that depends on its field size, which has no default"
    assert '"central-difference"' in shown["example"]
    registry.default().entries[:] = [
        registry.Entry(kind="optimizer", name="mute", distribution="optikit", plugin="p", summary="", item=Mute)
    ]
    shown = document(find("mute"))
    assert shown["example"] is None
    assert shown["abilities"]["unknown"] == "that depends on its field size, which has no default"


# Advice.


SUM = optikit.LinearConstraint([1.0, 1.0], 1.0)


def parabola(x):
    return x @ x


def refused(optimizer, x0=(1.0, 2.0), **options):
    """Give the error of a run that cannot begin, and the optimizers that it names."""
    with pytest.raises(UnsupportedError) as caught:
        optikit.minimize(parabola, x0, optimizer=optimizer, **options)
    assert caught.value.result.nfev == 0
    named = str(caught.value).rpartition("(such as ")[2].removesuffix("; see `optikit list --abilities`)")
    return caught.value, named.split(", ")


@pytest.mark.parametrize(
    ("optimizer", "demand", "options"),
    [
        (Blind(), "bounds", {"bounds": (-3, 3), "gradient": lambda x: 2 * x}),
        (Blind(), "bounds", {"bounds": (-3, 3), "gradient": "central-difference"}),
        (Blind(), "bounds", {"bounds": (0, math.inf), "gradient": lambda x: 2 * x}),
        (Stepper(), "constraints", {"constraints": [SUM], "gradient": lambda x: 2 * x}),
        (Blind(), "constraints", {"constraints": [SUM], "gradient": lambda x: 2 * x}),
        ("scipy-powell", "constraints", {"constraints": [SUM]}),
        ("random-search", "box", {}),
        ("random-search", "box", {"bounds": (0, math.inf)}),
        ("adam", "gradient", {}),
        ("adam", "gradient", {"bounds": (-3, 3)}),
        ("lbfgs", "gradient", {"gradient": "analytic"}),
        (Blind(), "bounds and constraints", {"bounds": (-3, 3), "constraints": [SUM], "gradient": lambda x: 2 * x}),
    ],
)
def test_who_does_not_fit_is_told_who_does(optimizer, demand, options):
    pytest.importorskip("scipy")
    able.able({})  # no library is loaded for an error, so what is not remembered may be missing
    error, names = refused(optimizer, **options)
    assert error.demand == demand
    assert 2 <= len(names) <= advice.MOST
    if demand == "gradient":  # bfgs needs none, but takes the one that is asked for, and there is none to be had
        options = {option: value for option, value in options.items() if option != "gradient"}
    for name in names:
        result = optikit.minimize(parabola, [1.0, 2.0], optimizer=name, max_evals=5, rng=0, **options)
        assert result.nfev > 0


def test_those_are_named_first_that_are_most_like_the_chosen_one():
    _, names = refused(Blind(), bounds=(-3, 3), gradient=lambda x: 2 * x)
    found = [optikit.abilities(name) for name in names]
    assert found[0].needs_gradient
    assert not found[0].stochastic
    likeness = [len(set(optikit.abilities(Blind())) & set(one)) for one in found]
    assert likeness == sorted(likeness, reverse=True)


def test_a_training_that_cannot_begin_is_told_so_too():
    samples = np.eye(3), np.arange(3)
    model = optikit.get("model", "linear", inputs=3, outputs=3)
    with pytest.raises(UnsupportedError, match=r"searches a box; .* \(such as "):
        optikit.fit(model, "cross-entropy", samples, epochs=3, optimizer=Boxed())


def test_without_anybody_who_fits_nobody_is_named(planted):
    with pytest.raises(UnsupportedError, match=r"or choose an optimizer that needs none$"):
        optikit.minimize(parabola, [1.0, 2.0], optimizer=Stepper())
