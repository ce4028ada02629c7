"""What a configuration becomes when a file is merged into it: item by item, pure, and complete enough to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from perfctl.cdn.configuring.lists import KEYS, ORDERED, REMOVE, SETS, identity, is_listed, listed, members_of
from perfctl.cdn.configuring.reading import Wanted
from perfctl.cdn.model.configuration import Shape
from perfctl.errors import UsageError

_OLD_TIMES = ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
"""What a behaviour may not have beside a cache policy."""
_NOBODY = {"Enabled": False, "Quantity": 0}
_NEW_BEHAVIOUR: Mapping[str, Any] = {
    "TrustedSigners": _NOBODY,
    "TrustedKeyGroups": _NOBODY,
    "AllowedMethods": {
        "Quantity": 2,
        "Items": ["HEAD", "GET"],
        "CachedMethods": {"Quantity": 2, "Items": ["HEAD", "GET"]},
    },
    "SmoothStreaming": False,
    "Compress": False,
    "LambdaFunctionAssociations": {"Quantity": 0},
    "FunctionAssociations": {"Quantity": 0},
    "FieldLevelEncryptionId": "",
}
_NEW_ORIGIN: Mapping[str, Any] = {
    "OriginPath": "",
    "CustomHeaders": {"Quantity": 0},
    "ConnectionAttempts": 3,
    "ConnectionTimeout": 10,
    "OriginShield": {"Enabled": False},
}
_CUSTOM: Mapping[str, Any] = {
    "HTTPPort": 80,
    "HTTPSPort": 443,
    "OriginProtocolPolicy": "https-only",
    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
    "OriginReadTimeout": 30,
    "OriginKeepaliveTimeout": 5,
}
_NEW: Mapping[str, Mapping[str, Any]] = {
    "CacheBehaviors": _NEW_BEHAVIOUR,
    "Origins": _NEW_ORIGIN,
    "CustomErrorResponses": {"ResponsePagePath": "", "ResponseCode": ""},
}
"""What a new item has where the file does not say: UpdateDistribution wants every field, as CloudFront defaults it."""


def merged(current: Mapping[str, Any], wanted: Wanted, shape: Shape, *, replace: bool = False) -> dict[str, Any]:
    """The configuration with the file's values; with `replace` the file's alone. UsageError for what cannot be sent."""
    reference = current.get("CallerReference")
    given = wanted.config.get("CallerReference", reference)
    if given != reference:
        raise _fault(wanted, "CallerReference", f"CallerReference is {reference!r} and cannot be changed")
    base = {"CallerReference": reference} if replace else deepcopy(dict(current))
    result = _Merge(wanted, completes=not replace).structure(base, wanted.config, shape, "")
    _check_required(result, shape, wanted, "")
    return result


class _Merge:
    """A file into a configuration; `completes`: a new item gets what the file does not say."""

    def __init__(self, wanted: Wanted, *, completes: bool) -> None:
        self._wanted = wanted
        self._completes = completes

    def structure(self, current: dict[str, Any], wanted: Mapping[str, Any], shape: Shape, path: str) -> dict[str, Any]:
        """Key by key; what the file does not name stays."""
        for name, value in wanted.items():
            below = f"{path}.{name}" if path else name
            member = shape.members.get(name)
            if name == REMOVE or member is None:
                continue
            if value is None:
                self._removed(current, name, member, shape, below)
            elif is_listed(member):
                current[name] = self._list(name, current.get(name) or {}, value, member, below)
            elif member.kind == "structure":
                current[name] = self.structure(dict(current.get(name) or {}), value, member, below)
            else:
                current[name] = value
        if wanted.get("CachePolicyId") and not wanted.get("ForwardedValues"):
            for name in _OLD_TIMES:
                current.pop(name, None)
        return current

    def _removed(self, current: dict[str, Any], name: str, member: Shape, shape: Shape, path: str) -> None:
        if name in shape.required:
            raise _fault(self._wanted, path, f"{path} is required by CloudFront and cannot be taken away")
        if is_listed(member) and name in current:
            current[name] = listed({}, [])
            return
        current.pop(name, None)

    def _list(self, name: str, current: Any, wanted: Mapping[str, Any], shape: Shape, path: str) -> dict[str, Any]:
        beside = {key: value for key, value in wanted.items() if key not in ("Items", REMOVE)}
        base = self.structure(dict(current), beside, shape, path)
        items = wanted.get("Items")
        if name in SETS:
            taken = {identity(name, one) for one in wanted.get(REMOVE) or ()}
            together: dict[str, Any] = {}
            for one in (*members_of(current), *(items or ())):
                together.setdefault(identity(name, one), one)
            return listed(base, [one for known, one in together.items() if known not in taken])
        if items is None:
            return listed(base, members_of(current) if "Items" not in wanted else [])
        if name not in KEYS:
            return listed(base, list(items))
        return listed(base, self._keyed(name, members_of(current), items, shape.members["Items"], path))

    def _keyed(self, name: str, current: list[Any], wanted: list[Any], shape: Shape, path: str) -> list[Any]:
        key, member = KEYS[name], shape.member or Shape("structure")
        result = {identity(name, one[key]): one for one in current}
        for one in wanted:
            known, place = identity(name, one[key]), f"{path}[{one[key]}]"
            if one.get(REMOVE):
                result.pop(known, None)
                continue
            base = dict(result[known]) if known in result else _started(name, one) if self._completes else {}
            result[known] = self.structure(base, one, member, place)
        order = [identity(name, one[key]) for one in wanted if not one.get(REMOVE)]
        before = [identity(name, one[key]) for one in current]
        names = _ordered(list(result), before, order) if name in ORDERED else list(result)
        return [result[each] for each in names]


def _started(name: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A new item as CloudFront would default it, before the file's values."""
    base = deepcopy(dict(_NEW.get(name, {})))
    if name == "Origins" and not {"S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig"} & wanted.keys():
        is_s3 = ".s3." in str(wanted.get("DomainName")) or ".s3-" in str(wanted.get("DomainName"))
        base |= (
            {"S3OriginConfig": {"OriginAccessIdentity": ""}}
            if is_s3
            else {"CustomOriginConfig": deepcopy(dict(_CUSTOM))}
        )
    elif name == "Origins" and "CustomOriginConfig" in wanted:
        base["CustomOriginConfig"] = deepcopy(dict(_CUSTOM))
    return base


def _ordered(names: list[str], before: list[str], wanted: list[str]) -> list[str]:
    """Those of the file in the file's order, in the places that they had; a new one before the next that was there."""
    listed_old = iter([name for name in wanted if name in before])
    result = [next(listed_old) if name in wanted else name for name in before if name in names]
    for at, name in enumerate(wanted):
        if name not in before:
            following = next((each for each in wanted[at + 1 :] if each in before), None)
            result.insert(len(result) if following is None else result.index(following), name)
    return result


def _check_required(config: Mapping[str, Any], shape: Shape, wanted: Wanted, path: str) -> None:
    """UsageError for a required value that neither the distribution nor the file has."""
    for name in shape.required:
        if name not in config and name not in ("Quantity", "Items"):
            raise _fault(wanted, path, f"{path or 'the configuration'} has no {name}, which CloudFront requires")
    for name, value in config.items():
        member = shape.members.get(name)
        below = f"{path}.{name}" if path else name
        if member is None or member.kind != "structure" or not isinstance(value, dict):
            continue
        _check_required(value, member, wanted, below)
        if is_listed(member) and (each := member.members["Items"].member) and each.kind == "structure":
            for one in members_of(value):
                _check_required(one, each, wanted, f"{below}[{one.get(KEYS.get(name, ''), '')}]")


def _fault(wanted: Wanted, path: str, message: str) -> UsageError:
    where = wanted.places.get(path) or wanted.places.get(path.rpartition(".")[0]) or wanted.file
    return UsageError(f"{where}: {message}", hint="perfctl cdn diff FILE shows what a file changes", where=where)
