"""Fields are described by the strings under them, as pydantic's own option would."""

from typing import Annotated

import pytest
from drawn import every_class
from pydantic import BaseModel, Field, create_model

from optikit.described import Described


class Outer(Described):
    """A class with fields of all sorts."""

    plain: int
    """One line."""
    limited: Annotated[float, Field(gt=0)] = 1.0
    """Two
    lines.
    """
    bare: int = 0
    explicit: int = Field(default=0, description="said in the field")
    """Said below."""

    class Inner(Described):
        """A class in a class."""

        deep: int = 0
        """Deep down."""


class Derived(Outer):
    """A class that inherits fields."""

    more: int = 0
    """More."""


def test_the_string_under_a_field_is_its_description():
    properties = Derived.model_json_schema()["properties"]
    described = {name: field.get("description") for name, field in properties.items()}
    assert described == {
        "plain": "One line.", "limited": "Two\nlines.", "bare": None, "explicit": "said in the field", "more": "More.",
    }  # fmt: skip
    assert Outer.Inner.model_json_schema()["properties"]["deep"]["description"] == "Deep down."


def test_a_class_in_a_function_is_described_too():
    class Local(Described):
        """A class in a function."""

        here: int = 0
        """In here."""

    assert Local.model_json_schema()["properties"]["here"]["description"] == "In here."


def test_a_class_without_source_has_no_descriptions():
    made = create_model("Made", __base__=Described, field=(int, 0))
    assert "description" not in made.model_json_schema()["properties"]["field"]


@pytest.mark.parametrize("cls", every_class(), ids=lambda cls: cls.name)
def test_pydantics_own_option_finds_the_same(cls):
    from pydantic._internal._docs_extraction import extract_docstrings_from_cls  # what the option calls

    cls.model_json_schema()  # descriptions are looked up for it
    seen = set()
    for base in cls.__mro__:
        if isinstance(base, type) and issubclass(base, BaseModel) and base.__module__.startswith("optikit"):
            theirs = extract_docstrings_from_cls(base, use_inspect=True) if "[" not in base.__name__ else {}
            for name, text in theirs.items():
                if name in cls.model_fields and name not in seen:  # a class may describe an inherited field anew
                    assert cls.model_fields[name].description == text
            seen |= theirs.keys()
