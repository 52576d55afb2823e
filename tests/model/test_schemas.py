"""Schemas are those of the types: they take what the type allows and nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema_rs
import pytest
from msgspec import Struct, field

from mock_intake.model.schemas import schema_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Shape(TypedDict):
    name: str
    more: NotRequired[int]


class Wider(Shape):
    inner: list[Shape]


class Value(Struct):
    name: str
    count: int = 0
    marks: list[str] = field(default_factory=list)


class Pair(Struct, array_like=True):
    first: str
    second: str | None = None


KINDS: list[tuple[Any, list[Any], list[Any]]] = [
    (Any, [1, None, {}], []),
    (str, ["", "x"], [1, None]),
    (str | None, ["x", None], [1]),
    (bool, [True], [1, None]),
    (float | None, [1.5, 1, None], ["1"]),
    (bytes, ["AP8="], [1]),
    (Literal["a", 1], ["a", 1], ["b", None]),
    (Literal["a"] | None, ["a", None], ["b"]),
    (Colour, ["red"], ["RED", None]),
    (Colour | None, ["red", None], ["green"]),
    (Annotated[int, ("minimum", 0)], [0], [-1, None]),
    (Annotated[int, ("minimum", 0), ("maximum", 3)] | None, [0, None], [4, -1]),
    (list[str], [[], ["x"]], [[1], "x"]),
    (tuple[str, ...], [[], ["x", "y"]], [[None]]),
    (tuple[str, int], [["x", 1]], [["x"], ["x", 1, 2], [1, "x"]]),
    (tuple[str, str] | None, [["x", "y"], None], [["x"]]),
    (dict[str, int], [{}, {"x": 1}], [{"x": "y"}, []]),
    (dict[str, Any], [{"x": []}], [[]]),
    (Shape, [{"name": "x"}, {"name": "x", "more": 1}], [{}, {"name": "x", "other": 1}, {"name": "x", "more": "y"}]),
    (Wider, [{"name": "x", "inner": [{"name": "y"}]}], [{"name": "x", "inner": [{}]}, {"inner": []}]),
    (Value, [{"name": "x", "count": 1, "marks": []}], [{"name": "x"}, {"name": "x", "count": 1, "marks": [1]}]),
    (Pair, [["x", None], ["x", "y"]], [["x"], ["x", 1], ["x", "y", "z"], {"first": "x", "second": None}]),
]


@pytest.mark.parametrize(("kind", "right", "wrong"), KINDS)
def test_a_type_takes_what_it_allows(kind: Any, right: list[Any], wrong: list[Any]) -> None:
    schema = schema_of(kind)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert [value for value in right if not validator.is_valid(value)] == []
    assert [value for value in wrong if validator.is_valid(value)] == []


def test_what_has_a_default_may_be_missing_in_what_is_taken() -> None:
    validator = jsonschema_rs.Draft202012Validator(schema_of(list[Value], taken=True))
    assert validator.is_valid([{"name": "x"}, {"name": "x", "marks": ["y"]}])
    assert not validator.is_valid([{"count": 1}])
    pairs = jsonschema_rs.Draft202012Validator(schema_of(Pair, taken=True))
    assert pairs.is_valid(["x"])
    assert not pairs.is_valid([])


def test_what_has_a_place_of_its_own_is_referred_to_within_others() -> None:
    references = {Shape: "#/shape", Wider: "#/wider"}
    assert schema_of(Wider, references)["properties"]["inner"]["items"] == {"$ref": "#/shape"}
    assert schema_of(Shape | None, references) == {"anyOf": [{"$ref": "#/shape"}, {"type": "null"}]}
    assert schema_of(Shape, references) == schema_of(Shape)


@pytest.mark.parametrize("kind", [str | int, set[str], dict[int, str], object, str | int | None])
def test_what_has_no_schema_is_told(kind: Any) -> None:
    with pytest.raises(TypeError, match="there is no schema of"):
        schema_of(kind)
