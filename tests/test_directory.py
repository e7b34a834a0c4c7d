"""The directory of plugins: made of wheels and reports, and nothing of what is listed is run or believed."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from test_plugins import Plugin, build

from optikit import InputError
from optikit.testing import checks, load

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCRIPT = DOCS / "make_directory.py"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


directory, conformance = script("make_directory"), script("make_conformance")

MALICIOUS = "Great](javascript:x) <script>alert(1)</script> | `code` **bold**\\"


class Described(Plugin):
    """A distribution that says something of itself."""

    def metadata(self):
        files = super().metadata()
        said = {"one-search": "Searches once.", "two-search": MALICIOUS, "three-search": "x" * 5000}[self.name]
        files["METADATA"] = files["METADATA"].replace("Version: 1.0\n", f"Version: 1.0\nSummary: {said}\n")
        return files


WHEELS = [
    Described(name="one-search", source="raise SystemExit('was run')", api=("1", "2")),
    Described(name="two-search", source="raise SystemExit('was run')"),
    Described(name="three-search", source="raise SystemExit('was run')"),
]
VERDICTS = [
    {"check": "one", "says": "It holds.", "outcome": "passed"},
    {"check": "two", "says": "It holds, too.", "outcome": "failed", "message": "It does not."},
]
REPORT = {
    "kind": "optimizer",
    "name": "one-search",
    "distribution": "one-search",
    "version": "1.0",
    "optikit": "0.1.0",
    "fields": {},
    "claims": [],
    "checks": 1,
    "verdicts": VERDICTS[:1],
}


@pytest.fixture
def given(tmp_path):
    for plugin in WHEELS:
        build(plugin, tmp_path)
    names = ["two-search", "One_Search", "three-search", "not-there"]
    lines = [f'[[plugin]]\nname = "{name}"\nurl = "https://example.org/{name}"\n' for name in names]
    (tmp_path / "list.toml").write_text("\n".join(lines))
    failing = REPORT | {"name": "other", "version": "0.9", "checks": 2, "verdicts": VERDICTS}
    (tmp_path / "one-search.json").write_text(json.dumps({"format": 1, "components": [REPORT, failing]}))
    return tmp_path


def test_the_page_is_made_of_three_wheels_and_a_report(given):
    page = directory.page(given / "list.toml", given, given)
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| [")}
    assert len(rows) == 4
    assert rows["[One\\_Search](https://example.org/One_Search)"] == (
        "| [One\\_Search](https://example.org/One_Search) | 1.0 | Searches once. | unsaid | 1, 2 | "
        "optimizer one-search: 1 of 1 checks ran: 1 passed<br>"
        "optimizer other: 2 of 2 checks ran: 1 passed, 1 failed, at version 0.9 (not passed) |"
    )
    assert "no metadata were found" in rows["[not-there](https://example.org/not-there)"]
    assert len(rows["[three-search](https://example.org/three-search)"]) < 500
    assert "To be listed is no endorsement" in page
    assert "no plugin of a third party" not in page


def test_what_a_plugin_says_of_itself_is_text_and_no_markup(given):
    page = directory.page(given / "list.toml", given)
    (row,) = [line for line in page.splitlines() if line.startswith("| [two-search]")]
    assert "<script" not in row.replace("\\<", "")
    assert "Great\\](javascript:x)" in row
    assert row.replace("\\|", "").count("|") == 7
    (given / "list.toml").write_text('[[plugin]]\nname = "x"\nurl = "a) <b> (c"\n')
    assert "| [x](a%29%20%3Cb%3E%20%28c) |" in directory.page(given / "list.toml")
    (given / "list.toml").write_text('[[plugin]]\nname = "x"\nurl = "https://e.org/a_(b)?c=%20&d#e"\n')
    assert "| [x](https://e.org/a_%28b%29?c=%20&d#e) |" in directory.page(given / "list.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no list of plugins"),
        ("nonsense", "is no list of plugins"),
        ('[[plugin]]\nname = "x"\n', "plugin 1 is {'name': 'x'}; write a name and a url"),
        ('[[plugin]]\nname = "x"\nurl = 1\n', "write a name and a url"),
        ('[[plugin]]\nname = "x"\nurl = ""\nstars = 5\n', "and nothing else"),
        ("plugin = [1]\n", "plugin 1 is 1"),
        ("plugin = 3\n", "is no list of plugins; write [[plugin]] tables"),
        ("[plugin]\nname = 'x'\nurl = ''\n", "is no list of plugins; write [[plugin]] tables"),
        ("[[plugin]]\nurl = ''\n", "plugin 1 is {'url': ''}; write a name and a url"),
        ("[[plugin]]\nname = 'x'\nurl = 'javascript:alert(1)'\n", "write one that begins with https://"),
        ("[[plugin]]\nname = ' '\nurl = ''\n", "plugin 1 has no name; write that of its distribution"),
        (
            "".join(f"[[plugin]]\nname = '{name}'\nurl = ''\n" for name in ("A_b", "c", "a-b")),
            "plugins 1 and 3 are the same distribution, a-b; remove one",
        ),
    ],
)
def test_a_wrong_list_is_refused_in_one_sentence(tmp_path, text, said):
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        directory.read(tmp_path / "list.toml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wheel_that_inflates_is_not_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb-1.0.dist-info/METADATA", "Summary: " + "x" * 10_000_000)
    with pytest.raises(InputError, match="has no METADATA with a version"):
        directory.described("bomb", tmp_path)


@pytest.mark.parametrize("files", [{}, {"METADATA": "Summary: x\n"}, {"RECORD": "Version: 1.0\n"}])
def test_a_wheel_without_metadata_is_told_in_one_sentence(tmp_path, files):
    wheel = tmp_path / "bare-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"bare-1.0.dist-info/{name}", text)
    with pytest.raises(InputError) as caught:
        directory.described("bare", tmp_path)
    assert str(caught.value) == (
        f"{wheel} is damaged (it has no METADATA with a version); fetch it again, or remove it"
    )


def test_a_list_in_another_encoding_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "list.toml").write_bytes(b"# \xff\n")
    with pytest.raises(InputError, match="is no list of plugins"):
        directory.read(tmp_path / "list.toml")


@drawn(data=st.data())
def test_a_damaged_wheel_is_told_in_one_sentence_or_read_as_it_is(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    whole = build(WHEELS[0], folder).read_bytes()
    begin, end = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=2, max_size=2)))
    (wheel,) = folder.glob("*.whl")
    wheel.write_bytes(whole[:begin] + data.draw(st.binary(max_size=9)) + whole[end:])
    said = f"{wheel} is damaged ("
    try:
        directory.described("one-search", folder)
    except InputError as error:
        said = str(error)
    assert said.startswith(f"{wheel} is damaged (")
    assert "\n" not in said


def test_the_script_ends_with_one_sentence(given):
    (wheel,) = given.glob("one_search*.whl")
    wheel.write_bytes(b"nothing")
    command = [sys.executable, str(SCRIPT), "--list", str(given / "list.toml"), "--out", str(given / "made.md")]
    done = subprocess.run([*command, "--wheels", str(given)], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"{wheel} is damaged (")
    out = given / "no" / "made.md"
    done = subprocess.run([*command[:-1], str(out)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"{out} cannot be written (No such file or directory); give another --out\n"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # what was said before is read first
@drawn(versions=st.permutations(["1.9", "1.10", "2.0rc1", "2.0", "0.99.1"]), number=st.integers(1, 5))
def test_of_several_wheels_the_newest_is_taken_and_said(tmp_path_factory, capsys, versions, number):
    folder = tmp_path_factory.mktemp("several")
    for version in versions[:number]:
        with zipfile.ZipFile(folder / f"One_Search-{version}-py3-none-any.whl", "w") as archive:
            archive.writestr(f"one_search-{version}.dist-info/METADATA", f"Version: {version}")
    order = ["0.99.1", "1.9", "1.10", "2.0rc1", "2.0"]
    wanted = max(versions[:number], key=order.index)
    capsys.readouterr()
    about, _ = directory.described("one-search", folder)
    assert about["Version"] == wanted
    said = f"one-search: of {number} wheels One_Search-{wanted}-py3-none-any.whl is taken, the newest\n"
    assert capsys.readouterr().err == (said if number > 1 else "")


def test_of_many_components_the_sum_is_told_and_who_did_not_pass(given):
    good = [REPORT | {"name": f"search-{number}"} for number in range(1200)]
    bad = REPORT | {"name": "other", "checks": 2, "verdicts": VERDICTS}
    (given / "one-search.json").write_text(json.dumps({"format": 1, "components": [*good, bad]}))
    page = directory.page(given / "list.toml", given, given)
    assert (
        "| 1201 components: 1,202 of 1,202 checks ran: 1,201 passed, 1 failed<br>"
        "optimizer other: 2 of 2 checks ran: 1 passed, 1 failed (not passed) |"
    ) in page


def test_our_own_report_counts_what_the_kit_says_now():
    kept = {(report.kind, report.name): report for report in load(DOCS / "conformance" / "optikit.json")}
    subjects = {(subject.component.kind, subject.name): subject for subject in conformance.subjects()}
    assert list(kept) == list(subjects)
    for key, subject in subjects.items():
        report = kept[key]
        assert [verdict.check for verdict in report.verdicts] == [check.name for check in checks(subject)]
        reasons = {verdict.check: verdict.expected for verdict in report.verdicts if verdict.expected}
        assert reasons == conformance.expected(subject)
        assert (report.passed, report.version) == (True, metadata.version("optikit"))
        assert report.fields == subject.component.model_dump(mode="json", exclude_defaults=True)
        assert report.claims == tuple(sorted(subject.claims))
        assert report.found == subject.found


def test_our_own_report_is_small_and_made_by_the_script():
    path = DOCS / "conformance" / "optikit.json"
    assert path.stat().st_size < 100_000
    assert path.read_text() == conformance.written(load(path))


def test_the_page_of_the_docs_is_what_the_script_makes(tmp_path):
    subprocess.run([sys.executable, str(SCRIPT), "--out", str(tmp_path / "made.md")], check=True)
    made, kept = (
        (folder / name).read_text().splitlines() for folder, name in ((tmp_path, "made.md"), (DOCS, "directory.md"))
    )
    assert [line for line in made if "[optikit]" not in line] == [line for line in kept if "[optikit]" not in line]
    (row,) = [line for line in kept if "[optikit]" in line]
    assert row.startswith("| [optikit](../README.md) |")
    assert row.endswith(
        f"| {directory.told(load(DOCS / 'conformance' / 'optikit.json'), metadata.version('optikit'))} |"
    )
