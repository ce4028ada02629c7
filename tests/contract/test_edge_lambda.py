"""One contract for Lambda's control plane: ours, and another emulator as a second opinion.

What that one is known to do otherwise stands in `DIFFERENCES`, and the test has to fail there. (moto is left out: it
wants roles of its own IAM, and Docker.)
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.edge_emulators import SERVERS
from tests.integration.edge.lambdas import ROLE, deployed, package
from tests.integration.edge.process import client

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

DIFFERENCES: dict[tuple[str, str], str] = {
    ("ministack", "test_a_first_version_is_number_1"): "tells the ARN without the version",
    ("ministack", "test_what_did_not_change_has_no_new_version"): "gives a number each time",
}
SOURCE, OTHER = "exports.handler = async () => 1;", "exports.handler = async () => 2;"
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Row:
    """An emulator, and boto3's client of it."""

    name: str
    lambdas: LambdaClient


@pytest.fixture(scope="module", params=["perfctl", "ministack"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    name: str = request.param
    with SERVERS[name](tmp_path_factory.mktemp(name)) as endpoint:
        yield Row(name, client("lambda", endpoint))


@pytest.fixture
def lambdas(server: Row, request: pytest.FixtureRequest) -> LambdaClient:
    if reason := DIFFERENCES.get((server.name, request.node.originalname)):
        request.applymarker(pytest.mark.xfail(reason=f"{server.name} {reason}", strict=True))
    return server.lambdas


@pytest.fixture
def name() -> str:
    return f"function-{next(_NUMBERS)}"


def test_a_first_version_is_number_1(lambdas: LambdaClient, name: str) -> None:
    arn = deployed(lambdas, name, SOURCE)
    assert arn.startswith("arn:aws:lambda:us-east-1:")
    assert arn.endswith(f":function:{name}:1")


def test_what_did_not_change_has_no_new_version(lambdas: LambdaClient, name: str) -> None:
    deployed(lambdas, name, SOURCE)
    assert lambdas.publish_version(FunctionName=name)["Version"] == "1"


def test_an_update_is_published_as_the_next_version(lambdas: LambdaClient, name: str) -> None:
    deployed(lambdas, name, SOURCE)
    lambdas.update_function_code(FunctionName=name, ZipFile=package(OTHER))
    lambdas.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert lambdas.publish_version(FunctionName=name)["Version"] == "2"
    listed = [item["Version"] for item in lambdas.list_versions_by_function(FunctionName=name)["Versions"]]
    assert sorted(listed) == ["$LATEST", "1", "2"]
    digests = [lambdas.get_function_configuration(FunctionName=name, Qualifier=one)["CodeSha256"] for one in ("1", "2")]
    assert digests[0] != digests[1]


def test_a_function_is_deleted_with_its_versions(lambdas: LambdaClient, name: str) -> None:
    deployed(lambdas, name, SOURCE)
    lambdas.delete_function(FunctionName=name)
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException):
        lambdas.get_function(FunctionName=name, Qualifier="1")


def test_a_name_is_given_once(lambdas: LambdaClient, name: str) -> None:
    deployed(lambdas, name, SOURCE)
    with pytest.raises(lambdas.exceptions.ResourceConflictException):
        deployed(lambdas, name, OTHER)


def test_a_package_that_is_no_zip_file_is_refused(lambdas: LambdaClient, name: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        lambdas.create_function(
            FunctionName=name, Runtime="nodejs20.x", Handler="a.b", Role=ROLE, Code={"ZipFile": b"no zip"}
        )


def test_a_difference_names_a_test_of_this_file() -> None:
    assert all(server in SERVERS and test in globals() for server, test in DIFFERENCES)
