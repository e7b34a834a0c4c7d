"""The page of a comparison: it is whole, holds what was found, asks for nothing, and runs no label."""

import base64
import hashlib
import json
import re
import sys
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from contests import Bowl, Cliff, Unknown, Valley
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError
from optikit.cli import main
from optikit.comparison.cases import Case
from optikit.comparison.html import page as pages
from optikit.comparison.html import styles
from optikit.comparison.html.charts import all_charts
from optikit.comparison.html.text import bare, clean, told
from optikit.comparison.notes import caveats, verdicts
from optikit.comparison.outcome import Comparison
from optikit.comparison.terms import Terms
from optikit.comparison.trial import Trial

bokeh = pytest.importorskip("bokeh")

VOID = {"meta", "br", "img", "input", "hr", "link"}


class Read(HTMLParser):
    """A page as read: its elements with their attributes, and its text; refuses elements that are not closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.inner = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.open
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.inner.append((self.open[-1] if self.open else "", data))

    def handle_comment(self, data):
        raise AssertionError("there is no comment in a page")

    def of(self, tag):
        """Give the attributes of all such elements."""
        return [attrs for one, attrs in self.elements if one == tag]

    @property
    def text(self):
        """All that is read, but for scripts."""
        return "".join(data for tag, data in self.inner if tag not in ("script", "style"))

    @property
    def scripts(self):
        """All scripts that run."""
        return [data for tag, data in self.inner if tag == "script"][1:]

    @property
    def charts(self):
        """What figures are filled with."""
        (packed,) = [data for tag, data in self.inner if tag == "script"][:1]
        return {chart["key"]: chart for chart in json.loads(zlib.decompress(base64.b64decode(packed)))}


def compared(problems=None, optimizers=("lbfgs", "random-search", "scipy-nelder-mead"), seeds=2):
    problems = [Bowl(bounded=True), Valley(n=2, bounded=True), Unknown()] if problems is None else problems
    return optikit.compare(problems, optimizers=optimizers, max_evals="20d", seeds=seeds)


@pytest.fixture(scope="module")
def comparison():
    return compared()


@pytest.fixture(scope="module")
def page(comparison):
    return pages.page(comparison)


@pytest.fixture
def quick(monkeypatch):
    """Leave Bokeh's own source out of pages."""
    monkeypatch.setattr(pages, "library", lambda: "0;")


def made(problems, optimizers, seeds=2, length=60, message=""):
    """Make up a comparison, with random numbers for results; where there is a message, a part of the trials failed."""
    rng, trials = np.random.default_rng(4), []
    cases = [Case(label, 2 + 3 * (p % 3), 0.0 if p % 2 else None, posed=None) for p, label in enumerate(problems)]
    for case in cases:
        for one in optimizers:
            for seed in range(seeds):
                numbers = np.unique(rng.integers(1, 1000 * case.n, length))
                failed = bool(message) and rng.random() < 0.2
                trials.append(
                    Trial(
                        problem=case.label, optimizer=one, seed=seed, start=1e5, evaluations=numbers,
                        values=np.sort(10 ** rng.uniform(-9, 5, len(numbers)))[::-1], nfev=1000 * case.n, njev=3,
                        seconds=rng.random(), seconds_fun=0.01, reason="error" if failed else "max_evals",
                        message=f"{message} {rng.random()}",
                    )
                )  # fmt: skip
    return Comparison(cases, optimizers, range(seeds), Terms(max_evals="1000d", root=1), trials)


# The page as such


def test_the_page_is_whole(page):
    read = Read(page)
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    referred = [attrs[name] for _, attrs in read.elements for name in ("aria-labelledby", "for") if name in attrs]
    assert set(referred) <= set(ids)
    assert {"width=device-width, initial-scale=1"} <= {attrs.get("content") for attrs in read.of("meta")}


def test_the_page_asks_for_nothing(page):
    read = Read(page)
    asking = {"src", "srcset", "href", "action", "formaction", "data", "poster", "background", "xlink:href", "ping"}
    assert not [(tag, attrs) for tag, attrs in read.elements if asking & set(attrs)]
    assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in read.elements}
    written = "".join(data for tag, data in read.inner if tag == "style")
    written += "".join(attrs.get("style", "") for _, attrs in read.elements)
    assert not re.search(r"url\s*\(|@import|https?:", written)
    # The addresses in Bokeh's own source are for features that the page does not use; the policy bars them.
    (policy,) = [attrs["content"] for attrs in read.of("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("img-src") == "data: blob:"
    assert rules.pop("style-src") == "'unsafe-inline'"
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in read.scripts}
    assert set(rules.pop("script-src").split()) == {f"'sha256-{digest}'" for digest in digests}
    assert set(rules.values()) == {"'none'"}
    assert "http" not in read.scripts[1]


def test_nothing_in_the_page_has_a_handler(page):
    assert not [name for _, attrs in Read(page).elements for name in attrs if name.startswith("on")]


def test_the_page_of_20_optimizers_on_30_problems_has_at_most_2_megabytes(tmp_path):
    problems = [f"a-problem-with-a-long-name:dimension={number},condition=1000000.0" for number in range(30)]
    optimizers = [f"multistart:optimizer=scipy-trust-constr,restarts={number}" for number in range(20)]
    file = tmp_path / "page.html"
    made(problems, optimizers, message="ValueError: the matrix is singular to working precision: ").html(file)
    assert file.stat().st_size < 2_000_000


# What is in it


def test_every_optimizer_and_problem_is_in_it(page, comparison):
    read = Read(page)
    for label in [*comparison.optimizers, *(case.label for case in comparison.problems)]:
        assert label in read.text
    assert [attrs["title"] for attrs in read.of("button") if "data-number" in attrs] == list(comparison.optimizers)
    charts = read.charts
    assert len(charts["convergence"]["sheets"]) == len(comparison.problems)
    for chart in charts.values():
        for sheet in chart["sheets"]:
            assert len(sheet["curves"]) == len(comparison.optimizers)


def test_every_figure_is_described_and_stands_in_a_table(page):
    read = Read(page)
    plots = [attrs for attrs in read.of("div") if attrs.get("class") == "plot"]
    assert {plot["id"] for plot in plots} == set(read.charts)
    assert all(plot["role"] == "img" and len(plot["aria-label"]) > 40 for plot in plots)
    sections = re.findall(r"<section.*?</section>", page.partition("<script")[0], re.DOTALL)
    assert all("<table" in section for section in sections if 'class="plot"' in section)


def test_figures_show_the_statistics(page, comparison):
    charts = Read(page).charts
    for key, of in [
        ("runtimes", comparison.ecdf),
        ("data-profile", lambda places: comparison.data_profile(0.1, places)),
        ("performance-profile", lambda places: comparison.performance_profile(0.1, places)),
    ]:
        sheet = charts[key]["sheets"][0]
        places, shown = np.array(sheet["x"][0]), np.array(sheet["curves"])[:, 0]
        # Places have five digits, so a step may lie on either side of one; shares have three decimals.
        assert np.all(shown >= of(places * (1 - 2e-5)) - 6e-4)
        assert np.all(shown <= of(places * (1 + 2e-5)) + 6e-4)
    for case, sheet in zip(comparison.problems, charts["convergence"]["sheets"], strict=True):
        numbers, floor = np.array(sheet["x"][0]), comparison.targets(case.label)[-1]
        for which, name in enumerate(comparison.optimizers):
            curve = np.maximum(comparison.curve(case.label, name, numbers), floor) - comparison.lowest(case.label)
            shown = np.array(sheet["curves"][which], dtype=float)[[1, 0, 2]]
            assert np.allclose(shown, np.where(np.isinf(curve), np.nan, np.log10(curve)), atol=2e-3, equal_nan=True)


def test_runtimes_are_shown_for_each_dimension(comparison):
    chart = next(chart for chart in all_charts(comparison) if chart.key == "runtimes")
    assert [sheet.label for sheet in chart.sheets] == ["all problems", "n = 2", "n = 3"]
    alone = compared([Valley(n=2, bounded=True)])
    assert np.array_equal(chart.sheets[1].bands[:, 0], alone.ecdf(chart.sheets[1].x))


def test_the_ranking_says_what_is_separated_and_what_is_not(page, comparison):
    ranking, text = comparison.ranking(), Read(page).text
    said = [*verdicts(comparison, ranking), *caveats(comparison)]
    assert len(said) >= 2
    for sentence in [*said, *(f"{score:.3f}" for score in ranking.scores)]:
        assert sentence in text


def test_what_failed_or_was_refused_is_listed_with_its_sentence(quick):
    comparison = compared([Cliff(), Bowl()], ["lbfgs", "scipy-differential-evolution"])
    text = Read(pages.page(comparison)).text
    failed = [trial for trial in comparison.trials if trial.failed]
    assert {trial.reason for trial in failed} == {"refused", "error"}
    for trial in failed:
        assert clean(trial.message, 300) in text


def test_of_many_failures_some_are_listed_and_the_others_counted(quick):
    comparison = made(["a", "b"], ["x", "y", "z"], seeds=120, length=3, message="it is broken")
    some = sum(trial.failed for trial in comparison.trials)
    text = Read(pages.page(comparison)).text
    assert some > 100
    assert text.count("it is broken") == 100
    assert f"And {some - 100} more" in text


def test_a_comparison_that_has_no_trial_yet_has_a_page(quick):
    case = Case("a", 2, 0.0, posed=None)
    nothing = Comparison([case], ["x", "y"], range(2), Terms(max_evals=9, root=0), [], interrupted=True)
    read = Read(pages.page(nothing))
    assert read.charts == {}
    assert "0 of 4, as the comparison was interrupted" in read.text


def test_a_problem_without_any_value_has_an_empty_sheet(quick):
    comparison = made(["a", "b"], ["x", "y"])
    trials = [
        Trial(
            problem="c", optimizer=one, seed=seed, start=np.inf, evaluations=np.zeros(0, int), values=np.zeros(0),
            nfev=0, njev=0, seconds=0.0, seconds_fun=0.0, reason="error", message="no",
        )
        for one in "xy" for seed in range(2)
    ]  # fmt: skip
    cases = [*comparison.problems, Case("c", 2, None, posed=None)]
    whole = Comparison(cases, ["x", "y"], range(2), comparison.terms, [*comparison.trials, *trials])
    sheet = Read(pages.page(whole)).charts["convergence"]["sheets"][2]
    assert {value for curve in sheet["curves"] for band in curve for value in band} == {None}


# Labels

HOSTILE = [
    "<script>document.title=1</script>",
    '"><img src=x onerror="document.title=1">',
    "' onmouseover='document.title=1",
    "</script><script>document.title=1</script>",
    "</bdi></button><style>*{background:url(//x)}</style>",
    "<!-- ]]> -->",
    "$bokeh ${policy} {{data}} %s @x{safe}",
    r"$$\href{javascript:1}{x}$$ \[x\]",
    "&lt;b&gt;&amp;&#60;",
    "[red]gone[/red] \\[b]",
    "\N{RIGHT-TO-LEFT OVERRIDE}esrever",
    "\x00\x1b[31m\x07",
    "\ud800",
    "x" * 5000,
]


def structure(text):
    return [(tag, sorted(attrs)) for tag, attrs in Read(text).elements]


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_label_is_text(label, quick):
    text = pages.page(made([label, "b"], [label, "y"], message=f"broken {label}", length=3))
    assert structure(text) == structure(pages.page(made(["a", "b"], ["x", "y"], message="broken", length=3)))
    read = Read(text)
    assert clean(label) in read.text
    assert clean(label) in [attrs.get("title") for attrs in read.of("button")]
    text.encode("utf-8")


@given(st.text(), st.sampled_from(["<>&\"'", "<script>", "-->", "</bdi>"]))
def test_told_text_is_read_as_it_was_said(text, odd):
    read = Read(f'<p title="{bare(text + odd)}">{told(text + odd)}</p>')
    assert [tag for tag, _ in read.elements] == ["p", "bdi"]
    assert read.text == clean(text + odd)
    assert read.of("p") == [{"title": clean(text + odd)}]


@given(st.text())
def test_clean_text_is_one_line_that_can_be_seen(text):
    shown = clean(text, 50)
    assert len(shown) <= 53
    assert shown.isprintable() or any(letter.isspace() for letter in shown)
    shown.encode("utf-8")


# Looks


def luminance(colour):
    levels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    light, dark = sorted((luminance(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


GROUNDS = re.findall(r"--ground: (#\w{6})", (pages.resources.files(pages.__package__) / "page.css").read_text())

SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""How linear red, green and blue look to whom: Machado, Oliveira, Fernandes, IEEE TVCG 15 (2009), severity 1."""


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(to_xyz @ rgb, 0, None) / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(("colours", "ground"), [(styles.LIGHT, GROUNDS[0]), (styles.DARK, GROUNDS[1])])
def test_colours_stand_out_from_their_ground_and_from_each_other_for_everybody(colours, ground):
    # 3 : 1 is what WCAG 2.1 asks for graphics (1.4.11); two colours 10 apart in CIELAB are told apart side by side.
    assert all(contrast(colour, ground) >= 3 for colour in colours)
    for sight in SIGHTS.values():
        seen = [lab(np.clip(sight @ luminance(colour), 0, 1)) for colour in colours]
        apart = [np.linalg.norm(a - b) for at, a in enumerate(seen) for b in seen[:at]]
        assert min(apart) > 10


def test_no_two_of_140_optimizers_look_the_same():
    looks = [styles.style(number) for number in range(140)]
    assert len(set(looks)) == 140
    # Nor do any twenty in one colour share their dash.
    assert len({(look.colour, look.dash) for look in looks[:20]}) == 20


# What goes wrong


def test_without_bokeh_there_is_one_sentence(comparison, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    monkeypatch.setitem(sys.modules, "bokeh.resources", None)
    with pytest.raises(InputError, match=r"run `python -m pip install 'optikit\[report\]'`"):
        comparison.html(tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Compare on the command line, with further words, in a folder of its own; give exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        asked = ["sphere:dimension=2", "--optimizers", "lbfgs,scipy-powell", "--max-evals", "9", "--seeds", "2", *words]
        monkeypatch.setattr("sys.argv", ["optikit", "compare", *asked])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_the_command_writes_a_page(command, tmp_path):
    status, out, err = command("--html", "page.html")
    assert (status, err, out.splitlines()[-1]) == (0, "", "page: page.html")
    assert "2 optimizers on 1 problem" in Read((tmp_path / "page.html").read_text(encoding="utf-8")).text


def test_the_command_misses_bokeh_before_anything_is_evaluated(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bokeh.resources", None)
    status, out, err = command("--html", "page.html", "--file", "trials.db")
    assert (status, out) == (2, "")
    assert "a page needs bokeh, which is not installed" in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_refused(comparison, tmp_path, quick):
    with pytest.raises(InputError, match=r"it cannot be written .*; give another file"):
        comparison.html(tmp_path / "no" / "page.html")
