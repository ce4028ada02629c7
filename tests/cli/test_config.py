"""The `config` commands as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import yaml

from perfctl.config.json_schema import file_schema
from perfctl.config.template import render_template
from tests.conftest import Perfctl


def test_init_writes_a_valid_file_once(perfctl: Perfctl, tmp_path: Path) -> None:
    assert perfctl("config", "init").returncode == 0
    assert (tmp_path / "perfctl.yaml").read_text() == render_template()
    again = perfctl("config", "init")
    assert (again.returncode, again.stdout) == (7, "")
    assert "--force" in again.stderr
    assert perfctl("config", "init", "--force").returncode == 0
    assert perfctl("config", "validate").returncode == 0
    assert perfctl("config", "show").returncode == 0


def test_init_where_nothing_can_be_written_is_one_error(perfctl: Perfctl) -> None:
    ended = perfctl("config", "init", "--path", "/nonexistent/perfctl.yaml")
    assert ended.returncode == 3
    assert "/nonexistent/perfctl.yaml: cannot be written: No such file or directory" in ended.stderr


def test_a_mistake_in_the_written_file_is_named_with_line_and_column(perfctl: Perfctl, tmp_path: Path) -> None:
    perfctl("config", "init")
    path = tmp_path / "perfctl.yaml"
    text = path.read_text().replace("ttl_seconds: 3600", "ttl_seconds: abc")
    path.write_text(text)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "ttl_seconds: abc" in line)
    ended = perfctl("config", "validate", "-o", "json")
    error = json.loads(ended.stderr)["error"]
    assert (ended.returncode, ended.stdout) == (3, "")
    assert error["where"] == f"{path}:{line}:16"
    assert error["message"] == f"{path}:{line}:16: cache.ttl_seconds: 'abc' is not a number of at least 0"


def test_show_gives_every_value_and_with_origin_where_it_was_set(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "perfctl.yaml").write_text("cache:\n  ttl_seconds: 60\n")
    environ = {"DB_HOST": "db.internal", "DB_PASSWORD": "canary-value"}
    document = json.loads(perfctl("config", "show", "--origin", "-o", "json", env=environ).stdout)
    rows = {row["key"]: (row["value"], row["origin"]) for row in document["data"]["rows"]}
    assert document["schema"] == "perfctl.config.show/1"
    assert rows["cache.ttl_seconds"] == (60, f"{tmp_path}/perfctl.yaml:2:16")
    assert rows["database.host"] == ("db.internal", "env DB_HOST")
    assert rows["database.password"] == ("***", "env DB_PASSWORD")
    assert rows["cdn.region"] == ("us-east-1", "default")


def test_show_fits_80_columns(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "perfctl.yaml").write_text(f"database: {{host: {'h' * 60}.internal}}\n")
    ended = perfctl("config", "show", "--origin", "-o", "table", env={"COLUMNS": "80"})
    table = ended.stdout.partition("\n\n")[0]
    assert max(len(line) for line in table.splitlines()) <= 80


def test_validate_lists_the_faults_of_all_files_in_one_run(perfctl: Perfctl, tmp_path: Path) -> None:
    for name, text in {"a.yaml": "cache: {ttl_second: 1}\n", "b.yaml": "database: {port: 0}\n", "c.yaml": ""}.items():
        (tmp_path / name).write_text(text)
    ended = perfctl("config", "validate", "a.yaml", "b.yaml", "c.yaml", "d.yaml")
    assert ended.returncode == 3
    for place in ("a.yaml:1:9: ", "b.yaml:1:18: ", "c.yaml:1:1: ", "d.yaml: cannot be read"):
        assert f"{tmp_path}/{place}" in ended.stderr


def test_validate_looks_into_contexts_that_nobody_chose(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "perfctl.yaml").write_text(
        "contexts: {a: {cache: {cluster_enabled: true}}, b: {extends: a}, c: {extends: x}}\n"
    )
    ended = perfctl("config", "validate")
    assert ended.returncode == 3
    assert "context 'a': cache.cluster_enabled is true, but there is no address" in ended.stderr
    assert "context 'c': extends: no context 'x'" in ended.stderr


def test_validate_lists_unknown_parents_beside_mistyped_keys(perfctl: Perfctl, tmp_path: Path) -> None:
    (tmp_path / "perfctl.yaml").write_text("cache: {ttl_secnds: 5}\ncontexts: {a: {extends: b}, c: {extends: c}}\n")
    ended = perfctl("config", "validate")
    assert ended.returncode == 3
    for expected in ("perfctl.yaml:1:9: unknown key 'ttl_secnds'", "no context 'b'", "form a circle: c -> c"):
        assert expected in ended.stderr


def test_schema_is_the_schema_of_the_file(perfctl: Perfctl) -> None:
    schema = json.loads(perfctl("config", "schema").stdout)
    assert schema == file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(render_template()), schema)


def test_config_starts_no_event_loop_and_no_driver() -> None:
    heavy = ["asyncio", "redis", "asyncpg", "boto3", "rich", "psutil", "numpy", "sqlglot", "difflib", "urllib.parse"]
    script = (
        "import sys; from perfctl.cli.process import run; run(['config', 'validate', sys.argv[1]]);"
        f"print(*[name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    path = Path(__file__).parents[2] / "configs" / "perfctl.yaml"
    ended = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert set(ended.stderr.split()) <= {"difflib", "urllib.parse"}
