"""Reading access logs: every form gives the same requests, and what is none is counted."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from perfctl.cdn.logs import lines
from perfctl.cdn.logs.columns import Block, read
from perfctl.cdn.logs.fields import STANDARD
from perfctl.cdn.logs.locations import LogSource, files_of
from perfctl.errors import UsageError

ROWS = (
    {"date": "2026-05-01", "time": "12:00:00", "sc-bytes": "812", "cs-uri-stem": "/a", "time-taken": "0.250"},
    {"date": "2026-05-01", "time": "23:59:59", "sc-bytes": "-", "cs-uri-stem": "/b", "time-taken": "-"},
    {"date": "2026-05-02", "time": "00:00:00", "sc-bytes": "7", "cs-uri-stem": "/a", "time-taken": "1.5"},
)
NAMES = ("date", "time", "sc-bytes", "cs-uri-stem", "time-taken")


def test_tabs_blanks_and_json_tell_the_same() -> None:
    tabs, blanks = _separated(NAMES, ROWS, "\t"), _separated(NAMES[::-1], ROWS, " ")
    objects = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    underscored = objects.replace(b"sc-bytes", b"sc_bytes").replace(b"cs-uri-stem", b"cs_uri_stem")
    told = [_told(_blocks(text)) for text in (tabs, blanks, objects, underscored)]
    expected = [(b"/a", 812, 0.25, 1777636800), (b"/b", -1, None, 1777679999), (b"/a", 7, 1.5, 1777680000)]
    assert told == [expected] * 4


@pytest.mark.parametrize(
    "odd",
    [
        '{"c-ip": "3"}',
        '{"b": "3", "c-ip": "4"}',
        '{"c-ip": "\\u0041", "b": "é"}',
        '{"c-ip": 3, "b": "4"}',
        '{"c-ip":"3","b":"4"}',
        '{"c-ip"; "3", "b": "4"}',
        '{"c-ip": "3", "b": "4"} ',
        '{"c-ip": "3\t", "b": "4"}',
        "x" * 8 + '""""""""',
    ],
)
def test_a_line_that_is_written_otherwise_is_read_as_json_all_the_same(odd: str) -> None:
    lines = ['{"c-ip": "1", "b": "2"}', odd, '{"c-ip": "5", "b": "6"}']
    blocks = _blocks("\n".join(lines).encode())
    told = [
        (a, b) for block in blocks for a, b in zip(block.text("c-ip").values(), block.text("b").values(), strict=True)
    ]
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    assert told == [(str(row.get("c-ip", "-")).encode(), str(row.get("b", "-")).encode()) for row in rows]
    assert sum(block.malformed for block in blocks) == len(lines) - len(rows)


def test_numbers_of_json_are_numbers() -> None:
    (block,) = _blocks(b'{"sc-bytes": 812, "time-taken": 0.25, "cs(Host)": null}\n{"sc-bytes": "7"}\n')
    assert block.int("sc-bytes").tolist() == [812, 7]
    assert block.float("time-taken").tolist()[0] == 0.25
    assert block.text("cs_host").values() == [b"-", b"-"]


def test_fields_may_change_within_a_file() -> None:
    text = _separated(("date", "cs-uri-stem"), ROWS, "\t") + _separated(("cs-uri-stem", "sc-bytes", "date"), ROWS, "\t")
    blocks = _blocks(text)
    assert [block.text("cs-uri-stem").values() for block in blocks] == [[b"/a", b"/b", b"/a"]] * 2
    assert [block.int("sc-bytes").tolist() for block in blocks] == [[-1, -1, -1], [812, -1, 7]]


def test_returns_before_newlines_and_a_missing_last_newline_change_nothing() -> None:
    text = _separated(NAMES, ROWS, "\t")
    assert _told(_blocks(text.replace(b"\n", b"\r\n")[:-2])) == _told(_blocks(text))


def test_a_log_without_its_header_is_known_by_its_first_line() -> None:
    row = dict.fromkeys(STANDARD, "-") | ROWS[0]
    (block,) = _blocks(("\t".join(row.values()) + "\n").encode())
    assert _told([block]) == [(b"/a", 812, 0.25, 1777636800)]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"#Version: 1.0\n", b"#Fields: a b\n#Fields: c\n"])
def test_a_log_without_a_request_is_empty(text: bytes) -> None:
    assert [(block.size, block.malformed) for block in _blocks(text)] in ([], [(0, 0)])


def test_what_is_no_request_is_counted() -> None:
    text = b"no header yet\n#Fields: a b\n1\t2\n1\n1\t2\t3\n#note\n\n3\t4\n"
    blocks = _blocks(text)
    assert [block.text("a").values() for block in blocks] == [[b"1", b"3"]]
    assert sum(block.malformed for block in blocks) == 3
    blocks = _blocks(b'{"c-ip": "1"}\nnot json\n[]\n{"c-ip": "2"\n{"c-ip": "3"}\n{"url": "4"}\n')
    assert [block.text("c-ip").values() for block in blocks] == [[b"1", b"3"]]
    assert sum(block.malformed for block in blocks) == 4


@pytest.mark.parametrize("text", ['{"url": "/a", "time": "1"}\n' * 5, '{"url": 3}\n', "just words\n"])
def test_a_named_file_that_is_no_access_log_is_refused_and_one_in_a_folder_counted(tmp_path: Path, text: str) -> None:
    (tmp_path / "urls.jsonl").write_text(text)
    with pytest.raises(UsageError, match=r"urls\.jsonl: no access log: no field of one was found"):
        list(read(next(files_of([str(tmp_path / "urls.jsonl")]))))
    blocks = list(read(next(files_of([str(tmp_path)]))))
    assert [(block.size, block.malformed) for block in blocks] == [(0, text.count("\n"))]


def test_a_line_longer_than_a_chunk_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = b"x" * (lines.CHUNK_BYTES + lines.MAX_LINE_BYTES + 17)
    text = b"#Fields: a b\n1\t2\n" + huge + b"\t2\n3\t" + huge[: lines.MAX_LINE_BYTES] + b"\n5\t6\n"
    blocks = _blocks(text)
    assert [value for block in blocks for value in block.text("a").values()] == [b"1", b"5"]
    assert sum(block.malformed for block in blocks) == 2


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_gives_what_it_holds(share: float) -> None:
    text = _separated(NAMES, ROWS * 20_000, "\t")
    packed = gzip.compress(text)
    blocks = _blocks(packed[: int(len(packed) * share)])
    whole = _told(_blocks(text))
    told = _told(blocks)
    assert blocks[-1].is_truncated
    assert told == whole[: len(told)]
    assert len(told) > share * len(whole) * 0.8
    assert sum(block.malformed for block in blocks) <= 1


def test_members_and_zeros_behind_each_other_are_one_file() -> None:
    text = _separated(NAMES, ROWS, "\t")
    packed = gzip.compress(text) + gzip.compress(text) + bytes(512)
    assert _told(_blocks(packed)) == _told(_blocks(text)) * 2


def test_garbage_behind_a_member_is_damage() -> None:
    blocks = _blocks(gzip.compress(_separated(NAMES, ROWS, "\t")) + b"garbage")
    assert len(_told(blocks)) == 3
    assert blocks[-1].is_truncated


def test_parquet_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="Parquet"):
        _blocks(b"PAR1....")


def test_numbers_are_read_as_python_reads_them() -> None:
    texts = ["0", "12", "-3", "1.5", "1.", ".5", ".", "", "-", "1e3", "0012", "9" * 18, "9" * 19, "1.2.3", "٣", "0.001"]
    (block,) = _blocks(b"#Fields: a b\n" + b"".join(f"{text}\tx\n".encode() for text in texts))
    whole = {"0": 0, "12": 12, "0012": 12, "9" * 18: 10**18 - 1}
    assert block.int("a").tolist() == [whole.get(text, -1) for text in texts]
    others = {"1.5": 1.5, "1.": 1.0, ".5": 0.5, "0.001": 0.001}
    floats = [None if value != value else value for value in block.float("a").tolist()]
    exact = [others.get(text, whole.get(text)) for text in texts]
    assert floats == [None if number is None else float(number) for number in exact]


def test_equal_values_alone_share_a_code() -> None:
    values = [b"a", b"a\0", b"", b"12345678", b"123456789", b"1234567", b"\0", b"a", b"x" * 99, b"x" * 99, b"x" * 98]
    (block,) = _blocks(b"#Fields: a b\n" + b"".join(value + b"\tx\n" for value in values))
    codes, labels = block.codes("a")
    assert [labels[code] for code in codes.tolist()] == values
    assert len(labels) == len(set(values))


def test_times_that_are_none_are_minus_one() -> None:
    times = [
        ("2026-05-01", "24:00:00"),
        ("2026-05-32", "00:00:00"),
        ("2026-05-01", "1:00:000"),
        ("1970-01-01", "00:00:09"),
    ]
    text = b"#Fields: date time\n" + b"".join(f"{day}\t{clock}\n".encode() for day, clock in times)
    assert _blocks(text)[0].seconds().tolist() == [-1, -1, -1, 9]


def test_a_timestamp_stands_for_date_and_time() -> None:
    assert _blocks(b'{"timestamp": "1777636800.25", "sc-status": "200"}\n')[0].seconds().tolist() == [1777636800]
    assert _blocks(b'{"timestamp(ms)": 1777636800250}\n')[0].seconds().tolist() == [1777636800]


def test_files_folders_and_patterns_are_found_once(tmp_path: Path) -> None:
    names = ["a/E1.2026-05-01-12.x.gz", "a/b/E1.2026-05-02-12.x.gz", "c.log"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a/.hidden").write_bytes(b"")
    found = files_of([str(tmp_path / "a"), str(tmp_path / "*" / "E1*"), str(tmp_path / "c.log")])
    assert [source.name.removeprefix(f"{tmp_path}/") for source in found] == names


@pytest.mark.parametrize("place", ["absent.log", "", "*.absent"])
def test_a_place_without_a_file_is_a_usage_error(place: str) -> None:
    with pytest.raises(UsageError):
        files_of([place])


def _separated(names: Sequence[str], rows: Sequence[dict[str, str]], sign: str) -> bytes:
    body = "".join(sign.join(row[name] for name in names) + "\n" for row in rows)
    return f"#Version: 1.0\n#Fields: {' '.join(names)}\n{body}".encode()


def _blocks(text: bytes) -> list[Block]:
    return list(read(LogSource("a.log", len(text), lambda: nullcontext(io.BytesIO(text)))))


def _told(blocks: Sequence[Block]) -> list[tuple[bytes, int, float | None, int]]:
    return [
        (stem, size, None if took != took else took, second)
        for block in blocks
        for stem, size, took, second in zip(
            block.text("cs-uri-stem").values(),
            block.int("sc-bytes").tolist(),
            block.float("time-taken").tolist(),
            block.seconds().tolist(),
            strict=True,
        )
    ]
