"""EXPLAIN's XML and YAML, turned into the shape of its JSON form."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from perfctl.db.plans.checked import not_a_plan
from perfctl.db.plans.nodes import MAX_DEPTH, TEXTS
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_INSTEAD = "make it with FORMAT JSON, or without FORMAT"
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,20})?", re.ASCII)
_LISTS = frozenset(
    (
        "Plans",
        "Triggers",
        "Workers",
        "Target Tables",
        "Grouping Sets",
        "Group Keys",
        "Hash Keys",
        "Group Key",
        "Hash Key",
    )
)
_SPELLED = {
    "One Time Filter": "One-Time Filter",
    "Full sort Groups": "Full-sort Groups",
    "Pre sorted Groups": "Pre-sorted Groups",
}
_DEEPEST = 2 * MAX_DEPTH + 20
"""Elements under elements: a node stands in a list of its parent's."""


def from_xml(content: str) -> object:
    """The document of EXPLAIN (FORMAT XML). UsageError says at which line and column it is none."""
    declared = re.search("<!(?:DOCTYPE|ENTITY)", content)
    if declared:
        line = content.count("\n", 0, declared.start()) + 1
        raise UsageError(f"the plan's line {line} has a {declared[0][2:]}, which EXPLAIN prints none of", hint=_INSTEAD)
    from xml.etree.ElementTree import ParseError, fromstring

    try:
        root = fromstring(content.strip())  # noqa: S314 - entities are refused above
    except (ParseError, ValueError) as error:
        raise UsageError(f"the plan is not XML: {error}", hint=_INSTEAD) from error
    query = next((element for element in root.iter() if _name(element) == "Query"), root)
    return _mapping(query, 0)


def from_yaml(content: str) -> object:
    """The document of EXPLAIN (FORMAT YAML). UsageError says at which line and column it is none."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(content, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"the plan is not YAML: {said[:300]}", hint=_INSTEAD) from error
    except RecursionError as error:
        raise not_a_plan("$", "is nested too deeply") from error


def _mapping(element: Element, depth: int) -> dict[str, Any]:
    return {_name(child): _value(child, depth + 1) for child in element}


def _value(element: Element, depth: int) -> Any:
    name, text = _name(element), element.text or ""
    if depth > _DEEPEST:
        raise not_a_plan(name, "is nested too deeply")
    if name in _LISTS or (len(element) and all(_name(child) == "Item" for child in element)):
        return [_value(child, depth + 1) for child in element]
    if name == "Settings":
        return {child.tag.rpartition("}")[2]: child.text or "" for child in element}
    if len(element):
        return _mapping(element, depth)
    if name in TEXTS:
        return text
    if text in ("true", "false"):
        return text == "true"
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _name(element: Element) -> str:
    """The name as the JSON has it: EXPLAIN writes a hyphen for what a tag may not hold."""
    name = element.tag.rpartition("}")[2].replace("-", " ")
    return _SPELLED.get(name) or (f"{name.replace('I O ', 'I/O ')}" if "I O " in name else name)
