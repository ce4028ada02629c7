"""Functions at the four triggers of the local CloudFront, over real HTTP."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from perfctl.cdn.delivery.policies import CACHING_DISABLED, CACHING_OPTIMIZED
from tests.integration.edge.lambdas import deployed, package
from tests.integration.edge.process import EdgeProcess, client
from tests.integration.edge.sites import Site, listed

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient
    from mypy_boto3_lambda import LambdaClient

pytest.importorskip("quickjs", reason="CloudFront Functions run in it: install perfctl[edge]")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Lambda@Edge in JavaScript needs node on PATH")

REWRITE = b"""function handler(event) {
  var request = event.request;
  if (request.uri === '/moved') {
    return {statusCode: 302, statusDescription: 'Found', headers: {location: {value: '/img/1.jpg'}}};
  }
  if (request.uri === '/broken') { throw new Error('on purpose'); }
  if (request.uri === '/forbidden') { request.headers['connection'] = {value: 'close'}; }
  request.uri = request.uri.replace('/old/', '/');
  delete request.querystring.utm_source;
  return request;
}"""
STAMP = b"""function handler(event) {
  var response = event.response;
  response.headers['x-stamped'] = {value: event.request.uri};
  return response;
}"""
PYTHON = "import json\ndef handler(event, context):\n    cf = event['Records'][0]['cf']\n"


@pytest.fixture
def lambdas(edge: EdgeProcess) -> LambdaClient:
    return client("lambda", edge.endpoint)


@pytest.fixture(scope="module")
def site(edge_process: EdgeProcess) -> Site:
    """A distribution of its own whose functions a test chooses."""
    return Site.made(edge_process, "functions", policy=CACHING_OPTIMIZED)


Publish = Callable[[str, bytes], str]


@pytest.fixture
def published(cloudfront: CloudFrontClient) -> Publish:
    """The ARN of a function in LIVE; the code of one that there is is replaced."""

    def publish(name: str, code: bytes) -> str:
        settings: Any = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
        try:
            etag = cloudfront.describe_function(Name=name)["ETag"]
            cloudfront.update_function(Name=name, IfMatch=etag, FunctionConfig=settings, FunctionCode=code)
            etag = cloudfront.describe_function(Name=name)["ETag"]
        except ClientError:
            etag = cloudfront.create_function(Name=name, FunctionConfig=settings, FunctionCode=code)["ETag"]
        live = cloudfront.publish_function(Name=name, IfMatch=etag)
        return live["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]

    return publish


def test_a_viewer_request_function_changes_what_is_looked_up(site: Site, published: Publish, edge: EdgeProcess) -> None:
    site.associate(small={"viewer-request": published("rewrite", REWRITE)})
    first, second = site.get("/old/img/1.jpg"), site.get("/img/1.jpg")
    assert [first.status, first.x_cache, second.x_cache] == [200, "Miss", "Hit"]


def test_a_response_that_a_viewer_request_function_makes_is_the_viewer_s(site: Site, published: Publish) -> None:
    arns = {"viewer-request": published("rewrite", REWRITE), "viewer-response": published("stamp", STAMP)}
    site.associate(small=arns)
    made = site.get("/moved")
    assert (made.status, made.headers["location"], made.headers["x-cache"], "x-stamped" in made.headers) == (
        302,
        "/img/1.jpg",
        "FunctionGeneratedResponse from cloudfront",
        False,
    )


@pytest.mark.parametrize(
    ("path", "status", "result", "reason"),
    [
        ("/broken", 503, "FunctionExecutionError", b"on purpose"),
        ("/forbidden", 502, "FunctionValidationError", b"onnection"),
    ],
)
def test_a_function_that_fails_is_an_error_with_its_reason(
    site: Site, published: Publish, edge: EdgeProcess, path: str, status: int, result: str, reason: bytes
) -> None:
    site.associate(small={"viewer-request": published("rewrite", REWRITE)})
    edge.admin("POST", "logs/flush")
    reply = site.get(path)
    assert (reply.status, reply.headers["x-cache"]) == (status, f"{result} from cloudfront")
    assert reason in reply.body
    assert site.log_rows()[-1][28] == result


def test_a_viewer_response_function_sees_every_good_answer_and_no_error(site: Site, published: Publish) -> None:
    site.associate(small={"viewer-response": published("stamp", STAMP)})
    replies = [site.get(path) for path in ("/img/2.jpg", "/img/2.jpg", "/nowhere")]
    assert [reply.headers.get("x-stamped") for reply in replies] == ["/img/2.jpg", "/img/2.jpg", None]
    assert [reply.x_cache for reply in replies] == ["Miss", "Hit", "Error"]


def test_what_was_published_last_runs(site: Site, published: Publish, cloudfront: CloudFrontClient) -> None:
    site.associate(small={"viewer-response": published("stamp", STAMP)})
    site.get("/img/3.jpg")
    published("stamp", STAMP.replace(b"event.request.uri", b"'second'"))
    assert site.get("/img/3.jpg").headers["x-stamped"] == "second"
    etag = cloudfront.describe_function(Name="stamp")["ETag"]
    draft = STAMP.replace(b"event.request.uri", b"'draft'")
    settings: Any = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    cloudfront.update_function(Name="stamp", IfMatch=etag, FunctionConfig=settings, FunctionCode=draft)
    assert site.get("/img/3.jpg").headers["x-stamped"] == "second"


def test_a_function_is_tested_in_the_stage_that_is_asked_for(cloudfront: CloudFrontClient, published: Publish) -> None:
    published("tested", REWRITE)
    etag = cloudfront.describe_function(Name="tested")["ETag"]
    event = {
        "version": "1.0",
        "context": {"eventType": "viewer-request"},
        "viewer": {"ip": "198.51.100.11"},
        "request": {"method": "GET", "uri": "/old/a", "querystring": {}, "headers": {}, "cookies": {}},
    }
    good = cloudfront.test_function(Name="tested", IfMatch=etag, EventObject=json.dumps(event).encode())["TestResult"]
    event["request"] = {**event["request"], "uri": "/broken"}  # type: ignore[dict-item]
    bad = cloudfront.test_function(Name="tested", IfMatch=etag, EventObject=json.dumps(event).encode())["TestResult"]
    assert json.loads(good["FunctionOutput"])["request"]["uri"] == "/a"
    assert (good["FunctionErrorMessage"], "on purpose" in bad["FunctionErrorMessage"]) == ("", True)
    assert 0 <= int(good["ComputeUtilization"]) <= 100
    with pytest.raises(ClientError, match="InvalidArgument"):
        cloudfront.test_function(Name="tested", IfMatch=etag, EventObject=b"no event")


@needs_node
def test_an_origin_request_function_chooses_the_origin_and_its_answer_is_kept(
    site: Site, lambdas: LambdaClient, edge: EdgeProcess
) -> None:
    source = """exports.handler = async (event) => {
      const request = event.Records[0].cf.request;
      if (request.uri === '/made.txt') {
        return {status: '200', headers: {'cache-control': [{value: 'max-age=60'}]}, body: 'made at the edge'};
      }
      request.origin.custom.path = '/img';
      return request;
    };"""
    site.associate(large={"origin-request": deployed(lambdas, "choose", source)})
    assert [site.get("/1.jpg").x_cache for _ in range(2)] == ["Miss", "Hit"]
    made = [site.get("/made.txt") for _ in range(2)]
    assert [(reply.body, reply.x_cache) for reply in made] == [
        (b"made at the edge", "LambdaGeneratedResponse"),
        (b"made at the edge", "Hit"),
    ]


def test_an_origin_response_function_sees_errors_too_and_what_it_changes_is_kept(
    site: Site, lambdas: LambdaClient
) -> None:
    source = PYTHON + (
        "    response = cf['response']\n"
        "    response['headers']['x-was'] = [{'key': 'X-Was', 'value': response['status']}]\n"
        "    if response['status'] == '404':\n"
        "        response['status'] = '200'\n"
        "        response['statusDescription'] = 'OK'\n"
        "        response['body'] = 'in its place'\n"
        "        response['headers']['cache-control'] = [{'key': 'Cache-Control', 'value': 'max-age=60'}]\n"
        "    return response\n"
    )
    arn = deployed(lambdas, "instead", source, Runtime="python3.12", Handler="index.handler")
    site.associate(large={"origin-response": arn})
    replies = [site.get(path) for path in ("/img/4.jpg", "/img/4.jpg", "/nowhere", "/nowhere")]
    assert [(reply.headers["x-was"], reply.status, reply.x_cache) for reply in replies] == [
        ("200", 200, "Miss"),
        ("200", 200, "Hit"),
        ("404", 200, "Miss"),
        ("404", 200, "Hit"),
    ]
    assert replies[3].body == b"in its place"


@pytest.mark.parametrize(
    ("body", "status", "result"),
    [
        ("    raise ValueError('on purpose')\n", 503, "LambdaExecutionError"),
        ("    return {'status': '999'}\n", 502, "LambdaValidationError"),
        ("    import time\n    time.sleep(30)\n", 503, "LambdaExecutionError"),
    ],
)
def test_a_lambda_that_fails_is_an_error_that_is_not_kept(
    site: Site, lambdas: LambdaClient, edge: EdgeProcess, body: str, status: int, result: str
) -> None:
    name = f"fails-{body.split()[0]}"
    seconds = 1 if "sleep" in body else 5
    arn = deployed(lambdas, name, PYTHON + body, Runtime="python3.12", Handler="index.handler", Timeout=seconds)
    site.associate(large={"origin-request": arn})
    reply = site.get(f"/img/{name}.jpg")
    assert (reply.status, reply.headers["x-cache"]) == (status, f"{result} from cloudfront")
    assert edge.admin("GET", "cache")["functions"]["errors"][name] == 1
    site.associate()
    assert site.get(f"/img/{name}.jpg").status == 200


def test_a_function_that_fails_leaves_what_is_held(site: Site, lambdas: LambdaClient, edge: EdgeProcess) -> None:
    site.associate()
    first = site.get("/css/site.css")
    arn = deployed(lambdas, "late", PYTHON + "    raise ValueError\n", Runtime="python3.12", Handler="index.handler")
    site.associate(large={"origin-request": arn})
    edge.advance(3_601)
    failed = site.get("/css/site.css")
    site.associate()
    again = site.get("/css/site.css")
    assert [reply.x_cache for reply in (first, failed, again)] == ["Miss", "LambdaExecutionError", "RefreshHit"]


def test_a_changed_uri_stays_with_its_behaviour(site: Site, published: Publish) -> None:
    code = b"function handler(event) { event.request.uri = '/private'; return event.request; }"
    behaviour = {
        "PathPattern": "/private*",
        "TargetOriginId": "main",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": CACHING_DISABLED,
    }
    site.configure(CacheBehaviors=listed([behaviour]))
    site.associate(small={"viewer-request": published("private", code)})
    assert [site.get("/img/5.jpg").x_cache for _ in range(2)] == ["Miss", "Hit"]
    assert [site.get("/private").x_cache for _ in range(2)] == ["Miss", "Miss"]


def test_a_request_s_body_is_shown_where_the_association_says_so(site: Site, lambdas: LambdaClient) -> None:
    source = PYTHON + "    return {'status': '200', 'body': json.dumps(cf['request'].get('body', {}).get('data'))}\n"
    arn = deployed(lambdas, "body", source, Runtime="python3.12", Handler="index.handler")
    seen = []
    for includes in (False, True):
        site.associate(large={"viewer-request": arn}, includes_body=includes)
        seen.append(site.get("/api/x", method="POST", body=b"hello").json)
    assert seen == [None, "aGVsbG8="]


@pytest.mark.parametrize(
    ("large", "message"),
    [
        ({"viewer-request": "{arn}:$LATEST"}, "The function ARN must reference a specific function version"),
        ({"viewer-request": "{arn}:prod"}, "must end with the version number"),
        ({"viewer-request": "{arn}"}, "must end with the version number"),
        ({"viewer-request": "{arn}:9"}, "cannot be found"),
        ({"nowhere": "{arn}:1"}, "Member must satisfy enum value set"),
    ],
)
def test_an_association_that_names_no_version_is_refused(
    site: Site, lambdas: LambdaClient, large: dict[str, str], message: str
) -> None:
    name = "versions"
    if name not in [item["FunctionName"] for item in lambdas.list_functions()["Functions"]]:
        deployed(lambdas, name, "exports.handler = async () => null;")
    arn = lambdas.get_function_configuration(FunctionName=name)["FunctionArn"]
    with pytest.raises(ClientError, match=message):
        site.associate(large={trigger: text.format(arn=arn) for trigger, text in large.items()})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Environment": {"Variables": {"A": "1"}}}, "cannot have environment variables"),
        ({"Timeout": 6}, "timeout is larger than the maximum allowed .*: 6 Max allowed: 5"),
        ({"MemorySize": 256}, "memory size is larger .*: 256 Max allowed: 128"),
        ({"Runtime": "java21"}, "runtime is not supported"),
        ({"Architectures": ["arm64"]}, "arm64"),
    ],
)
def test_a_function_that_lambda_at_edge_does_not_take_is_refused(
    site: Site, lambdas: LambdaClient, settings: dict[str, Any], message: str
) -> None:
    arn = deployed(lambdas, f"refused-{next(iter(settings))}", "exports.handler = async () => null;", **settings)
    with pytest.raises(ClientError, match=message):
        site.associate(large={"viewer-request": arn})


def test_a_function_of_another_region_is_refused(site: Site, edge: EdgeProcess) -> None:
    abroad = client("lambda", edge.endpoint, region="eu-west-1")
    arn = deployed(abroad, "abroad", "exports.handler = async () => null;")
    with pytest.raises(ClientError, match="must be in region 'us-east-1'"):
        site.associate(large={"origin-request": arn})


def test_viewer_events_have_functions_of_one_kind_and_one_each(
    site: Site, lambdas: LambdaClient, published: Publish, cloudfront: CloudFrontClient
) -> None:
    small = published("stamp", STAMP)
    large = deployed(lambdas, "mixed", "exports.handler = async () => null;")
    with pytest.raises(ClientError, match="both CloudFront Functions and Lambda@Edge"):
        site.associate(small={"viewer-response": small}, large={"viewer-request": large})
    with pytest.raises(ClientError, match="must be unique in the cache behavior"):
        site.associate(small={"viewer-request": small}, large={"viewer-request": large})
    site.associate(small={"viewer-response": small}, large={"origin-request": large})
    settings: Any = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    cloudfront.create_function(Name="draft", FunctionConfig=settings, FunctionCode=STAMP)
    with pytest.raises(ClientError, match="must be published to the LIVE stage"):
        site.associate(small={"viewer-request": small.replace("stamp", "draft")})


def test_a_function_in_use_is_not_deleted(
    site: Site, lambdas: LambdaClient, published: Publish, cloudfront: CloudFrontClient
) -> None:
    small = published("stamp", STAMP)
    large = deployed(lambdas, "used", "exports.handler = async () => null;")
    site.associate(small={"viewer-response": small}, large={"origin-request": large})
    with pytest.raises(ClientError, match="FunctionInUse"):
        cloudfront.delete_function(Name="stamp", IfMatch=cloudfront.describe_function(Name="stamp")["ETag"])
    with pytest.raises(ClientError, match="because it is a replicated function"):
        lambdas.delete_function(FunctionName="used")
    live = cloudfront.describe_function(Name="stamp", Stage="LIVE")["FunctionSummary"]
    assert live["Status"] == "DEPLOYED"
    site.associate()
    lambdas.delete_function(FunctionName="used")


@needs_node
def test_a_new_version_runs_from_the_next_request(site: Site, lambdas: LambdaClient) -> None:
    source = "exports.handler = async () => ({status: '200', body: 'WORD'});"
    first = deployed(lambdas, "rolled", source.replace("WORD", "one"))
    code = package(source.replace("WORD", "two"))
    second = lambdas.update_function_code(FunctionName="rolled", ZipFile=code, Publish=True)["FunctionArn"]
    seen = []
    for arn in (first, second, first):
        site.associate(large={"viewer-request": arn})
        seen.append(site.get("/x").body)
    assert seen == [b"one", b"two", b"one"]


def test_gzip_is_for_the_viewer_and_not_for_the_function(site: Site, lambdas: LambdaClient) -> None:
    source = PYTHON + (
        "    response = cf['response']\n"
        "    response['body'] = 'x' * 2000\n"
        "    response['headers']['content-type'] = [{'key': 'Content-Type', 'value': 'text/plain'}]\n"
        "    return response\n"
    )
    arn = deployed(lambdas, "long", source, Runtime="python3.12", Handler="index.handler")
    site.associate(large={"origin-response": arn})
    reply = site.get("/css/site.css", accept_encoding="gzip")
    assert (reply.headers["content-encoding"], gzip.decompress(reply.body)) == ("gzip", b"x" * 2000)
