# perfctl: runtime=python trigger=origin-response memory=512
"""A picture in the size and the form that was asked for: /a.jpg?w=640&h=480&q=75, and the Accept of the request.

The original is fetched from `settings.json`'s `origin` (a function has no body of the response and no variables), made
smaller with Pillow, never larger, and answered in at most a megabyte, which is all that an origin-response function may
answer. Whatever cannot be done leaves the origin's answer as it is, and says why in the log.
"""

import base64
import io
import json
import pathlib
import urllib.parse
import urllib.request
from typing import Any

from PIL import Image, ImageOps

SETTINGS = json.loads((pathlib.Path(__file__).parent / "settings.json").read_text())
FORMS = {"image/avif": "AVIF", "image/webp": "WEBP", "image/jpeg": "JPEG", "image/png": "PNG"}
MOST_ANSWER = 1_048_576 - 16_384
"""In base64, with room for the headers."""
MOST_ORIGINAL = 20 * 1024 * 1024
QUALITIES = (80, 65, 50, 35)

Image.MAX_IMAGE_PIXELS = SETTINGS["most_pixels"]


class Left(Exception):  # noqa: N818 - it is no error, the answer stays
    """Why the answer stays as it is."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    record = event["Records"][0]["cf"]
    request, response = record["request"], record["response"]
    try:
        wanted = wanted_of(request, response)
        original = fetched(request["uri"], context.get_remaining_time_in_millis() / 1000 - 1)
        content, form = resized(original, wanted, accepted(request))
    except Left as reason:
        if str(reason):
            print(f"{request['uri']}: left as it is: {reason}")  # noqa: T201 - the log of Lambda
        return dict(response)
    return answer(response, content, form)


def wanted_of(request: dict[str, Any], response: dict[str, Any]) -> tuple[int | None, int | None, int]:
    """Width, height and quality; None where it is not asked for."""
    type_ = first(response["headers"], "content-type").partition(";")[0].strip().lower()
    if response["status"] != "200" or type_ not in FORMS:
        raise Left("")
    query = dict(urllib.parse.parse_qsl(request["querystring"]))
    width, height, quality = (number(query.get(name)) for name in ("w", "h", "q"))
    if width is None and height is None and "format" not in query:
        raise Left("")
    return width, height, min(quality or QUALITIES[0], 95)


def number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 5 and 0 < int(text) <= SETTINGS["most_side"]):
        raise Left(f"{text[:20]!r} is not a size from 1 to {SETTINGS['most_side']}")
    return int(text)


def fetched(uri: str, seconds: float) -> bytes:
    if not SETTINGS["origin"]:
        raise Left("settings.json names no origin")
    try:
        place = SETTINGS["origin"].rstrip("/") + uri
        with urllib.request.urlopen(place, timeout=max(1, min(10, seconds))) as answer:  # noqa: S310 - its own setting
            content: bytes = answer.read(MOST_ORIGINAL + 1)
    except (OSError, ValueError) as error:
        raise Left(f"the original cannot be fetched: {error}") from error
    if len(content) > MOST_ORIGINAL:
        raise Left(f"the original has more than {MOST_ORIGINAL} bytes")
    return content


def accepted(request: dict[str, Any]) -> str | None:
    """The best form that the viewer takes; normalize-accept leaves one name in Accept."""
    query = dict(urllib.parse.parse_qsl(request["querystring"]))
    if f"image/{query.get('format')}" in FORMS:
        return FORMS[f"image/{query['format']}"]
    said = first(request["headers"], "accept").lower()
    return next((form for name, form in FORMS.items() if name in said and form in ("AVIF", "WEBP")), None)


def resized(original: bytes, wanted: tuple[int | None, int | None, int], form: str | None) -> tuple[bytes, str]:
    width, height, quality = wanted
    try:
        opened = Image.open(io.BytesIO(original))
        if getattr(opened, "is_animated", False):
            raise Left("it is animated")
        form = form or opened.format or "JPEG"
        opened.draft("RGB", (min(width or opened.width, opened.width), min(height or opened.height, opened.height)))
        picture = ImageOps.exif_transpose(opened)
        box = (min(width or picture.width, picture.width), min(height or picture.height, picture.height))
        picture.thumbnail(box, Image.Resampling.LANCZOS)
        if form == "JPEG" and picture.mode not in ("RGB", "L"):
            picture = flattened(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Left(f"it cannot be read: {error}") from error
    return smallest_that_fits(picture, form, quality), form


def flattened(picture: Image.Image) -> Image.Image:
    """Without transparency, which JPEG has not: on white."""
    layers = picture.convert("RGBA")
    page = Image.new("RGB", layers.size, "white")
    page.paste(layers, mask=layers.getchannel("A"))
    return page


def smallest_that_fits(picture: Image.Image, form: str, quality: int) -> bytes:
    for each in (quality, *(one for one in QUALITIES if one < quality)):
        content = io.BytesIO()
        options: dict[str, Any] = {"AVIF": {"speed": 8}, "WEBP": {"method": 4}}.get(form, {"optimize": True})
        picture.save(content, form, quality=each, **options)
        if (len(content.getvalue()) + 2) // 3 * 4 <= MOST_ANSWER:
            return content.getvalue()
    raise Left("it does not fit into a megabyte")


def answer(response: dict[str, Any], content: bytes, form: str) -> dict[str, Any]:
    headers = response["headers"]
    for name in ("content-length", "content-encoding", "etag", "content-md5", "accept-ranges", "last-modified"):
        headers.pop(name, None)
    name = next(name for name, known in FORMS.items() if known == form)
    headers["content-type"] = [{"key": "Content-Type", "value": name}]
    vary = first(headers, "vary")
    if "accept" not in [word.strip().lower() for word in vary.split(",")]:
        headers["vary"] = [{"key": "Vary", "value": f"{vary}, Accept".strip(", ")}]
    if "cache-control" not in headers:
        headers["cache-control"] = [{"key": "Cache-Control", "value": SETTINGS["cache_control"]}]
    body = base64.b64encode(content).decode()
    return {"status": "200", "statusDescription": "OK", "headers": headers, "body": body, "bodyEncoding": "base64"}


def first(headers: dict[str, Any], name: str) -> str:
    return str(headers[name][0]["value"]) if headers.get(name) else ""
