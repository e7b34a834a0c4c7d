"""The architecture: who may import whom, held by reading the sources.

Each rule is a function of source text, so that each can be shown a planted fault and be seen to find it.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import optikit
from optikit import testing

ROOT = Path(__file__).resolve().parents[1]

LAYERS = [
    "errors",
    "deprecated",
    "interrupts",
    "guard",
    "library",
    "types",
    "bounds",
    "constraint",
    "feasibility",
    "structure",
    "names",
    "units",
    "parameters",
    "described",
    "component",
    "part",
    "schedule",
    "model",
    "loss",
    "data",
    "objective",
    "budget",
    "risk",
    "problem",
    "benchmark",
    "mapped",
    "gradient",
    "lock",
    "database",
    "store",
    "plain",
    "failures",
    "source",
    "crew",
    "pool",
    "executors",
    "cluster",
    "workers",
    "tables",
    "history",
    "stop",
    "stopping",
    "record",
    "journal",
    "meter",
    "sidebyside",
    "oracle",
    "questions",
    "optimizer",
    "rule",
    "solver",
    "convergence",
    "remedies",
    "result",
    "watch",
    "loop",
    "observer",
    "curve",
    "slope",
    "check",
    "files",
    "imported",
    "hookspecs",
    "required",
    "fault",
    "api",
    "probe",
    "cache",
    "registry",
    "able",
    "advice",
    "derivative",
    "versions",
    "checkpoint",
    "run",
    "continued",
    "told",
    "session",
    "task",
    "experiment",
    "twin",
    "report",
    "picture",
    "example",
    "formula",
    "page",
    "catalogue",
    "leftovers",
    "examined",
    "patient",
    "doctor",
    "terminal",
    "conduct",
    "dialogue",
    "comparison",
    "choice",
    "tuning",
    "testing",
    "scaffold",
    "sphinxext",
    "cli",
    "__main__",
]
"""The modules of the core; each imports only what stands left of (above) it."""

MAY_BE_MISSING = {"experiment", "report", "cli"}

DESIGN = [
    *("types", "component", "model", "loss", "problem", "gradient"),
    *("oracle", "optimizer", "result", "registry", "run", "cli"),
]
"""The order that the design lays down, of which `LAYERS` is an extension."""


def sources(folder: Path) -> dict[str, str]:
    """Give the text of every module in a folder, by its dotted name."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.py"))
    }


CORE = sources(ROOT / "optikit")
PLUGINS = sources(ROOT / "plugins")


class Import(NamedTuple):
    """``import module`` (name is None) or ``from module import name``."""

    line: int
    module: str
    name: str | None

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def imports(source: str, package: str) -> Iterator[Import]:
    """Find all imports, wherever they stand; `package` is where relative ones start."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, alias.name, None) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parts = package.split(".")
                # One dot is the package itself; dots that lead out of it give the name "", which no rule allows.
                base = ".".join(parts[: max(len(parts) - level + 1, 0)]) if level else ""
                origin = ".".join(filter(None, [base, module])) if base or not level else ""
                yield from (Import(node.lineno, origin, alias.name) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "import_library" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield Import(node.lineno, module, None)
            case _:
                pass


def without_type_checking(source: str) -> str:
    """Drop the bodies of ``if TYPE_CHECKING:``."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(tree))


# The rules.  Each gives a list of faults, empty when all is well.


def lazy_table(source: str) -> tuple[list[str], dict[str, str]]:
    """Read `__all__` and the lazy table out of the package's own source, which imports nothing heavy."""
    namespace: dict[str, object] = {"__name__": "optikit"}
    exec(compile(source, "optikit/__init__.py", "exec"), namespace)
    return namespace["__all__"], namespace["_HOME"]  # type: ignore[return-value]


PUBLIC, HOME = lazy_table(CORE["__init__"])


def layer_faults(module: str, source: str) -> list[str]:
    """Find imports of core modules that do not stand left of this one."""
    package, _, inner = module.partition(".")
    left = LAYERS[: LAYERS.index(package)] + [package] * bool(inner)
    faults = []
    for line, origin, name in imports(source, "optikit"):
        if origin.partition(".")[0] not in ("optikit", ""):
            continue
        target = origin.partition(".")[2].partition(".")[0] or name
        target = HOME.get(target, target) if origin == "optikit" and target not in LAYERS else target
        if target not in left and target != "__version__":
            faults.append(f"{module}:{line} imports {target or 'the whole package'}")
    return faults


def init_faults(source: str) -> list[str]:
    """Find what the package itself imports beyond the standard library, type checking aside."""
    found = imports(without_type_checking(source), "optikit")
    return [f"__init__ imports {found.module}" for found in found if found.top not in sys.stdlib_module_names]


def pluggy_faults(module: str, source: str) -> list[str]:
    """Find imports of pluggy outside the two modules that may."""
    if module in ("hookspecs", "registry"):
        return []
    return [f"{module}:{found.line} imports pluggy" for found in imports(source, "optikit") if found.top == "pluggy"]


def hookspecs_faults(source: str) -> list[str]:
    """Find what `hookspecs` imports beyond pluggy and the standard library."""
    allowed = {"pluggy", *sys.stdlib_module_names}
    return [
        f"hookspecs:{found.line} imports {found.module}"
        for found in imports(source, "optikit")
        if found.top not in allowed
    ]


def plugin_faults(module: str, source: str) -> list[str]:
    """Find imports of a built-in plugin that go around the public names, or to another plugin.

    The module is dotted, as in ``optikit_models.mlp``.
    """
    package = module.removesuffix(".__init__") if module.endswith(".__init__") else module.rpartition(".")[0]
    own = module.partition(".")[0]
    faults = []
    for found in imports(source, package):
        line, origin, name = found
        if found.top == "optikit" and not (origin == "optikit" and name in PUBLIC):
            faults.append(f"{module}:{line} imports {origin}{f'.{name}' if name else ''}, no public name of optikit")
        elif found.top == "" or (found.top.startswith("optikit_") and found.top != own):
            faults.append(f"{module}:{line} imports another plugin, {origin or name}")
    return faults


def core_faults(module: str, source: str) -> list[str]:
    """Find imports of a plugin in the core."""
    packages = {name.partition(".")[0] for name in PLUGINS}
    return [
        f"{module}:{found.line} imports the plugin {found.module}"
        for found in imports(source, "optikit")
        if found.top in packages or found.top.startswith("optikit_")
    ]


def public_faults(source: str) -> list[str]:
    """Find differences between `__all__`, the lazy table and the imports for type checkers."""
    public, home = lazy_table(source)
    typed: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                if isinstance(statement, ast.AnnAssign):
                    typed[ast.unparse(statement.target)] = ""
            body = ast.unparse(ast.Module(node.body, []))
            typed |= {found.name or "": found.module for found in imports(body, "optikit")}
    table = {name: f"optikit.{module}" for name, module in home.items()} | {"__version__": ""}
    faults = [f"{name} is twice in __all__" for name in set(public) if public.count(name) > 1]
    faults += [f"{name} is in __all__ only, or in the lazy table only" for name in set(public) ^ set(table)]
    faults += [
        f"{name} is from {table.get(name)} in the lazy table, from {typed.get(name)} for type checkers"
        for name in set(table) | set(typed)
        if table.get(name) != typed.get(name)
    ]
    return sorted(faults)


def loaded(code: str, watched: set[str]) -> set[str]:
    """Run code in a fresh interpreter; say which of the watched packages are imported then."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}
    script = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])} & watched


# The rules hold.


def test_no_module_hides_a_public_name():
    assert set(CORE) & set(optikit.__all__) == set()
    assert {module.removeprefix("testing.") for module in CORE} & set(testing.__all__) == set()


def test_every_module_has_its_one_place_in_the_order():
    modules = {module.partition(".")[0] for module in CORE} - {"__init__"}
    assert len(set(LAYERS)) == len(LAYERS)
    assert sorted(modules - set(LAYERS)) == []
    assert sorted(set(LAYERS) - modules - MAY_BE_MISSING) == []


def test_the_order_extends_the_designs():
    assert [module for module in LAYERS if module in DESIGN] == DESIGN


@pytest.mark.parametrize("module", sorted(set(CORE) - {"__init__"}))
def test_core_module_keeps_the_rules(module):
    assert layer_faults(module, CORE[module]) == []
    assert pluggy_faults(module, CORE[module]) == []
    assert core_faults(module, CORE[module]) == []


def test_the_package_itself_imports_nothing():
    assert init_faults(CORE["__init__"]) == []
    assert core_faults("__init__", CORE["__init__"]) == []
    assert pluggy_faults("__init__", CORE["__init__"]) == []


def test_hookspecs_imports_pluggy_only():
    assert hookspecs_faults(CORE["hookspecs"]) == []


@pytest.mark.parametrize("module", sorted(PLUGINS))
def test_plugin_imports_public_names_only(module):
    assert plugin_faults(module, PLUGINS[module]) == []


def test_public_names_are_the_same_in_all_three_lists():
    assert public_faults(CORE["__init__"]) == []


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_resolves(name):
    assert getattr(optikit, name) is not None
    assert name in dir(optikit)


def test_no_other_name_resolves():
    with pytest.raises(AttributeError, match="module 'optikit' has no attribute 'minimise'"):
        optikit.minimise  # noqa: B018


def test_import_optikit_is_light():
    assert loaded("import optikit", {"numpy", "pydantic", "pluggy"}) == set()


def test_listing_the_optimizers_imports_no_heavy_library():
    code = "import optikit; assert optikit.components('optimizer')"
    assert loaded(code, {"scipy", "matplotlib", "torch", "rich"}) == set()


# The rules find what breaks them.


@pytest.mark.parametrize(
    "source",
    [
        "from optikit.run import minimize",
        "from optikit.oracle import Oracle",
        "import optikit.run",
        "import numpy, optikit.loop as loop",
        "import optikit",
        "from optikit import registry",
        "from optikit import minimize",
        "from optikit import *",
        "from . import registry",
        "from .run import minimize",
        "from .. import anything",
        "def late():\n    from optikit.result import Result",
        "try:\n    import optikit.optimizer\nexcept ImportError:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from optikit.optimizer import Optimizer",
        "from importlib import import_module\nimport_module('optikit.run')",
        "import importlib\nimportlib.import_module('optikit.run')",
        "__import__('optikit.run')",
        "from optikit.unheard_of import thing",
    ],
)
def test_an_import_to_the_right_is_found(source):
    assert len(layer_faults("oracle", source)) == 1


def test_an_import_to_the_left_is_no_fault():
    source = "import numpy\nfrom optikit.bounds import Bounds\nfrom optikit import Problem, errors\nfrom . import stop"
    assert layer_faults("oracle", source) == []


@pytest.mark.parametrize("source", ["from optikit.types import Array", "import numpy", "from . import run"])
def test_an_import_in_the_package_itself_is_found(source):
    guarded = f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {source}"
    assert init_faults(guarded) == []
    assert len(init_faults(f"{guarded}\n{source}")) == 1
    assert len(init_faults(f"def __getattr__(name):\n    {source}")) == 1


@pytest.mark.parametrize(
    "source", ["import pluggy", "from pluggy import HookimplMarker", "import pluggy._manager as m"]
)
def test_pluggy_in_another_module_is_found(source):
    assert pluggy_faults("registry", source) == []
    assert len(pluggy_faults("run", source)) == 1


@pytest.mark.parametrize(
    "source", ["import numpy", "from optikit import errors", "from .types import Array", "import optikit_models"]
)
def test_another_import_in_hookspecs_is_found(source):
    assert len(hookspecs_faults(f"from typing import Any\nimport pluggy\n{source}")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from optikit.types import Array",
        "import optikit",
        "import optikit.registry",
        "from optikit import registry",
        "from optikit import *",
        "from optikit import Optimizer, _HOME",
        "from optikit_losses import CrossEntropy",
        "import optikit_losses.cross_entropy",
        "from ... import optikit_losses",
        "def late():\n    import optikit_optimizers",
        "from importlib import import_module\nimport_module('optikit.registry')",
        "import_library('optikit.registry')",
    ],
)
def test_a_plugin_going_around_the_public_names_is_found(source):
    assert len(plugin_faults("optikit_models.mlp", source)) == 1


def test_a_plugin_may_import_public_names_and_itself():
    source = (
        "import numpy\nfrom optikit import Array, hookimpl\nfrom optikit_models.linear import Linear\nfrom . import a"
    )
    assert plugin_faults("optikit_models.mlp", source) == []
    assert plugin_faults("optikit_models.__init__", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import optikit_models",
        "from optikit_models.mlp import MLP",
        "def late():\n    import optikit_gradients",
        "from importlib import import_module\nimport_module('optikit_losses')",
        "import optikit_of_somebody_else",
    ],
)
def test_the_core_importing_a_plugin_is_found(source):
    assert len(core_faults("registry", source)) == 1


def test_differing_lists_of_public_names_are_found():
    good = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from optikit.types import Array\n    __version__: str\n"
        "_HOME = {'Array': 'types'}\n__all__ = ['Array', '__version__']\n"
    )
    assert public_faults(good) == []
    for bad in [
        good.replace("['Array', ", "["),
        good.replace("['Array', ", "['Array', 'Array', "),
        good.replace("['Array', ", "['Array', 'Missing', "),
        good.replace(", '__version__'", ""),
        good.replace("import Array", "import Targets"),
        good.replace("optikit.types", "optikit.bounds"),
        good.replace("{'Array': 'types'}", "{'Array': 'types', 'Targets': 'types'}"),
    ]:
        assert bad != good
        assert public_faults(bad), bad


def test_a_heavy_import_is_found():
    assert loaded("import optikit; optikit.Optimizer", {"numpy", "pydantic", "scipy"}) == {"numpy", "pydantic"}
