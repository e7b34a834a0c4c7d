"""The Sphinx extension: what a page and a catalogue show, what is refused and where, and what a second build reads."""

import html
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optikit import able, catalogue, registry, testing

sphinx = pytest.importorskip("sphinx")
from docutils.core import publish_doctree  # noqa: E402 - Sphinx brings it

from optikit import sphinxext  # noqa: E402
from optikit.errors import InputError  # noqa: E402
from optikit.sphinxext import component, convergence, curves, markup, pages, table  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]

COMPASS = r'''
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from optikit import GradientEstimator, Optimizer, State, hookimpl


@dataclass(kw_only=True, slots=True)
class CompassState(State):
    size: float
    fun: float = float("inf")


class CompassSearch(Optimizer[CompassState]):
    r"""Look around in all directions, and go where it is lower.

    .. math:: x \leftarrow \arg\min_i f(x \pm s e_i)

    With `size` halved where it is lower nowhere; its gradient is `forward-look`.

    Notes
    -----
    It asks :math:`2n` values a step.

    References
    ----------
    .. [1] Fermi and Metropolis (1952), "Numerical solution of a minimum
       problem", Los Alamos.
    """

    name = "compass-search"
    size: float = Field(default=0.5, gt=0, le=10)
    """First size of a step, :math:`s`."""
    names: tuple[str, ...] = ("a|b", "`c`")
    """Of nothing."""

    def init(self, x0, rng):
        return CompassState(x=x0, size=self.size)

    def step(self, oracle, state):
        sides = np.concatenate([np.eye(len(state.x)), -np.eye(len(state.x))])
        points = np.clip(state.x + state.size * sides, *oracle.bounds)
        values = oracle.values(points)
        lowest = int(np.argmin(values))
        if values[lowest] < state.fun:
            state.x, state.fun = points[lowest], float(values[lowest])
        else:
            state.size /= 2
        return state


class ForwardLook(GradientEstimator):
    """Differences to one side."""

    name = "forward-look"

    def value_and_grad(self, objective, x, rng):
        value = objective.value(x)
        return value, (objective.values(x + 1e-6 * np.eye(len(x))) - value) / 1e-6

    def cost(self, n):
        return n + 1


@hookimpl
def optikit_components():
    return [CompassSearch, ForwardLook]
'''

CONF = """
project = "compass"
extensions = ["optikit.sphinxext", "myst_parser"]
optikit_beside = ["lbfgs"]
"""

MORE = """
optikit_conformance = "conformance.json"
optikit_pages = "components"
optikit_distributions = ["others"]
"""

INDEX = """
Compass
=======

.. optikit-plugin:: optimizer:compass-search

.. toctree::

   estimator
   components/index

Here `this` is a title.  Read :optikit:component:`forward-look`, :optikit:component:`the search <compass-search>`.
"""

ESTIMATOR = """
# An estimator

```{optikit-plugin} gradient forward-look
```

It is {optikit:component}`here <optimizer compass-search>`.

```{optikit-catalogue}
:distribution: my-compass
```

```{optikit-catalogue}
:needs-gradient: yes
:bounds: yes
```
"""


class Site:
    """An author's project: a distribution that is installed, and its documentation."""

    def __init__(self, folder):
        self.folder, self.source, self.library = folder, folder / "docs", folder / "lib"
        self.install("my-compass", my_compass=COMPASS)
        self.write({"conf.py": CONF, "index.rst": INDEX, "estimator.md": ESTIMATOR})

    def install(self, distribution, **modules):
        info = self.library / f"{distribution.replace('-', '_')}-0.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.2\n")
        (info / "entry_points.txt").write_text("[optikit]\n" + "".join(f"{name} = {name}\n" for name in modules))
        for name, text in modules.items():
            (self.library / f"{name}.py").write_text(text)

    def write(self, files):
        for name, text in files.items():
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_text(text)

    def build(self, builder="html", *options):
        """Build it, and give what Sphinx prints, with its exit status."""
        path = os.pathsep.join(map(str, [self.library, ROOT, ROOT / "plugins"]))
        command = [sys.executable, "-m", "sphinx", "--keep-going", "--no-color", "-b", builder, *options]
        return subprocess.run(
            [*command, "-d", self.folder / "doctrees", self.source, self.folder / builder],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def page(self, name):
        return (self.folder / "html" / name).read_text()


def texts(page):
    """Give what a reader sees, without markup and with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def verdict(name, outcome):
    why = "it is known" if "expected" in outcome else ""
    return testing.Verdict(check=name, says="Do well.", outcome=outcome, expected=why)


def report(kind, name, verdicts):
    return testing.Report(
        kind=kind,
        name=name,
        distribution="my-compass",
        version="0.2",
        optikit="0.1.0",
        fields={},
        claims=(),
        checks=len(verdicts),
        verdicts=tuple(verdicts),
    )


def another(name, estimator):
    """Give the source of a plugin like the author's, under other names."""
    return COMPASS.replace("compass-search", name).replace("forward-look", estimator)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("site"))
    made.write({"conf.py": CONF + MORE})
    made.install("others", others=another("other-one", "a-look"))
    good = [verdict("begins", "passed"), verdict("ends", "failed as expected")]
    testing.save(
        [report("optimizer", "compass-search", good), report("gradient", "forward-look", [verdict("is", "failed")])],
        made.source / "conformance.json",
    )
    # Sphinx reads in parallel from six pages on.
    made.write({f"page{i}.rst": ":orphan:\n\nPage\n====\n" for i in range(3)})
    done = made.build("html", "-W", "-j", "2")
    assert done.returncode == 0, done.stderr
    return made


def test_a_page_has_the_fields_with_their_ranges_and_defaults(site):
    table = site.page("index.html").partition("optikit-fields")[2].partition("</table>")[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    assert [texts(row) for row in rows] == [
        "field values default meaning",
        r"size number > 0 and <= 10 0.5 First size of a step, \(s\) .",
        """names list of (text) ["a|b", "`c`"] Of nothing.""",
    ]


def test_a_page_has_formula_sections_abilities_and_example(site):
    page = site.page("index.html")
    assert r"\[x \leftarrow \arg\min_i f(x \pm s e_i)\]" in page
    assert '<p class="rubric">Notes</p>' in page
    assert "Fermi and Metropolis (1952)" in page
    assert "problem”, Los Alamos." in page
    assert "evaluates in batches : yes" in texts(page)
    assert 'optikit.get("optimizer", "compass-search")' in html.unescape(re.sub(r"<[^>]*>", "", page))
    assert "10 coordinates : 11" in texts(site.page("estimator.html"))
    assert "Convergence" not in site.page("estimator.html")


def test_a_mention_in_a_docstring_is_a_link_where_it_is_a_component(site):
    page = site.page("index.html")
    assert re.search(
        r'href="estimator\.html#optikit-gradient-forward-look"[^>]*><code[^>]*><span[^>]*>forward-look', page
    )
    assert re.search(r"With <code[^>]*><span[^>]*>size</span></code> halved", page)


def test_the_default_role_of_the_page_is_as_it_was(site):
    assert "Here <cite>this</cite> is a title." in site.page("index.html")


def test_the_schema_can_be_downloaded_and_is_folded(site):
    page = site.page("index.html")
    assert re.search(r"<details[^>]*>\s*<summary[^>]*>JSON schema", page)
    (file,) = re.findall(r'href="(_downloads/[^"]*optimizer-compass-search\.json)"', page)
    schema = json.loads((site.folder / "html" / file).read_text())
    assert schema["properties"]["size"] == {
        "default": 0.5,
        "description": "First size of a step, :math:`s`.",
        "exclusiveMinimum": 0,
        "maximum": 10,
        "title": "Size",
        "type": "number",
    }


def test_all_links_lead_somewhere(site):
    root = site.folder / "html"
    built = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*.html")}
    links = 0
    for name, page in built.items():
        for link in re.findall(r'href="([^"]*)"', page):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = html.unescape(re.sub(r"\?v=\w+", "", link)).partition("#")
            target = os.path.normpath(Path(name).parent / path) if path else name
            assert (root / target).exists(), (name, link)
            assert not anchor or f'id="{anchor}"' in built[target], (name, link)
            links += "optikit-" in anchor
    assert links >= 6


def test_a_badge_counts_the_checks_and_says_failed_where_one_has(site):
    badge = r'<div class="optikit-badge optikit-(\w+) docutils container">\s*<p>(.*?)</p>'
    said = "passed: 1 of 2 checks passed, optikit 0.1.0, 1 failed as expected"
    assert re.findall(badge, site.page("index.html")) == [("passed", said)]
    assert re.findall(badge, site.page("estimator.html")) == [("failed", "failed: 0 of 1 checks passed, optikit 0.1.0")]
    assert "optikit-badge" not in site.page("components/optimizer-other-one.html")


def test_the_rows_of_a_catalogue_have_what_the_filter_needs(site):
    _, own, others = site.page("estimator.html").split('<table class="optikit-catalogue')
    rows = re.findall(r"<tr data-(.*?) class", own)
    assert rows == [
        'kind="gradient" data-distribution="my-compass" data-extra="none"',
        'kind="optimizer" data-distribution="my-compass" data-extra="none" data-needs-gradient="no" data-bounds="yes"'
        ' data-needs-box="no" data-constraints="no" data-batches="yes" data-stochastic="no"',
    ]
    assert 'href="index.html#optikit-optimizer-compass-search"' in own
    expected = [
        row["name"]
        for row in catalogue.optimizers({"needs_gradient": True, "bounds": True})
        if "stage" not in row and row["distribution"] == "optikit"
    ]
    shown = re.findall(r"<tr data-.*?<code[^>]*><span[^>]*>(.*?)</span>", others)
    assert {"lbfgs", "adam"} <= set(shown) == set(expected)
    assert 'src="_static/optikit.js' in site.page("index.html")
    assert not re.search(r"https?://|fetch|XMLHttp", (site.folder / "html" / "_static" / "optikit.js").read_text())


def test_the_pages_that_were_asked_for_are_there(site):
    assert "compass-search" not in texts(site.page("components/index.html")).partition("Components")[2][:400]
    assert "Look around in all directions" in site.page("components/optimizer-other-one.html")
    assert sorted(path.name for path in (site.source / "components").iterdir()) == [
        "gradient-a-look.rst",
        "index.rst",
        "optimizer-other-one.rst",
    ]


def test_a_second_build_reads_what_has_changed_and_nothing_else(site):
    assert "0 added, 0 changed, 0 removed" in site.build("html", "-W").stdout
    source = site.library / "others.py"
    source.write_text(source.read_text().replace("Look around", "Look about"))
    done = site.build("html", "-W")
    # The two pages about it, and the catalogues that have it, or might.
    assert sorted(re.findall(r"reading sources\.\.\. \[.*?\] (\S+)", done.stdout)) == [
        "components/gradient-a-look",
        "components/index",
        "components/optimizer-other-one",
        "estimator",
    ]
    assert "Look about" in site.page("components/optimizer-other-one.html")
    reports = site.source / "conformance.json"
    reports.write_text(reports.read_text().replace('"failed as expected"', '"passed unexpectedly"'))
    site.build("html", "-W")
    assert "failed: 1 of 2 checks" in site.page("index.html")


def test_a_newly_installed_distribution_is_in_the_catalogues(site):
    site.install("newcomer", newcomer=another("newcomer", "new-look"))
    try:
        done = site.build("html", "-W")
        assert re.search(r"[4-9] changed", done.stdout), done.stdout
    finally:
        for path in [*site.library.glob("newcomer*/*"), site.library / "newcomer.py"]:
            path.unlink()
        next(site.library.glob("newcomer*")).rmdir()


@pytest.mark.parametrize("builder", ["text", "latex"])
def test_other_builders_work(site, builder):
    done = site.build(builder, "-W", "-E")
    assert done.returncode == 0, done.stderr
    if builder == "text":
        assert "number > 0 and <= 10" in (site.folder / "text" / "index.txt").read_text()


def test_it_gets_on_with_numpydoc_and_intersphinx(site, tmp_path):
    pytest.importorskip("numpydoc")
    other = Site(tmp_path)
    conf = CONF.replace('"myst_parser"', '"sphinx.ext.autodoc", "sphinx.ext.intersphinx", "numpydoc"')
    inventory = site.folder / "html" / "objects.inv"
    conf += f'default_role = "strong"\nintersphinx_mapping = {{"other": ("https://other.test", {str(inventory)!r})}}\n'
    other.write({"conf.py": conf})
    (other.source / "estimator.md").unlink()
    text = INDEX.partition(".. toctree")[0]
    other.write({"index.rst": f"{text}It is `strong`, and no :optikit:component:`optimizer:other-one`.\n"})
    done = other.build("html", "-W")
    assert done.returncode == 0, done.stderr
    page = other.page("index.html")
    assert '<p class="rubric">Notes</p>' in page
    assert "Fermi and Metropolis" in page
    assert "Methods" not in texts(page)  # those of pydantic, which are no business of a reader's
    assert "model_dump" not in page
    assert "It is <strong>strong</strong>, and no" in page
    assert 'href="https://other.test/components/optimizer-other-one.html#optikit-optimizer-other-one"' in page


WRONG = {
    "optikit-plugin:: optimizer:compas-search": "there is no optimizer 'compas-search'; did you mean 'compass-search'?",
    "optikit-plugin:: optimzer:compass-search": "there is no kind 'optimzer'; did you mean 'optimizer'?",
    "optikit-plugin:: compas-search": "there is no component 'compas-search'; did you mean 'compass-search'?",
    "optikit-plugin:: optimizer:broken-one": "(broken could not be loaded; see `optikit doctor`)",
    "optikit-catalogue::\n   :kind: optimisers": "there is no kind 'optimisers'; did you mean 'optimizer'?",
    "optikit-catalogue::\n   :bounds: maybe": 'choose from "yes", or "no"',
    "optikit-catalogue::\n   :kind: loss\n   :bounds: yes": "a loss has no abilities; leave out bounds",
    "optikit-catalogue::\n   :distribution: compass": "no distribution 'compass' brings components; did you mean",
    "optikit-catalogue::\n   :sort: name": 'unknown option: "sort"',
}


def test_what_is_wrong_is_one_warning_at_its_place_and_the_build_goes_on(tmp_path):
    site = Site(tmp_path)
    site.install("broken", broken="1 / 0\n")
    pages = {f"wrong{i}.rst": f"Wrong\n=====\n\n.. {text}\n" for i, text in enumerate(WRONG)}
    pages["refers.rst"] = "Refers\n======\n\nTo :optikit:component:`compas-search` and :optikit:component:`adam`.\n"
    pages["twice.rst"] = "Twice\n=====\n\n.. optikit-plugin:: compass-search\n"
    others = "".join(f"   {name.removesuffix('.rst')}\n" for name in pages)
    site.write({**pages, "index.rst": INDEX.replace("   components/index\n", others)})
    site.write({"conf.py": CONF + 'optikit_conformance = ["none.json", "tampered.json"]\noptikit_pictures = False\n'})
    site.write({"tampered.json": '{"format": 1, "components": [{"kind": "optimizer"}]}'})
    done = site.build("html", "-W")
    assert done.returncode == 1
    said = done.stderr
    for i, sentence in enumerate(WRONG.values()):
        place = f"wrong{i}.rst:4"
        assert re.search(rf"{place}: (WARNING|ERROR): .*(\n.*){{0,4}}?{re.escape(sentence)}", said), (place, said)
    assert "refers.rst:4: WARNING: there is no component 'compas-search'; did you mean 'compass-search'?" in said
    assert "refers.rst:4: WARNING: 'optimizer:adam' has no page here; show it with `optikit-plugin`" in said
    assert "optimizer:compass-search: it is shown in " in said
    assert "ZeroDivisionError: division by zero (broken, import, " in said
    assert "none.json: the report cannot be read (No such file or directory)" in said
    assert "tampered.json is no conformance report: components.0.name is required and missing" in said
    assert "optikit-fields" in site.page("index.html")
    assert "optikit-convergence" not in site.page("index.html")


def entry(name):
    return catalogue.find(name, "optimizer")


def test_the_picture_is_an_image_with_a_text_and_the_colours_of_the_page(site):
    (figure,) = re.findall(r'<figure class="optikit-convergence">.*?</figure>', site.page("index.html"), re.DOTALL)
    svg = ET.fromstring(figure)[0]
    assert svg.get("role") == "img"
    assert "compass-search" in svg.get("aria-label")
    assert "lbfgs" in svg.get("aria-label")
    assert svg.get("aria-label").count(" after ") == 6
    assert "currentColor" in figure
    assert "#010203" not in figure
    assert "<style" not in figure
    assert not re.search(r"20\d\d-\d\d-\d\d", figure)
    names = re.findall(r' id="(.*?)"', figure)
    assert len(names) == len(set(names))


def test_the_picture_is_the_same_whether_its_curves_are_measured_or_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTIKIT_CACHE", str(tmp_path))
    pytest.importorskip("matplotlib")
    measured = convergence.picture(entry("one-plus-one-es"), ["no-such-one"])
    assert (tmp_path / "curves.json").exists()
    monkeypatch.setattr(curves, "minimize", None)
    assert convergence.picture(entry("one-plus-one-es"), []) == measured


def test_curves_are_measured_again_when_the_code_changes_or_the_cache_is_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTIKIT_CACHE", str(tmp_path))
    known = curves.curves(entry("lbfgs"))
    assert list(known) == [function.name for function in curves.FUNCTIONS]
    whole = (tmp_path / "curves.json").read_text()
    for damaged in ["", whole[:-30], whole.replace('"curves"', '"kurves"'), whole.replace('"state": "', '"state": "0')]:
        (tmp_path / "curves.json").write_text(damaged)
        assert curves.curves(entry("lbfgs")) == known
    monkeypatch.setattr(able, "state", lambda entry: "changed")
    monkeypatch.setattr(curves, "_measured", lambda entry: {})
    assert curves.curves(entry("lbfgs")) == {}


@pytest.mark.parametrize("function", curves.FUNCTIONS, ids=lambda function: function.name)
@given(x=arrays(float, 4, elements=st.floats(-3, 3)))
def test_the_gradients_of_the_functions_are_right(function, x):
    step = 1e-6 * np.eye(4)
    differences = [(function.fun(x + h) - function.fun(x - h)) / 2e-6 for h in step]
    # The third derivatives are below 3e3, the values below 4e4.
    assert np.allclose(function.gradient(x), differences, rtol=1e-5, atol=1e-3)


@given(values=st.lists(st.floats(0, 1e9), min_size=1, max_size=300))
def test_a_thinned_curve_goes_down_from_the_first_value_to_the_last(values):
    best = np.minimum.accumulate(values)
    counts, kept = curves._thinned(best)
    assert (counts[0], counts[-1]) == (1, len(values))
    assert counts == sorted(set(counts))
    assert kept == sorted(kept, reverse=True)
    assert kept == [float(f"{best[count - 1]:.3g}") for count in counts]
    assert len(counts) <= curves.POINTS + 1


@given(st.text("`\\*|_:<>[]ab1. é", min_size=1).map(str.strip).filter(bool))
@example("a``.b")
def test_code_is_shown_as_it_is(text):
    text = " ".join(text.split())
    assert publish_doctree(f"Say {markup.literal(text)} .").astext() == f"Say {text} ."


def test_every_value_and_option_is_documented():
    text = (ROOT / "docs" / "plugins.md").read_text()
    values = re.findall(r'add_config_value\("(\w+)"', Path(sphinxext.__file__).read_text())
    assert len(values) == 5
    options = {**component.PluginDirective.option_spec, **table.CatalogueDirective.option_spec}
    for word in [*(f"`{value}`" for value in values), *(f"`:{option}:" for option in options)]:
        assert word in text, word


def test_pages_are_not_written_again_and_those_of_others_are_left_alone(tmp_path):
    def write(*distributions):
        config = SimpleNamespace(optikit_pages="components", optikit_distributions=list(distributions))
        pages.write_pages(SimpleNamespace(srcdir=tmp_path, config=config))
        return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    folder = tmp_path / "components"
    first = write("optikit")
    names = {
        f"{entry.kind}-{entry.name}.rst" for entry in registry.default().entries if entry.distribution == "optikit"
    }
    assert set(first) == names | {"index.rst"}
    (folder / "of-mine.rst").write_text("Mine\n====\n")
    (folder / "optimizer-gone.rst").write_text(pages.MARK)
    assert write("optikit") == first | {"of-mine.rst": (folder / "of-mine.rst").stat().st_mtime_ns}
    (folder / "optimizer-adam.rst").write_text("Mine\n====\n")
    with pytest.raises(InputError, match=r"optimizer-adam.rst is not of our making; move it"):
        write("optikit")
    with pytest.raises(InputError, match=r"no distribution 'optkit' brings components; did you mean 'optikit'\?"):
        write("optkit")
