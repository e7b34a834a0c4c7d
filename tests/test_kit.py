"""The kit itself: a verdict says what happened, and nothing that did not run looks like something that passed."""

import json
import re
import time
import unittest
import warnings
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import strategies as st
from planted_optimizers import OPTIMIZERS
from rich.console import Console

import optikit
from optikit import InputError, Model
from optikit.cli import cli
from optikit.probe import probed
from optikit.testing import (
    Check,
    Hung,
    check,
    checks,
    conformance,
    examine,
    load,
    parametrize_checks,
    posed,
    save,
    shell,
)
from optikit.testing.subject import Subject
from optikit.testing.verdicts import LARGEST

ADAM = optikit.get("optimizer", "adam", learning_rate=0.2)


class Embedding(Model):
    """Rows of a table."""

    name = "embedding"

    def init(self, rng):
        return rng.normal(size=10)

    def __call__(self, params, inputs):
        return params.reshape(5, 2)[inputs]


def keeps(subject):
    """Keep what it owes."""
    subject.asked += 1


def fails(subject):
    """Owe what it does not keep."""
    subject.asked += 1

    @subject.drawn(number=st.integers(0, 1000))
    def holds(number):
        assert number < 7, f"{number} is too large"


def raises(subject):
    """Raise something of its own."""
    subject.asked += 1
    raise ZeroDivisionError


def skips(subject):
    """Run nowhere."""
    subject.asked += 1
    pytest.skip("not here")


def skips_otherwise(subject):
    """Run nowhere, for another runner."""
    subject.asked += 1
    raise unittest.SkipTest("not here")


def shows_nothing(subject):
    """Never look at the component."""


def hangs(subject):
    """Come back some day."""
    time.sleep(30)


MADE = {each.__name__: Check(name=each.__name__, holds=each) for each in (keeps, fails, raises, skips, shows_nothing)}
NEW = replace(MADE["fails"], name="new", since=".".join(optikit.__version__.split(".")[:2]))


@pytest.fixture
def an_earlier_release_was_the_first(monkeypatch):
    monkeypatch.setattr(check, "FIRST", "0.0")


def verdict(one, **expected):
    (found,) = examine(Subject(component=ADAM), [one], expected=expected).verdicts
    return found.outcome, found.message, found.example


@pytest.mark.usefixtures("an_earlier_release_was_the_first")
@pytest.mark.parametrize(
    ("made", "expected", "outcome", "said"),
    [
        (MADE["keeps"], {}, "passed", ""),
        (MADE["keeps"], {"keeps": "because"}, "passed unexpectedly", ""),
        (MADE["fails"], {}, "failed", "7 is too large"),
        (MADE["fails"], {"fails": "because"}, "failed as expected", "7 is too large"),
        (MADE["raises"], {}, "failed", "ZeroDivisionError (test_kit.py:"),
        (MADE["skips"], {}, "failed", "no check is skipped: not here"),
        (Check(name="skips otherwise", holds=skips_otherwise), {}, "failed", "no check is skipped: not here"),
        (MADE["shows_nothing"], {}, "failed", "the check has asked nothing of the component"),
        (NEW, {}, "failed, but is new", "7 is too large"),
        (NEW, {"new": "because"}, "failed as expected", "7 is too large"),
    ],
)
def test_a_verdict_says_what_happened(made, expected, outcome, said):
    found, message, example = verdict(made if made is NEW else replace(made, since="0.0"), **expected)
    assert found == outcome
    assert said in message
    assert ("number = 7" in example) == ("too large" in message), "the smallest example is told"


def test_a_check_that_hangs_is_ended():
    with pytest.raises(Hung, match=r"adam, hangs: nothing came back for 0\.2 seconds"):
        Check(name="hangs", holds=hangs)(Subject(component=ADAM), seconds=0.2)
    (found,) = examine(Subject(component=ADAM), [Check(name="hangs", holds=hangs)], seconds=0.2).verdicts
    assert found.outcome == "failed"


@pytest.mark.usefixtures("an_earlier_release_was_the_first")
def test_a_report_is_passed_only_if_everything_ran_and_was_good():
    subject = Subject(component=ADAM)
    firm = {name: replace(each, since="0.0") for name, each in MADE.items()}
    report = examine(subject, [firm["keeps"], firm["fails"]], expected={"fails": "because"})
    assert report.passed
    assert str(report) == "2 of 2 checks ran: 1 passed, 1 failed as expected"
    assert not examine(subject, [firm["keeps"], firm["fails"]]).passed
    assert not examine(subject, [firm["keeps"]], expected={"keeps": "because"}).passed
    assert not examine(subject, []).passed, "nothing ran"
    assert not report.model_copy(update={"checks": 3}).passed, "one did not run"
    assert examine(subject, [NEW]).passed


@pytest.mark.usefixtures("an_earlier_release_was_the_first")
def test_a_new_check_warns_and_an_old_one_fails():
    subject = Subject(component=ADAM)
    with pytest.warns(optikit.testing.ConformanceWarning, match="new in this release and will count in the next: 7 is"):
        NEW(subject)
    with pytest.raises(AssertionError, match="7 is too large"):
        replace(NEW, since="0.0")(subject)


def test_one_line_makes_a_test_of_each_check_and_expected_failures_are_strict(pytester):
    pytester.makepyfile("""
        import optikit
        from optikit.testing import conformance
        from optikit.testing.suites import SUITES, Suite
        from optikit.testing import Check, Subject

        def keeps(subject):
            subject.asked += 1

        def fails(subject):
            subject.asked += 1
            assert False, "it is wrong"

        found = [Check(name=name, holds=holds) for name, holds in (("one", keeps), ("two", fails), ("three", keeps))]
        SUITES["loss"] = Suite(Subject, found)
        huber = optikit.get("loss", "huber")
        test_huber = conformance(huber, expected={"two": "it is known", "three": "it is not"})
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-o", "addopts=").assert_outcomes(
        passed=6, xfailed=1, failed=1
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"expected": {"budgets": "x"}},
            "'budgets' is expected to fail, but there is no such check here; did",
        ),
        ({"expected": {"budget": " "}}, "'budget' is expected to fail, but not why; give the reason"),
        ({"claims": ["global"]}, "nobody can check that a optimizer is 'global'"),
        ({"at_least": 99}, "adam has 28 checks, and not the 99 that it has to have"),
        ({"inputs": (3,)}, "the checks of a optimizer take no inputs"),
        ({"claims": "local"}, r"claims is 'local'; pass a list, such as \['local'\]"),
        ({"examples": 0}, "examples is 0; a property needs one at least"),
        ({"expected": ["budget"]}, "pass what cannot be passed with the reason"),
    ],
)
def test_what_an_author_gets_wrong_is_said(arguments, said):
    with pytest.raises(InputError, match=said):
        conformance(ADAM, **arguments)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (optikit.components("data")["csv"], "Csv cannot be made .*path is required"),
        ("adam", "'adam' is no component; pass one, or its class"),
        (int, "is no component"),
    ],
)
def test_what_cannot_be_made_is_said(given, said):
    with pytest.raises(InputError, match=said):
        posed(given)


def test_several_components_are_put_to_their_checks():
    mark = parametrize_checks([ADAM, optikit.get("loss", "huber")]).mark
    assert mark.args[0] == ("subject", "check")
    assert len(mark.args[1]) == len(checks(posed(ADAM))) + len(checks(posed(optikit.get("loss", "huber"))))


@pytest.mark.parametrize(
    ("components", "expected", "said"),
    [([], {}, "there are no components to be checked"), ([ADAM], {"adan": {}}, "'adan' are expected, which is not")],
)
def test_a_test_of_nothing_is_refused(components, expected, said):
    with pytest.raises(InputError, match=said):
        parametrize_checks(components, expected=expected)


def test_what_was_found_before_an_end_is_kept(tmp_path):
    def interrupts(subject):
        raise KeyboardInterrupt

    kept = []
    with pytest.raises(KeyboardInterrupt):
        examine(
            Subject(component=ADAM),
            [MADE["keeps"], Check(name="interrupts", holds=interrupts)],
            told=lambda report: (kept.append(report), save([report], tmp_path / "conformance.json")),
        )
    (report,) = load(tmp_path / "conformance.json")
    assert kept == [report]
    assert (report.ran, report.checks, report.passed) == (1, 2, False)


def test_reports_are_read_as_they_were_written(tmp_path):
    subject = posed(ADAM)
    report = examine(subject, [each for each in checks(subject) if each.name in ("config", "described")])
    save([report, report], tmp_path / "conformance.json")
    assert load(tmp_path / "conformance.json") == (report, report)
    assert report.fields == {"learning_rate": 0.2}
    assert (report.distribution, report.version) == ("optikit", optikit.__version__)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "components": []}', '{"format": 1, "components": [{"kind": 1}]}', "[" * 9999]
)
def test_what_is_no_report_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "conformance.json"
    path.write_text(text)
    with pytest.raises(InputError, match="is no conformance report") as refused:
        load(path)
    assert "\n" not in str(refused.value)
    path.write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(InputError, match="more than 50,000,000 bytes"):
        load(path)
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path / "missing.json")
    with pytest.raises(InputError, match="cannot be written"):
        save([], tmp_path / "no" / "such" / "folder.json")


def test_a_report_that_does_not_agree_with_itself_is_refused(tmp_path):
    report = examine(Subject(component=ADAM), [MADE["keeps"], MADE["fails"]], expected={"fails": "because"})
    save([report], tmp_path / "conformance.json")
    whole = json.loads((tmp_path / "conformance.json").read_text())

    def changed(change):
        document = json.loads(json.dumps(whole))
        change(document["components"][0])
        (tmp_path / "changed.json").write_text(json.dumps(document))
        return tmp_path / "changed.json"

    for change, said in (
        (lambda one: one["verdicts"].append(one["verdicts"][0]), "two verdicts on one check"),
        (lambda one: one.update(checks=1), "2 verdicts on 1 checks"),
        (lambda one: one.update(unposed="inputs"), "says that checks did not run, and has verdicts on all of them"),
        (lambda one: one["verdicts"][1].update(expected=""), "does not say why 'fails' was expected to fail"),
    ):
        with pytest.raises(InputError, match=said):
            load(changed(change))
    with pytest.raises(InputError, match="that is no file"):
        save([report], tmp_path)


def test_a_report_of_an_older_release_is_read(tmp_path):
    report = examine(posed(ADAM), [MADE["keeps"]])
    save([report], tmp_path / "conformance.json")
    whole = json.loads((tmp_path / "conformance.json").read_text())
    del whole["components"][0]["found"], whole["components"][0]["verdicts"][0]["warned"]
    (tmp_path / "conformance.json").write_text(json.dumps(whole))
    (old,) = load(tmp_path / "conformance.json")
    assert (old.found, report.found) == ("", posed(ADAM).found)


def test_what_an_optimizer_can_do_is_said_in_one_line():
    assert posed(ADAM).found == (
        "needs a gradient, takes bounds, needs no finite box, takes no constraints, evaluates one point at a time, "
        "is deterministic"
    )
    assert posed(optikit.get("loss", "huber")).found == ""
    late = posed(OPTIMIZERS["clips-late"])
    assert late.found.endswith(
        "problems with bounds are refused: to take them, read oracle.bounds before the first question"
    )
    assert "takes no bounds, " in late.found
    assert probed(OPTIMIZERS["sound"]).in_words in posed(OPTIMIZERS["sound"]).found


def test_a_warning_is_a_remark_and_no_verdict():
    def warns(subject):
        subject.asked += 1
        for _ in range(3):
            warnings.warn("first\nand more", UserWarning, stacklevel=1)
        warnings.warn("second", UserWarning, stacklevel=1)

    check = Check(name="warns", holds=warns)
    (verdict,) = examine(Subject(component=ADAM), [check]).verdicts
    assert re.fullmatch(r"UserWarning: first \(test_kit\.py:\d+\), and 1 more", verdict.warned)
    assert (verdict.outcome, verdict.message) == ("passed", "")
    (quiet,) = examine(Subject(component=ADAM), [MADE["keeps"]]).verdicts
    assert quiet.warned == ""
    shown, subject = Console(file=StringIO(), width=300), posed(ADAM)
    assert shell._examined(subject, [check], {}, shown, lambda report: None).passed
    heading, found, row, remark, *_ = shown.file.getvalue().splitlines()
    assert (heading, found) == ("optimizer adam", subject.found)
    assert "passed" in row
    assert remark.strip() == f"warned: {verdict.warned}"


@pytest.mark.parametrize("there", [False, True])
def test_a_link_stays_one_to_the_report_that_is_written(tmp_path, there):
    target, link = tmp_path / "reports" / "mine.json", tmp_path / "conformance.json"
    target.parent.mkdir()
    if there:
        target.write_text("old")
    link.symlink_to(Path("reports", "mine.json"))
    report = examine(Subject(component=ADAM), [MADE["keeps"]])
    save([report], link)
    assert link.is_symlink()
    assert load(link) == load(target) == (report,)
    assert list(target.parent.iterdir()) == [target], "nothing is left beside it"
    link.unlink()
    link.symlink_to(link)
    with pytest.raises(InputError, match="that is no file"):
        save([report], link)
    assert link.is_symlink()


def test_what_has_to_be_known_is_said_once_and_checks_without_it_did_not_run():
    owed = checks(posed(Embedding))
    report = examine(posed(Embedding), owed, expected={"outputs": "it cannot"})
    assert report.unposed.startswith("embedding takes no rows")
    assert [verdict.outcome for verdict in report.verdicts] == ["passed"] * 6
    assert "init" in {verdict.check for verdict in report.verdicts}
    assert not report.passed
    assert str(report) == f"6 of {len(owed)} checks ran: 6 passed"
    subject, said = posed(Embedding), []
    for each in owed[6:]:
        with pytest.raises(InputError) as found:
            each(subject)
        said.append(str(found.value))
    assert said == [report.unposed] + ["not run, for the reason that 'outputs' gives"] * (len(owed) - 7)
    kept = []
    shown = Console(file=StringIO(), width=300)
    assert not shell._examined(posed(Embedding), owed, {}, shown, kept.append).passed
    assert kept[-1].unposed == report.unposed, "the file says it, too"
    out = shown.file.getvalue()
    assert out.count("takes no rows") == out.count("not run") == 1
    assert f"{len(owed) - 6} checks" in out


def run(*words):
    done = CliRunner().invoke(cli, ["check", *words], standalone_mode=False)
    return done.return_value, done.output, done.exception


def test_the_command_line_shows_every_verdict_and_writes_the_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("huber", "--set", "delta=2.0", "--claim", "convex")
    assert status == 0
    owed = len(checks(posed(optikit.get("loss", "huber"), claims=["convex"])))
    assert f"{owed} of {owed} checks ran: {owed} passed" in out
    (report,) = load(Path("conformance.json"))
    assert (report.fields, report.claims, report.passed) == ({"delta": 2.0}, ("convex",), True)
    status, out, _ = run("huber", "--expect", "mean=it is none", "--out", "other.json")
    assert (status, "passed unexpectedly" in out) == (1, True)
    assert [one["outcome"] for one in json.loads(Path("other.json").read_text())["components"][0]["verdicts"]].count(
        "passed unexpectedly"
    ) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["adma"], "there is no component 'adma'; did you mean 'adam'?"),
        (["adam", "--set", "learning_rate"], "--set learning_rate: write FIELD=VALUE"),
        (["adam", "--set", "rate=1"], "adam has no field 'rate'"),
        (["adam", "--expect", "nothing"], "--expect nothing: write CHECK=REASON"),
        (["optikit", "--claim", "convex"], "go with one of them"),
        (["csv"], "the data 'csv' cannot be made (path is required"),
        (["csv"], "say what its fields shall be: optikit check csv --set path=VALUE --set target=VALUE"),
        (["huber", "--at-least", "99"], "huber has 13 checks, and not the 99 that it has to have"),
        (["linear", "--inputs", "x"], "--inputs x: write the shape of a row, such as 3 or 28,28"),
        (["huber", "--inputs", "3"], "the checks of a loss take no inputs"),
        (["huber", "--targets", "lables"], "did you mean 'labels'?"),
    ],
)
def test_what_a_user_of_the_command_line_gets_wrong_is_said(words, said):
    _, _, error = run(*words)
    assert isinstance(error, InputError)
    assert said in str(error)
