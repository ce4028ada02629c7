"""The generated file, its schema and the written examples agree with the settings."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from perfctl.config.answers import validate
from perfctl.config.document import document_of
from perfctl.config.fields import every_field, fields_of
from perfctl.config.json_schema import file_schema
from perfctl.config.settings import SECTIONS, ApiToken
from perfctl.config.template import render_template
from tests.unit.config.conftest import Place

CONFIGS = Path(__file__).parents[3] / "configs"
FILES = ("perfctl.yaml", "production.yaml", "cluster.yaml", "ci.yaml")


def test_the_file_in_the_repository_is_the_generated_one() -> None:
    assert (CONFIGS / "perfctl.yaml").read_text() == render_template()


@pytest.mark.parametrize("name", FILES)
def test_every_example_is_valid_for_us_and_for_an_editor(name: str) -> None:
    path = CONFIGS / name
    answer, warnings = validate([str(path)], context=None, config_file=None)
    assert (answer.rows[0].path, warnings) == (str(path), ())
    jsonschema.validate(yaml.safe_load(path.read_text()), file_schema())


def test_every_key_stands_in_the_template_with_its_meaning() -> None:
    text = render_template()
    for key, field in every_field().items():
        name = key.rpartition(".")[2]
        assert field.doc, key
        assert re.search(rf"^ *(# )?{name}: ", text, re.MULTILINE), key


def test_the_template_without_its_marks_is_the_defaults(place: Place) -> None:
    text = re.sub(r"^(  )# (\w+: \S+ +# )", r"\1\2", render_template(), flags=re.MULTILINE)
    document = document_of(text, Path("f"), "user")
    assert document.faults == ()
    for key, given in document.base.items():
        assert given.value == every_field()[key].default, key


def test_a_template_changes_nothing_that_others_say(place: Place) -> None:
    place.hostile(render_template()).env(DATABASE_URL="postgresql://h:7/x", REDIS_URL="rediss://r:8/3")
    settings = place.load()
    assert (settings.database.dsn, settings.cache.redis_url) == ("postgresql://h:7/x", "rediss://r:8/3")


@pytest.mark.parametrize(
    "text",
    [
        "cache: {ttl_second: 1}",
        "database: {port: 0}",
        "cache: {eviction_policy: x}",
        "protected: 1",
        "cache: {redis_password: {x: 1}}",
        "contexts: {a: {b: 1}}",
    ],
)
def test_the_schema_refuses_what_we_refuse(text: str) -> None:
    assert document_of(text, Path("f"), "user").faults
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), file_schema())


def test_every_section_and_record_describes_its_fields() -> None:
    for section in (*SECTIONS.values(), ApiToken):
        assert all(field.doc for field in fields_of(section).values()), section
