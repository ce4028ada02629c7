"""The local Lambda, asked with boto3."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.exceptions import ClientError

from perfctl.sandbox.edge.lambda_api import OPERATIONS, PATH
from tests.integration.edge.lambdas import ROLE, deployed, package
from tests.integration.edge.process import EdgeProcess, client

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SOURCE = "exports.handler = async (event) => event.Records[0].cf.request;"
OTHER = "exports.handler = async (event) => ({status: '204'});"


@pytest.fixture
def lambdas(edge: EdgeProcess) -> LambdaClient:
    return client("lambda", edge.endpoint)


def test_a_function_gets_numbered_versions_that_stay(lambdas: LambdaClient) -> None:
    first = deployed(lambdas, "numbered", SOURCE)
    again = lambdas.publish_version(FunctionName="numbered")
    second = lambdas.update_function_code(FunctionName="numbered", ZipFile=package(OTHER), Publish=True)
    assert (first.rpartition(":")[2], again["Version"], second["Version"]) == ("1", "1", "2")
    listed = lambdas.list_versions_by_function(FunctionName="numbered")["Versions"]
    assert [item["Version"] for item in listed] == ["$LATEST", "1", "2"]
    held = lambdas.get_function(FunctionName="numbered", Qualifier="1")["Configuration"]
    digest = base64.b64encode(hashlib.sha256(package(SOURCE)).digest()).decode()
    assert (held["FunctionArn"], held["CodeSha256"], held["State"]) == (first, digest, "Active")


def test_the_number_of_a_deleted_version_is_not_given_again(lambdas: LambdaClient) -> None:
    deployed(lambdas, "counted", SOURCE)
    lambdas.delete_function(FunctionName="counted", Qualifier="1")
    assert lambdas.publish_version(FunctionName="counted")["Version"] == "2"


def test_the_waiters_of_boto3_wait_for_an_update(edge: EdgeProcess, lambdas: LambdaClient) -> None:
    deployed(lambdas, "waited", SOURCE)
    edge.admin("POST", "faults", {"lambda_pending_seconds": 5})
    lambdas.update_function_code(FunctionName="waited", ZipFile=package(OTHER))
    before = lambdas.get_function_configuration(FunctionName="waited")["LastUpdateStatus"]
    edge.advance(6)
    lambdas.get_waiter("function_updated_v2").wait(FunctionName="waited")
    assert before == "InProgress"


def test_a_package_is_unpacked_below_its_own_folder(edge: EdgeProcess, lambdas: LambdaClient) -> None:
    settings = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE}
    code = {"ZipFile": package("x", "../../../evil.js")}
    lambdas.create_function(FunctionName="evil", Code=code, **settings)  # type: ignore[arg-type]
    (found,) = edge.folder.parent.rglob("evil.js")
    assert found == edge.folder / "state/lambda/us-east-1/evil/LATEST/evil.js"


def test_a_package_that_is_no_zip_file_is_refused(lambdas: LambdaClient) -> None:
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        lambdas.create_function(
            FunctionName="broken", Runtime="nodejs20.x", Handler="index.handler", Role=ROLE, Code={"ZipFile": b"no"}
        )


def test_what_does_not_exist_is_named(lambdas: LambdaClient) -> None:
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException, match="Function not found: arn:aws:lambda"):
        lambdas.get_function(FunctionName="none")
    deployed(lambdas, "known", SOURCE)
    with pytest.raises(lambdas.exceptions.ResourceConflictException, match="already exist"):
        deployed(lambdas, "known", SOURCE)
    with pytest.raises(lambdas.exceptions.ResourceNotFoundException):
        lambdas.get_function(FunctionName="known", Qualifier="7")
    lambdas.delete_function(FunctionName="known")
    assert "known" not in [item["FunctionName"] for item in lambdas.list_functions()["Functions"]]


def test_every_operation_has_the_method_and_path_of_the_service_model() -> None:
    model = botocore.session.get_session().get_service_model("lambda")
    for operation in OPERATIONS:
        http = model.operation_model(operation.name).http
        ours = (operation.method, PATH + re.sub(r"{\w+}", "{}", operation.path))
        assert ours == (http["method"], re.sub(r"{\w+}", "{}", http["requestUri"]).rstrip("/")), operation.name
