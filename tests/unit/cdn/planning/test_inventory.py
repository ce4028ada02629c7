"""What is known of a distribution's URLs: from lines, from plain paths, from access logs."""

from __future__ import annotations

import asyncio
import gzip
import random
from pathlib import Path

import pytest

from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.invalidating.choosing import Choosing, choose
from perfctl.cdn.planning import Inventory
from perfctl.cdn.planning.inventory_logs import is_logs
from perfctl.config import CDNConfig
from perfctl.errors import UsageError


def _read(folder: Path, content: bytes) -> Inventory:
    (folder / "urls").write_bytes(content)
    return Inventory.read(str(folder / "urls"))


def test_lines_are_read_in_any_order_and_what_stands_twice_adds_up(tmp_path: Path) -> None:
    known = _read(tmp_path, b'{"path":"/b","weight":2}\n{"weight":1.5,"path":"/a"}\n{"path":"/b"}\n\n')
    assert (known.keys, known.weight(0, 1), known.weight(1, 2), known.total) == (["/a", "/b"], 1.5, 3.0, 4.5)


def test_the_order_of_lines_is_not_that_of_their_paths(tmp_path: Path) -> None:
    keys = ["/a", "/a!", "/a/b", "/a0", '/a"', "/é", "/\U0001f600", "/a\x00b"]
    import json

    lines = [json.dumps({"path": key, "weight": place}) for place, key in enumerate(keys)]
    for seed in range(6):
        random.Random(seed).shuffle(lines)
        known = _read(tmp_path, "\n".join(lines).encode())
        assert known.keys == sorted(keys)
        assert [known.weight(place, place + 1) for place in map(known.keys.index, keys)] == list(range(len(keys)))


def test_tags_of_lines_are_kept_in_lower_case(tmp_path: Path) -> None:
    known = _read(
        tmp_path, b'{"path": "/a", "weight": 1, "tags": ["P-1", "all"]}\n{"path": "/b", "tags": ["all", "a b"]}'
    )
    assert known.tags == {"p-1": ("/a",), "all": ("/a", "/b")}


def test_plain_paths_weigh_one_each(tmp_path: Path) -> None:
    known = _read(tmp_path, b"\xef\xbb\xbf# of the site\r\n/b\r\n/a c \n\n/b\n")
    assert (known.keys, known.total) == (["/a c ", "/b"], 3.0)


def test_it_may_be_gzipped(tmp_path: Path) -> None:
    assert _read(tmp_path, gzip.compress(b'{"path": "/a", "weight": 7}')).total == 7.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"path": "/a"}\n{"path": 1}\n', "urls:2: Expected `str`"),
        (b'{"path": "/a"}\n{"path": "/b"\n', "urls:2: "),
        (b'{"path": "/a"}\n{"weight": 1}\n', "urls:2: Object missing required field `path`"),
        (b'{"path": "a"}\n', "'a' does not start with /"),
        (b'{"path": "/a", "weight": -1}\n', "the weight -1 of a URL"),
        (b'{"path": "/a", "weight": "x"}\n', "urls:1: "),
        (b'{"path": "/\xff"}\n', "urls:1: "),
        (b"nonsense\n", "'nonsense' does not start with /"),
        (b"\x1f\x8bnonsense", "cut short or no gzip file"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        _read(tmp_path, content)
    assert said in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Inventory.read(str(tmp_path / "nope"))


def test_sums_of_weights_are_exact() -> None:
    known = Inventory.of([(f"/{number}", 0.1) for number in range(1000)])
    first, last = known.under("/5")
    assert known.whole(first, last) == (last - first) * known.whole(0, 1)


def test_keys_are_written_as_an_invalidation_sends_them() -> None:
    known = Inventory.of([("/~a", 1), ("/%7Ea", 2), ("/b", 1)], tags={"x": ["/~a"]}).as_sent()
    assert (known.keys, known.total, known.tags) == (["/%7Ea", "/b"], 4.0, {"x": ("/%7Ea",)})


LOG = b"#Version: 1.0\n#Fields: date time cs-uri-stem cs-uri-query sc-status\n" + b"".join(
    b"2026-01-01\t00:00:0%d\t/%s\tv=%d\t200\n" % (number % 10, b"a" if number % 5 else b"b", number)
    for number in range(100)
)


@pytest.mark.parametrize("packed", [False, True])
def test_access_logs_make_an_inventory_of_what_viewers_asked_for(tmp_path: Path, packed: bool) -> None:
    pytest.importorskip("numpy")
    from perfctl.cdn.planning.inventory_logs import of_logs

    place = tmp_path / ("E1.2026-01-01-00.a.gz" if packed else "E1.log")
    place.write_bytes(gzip.compress(LOG) if packed else LOG)
    assert (is_logs(str(place)), is_logs(str(tmp_path)), is_logs("s3://logs/cdn/")) == (True, True, True)
    known = of_logs([str(place)])
    assert (known.keys, known.total) == (["/a", "/b"], 26.0)


def test_what_viewers_asked_for_is_known_as_they_asked_for_it(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    from perfctl.cdn.logs.asking import AccessLogs
    from perfctl.cdn.planning.inventory_logs import of_logs
    from perfctl.cdn.preloading.sources import popular

    stems = (b"/%25C3%25A9", b"/it%27s", b"/%7Ea", b"/img.jpg")
    lines = b"".join(b"2026-01-01\t00:00:00\t%s\t-\t200\n" % stem for stem in stems)
    (tmp_path / "E1.log").write_bytes(LOG.partition(b"2026")[0] + lines)
    how = Choosing(inventory=of_logs([str(tmp_path / "E1.log")]), only_cached=True)
    paths = ("/é", "/it's", "/~a", "/img.jpg?v=2", "/img.jpg?*", "/img*")
    assert choose(paths, [], how).skipped == 0
    assert choose(("/e", "/imgs/a?v=2"), [], how).skipped == 2
    logs = AccessLogs(CDNConfig(), CloudFrontOptimizer(CDNConfig()).services)
    assert set(asyncio.run(popular(logs, [str(tmp_path / "E1.log")], top=9))) == {
        "/%C3%A9",
        "/it's",
        "/%7Ea",
        "/img.jpg",
    }


def test_an_inventory_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text('{"path": "/a"}\n')
    assert not is_logs(str(tmp_path / "urls"))
    assert not is_logs("-")


def test_a_key_with_a_line_break_is_one_key_as_it_is_sent() -> None:
    known = Inventory.of([("/a\nb", 2), ("/a", 1)]).as_sent()
    assert (list(known.keys), known.total) == (["/a", "/a%0Ab"], 3.0)


@pytest.mark.parametrize("weight", [1e201, 10**400, float("inf"), float("nan")])
def test_a_weight_beyond_every_number_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="the weight"):
        Inventory.of([("/a", 0.5), ("/b", weight)])


def test_huge_and_tiny_weights_stand_beside_each_other() -> None:
    known = Inventory.of([("/a", 1e199), ("/b", 0.1), ("/c", 1e199)])
    assert known.weight(*known.under("/b")) == 0.1
    assert known.total == 2e199
