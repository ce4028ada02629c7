"""Traces are read from every form; what is no request is told by its line, and nothing is read without a limit."""

from __future__ import annotations

import gzip
import io
import struct
import sys
from pathlib import Path

import pytest
import zstandard

from perfctl.cache.simulate import expand, trace
from perfctl.cache.simulate.trace import Trace, read_trace
from perfctl.errors import UsageError


def written(folder: Path, name: str, content: bytes) -> str:
    """The name of a file with this content."""
    (folder / name).write_bytes(content)
    return str(folder / name)


def ids(*keys: int) -> bytes:
    """Key ids as they stand in a trace."""
    return struct.pack(f"<{len(keys)}I", *keys)


def summary(read: Trace) -> tuple[list[int], int, int]:
    """Its keys by number, how many are unique, how many requests it had."""
    return list(read.keys), read.unique, read.offered


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("t.u32", bytes),
        ("t.U32.ZST", zstandard.compress),
        ("t.u32.gz", gzip.compress),
        ("t.zst", zstandard.compress),
        ("t.bin", bytes),
        ("t.bin", zstandard.compress),
        ("t.bin", gzip.compress),
        ("t", lambda content: zstandard.compress(content[:8]) + zstandard.compress(content[8:])),
        ("t", lambda content: gzip.compress(content[:8]) + gzip.compress(content[8:])),
    ],
)
def test_key_ids_are_numbered_by_first_appearance(tmp_path: Path, name: str, pack: object) -> None:
    content = pack(ids(7, 9, 7, 4_000_000_000, 9))  # type: ignore[operator]
    assert summary(read_trace(written(tmp_path, name, content))) == ([0, 1, 0, 2, 1], 3, 5)


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.txt", "t"])
def test_a_line_is_a_request_or_a_bare_key(tmp_path: Path, name: str) -> None:
    lines = b'\xef\xbb\xbf{"key": "a", "ts": 1.5}\n"b"\n\n"a"\r\n7\n7.0\n"7"\n{"key": 7.5}'
    assert summary(read_trace(written(tmp_path, name, lines))) == ([0, 1, 0, 2, 2, 3, 4], 5, 7)


def test_long_keys_are_told_apart_too(tmp_path: Path) -> None:
    a, b, surrogate = (f'"{text}"' for text in ("a" * 5000, "a" * 5001, "\\ud800" * 200))
    lines = "\n".join((a, b, a, surrogate, surrogate, "1e400", "-1e400", "1e400"))
    assert summary(read_trace(written(tmp_path, "t.jsonl", lines.encode()))) == ([0, 1, 0, 2, 2, 3, 4, 3], 5, 8)


def test_stdin_is_recognised_by_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (ids(1, 2, 1), b'"a"\n"b"\n"a"\n', zstandard.compress(b'"a"\n"b"\n"a"')):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert summary(read_trace("-")) == ([0, 1, 0], 2, 3)


def test_sizes_stand_with_their_requests(tmp_path: Path) -> None:
    lines = b'{"key": "a", "size": 10}\n{"key": "b", "size": 20}\n{"key": "a", "size": 11}\n'
    assert list(read_trace(written(tmp_path, "t.jsonl", lines)).sizes or ()) == [10, 20, 11]


def test_a_request_without_a_size_is_named(tmp_path: Path) -> None:
    read = read_trace(written(tmp_path, "t.jsonl", b'{"key": "a", "size": 10}\n{"key": "b"}\n'))
    assert (read.sizes, read.sizes_reason) == (None, "line 2 says no size")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON: Expecting property name enclosed in double quotes"),
        (b"\xff\xfe\xff\xfe\xff", "not UTF-8"),
        (b"[" * 100_000, "nests too deep"),
        (b"9" * 10_000, "not JSON: Exceeds the limit (4300 digits)"),
        (b"null", "a key is text or a number, not null"),
        (b"true", "a key is text or a number, not true"),
        (b"NaN", "a key is text or a number, not NaN"),
        (b'{"id": 1}', '"key" is missing'),
        (b'{"key": ["a", "' + b"b" * 50 + b'"]}', 'a key is text or a number, not ["a", "bbbbbbbbbb'),
        (b'{"key": "a", "size": 0}', '"size" is no number of bytes above 0: 0'),
        (b'{"key": "a", "size": "1"}', '"size" is no number of bytes above 0: "1"'),
        (b'{"key": "a", "size": true}', '"size" is no number of bytes above 0: true'),
    ],
)
def test_a_bad_line_is_told_and_passed_over(tmp_path: Path, line: bytes, reason: str) -> None:
    name = written(tmp_path, "t.jsonl", b'"a"\n' + line + b'\n"b"\n')
    read = read_trace(name)
    assert (summary(read), read.bad_lines) == (([0, 1], 2, 2), 1)
    assert read.bad_samples[0].startswith(f"{name}:2: {reason}")


def test_bytes_after_the_last_key_id_are_told(tmp_path: Path) -> None:
    name = written(tmp_path, "t.u32", ids(1, 2) + b"xy")
    read = read_trace(name)
    assert (summary(read)[2], read.bad_samples) == (2, (f"{name}:the end: 2 bytes are no key id of 4 bytes",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.u32", b"", "no requests: it is empty"),
        ("t.jsonl", b"\n\n", "no requests: it is empty"),
        ("t.jsonl", b"{\n[]\n", "no requests: none of its 2 lines is one"),
        ("t.u32", b"abc", "no requests: none of its 1 lines is one"),
        ("t.u32.zst", ids(1, 2), "it is no zstd"),
        ("t.u32.gz", ids(1, 2), "it is no gzip"),
        ("t.u32.zst", zstandard.compress(ids(*range(9999)))[:-100], "it is cut off: its last frame has no end"),
        ("t.u32.gz", gzip.compress(ids(*range(9999)))[:-9], "it is cut off: its last frame has no end"),
        ("t.u32.zst", zstandard.compress(ids(1)) + b"tail", "it is no zstd"),
    ],
)
def test_an_unusable_trace_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_trace(written(tmp_path, name, content))


@pytest.mark.parametrize("name", ["absent.u32", "", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="cannot read") as error:
        read_trace(name)
    assert error.value.hint == "name a .u32, .u32.zst or .jsonl file, or - for stdin"


@pytest.mark.parametrize("pack", [zstandard.compress, gzip.compress])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object) -> None:
    monkeypatch.setattr(trace, "MAX_REQUESTS", 1000)
    bomb = pack(bytes(64 * 1024 * 1024))  # type: ignore[operator]
    with pytest.raises(UsageError, match="more than 1 000 requests"):
        read_trace(written(tmp_path, "t.bin", bomb))


def test_lines_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_REQUESTS", 1000)
    with pytest.raises(UsageError, match="more than 1 000 requests"):
        read_trace(written(tmp_path, "t.jsonl.zst", zstandard.compress(b"\n" * 100_000)))


def test_pieces_of_a_bomb_are_small() -> None:
    bomb = zstandard.compress(bytes(256 * 1024 * 1024))
    largest = max(len(piece) for piece in expand.expanded(iter([bomb]), "zstd", "t"))
    assert largest <= 128 * 1024 * expand._FED_BYTES // 4


def test_a_trace_that_expands_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand, "_MAX_CONTENT_BYTES", 1000)
    with pytest.raises(UsageError, match=r"t: it holds more than 1\.00 kB"):
        list(expand.expanded(iter([zstandard.compress(b"\n" * 5000)]), "zstd", "t"))


def test_too_many_keys_are_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_KEYS", 10)
    with pytest.raises(UsageError, match="10 keys") as error:
        read_trace(written(tmp_path, "t.u32", ids(*range(11))))
    assert error.value.hint == "--sample 0.01 replays every hundredth key"


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_MAX_LINE_BYTES", 100)
    with pytest.raises(UsageError, match="a line is over 100 B"):
        read_trace(written(tmp_path, "t.jsonl", b"x" * 200))


def test_a_sample_keeps_some_keys_with_all_their_requests(tmp_path: Path) -> None:
    read = read_trace(written(tmp_path, "t.u32", ids(*range(10_000), *range(10_000))), ratio=0.1)
    assert (read.offered, len(read.keys)) == (20_000, 2 * read.unique)
    assert 900 < read.unique < 1100
    assert read.unique_keys == read.unique * 10


def test_a_sample_without_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none of its keys is in the sample"):
        read_trace(written(tmp_path, "t.u32", ids(1, 2, 3)), ratio=1e-9)
