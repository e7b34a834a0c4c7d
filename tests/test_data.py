"""Data: the shipped digits, the split, and files of every sort, sound and unsound."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import optikit
from optikit import InputError


class Given(optikit.Data):
    """Labels to split."""

    name = "given"
    labels: tuple[int, ...]
    """The labels."""

    def load(self):
        labels = np.array(self.labels)
        return self.split(np.arange(len(labels), dtype=float)[:, None], labels)


def refused(source):
    """Load, and give the sentence of the refusal, empty if there is none; any other error is a failure."""
    try:
        source.load()
    except InputError as error:
        return str(error)
    return ""


def test_the_sample_is_real_and_balanced():
    data = optikit.get("data", "mnist-sample").load()
    assert data.train.inputs.shape == (4000, 784)
    assert data.held_out.inputs.shape == (1000, 784)
    assert list(np.bincount(data.train.targets)) == [400] * 10
    assert list(np.bincount(data.held_out.targets)) == [100] * 10
    assert (data.whole.inputs.min(), data.whole.inputs.max()) == (0, 1)
    assert len(np.unique(data.whole.inputs, axis=0)) > 4990
    assert optikit.get("data", "mnist-sample", held_out=0).load().held_out is None


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    held_out=st.floats(0.01, 0.99),
    split_seed=st.integers(0, 2**32),
)
def test_a_split_is_stratified_seeded_and_loses_nothing(labels, held_out, split_seed):
    source = Given(labels=labels, held_out=held_out, split_seed=split_seed)
    if refusal := refused(source):
        assert "leaves none to hold out" in refusal
        assert round(held_out * len(labels)) <= len(set(labels))
        return
    data = source.load()
    rows = [part.inputs[:, 0].astype(int) for part in (data.train, data.held_out)]
    assert sorted(np.concatenate(rows)) == list(range(len(labels)))
    assert all((np.diff(part) > 0).all() for part in rows), "the original order"
    for part, samples in zip(rows, (data.train, data.held_out), strict=True):
        assert np.array_equal(samples.targets, np.array(labels)[part])
    for label in set(labels):
        count, taken = labels.count(label), int((data.held_out.targets == label).sum())
        assert taken < count, "one of every label is left to train on"
        assert abs(taken - held_out * count) < 1 or taken == count - 1
    again = Given(labels=labels, held_out=held_out, split_seed=split_seed).load()
    assert np.array_equal(again.held_out.inputs, data.held_out.inputs)


def test_another_seed_holds_out_others():
    one, two = (Given(labels=[0, 1] * 50, split_seed=seed).load().held_out.inputs for seed in (0, 1))
    assert not np.array_equal(one, two)


# IDX


def idx(array, code=8):
    kinds = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.astype(kinds[code]).tobytes()


IMAGES = np.random.default_rng(0).integers(0, 256, size=(20, 4, 3))
LABELS = np.arange(20) % 5


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("code", [8, 11, 12, 13, 14])
def test_idx_files_are_read(write, pack, code):
    images, labels = write("images", pack(idx(IMAGES, code))), write("labels", pack(idx(LABELS)))
    data = optikit.get("data", "idx", images=str(images), labels=str(labels)).load().whole
    order = np.lexsort(data.inputs.T)
    expected = IMAGES.reshape(20, 12) / (255 if code == 8 else 1)
    assert np.allclose(data.inputs[order], expected[np.lexsort(expected.T)])
    assert sorted(data.targets) == sorted(LABELS)


def test_idx_files_of_their_own_are_the_held_out_part(write):
    images, labels = write("images", idx(IMAGES)), write("labels", idx(LABELS))
    more, theirs = write("more", idx(IMAGES[:7])), write("theirs", idx(LABELS[:7]))
    fields = {"images": images, "labels": labels, "held_out_images": more, "held_out_labels": theirs}
    data = optikit.get("data", "idx", **fields).load()
    assert (len(data.train), len(data.held_out)) == (20, 7)
    assert np.array_equal(data.train.targets, LABELS)
    with pytest.raises(InputError, match="go together; give both or neither"):
        optikit.get("data", "idx", images=images, labels=labels, held_out_images=more).load()


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (idx(IMAGES)[:-1], idx(LABELS), "images: its header promises 240 bytes .* cut off"),
        (idx(IMAGES)[:9], idx(LABELS), "images: the IDX file is cut off in its header"),
        (idx(IMAGES) + b"x", idx(LABELS), "images: .* there are more"),
        (gzip.compress(idx(IMAGES))[:-20], idx(LABELS), "images: it cannot be read"),
        (gzip.compress(idx(IMAGES)[:-5]), idx(LABELS), "only 235; is it cut off"),
        (idx(LABELS), idx(IMAGES), "images = .* are the files swapped"),
        (idx(IMAGES), idx(IMAGES), "labels = .* are the files swapped"),
        (idx(IMAGES), idx(LABELS, 14), "labels = .* are the files swapped"),
        (idx(IMAGES), idx(LABELS[:-1]), "has 20 images, but .* has 19 labels"),
        (b"", idx(LABELS), "images: this is no IDX file; it begins with nothing"),
        (b"PK\x03\x04....", idx(LABELS), "images: this is no IDX file; it begins with 50 4b 03 04"),
        (b"\0\0\x08\xff" + b"\0" * 1020, idx(LABELS), "this is no IDX file"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31), idx(LABELS), "the file cannot hold so many"),
        (gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 60000, 2**20, 99)), idx(LABELS), "the file cannot hold so many"),
        (idx(IMAGES[:0]), idx(LABELS[:0]), "it has no images"),
    ],
    # Not the content: a compressed file holds the second of its making, and each process of xdist makes its own.
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_an_unsound_idx_file_is_one_sentence(write, images, labels, said):
    source = optikit.get("data", "idx", images=write("images", images), labels=write("labels", labels))
    with pytest.raises(InputError, match=said) as caught:
        source.load()
    assert "\n" not in str(caught.value)


@given(position=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans(), zipped=st.booleans())
def test_a_mutated_idx_file_is_read_or_refused(tmp_path_factory, position, byte, cut, zipped):
    content = bytearray(gzip.compress(idx(IMAGES)) if zipped else idx(IMAGES))
    position %= len(content)
    content[position] = byte
    folder = tmp_path_factory.mktemp("idx")
    (folder / "images").write_bytes(content[:position] if cut else content)
    (folder / "labels").write_bytes(idx(LABELS))
    assert "\n" not in refused(optikit.get("data", "idx", images=folder / "images", labels=folder / "labels"))


# npz


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def member(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", content)
        archive.writestr("y.npy", content)
    return stream.getvalue()


def npy(header, data=b"", version=1):
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + data


def shaped(shape):
    return member(npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", b"\0" * 64))


def test_npz_files_are_read(write):
    x, y = IMAGES.reshape(20, 12), np.linspace(0, 1, 20)
    path = write("a.npz", npz(x=np.asfortranarray(x), y=LABELS, z=y))
    data = optikit.get("data", "npz", path=path, scale=255).load().whole
    assert sorted(data.inputs[:, 0]) == sorted(x[:, 0] / 255)
    assert data.labelled
    data = optikit.get("data", "npz", path=path, targets="z").load().whole
    assert data.targets.shape == (20, 1)
    assert np.allclose(np.sort(data.targets[:, 0]), y)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no readable npz file"),
        (npz(x=IMAGES, y=LABELS)[:-30], "no readable npz file"),
        (npz(a=IMAGES, y=LABELS), "there is no array 'x'; it has a, y"),
        (npz(x=np.array([object()], dtype=object), y=LABELS), "is not taken from this file"),
        (npz(x=IMAGES * 1j, y=LABELS), "is not taken from this file"),
        (npz(x=np.array(["a", "b"]), y=np.array([0, 1])), "rows of numbers are needed"),
        (npz(x=np.array(1.0), y=np.array(1)), "rows of numbers are needed"),
        (npz(x=IMAGES[:3], y=LABELS), "there are 3 inputs but 20 targets"),
        (npz(x=np.full((20, 2), np.nan), y=LABELS), "NaN"),
        (member(b"no array"), "this is no array"),
        (shaped("(-1,)"), "cannot have the shape"),
        (shaped("(True, 8)"), "cannot have the shape"),
        (shaped("(9,)"), "is cut off"),
        (shaped("(99999,)"), "is not taken"),
        (shaped("(8L,)"), "no readable npz file"),
        (member(npy("(((", b"\0" * 64)), "no readable npz file"),
        (member(npy("__import__('os').system('true')")), "no readable npz file"),
        (member(npy(" " * 70_000_000, version=2)), "this is no array"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_an_unsound_npz_file_is_one_sentence(write, content, said):
    with pytest.raises(InputError, match=said) as caught:
        optikit.get("data", "npz", path=write("a.npz", content)).load()
    assert "\n" not in str(caught.value)


@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_mutated_npz_file_is_read_or_refused(tmp_path_factory, changes):
    content = bytearray(npz(x=IMAGES.reshape(20, 12), y=LABELS))
    for position, byte in changes:
        content[position % len(content)] = byte
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    path.write_bytes(content)
    assert "\n" not in refused(optikit.get("data", "npz", path=path))


def test_arrays_are_the_same_after_saving(tmp_path):
    from optikit.files import save_arrays

    arrays = {
        "x": np.arange(6.0).reshape(2, 3).T,
        "empty": np.empty((0, 3)),
        "flag": np.array(True),
        "file": np.ones(1),
    }
    save_arrays(tmp_path / "a.npz", arrays)
    loaded = optikit.load_arrays(tmp_path / "a.npz")
    assert loaded.keys() == arrays.keys()
    assert all(np.array_equal(loaded[name], array) for name, array in arrays.items())
    with pytest.raises(ValueError, match="Object arrays"):
        save_arrays(tmp_path / "a.npz", {"x": np.array([object()])})
    assert optikit.load_arrays(tmp_path / "a.npz").keys() == arrays.keys(), "a failed write leaves the old file"
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


# csv


def test_csv_files_are_read(write):
    path = write("a.csv", b"a,kind,b\n1,0,2\n\n3,1,4\n5,1,6\n7,0,8\n")
    data = optikit.get("data", "csv", path=path, target="kind", held_out=0).load().train
    assert data.inputs.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert data.targets.tolist() == [0, 1, 1, 0]
    data = optikit.get("data", "csv", path=path, target="b", targets="values", held_out=0).load().train
    assert data.targets.tolist() == [[2], [4], [6], [8]]


def test_a_column_of_weights_is_no_input(write):
    path = write("a.csv", b"a,w,kind,b\n1,0.5,0,2\n3,0,1,4\n5,2,1,6\n")
    data = optikit.get("data", "csv", path=path, target="kind", weight="w", held_out=0).load().train
    assert data.inputs.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert data.targets.tolist() == [0, 1, 1]
    assert data.weights.tolist() == [0.5, 0, 2]


def test_an_array_of_weights_is_read(write):
    content = npz(x=IMAGES.reshape(20, 12), y=LABELS, importance=np.arange(20))
    data = optikit.get("data", "npz", path=write("a.npz", content), weights="importance").load()
    assert np.array_equal(data.train.inputs, IMAGES.reshape(20, 12)[data.train.weights.astype(int)])
    assert sorted(data.whole.weights) == list(range(20))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (None, "there is no array 'importance'"),
        (np.ones(19), r"the weights have shape \(19,\), but there are 20 samples"),
        (np.ones((20, 1)), r"the weights have shape \(20, 1\)"),
        (-np.ones(20), "the weight of row 0 is -1.0; give finite numbers of at least 0"),
        (np.zeros(20), "the weights of all 20 samples are 0; give some a weight above 0"),
        (np.eye(20)[0], "the weights of all [0-9]+ samples are 0"),  # the held-out part, or the other, has none left
        (np.array(["a"] * 20), "importance is <U1 of shape"),
    ],
    ids=["missing", "short", "column", "negative", "zeros", "one", "words"],
)
def test_unsound_weights_are_one_sentence(write, weights, said):
    more = {} if weights is None else {"importance": weights}
    path = write("a.npz", npz(x=IMAGES.reshape(20, 12), y=LABELS, **more))
    with pytest.raises(InputError, match=said) as caught:
        optikit.get("data", "npz", path=path, weights="importance").load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,kind\n1,0\n", "weight = 'w' is no column; the first line has a, kind"),
        (b"a,w,kind\n1,x,0\n", "a.csv:2: 'x' is no number; inputs and weights are numbers"),
        (b"a,w,kind\n1,inf,0\n2,1,0\n", "the weight of row 0 is inf"),
    ],
    ids=str,
)
def test_an_unsound_column_of_weights_is_one_sentence(write, content, said):
    with pytest.raises(InputError, match=said):
        optikit.get("data", "csv", path=write("a.csv", content), target="kind", weight="w").load()


def test_the_target_is_no_weight(write):
    source = optikit.get("data", "csv", path=write("a.csv", b"a,kind\n1,0\n"), target="kind", weight="kind")
    assert "weight = 'kind' is the column of the target, too; name another" in refused(source)


def test_names_of_classes_are_numbered_as_given_in_every_file(write):
    fields = {"target": "kind", "delimiter": ";", "classes": ["setosa", "virginica"], "held_out": 0}
    one = optikit.get("data", "csv", path=write("a.csv", b"a;kind\n1;setosa\n2;virginica\n"), **fields)
    two = optikit.get("data", "csv", path=write("b.csv", b"a;kind\n2;virginica\n"), **fields)
    assert one.load().train.targets.tolist() == [0, 1]
    assert two.load().train.targets.tolist() == [1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "target = 'kind' is no column; the first line has none"),
        (b"a,b\n1,2\n", "'kind' is no column; the first line has a, b"),
        (b"a,kind\n", "no rows below the column names"),
        (b"a,kind\n1,0\n\nx,1\n", "a.csv:4: 'x' is no number"),
        (b"a,kind\n1\n", "a.csv:2: it has 1 columns, but the first line 2"),
        (b"a,kind\n1,yes\n2,no\n", 'the target\'s classes are names; give classes = \\["no", "yes"\\]'),
        (b"a,kind\n\xff,1\n", "it cannot be read as a table"),
        (b'a,kind\n"1,1\n', "it cannot be read as a table"),
        (b"a,kind\nnan,1\n2,1\n", "NaN"),
    ],
    ids=str,
)
def test_an_unsound_csv_file_is_one_sentence(write, content, said):
    with pytest.raises(InputError, match=said) as caught:
        optikit.get("data", "csv", path=write("a.csv", content), target="kind").load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["idx", "npz", "csv"])
def test_a_missing_file_is_named(name, tmp_path):
    nowhere = tmp_path / "nowhere"
    fields = {"idx": {"images": nowhere, "labels": nowhere}, "csv": {"path": nowhere, "target": "y"}}
    with pytest.raises(InputError, match="nowhere: there is no such file"):
        optikit.get("data", name, **fields.get(name, {"path": nowhere})).load()
