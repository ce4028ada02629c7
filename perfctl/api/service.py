"""What the routes share: the settings, the engines, the snapshot, who may do what, the jobs and the audit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from perfctl.api.audit import Audit
from perfctl.api.auth import Caller, Tokens
from perfctl.api.jobs import Jobs
from perfctl.api.limits import RateLimit
from perfctl.api.prepared import Prepared
from perfctl.api.snapshot import Snapshot
from perfctl.errors import PerfctlError, RefusedError

if TYPE_CHECKING:
    from starlette.types import Scope

    from perfctl.api.changes import Intent
    from perfctl.api.routes import Route
    from perfctl.config.settings import Settings
    from perfctl.metrics.exposition.text import Point
    from perfctl.optimizer import PerformanceOptimizer
    from perfctl.recording.frame import Frame

GRACE_SECONDS = 5.0
"""How long jobs may go on when the service ends."""


class Service:
    """The engines of one context behind the HTTP API."""

    def __init__(self, settings: Settings, optimizer: PerformanceOptimizer | None = None) -> None:
        """Engines of their own from `settings`, closed with the service; those that are given stay open.

        ConfigError where the audit cannot be written.
        """
        from perfctl.api.reads import parts_of
        from perfctl.api.routes import POSTS
        from perfctl.optimizer import PerformanceOptimizer

        self.settings = settings
        self.owns_optimizer = optimizer is None
        self.optimizer = optimizer or PerformanceOptimizer.from_settings(settings)
        self.snapshot = Snapshot(parts_of(self.optimizer), refresh_seconds=settings.api.refresh_seconds)
        self.tokens = Tokens(())
        self.allows_short_tokens = False
        """Whether nobody but this machine can try them out."""
        self.limit = RateLimit(settings.api.requests_per_minute)
        self.jobs = Jobs(after_seconds=settings.api.job_after_seconds)
        self.audit = Audit(settings.api.audit_file)
        self.open_paths: frozenset[str] = frozenset()
        """What holds no figure, and is shown without a token."""
        self.open_prefixes: tuple[str, ...] = ("/performance/static/",)
        self._posts = POSTS
        self._prepared = Prepared(self.snapshot, settings.context)
        self._is_ready = False
        self._making_ready = asyncio.Lock()

    async def ready(self) -> None:
        """Look up the tokens and begin to ask, once. ConfigError where a token is missing."""
        if self._is_ready:
            return
        async with self._making_ready:
            if not self._is_ready:
                self.tokens = await Tokens.of(self.settings, allows_short=self.allows_short_tokens)
                self.start()
                self._is_ready = True

    def start(self) -> None:
        """Begin to ask in the background; a second call changes nothing. Call it in the event loop."""
        self.snapshot.start()

    def end_streams(self) -> None:
        """End what would never end by itself."""
        self.snapshot.end_streams()

    async def close(self) -> None:
        """Let jobs end, stop asking, and close the engines where they are the service's own."""
        await self.jobs.close(GRACE_SECONDS)
        await self.snapshot.close()
        if self.owns_optimizer:
            await self.optimizer.close()

    def exposed(self) -> tuple[Frame, tuple[Point, ...]]:
        """What is measured now, for a scraper, and how old what each part answered is; asks nobody."""
        from perfctl.api.reads import TOTALS
        from perfctl.metrics.exposition.text import Point
        from perfctl.recording.frame import Frame

        points: list[Point] = []
        for part in self.snapshot.parts:
            known, labels = self.snapshot.peek(part), (("part", part),)
            if known.was_asked:
                points.append(Point("collector.up", float(known.error is None), labels, "Whether the part answered."))
            if known.at is not None:
                points.append(Point("collector.age", time.time() - known.at, labels, "Age of its last answer."))
        totals = self.snapshot.peek(TOTALS).value
        return (totals if isinstance(totals, Frame) else self.optimizer.recording.collect()), tuple(points)

    def takes_posts(self, path: str) -> bool:
        """Whether something is done at this path."""
        return path in self._posts

    def prepared(self, method: str, path: str, query: bytes, accept: bytes) -> Any:
        """The reply of a read that is ready to be sent, as an ASGI application; None where it has to be made."""
        if query or (method != "GET" and method != "HEAD"):
            return None
        return self._prepared.reply(method, path, accept)

    def permit(self, intent: Intent, confirm: str | None, caller: Caller) -> None:
        """Return where the context lets it be done. RefusedError where it is read_only, or protected and not confirmed.

        In a protected context what destroys wants a token of `api.tokens`, under a name of its own, and the context's
        name in the body.
        """
        name = self.settings.context
        if intent.has_effect and self.settings.read_only:
            raise RefusedError(f"{intent.action}: context {name!r} is read_only", hint="ask the API of another context")
        if not intent.destroys or not self.settings.protected:
            return
        if not caller.is_named:
            raise RefusedError(
                f"{intent.action}: context {name!r} is protected, and the token has no name of its own",
                hint="give the caller a token in api.tokens: a name, and scopes: [operate]",
            )
        if confirm != name:
            raise RefusedError(
                f"{intent.action}: context {name!r} is protected",
                hint=f'say it in the body: "confirm": "{name}"',
                where="confirm",
            )

    def note_change(
        self, scope: Scope, route: Route, intent: Intent, outcome: str, status: int, took_ms: float
    ) -> None:
        """Write the audit's line of a change."""
        self.audit.note(
            who=_caller(scope),
            address=_address(scope),
            method=route.method,
            route=route.path,
            context=self.settings.context,
            what=intent.action,
            **dict(intent.told),
            outcome=outcome,
            status=status,
            took_ms=round(took_ms, 3),
        )

    def note_refusal(self, scope: Scope, path: str, error: PerfctlError) -> None:
        """Write the audit's line of a change that was not let through."""
        if not self.takes_posts(path) or error.http_status in (413, 429):
            return
        self.audit.note(
            who=_caller(scope),
            address=_address(scope),
            method="POST",
            route=path,
            context=self.settings.context,
            outcome="refused",
            kind=error.kind,
            status=error.http_status,
        )


def _caller(scope: Scope) -> str:
    caller: Caller | None = scope.get("perfctl.caller")
    return caller.name if caller is not None else "-"


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("-",))[0])
