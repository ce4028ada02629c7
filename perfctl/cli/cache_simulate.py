"""`perfctl cache simulate`: what a cache of this policy and that size would have hit, without a server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfctl.cache.policies import POLICIES
from perfctl.cache.simulate.model import Simulated
from perfctl.cli.cache import group
from perfctl.cli.drawn import destination, draw_into
from perfctl.cli.progress import progress_of
from perfctl.cli.run import Run
from perfctl.errors import UsageError

if TYPE_CHECKING:
    from perfctl.cache.simulate.size import Size
    from perfctl.cache.simulate.trace import Trace

_FEW_ENTRIES = 20
"""A sampled cache smaller than this says little."""


@group.command("simulate", example="perfctl cache simulate requests.jsonl --policy default --policy lru --size 1%")
def simulate(
    run: Run,
    trace: Annotated[
        str, typer.Argument(metavar="TRACE", help="A .u32 or .jsonl file, also .zst or .gz; - reads stdin.")
    ],
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            help=f"One of {', '.join(('default', *POLICIES))}; repeats. Without it: default, lru and opt, the limit.",
        ),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="SIZE",
            help="Entries (5000), a share of the unique keys (1%), or bytes (64MB) where the trace has sizes; repeats.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="RATIO", help="Find the smallest size that hits so often: 0.95 or 95%."),
    ] = None,
    svg: Annotated[
        str | None, typer.Option("--svg", metavar="FILE", help="Draw the miss-ratio curve into this file.")
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(
            "--sample", metavar="RATIO", help="Estimate from so many of the keys: 0.1 is ten times as fast (SHARDS)."
        ),
    ] = None,
) -> Simulated:
    """Replay a trace of requests through eviction policies, and draw the miss-ratio curve.

    The policies are those that the cache runs. A trace is key ids of four bytes, little-endian, in request order
    (.u32), or a line a request (.jsonl): {"key": "user:1", "size": 512}, the size left out or the bare key. A bad
    line is reported and passed over (exit 6). No server is asked.
    """
    from perfctl.cache.simulate.study import COMPARED, refuse_unknown

    policies, wanted = _once(policy) or COMPARED, _sizes(size)
    refuse_unknown(policies)
    goal, ratio = _share(target, "--target"), _share(sample, "--sample")
    path = destination(svg, "--svg")
    read = _read(run, trace, ratio)
    sizes = wanted or _ladder(read)
    _warn_of_small_samples(run, read, sizes)
    if path is not None and len(sizes) == 1:
        run.warn(f"--size {sizes[0].text} alone makes points and no curve: leave --size out to draw all sizes")
    result = _replayed(run, read, policies, sizes, goal)
    if path is not None:
        _draw(result, path)
        result = dataclasses.replace(result, svg=str(path))
    if result.bad_lines:
        run.exit(6)
    return result


def _read(run: Run, source: str, ratio: float | None) -> Trace:
    from perfctl.cache.simulate.trace import read_trace

    with progress_of(run, f"reading {source}") as told:
        read = read_trace(source, ratio=ratio or 1.0, on_progress=told)
    if read.is_guessed:
        run.warn(f"{source}: read as key ids of four bytes, which its name does not say: .u32 or .jsonl would")
    return read


def _replayed(
    run: Run, read: Trace, policies: tuple[str, ...], sizes: tuple[Size, ...], goal: float | None
) -> Simulated:
    from perfctl.cache.simulate.study import simulated, targets

    with _ticking(run, "replaying", len(policies) * len(sizes) * len(read.keys)) as tick:
        result = simulated(read, policies, sizes, tick=tick)
    if goal is None:
        return result
    most = len(policies) * (read.unique.bit_length() + 1) * len(read.keys)
    with _ticking(run, "looking for the smallest sizes", most) as tick:
        return dataclasses.replace(result, targets=targets(read, policies, goal, done=result, tick=tick))


def _once(names: list[str] | None) -> tuple[str, ...]:
    """In the order typed, each once."""
    return tuple(dict.fromkeys(names or ()))


def _sizes(texts: list[str] | None) -> tuple[Size, ...]:
    from perfctl.cache.simulate.size import parse_size

    return tuple(parse_size(text) for text in _once(texts))


def _ladder(read: Trace) -> tuple[Size, ...]:
    from perfctl.cache.simulate.size import ladder

    return ladder(read.unique_keys)


def _share(text: str | None, flag: str) -> float | None:
    """A share of 0..1 of `0.95` or `95%`. UsageError for what is none."""
    if text is None:
        return None
    try:
        bare = text.strip()
        share = float(bare[:-1]) / 100 if bare.endswith("%") else float(bare)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(f"{flag}: {text!r} is no share above 0 and up to 1", hint="such as 0.95 or 95%", where=flag)
    return share


def _warn_of_small_samples(run: Run, read: Trace, sizes: tuple[Size, ...]) -> None:
    from perfctl.cache.simulate.sample import scaled

    few = [
        size.text
        for size in sizes
        if read.ratio < 1 and scaled(size.capacity(read.unique_keys), read.ratio) < _FEW_ENTRIES
    ]
    if few:
        run.warn(f"{', '.join(few)}: the sample leaves fewer than {_FEW_ENTRIES} entries, so the estimate is rough")


@contextmanager
def _ticking(run: Run, what: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Progress that is told what was done since, as replays do."""
    done = 0
    with progress_of(run, f"{what}, requests", total) as told:
        if told is None:
            yield None
            return

        def tick(more: int) -> None:
            nonlocal done
            done += more
            told(done)

        yield tick


def _draw(result: Simulated, path: Path) -> None:
    from perfctl.render.cache_simulate import miss_ratio_chart
    from perfctl.render.chart_svg import svg_of

    text = svg_of(miss_ratio_chart(result), title=f"Miss ratio of {Path(result.trace).name}")
    draw_into(path, text, "--svg")
