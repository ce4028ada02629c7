"""Edge functions deployed to the local CloudFront, met there by a viewer, and put back."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfctl.cdn.delivery.policies import USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS
from perfctl.cdn.deploying.putting import MOST_STEPS
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.cdn.model.edge_deploys import EdgeDeployment
from perfctl.errors import ConfigError, RefusedError, ServiceError, UsageError
from tests.integration.edge.deployments import Deployer, as_planned, engine_at
from tests.integration.edge.process import EdgeProcess
from tests.integration.edge.sites import Site, origin

if TYPE_CHECKING:
    from PIL import Image

pytest.importorskip("quickjs", reason="CloudFront Functions run in it: install perfctl[edge]")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Lambda@Edge in JavaScript needs node on PATH")

_NUMBERS = itertools.count()
SMALL = "// perfctl: runtime=cloudfront-js-2.0 trigger=viewer-request\n"
STAMP = "function handler(event) {{ return {{statusCode: 200, headers: {{'x-version': {{value: '{}'}}}}}}; }}\n"
LARGE = "# perfctl: runtime=python trigger=origin-response\n"
MARK = (
    "def lambda_handler(event, context):\n"
    "    response = event['Records'][0]['cf']['response']\n"
    "    response['headers']['x-version'] = [{{'key': 'X-Version', 'value': '{}'}}]\n"
    "    return response\n"
)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFCTL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def site(edge: EdgeProcess) -> Site:
    return Site.made(edge, f"deploy-{next(_NUMBERS)}", policy=USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS)


@pytest.fixture(scope="module")
def engine(edge_process: EdgeProcess) -> Iterator[CloudFrontOptimizer]:
    with engine_at(edge_process) as made:
        yield made


@pytest.fixture
def deployer(site: Site, engine: CloudFrontOptimizer) -> Deployer:
    return Deployer(site, engine)


@pytest.fixture
def name(site: Site) -> str:
    """A function name that no other test has."""
    return site.host.partition(".")[0]


# Every shipped function, at its own trigger


def test_normalize_url_makes_one_cache_entry_of_many_spellings(deployer: Deployer, name: str) -> None:
    done = deployer.deploy("normalize-url", name=name)
    first = deployer.site.get("/css/site.css?utm_source=x&b=1&a=2")
    second = deployer.site.get("/css/site.css?a=2&b=1&fbclid=7")
    assert (done.status, first.status, first.x_cache, second.x_cache) == ("InProgress", 200, "Miss", "Hit")


def test_normalize_accept_makes_one_entry_of_many_browsers(deployer: Deployer, name: str) -> None:
    deployer.deploy("normalize-accept", name=name)
    first = deployer.site.get("/css/site.css", accept_encoding="gzip, deflate, br, zstd")
    second = deployer.site.get("/css/site.css", accept_encoding="br;q=1.0, gzip;q=0.8, *;q=0.1")
    assert [first.headers["content-encoding"], second.x_cache] == ["br", "Hit"]


def test_collapse_api_makes_equal_questions_one(deployer: Deployer, name: str) -> None:
    deployer.deploy("collapse-api", name=name)
    first = deployer.site.get("/api/stocks/AAPL?range=1d&_=17&x=1", accept="application/json")
    second = deployer.site.get("/api/stocks/AAPL?x=1&range=1d&_=99", accept="*/*")
    assert [first.status, first.x_cache, second.x_cache] == [200, "Miss", "Hit"]


def test_secure_response_protects_pages(deployer: Deployer, name: str) -> None:
    deployer.deploy("secure-response", name=name)
    page = deployer.site.get("/")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"


def test_accelerate_api_leaves_what_the_origin_says(deployer: Deployer, name: str) -> None:
    deployer.deploy("accelerate-api", name=name)
    silent, said = deployer.site.get("/slow?ms=1"), deployer.site.get("/api/market/overview")
    assert silent.headers["cache-control"] == (
        "public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=3600"
    )
    assert "stale-if-error" not in said.headers["cache-control"]


def test_choose_origin_goes_where_it_is_cheapest(deployer: Deployer, name: str) -> None:
    with _pictures() as port:
        site = deployer.site
        list_ = "localhost EU=10,NA=10 0.01; origin.invalid EU=20,NA=20 0.09"
        header = {"HeaderName": "X-Origins", "HeaderValue": list_}
        there = origin("main", port, CustomHeaders={"Quantity": 1, "Items": [header]})
        site.configure(Origins={"Quantity": 1, "Items": [there]})
        deployer.deploy("choose-origin", name=name)
        reply = site.get("/img/1.jpg")
    assert (reply.status, reply.headers["x-seen-host"].partition(":")[0], reply.headers["x-seen-origins"]) == (
        200,
        "localhost",
        "none",
    )


def test_resize_image_answers_the_size_and_the_form_that_were_asked_for(deployer: Deployer, name: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="the image function needs Pillow: install perfctl[images]")
    with _pictures() as port:
        deployer.deploy("resize-image", name=name, settings={"origin": f"http://127.0.0.1:{port}"})
        small = deployer.site.get("/img/1.jpg?w=64&format=webp")
    opened = image.open(io.BytesIO(small.body))
    assert (small.status, small.headers["content-type"], opened.size, opened.format) == (
        200,
        "image/webp",
        (64, 48),
        "WEBP",
    )


@needs_node
def test_a_module_of_node_in_one_file_runs_at_its_trigger(deployer: Deployer, name: str, tmp_path: Path) -> None:
    text = "// perfctl: runtime=nodejs trigger=origin-request\n"
    text += "export const handler = async (event) => ({status: '201'});\n"
    deployer.deploy(_written(tmp_path, "made.js", text), name=name)
    assert deployer.site.get("/any").status == 201


# Versions


def test_what_is_there_is_not_done_again(deployer: Deployer, name: str) -> None:
    for function in ("normalize-url", "accelerate-api"):
        first = deployer.deploy(function, name=name)
        again = deployer.deploy(function, name=name)
        assert (again.status, again.steps, again.dry_run) == ("unchanged", (), False)
        assert again.version == first.version


def test_a_lambda_is_put_back_to_the_number_before(deployer: Deployer, name: str, tmp_path: Path) -> None:
    for version in ("one", "two"):
        deployer.deploy(_large(tmp_path, version), name=name)
    served = [_version(deployer)]
    back = deployer.roll_back(name)
    served.append(_version(deployer))
    third = deployer.deploy(_large(tmp_path, "three"), name=name)
    after = deployer.roll_back(name)
    assert served == ["two", "one"]
    assert (back.version, back.replaced_version, back.status) == ("1", "2", "InProgress")
    assert (third.replaced_version, after.version) == ("1", "1"), "2 was bad, and is not what was served before 3"
    with pytest.raises(UsageError, match="no version before 1"):
        deployer.roll_back(name)
    assert deployer.roll_back(name, version="2").version == "2"


def test_the_same_code_again_is_the_same_version(deployer: Deployer, name: str, tmp_path: Path) -> None:
    numbers = [deployer.deploy(_large(tmp_path, text), name=name).version for text in ("one", "two", "one")]
    assert (numbers, _version(deployer)) == (["1", "2", "1"], "one")


def test_a_cloudfront_function_is_put_back_from_what_was_kept(deployer: Deployer, name: str, tmp_path: Path) -> None:
    first = deployer.deploy(_small(tmp_path, "one"), name=name)
    second = deployer.deploy(_small(tmp_path, "two"), name=name)
    back = deployer.roll_back(name)
    assert (second.replaced_version, back.version, _version(deployer)) == (first.version, first.version, "one")
    assert Path(str(second.kept)).is_file()
    assert Path(str(second.kept)).stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="no version was served before"):
        deployer.roll_back(name)
    assert deployer.roll_back(name, version=second.version).version == second.version
    assert _version(deployer) == "two"


def test_a_version_that_this_host_has_not_kept_is_said(deployer: Deployer, name: str, tmp_path: Path) -> None:
    deployer.deploy(_small(tmp_path, "one"), name=name)
    second = deployer.deploy(_small(tmp_path, "two"), name=name)
    Path(str(second.kept)).unlink()
    with pytest.raises(UsageError, match="was not kept on this host; kept are: none"):
        deployer.roll_back(name)
    assert _version(deployer) == "two"


# What is refused


def test_another_function_at_the_trigger_is_refused_until_it_may_go(
    deployer: Deployer, name: str, tmp_path: Path
) -> None:
    deployer.deploy(_small(tmp_path, "one"), name=f"{name}-a")
    with pytest.raises(RefusedError, match="a trigger has one function"):
        deployer.deploy(_small(tmp_path, "two"), name=f"{name}-b")
    replaced = deployer.deploy(_small(tmp_path, "two"), name=f"{name}-b", replaces=True)
    assert [step.action for step in replaced.steps] == ["create", "publish", "dissociate", "associate"]
    assert _version(deployer) == "two"


def test_both_kinds_on_viewer_events_are_refused(deployer: Deployer, name: str, tmp_path: Path) -> None:
    deployer.deploy(_small(tmp_path, "one"), name=f"{name}-a")
    with pytest.raises(RefusedError, match="cannot have both CloudFront Functions and Lambda@Edge on viewer events"):
        deployer.deploy(_large(tmp_path, "two"), name=f"{name}-b", trigger="viewer-response")
    assert _version(deployer) == "one"


def test_a_test_that_fails_at_cloudfront_leaves_the_live_stage(deployer: Deployer, name: str, tmp_path: Path) -> None:
    deployer.deploy(_small(tmp_path, "one"), name=name)
    (tmp_path / "two.tests.yaml").write_text("tests:\n  - expect: {response: {headers: {x-version: other}}}\n")
    with pytest.raises(RefusedError, match=r"at CloudFront test .* fails: response.headers.x-version"):
        deployer.deploy(_small(tmp_path, "two"), name=name)
    assert _version(deployer) == "one"


def test_a_new_lambda_needs_a_role_and_is_told_how_to_make_one(deployer: Deployer, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        deployer.deploy("accelerate-api", name=name, role_arn=None)
    assert "edgelambda.amazonaws.com" in str(caught.value.hint)


def test_a_behaviour_that_is_not_there_is_named(deployer: Deployer, name: str) -> None:
    with pytest.raises(UsageError, match="--behaviour /docs/\\*: the distribution has none") as caught:
        deployer.deploy("normalize-url", name=name, behaviour="/docs/*")
    assert caught.value.hint == "there are default"


def test_other_steps_than_those_shown_are_not_done(deployer: Deployer, name: str, tmp_path: Path) -> None:
    wanted = deployer.wanted(_large(tmp_path, "one"), name=name)
    agreed = deployer.plan(_large(tmp_path, "one"), name=name)
    deployer.deploy(_large(tmp_path, "two"), name=name)
    with pytest.raises(ServiceError, match="somebody else changed it"):
        asyncio.run(deployer.engine.deploy_edge_function(wanted, agreed))
    assert _version(deployer) == "two"


# Cut off, throttled, raced


class _Killed(BaseException):
    """As if the process had ended."""


@pytest.mark.parametrize("kind", ["small", "large"])
def test_a_run_that_was_cut_off_at_any_step_is_finished_by_the_next(
    deployer: Deployer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make = _small if kind == "small" else _large
    deployer.deploy(make(tmp_path, "old"), name=name)
    for at in range(MOST_STEPS):
        new = make(tmp_path, f"new-{at}")
        served = _version(deployer)
        with monkeypatch.context() as patched:
            _cut_off(patched, at)
            try:
                deployer.deploy(new, name=name)
                break
            except _Killed:
                assert _version(deployer) in (served, f"new-{at}"), "nothing half-made is served"
        deployer.deploy(new, name=name)
        assert _version(deployer) == f"new-{at}"
    assert at == (2 if kind == "small" else 3), "update, publish and, of a Lambda, associate"
    assert deployer.roll_back(name).status != "unchanged"


def test_throttling_and_failures_are_waited_out(
    deployer: Deployer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfctl.cdn.invalidating.sending.LONGEST_PAUSE_SECONDS", 0.02)
    deployer.site.edge.admin("POST", "faults", {"throttle_rate": 0.3, "error_5xx": 0.1, "seed": 5})
    try:
        done = deployer.deploy(_large(tmp_path, "calm"), name=name)
    finally:
        deployer.site.edge.admin("DELETE", "faults")
    assert (done.version, _version(deployer)) == ("1", "calm")


def test_a_change_of_somebody_else_stays(
    deployer: Deployer, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from perfctl.cdn.cloudfront import CloudFront

    site, read, seen = deployer.site, CloudFront.distribution_config, []

    async def raced(self: CloudFront, distribution_id: str) -> Any:
        document = await read(self, distribution_id)
        seen.append(document)
        if len(seen) == 3:
            site.configure(Comment="theirs")
        return document

    monkeypatch.setattr(CloudFront, "distribution_config", raced)
    deployer.deploy(_small(tmp_path, "one"), name=name)
    held = site.cloudfront.get_distribution_config(Id=site.identity)["DistributionConfig"]
    assert (held["Comment"], _version(deployer)) == ("theirs", "one")


def test_a_plan_is_what_is_done(deployer: Deployer, name: str, tmp_path: Path) -> None:
    for make in (_small, _large):
        planned = deployer.plan(make(tmp_path, "one"), name=name, replaces=True)
        done = deployer.deploy(make(tmp_path, "one"), name=name, replaces=True)
        number = {} if make is _small else {"version": None}
        assert planned == _with(as_planned(done), **number)


def _with(done: EdgeDeployment, **fields: Any) -> EdgeDeployment:
    from dataclasses import replace

    return replace(done, **fields)


def _cut_off(patched: pytest.MonkeyPatch, at: int) -> None:
    """End the run after its call number `at` that changes something: the service did it, and nobody heard of it."""
    from perfctl.cdn.cloudfront import CloudFront
    from perfctl.cdn.deploying.lambdas import LambdasAtAws
    from perfctl.cdn.deploying.stages import StagesAtCloudFront

    calls = [0]

    def cut(kind: type, name: str) -> None:
        made = getattr(kind, name)

        async def call(self: Any, *words: Any) -> Any:
            answer = await made(self, *words)
            if calls[0] == at:
                raise _Killed
            calls[0] += 1
            return answer

        patched.setattr(kind, name, call)

    cut(CloudFront, "update_distribution")
    for name in ("create", "update", "publish"):
        cut(StagesAtCloudFront, name)
    for name in ("create", "update_code", "update_settings", "publish"):
        cut(LambdasAtAws, name)


def _version(deployer: Deployer) -> str:
    """Which version a viewer meets, past the cache."""
    reply = deployer.site.get(f"/css/site.css?{os.urandom(6).hex()}")
    return reply.headers.get("x-version", f"none, {reply.status}")


def _small(folder: Path, version: str) -> Path:
    return _written(folder, f"{version}.js", SMALL + STAMP.format(version))


def _large(folder: Path, version: str) -> Path:
    return _written(folder, f"{version}.py", LARGE + MARK.format(version))


def _written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


class _Pictures(BaseHTTPRequestHandler):
    """A JPEG of 640 x 480, and what was asked of it."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("X-Seen-Host", self.headers.get("Host", "none"))
        self.send_header("X-Seen-Origins", self.headers.get("X-Origins", "none"))
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _pictures:  # noqa: N801 - a context manager
    def __enter__(self) -> int:
        _Pictures.content = _jpeg()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self._server.server_address[1]

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _jpeg() -> bytes:
    image: Any = pytest.importorskip("PIL.Image", reason="a picture needs Pillow: install perfctl[images]")
    made: Image.Image = image.linear_gradient("L").resize((640, 480)).convert("RGB")
    content = io.BytesIO()
    made.save(content, "JPEG")
    return content.getvalue()
