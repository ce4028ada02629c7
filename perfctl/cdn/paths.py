"""Which items an invalidation sends: encoded as CloudFront asks, checked, without what another item covers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from perfctl.errors import UsageError

MOST_EXACT = 3000
"""Exact paths and tags that may be in progress at once for a distribution."""
MOST_WILDCARDS = 15
"""Wildcards that may be in progress at once for a distribution; counted apart from exact paths."""
LONGEST_PATH = 4000
LONGEST_TAG = 256
ITEM_PRICE_USD = 0.005
"""Beyond the first 1,000 items of a month and account; a wildcard or a tag counts as one item."""

_UNSAFE = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^!-~]|[<>\"#{}|\\^~\[\]`]")
"""What RFC 1738, section 2.2, wants encoded; a `%` stays where it already encodes a byte."""
_PLAIN = bytes(byte for byte in range(33, 127) if chr(byte) not in '%<>"#{}|\\^~[]`') + b"\n"
_BARE_PERCENT = re.compile(b"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Asked:
    """A path as the caller wrote it, and where: an argument or `file:line`."""

    text: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """What will be sent; together the items cover every path and tag that was asked for."""

    exact: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """With their `#`."""
    dropped: int = 0
    """How many were asked twice, or lie under a wildcard of the same call."""

    @property
    def all(self) -> tuple[str, ...]:
        """Every item, the wildcards first: they take effect soonest when sent in several rounds."""
        return (*self.wildcards, *self.exact, *self.tags)

    @property
    def cost_usd(self) -> float:
        """What the items cost when the month's free ones are used up."""
        return round(len(self.all) * ITEM_PRICE_USD, 6)

    @property
    def rounds(self) -> int:
        """How many batches the service's limits make of it."""
        return sum(1 for _ in batches(self))


def plan(paths: Iterable[Asked | str], tags: Iterable[str] = ()) -> Items:
    """The items that cover all paths and tags. UsageError lists everything that cannot be sent.

    >>> plan(["/img/*", "/img/a.png", "/é"]).all
    ('/img/*', '/%C3%A9')
    """
    asked = [path if isinstance(path, Asked) else Asked(path) for path in paths]
    faults: list[str] = []
    sendable = list(_collected((_located(path) for path in asked), faults))
    named = list(_collected(((tag, "--tag", encode_tag) for tag in tags), faults))
    if faults:
        raise _unusable(faults)
    kept = uncovered(sendable)
    unique_tags = tuple(dict.fromkeys(named))
    return Items(
        exact=tuple(item for item in kept if not is_wildcard(item)),
        wildcards=tuple(item for item in kept if is_wildcard(item)),
        tags=unique_tags,
        dropped=len(sendable) + len(named) - len(kept) - len(unique_tags),
    )


def encode_path(text: str) -> str:
    """The path as CloudFront wants it: non-ASCII and RFC 1738's unsafe characters percent-encoded, nothing else.

    UsageError where it does not start with `/`, has a `*` before its end, or is longer than 4,000 characters.

    >>> encode_path("/a b/~c%20d?x=1")
    '/a%20b/%7Ec%20d?x=1'
    """
    encoded = encode_key(text)
    if "*" in encoded[:-1]:
        before = encoded[: encoded.index("*") + 1]
        raise UsageError(f"{_short(text)}: * stands only at the end", hint=f"{_short(before)} covers it, and more")
    if len(encoded) > LONGEST_PATH:
        raise UsageError(
            f"{_short(text)}: {len(encoded)} characters, over {LONGEST_PATH}", hint="end it earlier with a *"
        )
    return encoded


def encode_key(text: str) -> str:
    """A cache key, byte by byte what it is, as CloudFront wants it written; a `*` in it is a `*`. UsageError where it
    does not start with `/`.

    >>> encode_key("/a b/*")
    '/a%20b/*'
    """
    if not text.startswith("/"):
        raise _without_slash(text)
    return _encoded(text)


def encode_keys(keys: Sequence[str]) -> Sequence[str]:
    """Each key as `encode_key` writes it; a million of them in a second, and those that stay as they are at once.

    >>> encode_keys(["/a?b=c%20d", "/~a"])
    ['/a?b=c%20d', '/%7Ea']
    """
    try:
        text = "\n".join(keys).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        text = b""
    if text.count(b"\n") != len(keys) - 1 or not all(key.startswith("/") for key in keys):
        return [encode_key(key) for key in keys]
    encoded = _BARE_PERCENT.sub(b"%25", text)
    for byte in set(encoded.translate(None, _PLAIN + b"%")):
        encoded = encoded.replace(bytes((byte,)), b"%%%02X" % byte)
    return keys if encoded == text else encoded.decode("ascii").split("\n")


def as_asked(logged: str) -> str:
    """A path or query as a viewer asked for it, of what an access log says: that escapes its `%` and `'` besides.

    >>> as_asked("/%25C3%25A9/it%27s")
    "/%C3%A9/it's"
    """
    return logged.replace("%27", "'").replace("%25", "%")


def encode_tag(text: str) -> str:
    """The tag with its `#`, in lower case: tags know no case. UsageError where CloudFront takes none such.

    >>> encode_tag("Product-7")
    '#product-7'
    """
    tag = text.removeprefix("#")
    if not tag or len(tag) > LONGEST_TAG:
        raise UsageError(f"tag {_short(text)}: a tag has 1 to {LONGEST_TAG} characters", where="--tag")
    if any(not 33 <= ord(character) <= 126 or character in ",*" for character in tag):
        raise UsageError(
            f"tag {_short(text)}: visible ASCII characters only, no comma and no *", hint="wildcards are for paths"
        )
    return "#" + tag.lower()


def is_tag(text: str) -> bool:
    """Whether CloudFront takes it for a tag, without a `#`."""
    try:
        return encode_tag(text) == f"#{text}"
    except UsageError:
        return False


def is_wildcard(item: str) -> bool:
    """Whether the item stands for all that begins with it."""
    return item.startswith("/") and item.endswith("*")


def covers(items: Items, path: str) -> bool:
    """Whether sending the items invalidates this (encoded) path or wildcard."""
    return path in items.exact or any(path.startswith(item[:-1]) for item in items.wildcards)


def batches(items: Items) -> Iterator[tuple[str, ...]]:
    """The items in rounds of at most 15 wildcards, and 3,000 in all: a batch may not be larger."""
    counted = iter((*items.exact, *items.tags))
    wildcards = iter(items.wildcards)
    while True:
        first = tuple(islice(wildcards, MOST_WILDCARDS))
        batch = (*first, *islice(counted, MOST_EXACT - len(first)))
        if not batch:
            return
        yield batch


def parse_lines(lines: Iterable[str], *, source: str) -> list[Asked]:
    """One path a line; empty lines and lines that begin with `#` are skipped. Each knows its `source:line`."""
    asked = []
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix("\ufeff").strip()
        if text and not text.startswith("#"):
            asked.append(Asked(text, f"{source}:{number}"))
    return asked


def parse_keys(text: str, *, source: str) -> list[Asked]:
    """One literal key a line, blanks and all; empty lines and those that begin with `#` are no keys."""
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
    keys = ((number, line.removesuffix("\r")) for number, line in lines)
    return [Asked(key, f"{source}:{number}") for number, key in keys if key and not key.startswith("#")]


def encoded_each(paths: Iterable[Asked | str], encode: Callable[[str], str]) -> list[str]:
    """Each path as `encode` writes it. UsageError lists everything that it refuses."""
    faults: list[str] = []
    asked = (path if isinstance(path, Asked) else Asked(path) for path in paths)
    encoded = list(_collected(((path.text, path.where, encode) for path in asked), faults))
    if faults:
        raise _unusable(faults)
    return encoded


def _located(path: Asked) -> tuple[str, str | None, Callable[[str], str]]:
    return path.text, path.where, encode_path


def _collected(asked: Iterable[tuple[str, str | None, Callable[[str], str]]], faults: list[str]) -> Iterator[str]:
    for text, where, encode in asked:
        try:
            yield encode(text)
        except UsageError as error:
            hint = f" ({error.hint})" if error.hint else ""
            faults.append(f"{where}: {error.message}{hint}" if where else f"{error.message}{hint}")


def _unusable(faults: Sequence[str]) -> UsageError:
    shown = "; ".join(faults[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return UsageError(f"{shown}{more}", hint="nothing was sent; mend what is named and run it again")


def uncovered(items: Iterable[str]) -> list[str]:
    """The items, each once and in order, without those that lie under a wildcard among them."""
    unique = list(dict.fromkeys(items))
    prefixes = _widest(item[:-1] for item in unique if is_wildcard(item))
    lengths = sorted({len(prefix) for prefix in prefixes})
    return [item for item in unique if not _lies_under(item, prefixes, lengths)]


def _widest(prefixes: Iterable[str]) -> frozenset[str]:
    """The prefixes that begin with no other of them."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return frozenset(kept)


def _lies_under(item: str, prefixes: frozenset[str], lengths: Sequence[int]) -> bool:
    body = item[:-1] if is_wildcard(item) else item
    own = len(body) if is_wildcard(item) else -1
    return any(length != own and body[:length] in prefixes for length in lengths if length <= len(body))


def _encoded(text: str) -> str:
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise UsageError(f"{_short(text)}: not a text that has bytes", hint="write it in UTF-8") from error
    return _UNSAFE.sub(lambda unsafe: b"%%%02X" % unsafe.group()[0], raw).decode("ascii")


def _without_slash(text: str) -> UsageError:
    try:
        url = urlsplit(text)
    except ValueError:
        url = urlsplit("")
    if url.scheme in ("http", "https") and url.netloc:
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        return UsageError(f"{_short(text)}: a path, not a URL, is invalidated", hint=f"write {_short(path)}")
    if text.startswith("#"):
        return UsageError(f"{_short(text)}: does not start with /", hint=f"a tag is given as --tag {_short(text[1:])}")
    return UsageError(f"{_short(text)}: does not start with /", hint=f"write {_short('/' + text)}")


def _short(text: str) -> str:
    """The text in quotes, escaped, at most 80 characters of it."""
    return repr(text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}")
