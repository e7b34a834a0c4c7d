"""The page about a component: types, defaults, formulas and the experiment file are what they say."""

import json
import re
import tomllib
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optikit_optimizers import RandomSearch
from pydantic import Field

from optikit import Optimizer, Part, Registry, State, catalogue, formula, registry
from optikit.page import document, kind_of, page

ENTRIES = [entry for entry in registry.default().entries if entry.kind in registry.BASES]
each = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind}-{entry.name}")


class Around(Optimizer[State]):
    """Has an optimizer, two sides and some pairs."""

    name = "around"
    optimizer: Annotated[Optimizer[Any], Part("optimizer")] = RandomSearch(samples=10)
    """What it has."""
    sides: tuple[Annotated[float, Field(gt=0)], Annotated[int, Field(lt=5)]] = (1.0, 2)
    """Two numbers."""
    pairs: tuple[tuple[str, float], ...] | None = None
    """Some pairs."""

    def init(self, x0: Any, rng: np.random.Generator) -> State:
        """Begin."""
        return State(x=x0)

    def step(self, oracle: Any, state: State) -> State:
        """Ask once."""
        oracle.value(state.x)
        return state


def schema(cls):
    return cls.model_json_schema()["properties"]


def test_lists_say_what_each_item_is():
    fields = schema(Around)
    assert kind_of(fields["sides"]) == "list of (number > 0, whole number < 5)"
    assert kind_of(fields["pairs"]) == "list of (list of (text, number)) or nothing"


def words(field):
    """Give the types of a schema that are neither lists nor choices, to any depth."""
    inner = [*field.get("anyOf", []), *field.get("prefixItems", []), *([field["items"]] if "items" in field else [])]
    return {word for one in inner for word in words(one)} if inner else {json.dumps(field.get("type"))}


@each
def test_text_is_said_of_text_only(entry):
    for name, field in schema(entry.item).items():
        if "component" not in field and "enum" not in field and '"string"' not in words(field):
            assert "text" not in kind_of(field), name


def test_a_component_as_default_is_the_table_that_makes_it():
    default = schema(Around)["optimizer"]["default"]
    assert default == {"name": "random-search", "samples": 10}
    assert registry.default().make("optimizer", default) == Around().optimizer


@each
def test_the_page_is_plain_text_and_its_table_makes_the_component(entry):
    text = page(entry)
    assert not re.search(r"\\[a-z]|:math:|\.\. math|``", text.partition("\nFields\n")[0])
    section = text.partition("In an experiment file\n---------------------\n")[2].partition("\n\nIn Python\n")[0]
    table = tomllib.loads(section)
    while "name" not in table:
        (table,) = table if isinstance(table, list) else table.values()  # a run has several observers
    if entry.missing is None and "is required" not in section:
        assert type(registry.default().make(entry.kind, table)) is entry.item


def test_a_composition_has_the_table_of_its_example():
    shown = page(catalogue.find("multistart"))
    assert '[runs.NAME.optimizer]\nname = "multistart"\noptimizer = "lbfgs"\n' in shown
    assert "[runs.NAME.optimizer.schedule]\n" in page(catalogue.find("cosine"))


def test_what_depends_on_a_field_is_unknown_on_the_page_as_in_the_list():
    rows = {row["name"]: row["abilities"] for row in catalogue.optimizers({})}
    for name in ("multistart", "lookahead", "adam", "random-search"):
        assert document(catalogue.find(name))["abilities"] == rows[name]
    assert (
        "unknown: that depends on its field optimizer, which has no default\n\nFor example:\nneeds a gradient: yes\n"
    ) in page(catalogue.find("multistart"))
    assert '(found by running it for a moment, with optimizer = "lbfgs")' in page(catalogue.find("multistart"))


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"x \leftarrow x - \eta \nabla f(x)", "x \N{LEFTWARDS ARROW} x - η \N{NABLA} f(x)"),
        (r"\frac{a + b}{2h} \frac{1}{m}", "(a + b)/(2h) 1/m"),
        (r"e^{o_{ij}} \beta_1^{t+1} x_i^2", "e^(o_ij) β_1^(t+1) x_i^2"),
        (r"\sqrt{s} + \sqrt{s / t}", "√s + √(s / t)"),
        (r"\Bigl( \max_{j \ne y_i} o_j \Bigr)", "(max_(j ≠ y_i) o_j)"),
        (r"a = b, \qquad c = d \quad \text{if so}", "a = b,\nc = d\nif so"),
        (r"\begin{cases} a & x > 0 \\ b & x \le 0 \end{cases}", "{a if x > 0; b if x ≤ 0}"),
        (r"\bar x \cdot \hat s", "x\N{COMBINING MACRON} · s\N{COMBINING CIRCUMFLEX ACCENT}"),
        (r"\operatorname{Im} f^\beta, \; \unheard of", "Im f^β, unheard of"),
    ],
)
def test_formulas_read_as_plain_text(latex, expected):
    assert formula.plain(latex) == expected


@given(st.text(st.sampled_from(r"\{}^_& abfrct")))
def test_no_formula_is_an_error(latex):
    assert "\n" not in formula.plain(latex)


@given(st.text(st.sampled_from("{}^_+ ab")))
def test_no_word_of_a_formula_is_lost(latex):
    assert re.sub(r"[^ab+]", "", formula.plain(latex)) == re.sub(r"[^ab+]", "", latex)


def test_a_registry_of_its_own_describes_what_it_has(monkeypatch):
    known = Registry([])
    known.entries = [*registry.default().entries]
    known.entries.append(
        registry.Entry(kind="optimizer", name="around", distribution="d", plugin="p", summary="", item=Around)
    )
    monkeypatch.setattr(registry, "default", lambda: known)
    assert 'default {"name": "random-search", "samples": 10}' in page(catalogue.find("around"))
