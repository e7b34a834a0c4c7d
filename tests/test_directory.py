"""The directory of plugins: made of wheels and reports, and nothing of what is listed is run or believed."""

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from test_plugins import Plugin, build

from optikit import InputError

DOCS = Path(__file__).resolve().parents[1] / "docs"
SCRIPT = DOCS / "make_directory.py"
spec = importlib.util.spec_from_file_location("make_directory", SCRIPT)
directory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(directory)

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
    assert "| [x](abc) |" in directory.page(given / "list.toml").replace("a b c", "abc")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no list of plugins"),
        ("nonsense", "is no list of plugins"),
        ('[[plugin]]\nname = "x"\n', "plugin 1 is {'name': 'x'}; write a name and a url"),
        ('[[plugin]]\nname = "x"\nurl = 1\n', "write a name and a url"),
        ('[[plugin]]\nname = "x"\nurl = ""\nstars = 5\n', "and nothing else"),
        ("plugin = [1]\n", "plugin 1 is 1"),
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
    about, _ = directory.described("bomb", tmp_path)
    assert about["Summary"] is None


def test_the_page_of_the_docs_is_what_the_script_makes(tmp_path):
    subprocess.run([sys.executable, str(SCRIPT), "--out", str(tmp_path / "made.md")], check=True)
    made, kept = (
        (folder / name).read_text().splitlines() for folder, name in ((tmp_path, "made.md"), (DOCS, "directory.md"))
    )
    assert [line for line in made if "[optikit]" not in line] == [line for line in kept if "[optikit]" not in line]
    (row,) = [line for line in kept if "[optikit]" in line]
    assert row.startswith("| [optikit](../README.md) |")
