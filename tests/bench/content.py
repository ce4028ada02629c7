"""How much smaller the edge's content is: real front-end packages at deploy, photographs at equal SSIM, JSON online.

Packages come from the npm registry and photographs from scikit-image's wheel where those can be had; without them the
bench takes what is installed here, and says so.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from sklearn.datasets import load_sample_images

from perfctl.cdn.content.encodings import compressed
from perfctl.cdn.content.json_text import compacted
from perfctl.cdn.content.optimizing import ContentRules
from perfctl.cdn.content.pictures import FORMATS, JPEG_QUALITY, pictures
from perfctl.cdn.content.publishing import publish
from perfctl.cdn.content.ssim import Reference
from tests.bench.measure import Figure
from tests.bench.payloads import KINDS, compact, document

PACKAGES = ("bootstrap@5.3.3", "vue@3.5.13", "d3@7.9.0", "lodash@4.17.21", "react-dom@18.3.1")
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "retina.jpg")
_CAMERA_QUALITY = 95
_SECONDS = 90
_ROUNDS = 9
_SLICE = 100_000


def run() -> list[Figure]:
    """Shares saved, and the CPU time of brotli 5."""
    with tempfile.TemporaryDirectory() as folder:
        return [*_text_figures(Path(folder)), *_picture_figures(Path(folder)), *_cpu_figures(Path(folder))]


def _text_figures(folder: Path) -> list[Figure]:
    """The folder as `cdn optimize` leaves it, against gzip 6 on the fly, which is what most servers do."""
    source, note = _front_end(folder)
    started = time.process_time()
    report = asyncio.run(publish(source, rules=ContentRules()))
    seconds = time.process_time() - started
    texts = [row for row in report.types if row.type != "other" and row.br_bytes < row.size_bytes]
    size = sum(row.size_bytes for row in texts)
    usual = sum(len(compressed(path.read_bytes(), "gzip", 6)) for path in _texts(source, {row.type for row in texts}))
    again = time.process_time()
    asyncio.run(publish(source, rules=ContentRules()))
    again = time.process_time() - again
    return [
        Figure("text saved at deploy", 100 * (report.text_saved_ratio or 0), "%", at_least=70, note=note),
        Figure("  over gzip 6", sum(row.br_bytes for row in texts) / usual, "x", asked=1.0),
        Figure("  text in all", size / 1e6, "MB"),
        Figure("  CPU to make it", seconds, "s"),
        Figure("  CPU of a second run", again / seconds, "x", asked=0.1, note="nothing is made again"),
    ]


def _texts(source: Path, endings: set[str]) -> Iterator[Path]:
    for path in source.rglob("*"):
        if path.is_file() and path.suffix.removeprefix(".").lower() in endings:
            yield path


def _front_end(folder: Path) -> tuple[Path, str]:
    """A folder of real packages."""
    into = folder / "packages"
    into.mkdir()
    if shutil.which("npm"):
        words = ["npm", "pack", "--silent", *PACKAGES]
        ran = subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=_SECONDS)
        if ran.returncode == 0:
            for archive in folder.glob("*.tgz"):
                with tarfile.open(archive) as tar:
                    tar.extractall(into / archive.stem, filter="data")
            return into, ", ".join(PACKAGES)
    import django

    shutil.copytree(Path(django.__file__).parent / "contrib" / "admin" / "static", into / "admin")
    return into, "without npm's packages: the assets of Django's admin"


def _picture_figures(folder: Path) -> list[Figure]:
    """Bytes over those of JPEG of quality 80, and how the likeness compares with its likeness."""
    photos = _photos(folder)
    note = f"{len(photos)} photographs: {', '.join(photos)}"
    shares: dict[str, list[float]] = {name: [] for name in FORMATS}
    margins: dict[str, list[float]] = {name: [] for name in FORMATS}
    seconds: dict[str, float] = dict.fromkeys(FORMATS, 0.0)
    for content in photos.values():
        source = Image.open(io.BytesIO(content)).convert("RGB")
        reference = Reference(source.convert("L"))
        usual = _encoded(source, JPEG_QUALITY, Image.open(io.BytesIO(content)).info.get("icc_profile"))
        asked = reference.likeness(Image.open(io.BytesIO(usual)).convert("L"))
        for name in FORMATS:
            started = time.process_time()
            made = pictures(content, (name,))
            seconds[name] += time.process_time() - started
            body = made[0].body if made else content
            shares[name].append(len(body) / len(usual))
            margins[name].append(reference.likeness(Image.open(io.BytesIO(body)).convert("L")) - asked)
    pixels = sum(_pixels(content) for content in photos.values())
    figures = []
    for name, least in (("webp", 15), ("avif", 25)):
        figures += [
            Figure(f"{name} saved over JPEG q80", 100 * (1 - _mean(shares[name])), "%", at_least=least, note=note),
            Figure("  least SSIM over that of JPEG q80", 1000 * min(margins[name]), "/1000", at_least=0),
            Figure("  CPU for a megapixel", seconds[name] / (pixels / 1e6), "s"),
        ]
    return figures


def _photos(folder: Path) -> Mapping[str, bytes]:
    """JPEG as a camera would have written it, or as it is where it is one."""
    samples = load_sample_images()
    found = {
        Path(name).name: _encoded(Image.fromarray(image), _CAMERA_QUALITY)
        for name, image in zip(samples.filenames, samples.images, strict=True)
    }
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "scikit-image"]
    ran = subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=_SECONDS)
    for wheel in folder.glob("*.whl") if ran.returncode == 0 else ():
        with zipfile.ZipFile(wheel) as archive:
            for name in PHOTOS:
                content = archive.read(f"skimage/data/{name}")
                found[name] = content if name.endswith(".jpg") else _as_camera(content)
    return found


def _pixels(content: bytes) -> int:
    width, height = Image.open(io.BytesIO(content)).size
    return width * height


def _mean(values: list[float]) -> float:
    return statistics.mean(values)


def _as_camera(content: bytes) -> bytes:
    return _encoded(Image.open(io.BytesIO(content)).convert("RGB"), _CAMERA_QUALITY)


def _encoded(image: Image.Image, quality: int, profile: bytes | None = None) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, icc_profile=profile)
    return stream.getvalue()


def _cpu_figures(folder: Path) -> list[Figure]:
    """CPU of a body of 100 KB of an API's JSON; and of a script, which is usually made at deploy."""
    dice = random.Random(7)
    answers = [compact(document(kind, _SLICE, dice)) for kind in KINDS]
    large = (path for path in sorted((folder / "packages").rglob("*.js")) if path.stat().st_size > _SLICE)
    scripts = [path.read_bytes()[:_SLICE] for path in large][:8]
    jobs: dict[str, Callable[[bytes], Any]] = {
        "br": lambda body: compressed(body, "br", 5),
        "gzip": lambda body: compressed(body, "gzip", 6),
    }
    times = {name: _milliseconds(job, answers) for name, job in jobs.items()}
    times["compact"] = _milliseconds(compacted, [json.dumps(json.loads(body)).encode() for body in answers])
    return [
        Figure("br-5 of 100 KB of JSON", times["br"], "ms", asked=2.5),
        Figure("  over gzip 6", times["br"] / times["gzip"], "x"),
        Figure("  size over gzip 6", _sizes(jobs["br"], answers) / _sizes(jobs["gzip"], answers), "x", asked=1.0),
        Figure("  of 100 KB of script", _milliseconds(jobs["br"], scripts), "ms"),
        Figure("compacting 100 KB of JSON, with its proof", times["compact"], "ms"),
    ]


def _milliseconds(job: Callable[[bytes], Any], bodies: list[bytes]) -> float:
    """Median over rounds, of the mean over bodies, scaled to 100 KB."""
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for body in bodies:
            job(body)
        rounds.append((time.process_time() - started) * 1000 * _SLICE / sum(map(len, bodies)))
    return statistics.median(rounds)


def _sizes(job: Callable[[bytes], Any], bodies: list[bytes]) -> int:
    return sum(len(job(body)) for body in bodies)
