"""Log times as moments in UTC: dates with the abbreviation of a time zone, and seconds since 1970."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from perfctl.db.logs.record import Tally

_OFFSET = re.compile(r"<?([+-])(\d\d):?(\d\d)?>?")
_MINUTES: Mapping[str, int] = {
    "UTC": 0, "GMT": 0, "Z": 0, "UCT": 0, "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "MET": 60,
    "MEST": 120, "EET": 120, "EEST": 180, "MSK": 180, "SAST": 120, "CAT": 120, "EAT": 180, "WAT": 60, "IDT": 180,
    "PKT": 300, "IST": 330, "WIB": 420, "WITA": 480, "WIT": 540, "HKT": 480, "JST": 540, "KST": 540, "AWST": 480,
    "ACST": 570, "ACDT": 630, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "NST": -210, "NDT": -150,
    "AST": -240, "ADT": -180, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600, "SST": -660, "CHST": 600,
}  # fmt: skip
"""Minutes east of Greenwich, as the tz database has them today; where two zones share a letter code, the one with more
people who log in English: this machine's own zone goes before."""


class Clock:
    """Reads the times of one log; a zone that it does not know is taken for UTC, with a note."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._shifts: dict[str, timedelta] = {}

    def moment(self, at: str) -> datetime | None:
        """The moment in UTC, or None where the text is no time.

        >>> str(Clock(Tally()).moment("2026-11-23 15:17:49.123 CET"))
        '2026-11-23 14:17:49.123000+00:00'
        """
        day, _, zone = at.rpartition(" ")
        try:
            if not day:
                return datetime.fromtimestamp(float(at), UTC)
            shift = self._shifts.get(zone)
            if shift is None:
                shift = self._shifts[zone] = self._shift(zone)
            return datetime.fromisoformat(day).replace(tzinfo=UTC) - shift
        except (ValueError, OverflowError, OSError):
            return None

    def _shift(self, zone: str) -> timedelta:
        match = _OFFSET.fullmatch(zone)
        if match is not None:
            minutes = int(match[2]) * 60 + int(match[3] or 0)
            return timedelta(minutes=-minutes if match[1] == "-" else minutes)
        if zone in time.tzname and zone not in ("UTC", "GMT"):
            return timedelta(seconds=-(time.altzone if zone == time.tzname[1] else time.timezone))
        if zone not in _MINUTES:
            self._tally.note(f"the time zone {zone!r} is not known: its times are taken for UTC")
        return timedelta(minutes=_MINUTES.get(zone, 0))
