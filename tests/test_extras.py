"""A component that needs a library of its own: listed without it, refused in one sentence, and no fault."""

import json
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from optikit import InputError, Loss, Registry, catalogue, hookimpl, minimize, page, registry
from optikit.cli import main

INSTALL = "run `python -m pip install 'some-losses[{}]'`"


def needing(module, name="needing"):
    class Made(Loss):
        """A loss that needs a library."""

        requires = module

        def __call__(self, outputs, targets):
            return 0.0

    Made.name = name
    return Made


def known_with(*classes):
    @hookimpl
    def optikit_components():
        return list(classes)

    made = Registry([])
    made.add(SimpleNamespace(optikit_components=optikit_components), "some-losses", "losses")
    return made


@pytest.fixture
def told(monkeypatch, capsys):
    """Run the command line over a registry of these classes; give status, stdout and stderr."""

    def run(classes, *words):
        made = known_with(*classes)
        monkeypatch.setattr(registry, "default", lambda: made)
        monkeypatch.setattr(sys, "argv", ["optikit", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def unimported(monkeypatch):
    """A library that is there, and must not be imported."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    yield "colorsys"
    assert "colorsys" not in sys.modules


def test_without_its_library_a_component_is_listed_and_the_row_says_what_to_do(told, unimported):
    classes = [needing("absent_lib"), needing(None, "plain"), needing(unimported, "there")]
    status, out, err = told(classes, "list", "--json")
    assert (status, err) == (0, "")
    lacking, plain, there = json.loads(out)
    assert lacking == {
        "kind": "loss",
        "name": "needing",
        "distribution": "some-losses",
        "summary": "A loss that needs a library.",
        "available": False,
        "extra": "absent_lib",
        "problem": "it needs absent_lib, which is not installed",
        "remedy": INSTALL.format("absent_lib"),
    }
    for row in (plain, there):
        assert row["available"]
        assert "extra" not in row
    status, out, err = told(classes, "list")
    assert f"it needs absent_lib, which is not installed; {INSTALL.format('absent_lib')}\n" in out
    assert (status, err) == (0, "1 needs an extra that is not installed\n")


def test_what_is_broken_and_what_only_needs_an_extra_are_counted_apart(told):
    classes = [needing("absent_lib"), needing("absent_lib", "second"), needing("absent_lib", "Bad_Name")]
    _, _, err = told(classes, "list")
    assert err == "2 need an extra that is not installed\n1 cannot be used; `optikit doctor` says why\n"


def test_show_says_whether_the_library_is_there(told, unimported):
    _, out, _ = told([needing("absent_lib")], "show", "needing")
    assert f"needs absent_lib, which is not installed; {INSTALL.format('absent_lib')}\n" in out
    _, out, _ = told([needing(unimported)], "show", "needing")
    assert f"needs {unimported}, which is installed\n" in out
    _, out, _ = told([needing("absent_lib")], "show", "needing", "--json")
    shown = json.loads(out)
    assert (shown["requires"], shown["available"], shown["extra"]) == ("absent_lib", False, "absent_lib")
    _, out, _ = told([needing(None)], "show", "needing", "--json")
    assert "requires" not in json.loads(out)


@pytest.mark.parametrize("given", ["name", "table", "object"])
def test_a_component_without_its_library_is_refused_when_it_is_chosen(given):
    cls = needing("absent_lib")
    made = known_with(cls)
    with pytest.raises(InputError) as caught:
        made.make("loss", {"name": "needing", "table": {"name": "needing"}, "object": cls()}[given])
    assert str(caught.value) == (
        f"the loss 'needing' needs absent_lib, which is not installed; {INSTALL.format('absent_lib')}"
    )


def test_a_component_with_its_library_is_made_without_importing_it(unimported):
    cls = needing(unimported)
    assert type(known_with(cls).make("loss", "needing")) is cls


def test_a_library_that_was_put_together_by_hand_counts_as_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "absent_lib", SimpleNamespace(__spec__=None))
    known_with(needing("absent_lib")).make("loss", "needing")


@pytest.mark.parametrize("bad", [("jax",), "jax.numpy", "scikit-learn", "", 3])
def test_what_is_required_is_one_top_level_module(bad):
    made = known_with(needing(bad))
    (fault,) = made.faults
    assert f"requires is {bad!r}; it must be the name of one top-level module" in fault.problem


@pytest.mark.parametrize("name", ["autograd", "jax", "torch"])
def test_minimize_refuses_a_missing_library_before_anything_is_evaluated(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)  # to Python, that is as if it were not there
    calls = []
    for gradient in (name, registry.default().components("gradient")[name]()):
        with pytest.raises(InputError, match=rf"needs {name}, .*; run `python -m pip install 'optikit\[{name}\]'`"):
            minimize(lambda x: calls.append(1), [1.0], optimizer="gradient-descent", gradient=gradient)
    assert not calls
    assert not page.described(catalogue.find(name))["available"]


def test_what_the_built_in_components_require_is_an_extra_of_the_distribution():

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    ours = [entry.item for entry in registry.default().entries if entry.distribution == "optikit"]
    required = {getattr(item, "requires", None) for item in ours} - {None}
    assert {"autograd", "jax", "scipy", "torch"} <= required <= set(project["optional-dependencies"])
