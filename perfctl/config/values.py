"""A node or a text becomes the value of a field, or a fault that says what is accepted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from perfctl.config.addresses import address_fault, without_password
from perfctl.config.fault import Fault, Mark, did_you_mean, shortened
from perfctl.config.fields import Field, fields_of
from perfctl.config.nodes import Mapping, Node, Scalar, Sequence
from perfctl.config.secret import KINDS, Secret, redact_url, remember
from perfctl.errors import UsageError
from perfctl.units import parse_duration

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})?(?:\.[0-9]{0,17})?(?:[eE][-+]?[0-9]{1,3})?")
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")
_FAULT_LIMIT = 200


class Unusable:
    """Stands for a value that is not there or not right; the fault is with the others."""


UNUSABLE = Unusable()


class Findings:
    """What came up while one source was read."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[str] = []

    def fault(self, where: object, message: str, hint: str | Callable[[], str | None] | None = None) -> Unusable:
        """Note a fault, up to a limit; the hint may be a function, so that it is looked for only then."""
        if len(self.faults) < _FAULT_LIMIT:
            self.faults.append(Fault(str(where), message, hint() if callable(hint) else hint))
        return UNUSABLE


def entries(node: Mapping, known: tuple[str, ...] | None, path: str, found: Findings) -> Iterator[tuple[Scalar, Node]]:
    """The usable keys of a mapping with their values. Faults: no text, twice, a merge, unknown."""
    seen: dict[str, Mark] = {}
    for key, value in node.pairs:
        name = _key(key, path, found)
        if name is None:
            continue
        if name.text in seen:
            found.fault(name.mark, f"{_joined(path, name.text)} stands twice, first at {seen[name.text]}", "keep one")
            continue
        seen[name.text] = name.mark
        if known is not None and name.text not in known:
            shown = shortened(name.text)
            place = f" in {path}" if path else ""
            found.fault(name.mark, f"unknown key {shown}{place}", lambda n=name: did_you_mean(n.text, known))  # type: ignore[misc]
            continue
        yield name, value


def _key(key: Node, path: str, found: Findings) -> Scalar | None:
    place = f" in {path}" if path else ""
    if not isinstance(key, Scalar):
        found.fault(key.mark, f"a key{place} is not a text", "write key: value")
    elif key.kind == "merge":
        found.fault(key.mark, f"the merge key <<{place} is not supported", "contexts have extends: NAME")
    elif key.kind != "str":
        what = _YAML_WORDS.get(key.kind, key.kind)
        found.fault(key.mark, f"the key {shortened(key.text)}{place} is a {what} for YAML", f'write "{key.text}"')
    else:
        return key
    return None


def value_of(node: Node, wanted: Field, key: str, found: Findings, *, folder: Path) -> Any:
    """The value of a field in a file; None where it says null; UNUSABLE after a fault."""
    if isinstance(node, Scalar) and node.kind == "null":
        return None
    if wanted.kind == "secret":
        return _secret(node, key, found, folder)
    if wanted.kind in ("texts", "choices", "records"):
        return _list(node, wanted, key, found, folder)
    if not isinstance(node, Scalar):
        return found.fault(node.mark, f"{key}: a {_word(node)} is not {wanted.accepted}")
    if wanted.role == "path":
        return _path(node, wanted, key, found, folder)
    return _scalar(node, wanted, key, found)


def value_of_text(text: str, wanted: Field, key: str, where: str, found: Findings) -> Any:
    """The value of a field in a variable or flag: lists by commas, secrets as a reference to the variable."""
    if wanted.kind == "secret":
        return Secret("env", where.removeprefix("env "), where)
    if wanted.kind == "records":
        return found.fault(where, f"{key} cannot be given in a variable", "write it in a file")
    if wanted.kind in ("texts", "choices"):
        return _texts_of(text, wanted, key, where, found)
    if wanted.kind == "boolean":
        text = "true" if text.lower() in _TRUE else "false" if text.lower() in _FALSE else text
    kind = "str" if wanted.kind in ("text", "choice") else "bool" if text in ("true", "false") else "int"
    return _checked(text, kind, wanted, key, where, found)


def _texts_of(text: str, wanted: Field, key: str, where: str, found: Findings) -> Any:
    items = tuple(item.strip() for item in text.split(",") if item.strip())
    checked = [_item(item, wanted, key, where, found) for item in items]
    return UNUSABLE if UNUSABLE in checked else items


def _scalar(node: Scalar, wanted: Field, key: str, found: Findings) -> Any:
    return _checked(node.text, node.kind, wanted, key, str(node.mark), found)


def _checked(text: str, kind: str, wanted: Field, key: str, where: str, found: Findings) -> Any:
    """A text as the field's kind, within its range; `kind` is what YAML takes it for."""
    if wanted.kind in ("text", "choice"):
        return _text(text, kind, wanted, key, where, found)
    if wanted.kind == "boolean":
        if kind == "bool" and text in ("true", "false"):
            return text == "true"
        return found.fault(where, _is_not(key, text, wanted), lambda: _boolean_hint(text))
    number = _number(text, kind, wanted)
    if number is None:
        return found.fault(where, _is_not(key, text, wanted), lambda: _number_hint(text, kind, wanted))
    if (wanted.low is not None and number < wanted.low) or (wanted.high is not None and number > wanted.high):
        return found.fault(where, _is_not(key, text, wanted))
    return number


def _number(text: str, kind: str, wanted: Field) -> float | None:
    if kind not in ("int", "float"):
        return None
    if wanted.kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else None
    if not _NUMBER.fullmatch(text) or not any(character.isdigit() for character in text):
        return None
    number = float(text)
    return int(text) if _INTEGER.fullmatch(text) else number if math.isfinite(number) else None


def _boolean_hint(text: str) -> str | None:
    if text.lower() in (*_TRUE, *_FALSE):
        return f"did you mean {'true' if text.lower() in _TRUE else 'false'}?"
    return None


def _number_hint(text: str, kind: str, wanted: Field) -> str | None:
    if kind == "str" and (_INTEGER.fullmatch(text) or _NUMBER.fullmatch(text)):
        return "write it without quotes"
    if kind == "int" and ":" in text:
        return "YAML reads this as a number of base 60; write the number out"
    if kind == "int" and text.lstrip("+-").startswith("0"):
        return f"YAML reads this as octal or hexadecimal; did you mean {text.lstrip('+-0') or '0'}?"
    scale = {"seconds": 1, "ms": 1000}.get(wanted.name.rpartition("_")[2])
    try:
        return f"did you mean {parse_duration(text, where='') * scale:g}?" if scale else None
    except UsageError:
        return None


def _text(text: str, kind: str, wanted: Field, key: str, where: str, found: Findings) -> Any:
    if kind != "str":
        what = "octal for YAML" if re.fullmatch(r"0[0-7]+", text) else f"a {_YAML_WORDS.get(kind, kind)} for YAML"
        return found.fault(where, f"{key}: {_shown(key, text)} is {what}, not {wanted.accepted}", f'write "{text}"')
    return _item(text, wanted, key, where, found)


def _item(text: str, wanted: Field, key: str, where: str, found: Findings) -> Any:
    """A text that is one of the choices, or that may be a text of this field."""
    if wanted.choices:
        if text in wanted.choices:
            return text
        return found.fault(where, _is_not(key, text, wanted), lambda: _near(text, wanted.choices))
    if not text.strip() or not text.isprintable():
        problem = "is empty" if not text.strip() else "holds characters that are not printable"
        return found.fault(where, f"{key}: {_shown(key, text)} {problem}", "leave the key out, or write another")
    fault = address_fault(key, text)
    return found.fault(where, f"{key}: {_shown(key, text)} {fault[0]}", fault[1]) if fault else text


_YAML_WORDS = {"int": "number", "float": "number", "bool": "truth value", "timestamp": "date"}


def _list(node: Node, wanted: Field, key: str, found: Findings, folder: Path) -> Any:
    if not isinstance(node, Sequence):
        return found.fault(node.mark, f"{key}: a {_word(node)} is not {wanted.accepted}", "write [one, two]")
    items = [_list_item(item, wanted, f"{key}[{i}]", found, folder) for i, item in enumerate(node.items)]
    return UNUSABLE if any(item is UNUSABLE for item in items) else tuple(items)


def _list_item(node: Node, wanted: Field, key: str, found: Findings, folder: Path) -> Any:
    if wanted.record is not None:
        return _record(node, wanted.record, key, found, folder)
    if not isinstance(node, Scalar):
        return found.fault(node.mark, f"{key}: a {_word(node)} is not a text")
    if node.kind != "str":
        return found.fault(node.mark, f"{key}: {_shown(key, node.text)} is not a text", "write it in quotes")
    password = without_password(node.text)[1]
    if password is not None:
        remember(password)
        found.warnings.append(_in_the_open(node.mark, key))
    return _item(node.text, wanted, key, str(node.mark), found)


def _record(node: Node, record: type, key: str, found: Findings, folder: Path) -> Any:
    if not isinstance(node, Mapping):
        return found.fault(node.mark, f"{key}: a {_word(node)} is not a mapping")
    known = fields_of(record)
    values = {
        name.text: value_of(value, known[name.text], f"{key}.{name.text}", found, folder=folder)
        for name, value in entries(node, tuple(known), key, found)
    }
    given = {name: value for name, value in values.items() if value is not None}
    return UNUSABLE if any(value is UNUSABLE for value in given.values()) else record(**given)


def _path(node: Scalar, wanted: Field, key: str, found: Findings, folder: Path) -> Any:
    text = _scalar(node, wanted, key, found)
    return text if isinstance(text, Unusable) else str(absolute(text, folder))


def absolute(path: str, folder: Path) -> Path:
    """A path of a file, seen from the folder in which the file stands; `~` is the user's home."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:
        return folder / path


def _secret(node: Node, key: str, found: Findings, folder: Path) -> Any:
    if isinstance(node, Scalar):
        return _literal(node, key, found)
    if not isinstance(node, Mapping) or len(node.pairs) != 1:
        return found.fault(node.mark, f"{key}: this is not a reference", f"write one of {_REFERENCES}")
    pairs = list(entries(node, None, key, found))
    if pairs and pairs[0][0].text not in KINDS:
        return found.fault(pairs[0][0].mark, f"{key}: no such kind of reference", lambda: _kind_hint(pairs[0][0].text))
    return _reference(*pairs[0], key, found, folder) if pairs else UNUSABLE


def _kind_hint(word: str) -> str:
    """The nearest kind; the word itself is not shown, as it may be the secret."""
    hint = did_you_mean(word, KINDS)
    return hint if hint.startswith("did you") else f"write one of {_REFERENCES}"


def _literal(node: Scalar, key: str, found: Findings) -> Any:
    if node.kind != "str":
        return found.fault(node.mark, f"{key}: the value is not a text for YAML", "write it in quotes, or a reference")
    if not node.text:
        return None
    found.warnings.append(_in_the_open(node.mark, key))
    return Secret("literal", node.text, str(node.mark))


def _reference(kind: Scalar, value: Node, key: str, found: Findings, folder: Path) -> Any:
    where = str(value.mark)
    if kind.text in ("rds_iam", "elasticache_iam"):
        if isinstance(value, Scalar) and value.text == "true" and value.kind == "bool":
            return Secret("rds_iam" if kind.text == "rds_iam" else "elasticache_iam", "", where)
        return found.fault(where, f"{key}.{kind.text}: the value is not true", f"write {{{kind.text}: true}}")
    if kind.text == "command":
        return _command(value, key, found)
    if not isinstance(value, Scalar) or value.kind != "str" or not value.text or "\0" in value.text:
        return found.fault(where, f"{key}.{kind.text}: the value is not a text", f"write one of {_REFERENCES}")
    if kind.text == "env":
        return Secret("env", value.text, where)
    if kind.text == "file":
        return Secret("file", str(absolute(value.text, folder)), where)
    return Secret("aws_secret", value.text, where)


def _command(value: Node, key: str, found: Findings) -> Any:
    words = value.items if isinstance(value, Sequence) else ()
    texts = tuple(word.text for word in words if isinstance(word, Scalar) and word.kind == "str")
    if not texts or len(texts) != len(words) or any("\0" in text for text in texts):
        return found.fault(
            value.mark, f"{key}.command: the value is not a list of texts", "write {command: [program, argument]}"
        )
    return Secret("command", texts, str(value.mark))


_REFERENCES = (
    "{env: NAME}, {file: PATH}, {command: [program, argument]}, {aws_secret: ARN}, {rds_iam: true}, "
    "{elasticache_iam: true}"
)


def _in_the_open(where: object, key: str) -> str:
    return f"{where}: {key} holds a secret in the open; write a reference such as {{env: NAME}} or {{file: PATH}}"


def _is_not(key: str, text: str, wanted: Field) -> str:
    return f"{key}: {_shown(key, text)} is not {wanted.accepted}"


def _shown(key: str, text: str) -> str:
    return shortened(redact_url(text))


def _near(text: str, choices: tuple[str, ...]) -> str | None:
    hint = did_you_mean(text, choices)
    return hint if hint.startswith("did you") else None


def _word(node: Node) -> str:
    return "list" if isinstance(node, Sequence) else "mapping" if isinstance(node, Mapping) else "single value"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
