"""`perfctl cache dict`: zstd dictionaries, which make small values a third of what gzip makes of them."""

from __future__ import annotations

from typing import Annotated

import typer

from perfctl.cache.model.dictionaries import DictionaryListing, DictionaryTraining
from perfctl.cli.cache import OnlyNamespace, group, operator_of
from perfctl.cli.planner import DryRun
from perfctl.cli.run import Run
from perfctl.units import format_ratio


@group.command("dict train", example="perfctl cache dict train api --dry-run")
async def train(
    run: Run,
    namespace: Annotated[str, typer.Argument(metavar="NAMESPACE", help="The namespace whose values to learn from.")],
    dry_run: DryRun = False,
) -> DictionaryTraining:
    """Train a dictionary of the values that lie in a namespace; exit 1 when it does not pay.

    Says what it gains before it stores it. Applications train by themselves what they write; this does it now. What
    was written stays readable, and is written anew in its time.
    """
    from perfctl.cache.operating.training import train as trained

    if not dry_run:
        run.refuse_when_read_only("cache dict train")

    def tell(gained: DictionaryTraining) -> None:
        left, plain = format_ratio(gained.ratio), format_ratio(gained.plain_ratio)
        run.terminal.say(f"it leaves {left} of a value, zstd alone {plain}: storing it")

    training = await trained(operator_of(run), namespace, dry_run=dry_run, before_storing=tell)
    if not training.pays:
        run.exit(1)
    return training


@group.command("dict list", example="perfctl cache dict list -n api")
async def list_all(
    run: Run,
    namespace: OnlyNamespace = None,
) -> DictionaryListing:
    """The dictionaries on the server, and what each gains."""
    from perfctl.cache.operating.training import listed

    return await listed(operator_of(run), namespace)
