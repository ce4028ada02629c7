"""What differs between two configurations, value by value, items by what tells them apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from perfctl.cdn.configuring.lists import HIDDEN, KEYS, ORDERED, SETS, identity, members_of
from perfctl.cdn.model.configuration import Change


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every value that is added, changed or removed, in CloudFront's order; the values of secret headers are hidden."""
    return tuple(_structures(before, after, ""))


def _structures(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        if name == "Quantity":
            continue
        yield from _values(name, before.get(name), after.get(name), f"{path}.{name}" if path else name)


def _values(name: str, before: Any, after: Any, path: str) -> Iterator[Change]:
    if before == after or (_is_nothing(before) and _is_nothing(after)):
        return
    if name in KEYS and isinstance(before or after, dict):
        yield from _keyed(name, members_of(before), members_of(after), path)
    elif name in SETS:
        yield from _sets(members_of(before), members_of(after), path)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _structures(before, after, path)
    elif name == "HeaderValue":
        yield _change(path, None if before is None else HIDDEN, None if after is None else HIDDEN)
    else:
        yield _change(path, _told(before), _told(after))


def _keyed(name: str, before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    key = KEYS[name]
    old, new = ({identity(name, one[key]): one for one in each} for each in (before, after))
    for each in dict.fromkeys([*old, *new]):
        place = f"{path}[{(new.get(each) or old[each])[key]}]"
        if each in old and each in new:
            yield from _structures(old[each], new[each], place)
        else:
            yield _change(place, _told(old.get(each)), _told(new.get(each)))
    kept_before, kept_after = [each for each in old if each in new], [each for each in new if each in old]
    if name in ORDERED and kept_before != kept_after:
        yield Change("changed", f"{path} (order)", ", ".join(kept_before), ", ".join(kept_after))


def _sets(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    for each in before:
        if each not in after:
            yield Change("removed", f"{path}[{each}]", str(each), None)
    for each in after:
        if each not in before:
            yield Change("added", f"{path}[{each}]", None, str(each))


def _change(path: str, before: str | None, after: str | None) -> Change:
    kind = "added" if before is None else "removed" if after is None else "changed"
    return Change(kind, path, before, after)  # type: ignore[arg-type]


def _told(value: Any) -> str | None:
    """A value on one line: of CloudFront's lists the members, of an item what is set, of headers no values."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(_plain(value), ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() <= {"Quantity", "Items"}:
            return [_plain(one) for one in members_of(value)]
        named = {name: each for name, each in value.items() if not (_is_nothing(each) or each is False)}
        return {name: HIDDEN if name == "HeaderValue" else _plain(each) for name, each in named.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _is_nothing(value: Any) -> bool:
    """What CloudFront does not tell apart: absent, an empty text, an empty list."""
    nobody: tuple[Any, ...] = ({"Quantity": 0}, {"Quantity": 0, "Items": []}, {"Enabled": False, "Quantity": 0})
    return value is None or value == "" or value in nobody
