"""The command `optikit compare`: problems by name, tables and ranges, files, experiment files, and what it prints."""

import json
from types import SimpleNamespace

import pytest
from contests import Bowl, Valley

import optikit
from optikit import InputError, hookimpl
from optikit.cli import main
from optikit.comparison import specs
from optikit.registry import Registry

ROSE = """
seed = 3

[problem]
function = "cost.py:cost"
x0 = [0.0, 0.0]
bounds = [-4.0, 4.0]

[compare]
max_evals = "20d"
seeds = 2

[runs.simplex]
optimizer = "scipy-nelder-mead"

[runs.newton]
optimizer = "lbfgs"
gradient = "central-difference"
"""


@pytest.fixture(autouse=True)
def known(monkeypatch, tmp_path):
    registry = Registry()
    registry.add(SimpleNamespace(optikit_components=hookimpl(optikit_components)), "contests", "contests")
    monkeypatch.setattr(optikit.registry, "default", lambda: registry)
    monkeypatch.chdir(tmp_path)


def optikit_components():
    return [Bowl, Valley]


@pytest.fixture
def compare(monkeypatch, capsys):
    """Run the command here; give exit status, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["optikit", "compare", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


NAMED = ("bowl", "valley:n=2", "--optimizers", "lbfgs,scipy-nelder-mead", "--max-evals", "30d", "--seeds", 2)


def test_problems_are_compared_on_and_shown(compare):
    status, out, err = compare(*NAMED)
    assert (status, err) == (0, "")
    for word in (
        "lbfgs",
        "scipy-nelder-mead",
        "bowl (3)",
        "valley:n=2 (2)",
        "targets",
        "95% interval",
        "reached a larger share of the targets than",
    ):
        assert word in out
    document = json.loads(compare(*NAMED, "--json")[1])
    assert [case["label"] for case in document["problems"]] == ["bowl", "valley:n=2"]
    assert document["problems"][1]["max_evals"] == 60
    assert len(document["trials"]) == 8


def test_the_command_gives_the_numbers_of_the_function(compare):
    document = json.loads(compare(*NAMED, "--json", "--workers", 2)[1])
    here = optikit.compare(["bowl", {"name": "valley", "n": 2}], optimizers=["lbfgs", "scipy-nelder-mead"],
                           max_evals="30d", seeds=2)  # fmt: skip
    assert [trial["values"] for trial in document["trials"]] == [trial.values.tolist() for trial in here.trials]


def test_results_are_written_and_a_file_goes_on(compare, tmp_path):
    status, _, _ = compare(*NAMED, "--file", "c.db", "--out", "out")
    assert status == 0
    assert (tmp_path / "out" / "comparison.json").exists()
    first = json.loads((tmp_path / "out" / "comparison.json").read_text())
    status, out, _ = compare("--resume", "c.db", "--json")
    again = json.loads(out)
    assert status == 0
    assert [trial["seconds"] for trial in again["trials"]] == [trial["seconds"] for trial in first["trials"]]
    assert again["optimizers"] == first["optimizers"]
    status, _, err = compare("bowl", "--resume", "c.db")
    assert (status, "--resume goes on with what is in the file" in err) == (2, True)


def test_the_runs_of_an_experiment_file_are_compared_on_its_problem(compare, tmp_path):
    (tmp_path / "cost.py").write_text("def cost(x):\n    return float(((x - 1) ** 2).sum())\n")
    (tmp_path / "rose.toml").write_text(ROSE)
    status, out, err = compare("rose.toml", "--json")
    assert (status, err.strip()) == (0, "rose.toml: cost.py:cost of 2 parameters")
    document = json.loads(out)
    assert (document["optimizers"], document["seeds"]) == (["simplex", "newton"], [0, 1])
    newton = next(trial for trial in document["trials"] if trial["optimizer"] == "newton")
    assert newton["nfev"] > 4 * newton["njev"] > 0
    assert any("start at the same point on cost" in note for note in document["notes"])
    assert json.loads(compare("rose.toml", "--json", "--seeds", 3)[1])["seeds"] == [0, 1, 2]
    status, _, err = compare("rose.toml", "--optimizers", "adam")
    assert (status, "those of its runs" in err) == (2, True)
    (tmp_path / "rose.toml").write_text(ROSE.replace("max_evals", "max_eval", 1))
    status, _, err = compare("rose.toml")
    assert "[compare]" in err
    assert "max_evals" in err
    (tmp_path / "plain.toml").write_text(ROSE.replace('[compare]\nmax_evals = "20d"\nseeds = 2\n', ""))
    assert "it has no [compare] table" in compare("plain.toml")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("valy", "--optimizers", "lbfgs", "--max-evals", "9"), "there is no problem 'valy'; did you mean 'valley'?"),
        (("bowl", "--optimizers", "lbfsg", "--max-evals", "9"), "there is no optimizer 'lbfsg'; did you mean 'lbfgs'?"),
        (("bowl:m=2", "--optimizers", "lbfgs", "--max-evals", "9"), "bowl has no field 'm'"),
        (("bowl", "--optimizers", "lbfgs", "--max-evals", "0"), "max_evals"),
        (("bowl", "--optimizers", "lbfgs"), "max_evals is missing"),
        (("bowl", "--max-evals", "9"), "there are no optimizers; give them as --optimizers"),
        (("--optimizers", "lbfgs", "--max-evals", "9"), "there are no problems; name one"),
        (("bowl", "--optimizers", "lbfgs,lbfgs", "--max-evals", "9"), "two of the optimizers are called 'lbfgs'"),
        (("bowl:n=5-2", "--optimizers", "lbfgs", "--max-evals", "9"), "5-2 is no range"),
        (("--resume", "nowhere.db"), "nowhere.db: there is no such file"),
    ],
)
def test_a_mistake_ends_in_one_sentence_and_status_2(compare, words, said):
    status, out, err = compare(*words)
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_one_seed_is_warned_of(compare):
    status, out, err = compare("bowl", "--optimizers", "lbfgs,random-search", "--max-evals", 9, "--seeds", 1)
    assert status == 0
    assert err == "optikit: one seed says nothing about others: nothing can be concluded; take ten\n"
    assert "nothing can be concluded" in out


def test_fields_are_read_with_ranges_and_lists():
    assert specs.problems("rose") == [{"name": "rose"}]
    assert specs.problems("mine:rose:n=3") == [{"name": "mine:rose", "n": 3}]
    assert specs.problems('{name = "rose", n = 2}') == [{"name": "rose", "n": 2}]
    assert specs.problems("a:f=1-3,d=2,5") == [{"name": "a", "f": f, "d": d} for f in (1, 2, 3) for d in (2, 5)]
    assert specs.problems("a:at=[1, 2],s=x") == [{"name": "a", "at": [1, 2], "s": "x"}]
    assert specs.optimizers(["a,b:x=1,y=[2, 3],c", '{name = "d"}']) == [
        {"name": "a"}, {"name": "b", "x": 1, "y": [2, 3]}, {"name": "c"}, {"name": "d"},
    ]  # fmt: skip
    for wrong in ("n=3", ":n=3"):
        with pytest.raises(InputError, match="write it as NAME:FIELD=VALUE"):
            specs.problems(wrong)
    with pytest.raises(InputError, match="write it as NAME:FIELD=VALUE"):
        specs.optimizers(["x=1"])
