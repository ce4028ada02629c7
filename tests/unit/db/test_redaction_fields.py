"""Every text that a result of the database can hold is told what it is, and none that could name something is left."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import pytest

import perfctl.db.model
import perfctl.diagnosis
from perfctl.db.redaction.kinds import kind_of, told
from perfctl.db.redaction.redactor import Redactor

MODULES = [
    importlib.import_module(f"perfctl.db.model.{module.name}")
    for module in pkgutil.iter_modules(perfctl.db.model.__path__)
]
MODULES.append(perfctl.diagnosis)
NAMES: dict[str, Any] = {name: value for module in MODULES for name, value in vars(module).items()}
RESULTS = sorted(
    {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
    },
    key=lambda kind: kind.__name__,
)
CANARY = {
    "name": 'zqschema.zqtable', "place": "zqhost.internal:5432/zqdb", "setting": "/srv/zqpath",
    "sql": "SELECT zqcolumn FROM zqtable WHERE zqcolumn = 'zqvalue' AND b = 47114711",
    "label": "Seq Scan on zqtable zqalias", "withheld": "zqsecret",
    "prose": "zqtable is read for 'zqvalue' by zqorders-api, of 47114711, at 10.1.2.3",
    "safe": "harmless",
}  # fmt: skip


def hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, localns=NAMES)


def holds_text(hint: Any) -> bool:
    """Whether a value of that type can hold a text of a caller's own."""
    if get_origin(hint) is typing.Literal:
        return False
    return hint is str or hint is Any or any(holds_text(part) for part in get_args(hint))


def made(kind: type, depth: int = 0) -> Any:
    """A result with a canary in each of its texts."""
    said = hints(kind)
    return kind(**{f.name: value(said[f.name], kind_of(kind, f.name) or "withheld", depth) for f in fields(kind)})


def value(hint: Any, kind: str, depth: int) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is str or hint is Any:
        return CANARY[kind]
    if origin is typing.Literal:
        return parts[0]
    if origin in (typing.Union, types.UnionType):
        return value(next(part for part in parts if part is not type(None)), kind, depth)
    if origin is tuple:
        return () if depth > 2 else (value(parts[0], kind, depth),)
    if origin is not None and issubclass(origin, Mapping):
        return {"key": value(parts[1], kind, depth)}
    if isinstance(hint, type) and is_dataclass(hint):
        return made(hint, depth + 1)
    return {bool: True, int: 7, float: 7.0, datetime: datetime(2026, 1, 2, tzinfo=UTC)}[hint]


def texts(answer: Any) -> Iterator[str]:
    if is_dataclass(answer) and not isinstance(answer, type):
        for field in fields(answer):
            yield from texts(getattr(answer, field.name))
    elif isinstance(answer, tuple):
        for item in answer:
            yield from texts(item)
    elif isinstance(answer, Mapping):
        yield from texts(tuple(answer.values()))
    elif isinstance(answer, str):
        yield answer


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_every_text_is_told_what_it_is(kind: type) -> None:
    untold = [name for name, hint in hints(kind).items() if name in {f.name for f in fields(kind)} and holds_text(hint)
              and kind_of(kind, name) is None]  # fmt: skip
    assert untold == [], f"say in redaction_kinds what {kind.__name__} has there"


def test_nothing_is_told_of_fields_that_are_no_more() -> None:
    known = {f"{kind.__name__}.{f.name}" for kind in RESULTS for f in fields(kind)}
    known |= {name.partition(".")[2] for name in known}
    assert told() - known == set()


@pytest.mark.parametrize("kind", RESULTS, ids=lambda kind: kind.__name__)
def test_no_canary_is_left(kind: type) -> None:
    redactor = Redactor(["zqtable", "zqorders-api"])
    redactor.sql(CANARY["sql"])
    left = [text for text in texts(redactor.redacted(made(kind))) if "zq" in text or "4711" in text or "10.1" in text]
    assert left == []


def test_an_unknown_field_is_withheld() -> None:
    assert Redactor()._text("SELECT zq", None) == "redacted"


def test_settings_keep_measures_and_words_and_lose_the_rest() -> None:
    redactor = Redactor()
    kept = ("on", "128 MB", "0.9", "replica", "pg_stat_statements, auto_explain", "-1", "16384 8kB", "ISO, MDY")
    lost = ("/srv/acme/wal", '"acme", public', "cp %p /backup/%f", "acme-primary")
    assert [redactor._setting(text) for text in kept] == list(kept)
    assert {redactor._setting(text) for text in lost} == {"redacted"}


def test_the_words_of_explain_stay_in_a_label() -> None:
    redactor = Redactor(["scan_log"])
    assert redactor.label("Bitmap Heap Scan on scan_log s") == "Bitmap Heap Scan on name1 name2"
    assert redactor.label("InitPlan 1 (returns $0)") == "InitPlan 1 (returns $0)"
