"""A comparison in COCO's data format: what is in the files is what was found, and cocopp reads it as such."""

import re
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optikit import InputError
from optikit.comparison.cases import Case
from optikit.comparison.coco import export
from optikit.comparison.outcome import Comparison
from optikit.comparison.terms import Terms
from optikit.comparison.trial import Trial


def bbob(function, dimension, instance):
    table = {"name": "bbob", "function": function, "dimension": dimension, "instance": instance}
    return Case(f"bbob:{table}", dimension, -7.0 * instance, posed=None, table=table)


CASES = [bbob(function, n, instance) for instance in (2, 1) for function in (10, 3) for n in (5, 2)]


def trial(case, optimizer, seed, rng, nfev=None, improvements=20):
    nfev = int(rng.integers(1, 3000)) if nfev is None else nfev
    # In some trials the first values are not finite.
    numbers = np.unique(rng.integers(1, nfev + 1, improvements)) if nfev else np.zeros(0, dtype=np.int64)
    values = (case.minimum or 0.0) + np.sort(10 ** rng.uniform(-9, 4, len(numbers)))[::-1]
    return Trial(
        problem=case.label, optimizer=optimizer, seed=seed, start=1e5, evaluations=numbers, values=values,
        nfev=nfev, njev=0, seconds=1.0, seconds_fun=0.5, reason="max_evals" if nfev else "refused", message="",
    )  # fmt: skip


def made(seed=0, optimizers=("a", "b"), cases=CASES, seeds=2, **known):
    rng = np.random.default_rng(seed)
    trials = [trial(case, one, k, rng, **known) for case in cases for one in optimizers for k in range(seeds)]
    return Comparison(cases, optimizers, range(seeds), Terms(max_evals=3000, root=0), trials)


def blocks(path):
    """Read a data file: for each trial the minimum in its head, and its lines."""
    parts = re.split(r"^%.*Fopt \((\S+)\).*\n", path.read_text(), flags=re.MULTILINE)
    assert parts[0] == ""
    lines = [[line.split() for line in part.splitlines()] for part in parts[2::2]]
    return [(float(low), np.array(rows, dtype=float)) for low, rows in zip(parts[1::2], lines, strict=True)]


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_files_say_what_was_found(tmp_path_factory, seed):
    folder, comparison = tmp_path_factory.mktemp("coco"), made(seed)
    comparison.coco(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    for one in comparison.optimizers:
        assert sorted(path.name for path in (folder / one).glob("*.info")) == ["bbobexp_f10.info", "bbobexp_f3.info"]
        for function in (3, 10):
            index = (folder / one / f"bbobexp_f{function}.info").read_text().splitlines()
            assert len(index) == 6
            for n, head, line in zip((2, 5), index[::3], index[2::3], strict=True):
                assert f"suite = 'bbob', funcId = {function}, DIM = {n}, Precision = 1.000e-08, algId = '{one}'" in head
                assert "data_format = 'bbob-new2'" in head
                data, *ends = line.split(", ")
                tried = [
                    (case, comparison.trial(case.label, one, k))
                    for case in (bbob(function, n, 1), bbob(function, n, 2))
                    for k in (0, 1)
                ]
                assert ends == [
                    f"{case.table['instance']}:{of.nfev}|{min(of.best, 1e300) - case.minimum:.1e}" for case, of in tried
                ]
                for path in (folder / one / data, (folder / one / data).with_suffix(".tdat")):
                    for (case, of), (low, rows) in zip(tried, blocks(path), strict=True):
                        assert low == case.minimum
                        assert rows[0, 0] == 1
                        assert rows[-1, 0] == of.nfev
                        assert (np.diff(rows[:, 0]) > 0).all()
                        best = np.append(1e300, of.values)[np.searchsorted(of.evaluations, rows[:, 0], side="right")]
                        assert np.allclose(rows[:, 3], best, rtol=1e-9)
                        assert np.allclose(rows[:, 2], best - low, rtol=1e-9)
                        if path.suffix == ".dat":
                            assert set(of.evaluations) <= set(rows[:, 0])


def test_a_trial_that_evaluated_nothing_is_left_out(tmp_path):
    whole = made(optimizers=("a",), cases=CASES[:1])
    refused = trial(CASES[0], "a", 1, np.random.default_rng(0), nfev=0)
    Comparison(CASES[:1], ["a"], range(2), whole.terms, [whole.trials[0], refused]).coco(tmp_path)
    (data,) = tmp_path.rglob("*.dat")
    assert len(blocks(data)) == 1
    made(optimizers=("b",), cases=CASES[:1], nfev=0).coco(tmp_path)
    assert not (tmp_path / "b").exists()


def test_other_problems_are_left_out_and_alone_are_refused(tmp_path):
    other = [Case("sphere", 2, 0.0, posed=None, table={"name": "sphere"}), Case("mine", 2, None, posed=None)]
    made(cases=[CASES[0], *other]).coco(tmp_path / "some")
    assert len(list((tmp_path / "some").rglob("*.dat"))) == 2
    with pytest.raises(InputError, match="COCO's format is for its own functions"):
        made(cases=other).coco(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_folders_have_plain_names_each_another(tmp_path):
    labels = ["../up", "a'b", "a b", "A:b=1,c", "a_b", "...", "\x00", "x" * 500]
    made(optimizers=labels, cases=CASES[:1], seeds=1).coco(tmp_path / "in")
    names = [path.name for path in (tmp_path / "in").iterdir()]
    assert len({name.lower() for name in names}) == len(labels)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="it cannot be written to"):
        export(made(), tmp_path / "file")


@pytest.mark.skipif(find_spec("cocopp") is None, reason="needs cocopp, which is heavy, and no extra of optikit")
@pytest.mark.parametrize("improvements", [20, 1, 0])
def test_cocopp_reads_the_runtimes_that_were_found(tmp_path, improvements):
    comparison = made(3, improvements=improvements)
    comparison.coco(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cocopp

        read = {one: cocopp.load(str(tmp_path / one)) for one in comparison.optimizers}
    precisions = comparison.terms.precisions
    runtimes = dict(zip(comparison.optimizers, comparison.runtimes(), strict=True))
    labels = [case.label for case in comparison.problems]
    for one, sets in read.items():
        assert len(sets) == 4
        for found in sets:
            places = [labels.index(bbob(found.funcId, found.dim, instance).label) for instance in (1, 2)]
            expected = runtimes[one][places].reshape(4, -1).T
            # Where its own targets, rounded otherwise, are an ulp above ours, it would give the time of the next one.
            times = np.array(found.detEvals(precisions * (1 + 1e-12)))
            assert np.array_equal(np.nan_to_num(times, nan=np.inf), expected)
