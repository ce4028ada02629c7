"""Read, merge, send under the version that was read, again where somebody else was faster; and a way back."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfctl.cdn.clock import Time
from perfctl.cdn.cloudfront import ChangedMeanwhileError, ControlPlane, config_shape
from perfctl.cdn.configuring.comparing import changes_between
from perfctl.cdn.configuring.lists import HIDDEN
from perfctl.cdn.configuring.merging import merged
from perfctl.cdn.configuring.reading import Wanted, read_wanted
from perfctl.cdn.model.configuration import Change, ConfigApplied, ConfigDifference, ConfigDocument, Shape
from perfctl.errors import ConfigError, PerfctlError, ServiceError, TimedOutError
from perfctl.folders import state_home

Told = Callable[[int], None]
"""Hears for how many seconds it has waited."""

ATTEMPTS = 5
_PAUSES = (2.0, 3.0, 5.0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A file for a distribution, read and checked."""

    distribution_id: str
    wanted: Wanted
    shape: Shape
    replace: bool

    def on(self, document: ConfigDocument) -> tuple[ConfigDocument, tuple[Change, ...]]:
        """The configuration with the file merged into it, under the version of the one that was read; the changes."""
        config = merged(document.config, self.wanted, self.shape, replace=self.replace)
        return ConfigDocument(document.etag, config), changes_between(document.config, config)


def asked_for(distribution_id: str, text: str, file: str, *, replace: bool) -> Asked:
    """The file, read against the installed SDK's model. UsageError names every fault with its line."""
    shape = config_shape()
    return Asked(distribution_id, read_wanted(text, file, shape), shape, replace)


async def compare(control: ControlPlane, asked: Asked) -> ConfigDifference:
    """What the file would change now."""
    document = await control.distribution_config(asked.distribution_id)
    _, changes = asked.on(document)
    return ConfigDifference(asked.distribution_id, asked.wanted.file, document.etag, bool(changes), changes)


async def apply(control: ControlPlane, asked: Asked, agreed: ConfigDifference, time: Time) -> ConfigApplied:
    """Make the changes that were agreed upon, and no others.

    Sent under the ETag that was read. Where somebody else changed the distribution meanwhile it is read and merged
    again; ServiceError where other changes than those agreed upon would come of that. A lost answer is found out by
    reading again: nothing is done twice. The configuration as it was is saved first.
    """
    saved: Path | None = None
    for attempt in range(1, ATTEMPTS + 1):
        document = await control.distribution_config(asked.distribution_id)
        new, changes = asked.on(document)
        if not changes:
            return _applied(asked, document.etag, agreed if saved else None, attempt - 1, saved)
        if changes != agreed.changes or (document.etag != agreed.etag and _hides(changes)):
            sent_before = "nothing was sent" if saved is None else f"nothing more was sent; as it was: {saved}"
            raise ServiceError(
                f"distribution {asked.distribution_id} was changed by somebody else meanwhile, {sent_before}: "
                f"{asked.wanted.file} would now change something else than what was shown",
                hint="perfctl cdn diff FILE shows it",
            )
        saved = _save(asked.distribution_id, document)
        try:
            sent = await control.update_distribution(asked.distribution_id, new.config, new.etag)
        except ChangedMeanwhileError:
            if attempt == ATTEMPTS:
                raise
        except PerfctlError as error:
            if attempt == ATTEMPTS or not error.retryable:
                raise
            await time.sleep(float(2**attempt) * time.jitter())
        else:
            return _applied(asked, sent.etag, agreed, attempt, saved)
    raise AssertionError("the last attempt returns or raises")


async def wait_until_deployed(
    control: ControlPlane, distribution_id: str, time: Time, *, seconds: float, told: Told | None = None
) -> float:
    """Return when every edge location has the configuration, with the seconds that it took. TimedOutError."""
    started, number = time.now(), 0
    while (await control.distribution(distribution_id)).status != "Deployed":
        waited = time.now() - started
        if waited >= seconds:
            raise TimedOutError(
                f"distribution {distribution_id} was not deployed within {seconds:.0f} s; it goes on all the same",
                hint="the same line again changes nothing more, and waits",
            )
        if told is not None:
            told(int(waited))
        await time.sleep(min(_PAUSES[min(number, len(_PAUSES) - 1)], max(seconds - waited, 0.1)))
        number += 1
    return round(time.now() - started, 3)


def _hides(changes: tuple[Change, ...]) -> bool:
    """Whether a value is not told, so that nobody can see whether it is still the one that was agreed upon."""
    return any(HIDDEN in f"{change.before} {change.after}" for change in changes)


def _applied(
    asked: Asked, etag: str, agreed: ConfigDifference | None, attempts: int, saved: Path | None
) -> ConfigApplied:
    words = ["perfctl", "cdn", "apply", str(saved), "--replace", "--distribution", asked.distribution_id]
    return ConfigApplied(
        distribution_id=asked.distribution_id,
        file=asked.wanted.file,
        etag=etag,
        status="InProgress" if agreed else "unchanged",
        dry_run=False,
        attempts=attempts,
        waited_seconds=0.0,
        saved=str(saved) if saved else None,
        rollback=shlex.join(words) if saved else None,
        changes=agreed.changes if agreed else (),
    )


def _save(distribution_id: str, document: ConfigDocument) -> Path:
    """For this user's eyes alone: headers to the origin may hold a secret. ConfigError where it cannot be written."""
    file = state_home(os.environ) / "cdn" / f"{distribution_id}-{document.etag}.json"
    text = json.dumps({"ETag": document.etag, "DistributionConfig": document.config}, indent=2, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text + "\n")
    except OSError as error:
        raise ConfigError(
            f"{file}: the configuration as it is cannot be saved, so nothing was changed: {error.strerror}",
            hint="set PERFCTL_STATE_DIR to a folder of yours",
        ) from error
    return file
