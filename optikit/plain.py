"""Plain data on disk: the state of an optimizer as JSON and the bytes of its arrays, and back.

Nothing is pickled.  What may be in a state is listed here; of classes only the names are written, and only dataclasses
and named tuples are made again, of packages that the run uses anyway, without calling any of their code.  Two places
that hold one array hold one array again.
"""

import json
import math
import numbers
import sys
import zlib
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from optikit.errors import ContractError, InputError

_TAG = "$"
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
_MOST_HEADER = 1 << 28
_MOST_POOL = 1024


def encode(value: Any) -> bytes:
    """Write plain data.

    Parameters
    ----------
    value : object
        None, bools, numbers, strings, bytes, lists, tuples, dicts, sets, NumPy's scalars and arrays of numbers or text,
        random generators and seed sequences, members of enumerations, named tuples and dataclasses of such.

    Returns
    -------
    bytes
        A checksum, a header in JSON, and the bytes of the arrays.

    Raises
    ------
    ContractError
        If something else is in it.
    """
    writer = _Writer()
    header = json.dumps({"value": writer.encode(value, "state"), "arrays": writer.headers}).encode()
    body = b"".join([len(header).to_bytes(8, "little"), header, *writer.arrays])
    return zlib.crc32(body).to_bytes(4, "little") + body


def decode(data: bytes, packages: Collection[str] = ()) -> Any:
    """Read plain data.

    Parameters
    ----------
    data : bytes
        What `encode` wrote.
    packages : collection of str
        Whose classes may be made, if they are imported already; those of optikit may always.

    Returns
    -------
    object
        What was written.

    Raises
    ------
    InputError
        If the data are damaged, or name a class that may not be made or has other fields by now.
    """
    checksum, data = data[:4], data[4:]
    try:
        if zlib.crc32(data).to_bytes(4, "little") != checksum:
            raise InputError("it is damaged")
        length = int.from_bytes(data[:8], "little")
        if length > min(len(data) - 8, _MOST_HEADER):
            raise InputError("its header is cut off")
        header = json.loads(data[8 : 8 + length])
        return _Reader(_arrays(header["arrays"], data, 8 + length), {"optikit", *packages}).decode(header["value"])
    except InputError as error:
        raise InputError(f"the saved state cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"the saved state cannot be read: {type(error).__name__}: {error}") from None


def alike(one: Any, other: Any) -> bool:
    """Say whether two states are of one kind in all their fields: numbers, arrays, text; None goes with anything."""
    if one is None or other is None or all(isinstance(each, numbers.Number | np.bool_) for each in (one, other)):
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        items = cast("list[Any]", one)
        return len(items) == len(other) and all(map(alike, items, other))
    if is_dataclass(one):
        return all(alike(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return True


def _arrays(headers: list[Any], data: bytes, at: int) -> list[NDArray[Any]]:
    arrays: list[NDArray[Any]] = []
    for text, shape, order in headers:
        dtype = np.dtype(str(text))
        if dtype.kind not in "biufcUS" or not all(type(size) is int and size >= 0 for size in shape):
            raise InputError(f"an array of {dtype} and shape {shape} is not taken")
        size = math.prod(shape) * dtype.itemsize
        if size > len(data) - at:
            raise InputError("an array is cut off")
        flat = np.frombuffer(data, dtype=dtype, count=math.prod(shape), offset=at)
        arrays.append(flat.reshape(shape, order="F" if order == "F" else "C").copy(order="K"))
        at += size
    return arrays


class _Writer:
    def __init__(self) -> None:
        self.headers: list[list[Any]] = []
        self.arrays: list[bytes] = []
        self._known: dict[int, tuple[int, Any]] = {}

    def encode(self, value: Any, where: str) -> Any:
        kind = cast("type[Any]", type(value))
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list:
            return [self.encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        if isinstance(value, np.ndarray):
            return {_TAG: "array", "at": self._array(cast("NDArray[Any]", value), where)}
        if isinstance(value, np.generic):
            return {_TAG: "scalar", "at": self._array(np.asarray(cast("Any", value)), where)}
        if kind is bytes:
            return {_TAG: "bytes", "at": self._array(np.frombuffer(value, dtype=np.uint8), where)}
        if kind is dict:
            items = [[self.encode(key, where), self.encode(item, f"{where}[{key!r}]")] for key, item in value.items()]
            return {_TAG: "dict", "items": items}
        if kind in (tuple, set, frozenset):
            ordered = value if kind is tuple else sorted(value)
            return {_TAG: kind.__name__, "items": [self.encode(item, where) for item in ordered]}
        if isinstance(value, np.random.Generator):
            bits = value.bit_generator
            seed = self.encode(bits.seed_seq, where)
            return {_TAG: "generator", "state": self.encode(dict(bits.state), where), "seed": seed}
        if isinstance(value, np.random.SeedSequence):
            names = ("entropy", "spawn_key", "pool_size", "n_children_spawned")
            return {_TAG: "seed", **{name: self.encode(getattr(value, name), where) for name in names}}
        if isinstance(value, Enum):
            return {_TAG: "enum", "class": _name(kind), "name": value.name}
        if is_dataclass(value):
            parts = {field.name: getattr(value, field.name) for field in fields(value)}
        elif isinstance(value, tuple) and hasattr(kind, "_fields"):
            parts = cast("Any", value)._asdict()
        else:
            raise ContractError(
                f"{where} is a {kind.__module__}.{kind.__qualname__}, which cannot be saved; arrays, numbers, text, "
                "generators, and lists, dicts and dataclasses of them can"
            )
        encoded = {name: self.encode(item, f"{where}.{name}") for name, item in parts.items()}
        return {_TAG: "class", "class": _name(kind), "fields": encoded}

    def _array(self, array: NDArray[Any], where: str) -> int:
        if id(array) not in self._known:
            if array.dtype.kind not in "biufcUS":
                raise ContractError(
                    f"{where} is an array of {array.dtype}, which cannot be saved; numbers and text can"
                )
            order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
            self.headers.append([array.dtype.str, list(array.shape), order])
            self.arrays.append(array.tobytes(order=order))
            # The array itself is kept, too, so that no other can have its id.
            self._known[id(array)] = len(self.headers) - 1, array
        return self._known[id(array)][0]


class _Reader:
    def __init__(self, arrays: list[NDArray[Any]], packages: set[str]) -> None:
        self._arrays, self._packages = arrays, packages

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decode(item) for item in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        tag = given[_TAG]
        if tag in ("array", "scalar", "bytes"):
            array = cast("Any", self._arrays[given["at"]])
            return array if tag == "array" else array[()] if tag == "scalar" else array.tobytes()
        if tag == "dict":
            return {self.decode(key): self.decode(item) for key, item in given["items"]}
        if tag in ("tuple", "set", "frozenset"):
            items = [self.decode(item) for item in given["items"]]
            return tuple(items) if tag == "tuple" else set(items) if tag == "set" else frozenset(items)
        if tag == "seed":
            parts = {name: self.decode(given[name]) for name in given if name != _TAG}
            if not 0 < parts["pool_size"] <= _MOST_POOL:
                raise InputError(f"a seed of pool size {parts['pool_size']} is not taken")
            return np.random.SeedSequence(**parts)
        if tag == "generator":
            return self._generator(self.decode(given["state"]), self.decode(given["seed"]))
        cls = self._class(given["class"])
        if tag == "enum" and issubclass(cls, Enum):
            return cls[given["name"]]
        if tag != "class" or issubclass(cls, Enum):
            raise InputError(f"{tag!r} is nothing that it may have")
        return self._made(cls, {name: self.decode(item) for name, item in given["fields"].items()})

    @staticmethod
    def _generator(state: dict[str, Any], seed: Any) -> np.random.Generator:
        name = state["bit_generator"]
        if name not in _BIT_GENERATORS:
            raise InputError(f"{name!r} is no generator of NumPy")
        bits = getattr(np.random, name)(seed)
        bits.state = state
        return np.random.Generator(bits)

    def _class(self, name: str) -> type[Any]:
        module, _, qualname = name.partition(":")
        found: Any = sys.modules.get(module) if module.partition(".")[0] in self._packages else None
        for part in qualname.split("."):
            found = getattr(found, part, None)
        if not isinstance(found, type) or _name(found) != name:
            raise InputError(f"there is no class {name} by now")
        return found

    @staticmethod
    def _made(kind: type[Any], parts: dict[str, Any]) -> Any:
        """Make an object of its fields, without calling any code of its class."""
        if is_dataclass(kind):
            known = [field.name for field in fields(kind)]
        elif issubclass(kind, tuple):
            known = list(cast("Any", kind)._fields)
        else:
            raise InputError(f"{kind.__qualname__} is no dataclass")
        if sorted(known) != sorted(parts):
            raise InputError(f"{kind.__qualname__} has the fields {', '.join(known)} by now, not {', '.join(parts)}")
        if issubclass(kind, tuple):
            return cast("Any", tuple).__new__(kind, [parts[name] for name in known])
        made = object.__new__(kind)
        for name, item in parts.items():
            object.__setattr__(made, name, item)
        return made


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
