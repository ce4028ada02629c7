"""Which coding a viewer gets, by RFC 9110; what is decoded is what was encoded."""

from __future__ import annotations

import gzip

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfctl.cdn.content.encodings import compressed, levels_within, preferred, smallest, weight
from perfctl.cdn.content.pictures import wanted_formats
from tests.campaign import campaign

BOTH = ("br", "gzip")
TEXT = b"the quick brown fox jumps over the lazy dog. " * 20


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, ("br", "gzip")),
        ("", ()),
        ("identity", ()),
        ("gzip, deflate, br, zstd", ("br", "gzip")),
        ("gzip;q=1.0, br;q=0.5", ("gzip", "br")),
        ("br;q=0.2, *;q=0.9", ("gzip", "br")),
        ("*", ("br", "gzip")),
        ("*;q=0", ()),
        ("*;q=0, gzip", ("gzip",)),
        ("br;q=0, *", ("gzip",)),
        ("identity;q=1, br;q=0.5, gzip;q=0.7", ()),
        ("identity;q=0.5, br;q=0.5, gzip;q=0.2", ("br",)),
        ("identity;q=0, gzip", ("gzip",)),
        ("GZIP", ("gzip",)),
        ("x-gzip", ("gzip",)),
        ("gzip ; q = 0 , br ; q = 0.001", ("br",)),
        ("br;q=0.000", ()),
        ("br;q=nan, gzip;q=inf", ("br", "gzip")),
        ("br;q=9, gzip;q=0.9", ("br", "gzip")),
        ("br;q=-1", ("br",)),
        (",, br ,;q=1,", ("br",)),
        ("brotli, gzipped", ()),
        ("br;level=1;q=0", ()),
    ],
)
def test_codings_are_chosen_by_their_weight(header: str | None, wanted: tuple[str, ...]) -> None:
    assert preferred(BOTH, header) == wanted


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, ()),
        ("*/*", ()),
        ("image/*", ()),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", ("avif", "webp")),
        ("image/webp, */*", ("webp",)),
        ("image/avif;q=0, image/webp", ("webp",)),
        ("image/avif;q=0.5, image/webp;q=0.9", ("webp",)),
        ("IMAGE/AVIF ; Q=1", ("avif",)),
        ("image/webp;q=0", ()),
        ("text/html", ()),
        (";;;,=", ()),
    ],
)
def test_a_picture_s_format_is_one_that_the_viewer_names(accept: str | None, wanted: tuple[str, ...]) -> None:
    assert wanted_formats(accept) == wanted


@campaign(100, 20_000)
@given(st.text(max_size=60))
def test_no_header_is_too_odd_to_be_read(header: str) -> None:
    assert set(preferred(BOTH, header)) <= set(BOTH)
    assert set(wanted_formats(header)) <= {"avif", "webp"}
    assert 0 <= weight(header) <= 1


@campaign(60, 5_000)
@given(st.binary(max_size=3000), st.sampled_from([1, 5, 11]), st.sampled_from([1, 6, 9]))
def test_what_is_decoded_is_what_was_encoded(content: bytes, quality: int, level: int) -> None:
    assert brotli.decompress(compressed(content, "br", quality)) == content
    assert gzip.decompress(compressed(content, "gzip", level)) == content
    assert compressed(content, "gzip", level) == compressed(content, "gzip", level)


@pytest.mark.parametrize("size", [0, 255])
def test_what_is_short_stays_as_it_is(size: int) -> None:
    assert smallest(b"a" * size, BOTH, {"br": 5, "gzip": 6}) == (b"a" * size, None)


def test_the_first_coding_that_pays_is_taken() -> None:
    body, name = smallest(TEXT, ("gzip", "br"), {"br": 5, "gzip": 6})
    assert name == "gzip"
    assert gzip.decompress(body) == TEXT
    assert smallest(TEXT, ("br",), {}) == (TEXT, None)


def test_a_budget_chooses_the_best_level_that_fits_it() -> None:
    assert levels_within(1000, 100_000) == {"br": 11, "gzip": 9}
    assert levels_within(5, 100_000) == {"br": 5, "gzip": 6}
    assert levels_within(1, 100_000) == {"br": 1}
    assert levels_within(0, 100_000) == {}
