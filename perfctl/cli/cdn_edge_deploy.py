"""`perfctl cdn edge package|deploy|rollback`: functions as AWS takes them, put at the edge, and put back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cdn.model.edge_deploys import EdgeDeployment, EdgePackage
from perfctl.cli.cdn import Distribution, engine_of, group
from perfctl.cli.planner import DryRun, Plan, confirm
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError
from perfctl.units import parse_duration

if TYPE_CHECKING:
    from perfctl.cdn.deploying.wanted import WantedDeployment
    from perfctl.cdn.edge.model import EdgeFunction

_NAME_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")

Function = Annotated[
    str, typer.Argument(metavar="FUNCTION", help="A file, a folder, or the name of a function that perfctl ships.")
]
Trigger = Annotated[
    str | None, typer.Option("--trigger", metavar="NAME", help="viewer-request, origin-response ...; over its header.")
]
Runtime = Annotated[
    str | None, typer.Option("--runtime", metavar="NAME", help="cloudfront-js-2.0, nodejs, python; over its header.")
]
LambdaRuntime = Annotated[
    str | None,
    typer.Option("--lambda-runtime", metavar="NAME", help="Lambda's own word: python3.13 (default), nodejs22.x."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A value of its settings.json, which is packed; repeatable."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Return when every edge location has it.")]
WaitTimeout = Annotated[str, typer.Option("--wait-timeout", metavar="DURATION", help="The limit of --wait.")]


@group.command(
    "edge package",
    example="perfctl cdn edge package resize-image --set origin=https://img.example.com --out resize.zip",
)
async def package(
    run: Run,
    function: Function,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.")] = None,
    settings: Set = None,
    trigger: Trigger = None,
    runtime: Runtime = None,
    lambda_runtime: LambdaRuntime = None,
) -> EdgePackage:
    """Make a function what AWS takes, and check its size: the text, or a zip file that is the same each time.

    What a requirements.txt beside a Python function names is fetched from your index as wheels for Lambda's platform.
    """
    from perfctl.cdn.edge.naming import Said, find_function
    from perfctl.cdn.edge.packaging import pack

    found = find_function(function, Said(runtime, trigger))
    packed = pack(found, settings=_settings(settings), lambda_runtime=lambda_runtime)
    if out is None:
        return packed.told
    try:
        out.write_bytes(packed.content)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}", hint="name a file in a folder that is there") from error
    return replace(packed.told, written=str(out))


@group.command("edge deploy", example="perfctl cdn edge deploy normalize-url --behaviour '/docs/*' --wait --yes")
async def deploy(
    run: Run,
    function: Function,
    behaviour: Annotated[
        str, typer.Option("--behaviour", metavar="PATTERN", help="The path pattern of a behaviour, or default.")
    ] = "default",
    name: Annotated[str | None, typer.Option("--name", help="Its name at AWS; by default that of its file.")] = None,
    trigger: Trigger = None,
    runtime: Runtime = None,
    lambda_runtime: LambdaRuntime = None,
    settings: Set = None,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ARN", help="What Lambda@Edge runs it under; over cdn.edge_role_arn."),
    ] = None,
    store_arn: Annotated[
        str | None, typer.Option("--store-arn", metavar="ARN", help="The key value store of a CloudFront Function.")
    ] = None,
    include_body: Annotated[
        bool, typer.Option("--include-body", help="Lambda@Edge sees the body of requests.")
    ] = False,
    replaces: Annotated[
        bool, typer.Option("--replace", help="Take away other functions that cannot stay beside it.")
    ] = False,
    no_test: Annotated[bool, typer.Option("--no-test", help="Deploy without lint and tests.")] = False,
    wait: Wait = False,
    wait_timeout: WaitTimeout = "15m",
    dry_run: DryRun = False,
    distribution: Distribution = None,
) -> EdgeDeployment:
    """Put a function at the edge: lint, tests, upload, publish a version, name it in a behaviour.

    A CloudFront Function is tested at CloudFront before it goes live; Lambda@Edge gets a numbered version in us-east-1.
    What is there already is not done again, and a run that was cut off is finished by the next one. Viewers meet the
    old version until the last step.
    """
    from perfctl.cdn.deploying.examining import check_function
    from perfctl.cdn.deploying.wanted import WantedDeployment
    from perfctl.cdn.edge.naming import Said, find_function
    from perfctl.cdn.edge.packaging import pack

    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    found = find_function(function, Said(runtime, trigger))
    _check_flags(found, role, store_arn, include_body)
    engine = engine_of(run, distribution)
    (target,) = await engine.distribution_ids((distribution,) if distribution else ())
    passed = None if no_test else await check_function(found)
    packed = pack(
        found, settings=_settings(settings), lambda_runtime=lambda_runtime or await engine.edge_runtime(found)
    )
    wanted = WantedDeployment(
        function=found,
        packed=packed,
        name=_aws_name(name or found.name),
        distribution_id=target,
        behaviour=behaviour,
        role_arn=role or engine.config.edge_role_arn,
        replaces=replaces,
        includes_body=include_body,
        is_tested=not no_test,
        store_arn=store_arn,
    )
    if passed is None and not no_test:
        run.warn(f"{found.name} has no tests: write {found.name}.tests.yaml beside it")
    done = replace(await engine.plan_edge_deployment(wanted), tests_passed=passed)
    if done.steps and not dry_run:
        confirm(run, _plan(_action(wanted), done))
        done = await engine.deploy_edge_function(wanted, done)
        if done.rollback:
            run.terminal.say(f"to go back: {_in_context(run, done.rollback)}")
    return done if dry_run or not wait else await _waited(run, done, seconds)


@group.command("edge rollback", example="perfctl cdn edge rollback resize-image --wait --yes")
async def rollback(
    run: Run,
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="Its name at AWS, or the file it came from.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="VERSION", help="Another version than the one before.")
    ] = None,
    wait: Wait = False,
    wait_timeout: WaitTimeout = "15m",
    dry_run: DryRun = False,
    distribution: Distribution = None,
) -> EdgeDeployment:
    """Put the version before back.

    Of Lambda@Edge every behaviour of the distribution that names the function names the earlier number again. A
    CloudFront Function has no versions: the code that was replaced is kept on the host that replaced it.
    """
    from perfctl.cdn.deploying.rolling_back import WantedRollback

    seconds = parse_duration(wait_timeout, where="--wait-timeout")
    engine = engine_of(run, distribution)
    has_one = distribution or engine.config.distribution_id
    targets = await engine.distribution_ids((distribution,) if distribution else ()) if has_one else (None,)
    name, kind = _named(function)
    wanted = WantedRollback(name, kind, targets[0], to)  # type: ignore[arg-type]
    done = await engine.plan_edge_rollback(wanted)
    if done.steps and not dry_run:
        confirm(run, _plan(f"put {name} back to version {done.version}", done))
        done = await engine.roll_back_edge_function(wanted, done)
    return done if dry_run or not wait else await _waited(run, done, seconds)


async def _waited(run: Run, done: EdgeDeployment, seconds: float) -> EdgeDeployment:
    """The same when every edge location has it; TimedOutError says how to ask again."""
    if done.distribution_id is None:
        return done
    engine = engine_of(run)
    with progress_of(run, "seconds until every edge location has it") as told:
        waited = await engine.wait_until_deployed(done.distribution_id, seconds=seconds, told=told)
    return replace(done, waited_seconds=waited, status="unchanged" if done.status == "unchanged" else "Deployed")


def _plan(action: str, done: EdgeDeployment) -> Plan:
    lines = tuple(f"{step.action} {step.object}: {step.said}" for step in done.steps)
    return Plan(action=action, count=len(lines), noun="step" if len(lines) == 1 else "steps", samples=lines)


def _action(wanted: WantedDeployment) -> str:
    where = f"{wanted.distribution_id} {wanted.behaviour}"
    return f"deploy {wanted.name} at {wanted.function.trigger} of {where}"


def _check_flags(function: EdgeFunction, role: str | None, store_arn: str | None, include_body: bool) -> None:
    if function.is_lambda and store_arn:
        raise UsageError("--store-arn: key value stores are for CloudFront Functions", hint="leave it out")
    if not function.is_lambda and (role or include_body):
        flag = "--role" if role else "--include-body"
        raise UsageError(f"{flag}: {function.name} is a CloudFront Function", hint="leave it out")
    if include_body and not function.is_for_requests:
        raise UsageError("--include-body is for request triggers", hint=f"{function.name} runs at {function.trigger}")


def _settings(pairs: list[str] | None) -> dict[str, str]:
    chosen = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {pair}: that is not KEY=VALUE", hint="--set origin=https://img.example.com")
        chosen[key] = value
    return chosen


def _aws_name(name: str) -> str:
    if not name or len(name) > 64 or set(name) - _NAME_LETTERS:
        raise UsageError(
            f"{name[:80]!r} is no function name at AWS: letters, digits, - and _, at most 64", hint="--name NAME"
        )
    return name


def _named(function: str) -> tuple[str, str | None]:
    """The name at AWS, and the kind where a source says it."""
    from perfctl.cdn.edge.naming import find_function, shipped_names

    if not Path(function).exists() and function not in shipped_names():
        return _aws_name(function), None
    found = find_function(function)
    return _aws_name(found.name), "lambda@edge" if found.is_lambda else "cloudfront-function"


def _in_context(run: Run, line: str) -> str:
    context = run.options.context
    return line.replace("perfctl cdn", f"perfctl -c {context} cdn", 1) if context else line
