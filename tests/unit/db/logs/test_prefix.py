"""log_line_prefix: any prefix of escapes and literals is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.db.logs.guessing import prefix_of
from perfctl.db.logs.prefix import FIELDS, understood
from tests.campaign import campaign

_NAMES = st.text("abcXYZ019-_é", min_size=1, max_size=12)
_ZONES = st.sampled_from(("UTC", "CEST", "+03", "-0330", "+05:45"))
_DAYS = st.datetimes().map(lambda moment: moment.strftime("2%y-%m-%d %H:%M:%S").replace("2", "20", 1))
_HOSTS = st.sampled_from(("127.0.0.1", "::1", "fe80::1%eth0", "db-1.example.com"))
_WRITES = {
    "a": st.one_of(_NAMES, st.just("[unknown]"), st.just("psql 16 beta")), "u": _NAMES, "d": _NAMES,
    "r": st.one_of(_HOSTS.map("{}(5432)".format), st.just("[local]"), st.just("")),
    "h": st.one_of(_HOSTS, st.just("[local]")), "L": st.one_of(_HOSTS, st.just("[local]")),
    "b": st.sampled_from(("client backend", "autovacuum worker", "checkpointer")),
    "p": st.integers(1, 4_194_304).map(str), "P": st.one_of(st.just(""), st.integers(1, 99_999).map(str)),
    "t": st.tuples(_DAYS, _ZONES).map(" ".join), "m": st.tuples(_DAYS, _ZONES).map(".123 ".join),
    "n": st.integers(10**9, 2 * 10**9).map("{}.250".format),
    "s": st.tuples(_DAYS, _ZONES).map(" ".join), "v": st.sampled_from(("", "3/42", "12/0")),
    "x": st.integers(0, 2**32).map(str), "i": st.sampled_from(("SELECT", "CREATE TABLE", "idle in transaction", "")),
    "e": st.sampled_from(("00000", "42P01", "XX000")), "c": st.just("64f0a1b2.1a2b"),
    "l": st.integers(1, 10**6).map(str), "Q": st.integers(-(2**63), 2**63 - 1).map(str),
}  # fmt: skip
"""By escape: what the server writes for it."""
_TOLD = {
    "m": "at", "t": "at", "n": "at", "s": "at", "p": "session", "c": "session", "u": "user", "d": "database",
    "a": "application", "r": "host", "h": "host", "Q": "queryid",
}  # fmt: skip
_LITERALS = st.text("|;<>{}~!#=", min_size=1, max_size=3)
_PADDING = st.sampled_from(("", "", "", "8", "-8", "30", "-30"))
_LEVELS = ("LOG", "ERROR", "DETAIL", "STATEMENT")


@st.composite
def _prefixes(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    """A prefix, a line that a server would begin with it, and what the line tells."""
    setting = line = draw(st.sampled_from(("", "~")))
    told: dict[str, str] = {}
    for letter in draw(st.lists(st.sampled_from(sorted(_WRITES)), min_size=1, max_size=9, unique=True)):
        literal, padding, value = draw(_LITERALS), draw(_PADDING), draw(_WRITES[letter])
        width = int(padding or 0)
        padded = value.ljust(-width) if width < 0 else value.rjust(width)
        setting += f"%{padding}{letter}{draw(st.sampled_from(('', '%q', '%%', '%y')))}{literal}"
        line += padded + ("%" if setting.endswith(f"%%{literal}") else "") + literal
        told.setdefault(letter, value)
    return setting, line, told


@campaign(150, 20_000)
@given(_prefixes(), st.sampled_from(_LEVELS), st.text("SELECT '%[]: LOG\t", max_size=30))
def test_what_a_server_writes_for_any_prefix_is_read_back(
    prefix: tuple[str, str, dict[str, str]], level: str, message: str
) -> None:
    setting, line, told = prefix
    match = understood(setting).pattern.search(f"\n{line}{level}:  {message}")
    assert match is not None
    assert (match.start(), match["level"], match.string[match.end() :]) == (0, level, message)
    expected = dict.fromkeys(FIELDS, "")
    for letter in reversed("mtnspcudarhQ"):
        if letter in told:
            expected[_TOLD[letter]] = told[letter]
    assert {name: match[name] or "" for name in FIELDS} == expected


@pytest.mark.parametrize(
    ("setting", "line", "told"),
    [
        (
            "%t:%r:%u@%d:[%p]:",
            "2026-01-02 03:04:05 UTC:10.0.1.2(54321):jo@shop:[42]:LOG:  hi",
            ("2026-01-02 03:04:05 UTC", "42", "jo", "shop", "", "10.0.1.2(54321)", ""),
        ),
        (
            "%t:%r:%u@%d:[%p]:",
            "2026-01-02 03:04:05 UTC::@:[42]:LOG:  checkpoint starting: time",
            ("2026-01-02 03:04:05 UTC", "42", "", "", "", "", ""),
        ),
        (
            "%m [%p] %q%u@%d ",
            "2026-01-02 03:04:05.678 CET [42] LOG:  database system is ready",
            ("2026-01-02 03:04:05.678 CET", "42", "", "", "", "", ""),
        ),
        (
            "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
            "2026-01-02 03:04:05 UTC [42]: [7-1] user=jo,db=shop,app=my app, v2,client=::1 ERROR:  no",
            ("2026-01-02 03:04:05 UTC", "42", "jo", "shop", "my app, v2", "::1", ""),
        ),
        ("", "LOG:  hi", ("", "", "", "", "", "", "")),
    ],
)
def test_prefixes_of_packages_and_services_are_read(setting: str, line: str, told: tuple[str, ...]) -> None:
    match = understood(setting).pattern.search(f"\n{line}")
    assert match is not None
    assert tuple(match[name] or "" for name in FIELDS) == told


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("%m [%p] ", "2026-01-02 03:04:05.678 UTC [42] "),
        ("%m [%p] %q%u@%d ", "2026-01-02 03:04:05.678 UTC [42] jo@shop "),
        ("%t:%r:%u@%d:[%p]:", "2026-01-02 03:04:05 UTC:10.0.1.2(54321):jo@shop:[42]:"),
        ("%m [%p] %q[user=%u,db=%d,app=%a] ", "2026-01-02 03:04:05.678 UTC [42] [user=jo,db=shop,app=my app] "),
        ("%n %p %c user=%u db=%d ", "1767323045.678 42 64f0a1b2.1a2b user=jo db=shop "),
        ("host=%h|db=%d|user=%u|%m|[%p] ", "host=10.0.1.2|db=shop|user=jo|2026-01-02 03:04:05.678 UTC|[42] "),
        (
            "%t %c app=%a,client=%r,user=%u ",
            "2026-01-02 03:04:05 UTC 64f0a1b2.1a2b app=a b,client=10.1.1.1(99),user=jo ",
        ),
    ],
)
def test_a_prefix_is_guessed_so_that_it_tells_as_much_as_the_one_that_was_set(setting: str, written: str) -> None:
    text = f"{written}LOG:  one\n\tgoes on\n{written}ERROR:  two\n{written}STATEMENT:  three\n"
    known = understood(setting)
    guessed = prefix_of(text)
    assert guessed is not None
    expected, found = known.pattern.search(f"\n{text}"), guessed.pattern.search(f"\n{text}")
    assert expected is not None
    assert found is not None
    assert [found[name] or "" for name in FIELDS] == [expected[name] or "" for name in FIELDS]


def test_the_server_s_own_prefix_is_preferred_where_it_fits_and_not_where_it_does_not() -> None:
    text = "2026-01-02 03:04:05.678 UTC [42] jo LOG:  hi\n"
    fitting, other = "%m [%p] %u ", "%t:%r:%u@%d:[%p]:"
    assert prefix_of(text, (fitting,)) == understood(fitting)
    guessed = prefix_of(text, (other,))
    assert guessed is not None
    assert guessed.text != other


def test_text_without_messages_has_no_prefix() -> None:
    assert prefix_of("some words\nand more of them\n") is None
