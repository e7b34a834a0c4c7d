"""Files that somebody has changed are read or refused in one sentence, and nothing of theirs runs.

Checkpoints have it in `test_checkpoint`; here are results and experiments.  Together more than 2,000 files are changed.
"""

import io
import pickle
import tracemalloc
import zipfile
from contextlib import nullcontext

import numpy as np
import pytest
from mutated import mutate, opened, reword

from optikit import InputError, load_arrays
from optikit.experiment import read_experiment
from optikit.files import save_arrays

FUNCTION = b"""
seed = 3
[problem]
function = "armed:fun"
x0 = { w = [1.0, 2.0], b = 0.5 }
bounds = { w = [0.0, 5.0] }
fixed = ["b"]
scale = { w = 2.0 }
[runs.a]
optimizer = { name = "lookahead", optimizer = { name = "adam", learning_rate = 0.1 }, steps = 5 }
gradient = { name = "central-difference" }
max_evals = 100
stop = ["patience", { name = "ftol" }]
[runs.b]
optimizer = "scipy-nelder-mead"
max_seconds = 1.5
observers = ["csv-log"]
"""
TRAINING = b"""
[problem]
data = { name = "npz", path = "digits.npz", held_out = 0.2 }
model = { name = "mlp", layers = [4, 3, 2], activation = "relu" }
loss = "cross-entropy"
batch_size = 10
l2 = 0.01
[runs.adam]
optimizer = { name = "adam", learning_rate = 0.1, schedule = { name = "exponential", decay = 0.9 } }
epochs = 3
[runs.numerical]
optimizer = "gradient-descent"
gradient = "forward-difference"
compare_gradient = "analytic"
max_steps = 10
"""


class Armed:
    """Does harm when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('code of the file has run')",)


@pytest.fixture
def armed(tmp_path, monkeypatch):
    """Put a module beside the files that must not be imported."""
    (tmp_path / "armed.py").write_text("raise SystemExit('code beside the file has run')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def repeated(data, number, seed, change=mutate):
    rng = np.random.default_rng(seed)
    return (change(data, rng) for _ in range(number))


# Experiments


@pytest.mark.parametrize("written", [FUNCTION, TRAINING], ids=["function", "training"])
def test_a_changed_experiment_is_read_or_refused_and_imports_nothing(written, armed, record_property):
    path = armed / "experiment.toml"
    path.write_bytes(written)
    read_experiment(path)  # loads the plugins
    counts = opened(read_experiment, path, [*repeated(written, 250, 5), *repeated(written, 250, 6, reword)])
    record_property("counted", f"changed experiments: {counts}")
    assert counts["files"] == 500
    assert min(counts["read"], counts["refused"]) > 5


RUN = b"[problem]\nfunction = 'armed:fun'\nx0 = [1.0]\n[runs.a]\noptimizer = 'adam'\n"


@pytest.mark.parametrize("content", [
    b"x = " + b"[" * 5000 + b"]" * 5000,
    RUN + b"gradient = " + b"{a=" * 3000 + b"1" + b"}" * 3000,
    RUN + b"gradient" + b".a" * 2000 + b" = 1",
    RUN.replace(b"[1.0]", b"[" * 300 + b"1.0" + b"]" * 300),
    RUN + b"[runs.b]\noptimizer = " + b"{name='lookahead',optimizer=" * 60 + b"'adam'" + b"}" * 60,
    b"seed = " + b"9" * 5000 + b"\n" + RUN,
    b"seed = 0x" + b"f" * 9999 + b"\n" + RUN,
    RUN + b"max_seconds = 1e99999\n",
    RUN + b'"a\\nb\\u001b[31m" = 1\n',
    RUN + b'"' + "\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}".encode() + b'" = 1\n',
    RUN + b"k" * 100_000 + b" = 1\n",
    RUN.replace(b"'adam'", b'"adam\\u0000"'),
    RUN.replace(b"'adam'", b'"' + b"a" * 100_000 + b'"'),
    RUN.decode().encode("utf-16"),
    b"\xef\xbb\xbf" + RUN,
    b"\0" * 1000,
    b"#" * (17 << 20),
], ids=range(17))  # fmt: skip
def test_an_experiment_beyond_all_measure_is_refused_in_one_sentence(content, armed):
    counts = opened(read_experiment, armed / "experiment.toml", [content])
    assert counts["refused"] == 1


# Results


def packed(**members):
    """Make an npz file of raw members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, (data, how) in members.items():
            archive.writestr(f"{name}.npy", data, compress_type=how)
    return stream.getvalue()


def npy(descr="'<f8'", shape="(1,)", data=b"\0" * 8):
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + data


def test_a_changed_result_is_read_or_refused(armed, record_property):
    path, rng = armed / "run.npz", np.random.default_rng(0)
    save_arrays(path, {"x": rng.random(5), "fun": rng.random(40), "steps_nfev": np.arange(40), "steps_fun": np.ones(9)})
    load_arrays(path)
    with zipfile.ZipFile(path) as archive:
        inner = archive.read("x.npy")
    # Those of the second half have a right checksum, so that they are looked into.
    files = [*repeated(path.read_bytes(), 500, 1)]
    files += [packed(x=(changed, zipfile.ZIP_STORED)) for changed in repeated(inner, 500, 2)]
    counts = opened(load_arrays, path, files)
    record_property("counted", f"changed results: {counts}")
    assert counts["files"] == 1000
    assert min(counts["read"], counts["refused"]) > 10


@pytest.mark.parametrize("content", [
    packed(x=(npy("'|O'", "()", pickle.dumps(Armed())), zipfile.ZIP_DEFLATED)),
    pickle.dumps(Armed()),
    packed(x=(npy(shape="(10**12,)"), zipfile.ZIP_STORED)),
    packed(x=(npy(shape="(1000000000000,)"), zipfile.ZIP_STORED)),
    packed(x=(npy(shape="(0, 1000000000000000000000)"), zipfile.ZIP_STORED)),
    packed(x=(npy("'<U1000000000'"), zipfile.ZIP_STORED)),
    packed(x=(npy("'<f8'", "(" * 900 + ")" * 900), zipfile.ZIP_STORED)),
    packed(x=(npy("-" * 9000 + "1"), zipfile.ZIP_STORED)),
    packed(x=(npy("[('a', '|O')]"), zipfile.ZIP_STORED)),
    packed(x=(npy("exec('raise SystemExit')"), zipfile.ZIP_STORED)),
    packed(x=(npy("'<f8'", "(True,)"), zipfile.ZIP_STORED)),
], ids=range(11))  # fmt: skip
def test_a_result_that_could_do_harm_is_refused_in_one_sentence(content, armed):
    assert opened(load_arrays, armed / "run.npz", [content])["refused"] == 1


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_is_not_inflated(how, armed):
    size, path = 50_000_000, armed / "bomb.npz"
    path.write_bytes(packed(x=(npy() + b"\0" * size, how)))
    assert path.stat().st_size < size / 900
    tracemalloc.start()
    with nullcontext() if how == zipfile.ZIP_DEFLATED else pytest.raises(InputError, match="packed in another way"):
        assert load_arrays(path)["x"].shape == (1,)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 10


@pytest.mark.parametrize("promised", [5 << 30, 100])
def test_sizes_are_compared_before_anything_is_inflated(promised, armed):
    path, size = armed / "lying.npz", 40_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(shape=f"({size // 8},)", data=b"\0" * size))
        archive.getinfo("x.npy").file_size = promised
    tracemalloc.start()
    with pytest.raises(InputError, match=r"promise more than|Bad CRC"):
        load_arrays(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 10
