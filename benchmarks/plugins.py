"""Plugins: what a hundred of them, among five hundred other distributions, cost who looks a component up.

Run by hand: ``python benchmarks/plugins.py [--out FILE.json]``.  The distributions are made in a temporary folder, each
plugin a module with one optimizer of one field, compiled as an installer does.  Each number is of a fresh process,
in turns with the same process without that folder, and is the processor time of the one less that of the other.
"""

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import harness

ROUNDS, PLUGINS, OTHERS = 15, 100, 500

MODULE = '''"""A light plugin."""

from pydantic import Field

from optikit import Optimizer, State, hookimpl


class Halving{number}(Optimizer[State]):
    """Go a part of the way to zero."""

    name = "halving-{number}"
    part: float = Field(default=0.5, gt=0, lt=1)
    """How large a part."""

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        oracle.value(state.x * self.part)
        return State(x=state.x * self.part)


@hookimpl
def optikit_components():
    return [Halving{number}]
'''

TASKS = {
    "the names, as `optikit list --plugins`": ("from optikit import registry", "registry.installed()"),
    "all components, as any look-up": ("import optikit; from optikit import registry", "registry.default()"),
}
"""What is there before the clock runs, and what is timed."""


def distribution(site: Path, name: str, files: dict[str, str]) -> None:
    """Write what an installer leaves of a distribution, with metadata of the usual length."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n" + "Classifier: Private\n" * 20 + "\nText.\n" * 100
    for path, text in {"METADATA": metadata, "RECORD": "", "INSTALLER": "pip\n", **files}.items():
        (info / path).write_text(text, encoding="utf-8")


def environment(site: Path) -> None:
    """Put the distributions into a folder."""
    for number in range(OTHERS):
        # Half of them have entry points, for other programs.
        points = {"entry_points.txt": f"[console_scripts]\nother{number} = other{number}:main\n"} if number % 2 else {}
        distribution(site, f"other{number}", points)
    for number in range(PLUGINS):
        stated = f"[optikit]\nlight{number} = light{number}\n\n[optikit.api]\n1 = light{number}\n"
        distribution(site, f"light{number}", {"entry_points.txt": stated})
        (site / f"light{number}.py").write_text(MODULE.format(number=number), encoding="utf-8")
    compileall.compile_dir(site, quiet=1)


def milliseconds(task: tuple[str, str], *folders: Path) -> float:
    """Let a fresh process time itself."""
    before, timed = task
    code = f"import json, time\n{before}\nstart = time.process_time()\n{timed}\nspent = time.process_time() - start\n"
    code += "print(json.dumps([spent, len(registry.installed())]))"
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, check=True
    )
    spent, found = json.loads(done.stdout)
    if folders and found < PLUGINS:
        raise RuntimeError(f"only {found} plugins were found")
    return 1000 * spent


def added() -> list[harness.Row]:
    """Compare the environment with and without the distributions."""
    rows: list[harness.Row] = []
    with tempfile.TemporaryDirectory() as folder:
        environment(Path(folder))
        for name, task in TASKS.items():
            works = [partial(milliseconds, task), partial(milliseconds, task, Path(folder))]
            without, among = harness.in_turns(works, ROUNDS)
            difference = statistics.median(b - a for a, b in zip(without, among, strict=True))
            shown = {"without": statistics.median(without), "with": statistics.median(among)}
            rows.append({"task": name, **shown, "difference": difference})
    return rows


if __name__ == "__main__":
    title = f"Milliseconds of {PLUGINS} light plugins among {OTHERS} other distributions"
    harness.main(__doc__, {"plugins": (title, added)})
