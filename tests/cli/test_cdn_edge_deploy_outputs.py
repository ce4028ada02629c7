"""An edge function as it is sent and deployed, as it is drawn: 80 and 120 columns, and plain."""

from __future__ import annotations

import pytest

from perfctl.cdn.model.edge_deploys import DeployStep, EdgeDeployment, EdgePackage
from perfctl.render.show import show
from tests.cli.golden_files import golden_of

_golden = golden_of("cdn")

ANSWERS = {
    "edge-package": EdgePackage(
        function="resize-image",
        kind="lambda@edge",
        runtime="python3.13",
        handler="lambda_function.lambda_handler",
        trigger="origin-response",
        size_bytes=7_110_083,
        limit_bytes=52_428_800,
        unpacked_bytes=20_294_619,
        sha256="9b377cbddac27e5c99e289e8b811fc1be17d0f8d376903c2eeed3a7078bad851",
        requires=("pillow 12.0.0",),
        settings={"origin": "https://img.example.com", "most_side": 4000},
        written="resize.zip",
        files=("lambda_function.py", "settings.json", *(f"PIL/part{number}.py" for number in range(20))),
    ),
    "edge-deploy": EdgeDeployment(
        function="normalize-url",
        kind="cloudfront-function",
        runtime="cloudfront-js-2.0",
        distribution_id="E1EXAMPLE",
        behaviours=("/docs/*",),
        trigger="viewer-request",
        status="Deployed",
        dry_run=False,
        version="b1cf0d1ed0b7",
        replaced_version="bf8b75cb17e0",
        tests_passed=7,
        compute_utilization=15,
        waited_seconds=140.0,
        kept="/var/lib/perfctl/cdn/functions/123456789012/normalize-url/bf8b75cb17e0.json",
        rollback="perfctl cdn edge rollback normalize-url",
        steps=(
            DeployStep("update", "CloudFront Function normalize-url", "its development stage, 1.23 kB"),
            DeployStep("test", "CloudFront Function normalize-url", "its tests, at CloudFront, before it goes live"),
            DeployStep(
                "publish",
                "CloudFront Function normalize-url",
                "version b1cf0d1ed0b7; replaces bf8b75cb17e0 wherever it is associated",
            ),
            DeployStep("associate", "E1EXAMPLE /docs/*", "normalize-url at viewer-request"),
        ),
    ),
    "edge-deploy-planned": EdgeDeployment(
        function="resize-image",
        kind="lambda@edge",
        runtime="python3.13",
        distribution_id="E1EXAMPLE",
        behaviours=("default",),
        trigger="origin-response",
        status="planned",
        dry_run=True,
        version=None,
        replaced_version="3",
        tests_passed=5,
        compute_utilization=None,
        waited_seconds=0.0,
        kept=None,
        rollback=None,
        steps=(
            DeployStep("update", "Lambda resize-image", "its code, 7.11 MB"),
            DeployStep("publish", "Lambda resize-image", "a numbered version"),
            DeployStep("associate", "E1EXAMPLE default", "resize-image at origin-response; replaces version 3"),
        ),
    ),
    "edge-rollback-nothing": EdgeDeployment(
        function="resize-image",
        kind="lambda@edge",
        runtime="python3.13",
        distribution_id="E1EXAMPLE",
        behaviours=("default", "/img/*"),
        trigger=None,
        status="unchanged",
        dry_run=False,
        version="2",
        replaced_version=None,
        tests_passed=None,
        compute_utilization=None,
        waited_seconds=0.0,
        kept=None,
        rollback=None,
        steps=(),
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_drawn_as_it_was_once_approved(name: str, width: int) -> None:
    text = _drawn(name, "table", width)
    assert text == _golden(f"{name}-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_off_a_terminal_has_no_box(name: str) -> None:
    text = _drawn(name, "plain", 80)
    assert text == _golden(f"{name}-plain.txt", text)


def _drawn(name: str, output: str, width: int) -> str:
    return show(
        ANSWERS[name],
        words=("cdn", "edge", name.split("-")[1]),
        output=output,  # type: ignore[arg-type]
        context="prod",
        limit=None,
        took_ms=1.0,
        width=width,
    )
