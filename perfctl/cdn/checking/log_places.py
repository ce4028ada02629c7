"""Where a distribution's logs go, and what they tell of its viewers; the shapes of CloudWatch Logs stay in here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perfctl.cdn.background import in_background
from perfctl.cdn.cloudfront import ControlPlane, is_aws
from perfctl.errors import MissingExtraError, PerfctlError

if TYPE_CHECKING:
    from perfctl.cdn.services import Services

_REGION_OF_DELIVERIES = "us-east-1"
"""CloudFront's deliveries are there alone; another region's list would be empty, and mean nothing."""
MOST_REQUESTS = 500_000
"""Requests of the logs that are enough to say where viewers are."""

_CLASS_100 = "US CA MX AT BE BG HR CZ DK EE FI FR DE GR HU IE IL IT LV LT LU NL NO PL PT RO SK SI ES SE CH TR UA GB IS"
_CLASS_ALL = "AR BO BR CL CO EC GY PE PY SR UY VE AU NZ FJ PG"
_AIRPORTS_ALL = "GRU GIG FOR POA CNF CWB BSB SCL EZE BOG LIM SYD MEL PER BNE AKL"
_AIRPORTS_200 = (
    "NRT KIX HND TPE ICN SIN KUL BKK HKG MNL CGK SGN HAN DAC BOM DEL MAA BLR HYD CCU PNQ AMD CMB CAI JNB CPT LOS NBO "
    "DXB FJR RUH JED BAH DOH MCT"
)
_BY_COUNTRY: Mapping[str, str] = dict.fromkeys(_CLASS_100.split(), "100") | dict.fromkeys(_CLASS_ALL.split(), "All")
_BY_AIRPORT: Mapping[str, str] = dict.fromkeys(_AIRPORTS_200.split(), "200") | dict.fromkeys(
    _AIRPORTS_ALL.split(), "All"
)


def answers_for_logs(control: ControlPlane) -> bool:
    """Whether CloudWatch Logs is there to be asked: beside AWS itself, or where somebody says."""
    return is_aws(control.endpoint) or bool({"AWS_ENDPOINT_URL_LOGS", "AWS_ENDPOINT_URL"} & os.environ.keys())


async def deliveries_of(services: Callable[[], Awaitable[Services]], distribution_id: str) -> tuple[str, ...] | None:
    """Where standard logs v2 of a distribution are delivered; None where that may not be read or is not known here."""

    def asked(client: Any) -> tuple[str, ...] | None:
        if client.meta.region_name != _REGION_OF_DELIVERIES:
            return None
        sources = [
            source["name"]
            for page in client.get_paginator("describe_delivery_sources").paginate()
            for source in page.get("deliverySources", [])
            if any(arn.endswith(f"distribution/{distribution_id}") for arn in source.get("resourceArns", []))
        ]
        return tuple(
            str(delivery.get("deliveryDestinationArn", ""))
            for page in client.get_paginator("describe_deliveries").paginate()
            for delivery in page.get("deliveries", [])
            if delivery.get("deliverySourceName") in sources
        )

    try:
        return await (await services()).ask("logs", "logs describe-deliveries", asked)
    except PerfctlError:
        return None


async def viewers_of(places: Sequence[str], services: Callable[[], Awaitable[Services]]) -> Mapping[str, float] | None:
    """Requests of the access logs by the cheapest price class that covers where they came from.

    By the viewer's country where the log has it (v2), else by the edge location that answered, which within a price
    class is never outside of it. None where the logs cannot be read.
    """
    try:
        asked = await services() if any(place.startswith("s3://") for place in places) else None
        return await in_background(lambda: _counted(places, asked))
    except (PerfctlError, MissingExtraError):
        return None


def _counted(places: Sequence[str], services: Services | None) -> Mapping[str, float]:
    import numpy as np

    from perfctl.cdn.logs.columns import read
    from perfctl.cdn.logs.locations import files_of

    found: Counter[str] = Counter()
    for source in files_of(places, services):
        for block in read(source):
            name = "c-country" if block.has("c-country") else "x-edge-location"
            codes, labels = block.codes(name)
            for label, number in zip(labels, np.bincount(codes, minlength=len(labels)).tolist(), strict=True):
                found[_price_class(label, name)] += number
            if found.total() >= MOST_REQUESTS:
                return {each: float(number) for each, number in found.items()}
    return {each: float(number) for each, number in found.items()}


def _price_class(label: bytes, name: str) -> str:
    text = label.decode("ascii", "replace").upper()
    return _BY_COUNTRY.get(text, "200") if name == "c-country" else _BY_AIRPORT.get(text[:3], "100")
