"""Does text reach viewers uncompressed?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.checking.explaining.compressing import is_listed
from perfctl.cdn.delivery.compression import SMALLEST_BYTES
from perfctl.units import format_bytes

_PACKED = (
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".jxl", ".mp4", ".m4s", ".m4v", ".m4a", ".ts",
    ".mov", ".mkv", ".webm", ".mp3", ".aac", ".ogg", ".opus", ".flac", ".woff", ".woff2", ".zip", ".gz",
    ".tgz", ".br", ".zst", ".bz2", ".xz", ".7z", ".rar", ".apk", ".dmg", ".iso", ".exe",
)  # fmt: skip
_FILMS = ("/video/", "/videos/", "/films/", "/audio/", "/hls/", "/dash/", "/segments/")
_TEXT_LIKE = (
    "application/wasm",
    "application/manifest+json",
    "application/ld+json",
    "application/x-ndjson",
    "text/vtt",
)


def holds_text(pattern: str | None) -> bool:
    """Whether a behaviour may hold text: not one whose pattern names a packed format, or a folder of films."""
    name = (pattern or "").lower()
    return not name.rstrip("*").endswith(_PACKED) and not f"/{name.lstrip('/')}".startswith(_FILMS)


def judge(evidence: Evidence) -> Verdict:
    """Of what was fetched with br and gzip on offer: text of 1,000 bytes and more that came as it is."""
    bad = [(page, why) for page in evidence.well_pages if (why := _why(page))]
    return of_pages(
        bad,
        status="warn",
        is_well="all text of 1,000 bytes and more comes compressed",
        observed="text comes uncompressed",
        fix="perfctl cdn headers URL names the condition that fails; perfctl cdn optimize compresses ahead of time",
    )


def _why(page: Page) -> str | None:
    answer = page.last
    kind = (answer.content_type or "").partition(";")[0].strip().lower()
    if answer.content_encoding or answer.size_bytes < SMALLEST_BYTES:
        return None
    if kind in _TEXT_LIKE and not is_listed(kind):
        return f"{kind}, {format_bytes(answer.size_bytes)}: CloudFront does not compress this type"
    is_font = kind.startswith(("font/", "application/font", "application/x-font")) or kind == "application/pdf"
    if not is_listed(kind) or is_font:
        return None
    failing = [each.condition for each in answer.compression if each.holds is False]
    return f"{format_bytes(answer.size_bytes)}{': not so that ' + failing[0] if failing else ''}"


RULE = Rule(name="text uncompressed", area="compression", judge=judge, needs="pages")
