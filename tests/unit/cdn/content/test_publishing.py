"""A folder's variants: right, beside the files or elsewhere, made once, and never in place of anything else."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import random
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from perfctl.cdn.content.manifest import MANIFEST_NAME
from perfctl.cdn.content.optimizing import ContentRules
from perfctl.cdn.content.publishing import publish
from perfctl.cdn.model.content import OptimizeProblem, OptimizeReport
from perfctl.errors import MissingExtraError, UsageError
from tests.campaign import campaign

SCRIPT = b"export const symbol = 'AAPL'; // one of many\n" * 40
JSON = b'{"a": 1.0,\n  "b": [' + b"1, " * 200 + b"2]}"


def _published(source: Path, **asked: Any) -> OptimizeReport:
    return asyncio.run(publish(source, rules=asked.pop("rules", ContentRules()), **asked))


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A little of everything that a build puts out."""
    folder = tmp_path / "dist"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "app.3f2a9c41.js").write_bytes(SCRIPT)
    (folder / "index.html").write_bytes(b"<p>hello</p>\n" * 100)
    (folder / "data.json").write_bytes(JSON)
    (folder / "tiny.css").write_bytes(b"a{}")
    (folder / "noise.bin").write_bytes(random.Random(1).randbytes(2000))
    (folder / "noise.js").write_bytes(random.Random(2).randbytes(2000))
    Image.effect_noise((64, 64), 40).convert("RGB").save(folder / "photo.jpg", quality=98)
    return folder


def test_every_text_gets_the_variants_that_pay_and_they_decode_to_it(dist: Path) -> None:
    before = _tree(dist)
    report = _published(dist)
    after = _tree(dist)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        MANIFEST_NAME,
        *(f"{name}{suffix}" for name in ("js/app.3f2a9c41.js", "index.html", "data.json") for suffix in (".br", ".gz")),
    }
    for name in ("js/app.3f2a9c41.js", "index.html", "data.json"):
        assert brotli.decompress(after[f"{name}.br"]) == gzip.decompress(after[f"{name}.gz"]) == before[name]
        assert max(len(after[f"{name}.br"]), len(after[f"{name}.gz"])) < len(before[name])
    assert (report.files, report.written, report.up_to_date, report.problems) == (7, 6, 0, ())
    assert report.sent_bytes < report.size_bytes == sum(map(len, before.values()))


def test_the_manifest_has_the_headers_of_every_file_and_variant(dist: Path) -> None:
    _published(dist)
    files = json.loads((dist / MANIFEST_NAME).read_text())["files"]
    script = files["js/app.3f2a9c41.js"]
    assert set(files) == {name for name in _tree(dist) if not name.endswith((".br", ".gz", MANIFEST_NAME))}
    assert script["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Encoding" not in script["headers"]
    for variant in script["variants"]:
        body = (dist / variant["file"]).read_bytes()
        assert variant["headers"]["Content-Encoding"] == variant["form"]
        assert variant["headers"]["Content-Length"] == str(len(body)) == str(variant["size_bytes"])
    assert len({script["headers"]["ETag"], *(one["headers"]["ETag"] for one in script["variants"])}) == 3
    assert "s-maxage=60" in files["index.html"]["headers"]["Cache-Control"]


def test_a_second_run_makes_nothing_and_changes_nothing(dist: Path) -> None:
    first = _published(dist)
    times = {path: path.stat().st_mtime_ns for path in dist.rglob("*.br")}
    before = _tree(dist)
    second = _published(dist)
    assert (second.written, second.up_to_date) == (0, first.written)
    assert second.types == first.types
    assert _tree(dist) == before
    assert {path: path.stat().st_mtime_ns for path in dist.rglob("*.br")} == times


def test_a_changed_file_gets_new_variants_and_one_that_no_longer_pays_loses_them(dist: Path) -> None:
    _published(dist)
    (dist / "index.html").write_bytes(b"<p>goodbye</p>\n" * 90)
    (dist / "data.json").write_bytes(b"{}")
    report = _published(dist)
    assert (report.written, report.removed) == (2, 2)
    assert brotli.decompress((dist / "index.html.br").read_bytes()) == b"<p>goodbye</p>\n" * 90
    assert not (dist / "data.json.br").exists()
    assert not (dist / "data.json.gz").exists()


def test_the_variants_of_a_file_that_is_gone_go_too(dist: Path) -> None:
    _published(dist)
    (dist / "index.html").unlink()
    assert _published(dist).removed == 2
    assert not (dist / "index.html.br").exists()
    assert "index.html" not in json.loads((dist / MANIFEST_NAME).read_text())["files"]


def test_another_folder_takes_the_variants_and_the_first_stays_as_it_was(dist: Path, tmp_path: Path) -> None:
    before = _tree(dist)
    report = _published(dist, out=tmp_path / "up" / "load")
    assert _tree(dist) == before
    assert (report.written, report.written_to) == (6, str(tmp_path / "up" / "load"))
    assert set(_tree(tmp_path / "up" / "load")) == {
        MANIFEST_NAME,
        *(f"{name}{suffix}" for name in ("js/app.3f2a9c41.js", "index.html", "data.json") for suffix in (".br", ".gz")),
    }
    assert _published(dist, out=tmp_path / "up" / "load").written == 0


def test_a_folder_within_is_not_taken_for_content(dist: Path) -> None:
    _published(dist, out=dist / "js" / ".." / "variants")
    assert _published(dist, out=dist / "js" / ".." / "variants").files == 7


def test_a_dry_run_writes_nothing_and_says_the_same(dist: Path) -> None:
    before = _tree(dist)
    told = _published(dist, dry_run=True)
    assert _tree(dist) == before
    done = _published(dist)
    assert (told.written, told.sent_bytes, told.types) == (done.written, done.sent_bytes, done.types)
    assert told.manifest is None


def test_one_file_is_done_alone_and_the_rest_of_the_manifest_stays(dist: Path) -> None:
    _published(dist)
    (dist / "index.html").write_bytes(b"<p>new</p>\n" * 80)
    (dist / "data.json").unlink()
    report = _published(dist / "index.html")
    assert (report.files, report.written, report.removed) == (1, 2, 0)
    assert set(json.loads((dist / MANIFEST_NAME).read_text())["files"]) >= {"data.json", "index.html"}


def test_json_is_compacted_where_that_is_wanted(dist: Path) -> None:
    _published(dist)
    _published(dist, compact=True)
    assert brotli.decompress((dist / "data.json.br").read_bytes()) == JSON.replace(b" ", b"").replace(b"\n", b"")
    assert (dist / "data.json").read_bytes() == JSON
    assert _published(dist, compact=True).written == 0


def test_pictures_get_theirs_where_they_are_wanted_and_keep_them(dist: Path) -> None:
    report = _published(dist, images=True)
    made = {name for name in _tree(dist) if name.startswith("photo.jpg.")}
    assert made == {"photo.jpg.webp", "photo.jpg.avif"}
    assert Image.open(io.BytesIO((dist / "photo.jpg.avif").read_bytes())).format == "AVIF"
    assert report.images_saved_ratio is not None
    again = _published(dist)
    assert (again.written, again.removed) == (0, 0)
    assert made <= set(_tree(dist))


def test_a_file_that_perfctl_did_not_write_is_kept_and_told(dist: Path) -> None:
    (dist / "data.json.gz").write_bytes(b"mine")
    report = _published(dist)
    assert report.problems == (OptimizeProblem("data.json.gz", "is there, and was not made from data.json: kept"),)
    assert (dist / "data.json.gz").read_bytes() == b"mine"
    assert (dist / "data.json.br").exists()
    again = _published(dist)
    assert (again.written, again.up_to_date, again.problems) == (0, report.written, report.problems)
    assert _published(dist, force=True).problems == ()
    assert gzip.decompress((dist / "data.json.gz").read_bytes()) == JSON


def test_what_a_bundler_compressed_is_taken_as_it_is(dist: Path) -> None:
    body = gzip.compress(SCRIPT, 6)
    (dist / "js" / "app.3f2a9c41.js.gz").write_bytes(body)
    report = _published(dist)
    assert (report.written, report.up_to_date, report.problems) == (5, 1, ())
    assert (dist / "js" / "app.3f2a9c41.js.gz").read_bytes() == body


def test_links_pipes_and_what_cannot_be_read_are_told_and_not_followed(dist: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_bytes(SCRIPT)
    (dist / "away.js").symlink_to(tmp_path / "secret.js")
    (dist / "round").symlink_to(dist)
    (dist / "within.js").symlink_to("js/app.3f2a9c41.js")
    os.mkfifo(dist / "pipe.js")
    report = _published(dist)
    assert report.problems == (
        OptimizeProblem("away.js", "a link out of the folder, not followed"),
        OptimizeProblem("pipe.js", "neither a file nor a folder"),
    )
    assert not (tmp_path / "secret.js.br").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights_is_told(dist: Path) -> None:
    (dist / "index.html").chmod(0)
    assert _published(dist).problems == (OptimizeProblem("index.html", "Permission denied"),)


def test_a_link_in_a_variant_s_place_is_not_written_through(dist: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"precious")
    (dist / "index.html.br").symlink_to(tmp_path / "elsewhere")
    report = _published(dist)
    assert "index.html.br" in {problem.path for problem in report.problems}
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_a_manifest_cannot_have_a_file_elsewhere_removed(dist: Path, tmp_path: Path) -> None:
    _published(dist)
    document = json.loads((dist / MANIFEST_NAME).read_text())
    victim = tmp_path / "victim.html.br"
    victim.write_bytes((dist / "index.html.br").read_bytes())
    entry = json.dumps(document["files"]["index.html"])
    for name in ("../victim.html", str(tmp_path / "victim.html"), "n" * 5000):
        document["files"][name] = json.loads(entry.replace("index.html", name))
    (dist / MANIFEST_NAME).write_text(json.dumps(document))
    assert _published(dist).removed == 0
    assert victim.exists()


NO_MANIFESTS = (
    "",
    "{}",
    "[]",
    "null",
    '{"schema": "other", "files": {}}',
    '{"schema": "perfctl.content-manifest/1", "files": {"a": 1}}',
    "[" * 9999,
)


@pytest.mark.parametrize("text", NO_MANIFESTS)
def test_a_manifest_that_is_something_else_is_refused(dist: Path, text: str) -> None:
    (dist / MANIFEST_NAME).write_text(text)
    with pytest.raises(UsageError, match="no manifest"):
        _published(dist)


FALSE_ENTRIES: dict[str, tuple[str, str]] = {
    "a variant elsewhere": ('"file": "a.js.br"', '"file": "../../etc/shadow"'),
    "a variant of another type": ('"form": "br",', '"form": "webp",'),
    "a type with a line break": ('"content_type": "text/javascript"', '"content_type": "a\\r\\nSet-Cookie: x"'),
    "a size in words": ('"size_bytes": 1800', '"size_bytes": "much"'),
    "no size": ('"size_bytes": 1800', '"size_bytes": null'),
    "a sum that is a list": ('"sha256": "', '"sha256": [], "x": "'),
    "a name with a zero byte": ('"a.js": {', '"a\\u0000b": {'),
    "a name without bytes": ('"a.js": {', '"\\ud800": {'),
}


@pytest.mark.parametrize("name", FALSE_ENTRIES)
def test_a_manifest_whose_entries_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.js").write_bytes(SCRIPT)
    _published(tmp_path)
    text = (tmp_path / MANIFEST_NAME).read_text()
    true, false = FALSE_ENTRIES[name]
    assert true in text
    (tmp_path / MANIFEST_NAME).write_text(text.replace(true, false, 1))
    with pytest.raises(UsageError, match="no manifest"):
        _published(tmp_path)


@pytest.mark.parametrize(
    ("true", "false"), [('"size_bytes": 1800', '"size_bytes": 5'), ("text/javascript", "application/javascript")]
)
def test_what_a_manifest_says_of_a_file_is_seen_to_be_so(tmp_path: Path, true: str, false: str) -> None:
    (tmp_path / "a.js").write_bytes(SCRIPT)
    first = _published(tmp_path)
    text = (tmp_path / MANIFEST_NAME).read_text()
    assert true in text
    (tmp_path / MANIFEST_NAME).write_text(text.replace(true, false))
    second = _published(tmp_path)
    assert (second.size_bytes, second.sent_bytes) == (first.size_bytes, first.sent_bytes)
    assert (tmp_path / MANIFEST_NAME).read_text() == text


def test_variants_are_as_readable_and_as_old_as_their_source(dist: Path) -> None:
    (dist / "index.html").chmod(0o640)
    os.utime(dist / "index.html", (1_700_000_000, 1_700_000_000))
    _published(dist)
    made = (dist / "index.html.br").stat()
    assert (made.st_mode & 0o777, made.st_mtime) == (0o640, 1_700_000_000)


def test_nothing_half_written_is_left_and_a_cancelled_run_goes_on_where_it_was(dist: Path) -> None:
    async def cancelled() -> None:
        def stop(done: int) -> None:
            if done == 2:
                task.cancel()

        task = asyncio.create_task(publish(dist, rules=ContentRules(), jobs=1, told=stop))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not [name for name in _tree(dist) if ".perfctl-" in name]
    known = json.loads((dist / MANIFEST_NAME).read_text())["files"]
    assert 0 < len(known) < 7
    report = _published(dist)
    assert (report.written + report.up_to_date, report.problems) == (6, ())


def test_the_files_of_one_job_and_of_many_are_the_same(dist: Path, tmp_path: Path) -> None:
    _published(dist, out=tmp_path / "one", jobs=1)
    _published(dist, out=tmp_path / "many", jobs=7)
    assert _tree(tmp_path / "one") == _tree(tmp_path / "many")


@pytest.mark.parametrize("missing", ["no", "pipe"])
def test_what_is_no_folder_and_no_file_is_refused(tmp_path: Path, missing: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError):
        _published(tmp_path / missing)


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(dist: Path) -> None:
    with pytest.raises(UsageError):
        _published(dist, out=dist / "index.html")


def test_without_pillow_pictures_are_refused_at_once(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="images"):
        _published(dist, images=True)


NAMES = st.text(alphabet=st.sampled_from("ab.é \n\t*?%~$'\"\\"), min_size=1, max_size=8)


@campaign(15, 500)
@given(st.dictionaries(NAMES.map(lambda name: name + ".js"), st.binary(max_size=200), max_size=5))
def test_odd_names_are_as_good_as_others(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("odd")
    for name, content in files.items():
        (folder / name).write_bytes(content * 20)
    report = _published(folder)
    assert (report.files, report.problems) == (len(files), ())
    for path in folder.iterdir():
        if path.suffix == ".br":
            assert brotli.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
    assert _published(folder).written == 0
