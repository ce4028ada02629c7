"""What stands in a file: each trap of YAML is a fault with its place, and all of them come in one run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfctl.config.document import document_of, read_document


def faults(text: str) -> list[str]:
    return [str(fault) for fault in document_of(text, Path("f.yaml"), "user").faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cache: {ttl_second: 5}", "f.yaml:1:9: unknown key 'ttl_second' in cache - did you mean 'ttl_seconds'?"),
        (
            "database:\n  host: a\n  host: b",
            "f.yaml:3:3: database.host stands twice, first at f.yaml:2:3 - keep one",
        ),
        ("protected: no", "f.yaml:1:12: protected: 'no' is not true or false - did you mean false?"),
        (
            "database: {port: 10:30}",
            "f.yaml:1:18: database.port: '10:30' is not a whole number from 1 to 65535"
            " - YAML reads this as a number of base 60; write the number out",
        ),
        (
            "database: {port: 017}",
            "f.yaml:1:18: database.port: '017' is not a whole number from 1 to 65535"
            " - YAML reads this as octal or hexadecimal; did you mean 17?",
        ),
        (
            "cache: {key_prefix: 1.10}",
            "f.yaml:1:21: cache.key_prefix: '1.10' is a number for YAML, not a text - write \"1.10\"",
        ),
        (
            "cache: {key_prefix: 017}",
            "f.yaml:1:21: cache.key_prefix: '017' is octal for YAML, not a text - write \"017\"",
        ),
        (
            "cache: {key_prefix: no}",
            "f.yaml:1:21: cache.key_prefix: 'no' is a truth value for YAML, not a text - write \"no\"",
        ),
        (
            "cache: {key_prefix: 2026-01-02}",
            "f.yaml:1:21: cache.key_prefix: '2026-01-02' is a date for YAML, not a text - write \"2026-01-02\"",
        ),
        ("contexts: {no: {}}", "f.yaml:1:12: the key 'no' in contexts is a truth value for YAML - write \"no\""),
        ("contexts: {12: {}}", "f.yaml:1:12: the key '12' in contexts is a number for YAML - write \"12\""),
        (
            "cache: {<<: {ttl_seconds: 1}}",
            "f.yaml:1:9: the merge key << in cache is not supported - contexts have extends: NAME",
        ),
        ("cache: {[a]: 1}", "f.yaml:1:9: a key in cache is not a text - write key: value"),
        (
            "cache: {eviction_policy: lruu}",
            "f.yaml:1:26: cache.eviction_policy: 'lruu' is not one of adaptive, lru, lfu, ttl, wtinylfu, sieve, s3fifo,"
            " arc, 2q, fifo - did you mean 'lru'?",
        ),
        (
            "cache: {ttl_seconds: 10m}",
            "f.yaml:1:22: cache.ttl_seconds: '10m' is not a number of at least 0 - did you mean 600?",
        ),
        (
            "database: {statement_timeout_ms: 5s}",
            "f.yaml:1:34: database.statement_timeout_ms: '5s' is not a whole number of at least 0 - did you mean 5000?",
        ),
        ("cache: {ttl_seconds: -1}", "f.yaml:1:22: cache.ttl_seconds: '-1' is not a number of at least 0"),
        ("cache: {ttl_seconds: .inf}", "f.yaml:1:22: cache.ttl_seconds: '.inf' is not a number of at least 0"),
        ("cache: {ttl_seconds: [1]}", "f.yaml:1:22: cache.ttl_seconds: a list is not a number of at least 0"),
        (
            'database: {port: "5432"}',
            "f.yaml:1:18: database.port: '5432' is not a whole number from 1 to 65535 - write it without quotes",
        ),
        (
            "database: {port: 70000}",
            "f.yaml:1:18: database.port: '70000' is not a whole number from 1 to 65535",
        ),
        (
            "cdn: {edge_locations: FRA}",
            "f.yaml:1:23: cdn.edge_locations: a single value is not a list of texts - write [one, two]",
        ),
        (
            "cache: {redis_url: http://h}",
            "f.yaml:1:20: cache.redis_url: 'http://h' is not a redis:// or rediss:// or valkey:// or valkeys:// or unix://"
            " URL - write redis://host:port/...",
        ),
        (
            "database: {host: 'postgresql://h/x'}",
            "f.yaml:1:18: database.host: 'postgresql://h/x' is not a host name or address"
            " - write the host alone: no scheme, port or path",
        ),
        (
            "cache: {sentinel_nodes: ['a b']}",
            "f.yaml:1:26: cache.sentinel_nodes[0]: 'a b' is not a host or host:port"
            " - write for example cache-1.internal:6379",
        ),
        (
            "database: {dsn: 'postgresql://h/x?sslmode=on'}",
            "f.yaml:1:17: database.dsn: 'postgresql://h/x?sslmode=on' has an sslmode that there is not"
            " - it is one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        (
            'cache: {key_prefix: "a\\eb"}',
            "f.yaml:1:21: cache.key_prefix: 'a\\x1bb' holds characters that are not printable"
            " - leave the key out, or write another",
        ),
        ("version: 2", "f.yaml:1:10: version: '2' is not a version of this file that is known - write 1"),
        ("cache: 5", "f.yaml:1:8: cache: this is not a mapping - write its settings under it"),
        ("just a text", "f.yaml:1:1: the file is not a mapping of sections - perfctl config init shows one"),
        ("", "f.yaml:1:1: is empty - perfctl config init writes a file to start from"),
        ("# nothing\n", "f.yaml:1:1: is empty - perfctl config init writes a file to start from"),
        ("version: 1\n---\nversion: 1", "f.yaml:2:1: a second document begins - keep one document in a file"),
        (
            "cache: !!python/object:os.system {}",
            "f.yaml:1:8: tags are not supported - quote a value that begins with '!'",
        ),
        ("cache: *a", "f.yaml:1:8: no anchor of this name before it - quote a value that begins with '*'"),
        (
            "cache: {redis_password: {enw: X}}",
            "f.yaml:1:26: cache.redis_password: no such kind of reference - did you mean 'env'?",
        ),
        (
            "cache: {redis_password: 12345678}",
            "f.yaml:1:25: cache.redis_password: the value is not a text for YAML - write it in quotes, or a reference",
        ),
        (
            "cache: {redis_password: {command: cat x}}",
            "f.yaml:1:35: cache.redis_password.command: the value is not a list of texts"
            " - write {command: [program, argument]}",
        ),
    ],
)
def test_a_fault_names_its_place_the_value_and_what_is_accepted(text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_all_faults_of_a_file_come_in_one_run() -> None:
    text = "cache:\n  ttl_seconds: x\n  eviction_policy: y\ndatabase:\n  port: 0\n  prot: 1\n"
    assert [fault.partition(": ")[0] for fault in faults(text)] == [
        "f.yaml:2:16",
        "f.yaml:3:20",
        "f.yaml:5:9",
        "f.yaml:6:3",
    ]


def test_an_alias_stands_for_its_anchor() -> None:
    document = document_of("contexts: {a: &a {protected: true}, b: *a}", Path("f"), "user")
    assert document.contexts["b"].given["protected"].value is True


def test_aliases_that_unfold_into_millions_of_values_are_refused_quickly() -> None:
    levels = [f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 9)}]" for i in range(1, 30)]
    [fault] = faults("\n".join(["k0: &k0 [x]", *levels]))
    assert "more than 20000 values, aliases unfolded" in fault


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000, "a:\n" * 10])
def test_deep_nesting_and_odd_shapes_are_faults(text: str) -> None:
    assert faults(text)


def test_a_syntax_error_names_the_line_and_none_of_its_text() -> None:
    [fault] = faults("cache:\n  redis_password: 'hunter2\n")
    assert fault == ("f.yaml:3:1: is not YAML: found unexpected end of stream - check quotes, indentation and colons")


def test_a_file_that_is_not_utf_8_names_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"version: 1\ncache: {key_prefix: \xff}\n")
    assert [str(fault) for fault in read_document(path, "user").faults] == [
        f"{path}:2:21: is not UTF-8 - save the file as UTF-8"
    ]


def test_a_file_without_end_a_folder_a_pipe_and_a_missing_file_are_faults(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(b"#" * 300_000)
    found = {name: str(read_document(tmp_path / name, "user").faults[0]) for name in ("pipe", "huge", "missing", ".")}
    assert "is not a regular file" in found["pipe"]
    assert "is larger than 256 KiB" in found["huge"]
    assert "No such file" in found["missing"]
    assert "is not a regular file" in found["."]


def test_a_byte_order_mark_and_crlf_are_no_faults() -> None:
    assert not faults("version: 1\r\ncache:\r\n  ttl_seconds: 5\r\n")


def test_null_and_a_missing_key_are_the_same() -> None:
    document = document_of("cache: {redis_host: null, ttl_seconds: ~}\ndatabase:\n", Path("f"), "user")
    assert (document.base, document.faults) == ({}, ())
