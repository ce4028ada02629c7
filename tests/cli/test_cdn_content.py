"""`perfctl cdn optimize` and `cdn preload` as a user runs them: what they print, and with which code they leave."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from tests.cdn_edge import LocalEdge, local_edge
from tests.conftest import Perfctl

SCRIPT = b"export const symbol = 'AAPL'; // one of many\n" * 40


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEdge]:
    with local_edge(tmp_path_factory.mktemp("edge")) as made:
        yield made


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "app.js").write_bytes(SCRIPT)
    (folder / "logo.bin").write_bytes(b"\0" * 64)
    return folder


def test_optimize_needs_no_server_and_no_configuration(perfctl: Perfctl, dist: Path) -> None:
    result = perfctl("cdn", "optimize", str(dist))
    assert (result.returncode, result.stderr) == (0, "")
    assert f"2 variants to {dist}" in result.stdout
    assert brotli.decompress((dist / "app.js.br").read_bytes()) == SCRIPT
    assert gzip.decompress((dist / "app.js.gz").read_bytes()) == SCRIPT
    again = perfctl("cdn", "optimize", str(dist), "-o", "json")
    assert {name: json.loads(again.stdout)["data"][name] for name in ("written", "up_to_date", "files")} == {
        "written": 0,
        "up_to_date": 2,
        "files": 2,
    }


def test_optimize_leaves_with_6_when_a_file_was_left_out(perfctl: Perfctl, dist: Path) -> None:
    (dist / "away.js").symlink_to("/etc/hostname")
    result = perfctl("cdn", "optimize", str(dist), "--out", str(dist.parent / "out"), "-o", "json")
    assert result.returncode == 6
    assert json.loads(result.stdout)["data"]["problems"] == [
        {"path": "away.js", "why": "a link out of the folder, not followed"}
    ]
    assert (dist.parent / "out" / "app.js.br").exists()
    assert not (dist / "app.js.br").exists()


def test_optimize_says_what_to_name(perfctl: Perfctl, dist: Path) -> None:
    result = perfctl("cdn", "optimize", str(dist / "missing"))
    assert (result.returncode, result.stdout) == (2, "")
    assert "no such file or folder" in result.stderr


def test_a_context_s_settings_decide_what_is_made(perfctl: Perfctl, dist: Path) -> None:
    variables = {"PERFCTL_CDN__BROTLI_ENABLED": "false", "PERFCTL_CDN__CACHE_TTL": "600"}
    assert perfctl("cdn", "optimize", str(dist), env=variables).returncode == 0
    assert not (dist / "app.js.br").exists()
    headers = json.loads((dist / "perfctl-content.json").read_text())["files"]["app.js"]["headers"]
    assert "s-maxage=600" in headers["Cache-Control"]


def test_preload_warms_what_files_stdin_and_sitemaps_name(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("# pages\n/\n\n/css/site.css\n")
    (tmp_path / "sitemap.xml").write_text("<urlset><url><loc>https://cdn.sandbox.test/img/1.jpg</loc></url></urlset>")
    words = ("-f", str(tmp_path / "urls"), "--sitemap", str(tmp_path / "sitemap.xml"), "-", "/assets/app.js")
    result = perfctl("cdn", "preload", *words, "-o", "json", env=edge.environment, input="/api/market/overview\n")
    assert result.returncode == 0, result.stderr
    data = json.loads(result.stdout)["data"]
    assert (data["requested"], data["warmed"], data["failed"]) == (15, 15, 0)
    assert {row["encoding"] for row in data["rows"]} == {"br", "gzip", "identity"}
    assert "https://cdn.sandbox.test/img/1.jpg" in {row["url"] for row in data["rows"]}


def test_preload_warms_each_location_by_itself(perfctl: Perfctl, edge: LocalEdge) -> None:
    words = ("/img/far.jpg", "--location", "FRA56-P3", "--location", "SIN2", "--encoding", "br")
    data = json.loads(perfctl("cdn", "preload", *words, "-o", "json", env=edge.environment).stdout)["data"]
    assert [(row["first"], row["via_pop"][:3], row["is_warm"]) for row in data["rows"]] == [
        ("miss", "FRA", True),
        ("miss", "SIN", True),
    ]


def test_preload_leaves_with_6_when_not_all_is_warm(perfctl: Perfctl, edge: LocalEdge) -> None:
    result = perfctl("cdn", "preload", "/nowhere", "/private/me", "/", "--encoding", "gzip", env=edge.environment)
    assert result.returncode == 6
    assert "/nowhere: the edge answered 404" in result.stdout
    assert "/private/me: Cache-Control: private, no-store" in result.stdout
    assert "1 of 3 warm, 1 failed" in result.stdout


NOT_TO_BE_ASKED = (
    (),
    ("http://169.254.169.254/",),
    ("/", "--encoding", "zstd"),
    ("/", "--location", "here"),
    ("--sitemap", "no.xml"),
)


@pytest.mark.parametrize("words", NOT_TO_BE_ASKED)
def test_preload_refuses_what_it_cannot_ask(perfctl: Perfctl, edge: LocalEdge, words: tuple[str, ...]) -> None:
    result = perfctl("cdn", "preload", *words, env=edge.environment)
    assert (result.returncode, result.stdout) == (2, ""), result.stderr


def test_preload_without_an_answer_is_unreachable(perfctl: Perfctl, edge: LocalEdge) -> None:
    variables = {**edge.environment, "PERFCTL_EDGE_URL": "http://127.0.0.1:1"}
    result = perfctl("cdn", "preload", "/", "--encoding", "br", env=variables)
    assert (result.returncode, result.stdout) == (5, "")
    assert "Connection refused" in result.stderr


def test_preload_takes_the_most_asked_for_from_the_logs(perfctl: Perfctl, edge: LocalEdge, tmp_path: Path) -> None:
    fields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs-uri-query"
    asked = ["/img/1.jpg"] * 5 + ["/css/site.css"] * 3 + ["/index.html"] * 2 + ["/gone"] * 9
    asked += [f"/account/{number}" for number in range(12) for _ in range(9)]
    rows = [
        f"2026-01-01\t00:{at // 60:02}:{at % 60:02}\tFRA56-P3\t1\t1.2.3.4\tGET\td1.net\t{path}\t"
        f"{404 if path == '/gone' else 200}\t-"
        for at, path in enumerate(asked)
    ]
    (tmp_path / "access.log").write_text("\n".join(["#Version: 1.0", f"#Fields: {fields}", *rows]) + "\n")
    variables = {**edge.environment, "PERFCTL_CDN__PRIVATE_PATHS": "/account/*"}
    words = ("--top", "2", "--logs", str(tmp_path / "access.log"), "--encoding", "br")
    result = perfctl("cdn", "preload", *words, "-o", "json", env=variables)
    assert result.returncode == 0, result.stderr
    assert [row["url"] for row in json.loads(result.stdout)["data"]["rows"]] == ["/img/1.jpg", "/css/site.css"]
