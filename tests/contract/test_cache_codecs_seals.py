"""What a key vouches for: encryption, signatures, rotation, and pickle, which needs one of them."""

from __future__ import annotations

import asyncio
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest

from perfctl.cache.values.codec import Codec, UndecodableError
from perfctl.cache.values.encryption import Key
from perfctl.cache.values.endings import checksum
from perfctl.cache.values.header import write_header
from perfctl.cache.values.serializers.pickle import Pickle
from perfctl.cache.values.weight import weigh
from perfctl.config.secret import Secret
from perfctl.config.settings import CacheConfig, NamespaceSettings
from perfctl.errors import ConfigError, UsageError
from tests.codecs import KEY, META, NAME, PICKLED, Pickled, codec_of, decoded, encoded

OTHER_KEY = "another key of the same length, almost"


def _codec(**settings: Any) -> Codec:
    return Codec(CacheConfig(**settings))


def test_an_encrypted_value_shows_nothing_but_its_header() -> None:
    codec = _codec(encryption_key=KEY, compressor="none")
    blob = encoded({"card": "4111 1111 1111 1111"}, codec)
    assert b"4111" not in blob
    assert decoded(blob, codec) == {"card": "4111 1111 1111 1111"}
    facts = codec.describe(NAME, blob)
    assert facts.is_encrypted
    assert facts.key_id == Key(KEY).id.hex()
    assert encoded({"card": 1}, codec) != encoded({"card": 1}, codec)


def test_a_key_is_named_in_the_header_and_can_be_changed() -> None:
    old, new = _codec(encryption_key=KEY), _codec(encryption_key=OTHER_KEY, previous_encryption_key=KEY)
    blob = encoded([1, 2], old)
    assert decoded(blob, new) == [1, 2]
    assert new.describe(NAME, encoded(1, new)).key_id == Key(OTHER_KEY).id.hex()


def test_a_value_of_another_key_is_a_miss_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    blob, codec = encoded([1], _codec(encryption_key=KEY)), _codec(encryption_key=OTHER_KEY)
    with caplog.at_level(logging.WARNING, "perfctl.cache"):
        for _ in range(3):
            with pytest.raises(UndecodableError, match="is not configured"):
                decoded(blob, codec)
    assert len(caplog.records) == 1
    with pytest.raises(UndecodableError, match="is not configured"):
        decoded(blob, _codec())


def test_what_is_not_encrypted_is_refused_where_values_are() -> None:
    forged = encoded({"is_admin": True}, _codec())
    with pytest.raises(UndecodableError, match="not encrypted"):
        decoded(forged, _codec(encryption_key=KEY))


def test_a_namespace_can_do_without_and_still_reads_what_was_encrypted() -> None:
    own = NamespaceSettings(name="api", encrypted=False)
    codec = _codec(encryption_key=KEY, namespaces=(own,))
    assert not codec.describe(NAME, encoded(1, codec)).is_encrypted
    assert decoded(encoded([1], _codec(encryption_key=KEY)), codec) == [1]


def test_keys_are_looked_up_where_the_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.setenv("TEST_CACHE_KEY", OTHER_KEY)
    secrets = Secret("file", str(tmp_path / "key")), Secret("env", "TEST_CACHE_KEY")
    codec = _codec(encryption_key=secrets[0], previous_encryption_key=secrets[1])
    assert not codec.is_prepared
    asyncio.run(codec.prepare())
    assert codec.is_prepared
    assert decoded(encoded([1], _codec(encryption_key=OTHER_KEY)), codec) == [1]
    assert decoded(encoded([2], codec), _codec(encryption_key=KEY)) == [2]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"serialization_method": "pickle"}, "pickle needs cache.encryption_key"),
        ({"namespaces": (NamespaceSettings(name="a", serialization_method="pickle"),)}, "namespaces[a]"),
        ({"namespaces": (NamespaceSettings(name="a", encrypted=True),)}, "there is no cache.encryption_key"),
    ],
)
def test_what_needs_a_key_and_has_none_is_a_configuration_error(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        _codec(**settings)
    assert complaint in refusal.value.message
    assert refusal.value.hint


def test_a_short_key_is_a_configuration_error_that_does_not_show_it() -> None:
    with pytest.raises(ConfigError) as refusal:
        encoded(1, _codec(encryption_key="too short"))
    assert "9 bytes" in refusal.value.message
    assert "too short" not in refusal.value.message


@pytest.mark.parametrize("seal", ["encrypted", "signed"])
def test_a_class_on_the_list_comes_back_from_pickle(seal: str) -> None:
    codec = codec_of("pickle", seal=seal)
    value = {"a": Pickled({1: (2,)})}
    assert weigh(value, codec.serializer_of("api")) > 0
    assert decoded(encoded(value, codec), codec) == value


class Unlisted:
    """A class that is on no list."""


RAN: list[str] = []


class Canary:
    """Tells when anything of it runs."""

    def __reduce__(self) -> Any:
        return (RAN.append, ("reduce",))

    def __setstate__(self, state: Any) -> None:
        RAN.append("setstate")


def test_pickle_writes_no_class_that_is_not_on_the_list() -> None:
    codec = codec_of("pickle", seal="signed")
    for value in (Unlisted(), [len], Canary(), Pickled(Unlisted())):
        with pytest.raises(UsageError):
            encoded(value, codec)
    with pytest.raises(UsageError, match=r"Unlisted at value\[0\]\.x has no form"):
        weigh([Pickled(Unlisted())], codec.serializer_of("api"))


@pytest.mark.parametrize(
    "raw",
    [pickle.dumps(Canary()), b"cos\nsystem\n(S'touch /tmp/never'\ntR.", b"cbuiltins\neval\n(S'RAN.append(1)'\ntR.",
     b"c__main__\nX\n.", pickle.dumps(Unlisted), b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.", b"", b"\x80", b"."],
)  # fmt: skip
def test_pickle_reads_no_name_that_is_not_on_the_list(raw: bytes) -> None:
    with pytest.raises(ValueError):
        Pickle(PICKLED).loads(raw)
    assert RAN == []


@pytest.mark.parametrize("codec", [_codec(), codec_of("pickle", seal="signed"), codec_of("pickle", seal="encrypted")])
def test_a_pickle_that_no_key_vouches_for_is_never_read(codec: Codec) -> None:
    raw = pickle.dumps(Canary())
    for flags in (0, 2, 4):
        header = write_header(0x30, META, len(raw), flags=flags, key_id=b"" if not flags else Key(KEY).id)
        for ending in (b"", checksum(NAME, header, raw), bytes(32)):
            with pytest.raises(UndecodableError):
                decoded(header + raw + ending, codec)
    with pytest.raises(UndecodableError):
        decoded(b"\xc1\x01\x30" + bytes([len(raw)]) + raw, codec)
    assert RAN == []
