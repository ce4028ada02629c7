# perfctl: runtime=python trigger=origin-response
"""Answers of a public API that say nothing about caching are kept for a moment, and served stale while they are fetched
anew or while the origin is ill. An answer that says how it is to be cached, sets a cookie, or was asked for with
credentials is left as it is."""

from typing import Any

FRESH_SECONDS = 5
STALE_SECONDS = 30
ILL_SECONDS = 3600
KEPT = ("200", "203", "300", "301", "404", "410")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    record: dict[str, Any] = event["Records"][0]["cf"]
    request, response = record["request"], record["response"]
    headers = response["headers"]
    if is_public(request, response) and not {"cache-control", "expires", "pragma", "set-cookie"} & headers.keys():
        value = (
            f"public, max-age=0, s-maxage={FRESH_SECONDS}, "
            f"stale-while-revalidate={STALE_SECONDS}, stale-if-error={ILL_SECONDS}"
        )
        headers["cache-control"] = [{"key": "Cache-Control", "value": value}]
    return dict(response)


def is_public(request: dict[str, Any], response: dict[str, Any]) -> bool:
    """Whether nobody in particular asked, and the answer may be kept."""
    is_read = request["method"] in ("GET", "HEAD")
    return bool(is_read and response["status"] in KEPT and not {"authorization", "cookie"} & request["headers"].keys())
