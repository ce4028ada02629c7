"""`perfctl cdn diff` and `apply`: a distribution's configuration from a file."""

from __future__ import annotations

from dataclasses import replace as with_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.configuration import Change, ConfigApplied, ConfigDifference
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.cdn_waiting import in_context
from perfctl.cli.intake import taken
from perfctl.cli.planner import DryRun, Plan, confirm
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cdn.configuring.applying import Asked

_MAX_BYTES = 2_000_000

File = Annotated[str, typer.Argument(metavar="FILE", help="YAML under CloudFront's own names; - reads stdin.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="The file is the whole configuration: what it does not name is removed.")
]


@group.command("diff", example="perfctl cdn diff cdn.yaml")
async def diff(run: Run, file: File, replace: Replace = False, distribution: Distribution = None) -> ConfigDifference:
    """What would a file change at the distribution? Exit 0 when nothing, 1 when something: a gate for drift.

    The file names what is to be so, under the names of CloudFront's DistributionConfig; all else stays. Origins are
    merged by Id, behaviours by PathPattern, error responses by ErrorCode, aliases are added; null, and remove: true
    in an item, take away; other lists are replaced. Behaviours take the file's order among themselves.
    """
    engine = engine_of(run, distribution)
    found = await engine.config_difference(await _asked(run, file, replace, distribution))
    if found.is_different:
        run.exit(1)
    return found


@group.command("apply", example="perfctl cdn apply cdn.yaml --wait --yes")
async def apply(
    run: Run,
    file: File,
    replace: Replace = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when every edge location has it.")] = False,
    wait_timeout: Annotated[
        str, typer.Option("--wait-timeout", metavar="DURATION", help="The limit of --wait.")
    ] = "15m",
    dry_run: DryRun = False,
    distribution: Distribution = None,
) -> ConfigApplied:
    """Make the distribution as a file says: see `cdn diff` for its form.

    Sent under the version that was read, and read and merged again where somebody else was faster: nobody's change is
    lost. The configuration as it was is saved, and the command that brings it back is printed.
    """
    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    engine = engine_of(run, distribution)
    asked = await _asked(run, file, replace, distribution)
    found = await engine.config_difference(asked)
    applied = _planned(found)
    if found.changes and not dry_run:
        confirm(run, _plan(found))
        applied = await engine.apply_config(asked, found)
        applied = with_(applied, rollback=in_context(run, applied.rollback))
    if not wait or dry_run:
        return applied
    try:
        with progress_of(run, "seconds until every edge location has it") as told:
            waited = await engine.wait_until_deployed(found.distribution_id, seconds=seconds, told=told)
    except BaseException:
        if applied.rollback:
            run.terminal.say(f"to go back: {applied.rollback}")
        raise
    return with_(applied, waited_seconds=waited, status="Deployed" if applied.changes else applied.status)


async def _asked(run: Run, file: str, replace: bool, distribution: str | None) -> Asked:
    from perfctl.cdn.configuring.applying import asked_for

    data = taken(file, at_most=_MAX_BYTES, wanted="name a YAML file of what is to change", where="FILE")
    name = "stdin" if file == "-" else file
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: it is not UTF-8: byte {error.start}", hint="save it as UTF-8") from error
    (target,) = await engine_of(run, distribution).distribution_ids((distribution,) if distribution else ())
    return asked_for(target, text, name, replace=replace)


def _planned(found: ConfigDifference) -> ConfigApplied:
    return ConfigApplied(
        distribution_id=found.distribution_id,
        file=found.file,
        etag=found.etag,
        status="planned" if found.changes else "unchanged",
        dry_run=bool(found.changes),
        attempts=0,
        waited_seconds=0.0,
        saved=None,
        rollback=None,
        changes=found.changes,
    )


def _plan(found: ConfigDifference) -> Plan:
    number = len(found.changes)
    return Plan(
        action=f"apply {Path(found.file).name} to {found.distribution_id}",
        count=number,
        noun="change" if number == 1 else "changes",
        samples=tuple(_line(change) for change in found.changes[:5]),
    )


def _line(change: Change) -> str:
    if change.kind == "changed":
        return f"{change.path}: {change.before} -> {change.after}"
    return f"{'+' if change.kind == 'added' else '-'} {change.path}: {change.after or change.before}"
