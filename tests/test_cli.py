"""The command line, as a user meets it: in a process of its own, or in ours where that says the same."""

import gzip
import itertools
import json
import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from test_data import idx

from optikit import load_arrays
from optikit.cli import main

ROOT = Path(__file__).parent.parent
MNIST = ROOT / "examples" / "mnist.toml"
SMALL = """
seed = 1

[problem]
batch_size = 20
data = { name = "npz", path = "data.npz" }
model = { name = "mlp", layers = [4, 5, 2] }
loss = "cross-entropy"

[runs.random]
optimizer = "random-search"
epochs = 4

[runs.descent]
optimizer = { name = "gradient-descent", learning_rate = 0.1 }
epochs = 4

[runs.numerical]
optimizer = { name = "gradient-descent", learning_rate = 0.1 }
gradient = "central-difference"
epochs = 4
"""
FUNCTION = """
[problem]
function = "{module}:fun"
x0 = [1.0, 2.0]
bounds = [-3, 3]

[runs.random]
optimizer = "random-search"
max_evals = 50

[runs.descent]
optimizer = "gradient-descent"
gradient = "forward-difference"
max_evals = 200
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=150)
    np.savez(tmp_path / "data.npz", x=rng.normal(size=(150, 4)) + 2 * labels[:, None], y=labels)
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def optikit(monkeypatch, capsys):
    """Run the command line here; give exit status, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["optikit", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return ended.value.code, out, err

    return run


def table(out):
    """Read the table of the runs."""
    lines = out.splitlines()
    top = next(number for number, line in enumerate(lines) if line.strip().startswith("run "))
    rows = [lines[top], *itertools.takewhile(str.strip, lines[top + 2 :])]
    return [re.split(r"\s{2,}", row.strip()) for row in rows]


def process(*words, **options):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])}
    # Whoever started the tests may have SIGINT ignored, and children inherit that.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from optikit.cli import main; main()"
    )
    return subprocess.Popen([sys.executable, "-c", code, *map(str, words)], env=environment, text=True, **options)


def test_a_run_prints_a_table_and_leaves_everything_in_a_new_folder(folder, optikit):
    pytest.importorskip("matplotlib")
    status, out, err = optikit("run", "small.toml")
    assert status == 0
    assert out.startswith(
        "small.toml: mlp with 37 parameters, cross-entropy, on npz: 120 samples in batches of 20, 30 held"
    )
    heading, *rows = table(out)
    assert heading == ["run", "loss", "accuracy", "evaluations", "grads", "seconds", "stop"]
    assert [row[0] for row in rows] == ["random", "descent", "numerical"]
    assert rows[2][3:5] == [f"{24 * 75:,}", "24"]
    assert rows[1][6] == "epochs"
    results = folder / "results" / "small-1"
    assert f"results: {Path('results/small-1')}/results.json" in out
    assert sorted(path.name for path in results.iterdir()) == [
        "curves.png", "descent.npz", "numerical.npz", "random.npz", "results.json",
    ]  # fmt: skip
    assert (results / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert "descent: step 24/24, loss" in err
    assert "held-out accuracy" in err
    assert len([line for line in err.splitlines() if line.startswith("descent:")]) <= 11
    optikit("run", "small.toml", "--only", "descent")
    assert (folder / "results" / "small-2" / "results.json").exists(), "nothing is overwritten"


def test_json_is_one_document_and_the_same_numbers_twice(folder, optikit):
    documents = []
    for _ in range(2):
        status, out, _ = optikit("run", "small.toml", "--json", "--out", "here")
        assert status == 0
        documents.append(json.loads(out))
        assert json.loads((folder / "here" / "results.json").read_text()) == documents[-1]
        for run in documents[-1]["runs"].values():
            assert run.pop("seconds") > 0
    assert documents[0] == documents[1]
    runs = documents[0]["runs"]
    for run in runs.values():
        assert {"loss", "accuracy", "nfev", "njev", "nit", "stop", "message", "losses", "curve"} <= run.keys()
        assert 0 <= run["accuracy"] <= 1
        assert (run["stop"], run["success"], run["nit"], len(run["losses"])) == ("epochs", True, 24, 24)
    assert np.allclose(runs["descent"]["losses"], runs["numerical"]["losses"], rtol=1e-6, atol=0)
    with np.load(folder / "here" / "descent.npz", allow_pickle=False) as arrays:
        assert arrays["x"].shape == (37,)
        assert np.array_equal(arrays["steps_fun"], runs["descent"]["losses"])


def test_workers_make_no_difference_to_the_numbers(folder, optikit):
    documents = []
    for workers in ([], ["--workers", "2"]):
        status, out, _ = optikit("run", "small.toml", "--json", "--out", "here", *workers)
        assert status == 0
        documents.append(json.loads(out))
        for run in documents[-1]["runs"].values():
            run.pop("seconds")
    assert documents[0] == documents[1]
    status, _, err = optikit("run", "small.toml", "--workers", "many")
    assert (status, "workers is 'many'; pass how many" in err) == (2, True)


def test_the_accuracy_is_that_of_the_held_out_samples(folder, optikit):
    import optikit as package

    _, out, _ = optikit("run", "small.toml", "--json", "--only", "descent", "--out", "here")
    run = json.loads(out)["runs"]["descent"]
    data = package.get("data", "npz", path="data.npz").load()
    model, loss = package.get("model", "mlp", layers=[4, 5, 2]), package.get("loss", "cross-entropy")
    problem = package.Problem.of(model, loss, data.train.inputs, data.train.targets)
    x = package.load_arrays(folder / "here" / "descent.npz")["x"]
    held_out, train = problem.score(x, data.held_out), problem.score(x)
    assert held_out.accuracy != train.accuracy, "so that the two cannot be taken for each other"
    assert (run["accuracy"], run["held_out_loss"]) == (held_out.accuracy, held_out.loss)
    assert (run["train_accuracy"], run["loss"]) == (train.accuracy, train.loss)


def test_a_result_that_cannot_be_written_or_drawn_is_still_shown(folder, optikit):
    (folder / "here" / "curves.png").mkdir(parents=True)
    status, out, _ = optikit("run", "small.toml", "--out", "here")
    assert status == 0
    assert "curves:  no picture: raised IsADirectoryError" in out
    (folder / "here" / "results.json").unlink()
    (folder / "here" / "results.json").mkdir()
    status, out, err = optikit("run", "small.toml", "--out", "here")
    assert status == 2
    assert "the results cannot be written (Is a directory)" in err
    assert len(table(out)) == 4


def test_only_set_and_out(folder, optikit):
    _, out, _ = optikit(
        "run", "small.toml", "--json", "--only", "descent", "--out", "a/b", "--set", "runs.descent.epochs=2",
        "--set", "runs.descent.optimizer.momentum=0.5", "--set", "problem.loss.name=cross-entropy", "--set", "seed=7",
    )  # fmt: skip
    document = json.loads(out)
    assert list(document["runs"]) == ["descent"]
    assert document["runs"]["descent"]["nit"] == 12
    assert document["experiment"]["runs"]["descent"]["optimizer"]["momentum"] == 0.5
    assert document["experiment"]["seed"] == 7
    assert (folder / "a" / "b" / "descent.npz").exists()


def test_without_matplotlib_the_run_says_how_to_get_the_picture(folder, optikit, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    status, out, _ = optikit("run", "small.toml", "--only", "random")
    assert status == 0
    assert "no picture without matplotlib; `python -m pip install matplotlib` brings it" in out


def test_a_second_component_may_be_the_held_out_part(folder, optikit):
    with np.load(folder / "data.npz") as arrays:
        np.savez(folder / "more.npz", x=arrays["x"][:40], y=arrays["y"][:40])
    (folder / "small.toml").write_text(SMALL + '\n[problem.held_out]\nname = "npz"\npath = "more.npz"\n')
    status, out, _ = optikit("run", "small.toml", "--only", "descent")
    assert status == 0
    assert "150 samples in batches of 20, 40 held out" in out


def test_paths_are_looked_for_beside_the_file_first(folder, optikit, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert optikit("run", folder / "small.toml", "--only", "random")[0] == 0


def test_the_network_learns_digits_from_idx_files_it_has_not_seen(folder, optikit):
    """Stands in for the official test images: the sample's own, written as IDX files and held apart."""
    import optikit as package

    whole = package.get("data", "mnist-sample").load()
    for name, part in (("train", whole.train), ("test", whole.held_out)):
        images = np.round(part.inputs * 255).reshape(-1, 28, 28).astype(np.uint8)
        (folder / f"{name}-images.gz").write_bytes(gzip.compress(idx(images), 1))
        (folder / f"{name}-labels.gz").write_bytes(gzip.compress(idx(part.targets), 1))
    status, out, _ = optikit(
        "run", MNIST, "--json", "--only", "backprop", "--set", "problem.data.name=idx", "--set",
        "problem.data.images=train-images.gz", "--set", "problem.data.labels=train-labels.gz", "--set",
        "problem.held_out.name=idx", "--set", "problem.held_out.images=test-images.gz", "--set",
        "problem.held_out.labels=test-labels.gz",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out)["runs"]["backprop"]["accuracy"] >= 0.92


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "runs.descent.optimizer.name=gradient-decent",
            "[runs.descent.optimizer] there is no optimizer 'gradient-decent'; did you mean 'gradient-descent'?",
        ),
        (
            "runs.descent.optimizer.learning_rat=1",
            "[runs.descent.optimizer] gradient-descent has no field 'learning_rat'; did you mean 'learning_rate'?",
        ),
        (
            "runs.descent.optimizer.learning_rate=-1",
            "[runs.descent.optimizer] gradient-descent: learning_rate is -1, but must be greater than 0",
        ),
        (
            "runs.descent.optimizer.learning_rate=fast",
            "[runs.descent.optimizer] gradient-descent: learning_rate is 'fast', but must be a number",
        ),
        (
            "runs.descent.optimizer.learning_rate=nan",
            "[runs.descent.optimizer] gradient-descent: learning_rate is nan, but must be a finite number",
        ),
        ("runs.descent.optimizer=5", "[runs.descent] optimizer: 5 is no optimizer"),
        (
            "runs.descent.gradient=analytical",
            "[runs.descent] gradient: there is no gradient 'analytical'; did you mean 'analytic'?",
        ),
        ("runs.descent.epoch=3", "[runs.descent] epoch is no field of this table; did you mean 'epochs'?"),
        ("runs.descent.epochs=0", "[runs.descent] epochs is 0, but must be greater than or equal to 1"),
        ("runs.descent.max_seconds=true", "[runs.descent] max_seconds is True"),
        ("runs.decent.epochs=3", "--set runs.decent.epochs=3: there is no run 'decent'; did you mean 'descent'?"),
        ("runs.descent.epochs", "--set runs.descent.epochs: write it as table.field=value"),
        ("seed.x=1", "--set seed.x=1: seed is no table"),
        ("problem.l2=-1.0", "[problem] l2 is -1.0, but must be greater than or equal to 0"),
        ("problem.l2=inf", "[problem] l2 is inf, but must be a finite number"),
        ("problem.l2=much", "[problem] l2 is 'much', but must be a number"),
        ("problem.data.weights=w", "[problem.data] data.npz: there is no array 'w'"),
        ("problem.los=x", "[problem] los is no field of this table; did you mean 'loss'?"),
        ("problem.loss=hinges", "[problem] loss: there is no loss 'hinges'"),
        ("problem.function=a:b", "[problem] x0 is missing"),
        ("problem.x0=[1]", "[problem] x0 does not go together with data, loss, model"),
        ("problem.data.path=nowhere.npz", "[problem.data] nowhere.npz: there is no such file"),
        ("problem.data.path=small.toml", "[problem.data] small.toml: this is no readable npz file"),
        ("problem.data.held_out=1", "[problem.data] npz: held_out is 1, but must be less than 1"),
        (
            "problem.model.layers=[5,2]",
            "[problem.model] mlp: layers begin with 5 inputs, but an input row has shape (4,)",
        ),
        (
            "problem.model.layers=[4,1]",
            "[problem.loss] cross-entropy: there is a label 1, but the model has 1 outputs",
        ),
        ("problem.model.layers=4", "[problem.model] mlp: layers is 4, but must be a list"),
        ("problem.model=mlp", "[problem] model: mlp: layers is required and missing"),
        ("problem.model.layers=[4]", "[problem.model] mlp: layers is (4,), but must have 2 or more items"),
        ("problem.held_out={name='mnist-sample'}", "[problem.held_out] mlp: layers begin with 4 inputs"),
        ("problem.held_out.name=csv", "[problem.held_out] csv: path is required and missing"),
        ("name=x", "name is no field of this table; known are compare, problem, rng, runs"),
    ],
    ids=lambda value: value[:50],
)
def test_bad_input_is_one_sentence_with_file_table_and_field(folder, optikit, setting, said):
    status, _, err = optikit("run", "small.toml", "--set", setting)
    assert status == 2
    assert said in err
    assert "small.toml" in err or "--set" in err
    assert err.startswith("optikit: ")
    assert err.count("\n") == 1, "one sentence"
    assert not (folder / "results").exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere.toml"], "optikit: nowhere.toml: there is no such file"),
        (["run", "broken.toml"], "optikit: broken.toml: this is no TOML: "),
        (["run", "empty.toml"], "optikit: empty.toml: problem is required and missing"),
        (["run", "binary"], "optikit: binary: it cannot be read"),
        (
            ["run", "small.toml", "--only", "decent"],
            "--only decent: small.toml has no such run; did you mean 'descent'?",
        ),
        (["run", "small.toml", "--out", "small.toml"], "optikit: --out small.toml: it cannot be written to"),
        (["run", "small.toml", "--out", "/proc/results"], "optikit: --out /proc/results: it cannot be written to"),
        (["run", "slash.toml"], "[runs] 'a/b' names files, too; use letters"),
        (["run", "endless.toml"], "[runs.b] it is not said how long to train"),
        (["run", "epochs.toml"], "[runs.random] epochs are for data; give max_steps, max_evals or max_seconds"),
        (["run", "f.toml", "--set", "problem.l2=0"], "f.toml: [problem] l2 does not go together with function, x0"),
        (["run", "f.toml", "--set", "problem.x0=1.0"], "f.toml: [problem] x0 is not a list of numbers"),
        (["run", "f.toml", "--set", "problem.x0=[5.0, 'a']"], "f.toml: [problem] x0[1] is 'a'; pass"),
        (["run", "sum.toml", "--set", "problem.bounds=[1, 2, 3]"], "sum.toml: [problem] the bounds [1, 2, 3] do not"),
        (["run", "."], "optikit: .: it cannot be read (Is a directory)"),
        (["run"], "Missing argument 'FILE'"),
        (["run", "small.toml", "--jsn"], "No such option '--jsn'"),
        (["list", "--kind", "optimiser"], "optikit: there is no kind 'optimiser'; did you mean 'optimizer'?"),
        (["show", "gradient-decent"], "there is no component 'gradient-decent'; did you mean 'gradient-descent'?"),
        (["show", "nope"], "there is no component 'nope'; the nearest are npz, nlopt-e"),
        (["show", "optimizer", "nope"], "`optikit list --kind optimizer` lists all"),
        (["show", "los", "cross-entropy"], "there is no kind 'los'; did you mean 'loss'?"),
        (["show", "a", "b", "c"], "show takes a kind and a name, not 3 words"),
        (["frobnicate"], "No such command 'frobnicate'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_is_answered_with_status_2(folder, optikit, words, said):
    (folder / "broken.toml").write_text("[problem\n")
    (folder / "empty.toml").write_text("")
    (folder / "f.toml").write_text(FUNCTION.format(module="math"))
    (folder / "sum.toml").write_text(FUNCTION.format(module="math").replace(":fun", ":fsum"))
    (folder / "slash.toml").write_text(SMALL.replace("[runs.random]", '[runs."a/b"]'))
    (folder / "endless.toml").write_text(SMALL + '\n[runs.b]\noptimizer = "random-search"\n')
    (folder / "epochs.toml").write_text(FUNCTION.format(module="m").replace("max_evals = 50", "epochs = 3"))
    (folder / "binary").write_bytes(b"\xff\xfe")
    status, _, err = optikit(*words)
    assert status == 2
    assert said in err
    assert len(err) < 300


def test_a_learning_rate_that_diverges_is_said_and_the_table_keeps_the_best_point(folder, optikit):
    status, out, err = optikit("run", "small.toml", "--set", "runs.descent.optimizer.learning_rate=1e6")
    assert status == 2
    complaint = [line for line in err.splitlines() if line.startswith("optikit:")]
    assert len(complaint) == 1
    assert "small.toml: [runs.descent] The loss rose from" in complaint[0]
    assert "a learning_rate below 1e+06 may help" in complaint[0]
    rows = {row[0]: row for row in table(out)}
    assert rows["descent"][-1] == "diverged"
    assert float(rows["descent"][1]) < 10
    assert rows["numerical"][-1] == "epochs", "the other runs are made"


def test_a_function_beside_the_file_is_minimised(folder, optikit):
    (folder / "hills.py").write_text("def fun(x):\n    return float(x @ x)\n")
    (folder / "f.toml").write_text(FUNCTION.format(module="hills"))
    status, out, _ = optikit("run", "f.toml", "--json")
    assert status == 0
    runs = json.loads(out)["runs"]
    assert runs["random"]["nfev"] == 50
    assert runs["descent"]["nfev"] <= 200
    assert runs["descent"]["loss"] < 5
    assert runs["descent"]["accuracy"] is None
    sys.modules.pop("hills")


NAMED = """
[problem]
function = "valley.py:fun"
gradient = "valley.py:slope"
x0 = { w = [1.0, 2.0], b = 0.5 }
bounds = { w = [-3, [3, 3]] }
fixed = ["b"]
scale = { w = [0.5, 3.0] }

[runs.descent]
optimizer = { name = "gradient-descent", learning_rate = 0.1 }
compare_gradient = "central-difference"
"""


def test_a_function_of_named_parameters_is_minimised(folder, optikit):
    (folder / "valley.py").write_text(
        "import numpy as np\n\n"
        "def fun(x):\n    assert x['b'] == 0.5\n    return float(x['w'] @ x['w'])\n\n"
        "def slope(x):\n    return {'w': 2 * x['w'], 'b': 0.0}\n"
    )
    (folder / "f.toml").write_text(NAMED)
    status, out, _ = optikit("run", "f.toml", "--json", "--out", "here")
    assert status == 0
    run = json.loads(out)["runs"]["descent"]
    assert run["success"]
    assert run["loss"] < 1e-12
    assert run["compared"]["difference"] < 1e-6
    x = load_arrays(folder / "here" / "descent.npz")["x"]
    assert x.shape == (3,)
    assert x[2] == 0.5
    status, out, _ = optikit("check-gradient", "f.toml")
    assert status == 0
    assert "f.toml: valley.py:fun of 2 parameters" in out
    assert "agrees with differences of the function in all 2 coordinates" in out


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("problem.bounds={v=[0,1]}", "[problem] bounds: x has no part 'v'"),
        ("problem.fixed=['w','b']", "[problem] all parameters are fixed"),
        ("problem.scale={w=0}", "[problem] the scale of x['w'][0] is 0; pass a positive number"),
        ("problem.x0={w=[1.0,2.0],b='a'}", "[problem] x0['b'] is 'a'"),
    ],
)
def test_wrong_named_parameters_are_answered_by_name(folder, optikit, override, said):
    (folder / "f.toml").write_text(NAMED)
    status, _, err = optikit("run", "f.toml", "--set", override)
    assert status == 2
    assert f"f.toml: {said}" in err


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        (
            "def fun(x):\n    return 1 / 0\n",
            r"\[runs.random\] raised ZeroDivisionError: division by zero \(.*holes.py:2\)",
            1,
        ),
        ("def fun(x):\n    return None\n", r"\[runs.random\] the objective returned None", 2),
        (
            "import sys\n\ndef fun(x):\n    sys.exit(3)\n",
            r"\[runs.random\] raised SystemExit: 3",
            1,
        ),
        (
            "def other(x):\n    return 0.0\n",
            r"\[problem\] function = 'holes:fun': holes has no 'fun'; known are other",
            2,
        ),
        ("import nowhere\n", r"\[problem\] function = 'holes:fun': it cannot be imported: ModuleNotFoundError", 2),
        ("fun = 3\n", "fun is 3, which cannot be called", 2),
    ],
)
def test_a_function_that_fails_is_one_sentence(folder, optikit, source, said, expected):
    (folder / "holes.py").write_text(source)
    (folder / "f.toml").write_text(FUNCTION.format(module="holes"))
    try:
        status, _, err = optikit("run", "f.toml")
    finally:
        sys.modules.pop("holes", None)
    assert status == expected
    assert re.search(said, err)
    assert all(line.startswith(("optikit:", "random:", "descent:")) for line in err.splitlines())


def test_the_gradient_of_a_problem_is_checked(folder, optikit):
    status, out, _ = optikit("check-gradient", "small.toml")
    assert status == 0
    assert "The gradient agrees with differences of the function in all 37 coordinates." in out
    (folder / "slopes.py").write_text("def fun(x):\n    return float(x @ x)\n\ndef slope(x):\n    return 2 * x + 0.3\n")
    (folder / "f.toml").write_text(FUNCTION.format(module="slopes").replace("x0 =", 'gradient = "slopes:slope"\nx0 ='))
    status, out, _ = optikit("check-gradient", "f.toml")
    assert status == 1
    assert "x[0]: 2.3 given, 2 by differences" in out
    assert "It is +0.3 off everywhere." in out
    sys.modules.pop("slopes")
    (folder / "f.toml").write_text(FUNCTION.format(module="math").replace("math:fun", "math:fsum"))
    status, _, err = optikit("check-gradient", "f.toml")
    assert status == 2
    assert "f.toml: [problem] the function has no gradient of its own" in err


SLOPES = """
x0 = [1.0, 2.0]

def fun(x):
    return float(x @ x)

def fun_gradient(x):
    return 2 * x

def wrong(x):
    return 2 * x + 0.3

def net(p):
    return float((p["w"] ** 2).sum() + 3 * p["b"])

def net_gradient(p):
    return {"w": 2 * p["w"], "b": 2.0}
"""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["slopes.py:fun"], 0, r"agrees .* in all 2 coordinates"),
        (["slopes.py:fun", "--at", "3,4,5"], 0, r"agrees .* in all 3 coordinates"),
        (["slopes.py:fun", "--gradient", "wrong"], 1, r"x\[0\]: 2.3 given, 2 by differences.*\+0.3 off everywhere"),
        (["slopes.py:net", "--at", "{w = [1.0, 2.0], b = 1.0}"], 1, r"x\['b'\]: 2 given, 3 by differences"),
        (["slopes.py:nett"], 2, r"slopes.py:nett: slopes.py has no 'nett'; did you mean 'net'"),
        (["slopes.py:wrong"], 2, r"has no 'wrong_gradient'.*--gradient NAME"),
        (["slopes.py:fun", "--at", "a,b"], 2, r"--at a,b: write numbers"),
        (["slopes.py:net"], 2, r"slopes.py:net: the function raised IndexError"),
        (["nowhere.py:fun"], 2, r"nowhere.py:fun: it cannot be imported: .*no such file"),
        (["slopes.py"], 2, r"write slopes.py:FUNCTION"),
        (["slopes.py:fun", "--set", "seed=1"], 2, r"--set seed=1: it is for experiment files"),
        (["small.toml", "--at", "1"], 2, r"--gradient and --at are for FILE.py:FUNCTION"),
    ],
)
def test_the_gradient_of_a_function_in_a_file_is_checked(folder, optikit, arguments, status, said):
    (folder / "slopes.py").write_text(SLOPES)
    found, out, err = optikit("check-gradient", *arguments)
    assert found == status
    assert re.search(said, err if status == 2 else out)


def test_a_run_with_a_wrong_gradient_says_so_and_goes_on_or_not(folder, optikit):
    (folder / "slopes.py").write_text(SLOPES)
    text = FUNCTION.format(module="slopes.py").replace("x0 =", 'gradient = "slopes.py:wrong"\nx0 =')
    text = text.replace("forward-difference", "analytic")
    (folder / "f.toml").write_text(text)
    status, _, err = optikit("run", "f.toml", "--only", "descent")
    assert status == 0
    assert re.search(r"optikit: f.toml: \[runs.descent\] The gradient is wrong in 2 of 2 comparisons: x\[", err)
    assert "GradientWarning" not in err
    results = json.loads((folder / "results" / "f-1" / "results.json").read_text())["runs"]
    assert results["descent"]["nfev_check"] > 17
    status, _, err = optikit("run", "f.toml", "--only", "descent", "--set", 'runs.descent.check_gradient="raise"')
    assert status == 2
    assert "[runs.descent] The gradient is wrong" in err
    status, _, err = optikit("run", "f.toml", "--only", "descent", "--set", "runs.descent.check_gradient=false")
    assert status == 0
    assert "wrong" not in err


def test_a_function_of_nan_leaves_a_table_and_no_traceback(folder, optikit):
    (folder / "nowhere_finite.py").write_text("def fun(x):\n    return float('nan')\n")
    (folder / "f.toml").write_text(FUNCTION.format(module="nowhere_finite"))
    status, out, err = optikit("run", "f.toml")
    assert status == 2
    assert "f.toml: [runs.descent] The value at the start is not finite" in err
    assert [row[-1] for row in table(out)] == ["stop", "max-evals", "failed"]
    assert "curves.png" in out
    assert json.loads((folder / "results" / "f-1" / "results.json").read_text())["runs"]["random"]["nans"] == 50


def test_regression_shows_the_held_out_loss(folder, optikit):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(80, 2))
    rows = np.column_stack([inputs, inputs @ [1.0, -2.0] + 0.5])
    np.savetxt(folder / "r.csv", rows, delimiter=",", header="a,b,price", comments="")
    (folder / "r.toml").write_text("""
        [problem]
        data = { name = "csv", path = "r.csv", target = "price", targets = "values" }
        model = { name = "linear", inputs = 2 }
        loss = "mean-squared-error"
        [runs.descent]
        optimizer = { name = "gradient-descent", learning_rate = 0.1 }
        epochs = 200
    """)
    status, out, err = optikit("run", "r.toml")
    assert status == 0
    heading, row = table(out)
    assert heading == ["run", "loss", "held-out loss", "evaluations", "grads", "seconds", "stop"]
    assert float(row[2]) < 1e-6
    assert "held-out loss" in err
    status, _, err = optikit("run", "r.toml", "--set", "problem.data.targets=labels")
    assert status == 2
    assert 'target = "price" is a column of real numbers; give targets = "values"' in err


def test_weights_and_l2_are_part_of_the_problem(folder, optikit):
    from optikit.experiment import read_experiment

    rng = np.random.default_rng(0)
    inputs, weights = rng.normal(size=(40, 2)), rng.integers(1, 4, size=40)
    rows = np.column_stack([inputs, weights, inputs @ [1.0, -2.0] + rng.normal(size=40)])
    np.savetxt(folder / "r.csv", rows, delimiter=",", header="a,b,importance,price", comments="")
    (folder / "r.toml").write_text("""
        [problem]
        model = { name = "linear", inputs = 2 }
        loss = "mean-squared-error"
        l2 = 0.5
        [problem.data]
        name = "csv"
        path = "r.csv"
        target = "price"
        targets = "values"
        weight = "importance"
        held_out = 0
        [runs.descent]
        optimizer = { name = "gradient-descent", learning_rate = 0.1 }
        epochs = 300
    """)
    status, out, _ = optikit("run", "r.toml", "--json")
    assert status == 0
    # Weighted ridge regression, in closed form.
    columns, targets, shares = np.column_stack([inputs, np.ones(40)]), rows[:, 3], weights / weights.sum()
    x = np.linalg.solve(
        2 * columns.T @ (shares[:, None] * columns) + 0.5 * np.eye(3), 2 * columns.T @ (shares * targets)
    )
    expected = shares @ (columns @ x - targets) ** 2 + 0.25 * x @ x
    assert np.isclose(json.loads(out)["runs"]["descent"]["loss"], expected, rtol=1e-9)
    assert optikit("check-gradient", "r.toml")[0] == 0
    task = read_experiment(Path("r.toml")).task
    task.prepare()
    checked, _ = task.subject(0)
    assert np.isclose(checked.whole.value(x), expected, rtol=1e-13), "what is checked is what is minimised"


COMPARED = ("--only", "numerical", "--out", "here", "--set")


def test_a_run_is_compared_with_its_twin(folder, optikit):
    exact = optikit("run", "small.toml", "--json", "--only", "descent", "--out", "exact")[1]
    status, out, err = optikit("run", "small.toml", *COMPARED, "runs.numerical.compare_gradient=analytic")
    assert status == 0
    document = json.loads((folder / "here" / "results.json").read_text())
    compared = document["runs"]["numerical"]["compared"]
    # The runs "descent" and "numerical" are twins, too; their files have the parameters.
    own, other = (np.load(folder / place)["x"] for place in ("here/numerical.npz", "exact/descent.npz"))
    assert compared["difference"] == abs(own - other).max() > 0
    assert compared["largest"] == abs(own).max()
    assert (compared["gradient"], compared["steps"]) == ("analytic", 24)
    said = f"numerical: after 24 steps no parameter differs by more than {compared['difference']:.1e} from the same run"
    assert f"{said} with analytic (the largest is {compared['largest']:.2g})" in out
    assert "numerical again: step 24/24" in err
    assert json.loads(exact)["runs"]["descent"]["compared"] is None
    assert document["runs"]["numerical"]["nfev"] == 24 * 75, "the twin's evaluations are its own"


def test_a_twin_that_goes_another_way_is_seen(folder, optikit):
    wide = "runs.numerical.compare_gradient={name='forward-difference', h=0.5}"
    _, out, _ = optikit("run", "small.toml", "--json", *COMPARED, wide)
    assert json.loads(out)["runs"]["numerical"]["compared"]["difference"] > 1e-3


def test_a_twin_that_ends_early_tells_how(folder, optikit):
    (folder / "slopes.py").write_text("def fun(x):\n    return float(x @ x)\n\ndef slope(x):\n    return 0 * x\n")
    (folder / "f.toml").write_text("""
        [problem]
        function = "slopes.py:fun"
        gradient = "slopes.py:slope"
        x0 = [1.0, 2.0]
        [runs.descent]
        optimizer = "gradient-descent"
        gradient = "central-difference"
        check_gradient = false
        compare_gradient = "analytic"
        max_steps = 5
    """)
    status, out, _ = optikit("run", "f.toml", "--out", "here")
    assert status == 0
    assert "descent: the same run with analytic ended earlier, after 1 steps: No component of the gradient" in out
    compared = json.loads((folder / "here" / "results.json").read_text())["runs"]["descent"]["compared"]
    assert (compared["difference"], compared["steps"]) == (None, 1)


def test_a_twin_that_fails_loses_nothing_of_the_run(folder, optikit):
    (folder / "f.toml").write_text(FUNCTION.format(module="slopes") + 'compare_gradient = "analytic"\n')
    (folder / "slopes.py").write_text("def fun(x):\n    return float(x @ x)\n")
    status, out, err = optikit("run", "f.toml", "--only", "descent", "--out", "here")
    assert status == 2
    assert "f.toml: [runs.descent] " in err
    assert "gradient" in err
    assert [row[0] for row in table(out)] == ["run", "descent"]
    assert json.loads((folder / "here" / "results.json").read_text())["runs"]["descent"]["compared"] is None


def test_ctrl_c_in_a_twin_keeps_the_run_and_ends(folder):
    (folder / "slow.py").write_text("""
import time

def fun(x):
    time.sleep(0.005)
    return float(x @ x)

def slope(x):
    return 2 * x
""")
    (folder / "f.toml").write_text("""
        [problem]
        function = "slow.py:fun"
        gradient = "slow.py:slope"
        x0 = [1.0, 2.0]
        [runs.descent]
        optimizer = { name = "gradient-descent", learning_rate = 0.001 }
        gradient = "analytic"
        compare_gradient = "central-difference"
        max_steps = 200
        [runs.never]
        optimizer = "random-search"
        max_evals = 5
    """)
    running = process("run", "f.toml", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in running.stderr:
        if line.startswith("descent again: step"):
            break
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert [row[0] for row in table(out)] == ["run", "descent"]
    kept = json.loads((folder / "results" / "f-1" / "results.json").read_text())["runs"]
    assert (list(kept), kept["descent"]["compared"]) == (["descent"], None)


@pytest.mark.parametrize("place", ["save", "draw"])
def test_ctrl_c_while_results_are_written_waits_until_they_are(folder, optikit, monkeypatch, place):
    from optikit import picture, report

    home = report if place == "save" else picture
    whole = getattr(home, place)

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return whole(*arguments)

    monkeypatch.setattr(home, place, interrupted)
    status, out, err = optikit("run", "small.toml", "--out", "here")
    kept = json.loads((folder / "here" / "results.json").read_text())["runs"]
    if place == "save":
        assert (status, list(kept)) == (130, ["random"])
        assert "[runs.random] interrupted; the runs until here are kept" in err
    else:
        assert (status, list(kept)) == (0, ["random", "descent", "numerical"])
    assert all((folder / "here" / f"{name}.npz").exists() for name in kept)
    assert [row[0] for row in table(out)] == ["run", *kept]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("both", [False, True])
def test_a_reader_that_goes_away_ends_no_training(folder, both):
    running = process(
        "run", "small.toml", stdout=subprocess.PIPE, stderr=subprocess.STDOUT if both else subprocess.DEVNULL
    )
    running.stdout.readline()
    running.stdout.close()
    running.wait(timeout=60)
    assert running.returncode == 1
    kept = json.loads((folder / "results" / "small-1" / "results.json").read_text())
    assert list(kept["runs"]) == ["random", "descent", "numerical"]


def test_a_narrow_terminal_cuts_off_no_digits(folder, optikit, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    _, out, _ = optikit("run", "small.toml")
    assert "…" not in out
    assert [row[0] for row in table(out)] == ["run", "random", "descent", "numerical"]


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.5])
def test_a_second_ctrl_c_loses_nothing(folder, gap):
    long = "runs.descent.epochs=50000"
    running = process("run", "small.toml", "--set", long, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in running.stderr:
        if line.startswith("descent: step"):
            break
    running.send_signal(signal.SIGINT)
    time.sleep(gap)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert table(out)[1][0] == "random"
    assert (folder / "results" / "small-1" / "results.json").exists()


def test_opening_a_file_runs_nothing(folder):
    from optikit.experiment import read_experiment

    (folder / "trap.py").write_text("raise SystemExit('run')\n")
    (folder / "f.toml").write_text(FUNCTION.format(module="trap"))
    read_experiment(folder / "f.toml")
    assert "trap" not in sys.modules


def test_ctrl_c_prints_the_partial_table_and_exits_with_130(folder):
    long = "runs.descent.epochs=50000"
    running = process("run", "small.toml", "--set", long, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in running.stderr:
        if line.startswith("descent: step"):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "small.toml: [runs.descent] interrupted; the runs until here are kept" in err
    assert "Traceback" not in err
    assert [(row[0], row[-1]) for row in table(out)[1:]] == [("random", "epochs"), ("descent", "interrupted")]
    kept = json.loads((folder / "results" / "small-1" / "results.json").read_text())
    assert list(kept["runs"]) == ["random", "descent"]


def test_a_reader_that_goes_away_is_no_traceback(folder):
    running = process("list", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.close()
    err = running.stderr.read()
    running.stderr.close()
    running.wait()
    assert "Traceback" not in err


def test_a_terminal_shows_progress_bars(folder):
    leader, follower = pty.openpty()
    running = process(
        "run", "small.toml", "--only", "descent", stdout=follower, stderr=follower, stdin=subprocess.DEVNULL
    )  # fmt: skip
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            chunk = os.read(leader, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(leader)
    assert running.wait() == 0
    assert b"24/24" in seen
    assert "━".encode() in seen
    assert b"held-out accuracy" in seen


def test_list_is_what_the_registry_has(optikit):
    status, out, _ = optikit("list", "--json")
    assert status == 0
    rows = json.loads(out)
    assert all({"kind", "name", "distribution", "summary", "available"} <= row.keys() for row in rows)
    found = {(row["kind"], row["name"], row["distribution"], row["available"]) for row in rows}
    assert ("optimizer", "gradient-descent", "optikit", True) in found
    assert ("data", "mnist-sample", "optikit", True) in found
    assert all(row["summary"].endswith(".") for row in rows if row["distribution"] == "optikit")
    _, out, _ = optikit("list", "--kind", "loss")
    listed = [line.split()[:2] for line in out.splitlines()[1:]]
    assert all(pair in listed for pair in (["loss", "cross-entropy"], ["loss", "mean-squared-error"]))
    assert {kind for kind, _ in listed} == {"loss"}


def test_show_gives_fields_ranges_and_a_table_to_copy(optikit):
    for words in (["gradient-descent"], ["optimizer", "gradient-descent"], ["optikit:gradient-descent"]):
        status, out, _ = optikit("show", *words)
        assert status == 0
        assert "learning_rate: number > 0, default 0.01\n    Step length" in out
        assert '[runs.NAME.optimizer]\nname = "gradient-descent"' in out
    _, out, _ = optikit("show", "mlp", "--json")
    assert json.loads(out)["schema"]["properties"]["layers"]["minItems"] == 2


def test_show_begins_with_the_fields_that_a_component_does_not_share_with_others(optikit):
    _, out, _ = optikit("show", "cnn")
    fields = out[out.index("Fields") :]
    assert fields.index("image: ") < fields.index("dense: ") < fields.index("activation: ")
    assert "image: list of (whole number >= 1), at least 2 and at most 3, required" in fields
    assert "dense: list of (whole number >= 1), default [64]" in fields


def test_doctor_says_that_all_is_well(optikit):
    status, out, _ = optikit("doctor")
    assert status == 0
    assert "optimizers: optimizer lbfgs, optimizer conjugate-gradients, optimizer line-search-descent" in out
    _, out, _ = optikit("doctor", "--json", "--strict")
    assert {plugin["plugin"] for plugin in json.loads(out)["plugins"]} >= {"data", "losses", "models", "optimizers"}


def test_help_and_version(optikit):
    for words in (["--help"], ["run", "--help"], ["list", "-h"], ["show", "-h"], ["doctor", "-h"]):
        status, out, _ = optikit(*words)
        assert status == 0
        assert "Usage: optikit" in out
    status, out, _ = optikit("--version")
    assert (status, out.split()[0]) == (0, "optikit")


def test_list_finds_optimizers_by_what_they_can_do(optikit):
    def names(*words):
        status, out, err = optikit("list", "--json", *words)
        assert status == 0
        rows = json.loads(out)
        assert {row["kind"] for row in rows} <= {"optimizer"}
        assert not any(row["abilities"]["unknown"] for row in rows)
        assert "more may fit" in err
        return {row["name"] for row in rows if row["distribution"] == "optikit"}

    everything = names("--bounds") | names("--no-bounds")
    assert {"adam", "random-search", "one-plus-one-es"} <= everything
    for yes, no in [
        ("--needs-gradient", "--no-gradient"),
        ("--needs-box", "--no-box"),
        ("--batches", "--no-batches"),
        ("--stochastic", "--deterministic"),
    ]:
        assert names(yes) | names(no) == everything
        assert not names(yes) & names(no)
    assert "adam" in names("--needs-gradient", "--bounds", "--deterministic")
    assert "random-search" in names("--kind", "optimizer", "--needs-box", "--stochastic", "--installed")
    assert names("--no-gradient", "--bounds") == names("--no-gradient") & names("--bounds")


def test_every_ability_is_an_option():
    from optikit import able, cli

    assert tuple(cli._FILTERS) == able.NAMES


def test_list_shows_abilities_and_why_some_are_not_known(optikit):
    status, out, err = optikit("list", "--abilities")
    assert (status, "more may fit" in err) == (0, False)
    lines = {line.split()[1]: line for line in out.splitlines()}
    assert lines["adam"].endswith("  needs gradient, bounds")
    assert lines["lookahead"].endswith("  unknown: that depends on its field optimizer, which has no default")
    _, out, err = optikit("list", "--needs-box", "--abilities")
    assert "random-search" in out
    assert "lookahead" not in out
    assert "may fit, whose abilities are not known; `optikit list --abilities` says why" in err


def test_list_tells_what_is_installed_from_what_is_not(optikit):
    listed = {}
    for word in ("--installed", "--not-installed"):
        _, out, _ = optikit("list", "--json", word)
        listed[word] = [(row["kind"], row["name"]) for row in json.loads(out)]
        assert all(row["available"] is (word == "--installed") for row in json.loads(out))
    _, out, _ = optikit("list", "--json")
    both = listed["--installed"] + listed["--not-installed"]
    assert sorted(both) == sorted((row["kind"], row["name"]) for row in json.loads(out))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "loss", "--bounds"], "--kind loss: abilities are those of optimizers"),
        (["--plugins", "--bounds"], "--plugins lists all installed plugins"),
        (["--plugins", "--installed"], "--plugins lists all installed plugins"),
        (["--kind", "optimiser", "--bounds"], "--kind optimiser"),
    ],
)
def test_filters_that_say_nothing_are_refused(optikit, words, said):
    status, out, err = optikit("list", *words)
    assert (status, out) == (2, "")
    assert said in err


def test_show_gives_abilities_rule_reference_and_an_example(optikit):
    _, out, _ = optikit("show", "adam")
    assert "needs a gradient: yes\ntakes bounds: yes\nneeds a finite box: no\n" in out
    assert "(found by running it for a moment, with the defaults)" in out
    assert '\nresult = optikit.minimize(valley, [-1.2, 1.0], optimizer=optimizer, gradient="central-' in out
    _, out, _ = optikit("show", "random-search")
    assert "bounds=(-2, 2), max_evals=2000, rng=0)" in out
    _, out, _ = optikit("show", "multistart")
    assert 'with optimizer = "lbfgs")' in out
    _, out, _ = optikit("show", "adam", "--json")
    shown = json.loads(out)
    assert shown["abilities"]["needs_gradient"] is True
    assert shown["reference"].startswith("Kingma and Ba (2015)")
    assert shown["update_rule"][0].startswith(r"m \leftarrow \beta_1 m")
    assert "optikit.minimize(" in shown["example"]


def test_an_experiment_is_continued_from_its_checkpoint(folder, optikit):
    optikit("run", "small.toml", "--out", "whole")
    optikit("run", "small.toml", "--out", "first", "--checkpoint", "runs.db", "--only", "random", "--only", "descent")
    status, out, _ = optikit("runs", "runs.db")
    assert status == 0
    assert re.search(r"^2: descent, gradient-descent on mlp with cross-entropy, .*: epochs, 24 evaluations", out, re.M)
    status, out, err = optikit("run", "small.toml", "--checkpoint", "runs.db")
    assert status == 2
    assert "it has a run 'random' already; continue it with `optikit resume runs.db FILE`" in err
    status, _, err = optikit("resume", "runs.db", "small.toml", "--out", "again")
    assert status == 0, err
    whole, again = (json.loads((folder / name / "results.json").read_text())["runs"] for name in ("whole", "again"))
    for name, run in whole.items():
        assert {**again[name], "seconds": 0} == {**run, "seconds": 0}, name
    assert [row["label"] for row in json.loads(optikit("runs", "runs.db", "--json")[1])] == list(whole)
    assert "epochs" in optikit("resume", "runs.db")[1]
    for words, said in [
        (["resume", "nowhere.db"], "there is no such file"),
        (["resume", "small.toml"], "this is no checkpoint of optikit"),
        (["runs", "."], "this is a folder and no checkpoint; pass a file"),
        (["resume", "runs.db", "small.toml", "--max-evals", "9"], "--set runs.NAME.max_evals"),
        (["resume", "runs.db", "small.toml", "--run", "1"], "--run is for a PATH without FILE"),
        (["resume", "runs.db", "--json"], "give its FILE, too"),
        (["resume", "runs.db", "small.toml", "--set", "seed=2"], "was begun with another rng"),
    ]:
        status, _, err = optikit(*words)
        assert status == 2
        assert said in err


@pytest.mark.parametrize("cut", [["--set", "runs.numerical.max_steps=9"], []])
def test_a_continued_run_is_compared_with_its_twin(folder, optikit, cut):
    """Continued in the middle, and where it had ended already."""
    only, compare = ("--only", "numerical"), ("--set", "runs.numerical.compare_gradient=analytic", "--json")
    wanted = json.loads(optikit("run", "small.toml", *only, *compare)[1])["runs"]["numerical"]
    optikit("run", "small.toml", *only, *cut, "--checkpoint", "runs.db")
    status, out, err = optikit("resume", "runs.db", "small.toml", *compare)
    found = json.loads(out)["runs"]["numerical"]
    assert (status, found["compared"], found["nit"]) == (0, wanted["compared"], 24), err


def test_a_function_with_fixed_parameters_is_compared_when_it_is_continued(folder, optikit):
    (folder / "slopes.py").write_text(
        "def fun(x):\n    return float((x - 3) @ (x - 3))\n\nslope = lambda x: 2 * (x - 3)\n"
    )
    (folder / "f.toml").write_text("""
        [problem]
        function = "slopes.py:fun"
        gradient = "slopes.py:slope"
        x0 = [1.0, 2.0, 1e3]
        fixed = [false, false, true]
        scale = [0.5, 1.0, 1.0]
        [runs.descent]
        optimizer = "gradient-descent"
        gradient = "central-difference"
        compare_gradient = "analytic"
        max_steps = 5
    """)
    wanted = json.loads(optikit("run", "f.toml", "--json")[1])["runs"]["descent"]["compared"]
    optikit("run", "f.toml", "--checkpoint", "runs.db", "--set", "runs.descent.max_evals=12")  # within a step
    for _ in range(2):  # the second time it has ended already
        found = json.loads(optikit("resume", "runs.db", "f.toml", "--json")[1])["runs"]["descent"]["compared"]
        assert found == wanted
    assert wanted["largest"] == 1e3


def test_a_training_is_continued_with_other_ends_observers_and_workers(folder, optikit):
    import optikit as library

    data = library.get("data", "npz", path="data.npz")
    model = library.get("model", "mlp", layers=(4, 5, 2))
    usual = {"optimizer": "adam", "rng": 1, "gradient": "central-difference"}
    library.fit(model, "cross-entropy", data, max_steps=3, checkpoint="runs.db", **usual)
    whole = library.fit(model, "cross-entropy", data, max_steps=9, target=0.6, stop="xtol", **usual)
    words = ["--max-steps", "9", "--target", "0.6", "--stop", "xtol", "--workers", "2"]
    status, out, err = optikit("resume", "runs.db", *words, "--observe", '{"name": "csv-log", "path": "seen.csv"}')
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == str(whole).splitlines()[0]
    assert len((folder / "seen.csv").read_text().splitlines()) > 2
    (entry,) = library.runs("runs.db")
    assert (entry.stop, entry.nfev, entry.about["limits"]["target"]) == (whole.reason, whole.nfev, 0.6)


def test_a_function_of_an_experiment_is_listed_by_its_name(folder, optikit):
    (folder / "hill.py").write_text("def climb(x):\n    return (x ** 2).sum()\n")
    text = "[problem]\nfunction = 'hill.py:climb'\nx0 = [1.0]\n[runs.a]\noptimizer = 'one-plus-one-es'\nmax_evals = 9\n"
    (folder / "hill.toml").write_text(text)
    assert optikit("run", "hill.toml", "--checkpoint", "hill.db")[0] == 0
    assert "one-plus-one-es on hill.py:climb, begun" in optikit("runs", "hill.db")[1]
    assert "CheckpointWarning" not in optikit("resume", "hill.db", "hill.toml", "--set", "runs.a.max_evals=12")[2]


def test_other_versions_are_one_sentence_where_a_run_is_continued_without_its_file(folder, optikit):
    import optikit as library

    optikit("run", "small.toml", "--only", "random", "--checkpoint", "runs.db")
    about = library.runs("runs.db")[0].about
    with closing(sqlite3.connect("runs.db")) as client, client:
        client.execute("UPDATE runs SET about = ?", (json.dumps({**about, "versions": {"numpy": "0.1"}}),))
    status, _, err = optikit("resume", "runs.db")
    assert status == 0
    assert re.fullmatch(r"optikit: runs\.db: run 1 was begun with numpy 0\.1 \(now .*\); it goes on, but .*\n", err)


@pytest.mark.parametrize(("text", "number"), [("1e2", 100), ("100", 100), ("1.2e2", 120)])
def test_limits_are_written_as_in_files(folder, optikit, text, number):
    import optikit as library

    optikit("run", "small.toml", "--only", "random", "--set", "runs.random.max_evals=2", "--checkpoint", "runs.db")
    assert optikit("resume", "runs.db", "--max-evals", text, "--max-steps", "7e0")[0] == 0
    limits = library.runs("runs.db")[0].about["limits"]
    assert (limits["max_evals"], limits["max_steps"]) == (number, 7)


@pytest.mark.parametrize("text", ["1.5", "many", "inf", "nan"])
def test_a_limit_that_is_no_whole_number_is_refused(folder, optikit, text):
    status, _, err = optikit("resume", "runs.db", "--max-evals", text)
    assert status == 2
    assert f"'{text}' is not a valid integer" in err


def test_a_training_of_components_is_continued_without_its_file(folder, optikit):
    import optikit as library

    data = library.get("data", "npz", path="data.npz")
    model = library.get("model", "mlp", layers=(4, 5, 2))
    usual = {"optimizer": "adam", "rng": 1, "batch_size": 20}
    library.fit(model, "cross-entropy", data, max_steps=3, epochs=4, checkpoint="runs.db", **usual)
    status, out, err = optikit("resume", "runs.db")
    assert (status, err) == (0, "")
    assert "max-steps" in out


def test_python_m_optikit_is_the_command_line():
    run = subprocess.run([sys.executable, "-m", "optikit", "--help"], capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()[:2]) == (0, ["Usage:", "optikit"])
