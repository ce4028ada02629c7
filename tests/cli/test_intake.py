"""What a command reads from a file or stdin ends: at its end, or where it is more than can be used."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from perfctl.cli.intake import taken
from perfctl.errors import UsageError


def test_a_file_and_stdin_are_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"xyz")))
    assert taken(str(tmp_path / "f"), at_most=3, wanted="") == b"abc"
    assert taken("-", at_most=3, wanted="") == b"xyz"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/dev/zero", "/dev/zero: it is longer than 1.00 kB"),
        ("/nonexistent", "/nonexistent: No such file or directory"),
        ("/", "/: Is a directory"),
        ("", "the file's name: it is empty"),
    ],
)
def test_what_cannot_be_read_is_named_once_and_says_what_to_give(source: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        taken(source, at_most=1000, wanted="a file")
    assert (refused.value.message, refused.value.hint) == (message, "a file")
