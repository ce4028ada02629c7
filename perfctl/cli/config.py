"""`perfctl config ...`: write, check and explain the configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cli.command import CommandGroup
from perfctl.cli.run import Run
from perfctl.config.model import EffectiveSettings, Validation, WrittenFile

group = CommandGroup("config", help="Write, check and explain the configuration.")


@group.command("init", example="perfctl config init")
def init(
    run: Run,
    path: Annotated[str, typer.Option("--path", help="The file to write.", metavar="FILE")] = "perfctl.yaml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> WrittenFile:
    """Write a commented configuration file with every key at its default.

    Exit 7 when the file is there already.
    """
    from pathlib import Path

    from perfctl.config.answers import write_template

    return write_template(Path(path), force=force)


@group.command("show", example="perfctl config show --origin -c staging")
def show(
    run: Run, origin: Annotated[bool, typer.Option("--origin", help="Say where each value was set.")] = False
) -> EffectiveSettings:
    """Show every setting in force, secrets as ***, with --origin also the file and line, variable or flag."""
    from perfctl.config.answers import effective_settings

    return effective_settings(run.settings, config_file=run.options.config, with_origin=origin)


@group.command("validate", example="perfctl config validate configs/production.yaml")
def validate(
    run: Run, files: Annotated[list[str] | None, typer.Argument(help="Files, by default all that count here.")] = None
) -> Validation:
    """Check files, each fault with its line, or all that counts here: files, variables, contexts.

    Exit 3 when there are faults; all of them are listed.
    """
    from perfctl.config.answers import validate as check

    answer, warnings = check(files or (), context=run.options.context, config_file=run.options.config)
    for warning in warnings:
        run.warn(warning)
    return answer


@group.command("schema", example="perfctl config schema > perfctl.schema.json")
def schema(run: Run) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    from perfctl.config.json_schema import file_schema
    from perfctl.document.envelope import dumps

    run.terminal.write(dumps(file_schema(), indent=2) + "\n")
