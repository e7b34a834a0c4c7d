"""The doctor: plugins that would take their host with them are reported, and so is what others cost and lack."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from test_plugins import BROKEN, GOOD, HERE, ROOT, Plugin, install, optimizer

from optikit import api

PATIENCE = 8

SCHEMA = f"""
    @classmethod
    def __get_pydantic_json_schema__(cls, *args):
        import os
        os.abort()  {HERE}
"""

LETHAL = [
    Plugin(name="segfault", source="import ctypes\nctypes.string_at(0)  # <- here", problem="(SIGSEGV)"),
    Plugin(name="aborts", source="import os\nos.abort()  # <- here", problem="(SIGABRT)"),
    Plugin(
        name="overflows",
        source="""
            import sys

            sys.setrecursionlimit(10**9)
            nested = []
            for _ in range(10**5):
                nested = [nested]
            repr(nested)  # <- here
        """,
        problem="it killed the process (SIGSEGV) when it was imported",
    ),
    Plugin(
        name="exits-at-once",
        source="import os\n\ndef leave():\n    os._exit(3)  # <- here\n\nleave()",
        problem="it ended the process with os._exit(3) when it was imported",
    ),
    Plugin(
        name="exits-in-c",
        source="import ctypes\nctypes.CDLL(None)._exit(7)",
        problem="it ended the process with the status 7 when it was imported",
        where="entry point exits-in-c = exits_in_c",
    ),
    Plugin(name="kills-itself", source="import os\nos.kill(os.getpid(), 9)", problem="(SIGKILL)", where="entry point"),
    Plugin(
        name="stops-itself",
        source="import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)  # <- here",
        problem="it stopped the process (SIGSTOP) when it was imported",
    ),
    Plugin(
        name="exits-at-the-second-question",
        # The registry asks once; the doctor asks for more, and must not die of it without a word.
        source="""
            from optikit import Optimizer, hookimpl

            asked_before = []

            class Twice(type(Optimizer)):
                def __getattribute__(cls, name):
                    if name == "requires" and asked_before:
                        raise SystemExit(5)  # <- here
                    asked_before.extend([name] * (name == "requires"))
                    return super().__getattribute__(name)

            class Strange(Optimizer, metaclass=Twice):
                \"\"\"Strange.\"\"\"

                name = "strange"

                def init(self, x0, rng): ...
                def step(self, oracle, state): ...

            @hookimpl
            def optikit_components():
                return [Strange]
        """,
        stage="fields",
        problem="it raised SystemExit: 5 when its fields were looked at",
    ),
    Plugin(
        name="thread-goes-on",
        source="""
            import threading, time

            threading.Thread(target=time.sleep, args=(600,)).start()  # <- here
        """
        + textwrap.indent(optimizer("of-threads"), " " * 12),
        problem="it starts a thread that goes on and is no daemon, so that no command would come to its end, when it",
    ),
    Plugin(
        name="many-threads-go-on",
        source="import threading, time\nfor _ in range(40):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()  # <- here\n" + optimizer("of-many-threads"),
        problem="it starts a thread that goes on and is no daemon, so that no command would come to its end, when it",
    ),
    Plugin(
        name="closes-stdout",
        source=optimizer("closes-stdout").replace(
            "return [Ours]", f"import os\n    os.close(1)  {HERE}\n    return []"
        ),
        stage="components",
        problem="it closes or replaces the standard output of its host when it was asked for its components",
    ),
    Plugin(
        name="closes-a-range",
        source="import os\nos.closerange(2, 10**6)  # <- here\n" + optimizer("closes-a-range"),
        problem="it closes or replaces the standard error of its host when it was imported",
    ),
    Plugin(
        name="silences-stdout",
        source="import os\nos.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # <- here\n" + optimizer("silences-stdout"),
        problem="it closes or replaces the standard output of its host when it was imported",
    ),
    Plugin(
        name="swaps-stderr",
        source="import os\nos.dup2(1, 2)  # <- here\n" + optimizer("swaps-stderr"),
        problem="it closes or replaces the standard error of its host when it was imported",
    ),
    Plugin(
        name="process-goes-on",
        source="import multiprocessing, time\n"
        "multiprocessing.Process(target=time.sleep, args=(600,)).start()  # <- here\n" + optimizer("of-processes"),
        problem="it starts a process that goes on and is no daemon, so that no command would come to its end, when it",
    ),
    Plugin(
        name="thread-when-run",
        source="import threading, time\n"
        + optimizer("of-a-run").replace(
            "oracle.value(state.x / 2)",
            # Not one for each step: the memory for so many would be at its limit before anything is seen.
            "if threading.active_count() < 9:\n"
            f"            threading.Thread(target=time.sleep, args=(600,)).start()  {HERE}\n"
            "        oracle.value(state.x / 2)",
        ),
        stage="probe",
        problem="so that no command would come to its end, when its optimizer was run",
    ),
    Plugin(
        name="loops",
        source="while True:  # <- here\n    pass  # <- here",
        problem=f"it did not come back within {PATIENCE} seconds when it was imported",
    ),
    Plugin(
        name="sleeps",
        # What it has started is to end with it.
        source="""
            import subprocess, sys, time
            from pathlib import Path

            started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path(__file__).with_name("started").write_text(str(started.pid))
            time.sleep(600)  # <- here
        """,
        problem=f"it did not come back within {PATIENCE} seconds when it was imported",
    ),
    Plugin(
        name="fills-the-memory",
        source="hoard = bytearray(6 << 30)  # <- here",
        problem="MemoryError",
    ),
    Plugin(
        name="segfault-in-the-hook",
        source=optimizer("never-seen").replace("return [Ours]", f"import ctypes\n    ctypes.string_at(0)  {HERE}"),
        stage="components",
        problem="it killed the process (SIGSEGV) when it was asked for its components",
    ),
    Plugin(
        name="aborts-in-the-schema",
        source=optimizer("never-described").replace('Halve."""', f'Halve."""\n{SCHEMA}'),
        stage="fields",
        problem="it killed the process (SIGABRT) when its fields were looked at",
    ),
    Plugin(
        name="aborts-when-run",
        source=optimizer("never-run").replace("oracle.value(state.x / 2)", f"__import__('os').abort()  {HERE}"),
        stage="probe",
        problem="it killed the process (SIGABRT) when its optimizer was run",
    ),
]

STRANGE = [
    Plugin(
        name="talks",
        source=optimizer(
            "talks",
            """
            import os, sys, threading, time
            print("to stdout")
            print("to stderr", file=sys.stderr)
            os.write(1, b"to file 1\\n")
            threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            threading.Thread(target=time.sleep, args=(0.1,)).start()
            import concurrent.futures, multiprocessing
            multiprocessing.Process(target=time.sleep, args=(600,), daemon=True).start()
            multiprocessing.Process(target=time.sleep, args=(0.1,)).start()
            pool = concurrent.futures.ProcessPoolExecutor(1)
            pool.submit(time.sleep, 0)
            saved = os.dup(1)
            os.dup2(2, 1)
            os.dup2(saved, 1)
            """,
        ),
        api=("1",),
    ),
    Plugin(name="ponderous", source=optimizer("ponderous", "import heavy_library, light_library"), api=("1",)),
    Plugin(
        name="lacking", source=optimizer("lacking").replace("    name =", '    requires = "absent_lib"\n    name =')
    ),
    Plugin(
        name="twice-over",
        source=optimizer("of-both"),
        files={"other.py": optimizer("of-both")},
        more_entries={"second": "twice_over.other"},
    ),
    Plugin(
        name="looks-up",
        source="import optikit\n"
        + optimizer("looks-up").replace("oracle.value(", "optikit.get('optimizer', 'lbfgs')\n        oracle.value("),
    ),
    Plugin(name="usurper", source=optimizer("lbfgs"), api=("1",)),
    Plugin(
        name="old-fashioned",
        source="""
            from optikit import hookimpl
            from optikit.deprecated import deprecated

            @hookimpl
            def optikit_components():
                deprecated("the hook x", "the hook y", 2)  # <- here
                return []
        """,
    ),
    Plugin(name="Here", source=optimizer("here")),
]


def command(site, *words):
    path = os.pathsep.join(map(str, [site, ROOT, ROOT / "plugins"]))
    return subprocess.run(
        [sys.executable, "-m", "optikit", *words],
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )


def examined(folder):
    site = install([GOOD[0], *LETHAL, *STRANGE], folder / "lethal", pip=False)
    (site / "heavy_library.py").write_text("import time\ntime.sleep(0.2)\n")
    (site / "light_library.py").write_text("")
    second = install([Plugin(name="here", source=optimizer("here"))], folder / "second", pip=False)
    path = os.pathsep.join(map(str, [site, second]))
    done = command(path, "doctor", "--json", "--strict", "--patience", str(PATIENCE), "--probe")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)  # and so nothing that a plugin has printed is in there
    return {"site": str(site), "second": str(second), "found": found}


@pytest.fixture(scope="module")
def lethal(once):
    return once("doctor", examined)


@pytest.fixture(scope="module")
def site(lethal):
    return Path(lethal["site"])


@pytest.fixture(scope="module")
def found(lethal):
    return lethal["found"]


def of(found, key, distribution):
    return [row for row in found[key] if row["distribution"] == distribution]


@pytest.mark.parametrize("plugin", LETHAL, ids=lambda plugin: plugin.name)
def test_who_would_take_the_host_along_is_reported_with_stage_and_line(found, plugin):
    (fault,) = of(found, "faults", plugin.name)
    assert fault["stage"] == (plugin.stage or "import")
    assert plugin.problem in fault["problem"]
    if plugin.where is None:
        assert fault["where"].endswith(tuple(f"{os.sep}{place}" for place in plugin.marked()))
    else:
        assert fault["where"].startswith(plugin.where)
    assert plugin.name in fault["remedy"]
    (row,) = of(found, "plugins", plugin.name)
    assert row["stage"] == fault["stage"]


def test_the_others_are_looked_at_all_the_same(found):
    (good,) = of(found, "plugins", "aa-good")
    assert (good["stage"], good["brings"]) == ("whole", "optimizer good-first")
    assert good["milliseconds"] > 0
    assert len(of(found, "plugins", "optikit")) >= 15
    assert of(found, "faults", "optikit") == of(found, "faults", "talks") == []


def test_optimizers_are_probed_on_demand(found):
    (good,) = of(found, "plugins", "aa-good")
    (component,) = good["components"]
    assert component["abilities"]["needs_gradient"] is False


def test_who_looks_something_up_is_not_blamed_for_others(found):
    assert of(found, "faults", "looks-up") == []
    ((component,),) = [plugin["components"] for plugin in of(found, "plugins", "looks-up")]
    assert component["abilities"]["unknown"] == ""


def test_what_a_plugin_has_started_ends_with_it(found, site):
    pid = int((site / "started").read_text())
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            # The process that was its parent is gone, and whoever inherited it may not have looked yet.
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            os.kill(pid, 0)
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("it is still there")


def test_a_heavy_import_is_named_with_its_time_and_a_light_one_is_not(found):
    (note,) = of(found, "notes", "ponderous")
    (row,) = of(found, "plugins", "ponderous")
    assert set(row["heavy"]) == {"heavy_library"}
    assert 200 <= row["heavy"]["heavy_library"] <= row["milliseconds"]
    assert note["note"].startswith("importing it imports heavy_library, ")
    assert "in the methods" in note["remedy"]


def test_missing_extras_are_told_with_the_command_and_are_no_fault(found):
    (extra,) = of(found, "extras", "lacking")
    assert extra["remedy"] == "run `python -m pip install 'lacking[absent_lib]'`"
    assert extra["needed_by"] == ["optimizer lacking"]
    assert of(found, "faults", "lacking") == []


def test_a_name_twice_in_one_distribution_is_the_fault_that_the_registry_finds(found):
    (fault,) = of(found, "faults", "twice-over")
    assert (fault["plugin"], fault["stage"], fault["name"]) == ("twice-over", "component", "of-both")
    assert "Ours has the same kind and name, optimizer 'of-both', as another of its distribution" in fault["problem"]


def test_names_that_clash_are_found_across_processes(found):
    (fault,) = of(found, "faults", "usurper")
    assert (fault["stage"], fault["name"]) == ("name", "lbfgs")
    assert "also that of optikit" in fault["problem"]


def test_the_api_and_what_is_deprecated_are_told(found):
    silent, old = of(found, "notes", "old-fashioned")[::-1]
    assert f"counts as written for API {api.OLDEST}" in silent["note"]
    assert 'project.entry-points."optikit.api"' in silent["remedy"]
    (plugin,) = [plugin for plugin in STRANGE if plugin.name == "old-fashioned"]
    assert plugin.marked()[0] in old["note"]
    assert "write the hook y" in old["note"]
    assert of(found, "plugins", "talks")[0]["api"] == ["1"]


def test_listing_the_names_runs_none_of_them(site):
    done = command(site, "list", "--plugins", "--json")
    assert done.returncode == 0
    listed = {row["distribution"] for row in json.loads(done.stdout)}
    assert {plugin.name for plugin in [*LETHAL, *STRANGE]} <= listed


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return install([*GOOD, *BROKEN], tmp_path_factory.mktemp("broken"), pip=False)


@pytest.mark.slow
def test_whoever_breaks_in_python_has_the_fault_of_the_registry(broken):
    found = json.loads(command(broken, "doctor", "--json").stdout)
    script = """
import dataclasses, json
from optikit import registry
made = registry.default()
print(json.dumps([dataclasses.asdict(fault) for fault in [*made.faults, *made.clashes()]]))
"""
    path = os.pathsep.join(map(str, [broken, ROOT, ROOT / "plugins"]))
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    expected = json.loads(done.stdout)
    assert {fault["distribution"] for fault in expected} >= {plugin.name for plugin in BROKEN}
    key = json.dumps
    assert sorted(found["faults"], key=key) == sorted(expected, key=key)


EXPERIMENT = """
[problem]
function = "function.py:f"
x0 = [8.0, 4.0]
[runs.halved]
optimizer = "good-first"
max_steps = 3
"""


def test_thirty_broken_distributions_leave_every_command_working(broken, tmp_path):
    assert len(BROKEN) >= 30
    (tmp_path / "function.py").write_text("def f(x):\n    return float(x @ x)\n")
    (tmp_path / "e.toml").write_text(EXPERIMENT)
    for words, wanted in {
        ("list", "--kind", "optimizer"): "good-first",
        ("list", "--plugins"): "syntax-encoding",
        ("show", "good-last"): "optimizer good-last",
        ("run", str(tmp_path / "e.toml"), "--out", str(tmp_path / "out")): "halved",
        ("check", "good-last", "--examples", "1", "--out", str(tmp_path / "c.json")): "checks ran",
    }.items():
        done = command(broken, *words)
        assert wanted in done.stdout, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_one_distribution_may_be_asked_for_by_any_spelling(tmp_path):
    site = install([GOOD[0], Plugin(name="Half-Way", source=optimizer("lbfgs"))], tmp_path, pip=False)
    done = command(site, "doctor", "half_way")
    assert done.returncode == 0
    assert done.stdout.startswith("Half-Way 1.0, Half-Way: optimizer lbfgs (imported in ")
    assert "aa-good" not in done.stdout
    assert "  stage: name\n" in done.stdout
    assert done.stdout.splitlines()[-1] == (
        "1 fault in 1 plugin with 1 component, imported and described; 1 optimizer not run, which --probe does"
    )
    done = command(site, "doctor", "halfway")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no installed distribution 'halfway' brings a plugin; did you mean 'Half-Way'?" in done.stderr


def test_whoever_is_meant_is_looked_at_alone_unless_another_one_kills_who_compares_the_names(tmp_path):
    once = """
        from pathlib import Path
        with Path(__file__).with_name("imports").open("a") as file:
            file.write("x")
    """
    plugins = [Plugin(name="mine", source=optimizer("lbfgs")), Plugin(name="other", source=optimizer("of-other", once))]
    # Names are compared in one process, and after its death in one for each; it may have come to `other` before.
    for lethal, imports in [([], 1), (["before"], 1), (["zz-after"], 2)]:
        more = [Plugin(name=name, source="import os\nos.abort()") for name in lethal]
        site = install([*plugins, *more], tmp_path / f"with{''.join(lethal)}", pip=False)
        found = json.loads(command(site, "doctor", "mine", "--json").stdout)
        assert [row["distribution"] for row in found["plugins"]] == ["mine"]
        assert [(row["distribution"], row["stage"]) for row in found["faults"]] == [("mine", "name")]
        assert (site / "imports").read_text() == "x" * imports


def test_nothing_wrong_is_said_with_what_was_looked_at(tmp_path):
    lacking = optimizer("lacking").replace("    name =", '    requires = "absent_lib"\n    name =')
    plugin = Plugin(name="fine", source=optimizer("fine"), api=("1",))
    site = install([plugin], tmp_path / "one", pip=False)
    done = command(site, "doctor", "fine", "--probe")
    assert done.stdout.splitlines()[-1] == (
        "no faults in 1 plugin with 1 component, imported and described; 1 optimizer run for a moment"
    )
    more = Plugin(
        name="fine", source=plugin.source, api=("1",), files={"other.py": lacking}, more_entries={"other": "fine.other"}
    )
    site = install([more], tmp_path / "two", pip=False)
    done = command(site, "doctor", "fine", "--probe")
    assert done.stdout.splitlines()[-1] == (
        "no faults in 2 plugins with 2 components, imported and described; 1 of 2 optimizers run for a moment"
    )


def test_what_is_remembered_of_an_optimizer_keeps_the_doctor_from_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTIKIT_CACHE", str(tmp_path / "cache"))
    threads = optimizer("of-a-run").replace(
        "oracle.value(state.x / 2)",
        f"__import__('threading').Thread(target=__import__('time').sleep, args=(5,)).start()  {HERE}\n"
        "        oracle.value(state.x / 2)",
    )
    site = install([Plugin(name="goes-on", source=threads, api=("1",))], tmp_path / "site", pip=False)
    for _ in range(2):
        found = json.loads(command(site, "doctor", "goes-on", "--probe", "--json").stdout)
        assert [fault["stage"] for fault in found["faults"]] == ["probe"]
        assert command(site, "show", "of-a-run").returncode == 0  # which remembers


@pytest.mark.parametrize(
    ("source", "said"),
    [("import os\nos.close(1)", "Bad file descriptor"), ("import sys\nsys.__stdout__.close()", "it has been closed")],
)
def test_where_a_plugin_has_closed_the_output_that_is_told_in_one_line(tmp_path, source, said):
    site = install([Plugin(name="closes", source=source)], tmp_path, pip=False)
    done = command(site, "list", "--kind", "loss")
    assert done.returncode == 1
    assert done.stderr.strip() == f"optikit: the output cannot be written ({said})"


def test_a_distribution_in_two_places_is_noted(found, lethal):
    assert of(found, "faults", "Here") == []
    notes = of(found, "notes", "Here")
    assert any(f"installed in 2 places; the one in {lethal['site']} is meant" in note["note"] for note in notes)
    assert any(note["remedy"].endswith(lethal["second"]) for note in notes)


def test_ctrl_c_ends_the_doctor_and_what_it_has_started(tmp_path):
    source = """
        import os, time
        from pathlib import Path

        Path(__file__).with_name("begun").write_text(str(os.getpid()))
        time.sleep(600)
    """
    site = install([Plugin(name="aa-waits", source=source)], tmp_path, pip=False)
    path = os.pathsep.join(map(str, [site, ROOT, ROOT / "plugins"]))
    with subprocess.Popen(
        [sys.executable, "-m", "optikit", "doctor", "--patience", "600"],
        env=os.environ | {"PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    ) as doctor:
        until = time.monotonic() + 60
        while not ((site / "begun").exists() and (site / "begun").read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        doctor.send_signal(signal.SIGINT)
        _, said = doctor.communicate(timeout=60)
    assert (doctor.returncode, said.strip()) == (130, "optikit: interrupted")
    with pytest.raises(ProcessLookupError):
        os.kill(int((site / "begun").read_text()), 0)
