"""Values of an application's own classes come back as what they were, or not at all."""

from __future__ import annotations

import dataclasses
import enum
import functools
import gc
from collections.abc import Awaitable, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar

import msgspec
import pydantic
import pytest

from perfctl import register_type
from perfctl.cache.values.codec import UndecodableError
from perfctl.cache.values.serializers.msgpack import Msgpack
from perfctl.cache.values.types import form_of, register_annotation, register_return
from perfctl.cache.values.weight import weigh, weigh_decoded
from perfctl.errors import UsageError
from tests.codecs import NAME, PLAIN, decoded, encoded

T = TypeVar("T")


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Level(enum.IntEnum):
    LOW = 1


class Mood(enum.StrEnum):
    GOOD = "good"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Pair(NamedTuple):
    left: int
    right: str = "r"


@dataclass
class Plain:
    x: int
    when: date
    pair: Pair | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    x: int
    parts: tuple[Plain, ...] = ()


@dataclass(eq=True)
class Eager:
    """Sets what is no field, and counts how often it was set up."""

    x: int
    seed: InitVar[int] = 3
    doubled: int = field(init=False)

    def __post_init__(self, seed: int) -> None:
        self.doubled = 2 * self.x
        self.slug = f"{self.x}-{seed}"

    @functools.cached_property
    def heavy(self) -> object:
        return object()


@dataclass
class Base:
    x: int


@dataclass
class Derived(Base):
    y: int = 2


@dataclass
class Box(Generic[T]):
    inside: T


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    id: int
    name: Annotated[str, pydantic.Field(alias="fullName", min_length=1)] = "n"
    colour: Colour = Colour.RED
    _seen: int = 0


class Page(pydantic.BaseModel, Generic[T]):
    rows: list[T]


class Point(msgspec.Struct, frozen=True):
    x: int
    tags: tuple[str, ...] = ()


class Shape(msgspec.Struct, kw_only=True, rename="camel"):
    corner_point: Point
    side: Decimal = Decimal("1.0")


class Row(TypedDict):
    owner: Base


UserId = NewType("UserId", int)

for _hint in (Colour, Level, Mood, Right, Pair, Frozen, Eager, Derived, Box[Pair], Model, Page[Model], Shape):
    register_annotation(_hint)

_MODEL = Model.model_validate({"id": 1, "fullName": "Ada", "more": [Decimal("2.50")]})
_MODEL._seen = 4
VALUES: tuple[Any, ...] = (
    Colour.RED, Colour.GREEN, Level.LOW, Mood.GOOD, Right.READ, Right.READ | Right.WRITE, Right(0), Pair(1),
    Pair(2, "x"), Plain(1, date(2026, 1, 2), Pair(3)), Frozen(1, (Plain(1, date(2026, 1, 2)),)), Eager(4),
    Derived(1, 3), Box(Pair(1)),
    Model(id=1, fullName="x"), _MODEL, Page[Model](rows=[_MODEL]), Point(1, ("a",)), Shape(corner_point=Point(2)),
    {Colour.RED: [Pair(1), (Frozen(1),)], Pair(1): {Frozen(2)}},
)  # fmt: skip


@pytest.mark.parametrize("reader", ["msgpack", "msgspec"])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_of_a_registered_class_comes_back_as_it_was(value: Any, reader: str) -> None:
    assert weigh(value, Msgpack()) > 0
    again = Msgpack(reader=reader).loads(Msgpack().dumps(value))
    assert type(again) is type(value)
    assert again == value
    assert repr(again) == repr(value)
    assert weigh_decoded(again) > 0


def test_what_is_no_field_and_what_was_given_come_back_too() -> None:
    again = decoded(encoded(Eager(4, seed=9)))
    assert (again.slug, again.doubled, again.__dict__.keys()) == ("4-9", 8, {"x", "doubled", "slug"})
    model = decoded(encoded(_MODEL))
    assert (model._seen, model.model_extra, model.model_fields_set) == (
        4,
        {"more": [Decimal("2.50")]},
        {"id", "name", "more"},
    )


def test_a_cached_property_is_computed_again() -> None:
    value = Eager(1)
    heavy = value.heavy
    again = decoded(encoded(value))
    assert again.heavy is not heavy


class Unregistered(enum.Enum):
    ONE = 1


@dataclass
class Holder:
    inside: Any


register_type(Holder)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([{"a": Unregistered.ONE}], "Unregistered at value[0]['a'] has no form"),
        (Holder([Unregistered.ONE]), "Unregistered at value.inside[0] has no form"),
        (Base(1), None),
        (Holder(object()), "object at value.inside has no form"),
    ],
)
def test_a_class_that_is_not_registered_is_refused_with_its_path(value: Any, complaint: str | None) -> None:
    if complaint is None:
        assert form_of(Base) is None or weigh(value, Msgpack())
        return
    with pytest.raises(UsageError) as refusal:
        weigh(value, Msgpack())
    assert complaint in refusal.value.message
    assert "register_type" in (refusal.value.hint or "")


def test_a_subclass_is_not_taken_for_its_base() -> None:
    @dataclass
    class Special(Plain):
        pass

    with pytest.raises(UsageError, match="Special at value"):
        weigh(Special(1, date(2026, 1, 1)), Msgpack())


def _return_of(hint: Any) -> Any:
    def function() -> Any: ...

    function.__annotations__["return"] = hint
    return function


def _fresh(name: str, *fields: Any) -> type:
    cls = dataclasses.make_dataclass(name, fields or [("x", int)])
    cls.__module__ = f"{__name__}.{name}"
    return cls


@pytest.mark.parametrize(
    "wrap",
    [
        lambda cls: cls,
        lambda cls: cls | None,
        lambda cls: Optional[cls],  # noqa: UP045
        lambda cls: dict[str, list[tuple[cls, ...]]],
        lambda cls: Awaitable[Sequence[cls]],
        lambda cls: Annotated[list[cls], "note"],
        lambda cls: Box[cls],
        lambda cls: _fresh(f"Outer{cls.__name__}", ("inner", list[cls])),
    ],
)
def test_a_return_annotation_registers_what_it_names(wrap: Any, request: pytest.FixtureRequest) -> None:
    cls = _fresh(f"Fresh{abs(hash(request.node.name))}")
    assert form_of(cls) is None
    assert register_return(_return_of(wrap(cls)))
    assert form_of(cls) is not None


def test_typed_dicts_and_literals_are_looked_into() -> None:
    register_annotation(list[Row])
    register_annotation(Literal[Unlisted.ONE])
    register_annotation(UserId)
    assert form_of(Base) is not None
    assert form_of(Unlisted) is not None


class Unlisted(enum.Enum):
    ONE = 1


def later() -> Later | None: ...  # noqa: F821


def test_a_class_further_down_is_found_once_it_is_defined() -> None:
    assert "Later" in later.__annotations__["return"]
    assert not register_return(later)
    globals()["Later"] = _fresh("Later")
    assert register_return(later)
    assert form_of(globals()["Later"]) is not None


def test_register_type_is_a_decorator_and_refuses_what_it_cannot_keep() -> None:
    @register_type(name="test.Named")
    @dataclass
    class Named:
        x: int

    assert decoded(encoded(Named(1))) == Named(1)
    with pytest.raises(UsageError, match="no dataclass"):
        register_type(object)
    with pytest.raises(UsageError, match="no dataclass"):
        register_type(dataclass(type("Odd", (dict,), {})))


def test_two_classes_never_share_a_name() -> None:
    def made() -> type:
        @dataclass
        class Twin:
            x: int

        return Twin

    first, second = made(), made()
    register_type(first)
    with pytest.raises(UsageError, match="another class is registered"):
        register_type(second)
    register_type(second, name="test.SecondTwin")
    assert type(decoded(encoded(first(1)))) is first
    assert type(decoded(encoded(second(1)))) is second


def test_a_class_of_a_function_that_returned_gives_its_name_back() -> None:
    def made() -> Any:
        @register_type
        @dataclass
        class Brief:
            x: int

        return decoded(encoded(Brief(1))).x

    assert [made(), made(), made()] == [1, 1, 1]


def _blob_of(cls: type, *arguments: Any) -> bytes:
    register_type(cls, name="test.Changing")
    return encoded(cls(*arguments))


@pytest.mark.parametrize(
    "fields",
    [[("x", int)], [("x", int), ("y", int), ("z", int, 0)], [("x", int), ("y", str)], [("x", int), ("w", int)]],
    ids=["fewer", "more", "another type", "another name"],
)
def test_a_value_of_an_older_schema_is_undecodable(fields: Any) -> None:
    blob = _blob_of(dataclasses.make_dataclass("Changing", [("x", int), ("y", int)]), 1, 2)
    gc.collect()
    newer = dataclasses.make_dataclass("Changing", fields)
    register_type(newer, name="test.Changing")
    with pytest.raises(UndecodableError, match="has changed"):
        decoded(blob)
    assert PLAIN.decode(NAME, blob, lenient=True).value == {"__type__": "test.Changing", "x": 1, "y": 2}


@pytest.mark.parametrize("members", [{"B": 2}, {"A": 2}, {"A": "1"}], ids=["gone", "another value", "another type"])
def test_a_member_that_changed_is_undecodable(members: dict[str, Any]) -> None:
    old = enum.Enum("Old", {"A": 1})
    register_type(old, name="test.Members")
    blob = encoded(old["A"])
    del old
    gc.collect()
    newer = enum.Enum("Old", members)
    register_type(newer, name="test.Members")
    with pytest.raises(UndecodableError):
        decoded(blob)


def test_an_enum_may_grow() -> None:
    old = enum.Enum("Growing", {"A": 1})
    register_type(old, name="test.Growing")
    blob = encoded(old["A"])
    del old
    gc.collect()
    newer = enum.Enum("Growing", {"B": 0, "A": 1})
    register_type(newer, name="test.Growing")
    assert decoded(blob) is newer["A"]


def test_a_class_that_this_process_does_not_know_is_undecodable_or_readable() -> None:
    cls = dataclasses.make_dataclass("Gone", [("x", int)])
    register_type(cls, name="test.Gone")
    blob = encoded([cls(1)])
    del cls
    gc.collect()
    with pytest.raises(UndecodableError, match=r"'test\.Gone' is not registered here"):
        decoded(blob)
    assert PLAIN.decode(NAME, blob, lenient=True).value == [{"__type__": "test.Gone", "x": 1}]
