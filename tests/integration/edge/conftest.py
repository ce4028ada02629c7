"""One local CloudFront for the module, as after a start for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.edge.process import EdgeProcess, client, running

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient


@pytest.fixture(scope="session")
def edge_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProcess]:
    with running(tmp_path_factory.mktemp("edge")) as started:
        yield started


@pytest.fixture
def edge(edge_process: EdgeProcess) -> EdgeProcess:
    """No faults, nothing cached, every earlier invalidation complete."""
    edge_process.admin("DELETE", "faults")
    edge_process.advance(3_600)
    edge_process.admin("DELETE", "cache")
    return edge_process


@pytest.fixture
def cloudfront(edge: EdgeProcess) -> CloudFrontClient:
    return client("cloudfront", edge.endpoint)
