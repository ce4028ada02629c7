"""The SQL files: one a question and server version, each marked as ours."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import perfctl.db
from perfctl.db.questions import MARK, in_schema, is_ours, question
from perfctl.db.sqltext import is_read, statements, tokens

FILES = sorted(entry.name for entry in files("perfctl.db").joinpath("sql").iterdir())

CODE = "".join(path.read_text() for path in Path(perfctl.db.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_every_file_belongs_to_a_question_that_is_asked(name: str) -> None:
    asked = re.sub(r"(_\d+)?\.sql$", "", name)
    assert re.search(rf"[\"'/]{asked}[\"'.]", CODE), f"nothing in perfctl/db asks {asked!r}"


def first_word(text: str) -> str:
    return next(token.text for token in tokens(text) if token.kind == "word")


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_one_reading_statement_that_is_marked_as_ours(name: str) -> None:
    text = files("perfctl.db").joinpath("sql", name).read_text()
    assert is_read(text)
    assert len(statements(text)) == 1
    assert MARK in text.partition(first_word(text))[2], "pg_stat_statements cuts off what stands before the first word"


@pytest.mark.parametrize(("version", "column"), [(13, "blk_read_time"), (16, "blk_read_time"), (18, "local_blk_read")])
def test_a_server_is_asked_in_the_words_of_its_version(version: int, column: str) -> None:
    assert column in question("statements", version=version)


def test_a_server_that_is_too_old_has_no_words() -> None:
    with pytest.raises(KeyError):
        question("statements", version=12)


def test_a_question_about_an_extension_is_known_as_ours_and_another_text_with_its_mark_is_not() -> None:
    text = in_schema(question("statements", version=17), "public")
    assert is_ours(text)
    assert "public.pg_stat_statements(" in text
    assert not is_ours(f"{text}; DELETE FROM orders")
    assert not is_ours(f"SELECT {MARK} writer(1)")
