"""JPEG and PNG as WebP and AVIF: as good as JPEG of quality 80 by SSIM, or the same pixels, and only where smaller.

The picture stays upright and keeps its colour profile; what else a camera wrote into it (place, time, owner) is left
out. What moves, is not in RGB or grey, has more than 8 bits, is broken or huge is left alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from perfctl.cdn.content.encodings import pays, weight
from perfctl.cdn.content.kinds import media_type
from perfctl.cdn.content.picture_size import picture_size
from perfctl.cdn.content.ssim import WINDOW, Reference
from perfctl.errors import MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

Format = Literal["avif", "webp"]

FORMATS: tuple[Format, ...] = ("avif", "webp")
"""The smaller one first, as a rule."""
MEDIA_TYPES: dict[Format, str] = {"avif": "image/avif", "webp": "image/webp"}
LARGEST_PIXELS = 40_000_000
"""More than any page shows; a decoder needs 160 MB for it."""
LONGEST_SIDE = 16_383
"""WebP's."""
JPEG_QUALITY = 80
"""What the result is at least as good as."""

_SOURCES = frozenset(("image/jpeg", "image/jpg", "image/pjpeg", "image/png"))
_MODES = frozenset(("RGB", "RGBA", "L", "LA", "P", "PA", "1"))
_SRGB_GAMMA = 0.45455
_SAVED: dict[Format, dict[str, Any]] = {"webp": {"method": 4}, "avif": {"speed": 6, "max_threads": 1}}
_FIRST_QUALITY: dict[Format, int] = {"webp": 74, "avif": 63}
_LOWEST, _HIGHEST = 20, 96
_SECONDS_PER_MEGAPIXEL: dict[Format, float] = {"webp": 1.0, "avif": 4.0}
"""What the search takes, of one core: more than we measured."""
_ONLINE_MS = 2000.0
"""What a picture may take while a viewer waits, by default: WebP of 2 megapixels, AVIF of half a one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in another format."""

    body: bytes
    format: Format
    quality: int
    """The encoder's; 100 for the same pixels."""
    likeness: float
    """Its SSIM to the source."""
    asked_likeness: float
    """That of JPEG of quality 80."""


def check_installed() -> None:
    """MissingExtraError where Pillow or numpy is not."""
    from importlib.util import find_spec

    if find_spec("PIL") is None or find_spec("numpy") is None:
        raise MissingExtraError("images", needed_for="making pictures smaller")


def is_picture(content_type: str) -> bool:
    """Whether the type is one that may become smaller as another."""
    return media_type(content_type) in _SOURCES


def wanted_formats(accept: str | None) -> tuple[Format, ...]:
    """Those that a viewer's Accept names (RFC 9110, 12.5.1), the heaviest ones alone.

    `*/*` names none: viewers that know neither format send it as well.

    >>> wanted_formats("image/avif,image/webp,*/*;q=0.8"), wanted_formats("image/avif;q=0.1, image/webp")
    (('avif', 'webp'), ('webp',))
    """
    elements = [part.partition(";") for part in (accept or "").lower().split(",")]
    weights = {name.strip(): weight(parameters) for name, _, parameters in elements}
    most = max((weights.get(MEDIA_TYPES[name], 0.0) for name in FORMATS), default=0.0)
    return tuple(name for name in FORMATS if most > 0 and weights.get(MEDIA_TYPES[name]) == most)


def smallest_picture(content: bytes, formats: tuple[Format, ...], *, budget_ms: float | None = None) -> Picture | None:
    """The smallest of those formats that there is time for, by default 2 s of CPU; None where none saves enough, or
    Pillow is not there.
    """
    try:
        made = pictures(content, _within(content, formats, budget_ms))
    except MissingExtraError:
        return None
    return min(made, key=lambda one: len(one.body), default=None)


def pictures(content: bytes, formats: tuple[Format, ...]) -> tuple[Picture, ...]:
    """The picture in each of these formats in which it is enough smaller. MissingExtraError without Pillow or numpy."""
    size = picture_size(content)
    if size is None or not formats or size.width * size.height > LARGEST_PIXELS:
        return ()
    if max(size.width, size.height) > LONGEST_SIDE:
        return ()
    source = _opened(content)
    if source is None:
        return ()
    made = (_same_pixels(source),) if size.form == "png" else _as_good(source, content, formats)
    return tuple(one for one in made if one is not None and one.format in formats and pays(len(one.body), len(content)))


def _within(content: bytes, formats: tuple[Format, ...], budget_ms: float | None) -> tuple[Format, ...]:
    size = picture_size(content)
    if size is None:
        return ()
    bound = _ONLINE_MS if budget_ms is None else budget_ms
    megapixels = size.width * size.height / 1e6
    return tuple(name for name in formats if _SECONDS_PER_MEGAPIXEL[name] * megapixels * 1000 <= bound)


def _opened(content: bytes) -> Image | None:
    """The upright picture in RGB or RGBA, its profile kept; None for what is left alone."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingExtraError("images", needed_for="making pictures smaller") from error
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            if image.format not in ("JPEG", "PNG") or getattr(image, "n_frames", 1) > 1 or not _is_plain(image):
                return None
            image.load()
            upright = ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - whatever Pillow stumbles over (in EXIF, too), the picture is left alone
        return None
    profile = upright.info.get("icc_profile")
    has_alpha = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
    converted = upright.convert("RGBA" if has_alpha else "RGB")
    converted.info = {"icc_profile": profile} if profile else {}
    return converted


def _is_plain(image: Image) -> bool:
    """8 bits of RGB, grey or a palette, in sRGB or with a profile that says otherwise."""
    gamma = image.info.get("gamma", _SRGB_GAMMA)
    has_own_gamma = abs(gamma - _SRGB_GAMMA) > 0.001 and not image.info.get("icc_profile") and "srgb" not in image.info
    return image.mode in _MODES and not has_own_gamma and not _has_grey_profile(image)


def _has_grey_profile(image: Image) -> bool:
    """A profile for grey fits no picture in RGB, which is all that WebP has."""
    return (image.info.get("icc_profile") or b"")[16:20] == b"GRAY"


def _same_pixels(source: Image) -> Picture | None:
    """Lossless WebP, its pixels compared."""
    body = _encoded(source, "webp", lossless=True, quality=80, exact=True, method=4)
    if _decoded(body).convert(source.mode).tobytes() != source.tobytes():
        return None
    return Picture(body, "webp", 100, 1.0, 1.0)


def _as_good(source: Image, content: bytes, formats: tuple[Format, ...]) -> tuple[Picture | None, ...]:
    if min(source.size) < WINDOW:
        return ()
    reference = Reference(source.convert("L"))
    jpeg = io.BytesIO()
    source.save(jpeg, "JPEG", quality=JPEG_QUALITY)
    asked = reference.likeness(_decoded(jpeg.getvalue()).convert("L"))
    return tuple(_lowest_quality(source, reference, asked, name, len(content)) for name in formats)


def _lowest_quality(source: Image, reference: Reference, asked: float, name: Format, below: int) -> Picture | None:
    """The lowest quality that is as like the source as asked, by false position between what fails and what does.

    The search ends at one step between the two; both ends stay proven, so that a curve with dents costs bytes at most.
    """
    low, high, quality = (_LOWEST - 1, -1.0), (_HIGHEST + 1, 1.0), _FIRST_QUALITY[name]
    best: Picture | None = None
    while low[0] < quality < high[0]:
        body = _encoded(source, name, quality=quality, **_SAVED[name])
        likeness = reference.likeness(_decoded(body).convert("L"))
        if likeness >= asked:
            high, best = (quality, likeness), Picture(body, name, quality, likeness, asked)
        elif len(body) >= below:
            return None
        else:
            low = (quality, likeness)
        quality = _between(low, high, asked)
    return best


def _between(low: tuple[int, float], high: tuple[int, float], asked: float) -> int:
    """The next quality to try: where the line through both ends meets what is asked; near one end where there is but
    one measurement.
    """
    step = 8
    if low[1] < 0:
        return max(high[0] - step, low[0] + 1) if high[0] - low[0] > 1 else low[0]
    if high[0] > _HIGHEST:
        return min(low[0] + step, high[0] - 1) if high[0] - low[0] > 1 else low[0]
    share = (asked - low[1]) / (high[1] - low[1]) if high[1] > low[1] else 0.5
    guess = low[0] + round(share * (high[0] - low[0]))
    return min(max(guess, low[0] + 1), high[0] - 1) if high[0] - low[0] > 1 else low[0]


def _encoded(source: Image, name: Format, **options: Any) -> bytes:
    stream = io.BytesIO()
    source.save(stream, name.upper(), icc_profile=source.info.get("icc_profile"), **options)
    return stream.getvalue()


def _decoded(body: bytes) -> Image:
    from PIL import Image

    image = Image.open(io.BytesIO(body))
    image.load()
    return image
