"""The functions that perfctl ships: their tables, their budgets, and a picture that is fetched and made smaller."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from perfctl.cdn.edge.events import read_result, response_event
from perfctl.cdn.edge.linting import lint
from perfctl.cdn.edge.model import EdgeRequest, EdgeResponse
from perfctl.cdn.edge.naming import SHIPPED, find_function, functions_in, shipped_names
from perfctl.cdn.edge.rules import check_result
from perfctl.cdn.edge.running import open_runner
from perfctl.cdn.edge.tables import read_table, table_of
from perfctl.cdn.edge.testing import run_tables

NAMES = (
    "accelerate-api",
    "choose-origin",
    "collapse-api",
    "normalize-accept",
    "normalize-url",
    "resize-image",
    "secure-response",
)


def test_these_are_the_functions_that_are_shipped() -> None:
    assert shipped_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_function_has_a_table_with_a_budget_and_no_finding(name: str) -> None:
    function = find_function(name)
    assert isinstance(function.source, Path)
    table = table_of(function.source)
    assert table is not None
    assert all(test.budget_percent or test.budget_us for test in read_table(table))
    assert lint([function]).status == "pass"


def test_every_test_of_the_shipped_functions_passes() -> None:
    """By what comes of an event; a budget is for `perfctl cdn edge test` on a machine that does nothing else."""
    tests = asyncio.run(run_tables(functions_in(str(SHIPPED))))
    wrong = [(row.function, row.test, row.failures) for row in tests.rows if row.failures]
    assert [one for one in wrong if "and may" not in one[2][0]] == []
    assert tests.functions == len(NAMES)


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """A server of one photograph and of what is none."""
    from PIL import Image

    photo = io.BytesIO()
    Image.effect_noise((800, 600), 60).convert("RGB").save(photo, "JPEG", quality=92)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = photo.getvalue() if self.path == "/a.jpg" else b"no picture"
            self.send_response(200 if self.path != "/gone.jpg" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def resized(folder: Path, origin: str, query: str, accept: str, uri: str = "/a.jpg") -> tuple[EdgeResponse, str]:
    """What comes of a picture, and what the function logged."""
    place = folder / "resize-image"
    shutil.copytree(SHIPPED / "resize-image", place)
    settings = json.loads((place / "settings.json").read_text())
    (place / "settings.json").write_text(json.dumps({**settings, "origin": origin}))
    function = find_function(str(place))
    request = EdgeRequest(uri=uri, querystring=query, headers=(("Accept", accept),))
    event = response_event(function, request, EdgeResponse(headers=(("Content-Type", "image/jpeg"), ("ETag", '"a"'))))

    async def ran() -> Any:
        runner = await open_runner(function)
        try:
            return await runner.call(event)
        finally:
            await runner.close()

    called = asyncio.run(ran())
    answer = read_result(function, event, check_result(function, event, called.result), request)
    assert isinstance(answer, EdgeResponse)
    return answer, "\n".join(called.logs)


@pytest.mark.parametrize(("accept", "form"), [("image/avif", "AVIF"), ("image/webp", "WEBP"), ("image/jpeg", "JPEG")])
def test_a_picture_gets_the_size_and_the_form_that_were_asked_for(
    tmp_path: Path, origin: str, accept: str, form: str
) -> None:
    from PIL import Image

    answer, _ = resized(tmp_path, origin, "w=320", accept)
    headers = {name.lower(): value for name, value in answer.headers}
    picture = Image.open(io.BytesIO(answer.body or b""))
    assert (picture.format, picture.size) == (form, (320, 240))
    assert (headers["content-type"], headers["vary"], "etag" in headers) == (accept, "Accept", False)
    assert "s-maxage" in headers["cache-control"]


def test_a_picture_is_never_made_larger(tmp_path: Path, origin: str) -> None:
    from PIL import Image

    answer, _ = resized(tmp_path, origin, "w=4000&h=4000&q=30", "image/webp")
    assert Image.open(io.BytesIO(answer.body or b"")).size == (800, 600)


@pytest.mark.parametrize(
    ("uri", "query", "reason"),
    [
        ("/gone.jpg", "w=100", "the original cannot be fetched: HTTP Error 404"),
        ("/text.jpg", "w=100", "it cannot be read"),
        ("/a.jpg", "w=0", "'0' is not a size"),
        ("/a.jpg", "w=99999", "'99999' is not a size"),
    ],
)
def test_what_cannot_be_made_smaller_is_left_with_a_reason(
    tmp_path: Path, origin: str, uri: str, query: str, reason: str
) -> None:
    answer, logs = resized(tmp_path, origin, query, "image/webp", uri)
    assert (answer.body, dict(answer.headers)["ETag"]) == (None, '"a"')
    assert reason in logs
