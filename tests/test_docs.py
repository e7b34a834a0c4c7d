"""The README and the documentation: every code block runs, CI runs the commands, and every hook is there."""

import importlib.util
import inspect
import re
import sys
import tomllib
from pathlib import Path

import pytest
from test_layers import LAYERS

import optikit
from optikit import hookspecs
from optikit.experiment import ExperimentTable
from optikit.registry import Registry
from optikit.testing import checks, examine, posed
from optikit.testing.suites import SUITES

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language):
    """Find the code blocks of a language, with file and line."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match[1], id=f"{page.name}:{line}"))
    return found


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Import a code block as a module, as a reader would who saved it."""

    def run(code, name="block"):
        path = tmp_path / f"{name}.py"
        path.write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return run


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_block_runs(code, imported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    for module in re.findall(r"^import (\w+)", code, re.MULTILINE):
        if module in EXTRAS:
            pytest.importorskip(module)  # CI installs them, and allows no skip
    imported(code)


@pytest.mark.parametrize("code", blocks("toml"))
def test_every_toml_block_is_valid(code):
    tables = tomllib.loads(code)
    if "problem" in tables:
        if "name" in tables["problem"]:  # its fields are those of a component
            optikit.registry.default().make("problem", tables["problem"])
            tables["problem"] = {}
        experiment = ExperimentTable.model_validate(tables)
        for run in experiment.runs.values():
            optikit.registry.default().make("optimizer", run.optimizer)
        for kind in ("model", "loss"):
            if (given := getattr(experiment.problem, kind)) is not None:
                optikit.registry.default().make(kind, given)
    else:
        assert tables["project"]["entry-points"]["optikit"]


@pytest.mark.parametrize("name", ["RandomDirection", "EnoughAnswers", "Milestones", "HalfAbsolute", "Valley"])
def test_the_components_of_the_documentation_pass_the_checks_of_their_kinds(imported, name):
    (code,) = [block.values[0] for block in blocks("python") if f"class {name}(" in block.values[0]]
    subject = posed(getattr(imported(code), name))
    report = examine(subject, checks(subject))
    assert report.passed, report


def test_the_plugin_of_the_readme_is_about_twenty_lines_and_works(imported):
    (code,) = [block.values[0] for block in blocks("python") if "CompassSearch" in block.values[0]]
    cls = code[code.index("class CompassSearch") : code.index("@hookimpl")]
    assert len([line for line in cls.splitlines() if line.strip()]) <= 20
    registry = Registry([])
    registry.add(imported(code, "my_compass"), "my-compass", "compass")
    assert registry.faults == []
    schema = registry.find("optimizer", "compass-search").model_json_schema()
    assert schema["properties"]["size"]["description"] == "First size of a step."
    search = registry.make("optimizer", {"name": "compass-search", "size": 0.5})
    result = optikit.minimize(lambda x: float(((x - 0.3) ** 2).sum()), [1.0, 1.0], optimizer=search, bounds=(-1, 1))
    assert result.success
    assert abs(result.x - 0.3).max() < 1e-5


def test_what_the_readme_prints_is_what_the_code_prints(imported, capsys):
    readme = PAGES[0].read_text(encoding="utf-8")
    (code,) = [block.values[0] for block in blocks("python") if "def rosenbrock" in block.values[0]]
    (shown,) = [block.values[0] for block in blocks("text") if block.id.startswith("README")]
    imported(code)
    printed = capsys.readouterr().out
    # The last digits of a value near zero depend on the processor.
    significant = [line for line in shown.splitlines() if "fun:" not in line]
    assert [line for line in printed.splitlines()[:4] if "fun:" not in line] == significant
    assert "MINIMIZE" not in readme


def test_the_two_commands_are_there_and_ci_runs_them():
    readme, script = PAGES[0].read_text(), (ROOT / ".ci" / "run").read_text()
    assert "\npython -m pip install '.[plot]' && optikit run examples/mnist.toml\n" in readme
    assert "\npython -m pip install '.[plot,test]' && python -m pytest\n" in readme
    assert "uv run --extra plot optikit run examples/mnist.toml" in readme
    assert "uv run --extra plot --extra test python -m pytest" in readme
    assert "readme plot,test" in script


def test_the_extras_that_are_named_are_there():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = re.findall(r"pip install\s'(?:\.|optikit)\[([\w,]+)\]'", text)
    assert {"scipy", "autograd", "plot,test"} <= set(named)
    assert {extra for extras in named for extra in extras.split(",")} <= EXTRAS.keys()


def test_every_hook_and_its_arguments_are_documented():
    text = (ROOT / "docs" / "plugins.md").read_text()
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("optikit_")}
    assert hooks
    for name, hook in hooks.items():
        arguments = ", ".join(inspect.signature(hook).parameters)
        assert f"`{name}({arguments})`" in text


def test_every_link_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_layers_of_the_design_are_those_that_are_tested():
    text = (ROOT / "docs" / "design.md").read_text()
    assert re.sub(r"\s+", " ", " < ".join(LAYERS)) in re.sub(r"\s+", " ", text)


def test_examples_in_docstrings_work():
    import doctest

    from optikit import run

    outcome = doctest.testmod(run)
    assert outcome.attempted
    assert not outcome.failed


def test_the_first_word_of_the_readme_and_the_licence():
    assert PAGES[0].read_text().startswith("# optikit\n")
    assert "BSD 3-Clause" in (ROOT / "LICENSE").read_text()
    assert "Creative Commons" in (ROOT / "plugins" / "optikit_data" / "MNIST-LICENCE.md").read_text()


def test_the_results_of_the_readme_are_those_of_the_example():
    table = dict(re.findall(r"^\| ([\w-]+) \| .*? \| (0\.\d+) \|", PAGES[0].read_text(), re.MULTILINE))
    tables = tomllib.loads((ROOT / "examples" / "mnist.toml").read_text())
    assert list(table) == list(tables["runs"]) == ["random-search", "numerical-gradient", "backprop"]
    assert float(table["backprop"]) >= 0.92
    assert 0.05 < float(table["random-search"]) < 0.25


def test_the_documentation_lists_every_check_of_the_kinds():
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for kind in set(SUITES) - {"optimizer"}:  # these have a table of their own
        for check in SUITES[kind].checks:
            assert f"| {kind} | {check.name} | {check.says} |" in text, check.name
