"""A new plugin's project: publishable as it is made, and brought up to date without touching its author's work."""

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from optikit import InputError, scaffold
from optikit.cli import cli
from optikit.probe import probed
from optikit.scaffold import KINDS, LONGEST, RECORD, create, update

TEMPLATE = Path(scaffold.__file__).parent / "template"
words = st.from_regex(r"[a-z][a-z0-9]*(-[a-z0-9]+){1,3}", fullmatch=True).filter(lambda name: len(name) <= LONGEST)


def printable(name):
    return name.isprintable() and bool(name.strip())


def ruff(folder, *arguments):
    return subprocess.run([sys.executable, "-m", "ruff", *arguments], cwd=folder, capture_output=True, text=True)


def texts(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, phases=[Phase.generate])
@given(
    name=words, author=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(printable)
)
def test_a_project_is_whole_whatever_its_name(tmp_path_factory, kind, name, author):
    folder = tmp_path_factory.mktemp("project")
    made = create(f"zz-{name}"[:LONGEST].strip("-"), kind, folder, author)
    found = texts(folder)
    assert set(made) == set(found)
    project = tomllib.loads(found["pyproject.toml"])["project"]
    assert project["authors"] == [{"name": author}]
    package = project["entry-points"]["optikit"][project["name"]] if "entry-points" in project else None
    assert f"src/{package}/__init__.py" in found
    for path, text in found.items():
        assert path.startswith(".github") or not re.search(r"{[{%]|[%}]}", text.replace("{{k=", "")), path
        assert text.endswith("\n") or not text, path
        assert not text.endswith("\n\n"), path
        if path.endswith(".py"):
            compile(text, path, "exec")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [4, 12, LONGEST])
def test_a_project_passes_ruff_as_it_is_made(tmp_path, kind, length):
    pytest.importorskip("ruff")
    name = "zz-" + "abcdefg-" * 5
    create(name[:length].strip("-"), kind, tmp_path)
    for arguments in (["check", "."], ["format", "--check", "."]):
        done = ruff(tmp_path, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_an_optimizer_is_at_most_20_lines(tmp_path):
    create("my-search", "optimizer", tmp_path)
    text = (tmp_path / "src/my_search/optimizer.py").read_text()
    body = re.sub(r'"""[^"]*"""', "", text[text.index("    def init") :])
    assert 10 <= sum(bool(line.strip()) for line in body.splitlines()) <= 20


def test_the_example_of_an_optimizer_takes_bounds(tmp_path, monkeypatch):
    create("my-bounded", "optimizer", tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "src")
    assert probed(importlib.import_module("my_bounded").MyBounded()).bounds


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("adam", "optimizer", "optikit has the optimizer 'adam' already; choose another name, such as my-adam"),
        ("central-difference", "gradient-estimator", "optikit has the gradient-estimator 'central-difference' already"),
        ("json", "loss", "there is a module json already"),
        ("numpy", "loss", "there is a module numpy already"),
        ("class", "loss", "there is a module class already"),
        ("none", "loss", "the class of 'none' would be None, which is taken; choose another name, such as my-none"),
        ("input-error", "loss", "would be InputError, which is taken"),
        ("My_Search", "optimizer", "lower-case words joined by hyphens"),
        ("../elsewhere", "optimizer", "lower-case words joined by hyphens"),
        ("{{ 7 * 7 }}", "optimizer", "lower-case words joined by hyphens"),
        ("a" * 41, "optimizer", "at most 30 letters"),
        ("my-search", "optimiser", "--kind optimiser: write one of optimizer, gradient-estimator"),
    ],
)
def test_names_that_would_do_harm_are_refused(tmp_path, name, kind, said):
    with pytest.raises(InputError, match=re.escape(said)):
        create(name, kind, tmp_path / "project")
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_there_is_overwritten(tmp_path):
    (tmp_path / "mine.txt").write_text("my work")
    with pytest.raises(InputError, match="is there already, and no empty folder"):
        create("my-search", "optimizer", tmp_path)
    with pytest.raises(InputError, match="is there already, and no empty folder"):
        create("my-search", "optimizer", tmp_path / "mine.txt")
    assert texts(tmp_path) == {"mine.txt": "my work"}


@pytest.fixture
def newer_template(monkeypatch):
    """Make what a later release would render: three files changed, one more."""
    rendered = scaffold._rendered

    def newer(answers):
        files = rendered(answers)
        for path in ("pyproject.toml", "LICENSE", "README.md", "docs/conf.py"):
            files[path] += "# newer\n"
        return {**files, "NEWS.md": "news\n"}

    return lambda: monkeypatch.setattr(scaffold, "_rendered", newer)


def test_an_update_replaces_what_was_left_alone_and_only_that(tmp_path, newer_template):
    create("my-search", "optimizer", tmp_path, "Ann")
    made = texts(tmp_path)
    assert update(tmp_path) == ([], [], [])
    assert texts(tmp_path) == made
    (tmp_path / "README.md").write_text("my own words\n")
    (tmp_path / "docs/index.rst").write_bytes(b"caf\xe9\n")  # no UTF-8
    (tmp_path / "docs/conf.py").unlink()
    newer_template()
    assert update(tmp_path) == (["LICENSE", "pyproject.toml"], ["NEWS.md"], ["README.md.new"])
    assert (tmp_path / "docs/index.rst").read_bytes() == b"caf\xe9\n"
    (tmp_path / "docs/index.rst").unlink()
    found = texts(tmp_path)
    assert found["README.md"] == "my own words\n"
    assert found["README.md.new"] == made["README.md"] + "# newer\n"
    assert found["LICENSE"] == made["LICENSE"] + "# newer\n"
    assert "docs/conf.py" not in found
    assert {path: found[path] for path in made if path.startswith("src")} == {
        path: made[path] for path in made if path.startswith("src")
    }
    assert update(tmp_path) == ([], [], []), "an update is made once"


def test_an_update_overwrites_no_earlier_one(tmp_path, newer_template):
    create("my-search", "optimizer", tmp_path, "Ann")
    (tmp_path / "README.md").write_text("my own words\n")
    (tmp_path / "README.md.new").write_text("not looked at yet\n")
    newer_template()
    with pytest.raises(InputError, match="is there from an earlier update"):
        update(tmp_path)
    assert (tmp_path / "README.md.new").read_text() == "not looked at yet\n"


@pytest.mark.parametrize("author", ["", " ", "Ann\nBob"])
def test_an_author_has_a_name(tmp_path, author):
    with pytest.raises(InputError, match="is no name; write one, on one line"):
        create("my-search", "optimizer", tmp_path / "project", author)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "give the folder of a project that `optikit new` has made"),
        ("{", "is damaged"),
        ('{"format": 2}', "is damaged: format"),
        ('{"format": 1, "name": "../x", "kind": "loss"}', "is damaged: name"),
    ],
)
def test_what_is_no_project_is_not_updated(tmp_path, text, said):
    if text is not None:
        (tmp_path / RECORD).write_text(text)
    before = texts(tmp_path)
    with pytest.raises(InputError, match=re.escape(said)):
        update(tmp_path)
    assert texts(tmp_path) == before


def test_a_record_cannot_lead_an_update_out_of_the_project(tmp_path):
    project = tmp_path / "project"
    create("my-search", "optimizer", project)
    record = json.loads((project / RECORD).read_text())
    record["files"] = {"../outside.txt": "0" * 64}
    (project / RECORD).write_text(json.dumps(record))
    update(project)
    assert not (tmp_path / "outside.txt").exists()


def test_the_command_line_says_what_it_made_and_what_is_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["new", "my-search"])
    assert done.exit_code == 0, done.output
    assert "my-search/src/my_search/optimizer.py" in done.output
    assert "cd my-search && python -m pip install -e '.[dev]' && python -m pytest" in done.output
    done = CliRunner().invoke(cli, ["new", "--update", "my-search"])
    assert done.output == "my-search is up to date\n"


def test_without_copier_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "copier", None)
    with pytest.raises(InputError, match=re.escape("python -m pip install 'optikit[new]'")):
        create("my-search", "optimizer", tmp_path)
