"""The README's curl lines against `perfctl serve` on the sandbox: each is answered by what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfctl.api.routes import ROUTES
from perfctl.config import load_settings
from perfctl.config.settings import ApiConfig
from tests.api_client import TOKEN, Api
from tests.conftest import RunningSandbox

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("seeded")]

README = Path(__file__).resolve().parents[2] / "README.md"
LINES = re.findall(r"^curl .*\$U.*$", README.read_text(encoding="utf-8"), re.MULTILINE)
VARIABLES = {"U": "/performance", "A": f"Authorization: Bearer {TOKEN}", "J": "Content-Type: application/json"}


@pytest.fixture(scope="module")
def api(seeded_sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = seeded_sandbox.home
    given = load_settings(context=seeded_sandbox.name, environ=home, folder=tmp_path_factory.mktemp("readme"))
    audit = str(tmp_path_factory.mktemp("api") / "audit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", home["XDG_STATE_HOME"])
        with Api(replace(given, api=ApiConfig(token=TOKEN, audit_file=audit))) as api:
            yield api


def test_every_route_has_a_line() -> None:
    paths = {asked(line)[1].partition("?")[0] for line in LINES}
    assert paths == {route.path for route in ROUTES}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_answered(api: Api, line: str) -> None:
    method, path, headers, body = asked(line)
    reply = api.ask(method, path, headers=headers, content=body)
    assert reply.status_code in ((200, 503) if path.endswith("/health") else (200, 202)), reply.text
    document: dict[str, Any] = reply.json()
    assert set(document) == {"schema", "data", "meta", "warnings"}


def asked(line: str) -> tuple[str, str, dict[str, str], str | None]:
    """Method, path, headers and body of a line for curl, as a shell and curl read it."""
    words = shlex.split(re.sub(r"\$([UAJ])\b", lambda name: VARIABLES[name[1]], line))[1:]
    headers: dict[str, str] = {}
    path, body = "", None
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            path = word
    return ("POST" if body is not None else "GET"), path, headers, body
