"""The commands `optikit advise` and `optikit tune`: one problem by name, as a function, or from a file."""

import json

import pytest

import optikit
from optikit.cli import main

COST = """
def cost(x):
    return float((x[0] - 1) ** 2 + 10 * x[1] ** 2)
"""
FILE = """
rng = 3

[problem]
function = "cost.py:cost"
x0 = [0.5, 0.5]

[runs.newton]
optimizer = "lbfgs"
gradient = "central-difference"
"""
TRAINED = """
[problem]
data = "mnist-sample"
model = {name = "mlp", layers = [784, 5, 10]}
loss = "cross-entropy"
batch_size = 100

[runs.adam]
optimizer = "adam"
max_steps = 3
"""


@pytest.fixture
def said(monkeypatch, capsys, tmp_path):
    """Run a command in a folder with a function and files; give exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"cost.py": COST, "cost.toml": FILE, "trained.toml": TRAINED}.items():
        (tmp_path / name).write_text(text)

    def run(*words):
        monkeypatch.setattr("sys.argv", ["optikit", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


PROBLEMS = [["rosenbrock:dimension=3"], ["cost.py:cost", "--x0", "[0.5, 0.5]"], ["cost.toml"], ["optikit:booth"]]
"""Each way to say a problem."""


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda words: words[0])
def test_advice_is_that_of_the_library(said, problem):
    status, out, err = said("advise", *problem, "--max-evals", "100d", "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["traits"]["spent"] <= 0.05 * found["traits"]["budget"]
    assert found["traits"]["budget"] == 100 * found["traits"]["n"]
    assert 1 <= len(found["recommended"]) <= 3
    status, out, _ = said("advise", *problem, "--max-evals", "100d")
    assert all(each["optimizer"] in out for each in found["recommended"])


def test_advice_for_a_model_is_for_its_minibatches(said):
    status, out, _ = said("advise", "trained.toml", "--max-evals", 100, "--json")
    assert status == 0
    assert json.loads(out)["rules"][0] == "minibatches"


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda words: words[0])
def test_what_is_tuned_is_what_the_library_finds(said, problem):
    words = ["--max-evals", 60, "--tries", 4, "--seeds", 1, "--gradient", "forward-difference"]
    status, out, err = said("tune", "adam", *problem, *words, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["value"] <= found["before"]
    assert optikit.get("optimizer", **found["optimizer"]).name == "adam"
    assert "settings were tried" in said("tune", "adam", *problem, *words)[1]


def test_fields_have_the_range_that_is_said(said):
    _, out, _ = said(
        "tune", "adam", "cost.toml", "--max-evals", 60, "--tries", 6, "--field", "learning_rate=[0.5, 0.9]", "--field",
        "beta1", "--json",
    )  # fmt: skip
    fields = [each[0] for each in json.loads(out)["settings"]]
    assert all(0.5 <= each["learning_rate"] <= 0.9 for each in fields if each != fields[0])
    assert len({each["beta1"] for each in fields}) > 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["advise", "rosenbrok"], "did you mean 'rosenbrock'?"),
        (["advise", "cost.py:cost"], "cost.py:cost is a function; say where to start"),
        (["advise", "cost.py:coast", "--x0", "[0]"], "did you mean 'cost'?"),
        (["advise", "cost.toml", "--x0", "[0]"], "leave out --x0 and --bounds"),
        (["advise", "rosenbrock:dimension=2,3"], "are 2 problems; name one"),
        (["advise", "rosenbrock", "--max-evals", "many"], "pass a number of at least 1, or text such as '200d'"),
        (["advise", "rosenbrock", "--rng", "-1"], "--rng is -1"),
        (["advise", "nofile.toml"], "there is no such file"),
        (["tune", "adam", "rosenbrock", "--max-evals", "0"], "max_evals is 0"),
        (["tune", "adamm", "rosenbrock", "--max-evals", "9"], "did you mean 'adam'"),
        (["tune", "lbfgs", "rosenbrock", "--max-evals", "9"], "lbfgs has no learning_rate; say by fields"),
        (["tune", "adam", "rosenbrock", "--max-evals", "9", "--field", "lr"], "'lr' is no field of adam"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words_end_in_one_sentence(said, words, sentence):
    status, out, err = said(*words)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
