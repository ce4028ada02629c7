# perfctl: runtime=python trigger=origin-request
"""Each request goes to the origin that is cheapest for where it comes from: its latency, and what its traffic costs.

The origins stand in a custom header of the distribution's origin, for Lambda@Edge has no environment variables:

    X-Origins: eu.example.com EU=20,NA=95,AP=180 0.05; us.example.com EU=95,NA=20,AP=140 0.02

A name, milliseconds from each part of the world, dollars a GB. X-Ms-Per-Dollar says how many milliseconds a viewer may
wait longer to save a dollar a GB (default 500). Neither header is sent on. Without them, or where they cannot be read,
the request goes where it would have gone."""

import os
from typing import Any

DEFAULT_MS_PER_DOLLAR = 500.0
FAR_MS = 300.0
PARTS = {
    "EU": "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LT LU LV MT NL NO PL PT RO RS SE SI SK TR UA",
    "NA": "CA MX US",
    "SA": "AR BO BR CL CO EC PE PY UY VE",
    "AP": "AU BD CN HK ID IN JP KR MY NZ PH PK SG TH TW VN",
    "ME": "AE BH IL JO KW OM QA SA",
    "AF": "DZ EG ET GH KE MA NG TN TZ UG ZA",
}
PART_OF_COUNTRY = {country: part for part, countries in PARTS.items() for country in countries.split()}
PART_OF_REGION = {"us": "NA", "ca": "NA", "eu": "EU", "ap": "AP", "sa": "SA", "me": "ME", "il": "ME", "af": "AF"}


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request: dict[str, Any] = event["Records"][0]["cf"]["request"]
    custom = request.get("origin", {}).get("custom")
    if custom is None:
        return request
    headers = custom["customHeaders"]
    said, weight = taken(headers, "x-origins"), taken(headers, "x-ms-per-dollar")
    try:
        origins = parsed(said)
        ms_per_dollar = float(weight) if weight else DEFAULT_MS_PER_DOLLAR
    except ValueError as error:
        print(f"X-Origins is not understood: {error}")  # noqa: T201 - the log of Lambda
        return request
    if origins:
        part = part_of(request)
        chosen = min(origins, key=lambda origin: origin[1].get(part or "", FAR_MS) + origin[2] * ms_per_dollar)
        custom["domainName"] = chosen[0]
        request["headers"]["host"] = [{"key": "Host", "value": chosen[0]}]
    return request


def taken(headers: dict[str, Any], name: str) -> str:
    """A header's value; the header goes."""
    values = headers.pop(name, None)
    return str(values[0]["value"]) if values else ""


def parsed(said: str) -> list[tuple[str, dict[str, float], float]]:
    """Each origin's name, its latencies and its price. ValueError where the list is not of that form."""
    origins = []
    for entry in filter(None, map(str.strip, said.split(";"))):
        domain, latencies, dollars = entry.split()
        pairs = (pair.split("=") for pair in latencies.split(","))
        origins.append((domain, {part: float(ms) for part, ms in pairs}, float(dollars)))
    return origins


def part_of(request: dict[str, Any]) -> str | None:
    """The part of the world that the viewer, or else the edge, is in."""
    country = request["headers"].get("cloudfront-viewer-country")
    if country:
        return PART_OF_COUNTRY.get(country[0]["value"])
    return PART_OF_REGION.get(os.environ.get("AWS_REGION", "").partition("-")[0])
