"""Authors: what the documentation tells them, followed to the letter in a fresh environment, gives what it shows."""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "first-plugin.md").read_text(encoding="utf-8")
PLUGINS = {"my-search": "optimizer", "my-differences": "gradient-estimator", "my-layer": "model"}

pytestmark = pytest.mark.slow


class Fresh:
    """A virtual environment with the wheel of optikit in it."""

    def __init__(self, folder):
        self.folder = folder
        venv.create(folder / "venv", with_pip=True)
        names = ("HOME", "PATH", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        first = str(folder / "venv" / ("Scripts" if os.name == "nt" else "bin"))
        # Most of what is installed is never imported.
        own = {"PIP_NO_COMPILE": "1", "PATH": first + os.pathsep + kept["PATH"], "OPTIKIT_CACHE": str(folder / "cache")}
        self.environment = {**kept, **own, "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200", "PIP_NO_INPUT": "1"}
        self("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
        (self.wheel,) = folder.glob("optikit-*.whl")

    def __call__(self, *command, cwd=None, fails=False):
        done = subprocess.run(
            command if len(command) > 1 else ["bash", "-euc", command[0]],
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert fails or done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def listed(self):
        rows = json.loads(self("python", "-m", "optikit", "list", "--json"))
        return {(row["kind"], row["name"]) for row in rows if row["available"]}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh")
    ask = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder / "asked"),
        "hatchling",
    ]
    if "CI" not in os.environ and subprocess.run(ask, capture_output=True).returncode:
        pytest.skip("no package index can be reached, which a fresh environment needs; CI has one")
    return Fresh(folder)


def test_the_tutorial_followed_to_the_letter_gives_the_plugin_that_it_shows(fresh):
    (commands,) = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert "'optikit[new,testing]'" in commands
    said = fresh(commands.replace("'optikit[", f"'{fresh.wheel}[") + "\ncat src/my_search/optimizer.py\n")
    assert re.search(r"\b(\d+) passed\b", said)
    assert re.search(r"(\d+) of \1 checks ran: \1 passed", said)
    (shown,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    made = (fresh.folder / "my-search" / "src" / "my_search" / "optimizer.py").read_text(encoding="utf-8")
    assert made.partition('"""\n\n')[2] == shown
    (test,) = re.findall(r"^test_my_search = .*$", PAGE.partition("## What it is put to")[2], re.MULTILINE)[:1]
    assert test in (fresh.folder / "my-search" / "tests" / "test_my_search.py").read_text(encoding="utf-8")
    (report,) = json.loads((fresh.folder / "my-search" / "conformance.json").read_text())["components"]
    assert {verdict["outcome"] for verdict in report["verdicts"]} == {"passed"}
    fresh("python", "-m", "pip", "uninstall", "--quiet", "--yes", "my-search")


EXPERIMENT = """
[problem]
data = { name = "mnist-sample" }
model = { name = "my-layer", inputs = 784, outputs = 10 }
loss = "cross-entropy"
[runs.searched]
optimizer = "my-search"
max_evals = 5
[runs.descended]
optimizer = { name = "gradient-descent", learning_rate = 0.1 }
gradient = "analytic"
max_steps = 2
"""


def test_three_plugins_are_made_installed_used_and_taken_away_again(fresh, tmp_path):
    # With the backend at hand no build needs an environment of its own; the tutorial's has had one.
    fresh(f"python -m pip install --quiet '{fresh.wheel}[new,testing]' hatchling")
    before = fresh.listed()
    kinds = {name: kind.partition("-")[0] for name, kind in PLUGINS.items()}
    for name, kind in PLUGINS.items():
        fresh("optikit", "new", name, "--kind", kind, "--to", str(tmp_path / name))
    try:
        install = ("python", "-m", "pip", "install", "--quiet", "--no-build-isolation")
        fresh(*install, *(str(tmp_path / name) for name in PLUGINS))
        assert fresh.listed() - before == {(kind, name) for name, kind in kinds.items()}
        for name, kind in PLUGINS.items():
            passed = re.search(r"(\d+) passed", fresh("python", "-m", "pytest", "-q", cwd=tmp_path / name))
            claims = ["--claim", "bounds"] if kind == "optimizer" else []  # as the tests of the template do
            checked = re.search(r"(\d+) of \1 checks ran", fresh("optikit", "check", name, *claims, cwd=tmp_path))
            assert passed[1] == checked[1]
            assert int(passed[1]) > 10
        found = json.loads(fresh("optikit", "doctor", "--json"))
        assert {plugin["distribution"] for plugin in found["plugins"]} == {"optikit", *PLUGINS}
        assert [fault for fault in found["faults"] if fault["distribution"] in PLUGINS] == []
        (tmp_path / "three.toml").write_text(EXPERIMENT)
        fresh("optikit", "run", "three.toml", "--json", cwd=tmp_path)
        code = """
import optikit
print(optikit.minimize(lambda x: (x @ x), [1.0, 2.0], optimizer="lbfgs", gradient="my-differences").fun)
"""
        assert float(fresh("python", "-c", code)) < 1e-8
    finally:
        fresh("python", "-m", "pip", "uninstall", "--quiet", "--yes", *PLUGINS)
    assert fresh.listed() == before
    assert "my-search" in fresh("optikit", "run", "three.toml", cwd=tmp_path, fails=True)
