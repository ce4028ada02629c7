"""Every form in which a file may be sent: which ones pay, made at the best quality there is time for at deploy."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from perfctl.cdn.content.encodings import AT_DEPLOY, SMALLEST_BYTES, compressed, is_compressible, pays
from perfctl.cdn.content.json_text import compacted, is_json
from perfctl.cdn.content.pictures import FORMATS, MEDIA_TYPES, is_picture, pictures

Form = Literal["br", "gzip", "avif", "webp"]

SUFFIXES: Mapping[Form, str] = {"br": ".br", "gzip": ".gz", "avif": ".avif", "webp": ".webp"}
"""What follows the file's own name, as web servers look for it: app.js.br, photo.jpg.webp."""
CODINGS: tuple[Form, ...] = ("br", "gzip")


@dataclass(frozen=True, slots=True)
class Variant:
    """A file in one form."""

    form: Form
    body: bytes
    content_type: str

    @property
    def encoding(self) -> str | None:
        """Its Content-Encoding; a picture has none."""
        return self.form if self.form in CODINGS else None


def type_in(form: Form, content_type: str) -> str:
    """The type of content in this form: a coding leaves it, a picture has its format's."""
    return next((media for name, media in MEDIA_TYPES.items() if name == form), content_type)


def forms_for(content_type: str, encodings: tuple[str, ...], *, images: bool) -> tuple[Form, ...]:
    """The forms that content of this type may have."""
    if is_picture(content_type):
        return FORMATS if images else ()
    return tuple(form for form in CODINGS if form in encodings) if is_compressible(content_type) else ()


def variants_of(
    content: bytes, content_type: str, forms: tuple[Form, ...], *, compact: bool = False
) -> tuple[Variant, ...]:
    """The variants that pay. A coding decodes to the content, byte for byte; with `compact` a JSON's to its tokens
    without the blanks between them.
    """
    wanted = tuple(name for name in FORMATS if name in forms)
    if wanted:
        return tuple(Variant(one.format, one.body, MEDIA_TYPES[one.format]) for one in pictures(content, wanted))
    if len(content) < SMALLEST_BYTES:
        return ()
    text = compacted(content) if compact and is_json(content_type) else content
    made = (Variant(form, compressed(text, form, AT_DEPLOY[form]), content_type) for form in forms)
    return tuple(variant for variant in made if pays(len(variant.body), len(content)))


def decodes_to(body: bytes, form: Form, content: bytes) -> bool:
    """Whether a coding's body is this content; never more is decoded than that takes."""
    try:
        return _decoded(body, form, len(content)) == content
    except (OSError, EOFError, ValueError, zlib.error):
        return False


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _decoded(body: bytes, form: Form, size: int) -> bytes | None:
    if form == "gzip":
        import io

        with gzip.open(io.BytesIO(body)) as stream:
            return stream.read(size + 1)
    if form != "br":
        return None
    import brotli  # type: ignore[import-untyped,unused-ignore]

    decoder = brotli.Decompressor()
    try:
        text = bytes(decoder.process(body, output_buffer_limit=size + 1)) if body else b""
        return text if decoder.is_finished() else None
    except brotli.error as error:
        raise ValueError(str(error)) from error
