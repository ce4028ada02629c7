"""Does Cache-Control contradict itself?"""

from __future__ import annotations

from perfctl.cdn.checking.checks.rule import Evidence, Page, Rule, Verdict, of_pages
from perfctl.cdn.delivery.headers import Headers, directives, tokens

_CONTRADICTIONS = (
    ({"no-store"}, ("max-age", "s-maxage"), "no-store beside a time to keep it"),
    ({"private"}, ("public", "s-maxage"), "private beside what is for shared caches"),
    ({"no-cache"}, ("immutable",), "no-cache beside immutable"),
    ({"must-revalidate"}, ("stale-while-revalidate", "stale-if-error"), "must-revalidate forbids what stale-* allow"),
)
_SECONDS = ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error")


def judge(evidence: Evidence) -> Verdict:
    """RFC 9111, 5.2: directives twice, in contradiction, without their number; immutable without a hashed name."""
    bad = [(page, "; ".join(found)) for page in evidence.pages if (found := _faults(page))]
    return of_pages(
        bad,
        status="warn",
        is_well="Cache-Control does not contradict itself",
        observed="caches may take these otherwise than they are meant",
        fix="send one Cache-Control: public, max-age=60 - or private, no-store; immutable for hashed names alone",
    )


def _faults(page: Page) -> list[str]:
    value = Headers(page.last.headers).get("cache-control")
    rules, names = directives(value), [token.partition("=")[0].strip() for token in tokens(value)]
    found = [f"{name} stands twice" for name in dict.fromkeys(names) if name in rules and names.count(name) > 1]
    found += [
        why
        for one, others, why in _CONTRADICTIONS
        if one & rules.keys() and any(_seconds(rules, other) for other in others)
    ]
    found += [
        f"{name}={rules[name]} is no number" for name in _SECONDS if name in rules and not _is_number(rules[name])
    ]
    if "immutable" in rules and not is_hashed(page.path):
        found.append("immutable without a hash in the name")
    return found


def is_hashed(path: str) -> bool:
    """Whether a file's name or folder holds a hash or a version, so that another content has another name."""
    import re

    folders, _, name = path.partition("?")[0].rpartition("/")
    hashed = (
        re.search(r"(?:^|[.\-_~])(?=[A-Za-z0-9_]*\d)[A-Za-z0-9_]{8,64}(?=[.\-]|$)", name)
        or re.search(r"(?:^|[.-])(?=.[\w-]*[A-Z0-9])[\w-]{8}\.[a-z0-9]+$", name)  # base64url of 8, as bundlers write it
        or re.search(r"/(?:_next/static|_app/immutable|_nuxt|_astro)(?:/|$)", folders)
        or re.search(r"/(?=[a-f]*[0-9])[0-9a-f]{8,64}(?:/|$)", folders)
    )
    return bool(hashed) or bool(re.search(r"[?&](?:v|ver|version|hash|h)=\w", path)) or _is_versioned(path)


def _is_versioned(path: str) -> bool:
    import re

    return bool(re.search(r"(?:/|@|-)v?\d+\.\d+(?:\.\d+)?(?:/|\.|-)", path.partition("?")[0]))


def _seconds(rules: dict[str, str | None], name: str) -> bool:
    """Whether the directive is there and not 0."""
    return name in rules and rules[name] != "0"


def _is_number(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdigit()


RULE = Rule(name="cache-control", area="answer", judge=judge, needs="pages")
