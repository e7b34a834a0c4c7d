"""Third-party plugins, good and broken, as installed distributions: none can harm another, each says what is wrong."""

import base64
import csv
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

HERE = "# <- here"
"""Marks the line that a fault has to name."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A distribution with one module, or a package if `files` has more, and what is expected of it."""

    name: str
    source: str | bytes = ""
    files: dict[str, str] = field(default_factory=dict)
    """Further files, by their path in the package."""
    entry: str | None = None
    """What the entry point names; the module by default."""
    more_entries: dict[str, str] = field(default_factory=dict)
    api: tuple[str, ...] = ()
    """The numbers of the plugin API that it says it was written for."""
    requires: tuple[str, ...] = ()
    stage: str = ""
    """Where it is expected to break, if it is."""
    problem: str = ""
    remedy: str = ""
    where: str | None = None
    """What the fault names, if it is not the marked line."""
    kind: str | None = None
    asks: str | None = None
    """A name of it that somebody asks for; any, under its distribution, by default."""
    told: str | None = None
    """What the error then says; the distribution by default."""

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    def contents(self) -> dict[str, bytes]:
        """Give the files by their path under site-packages."""
        source = self.source if isinstance(self.source, bytes) else tidy(self.source)
        if not self.files:
            return {f"{self.module}.py": source}
        inner = {f"{self.module}/{path}": tidy(text) for path, text in self.files.items()}
        return {f"{self.module}/__init__.py": source, **inner}

    def marked(self) -> list[str]:
        """Give the file:line that are marked, with the file as the end of its path."""
        return [
            f"{path}:{number}"
            for path, text in self.contents().items()
            for number, line in enumerate(text.splitlines(), 1)
            if HERE.encode() in line
        ]

    def metadata(self) -> dict[str, str]:
        extras = sorted({text.rpartition("extra == ")[2].strip("'\"") for text in self.requires if "extra ==" in text})
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", "Version: 1.0"]
        lines += [f"Provides-Extra: {extra}" for extra in extras]
        lines += [f"Requires-Dist: {text}" for text in self.requires]
        return {
            "METADATA": "\n".join(lines) + "\n",
            "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "entry_points.txt": self.entry_points(),
        }

    def entry_points(self) -> str:
        entries = {self.name: self.module if self.entry is None else self.entry, **self.more_entries}
        lines = ["[optikit]", *(f"{name} = {value}" for name, value in entries.items()), "[optikit.api]"]
        return "\n".join([*lines, *(f"{number} = {self.module}" for number in self.api), ""])


def tidy(text: str) -> bytes:
    return textwrap.dedent(text).lstrip().encode()


def build(plugin: Plugin, folder: Path) -> Path:
    """Make a wheel, by hand: a build backend takes seconds for each."""
    info = f"{plugin.module}-1.0.dist-info"
    files = plugin.contents() | {f"{info}/{name}": text.encode() for name, text in plugin.metadata().items()}
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow([path, f"sha256={digest}", len(data)])
    writer.writerow([f"{info}/RECORD", "", ""])
    wheel = folder / f"{plugin.module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in {**files, f"{info}/RECORD": record.getvalue().encode()}.items():
            archive.writestr(path, data)
    return wheel


def install(plugins: Iterable[Plugin], folder: Path, *, pip: bool = True) -> Path:
    """Install distributions into a folder of their own; the environment of the tests stays as it is."""
    wheels, site = folder / "wheels", folder / "site"
    wheels.mkdir(parents=True)
    built = [build(plugin, wheels) for plugin in plugins]
    if pip and importlib.util.find_spec("pip"):
        options = ["--no-index", "--no-deps", "--no-compile", "--quiet", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), *map(str, built)]
        subprocess.run(command, check=True, capture_output=True)
    else:
        for wheel in built:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
    return site


def ask(site: Path, script: str, *arguments: object) -> Any:
    """Run a script with the installed distributions in sight; give the JSON of its last line of output."""
    path = os.pathsep.join(map(str, [site, ROOT, ROOT / "plugins"]))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(json.dumps, arguments)],
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


HEAD = """
from optikit import Loss, Model, Optimizer, State, hookimpl


class Halving(Optimizer[State]):
    \"\"\"Go half of the way to zero.\"\"\"

    def init(self, x0, rng):
        return State(x=x0)

    def step(self, oracle, state):
        oracle.value(state.x / 2)
        return State(x=state.x / 2)


"""
"""What most of the modules below begin with: an optimizer that lacks only its name."""


def optimizer(name: str, more: str = "") -> str:
    return (
        HEAD
        + textwrap.dedent(f"""
        class Ours(Halving):
            \"\"\"Halve.\"\"\"

            name = {name!r}


        @hookimpl
        def optikit_components():
            return [Ours]
        """)
        + textwrap.dedent(more)
    )


def module(more: str) -> str:
    return HEAD + textwrap.dedent(more)


def mark(source: str, *starts: str) -> str:
    """Mark the lines that begin with one of these."""
    lines = source.splitlines()
    return "\n".join(f"{line}  {HERE}" if line.strip().startswith(starts) else line for line in lines)


HOOK = ("@hookimpl", "def optikit_")
"""The lines that are the place of a hook: inspect gives the first decorator's, the traceback the def's."""


GOOD = [
    # Loaded before and after all the broken ones, which come in the order of their names.
    Plugin(name="aa-good", source=optimizer("good-first")),
    Plugin(name="zz-good", source=optimizer("good-last")),
    Plugin(name="good-package", source="from .hooks import *", files={"hooks.py": optimizer("good-package")}),
    Plugin(
        name="writes-a-file",
        source=optimizer(
            "writes-a-file", "from pathlib import Path; Path(__file__).with_name('imported-once').touch()"
        ),
    ),
    Plugin(name="twin-one", source=optimizer("twin")),
    Plugin(name="twin-two", source=optimizer("twin")),
    Plugin(name="says-its-api", source=optimizer("says-its-api"), api=("1",)),
    Plugin(name="says-several-apis", source=optimizer("says-several-apis"), api=("1", "99")),
    Plugin(name="shadow", source=optimizer("gradient-descent")),
    Plugin(
        name="watcher",
        source="""
            from optikit import hookimpl

            runs, steps = [], []


            @hookimpl
            def optikit_observer(run):
                \"\"\"Count runs and steps.\"\"\"
                runs.append(run.budget.max_steps)
                return lambda progress: steps.append(progress.step)
        """,
    ),
    Plugin(
        name="watcher-raising-late",
        source="""
            from optikit import hookimpl

            steps = []


            @hookimpl
            def optikit_observer(run):
                return watch


            def watch(progress):
                steps.append(progress.step)
                if progress.step == 2:
                    raise OSError("the disk is full")
        """,
    ),
    Plugin(
        name="watcher-raising-early",
        source="""
            from optikit import hookimpl


            @hookimpl
            def optikit_observer(run):
                raise OSError("no display")
        """,
    ),
    Plugin(
        name="watcher-looking-away",
        source="""
            from optikit import hookimpl

            runs = []


            @hookimpl
            def optikit_observer(run):
                runs.append(run.x0.tolist())
                return None
        """,
    ),
]

BROKEN = [
    Plugin(
        name="api-newer",
        source="raise SystemExit('never run')",
        api=("99", "100"),
        stage="found",
        problem="it was written for the plugin API 99, and this optikit has API 1",
        remedy="run `python -m pip install --upgrade optikit`",
        where="entry point group optikit.api",
    ),
    Plugin(
        name="api-older",
        source="raise SystemExit('never run')",
        api=("0",),
        stage="found",
        problem="it was written for the plugin API 0, and this optikit works with API 1 only",
        remedy="python -m pip install --upgrade api-older",
        where="entry point group optikit.api",
    ),
    Plugin(
        name="api-no-number",
        source="raise SystemExit('never run')",
        api=("1", "1.0"),
        stage="found",
        problem="it says that it was written for the plugin API '1.0', which is no whole number",
        remedy="its author must mend it",
        where="entry point group optikit.api",
    ),
    Plugin(
        name="raises",
        source="""
            import math

            limit = 3

            def check():
                raise ValueError(f"limit is {limit}")  # <- here

            check()
        """,
        stage="import",
        problem="ValueError: limit is 3",
        remedy="python -m pip install --upgrade raises",
    ),
    Plugin(
        name="raises-in-another-library",
        source="""
            import json
            print(1)
            json.loads("{")  # <- here
        """,
        stage="import",
        problem="JSONDecodeError: Expecting ",
        remedy="--upgrade raises-in-another-library",
    ),
    Plugin(
        name="raises-in-a-submodule",
        source="from .deep import hooks",
        files={
            "deep/__init__.py": "",
            "deep/hooks.py": """
                from optikit import hookimpl
                hooks = undefined  # <- here
            """,
        },
        stage="import",
        problem="NameError: name 'undefined' is not defined",
        remedy="tell its author",
    ),
    Plugin(
        name="raises-nothing-said",
        source="assert False  # <- here",
        stage="import",
        problem="AssertionError",
        remedy="tell its author",
    ),
    Plugin(
        name="raises-many-lines",
        source="""
            raise RuntimeError("one\\n  two\\n\\n  three")  # <- here
        """,
        stage="import",
        problem="RuntimeError: one two three",
        remedy="tell its author",
    ),
    Plugin(
        name="raises-base-exception",
        source="""
            class Stop(BaseException): ...
            raise Stop("it is over")  # <- here
        """,
        stage="import",
        problem="Stop: it is over",
        remedy="tell its author",
    ),
    Plugin(
        name="raises-ctrl-c",
        source="""
            raise KeyboardInterrupt("not the user")  # <- here
        """,
        stage="import",
        problem="it raised KeyboardInterrupt: not the user when it was imported, and nobody had interrupted it",
        remedy="tell its author",
    ),
    Plugin(
        name="raises-recursion",
        source="""
            def again():
                again()  # <- here

            again()
        """,
        stage="import",
        problem="RecursionError",
        remedy="tell its author",
    ),
    Plugin(
        name="missing-plain",
        requires=("optikit", "Absent_Library>=2.1", "absent-two"),
        source="""
            from optikit import hookimpl
            import absent_library.core  # <- here
        """,
        stage="import",
        problem="it needs absent_library, which is not installed",
        remedy="run `python -m pip install 'Absent_Library>=2.1'`",
    ),
    Plugin(
        name="missing-extra",
        requires=("optikit", "absent-other; extra == 'none'", 'absent-gpu>=1; python_version > "3" and extra == "gpu"'),
        source="""
            import absent_gpu  # <- here
        """,
        stage="import",
        problem="it needs absent_gpu, which is not installed",
        remedy="run `python -m pip install 'missing-extra[gpu]'`",
    ),
    Plugin(
        name="missing-undeclared",
        source="""
            def load():
                from absent_forgotten import thing  # <- here

            load()
        """,
        stage="import",
        problem="it needs absent_forgotten, which is not installed",
        remedy="install the distribution that brings the module absent_forgotten, and tell its author, who has not",
    ),
    Plugin(
        # As scikit-learn brings sklearn.
        name="missing-under-another-name",
        requires=("optikit", "numpy>=1", "Absent-Learn>=1.2", "absent-sys; sys_platform == 'nowhere'"),
        source="""
            import abslearn.linear  # <- here
        """,
        stage="import",
        problem="it needs abslearn, which is not installed",
        remedy="run `python -m pip install 'Absent-Learn>=1.2'`",
    ),
    Plugin(
        name="missing-extra-under-another-name",
        requires=("optikit", "absent-vision>=2; extra == 'images'"),
        source="""
            import abscv2  # <- here
        """,
        stage="import",
        problem="it needs abscv2, which is not installed",
        remedy="run `python -m pip install 'missing-extra-under-another-name[images]'`",
    ),
    Plugin(
        name="missing-under-conditions",
        requires=("optikit", "Absent-Pillow>=9; python_version >= '3.8'"),
        source="""
            import absimages  # <- here
        """,
        stage="import",
        problem="it needs absimages, which is not installed",
        remedy="brings the module absimages, perhaps Absent-Pillow, which it requires under conditions",
    ),
    Plugin(
        name="missing-one-of-two",
        requires=("absent-one>=1", "absent-two"),
        source="""
            import absvision  # <- here
        """,
        stage="import",
        problem="it needs absvision, which is not installed",
        remedy="one of which brings that: run `python -m pip install 'absent-one>=1' 'absent-two'`",
    ),
    Plugin(
        name="missing-own-submodule",
        source="""
            from optikit import hookimpl
            from .nowhere import hooks  # <- here
        """,
        files={"somewhere.py": ""},
        stage="import",
        problem="missing_own_submodule.nowhere",
        remedy="missing-own-submodule",
    ),
    Plugin(
        name="missing-submodule-of-installed",
        requires=("numpy>=1.26",),
        source="""
            import numpy.nowhere  # <- here
        """,
        stage="import",
        # NumPy is installed: to say that it is not, and to install it again, would lead nowhere.
        problem="numpy.nowhere",
        remedy="--upgrade",
    ),
    Plugin(
        name="newer-optikit",
        requires=("optikit>=99",),
        source="""
            from optikit import Optimizer, NotYetInvented  # <- here
        """,
        stage="import",
        problem="ImportError: cannot import name 'NotYetInvented' from 'optikit'",
        remedy="newer-optikit",
    ),
    Plugin(
        name="syntax",
        source="""
            good = 1
            def broken(:  # <- here
                pass
        """,
        stage="import",
        problem="SyntaxError: ",
        remedy="tell its author",
    ),
    Plugin(
        name="syntax-in-a-submodule",
        source="from syntax_in_a_submodule import hooks",
        files={"hooks.py": "def f():\n    x = 1\n      y = 2  # <- here\n"},
        stage="import",
        problem="IndentationError: unexpected indent",
        remedy="tell its author",
    ),
    Plugin(
        name="syntax-encoding",
        source=b'name = "Latin-1 where UTF-8 is expected: \xfc"\n',
        stage="import",
        problem="SyntaxError: (unicode error) 'utf-8' codec can't decode byte",
        remedy="tell its author",
        where="syntax_encoding.py",
    ),
    Plugin(
        name="exits",
        source="""
            import sys
            sys.exit(3)  # <- here
        """,
        stage="import",
        problem="it called sys.exit(3) when it was imported",
        remedy="tell its author",
    ),
    Plugin(
        name="field-without-type",
        source=module("""
            class Untyped(Halving):  # <- here
                \"\"\"Halve.\"\"\"

                name = "untyped"
                rate = 0.1


            @hookimpl
            def optikit_components():
                return [Untyped]
        """),
        stage="import",
        problem="PydanticUserError: A non-annotated attribute was detected: `rate = 0.1`",
        remedy="tell its author",
    ),
    Plugin(
        name="no-module",
        entry="no_such_module_at_all",
        stage="import",
        problem="no_such_module_at_all",
        remedy="--force-reinstall no-module",
        where="entry point no-module = no_such_module_at_all",
    ),
    Plugin(
        name="no-attribute",
        source="present = 1",
        entry="no_attribute:absent",
        stage="import",
        problem="AttributeError: module 'no_attribute' has no attribute 'absent'",
        remedy="tell its author",
        where="entry point no-attribute = no_attribute:absent",
    ),
    Plugin(
        name="hook-argument",
        source=mark(optimizer("never-seen").replace("components()", "components(registry)"), *HOOK),
        stage="hook",
        problem="Argument(s) {'registry'} are declared in the hookimpl but can not be found in the hookspec",
        remedy="hookspecs.py",
    ),
    Plugin(
        name="hook-observer-argument",
        source="""
            from optikit import hookimpl

            @hookimpl  # <- here
            def optikit_observer(run, step):  # <- here
                return None
        """,
        stage="hook",
        problem="Argument(s) {'step'}",
        remedy="hookspecs.py",
    ),
    Plugin(
        name="hook-second-argument",
        source=optimizer(
            "never-seen", "@hookimpl  # <- here\ndef optikit_observer(run, step):  # <- here\n    return None"
        ),
        stage="hook",
        problem="Argument(s) {'step'}",
        remedy="hookspecs.py",
    ),
    Plugin(
        name="hook-unknown",
        source=mark(optimizer("never-seen").replace("components()", "component()"), *HOOK),
        stage="hook",
        problem="there is no hook 'optikit_component'; did you mean 'optikit_components'?",
        remedy="hookspecs.py",
    ),
    Plugin(
        name="hook-unmarked",
        # The marker is forgotten: pluggy sees no hook at all.
        source=mark(optimizer("never-seen").replace("@hookimpl", "# no marker"), "def optikit_"),
        stage="hook",
        problem="hookimpl",
        remedy="its author must mend it",
    ),
    Plugin(
        name="hook-raises",
        source="""
            from optikit import hookimpl

            @hookimpl
            def optikit_components():
                return find()

            def find():
                return {}["lost"]  # <- here
        """,
        stage="components",
        problem="optikit_components raised KeyError: 'lost'",
        remedy="its author must mend it",
    ),
    Plugin(
        name="hook-raises-many-lines",
        source="""
            from optikit import hookimpl

            @hookimpl
            def optikit_components():
                raise RuntimeError("one\\n\\n  two")  # <- here
        """,
        stage="components",
        problem="optikit_components raised RuntimeError: one two",
        remedy="its author must mend it",
    ),
    Plugin(
        name="hook-exits",
        source="""
            from optikit import hookimpl

            @hookimpl
            def optikit_components():
                raise SystemExit(4)  # <- here
        """,
        stage="components",
        problem="SystemExit: 4",
        remedy="its author must mend it",
    ),
    Plugin(
        name="hook-raises-ctrl-c",
        source="""
            from optikit import hookimpl

            @hookimpl
            def optikit_components():
                raise KeyboardInterrupt  # <- here
        """,
        stage="components",
        problem="optikit_components raised KeyboardInterrupt",
        remedy="its author must mend it",
    ),
    Plugin(
        name="class-exits",
        source="""
            from optikit import hookimpl

            class Exits(type):
                @property
                def name(cls):
                    raise SystemExit(4)  # <- here

            class Component(metaclass=Exits):
                pass

            @hookimpl
            def optikit_components():
                return [Component]
        """,
        stage="components",
        problem="a class that it brings cannot be looked at: SystemExit: 4",
        remedy="its author must mend it",
    ),
    Plugin(
        name="module-exits",
        source="""
            def __getattr__(name):
                raise SystemExit(6)  # <- here
        """,
        stage="hook",
        problem="it raised SystemExit: 6 when it was asked for its hooks",
        remedy="its author must mend it",
    ),
    Plugin(
        name="plugin-exits",
        source="""
            class Exits(type):
                def __getattr__(cls, name):
                    raise SystemExit(6)  # <- here

            class Hooks(metaclass=Exits):
                pass
        """,
        entry="plugin_exits:Hooks",
        stage="hook",
        problem="it raised SystemExit: 6 when it was asked for its hooks",
        remedy="its author must mend it",
    ),
    Plugin(
        name="hook-returns-number",
        source="""
            from optikit import hookimpl

            @hookimpl  # <- here
            def optikit_components():  # <- here
                return 42
        """,
        stage="components",
        problem="int",
        remedy="the hook returns a list of classes",
    ),
    Plugin(
        name="hook-returns-class",
        source=mark(optimizer("hook-returns-class").replace("[Ours]", "Ours"), *HOOK),
        stage="components",
        problem="not",
        remedy="the hook returns a list of classes",
    ),
    Plugin(
        name="hook-returns-component",
        # A component is iterable, as every pydantic model; this one has no field, so there is nothing to iterate over.
        source=mark(optimizer("hook-returns-component").replace("[Ours]", "Ours()"), *HOOK),
        stage="components",
        problem="not",
        remedy="the hook returns a list of classes",
    ),
    Plugin(
        name="hook-returns-string",
        source="""
            from optikit import hookimpl

            @hookimpl  # <- here
            def optikit_components():  # <- here
                return "Ours"
        """,
        stage="components",
        problem="str",
        remedy="the hook returns a list of classes",
    ),
    Plugin(
        name="hook-returns-nothing",
        source=mark(optimizer("never-seen").replace("return [Ours]", "[Ours]"), *HOOK),
        stage="components",
        problem="None",
        remedy="the hook returns a list of classes",
    ),
    Plugin(
        name="returns-objects",
        source=mark(optimizer("an-object").replace("[Ours]", "[Ours()]"), "class Ours", *HOOK),
        stage="component",
        problem="is no class; the hook returns classes, not objects",
        remedy="its author must mend it",
    ),
    Plugin(
        name="abstract",
        source=module("""
            class Half(Optimizer[State]):  # <- here
                \"\"\"Half an optimizer.\"\"\"

                name = "half-done"

                def init(self, x0, rng):
                    return State(x=x0)


            @hookimpl
            def optikit_components():
                return [Half]
        """),
        stage="component",
        problem="Half has no step, which its interface needs",
        remedy="its author must mend it",
        kind="optimizer",
        asks="half-done",
        told="Half has no step",
    ),
    Plugin(
        name="bad-name",
        source=mark(optimizer("Bad_Name"), "class Ours"),
        stage="component",
        problem="Ours.name is 'Bad_Name'; it must be lower-case words joined by hyphens",
        remedy="its author must mend it",
        kind="optimizer",
        asks="Bad_Name",
        told="it must be lower-case words joined by hyphens",
    ),
    Plugin(
        name="no-name",
        source=module("""
            class Nameless(Halving):  # <- here
                \"\"\"Halve.\"\"\"


            @hookimpl
            def optikit_components():
                return [Nameless]
        """),
        stage="component",
        problem="Nameless.name is None",
        remedy="its author must mend it",
        kind="optimizer",
    ),
    Plugin(
        name="name-as-field",
        source=mark(optimizer("as-field").replace("name = ", "name: str = "), "class Ours"),
        stage="component",
        problem="Ours.name is",
        remedy="its author must mend it",
        kind="optimizer",
    ),
    Plugin(
        name="no-docstring",
        source=mark(optimizer("undocumented").replace('"""Halve."""\n', ""), "class Ours"),
        stage="component",
        problem="Ours has no docstring",
        remedy="its author must mend it",
        kind="optimizer",
        asks="undocumented",
        told="Ours has no docstring",
    ),
    Plugin(
        name="no-interface",
        source="""
            from optikit import hookimpl


            class Own:  # <- here
                \"\"\"Halve.\"\"\"

                name = "own-thing"


            @hookimpl
            def optikit_components():
                return [Own]
        """,
        stage="component",
        problem="Own derives from 0 of optikit's interfaces; it must be one",
        remedy="its author must mend it",
        asks="own-thing",
    ),
    Plugin(
        name="two-interfaces",
        source=module("""
            class Both(Model, Loss):  # <- here
                \"\"\"Two things at once.\"\"\"

                name = "two-things"


            @hookimpl
            def optikit_components():
                return [Both]
        """),
        stage="component",
        problem="Both derives from 2 of optikit's interfaces; it must be one",
        remedy="its author must mend it",
        kind="model",
        asks="two-things",
        told="Both derives from 2",
    ),
    Plugin(
        name="same-name-twice",
        source=optimizer("same-twice").replace("[Ours]", "[Ours, Again]")
        + textwrap.dedent("""
            class Again(Halving):  # <- here
                \"\"\"Halve, too.\"\"\"

                name = "same-twice"
        """),
        stage="component",
        problem="Again has the same kind and name, optimizer 'same-twice', as another of its distribution",
        remedy="its author must mend it",
        kind="optimizer",
    ),
]

WORSE = [
    # Each of these has to be taken in by itself: what it does must not get past the guard.
    Plugin(name="entry-hyphen", entry="entry-hyphen", stage="import", problem="entry-hyphen"),
    # To str.lower() the Kelvin sign is a k, and its owner would be optikit itself.
    Plugin(
        name="opti\N{KELVIN SIGN}it",
        entry="optikelvin",
        stage="found",
        problem="the name of its distribution, 'opti\\u212ait', is none",
    ),
    Plugin(
        name="opt\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}kit",
        entry="opt",
        stage="found",
        problem="'opt\\u0456kit'",
    ),
    Plugin(name="optikit:opt", entry="opt", stage="found", problem="'optikit:opt'"),
    Plugin(name="entry-empty", entry="", stage="import", problem=""),
    Plugin(
        name="unspeakable-import",
        source="""
            class Unspeakable(Exception):
                def __str__(self):
                    return self.text

            raise Unspeakable
        """,
        stage="import",
        problem="Unspeakable",
    ),
    Plugin(
        name="unspeakable-hook",
        source="""
            from optikit import hookimpl

            class Unspeakable(Exception):
                def __str__(self):
                    return self.text

            @hookimpl
            def optikit_components():
                raise Unspeakable
        """,
        stage="components",
        problem="Unspeakable",
    ),
    Plugin(
        name="unspeakable-item",
        source="""
            from optikit import hookimpl

            class Item:
                def __repr__(self):
                    return self.text

            @hookimpl
            def optikit_components():
                return [Item()]
        """,
        stage="component",
        problem="Item",
    ),
    Plugin(
        name="unspeakable-name",
        source="""
            from optikit import hookimpl

            class Item:
                @property
                def name(self):
                    raise OSError("not now")

            @hookimpl
            def optikit_components():
                return [Item()]
        """,
        stage="component",
        problem="",
    ),
    Plugin(
        name="docstring-no-string",
        source=optimizer("docstring-no-string").replace('"""Halve."""', "__doc__ = 5"),
        stage="component",
        problem="docstring",
    ),
    Plugin(
        name="plugin-no-module",
        source=module("""
            class Hooks:
                def __repr__(self):
                    return self.text

                @hookimpl
                def optikit_component(self):
                    return []

            hooks = Hooks()
        """),
        entry="plugin_no_module:hooks",
        stage="hook",
        problem="optikit_component",
    ),
]

UNBUILDABLE = [
    # Their modules import, but their fields make no schema, which pydantic may say only at the first use.
    Plugin(name="strange-field", source=optimizer("strange-field").replace('Halve."""', 'Halve."""\n\n    bad: State')),
    Plugin(
        name="unknown-field", source=optimizer("unknown-field").replace('Halve."""', 'Halve."""\n\n    bad: "Lost"')
    ),
]

INTERRUPT = "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    "
INTERRUPTED = [
    Plugin(name="interrupted", source=INTERRUPT + "raise"),
    Plugin(name="swallows-ctrl-c", source=INTERRUPT + "pass"),
    Plugin(name="renames-ctrl-c", source=INTERRUPT + "raise OSError"),
]
"""While these are imported, the user presses Ctrl-C."""

QUERY = """
    import json, sys, warnings
    from pathlib import Path
    import optikit
    from optikit import registry

    names, asked, proof = map(json.loads, sys.argv[1:])
    installed = [point.name for point in registry.installed()]
    imported = [Path(proof).exists()]
    default = registry.default()
    imported.append(Path(proof).exists())

    def attempt(function, *arguments):
        try:
            return function(*arguments)
        except Exception as error:
            return [type(error).__name__, str(error)]

    def minimize(name):
        result = optikit.minimize(
            lambda x: float(x @ x), [8.0, 4.0], optimizer=name, gradient="central-difference", max_steps=3
        )
        return [result.fun, result.nit]

    def shown(fault):
        return {name: getattr(fault, name) for name in type(fault).__slots__} | {"text": str(fault)}

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        minimize("good-first")
    import watcher, watcher_looking_away, watcher_raising_late
    observed = {
        "warnings": [[warning.category.__name__, str(warning.message)] for warning in caught],
        "runs": watcher.runs[:], "steps": watcher.steps[:],
        "late": watcher_raising_late.steps[:], "away": watcher_looking_away.runs[:],
    }
    warnings.simplefilter("ignore")
    print(json.dumps({
        "installed": installed,
        "imported": imported,
        "faults": [shown(fault) for fault in default.faults],
        "clashes": [shown(fault) for fault in default.clashes()],
        "entries": [[e.kind, e.name, e.distribution, e.summary] for e in default.entries],
        "components": {kind: list(optikit.components(kind)) for kind in registry.BASES},
        "runs": {name: attempt(minimize, name) for name in names},
        "asked": {name: attempt(lambda: type(optikit.get(kind, name)).__module__) for kind, name in asked},
        "observed": observed,
    }))
"""


def asked_name(plugin: Plugin) -> str:
    return plugin.asks or f"{plugin.name}:anything"


RUN = ["good-first", "good-last", "good-package", "twin-one:twin", "twin-two:twin", "shadow:gradient-descent"]
ASKED = [
    *("twin", "twin-one:twin", "Twin_One:twin", "twin-two:twin"),
    *("gradient-descent", "optikit:gradient-descent", "shadow:gradient-descent"),
    *("same-twice", "aa-good:half-done"),
]


@pytest.fixture(scope="session")
def seen(once) -> dict[str, Any]:
    """Install everything at once, and look at it from one fresh interpreter."""

    def look(folder: Path) -> Any:
        site = install([*GOOD, *BROKEN], folder)
        asked = [("optimizer", name) for name in ASKED]
        asked += [(plugin.kind or "optimizer", asked_name(plugin)) for plugin in BROKEN]
        return ask(site, QUERY, [*RUN, "gradient-descent"], asked, str(site / "imported-once"))

    return once("plugins", look)


def the_fault(seen: dict[str, Any], plugin: Plugin) -> dict[str, Any]:
    faults = [fault for fault in seen["faults"] if fault["distribution"] == plugin.name]
    assert len(faults) == 1, f"{len(faults)} faults of {plugin.name} are listed; it must be one"
    return faults[0]


def test_thirty_differently_broken_plugins_leave_every_other_one_working(seen):
    assert len(BROKEN) >= 30
    for kind, names in {
        "optimizer": {"gradient-descent", "random-search", "good-first", "good-last", "good-package"},
        "gradient": {"analytic", "central-difference", "forward-difference"},
        "model": {"linear", "mlp"},
        "loss": {"cross-entropy", "mean-squared-error"},
    }.items():
        assert names <= set(seen["components"][kind])
    # Three halvings of (8, 4) lead to (1, 1/2).
    assert {name: seen["runs"][name] for name in RUN} == {name: [1.25, 3] for name in RUN}
    assert seen["runs"]["gradient-descent"][1] == 3


def test_nothing_is_at_fault_but_what_is_broken(seen):
    assert sorted(fault["distribution"] for fault in seen["faults"] if fault["distribution"] != "optikit") == sorted(
        plugin.name for plugin in BROKEN
    )


@pytest.mark.parametrize("plugin", BROKEN, ids=lambda plugin: plugin.name)
def test_fault_says_what_is_wrong_and_what_mends_it(seen, plugin):
    fault = the_fault(seen, plugin)
    assert fault["plugin"] == plugin.name
    assert fault["stage"] == plugin.stage
    assert fault["kind"] == plugin.kind
    assert plugin.problem in fault["problem"]
    assert plugin.remedy in fault["remedy"]
    assert "\n" not in fault["text"]
    assert all(part in fault["text"] for part in (plugin.name, plugin.stage, plugin.problem, plugin.remedy))


@pytest.mark.parametrize("plugin", BROKEN, ids=lambda plugin: plugin.name)
def test_fault_names_file_and_line(seen, plugin):
    fault = the_fault(seen, plugin)
    if plugin.where is not None:
        assert plugin.where in fault["where"]
    else:
        assert plugin.marked()
        assert fault["where"].endswith(tuple(f"{os.sep}{place}" for place in plugin.marked()))


@pytest.mark.parametrize("plugin", BROKEN, ids=lambda plugin: plugin.name)
def test_asking_for_what_is_broken_is_an_error_in_one_line(seen, plugin):
    if plugin.name == "same-name-twice":
        assert seen["asked"]["same-twice"] == "same_name_twice"  # the first of the two stands
        return
    name = asked_name(plugin)
    kind, message = seen["asked"][name]
    assert kind == "InputError"
    assert "\n" not in message
    assert (plugin.told or plugin.name) in message.replace(repr(name), "")


def test_a_fault_of_another_distribution_is_not_the_answer(seen):
    kind, message = seen["asked"]["aa-good:half-done"]
    assert kind == "InputError"
    assert "cannot be used" not in message


def test_a_name_of_two_distributions_is_refused_with_both_named(seen):
    kind, message = seen["asked"]["twin"]
    assert kind == "InputError"
    assert "'twin-one:twin' or 'twin-two:twin'" in message
    assert {"twin-one:twin", "twin-two:twin"} <= set(seen["components"]["optimizer"])
    assert "twin" not in seen["components"]["optimizer"]


def test_a_qualified_name_picks_one(seen):
    assert seen["asked"]["twin-one:twin"] == "twin_one"
    assert seen["asked"]["Twin_One:twin"] == "twin_one"
    assert seen["asked"]["twin-two:twin"] == "twin_two"


def test_nobody_shadows_a_built_in(seen):
    assert seen["asked"]["gradient-descent"] == "optikit_optimizers.gradient_descent"
    assert seen["asked"]["optikit:gradient-descent"] == "optikit_optimizers.gradient_descent"
    assert seen["asked"]["shadow:gradient-descent"] == "shadow"
    assert {"gradient-descent", "shadow:gradient-descent"} <= set(seen["components"]["optimizer"])


def test_clashes_are_reported(seen):
    clashes = {clash["distribution"]: clash for clash in seen["clashes"]}
    assert set(clashes) == {"twin-one", "twin-two", "shadow"}
    assert {clash["stage"] for clash in seen["clashes"]} == {"name"}
    assert "'twin' is also that of twin-two" in clashes["twin-one"]["problem"]
    assert "'gradient-descent' is also that of optikit" in clashes["shadow"]["problem"]
    assert "'shadow:gradient-descent'" in clashes["shadow"]["remedy"]


def test_listing_the_installed_plugins_runs_none_of_their_code(seen):
    assert {plugin.name for plugin in [*GOOD, *BROKEN]} <= set(seen["installed"])
    assert seen["imported"] == [False, True]


def test_observers_are_listed(seen):
    observers = [entry for entry in seen["entries"] if entry[0] == "observer" and entry[2] != "optikit"]
    assert ["observer", "watcher", "watcher", "Count runs and steps."] in observers
    assert [entry[1] for entry in observers] == sorted(plugin.name for plugin in GOOD if "watcher" in plugin.name)


def test_observer_is_called_once_a_run_and_its_function_after_each_step(seen):
    assert seen["observed"]["runs"] == [3]
    assert seen["observed"]["steps"] == [1, 2, 3]
    assert seen["observed"]["away"] == [[8.0, 4.0]]


def test_observer_that_raises_is_warned_about_once_and_dropped(seen):
    assert seen["observed"]["late"] == [1, 2]
    early, late = seen["observed"]["warnings"]
    assert early[0] == late[0] == "RuntimeWarning"
    assert "watcher-raising-early" in early[1]
    assert "OSError: no display" in early[1]
    assert "OSError('the disk is full')" in late[1]


ONE_BY_ONE = """
    import json, sys
    from optikit import registry

    answers = {}
    for name, folder in json.loads(sys.argv[1]).items():
        sys.path.insert(0, folder)
        try:
            made = registry.Registry()
            faults = [[fault.distribution, fault.stage, fault.problem] for fault in made.faults]
            told = None
            try:
                made.make("optimizer", {"name": name, "bad": 1})
            except Exception as error:
                told = [type(error).__name__, str(error)]
            answers[name] = [list(made.components("optimizer")), faults, told]
        except BaseException as error:
            answers[name] = f"{type(error).__name__}: {error}"
        sys.path.remove(folder)
    print(json.dumps(answers))
"""


@pytest.fixture(scope="session")
def one_by_one(tmp_path_factory) -> dict[str, Any]:
    """Load each plugin in a registry of its own, beside the built-in ones and a good one."""
    folder = tmp_path_factory.mktemp("one-by-one")
    good = install([GOOD[0]], folder / "good", pip=False)
    alone = [*WORSE, *UNBUILDABLE]
    folders = {plugin.name: install([plugin], folder / plugin.name, pip=False) for plugin in alone}
    # What an interrupted `pip uninstall` leaves behind: a plugin without its METADATA.
    folders["no-metadata"] = install([Plugin(name="no-metadata")], folder / "no-metadata", pip=False)
    (folders["no-metadata"] / "no_metadata-1.0.dist-info" / "METADATA").unlink()
    folders["no-entries"] = install([Plugin(name="no-entries")], folder / "no-entries", pip=False)
    (folders["no-entries"] / "no_entries-1.0.dist-info" / "entry_points.txt").write_text("[optikit]\nnonsense\n")
    for plugin in INTERRUPTED:
        folders[plugin.name] = install([plugin], folder / plugin.name, pip=False)
    return ask(good, ONE_BY_ONE, {name: str(path) for name, path in folders.items()})


@pytest.mark.parametrize("plugin", WORSE, ids=lambda plugin: plugin.name)
def test_nothing_that_a_plugin_does_gets_past_its_guard(one_by_one, plugin):
    answer = one_by_one[plugin.name]
    assert isinstance(answer, list), f"the whole registry died of it: {answer}"
    names, faults, _ = answer
    assert {"good-first", "gradient-descent"} <= set(names)
    (fault,) = [fault for fault in faults if fault[0] == plugin.name]
    assert fault[1] == plugin.stage
    assert plugin.problem in fault[2]


@pytest.mark.parametrize("plugin", UNBUILDABLE, ids=lambda plugin: plugin.name)
def test_component_whose_fields_make_no_schema_is_an_error_for_who_asks_for_it(one_by_one, plugin):
    answer = one_by_one[plugin.name]
    assert isinstance(answer, list), f"the whole registry died of it: {answer}"
    names, _, (kind, message) = answer
    assert {"good-first", "gradient-descent"} <= set(names)
    assert kind == "InputError"
    assert "\n" not in message
    assert plugin.name in message


@pytest.mark.parametrize("name", ["no-metadata", "no-entries"])
def test_damaged_distribution_leaves_the_others_working(one_by_one, name):
    answer = one_by_one[name]
    assert isinstance(answer, list), f"the whole registry died of it: {answer}"
    assert {"good-first", "gradient-descent"} <= set(answer[0])


@pytest.mark.parametrize("plugin", INTERRUPTED, ids=lambda plugin: plugin.name)
def test_ctrl_c_during_an_import_is_for_the_user(one_by_one, plugin):
    assert str(one_by_one[plugin.name]).startswith("KeyboardInterrupt")
