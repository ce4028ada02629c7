"""One file of a folder: which of its variants are there and right, which are made, which are no longer true."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path

from perfctl.cdn.content.file_types import type_of
from perfctl.cdn.content.headers import cache_control, content_headers
from perfctl.cdn.content.json_text import compacted, is_json
from perfctl.cdn.content.kinds import kind_of
from perfctl.cdn.content.manifest import MadeFile, MadeVariant, Manifest
from perfctl.cdn.content.optimizing import ContentRules
from perfctl.cdn.content.pictures import is_picture
from perfctl.cdn.content.variants import (
    CODINGS,
    SUFFIXES,
    Form,
    Variant,
    decodes_to,
    digest,
    forms_for,
    type_in,
    variants_of,
)

LARGEST_BYTES = 64 * 1024 * 1024
"""Larger files have no variants made: they are streamed, not loaded with a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is asked of every file."""

    root: Path
    target: Path
    """Where the variants lie; the root itself, or a folder of its own."""
    rules: ContentRules
    images: bool = False
    compact: bool = False
    force: bool = False
    """Whether a file that perfctl did not write may be replaced by a variant."""
    known: Manifest

    def place(self, name: str, form: Form) -> Path:
        """Where this form of a file lies."""
        return self.target / (name + SUFFIXES[form])


@dataclass(frozen=True, slots=True)
class Examined:
    """What is to be done for a file, and what it is then."""

    name: str
    made: MadeFile
    to_write: tuple[Variant, ...] = ()
    kept: int = 0
    to_remove: tuple[Form, ...] = ()
    in_the_way: tuple[str, ...] = ()
    """Files in the places of variants that perfctl did not write."""


def examined(job: Job, name: str) -> Examined:
    """Look at one file, and make what it lacks; nothing is written. OSError where it cannot be read."""
    path = job.root / name
    content_type = type_of(name)
    forms = forms_for(content_type, job.rules.encodings, images=job.images)
    if not forms or path.stat().st_size > LARGEST_BYTES:
        return _without_variants(job, name, content_type)
    content = path.read_bytes()
    sha256, known = digest(content), job.known.get(name)
    if known is not None and _is_current(job, name, known, (sha256, len(content), content_type), forms):
        return _as_it_is(job, name, known)
    text = compacted(content) if job.compact and is_json(content_type) else content
    is_same = known is not None and known.sha256 == sha256 and _is_alike(job, known)
    ours, taken, in_the_way = _there(job, name, known, forms, text, is_same=is_same)
    missing = tuple(form for form in forms if form not in taken and form not in in_the_way)
    new = variants_of(content, content_type, missing, compact=job.compact) if missing else ()
    kept = (Variant(form, body, type_in(form, content_type)) for form, body in taken.items())
    variants = (*new, *kept)
    made = _made(job, name, (sha256, len(content)), content_type, _tried(forms, in_the_way), _recorded(name, variants))
    stale = tuple(form for form in ours if form not in {variant.form for variant in variants})
    return Examined(name, made, new, len(taken), stale, tuple(name + SUFFIXES[form] for form in in_the_way))


def left_behind(job: Job, name: str) -> tuple[Form, ...]:
    """The variants of a file that is no more, as they were written."""
    known = job.known[name]
    return tuple(one.form for one in known.variants if _is_intact(job, name, one))


def _without_variants(job: Job, name: str, content_type: str) -> Examined:
    """A file of which nothing is made now; what was made of it earlier stays while it is still true."""
    with (job.root / name).open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    known = job.known.get(name)
    if known is not None and _is_current(job, name, known, (sha256, size, content_type), ()):
        return _as_it_is(job, name, known)
    stale = left_behind(job, name) if known is not None else ()
    return Examined(name, _made(job, name, (sha256, size), content_type, (), ()), to_remove=stale)


def _is_current(job: Job, name: str, known: MadeFile, source: tuple[str, int, str], forms: tuple[Form, ...]) -> bool:
    return (
        (known.sha256, known.size_bytes, known.content_type) == source
        and set(forms) <= set(known.forms)
        and (_is_alike(job, known) or not forms)
        and all(_is_intact(job, name, variant) for variant in known.variants)
    )


def _is_alike(job: Job, known: MadeFile) -> bool:
    """Whether what was compressed then is what would be now."""
    return known.compact == job.compact or not is_json(known.content_type)


def _is_intact(job: Job, name: str, variant: MadeVariant) -> bool:
    body = _body(job.place(name, variant.form))
    return body is not None and (len(body), digest(body)) == (variant.size_bytes, variant.sha256)


def _body(path: Path) -> bytes | None:
    """What a plain file holds; None where there is none, or something else."""
    try:
        found = path.lstat()
        is_fit = stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_BYTES
        return path.read_bytes() if is_fit else None
    except OSError:
        return None


def _there(
    job: Job, name: str, known: MadeFile | None, forms: tuple[Form, ...], text: bytes, *, is_same: bool
) -> tuple[set[Form], dict[Form, bytes], set[Form]]:
    """What lies where variants go: those that perfctl wrote earlier, those that are right, and strangers."""
    written = {} if known is None else {variant.form: variant.sha256 for variant in known.variants}
    ours: set[Form] = set()
    right: dict[Form, bytes] = {}
    strangers: set[Form] = set()
    for form in dict.fromkeys((*forms, *written)):
        path = job.place(name, form)
        body = _body(path)
        if body is not None and written.get(form) == digest(body):
            ours.add(form)
            if is_same and form in forms:
                right[form] = body
        elif body is not None and form in CODINGS and form in forms and decodes_to(body, form, text):
            right[form] = body
        elif (body is not None or path.is_symlink() or path.exists()) and form in forms and not job.force:
            strangers.add(form)
    return ours, right, strangers


def _tried(forms: tuple[Form, ...], in_the_way: set[Form]) -> tuple[Form, ...]:
    return tuple(form for form in forms if form not in in_the_way)


def _recorded(name: str, variants: tuple[Variant, ...]) -> tuple[MadeVariant, ...]:
    made = (
        MadeVariant(one.form, name + SUFFIXES[one.form], one.content_type, len(one.body), digest(one.body))
        for one in variants
    )
    return tuple(sorted(made, key=lambda one: one.form))


def _as_it_is(job: Job, name: str, known: MadeFile) -> Examined:
    """What was made is right; its headers are as the configuration has them now."""
    of = (known.sha256, known.size_bytes)
    made = _made(job, name, of, known.content_type, known.forms, known.variants, compact=known.compact)
    return Examined(name, made, kept=len(known.variants))


def _made(
    job: Job,
    name: str,
    of: tuple[str, int],
    content_type: str,
    forms: tuple[Form, ...],
    variants: tuple[MadeVariant, ...],
    *,
    compact: bool | None = None,
) -> MadeFile:
    """The manifest's entry, with the headers of each variant."""
    rules = job.rules
    kind = kind_of(content_type, path="/" + name, private_paths=rules.private_paths)
    control = cache_control(kind, cache_ttl_seconds=rules.cache_ttl_seconds, api_ttl_seconds=rules.api_ttl_seconds)
    varies = is_picture(content_type) and bool(variants)

    def headers(media: str, sha256: str, size_bytes: int, encoding: str | None) -> dict[str, str]:
        return content_headers(
            media,
            size_bytes=size_bytes,
            sha256=sha256,
            encoding=encoding,
            cache_control=control,
            varies_by_accept=varies,
        )

    sha256, size = of
    return MadeFile(
        sha256=sha256,
        size_bytes=size,
        content_type=content_type,
        forms=forms,
        compact=job.compact if compact is None else compact,
        headers=headers(content_type, sha256, size, None),
        variants=tuple(
            MadeVariant(
                one.form,
                one.file,
                one.content_type,
                one.size_bytes,
                one.sha256,
                headers(one.content_type, one.sha256, one.size_bytes, one.form if one.form in CODINGS else None),
            )
            for one in variants
        ),
    )
