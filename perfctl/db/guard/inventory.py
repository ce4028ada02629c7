"""What code a statement could reach on this server that nobody vouches for: the catalog asked, nothing run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfctl.db.asking import OWN_SETTINGS
from perfctl.db.guard.mentions import Call, Mentions, constant_calls, mentions_of, merged
from perfctl.db.guard.policy import EXTENSIONS, HARMFUL, HARMLESS_VOLATILE, WRITING
from perfctl.db.guard.tree import parsed
from perfctl.db.postgres import driver_questions
from perfctl.db.questions import question
from perfctl.db.transaction import GRACE_SECONDS, guarded
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from perfctl.db.postgres import Record, Session

LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason to refuse, and the functions that a user could vouch for to lift it."""

    reason: str
    functions: tuple[str, ...] = ()
    writes: bool = False
    """Whether it is only that the statement writes what a rollback undoes, or loses: `--allow-write` lets it."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """A function that could do harm."""

    oid: int
    schema: str
    name: str
    arguments: str
    language: str
    extension: str | None
    fault: str
    symbol: str
    most: int
    least: int
    is_variadic: bool
    takes_row: bool

    @property
    def signature(self) -> str:
        """`schema.name(types)`, as `trusted_functions` takes it."""
        return f"{self.schema}.{self.name}({self.arguments})"

    @property
    def why(self) -> str:
        """What is wrong with it, in words."""
        if self.fault == "acts":
            return "does more than read"
        if self.fault == "inner":
            return "is not made to be called by name"
        if self.fault == "parts":
            return "is built of functions that perfctl does not know"
        if self.extension:
            return f"of the extension {self.extension} is not known to only read"
        return f"in {self.language} may do anything, whatever it is declared"

    def blame(self, reason: str) -> Fault:
        """The reason to refuse a statement that reaches it."""
        lifting = (self.signature,) if self.fault == "foreign" else ()
        return Fault(reason, lifting, writes=self.language == "internal" and self.symbol in WRITING)

    def takes(self, count: int | None) -> bool:
        """Whether it can be called with so many arguments."""
        return count is None or (self.least <= count and (count <= self.most or self.is_variadic))


async def faults(
    session: Session, found: Mentions, *, trusted: tuple[str, ...], writes: bool, may_write: bool
) -> tuple[Fault, ...]:
    """Why the server may not be given what names these things; nothing where it may.

    `writes`: what a statement that writes calls by itself is at work, too. Only where it `may_write` does the user's
    own code count as harmless: planning alone runs what is declared IMMUTABLE, whatever it is that is planned.
    """
    if session.server_encoding != "UTF8" and (name := found.read_otherwise()):
        return (Fault(f"the name {name!r} is another one in a database in {session.server_encoding}"),)
    async with guarded(session, timeout_seconds=LOOK_SECONDS):
        path = await search_path(session)
        if path[:1] != ("pg_catalog",):  # what the driver asks about types is looked up there, too
            found = merged(found, *(mentions_of(parsed(text)[0]) for text in driver_questions()))
        look = _Look(session, found, trusted, writes, may_write, path)
        await session.execute(";".join(f"SET LOCAL {setting}" for setting in OWN_SETTINGS))
        return tuple([fault async for fault in look.faults()])


async def search_path(session: Session) -> tuple[str, ...]:
    """The schemas in which names are looked up, in order; asked without an operator: a user's may stand before `=`."""
    ask = "SELECT /* perfctl */ pg_catalog.array_to_json(pg_catalog.current_schemas(true)) AS path"
    return tuple(json.loads((await session.fetch(ask, timeout=LOOK_SECONDS))[0]["path"]))


class _Look:
    """One look at the catalog for one statement."""

    def __init__(
        self,
        session: Session,
        found: Mentions,
        trusted: tuple[str, ...],
        writes: bool,
        may_write: bool,
        path: tuple[str, ...],
    ) -> None:
        self._session, self._found, self._trusted = session, found, trusted
        self._writes, self._may_write, self._path = writes, may_write, path
        self._functions: dict[int, Blamed] = {}

    async def faults(self) -> AsyncIterator[Fault]:
        """One after the other, the plainest first."""
        rows = await self._ask("guard_functions", *self._policy(), sorted(self._names()), self._may_write)
        self._functions = {row["oid"]: Blamed(**row) for row in rows}
        for fault in self._called():
            yield fault
        harmful = [one.oid for one in self._functions.values() if one.fault != "inner"]
        structures = await self._ask("guard_structures", harmful)
        for fault in self._hidden(structures):
            yield fault
        types = [row["oid"] for row in structures if row["kind"] == "type"]
        if types:
            for row in await self._touched(types):
                yield Fault(f"{row['place']} leads to code that perfctl does not know")
        for row in await self._reached(harmful, structures, types):
            blamed = self._blamed(row)
            if blamed:
                yield blamed

    async def _ask(self, name: str, *arguments: object) -> list[Record]:
        return await self._session.fetch(question(name), *arguments, timeout=LOOK_SECONDS + GRACE_SECONDS)

    def _policy(self) -> tuple[object, ...]:
        harmful = HARMFUL - WRITING if self._writes else HARMFUL
        harmless = HARMLESS_VOLATILE | WRITING if self._writes else HARMLESS_VOLATILE
        acting = [f"{name}:{symbol}" for name, one in EXTENSIONS.items() for symbol in one.harmful]
        return (
            sorted(harmful),
            sorted(harmless),
            list(EXTENSIONS),
            [one.object_file for one in EXTENSIONS.values()],
            [one.is_volatile_harmless for one in EXTENSIONS.values()],
            acting,
            ["".join(name.split(" ")) if "(" not in name else name for name in self._trusted],
        )

    def _names(self) -> set[str]:
        return {call.name for call in self._found.calls} | self._found.attributes | self._found.properties

    def _called(self) -> Iterable[Fault]:
        for one in self._functions.values():
            if any(self._is_meant(one, call) for call in self._found.calls):
                yield one.blame(f"the function {one.signature} {one.why}")
            elif one.takes(1) and (
                one.name in self._found.properties or (one.takes_row and one.name in self._found.attributes)
            ):
                yield Fault(
                    f"{one.name} behind a dot may be the function {one.signature}, which {one.why}", (one.signature,)
                )

    def _is_meant(self, one: Blamed, call: Call) -> bool:
        if call.is_method and one.fault == "inner":
            return False
        is_there = one.schema == call.schema or (not call.schema and one.schema in self._path)
        return is_there and one.name == call.name and one.takes(call.count)

    def _hidden(self, rows: list[Record]) -> Iterable[Fault]:
        for row in rows:
            if row["kind"] == "operator" and row["by_name"] and self._says_operator(row["schema"], row["name"]):
                yield Fault(f"the operator {row['schema']}.{row['name']} leads to code that perfctl does not know")
            if row["kind"] == "cast" and (row["by_name"] or any(name == row["name"] for _, name in self._found.types)):
                yield Fault(f"the cast of {row['schema']} to {row['name']} leads to code that perfctl does not know")

    def _says_operator(self, schema: str, name: str) -> bool:
        return any(
            said == name and (within == schema or (not within and schema in self._path))
            for within, said in self._found.operators
        )

    async def _touched(self, types: list[int]) -> list[Record]:
        named = sorted(self._found.types)
        calls = sorted({(call.schema, call.name) for call in self._found.calls})
        return await self._ask(
            "guard_touched",
            types,
            [schema for schema, _ in named],
            [name for _, name in named],
            [schema for schema, _ in calls],
            [name for _, name in calls],
            sorted({name for _, name in self._found.operators}),
            list(self._path),
        )

    async def _reached(self, harmful: list[int], structures: list[Record], types: list[int]) -> list[Record]:
        if not self._found.relations:
            return []
        named = sorted(self._found.relations)
        return await self._ask(
            "guard_relations",
            [schema for schema, _ in named],
            [name for _, name in named],
            list(self._path),
            harmful,
            [row["oid"] for row in structures if row["kind"] == "operator"],
            [row["oid"] for row in structures if row["kind"] == "class"],
            types,
            self._writes,
        )

    def _blamed(self, row: Record) -> Fault | None:
        kind, place = row["kind"], row["place"]
        if kind == "folded":
            return self._folded(row)
        if kind == "function":
            one = self._functions.get(row["oid"])
            if one is None:
                return Fault(f"{place} calls a function that is not made to be called by name")
            return one.blame(f"{place} calls the function {one.signature}, which {one.why}")
        what = {"operator": "an operator", "type": "a type", "class": "an operator class"}[kind]
        return Fault(f"{place} has {what} that leads to code that perfctl does not know")

    def _folded(self, row: Record) -> Fault | None:
        """What the planner would compute of an index's expression: calls with constants, and what SQL hides."""
        if not row["is_inlined"]:
            try:
                computed = [constant_calls(tree) for tree in parsed(f"SELECT {row['said']}")]
            except UsageError:
                computed = []
            else:
                names = {call.name for one in computed for call in one.calls}
                blamed = {one.name for one in self._functions.values()}
                if not any(one.operators for one in computed) and not names & blamed:
                    return None
        return Fault(f"{row['place']} calls a function that perfctl does not know, and the planner could run it")
