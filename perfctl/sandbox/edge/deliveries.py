"""Log deliveries: which distribution's log goes where, in which form - CloudWatch Logs' part in logs of version 2.

A delivery joins a source (a distribution) to a destination (a bucket, in JSON or W3C). Here every bucket is the one
log folder, see `bucket.py`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from perfctl.sandbox.edge.access_forms import ALL_FIELDS, Form, Record, form_of, safe_folder
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.http import Request, Response
from perfctl.sandbox.edge.identity import ACCOUNT
from perfctl.sandbox.edge.json_protocol import Json, body_of, json_reply
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.replies import check_caller

TARGET = "Logs_20140328."
FORMATS = {"json": "v2-json", "w3c": "v2-w3c"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_BUCKET_ARN = re.compile(r"arn:aws:s3:::([a-z0-9.-]{3,63})(?:/(.*))?")

_PROTOCOL = "1.1"


class Deliveries:
    """Answers the calls about deliveries; `forms` tells the access log what to write for a distribution."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._kept: dict[str, dict[str, Json]] = {
            kind: account.store.all(kind) for kind in ("delivery-source", "delivery-destination", "delivery")
        }
        self._forms: dict[str, list[Form]] = {}
        self._answers: dict[str, Callable[[Json], Json]] = {
            "PutDeliverySource": self._put_source,
            "PutDeliveryDestination": self._put_destination,
            "CreateDelivery": self._create,
            "GetDelivery": lambda body: {"delivery": self._get("delivery", body.get("id"))},
            "DescribeDeliverySources": lambda _: {"deliverySources": self._all("delivery-source")},
            "DescribeDeliveryDestinations": lambda _: {"deliveryDestinations": self._all("delivery-destination")},
            "DescribeDeliveries": lambda _: {"deliveries": self._all("delivery")},
            "DeleteDelivery": lambda body: self._delete("delivery", body.get("id")),
            "DeleteDeliverySource": lambda body: self._delete("delivery-source", body.get("name")),
            "DeleteDeliveryDestination": lambda body: self._delete("delivery-destination", body.get("name")),
        }
        self._reread()

    def forms(self, distribution_id: str) -> list[Form]:
        """One for each delivery of the distribution."""
        return self._forms.get(distribution_id, [])

    def buckets(self) -> set[str]:
        """Where they go."""
        arns = (
            held["deliveryDestinationConfiguration"]["destinationResourceArn"]
            for held in self._all("delivery-destination")
        )
        return {match[1] for arn in arns if (match := _BUCKET_ARN.fullmatch(arn))}

    def is_asked(self, request: Request) -> bool:
        return (request.headers.get("x-amz-target") or "").startswith(TARGET)

    def handle(self, request: Request) -> Response:
        operation = (request.headers.get("x-amz-target") or "").removeprefix(TARGET)
        try:
            check_caller(request, self._account.access_key, unknown="UnrecognizedClientException")
            self._account.dice.strike(f"logs:{operation}", changes=not operation.startswith(("Get", "Describe")))
            answer = self._answers.get(operation)
            if answer is None:
                raise ServiceProblem("UnknownOperationException", f"No such operation: {operation[:80]}")
            return json_reply(
                200,
                answer(body_of(request, ServiceProblem("ValidationException", "The body is not a JSON object."))),
                version=_PROTOCOL,
            )
        except ServiceProblem as problem:
            return json_reply(problem.status, {"__type": problem.code, "message": problem.message}, version=_PROTOCOL)

    # -- the calls ----------------------------------------------------------------------------------------------

    def _put_source(self, body: Json) -> Json:
        name, arn = _name(body), str(body.get("resourceArn"))
        identity = arn.rpartition("distribution/")[2]
        if body.get("logType") != "ACCESS_LOGS" or f"cloudfront::{ACCOUNT}:distribution/" not in arn:
            raise ServiceProblem("ValidationException", "The local CloudFront has ACCESS_LOGS of distributions.")
        if identity not in {known.identity for known in self._account.distributions.all()}:
            raise ServiceProblem("ResourceNotFoundException", f"The resource does not exist: {arn[:200]}.")
        source = {
            "name": name,
            "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-source:{name}",
            "resourceArns": [arn],
            "service": "cloudfront",
            "logType": "ACCESS_LOGS",
        }
        return {"deliverySource": self._put("delivery-source", name, source)}

    def _put_destination(self, body: Json) -> Json:
        name, config = _name(body), body.get("deliveryDestinationConfiguration")
        bucket = str(config.get("destinationResourceArn")) if isinstance(config, dict) else ""
        if _BUCKET_ARN.fullmatch(bucket) is None or body.get("outputFormat") not in FORMATS:
            formats = ", ".join(FORMATS)
            raise ServiceProblem("ValidationException", f"The local CloudFront writes {formats} to buckets of S3.")
        destination = {
            "name": name,
            "arn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-destination:{name}",
            "deliveryDestinationType": "S3",
            "outputFormat": body["outputFormat"],
            "deliveryDestinationConfiguration": {"destinationResourceArn": bucket},
        }
        return {"deliveryDestination": self._put("delivery-destination", name, destination)}

    def _create(self, body: Json) -> Json:
        source = self._get("delivery-source", body.get("deliverySourceName"))
        destination = self._destination(body.get("deliveryDestinationArn"))
        pair = (source["name"], destination["arn"])
        if any((held["deliverySourceName"], held["deliveryDestinationArn"]) == pair for held in self._all("delivery")):
            raise ServiceProblem("ConflictException", "Delivery already exists.")
        settings = body.get("s3DeliveryConfiguration") or {}
        delivery = {
            "id": uuid.uuid4().hex[:16],
            "deliverySourceName": source["name"],
            "deliveryDestinationArn": destination["arn"],
            "deliveryDestinationType": "S3",
            "recordFields": _checked_fields(body.get("recordFields")),
            "s3DeliveryConfiguration": {"suffixPath": str(settings.get("suffixPath", ""))},
        }
        delivery["arn"] = f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery:{delivery['id']}"
        return {"delivery": self._put("delivery", str(delivery["id"]), delivery)}

    def _delete(self, kind: str, identity: object) -> Json:
        held = self._get(kind, identity)
        if kind != "delivery" and any(
            held["arn"] == delivery["deliveryDestinationArn"] or held["name"] == delivery["deliverySourceName"]
            for delivery in self._all("delivery")
        ):
            raise ServiceProblem("ConflictException", "It is used by a delivery.")
        del self._kept[kind][str(identity)]
        self._account.store.delete(kind, str(identity))
        self._reread()
        return {}

    # -- what is kept -------------------------------------------------------------------------------------------

    def _all(self, kind: str) -> list[Json]:
        return list(self._kept[kind].values())

    def _get(self, kind: str, identity: object) -> Json:
        found = self._kept[kind].get(str(identity))
        if found is None:
            raise ServiceProblem("ResourceNotFoundException", f"Requested {kind} does not exist: {identity!r:.80}.")
        return found

    def _destination(self, arn: object) -> Json:
        for held in self._all("delivery-destination"):
            if held["arn"] == arn:
                return held
        raise ServiceProblem("ResourceNotFoundException", f"Requested destination does not exist: {arn!r:.120}.")

    def _put(self, kind: str, identity: str, value: Json) -> Json:
        self._kept[kind][identity] = value
        self._account.store.put(kind, identity, value)
        self._reread()
        return value

    def _reread(self) -> None:
        self._forms = {}
        for delivery in self._all("delivery"):
            source = self._kept["delivery-source"][delivery["deliverySourceName"]]
            destination = self._destination(delivery["deliveryDestinationArn"])
            identity = source["resourceArns"][0].rpartition("/")[2]
            self._forms.setdefault(identity, []).append(_form(delivery, destination))


def _form(delivery: Json, destination: Json) -> Form:
    match = _BUCKET_ARN.fullmatch(destination["deliveryDestinationConfiguration"]["destinationResourceArn"])
    prefix = (match[2] if match else "") or ""
    suffix = delivery["s3DeliveryConfiguration"]["suffixPath"]

    def folder(record: Record) -> str:
        return safe_folder(f"{prefix}/AWSLogs/{ACCOUNT}/CloudFront/{_filled(suffix, record)}")

    return form_of(FORMATS[destination["outputFormat"]], tuple(delivery["recordFields"]), folder)


def _filled(suffix: str, record: Record) -> str:
    """`{DistributionId}/{yyyy}/{MM}` with the record's own."""
    moment = datetime.fromtimestamp(record.at, UTC)
    words = {"distributionid": record.distribution_id, "accountid": ACCOUNT}
    words |= {"yyyy": f"{moment:%Y}", "MM": f"{moment:%m}", "dd": f"{moment:%d}", "HH": f"{moment:%H}"}
    return re.sub(r"{(\w+)}", lambda found: words.get(found[1], words.get(found[1].lower(), "")), suffix)


def _checked_fields(wanted: object) -> list[str]:
    if not wanted:
        return list(ALL_FIELDS)
    if not isinstance(wanted, list) or any(name not in ALL_FIELDS for name in wanted):
        raise ServiceProblem("ValidationException", f"recordFields are some of {', '.join(ALL_FIELDS)}.")
    return wanted


def _name(body: Json) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ServiceProblem("ValidationException", f"{name!r:.80} is no name of 1 to 60 letters, digits, _ and -.")
    return name
