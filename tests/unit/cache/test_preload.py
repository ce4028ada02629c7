"""Entries to preload: every line is read, a bad one is named by file and line."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from perfctl.cache.preloading.preload import BadEntry, Entry, lines_of, read_file, read_lines
from perfctl.errors import UsageError


def lines(*texts: str | bytes) -> list[Entry | BadEntry]:
    """What is read of these lines."""
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return list(read_lines(raw, "f"))


def test_a_line_is_an_entry() -> None:
    assert lines('{"key": "a", "value": [1], "ttl": 5}', "", '{"value": null, "key": "b", "namespace": "n"}\r\n') == [
        Entry("f:1", "a", [1], 5.0, None),
        Entry("f:3", "b", None, None, "n"),
    ]


def test_a_line_without_an_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfctl.cache.preloading.preload._MAX_LINE_BYTES", 100)
    stream = BytesIO(b'{"key": "a", "value": 1}\n' + b"x" * 10_000 + b'\n{"key": "b", "value": 1}\n')
    good, bad = read_lines(lines_of(stream), "f")
    assert isinstance(good, Entry)
    assert bad == BadEntry("f:2", "the line is over 100 bytes, and nothing after it was read")
    assert stream.tell() < 200


def test_a_byte_order_mark_is_passed_over() -> None:
    assert lines(b'\xef\xbb\xbf{"key": "a", "value": 1}') == [Entry("f:1", "a", 1)]


def test_a_life_may_be_written_as_people_write_it() -> None:
    assert lines('{"key": "a", "value": 1, "ttl": "10m"}') == [Entry("f:1", "a", 1, 600.0)]


@pytest.mark.parametrize(
    ("line", "where", "reason"),
    [
        ("{", "f:1:2", "not JSON"),
        (b"\xff", "f:1", "not UTF-8"),
        ("[1]", "f:1", "found a list"),
        ("null", "f:1", "found nothing"),
        ('{"value": 1}', "f:1", '"key" is missing'),
        ('{"key": 1, "value": 1}', "f:1", '"key" is not text: 1'),
        ('{"key": "", "value": 1}', "f:1", '"key" is not text'),
        ('{"key": "a"}', "f:1", '"value" is missing'),
        ('{"key": "a", "value": 1, "tll": 1}', "f:1", "did you mean 'ttl'?"),
        ('{"key": "a", "value": 1, "ttl": 0}', "f:1", "not a number of seconds above 0"),
        ('{"key": "a", "value": 1, "ttl": true}', "f:1", "not a number of seconds above 0"),
        ('{"key": "a", "value": 1, "ttl": "soon"}', "f:1", "'soon' is not a duration"),
        ('{"key": "a", "value": 1, "namespace": ""}', "f:1", '"namespace" is not text'),
        ('{"key": "a", "value": NaN}', "f:1", "NaN is not a JSON value"),
        ("[" * 100_000, "f:1", "nests too deep"),
    ],
)
def test_a_bad_line_is_named(line: str | bytes, where: str, reason: str) -> None:
    (bad,) = lines(line)
    assert isinstance(bad, BadEntry)
    assert bad.where == where
    assert reason in bad.reason


def test_a_plan_has_entries_and_files_and_what_they_leave_out(tmp_path: Path) -> None:
    (tmp_path / "quotes.jsonl").write_text('{"key": "q", "value": 1}\n{"key": "r", "value": 2, "ttl": 7}\n')
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "namespace: api\nttl: 10m\nentries:\n  - key: a\n    value: {x: 1}\n  - {key: b, value: 2, ttl: 1h,"
        " namespace: other}\n  - nonsense\nfiles: [quotes.jsonl]\n"
    )
    assert list(read_file(plan)) == [
        Entry(f"{plan}:4", "a", {"x": 1}, 600.0, "api"),
        Entry(f"{plan}:6", "b", 2, 3600.0, "other"),
        BadEntry(f"{plan}:7", 'expected {"key": ..., "value": ...}, found text'),
        Entry(f"{tmp_path}/quotes.jsonl:1", "q", 1, 600.0, "api"),
        Entry(f"{tmp_path}/quotes.jsonl:2", "r", 2, 7.0, "api"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- a\n", "a plan is a mapping"),
        ("entries: 5\n", "entries is not a list"),
        ("entris: []\n", "did you mean 'entries'?"),
        ("a: [\n", "not YAML"),
        ("ttl: -1\n", "not a number of seconds"),
        ("namespace: 5\n", "namespace: 5 is not text"),
        ("entries:\n  - &a {key: a, value: 1}\n  - *a\n", "aliases"),
        ("entries: !!python/object/apply:os.system [ls]\n", "not YAML"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    plan = tmp_path / "plan.yml"
    plan.write_text(text)
    with pytest.raises(UsageError) as refusal:
        list(read_file(plan))
    assert complaint in refusal.value.message
    assert str(plan) in refusal.value.message


@pytest.mark.parametrize("name", ["absent.jsonl", "absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        list(read_file(tmp_path / name))
