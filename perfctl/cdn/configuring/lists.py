"""What CloudFront's lists are: items told apart by a key, sets, or values that are replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfctl.cdn.model.configuration import Shape

KEYS: Mapping[str, str] = {
    "Origins": "Id",
    "OriginGroups": "Id",
    "CacheBehaviors": "PathPattern",
    "CustomErrorResponses": "ErrorCode",
    "CustomHeaders": "HeaderName",
    "LambdaFunctionAssociations": "EventType",
    "FunctionAssociations": "EventType",
}
"""The lists that are merged item by item, and what tells their items apart."""
SETS = ("Aliases",)
"""The lists whose members are added, and removed by `remove`."""
ORDERED = ("CacheBehaviors",)
"""The lists whose order means something: the first pattern that matches takes the request."""
REMOVE = "remove"
HIDDEN = "(hidden)"


def identity(name: str, key: object) -> str:
    """What tells an item of a list from the others: names of headers and hosts in any case, a pattern's `/` or none.

    >>> identity("CustomHeaders", "X-Key") == identity("CustomHeaders", "x-key"), identity("CacheBehaviors", "api/*")
    (True, '/api/*')
    """
    text = str(key)
    if name == "CacheBehaviors":
        return text if text.startswith(("/", "*")) else f"/{text}"
    return text.lower() if name in ("CustomHeaders", "Aliases") else text


def is_listed(shape: Shape) -> bool:
    """Whether a structure is CloudFront's form of a list: `Quantity` and `Items`."""
    return shape.kind == "structure" and {"Quantity", "Items"} <= shape.members.keys()


def members_of(value: Any) -> list[Any]:
    """The items of CloudFront's form of a list."""
    return list((value or {}).get("Items") or [])


def listed(value: Mapping[str, Any], members: list[Any]) -> dict[str, Any]:
    """The same list with other members and its quantity; without any there is no `Items`, as CloudFront answers."""
    kept = {name: each for name, each in value.items() if name not in ("Quantity", "Items")}
    return {**kept, "Quantity": len(members), **({"Items": members} if members else {})}
