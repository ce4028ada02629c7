"""Pictures become smaller and look as they did, or stay as they are."""

from __future__ import annotations

import asyncio
import io
import random
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from sklearn.datasets import load_sample_images

from perfctl.cdn.content.picture_size import picture_size
from perfctl.cdn.content.pictures import pictures, smallest_picture
from perfctl.cdn.content.ssim import Reference
from perfctl.cdn.engine import CloudFrontOptimizer
from perfctl.config import CDNConfig

BROWSER = "image/avif,image/webp,image/*,*/*;q=0.8"


def _photo(width: int = 160, height: int = 120) -> Image.Image:
    """A part of a real photograph."""
    return Image.fromarray(load_sample_images().images[0]).crop((200, 150, 200 + width, 150 + height))


def _bytes(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _luma(content: bytes) -> Any:
    return Image.open(io.BytesIO(content)).convert("L")


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return _bytes(_photo(), quality=95)


def _plain_ssim(first: Any, second: Any) -> float:
    """The paper's formula, window by window, slowly."""
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * a * a).sum() - ma**2, (window * b * b).sum() - mb**2
            covariance = (window * a * b).sum() - ma * mb
            c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
            values.append((2 * ma * mb + c1) * (2 * covariance + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return float(np.mean(values))


def test_likeness_is_the_ssim_of_the_paper() -> None:
    photo = _photo(40, 30).convert("L")
    blurred = photo.filter(ImageFilter.GaussianBlur(1.5))
    assert Reference(photo).likeness(blurred) == pytest.approx(_plain_ssim(photo, blurred), abs=1e-4)
    assert Reference(photo).likeness(photo) == pytest.approx(1.0)
    assert Reference(photo).likeness(ImageOps.invert(photo)) < 0


def test_a_tall_picture_is_compared_as_one() -> None:
    noise = Image.effect_noise((14, 1040), 60)
    blurred = noise.filter(ImageFilter.GaussianBlur(1))
    assert Reference(noise).likeness(blurred) == pytest.approx(_plain_ssim(noise, blurred), abs=1e-4)


def test_a_jpeg_becomes_as_good_as_quality_80_and_smaller(jpeg: bytes) -> None:
    made = {one.format: one for one in pictures(jpeg, ("avif", "webp"))}
    source = Image.open(io.BytesIO(jpeg))
    reference = Reference(source.convert("L"))
    asked = reference.likeness(_luma(_bytes(source, quality=80)))
    assert set(made) == {"avif", "webp"}
    for one in made.values():
        assert len(one.body) < len(jpeg)
        assert Image.open(io.BytesIO(one.body)).format == one.format.upper()
        assert reference.likeness(_luma(one.body)) >= asked - 1e-6
        assert one.asked_likeness == pytest.approx(asked)


def test_the_same_picture_is_made_each_time(jpeg: bytes) -> None:
    assert pictures(jpeg, ("webp",)) == pictures(jpeg, ("webp",))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_a_png_keeps_every_pixel(mode: str) -> None:
    screen = Image.new("RGBA", (120, 90), (240, 240, 240, 255))
    for at in range(8):
        screen.paste((at * 30, 90, 200 - at * 20, 255 - at * 30), (at * 12, at * 9, at * 12 + 30, at * 9 + 20))
    source = screen.convert(mode)
    content = _bytes(source, "PNG", compress_level=0)
    (made,) = pictures(content, ("avif", "webp"))
    wanted = "RGBA" if mode in ("RGBA", "LA") else "RGB"
    assert made.format == "webp"
    assert len(made.body) < len(content)
    decoded = Image.open(io.BytesIO(made.body)).convert(wanted)
    assert decoded.tobytes() == source.convert(wanted).tobytes()


def test_colour_under_full_transparency_is_kept() -> None:
    source = Image.new("RGBA", (100, 100), (10, 20, 30, 0))
    source.putpixel((5, 5), (200, 100, 50, 255))
    (made,) = pictures(_bytes(source, "PNG", compress_level=0), ("webp",))
    assert Image.open(io.BytesIO(made.body)).convert("RGBA").getpixel((0, 0)) == (10, 20, 30, 0)


def test_a_photo_stays_upright_keeps_its_profile_and_tells_nobody_where_it_was_taken() -> None:
    from PIL import ImageCms

    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "at home"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = _bytes(_photo(160, 120), quality=95, exif=exif, icc_profile=profile)
    (made,) = pictures(content, ("webp",))
    shown = Image.open(io.BytesIO(made.body))
    assert shown.size == (120, 160)
    assert shown.info["icc_profile"] == profile
    assert not shown.getexif()


def _animated(form: str) -> bytes:
    frames = [_photo(60, 60), ImageOps.mirror(_photo(60, 60))]
    return _bytes(frames[0], form, save_all=True, append_images=frames[1:])


def _deep_png() -> bytes:
    """16 bits of red, green and blue each."""
    import struct
    import zlib

    rows = b"".join(b"\0" + struct.pack(">192H", *range(at, at + 192)) for at in range(64))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 64, 64, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 0)),
        (b"IEND", b""),
    )
    body = b"".join(len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def _huge_png() -> bytes:
    """A few bytes that promise 10,000 million pixels."""
    small = _bytes(Image.new("L", (4, 4)), "PNG")
    return small[:16] + (100_000).to_bytes(4) * 2 + small[24:]


LEFT_ALONE = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "half a jpeg": lambda: _bytes(_photo(), quality=95)[:900],
    "half a png": lambda: _bytes(_photo(), "PNG")[:900],
    "a moving png": lambda: _animated("PNG"),
    "a gif": lambda: _animated("GIF"),
    "a huge png": _huge_png,
    "cyan, magenta, yellow and black": lambda: _bytes(_photo().convert("CMYK"), quality=95),
    "16 bits": lambda: _bytes(Image.fromarray(np.zeros((40, 40), dtype=np.uint16)), "PNG"),
    "16 bits of each colour": _deep_png,
    "smaller than the window": lambda: _bytes(_photo(10, 10), quality=95),
    "EXIF that cannot be written again": lambda: _bytes(_photo(64, 64), quality=97, exif=_odd_exif()),
    "a gamma of its own": lambda: _with_gamma(_bytes(Image.new("RGB", (64, 64), "red"), "PNG", compress_level=0)),
}


def _odd_exif() -> bytes:
    """A picture on its side, whose resolution is text where a fraction is due."""
    entries = ((0x0112, 3, 1, b"\x06\0\0\0"), (0x011A, 7, 4, b"odd!"))
    rows = b"".join(
        tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + count.to_bytes(4, "little") + value
        for tag, kind, count, value in entries
    )
    return b"Exif\0\0II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little") + rows + bytes(4)


def _with_gamma(png: bytes) -> bytes:
    import zlib

    chunk = b"gAMA" + (100_000).to_bytes(4)
    return png[:33] + (4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + png[33:]


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_could_not_be_shown_alike_is_left_alone(name: str) -> None:
    assert pictures(LEFT_ALONE[name](), ("avif", "webp")) == ()


def test_a_jpeg_of_low_quality_never_becomes_larger() -> None:
    content = _bytes(_photo(), quality=8)
    assert all(len(one.body) < len(content) for one in pictures(content, ("avif", "webp")))


def test_damaged_pictures_raise_nothing(jpeg: bytes) -> None:
    dice = random.Random(7)
    png = _bytes(_photo(40, 30), "PNG")
    for content in (jpeg, png):
        for _ in range(15):
            broken = bytearray(content)
            for _ in range(3):
                broken[dice.randrange(2, 300)] = dice.randrange(256)
            smallest_picture(bytes(broken), ("webp",))


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"\xff\xd8", None),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x10\x03", None),
        (b"\xff\xd8\xff\xe0\x00\x00" + b"\xff" * 40, None),
        (b"\xff\xd8\xff\xff\xff\xc2\x00\x11\x08\x00\x20\x00\x10\x03", ("jpeg", 16, 32)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03", ("png", 2, 3)),
    ],
)
def test_a_size_is_read_before_anything_is_decoded(content: bytes, size: tuple[str, int, int] | None) -> None:
    assert picture_size(content) == size


def test_the_viewer_s_accept_decides_the_format(jpeg: bytes) -> None:
    async def made(**asked: Any) -> tuple[bytes, dict[str, str]]:
        return await CloudFrontOptimizer(CDNConfig()).optimize_content(jpeg, "image/jpeg", path="/a.jpg", **asked)

    body, headers = asyncio.run(made(accept="image/webp,*/*"))
    assert Image.open(io.BytesIO(body)).format == "WEBP"
    assert (headers["Content-Type"], headers["Vary"]) == ("image/webp", "Accept-Encoding, Accept")
    assert headers["Content-Length"] == str(len(body))
    body, headers = asyncio.run(made(accept="*/*"))
    assert (body, headers["Content-Type"], headers["Vary"]) == (jpeg, "image/jpeg", "Accept-Encoding, Accept")
    body, headers = asyncio.run(made())
    assert (body, headers["Vary"]) == (jpeg, "Accept-Encoding")


def test_a_picture_that_would_take_longer_than_the_budget_stays(jpeg: bytes) -> None:
    assert smallest_picture(jpeg, ("avif", "webp"), budget_ms=1) is None
    assert smallest_picture(jpeg, ("avif", "webp"), budget_ms=40).format == "webp"  # type: ignore[union-attr]


def test_without_pillow_a_picture_stays_as_it_is(jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    assert smallest_picture(jpeg, ("webp",)) is None
