"""Which key a call makes: templates, what stays out, and the text of arguments."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import pytest
from starlette.requests import Request

from perfctl.cache.engine import AdvancedCache
from perfctl.cache.functions.keymaker import KeyMaker
from perfctl.cache.functions.templates import Template
from perfctl.cache.functions.texts import readable, repeatable
from perfctl.config import CacheConfig
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from not_there import Session  # type: ignore[import-not-found]


class Side(StrEnum):
    """An argument that equals a text."""

    BUY = "buy"


class Colour(Enum):
    """One that does not."""

    RED = 1


@dataclass(frozen=True)
class User:
    """An argument with attributes; what is not compared is no part of it."""

    id: int
    session: Any = field(default=None, compare=False)


class Point(NamedTuple):
    """A tuple with a name."""

    x: int
    y: int


class Plain:
    """Nothing says what it reads like."""


class Symbol(str):
    """A text of a type of its own."""

    __slots__ = ()


@pytest.fixture
def cache() -> AdvancedCache:
    return AdvancedCache(CacheConfig())


def filled(text: str, **arguments: Any) -> str:
    return Template(text, tuple(arguments), "f").fill(arguments)


@pytest.mark.parametrize(
    ("text", "arguments", "key"),
    [
        ("user:{user.id}", {"user": User(7)}, "user:7"),
        ("{items[0]}:{items[-1]}", {"items": ["a", "b", "c"]}, "a:c"),
        ("{user[name]}", {"user": {"name": "Ada"}}, "Ada"),
        ("{row.user[id]}", {"row": Point({"id": 3}, 0)._replace(x=0)}, None),
        ("{name:lower}/{name:upper}", {"name": "Ada"}, "ada/ADA"),
        ("{price:.2f}", {"price": 1.5}, "1.50"),
        ("{day:%Y-%m}", {"day": date(2026, 1, 2)}, "2026-01"),
        ("{ids:sorted}", {"ids": [3, 1, 2]}, "[1,2,3]"),
        ("{name!r}", {"name": "a"}, "'a'"),
        ("{{literal}}:{a}", {"a": None}, "{literal}:None"),
        ("{side}:{colour}", {"side": Side.BUY, "colour": Colour.RED}, "buy:Colour.RED"),
        ("{when}", {"when": datetime(2026, 1, 2, tzinfo=UTC)}, "2026-01-02 00:00:00+00:00"),
        ("{filter}", {"filter": {"b": {2, 1}, "a": 1}}, "{'a':1,'b':{1,2}}"),
    ],
)
def test_a_template_is_filled_from_the_arguments(text: str, arguments: dict[str, Any], key: str | None) -> None:
    if key is None:
        with pytest.raises(UsageError, match=r"cannot fill \{row\.user\[id\]\}"):
            filled(text, **arguments)
    else:
        assert filled(text, **arguments) == key


def test_equal_texts_have_equal_digests_and_other_texts_other_ones() -> None:
    one, same, other = (filled("{query:hash}", query=query) for query in ("SELECT 1", "SELECT 1", "SELECT 2"))
    assert one == same != other
    assert len(one) == 16


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("user:{usr_id}", "names 'usr_id', which is no parameter", "did you mean 'user_id'?"),
        ("user:{zzz}", "names 'zzz', which is no parameter", "the parameters are: user_id, user"),
        ("user:{}", r"has the field \{\}, which names no parameter", "write a parameter, its attributes and items"),
        ("user:{user_id", "cannot be read: ", "a brace that is meant as such is doubled"),
        ("{user.__class__}", "reads '__class__'", "a key is made of what is public"),
        ("{user.a.__dict__}", "reads '__dict__'", "a key is made of what is public"),
        ("{user_id:hsah}", "has no formatter 'hsah'", "did you mean 'hash'?"),
        ("{user_id:{user}}", "has no formatter '{user}'", "there are hash"),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_the_function_is_decorated(
    cache: AdvancedCache, text: str, says: str, hint: str
) -> None:
    def profile(user_id: int, user: Any = None) -> None: ...

    for options in ({"key": text}, {"tags": (text,)}):
        with pytest.raises(UsageError, match=f"profile: the template .* {says}") as caught:
            cache.cache_decorator(**options)(profile)  # type: ignore[arg-type]
        assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("value", [Plain(), [Plain()], {"a": Plain()}, memoryview(b"x")])
def test_a_field_without_repeatable_text_is_refused_at_the_call(value: Any) -> None:
    with pytest.raises(UsageError, match=r"cannot fill \{thing\}: a \w+ has no text"):
        filled("{thing}", thing=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Point(1, 2), f"{__name__}.Point{{'x':1,'y':2}}"),
        (User(1, session=object()), f"{__name__}.User{{'id':1}}"),
        (Symbol("a"), f"{__name__}.Symbol('a')"),
        (Side.BUY, f"{__name__}.Side.BUY"),
        (Decimal("1.10"), "Decimal('1.10')"),
        (range(3), "range(0, 3)"),
        (Plain, None),
        (Plain(), None),
        (lambda: 1, None),
    ],
)
def test_values_of_many_types_have_repeatable_text(value: Any, text: str | None) -> None:
    assert repeatable(value) == text


def test_an_integer_of_any_size_has_text() -> None:
    assert repeatable(10**600) != repeatable(10**600 + 1)
    assert repeatable(10**6000) == readable(10**6000) == filled("{n}", n=10**6000)
    assert repeatable(-(10**6000)) != repeatable(10**6000)


def test_classes_of_one_name_in_two_modules_make_two_texts() -> None:
    users = [type("User", (str,), {"__module__": module}) for module in ("v1", "v2")]
    assert repeatable(users[0]("a")) != repeatable(users[1]("a"))


def test_nothing_of_one_kind_is_not_nothing_of_another() -> None:
    empty: list[Any] = [[], (), {}, set(), "", b"", None]
    assert len({repeatable(value) for value in empty}) == len(empty)


def test_a_model_with_extra_fields_has_them_in_its_text() -> None:
    import pydantic

    class Open(pydantic.BaseModel, extra="allow"):
        id: int

    assert repeatable(Open(id=1, colour="red")) != repeatable(Open(id=1, colour="blue"))


@pytest.mark.parametrize("field", ["{thing!r}", "{thing!s}", "{thing!a}", "{thing:lower}", "{thing:upper}"])
def test_no_field_puts_an_address_or_the_order_of_a_set_into_a_key(field: str) -> None:
    with pytest.raises(UsageError, match="has no text"):
        filled(field, thing=Plain())
    names = {f"name-{number}" for number in range(50)}
    assert filled(field, thing=names).lower().replace("'", "") == "{" + ",".join(sorted(names)) + "}"


def test_models_have_the_text_of_their_fields() -> None:
    import msgspec
    import pydantic

    class Order(pydantic.BaseModel):
        id: int
        side: str = "buy"

    class Trade(msgspec.Struct):
        id: int

    assert str(repeatable(Order(id=1))).endswith("Order{'id':1,'side':'buy'}")
    assert str(repeatable(Trade(1))).endswith("Trade{'id':1}")


def test_an_exact_text_reads_as_it_is_and_an_address_never_does() -> None:
    assert readable("object at 0x7f") == "object at 0x7f"
    assert readable(Plain()) is None


def test_injected_arguments_stay_out_by_annotation() -> None:
    def report(
        request: Request,
        db: Annotated[sqlite3.Connection, "injected"],
        log: logging.Logger | None,
        year: int,
        user: str = "me",
    ) -> None: ...

    keys = KeyMaker(report)
    assert keys.relevant == ("year", "user")
    assert keys.key(keys.bind((), {"year": 2026})).endswith("report(2026,'me')")


def test_injected_arguments_stay_out_by_their_value_where_the_annotation_is_not_there() -> None:
    def report(db: Session, year: int) -> None: ...

    keys = KeyMaker(report)
    database = sqlite3.connect(":memory:")
    try:
        assert keys.key(keys.bind((database, 2026), {})).endswith("report(2026)")
    finally:
        database.close()


def test_an_orm_model_is_no_session() -> None:
    sqlalchemy_model = type("Stock", (), {"__module__": "sqlalchemy.orm.decl_api"})
    model = type("Mine", (sqlalchemy_model,), {})

    def value_of(stock: Any) -> None: ...

    keys = KeyMaker(value_of)
    with pytest.raises(UsageError, match="the argument 'stock' of type Mine has no text") as caught:
        keys.key({"stock": model()})
    assert caught.value.hint == (
        'name the key, cache_decorator(key="...:{stock.id}"), or leave the argument out of it: ignore=("stock",)'
    )


def test_what_is_ignored_stays_out_and_may_be_missing() -> None:
    def total(trace_id: str, year: int) -> None: ...

    keys = KeyMaker(total, ignore=("trace_id",))
    assert keys.key(keys.bind(("t1", 2026), {})) == keys.key(keys.bind((), {"year": 2026}))
    with pytest.raises(TypeError, match="total: missing 'year', of which the key is made"):
        keys.bind(("t1",), {})
    with pytest.raises(UsageError, match="ignore names 'trace', which is no parameter") as caught:
        KeyMaker(total, ignore=("trace",))
    assert caught.value.hint == "did you mean 'trace_id'?"


def test_another_version_is_another_key() -> None:
    def price(symbol: str) -> None: ...

    def key(**options: Any) -> str:
        return KeyMaker(price, **options).key({"symbol": "A"})

    assert len({key(), key(version=1), key(version=2), key(version="a")}) == 4
    assert key(key="price:{symbol}", version=2) == "price:A@2"


def test_the_order_of_keywords_does_not_matter_and_defaults_count() -> None:
    def search(text: str, /, *words: str, limit: int = 10, **filters: Any) -> None: ...

    keys = KeyMaker(search)
    one = keys.key(keys.bind(("a", "b"), {"x": 1, "y": 2}))
    assert one == keys.key(keys.bind(("a", "b"), {"y": 2, "x": 1, "limit": 10}))
    assert one != keys.key(keys.bind(("a",), {"x": 1, "y": 2}))


def test_a_key_function_must_return_text(cache: AdvancedCache) -> None:
    @cache.cache_decorator(key=lambda number: number)  # type: ignore[arg-type, return-value]
    def double(number: int) -> int:
        return number * 2

    with pytest.raises(UsageError, match="its key function returned 2, a int"):
        double(2)


def test_a_lambda_needs_a_key(cache: AdvancedCache) -> None:
    with pytest.raises(UsageError, match="<lambda> has no name to make keys of"):
        cache.cache_decorator()(lambda: 1)
    assert cache.cache_decorator(key="one")(lambda: 1)() == 1


def test_an_argument_that_holds_itself_is_refused(cache: AdvancedCache) -> None:
    @cache.cache_decorator()
    def size(items: list[Any]) -> int:
        return len(items)

    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(UsageError, match="the argument 'items' holds itself"):
        size(endless)
