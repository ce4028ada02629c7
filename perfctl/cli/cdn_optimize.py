"""`perfctl cdn optimize`: a folder made ready for the edge."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from perfctl.cdn.model.content import OptimizeReport
from perfctl.cli.cdn import group
from perfctl.cli.planner import DryRun
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run


@group.command("optimize", example="perfctl cdn optimize dist/ --images")
async def optimize(
    run: Run,
    source: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that is to be published, or a file.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write there, in the same folders; by default beside.")
    ] = None,
    images: Annotated[bool, typer.Option("--images", help="JPEG and PNG as WebP and AVIF, too.")] = False,
    compact_json: Annotated[
        bool, typer.Option("--compact-json", help="Compressed JSON without the blanks between its tokens.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what lies in a variant's place and is none of ours.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", metavar="N", min=1, max=256, help="Files at once; by default one for each core."),
    ] = None,
    dry_run: DryRun = False,
) -> OptimizeReport:
    """Compress a folder for the edge: app.js.br and app.js.gz beside app.js, photo.jpg.webp and .avif beside photo.jpg.

    brotli 11 and gzip 9 where they save 5 % or more; pictures that are as good as JPEG of quality 80 (by SSIM), PNG
    with the same pixels. perfctl-content.json has the headers of every file and variant, for what uploads them. The
    files themselves are never touched, and what is up to date is not made again. Links are not
    followed; one out of the folder is told. Exit 6 when anything else was left out.
    """
    from perfctl.cdn.content.publishing import publish
    from perfctl.cdn.content.serving import rules_of

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of what a camera wrote amiss
    with progress_of(run, "files") as told:
        report = await publish(
            source,
            rules=rules_of(run.settings.cdn),
            out=out,
            images=images,
            compact=compact_json,
            force=force,
            dry_run=dry_run,
            jobs=jobs,
            told=told,
        )
    if report.problems:
        run.exit(6)
    return report
