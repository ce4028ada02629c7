"""Which context is chosen, what it inherits, and what is said when the environment overrides it."""

from __future__ import annotations

import pytest

from tests.unit.config.conftest import Place

TWO = """
current: staging
database: {username: base, max_connections: 9}
contexts:
  staging: {database: {host: s, port: 1}, read_only: true}
  prod: {extends: staging, protected: true, database: {host: p}}
"""


def test_the_flag_the_variable_and_current_choose_in_this_order(place: Place) -> None:
    place.user(TWO + "  third: {}\n")
    assert place.load().context == "staging"
    assert place.env(PERFCTL_CONTEXT="prod").load().context == "prod"
    assert place.load("third").context == "third"


def test_a_context_inherits_what_it_extends_and_the_base(place: Place) -> None:
    settings = place.user(TWO).load("prod")
    database = settings.database
    assert (settings.protected, settings.read_only) == (True, True)
    assert (database.host, database.port, database.username, database.max_connections) == ("p", 1, "base", 9)


def test_the_default_context_is_the_base_alone(place: Place) -> None:
    settings = place.user(TWO.replace("current: staging", "")).load()
    assert (settings.context, settings.database.host, settings.database.username) == ("default", None, "base")


@pytest.mark.parametrize(
    ("chosen", "where", "hint"),
    [("prd", "--context", "did you mean 'prod'?"), ("zzz", "--context", "it is one of staging, prod")],
)
def test_an_unknown_context_is_named_with_those_that_are_known(
    place: Place, chosen: str, where: str, hint: str
) -> None:
    error = place.user(TWO).error(chosen)
    assert (error.exit_code, error.where, error.hint) == (3, where, hint)
    assert error.message == f"{where}: no context {chosen!r} among staging, prod"


def test_current_and_the_variable_are_named_when_they_choose_what_is_not_there(place: Place) -> None:
    assert place.user("current: x").error().where == f"{place.user_file}:1:10"
    assert place.env(PERFCTL_CONTEXT="y").error().where == "env PERFCTL_CONTEXT"


def test_a_circle_of_extends_names_the_chain(place: Place) -> None:
    place.user("contexts: {a: {extends: b}, b: {extends: c}, c: {extends: a}}")
    error = place.error("a")
    assert error.message == f"{place.user_file}:1:59: extends: the contexts form a circle: a -> b -> c -> a"


def test_an_unknown_parent_is_named_with_the_nearest(place: Place) -> None:
    error = place.user("contexts: {production: {}, a: {extends: prodution}}").error("a")
    assert error.message == f"{place.user_file}:1:41: extends: no context 'prodution'"
    assert error.hint == "did you mean 'production'?"


def test_a_variable_that_overrides_a_chosen_context_is_said_in_one_line(place: Place) -> None:
    place.user(TWO).env(DB_HOST="elsewhere", DB_PORT="1", DB_USER="me")
    settings = place.load("staging")
    assert settings.database.host == "elsewhere"
    assert settings.warnings == (
        f"the environment overrides context 'staging': DB_HOST over database.host ({place.user_file}:5:30)",
    )


def test_the_same_value_overrides_nothing_also_when_it_is_a_secret(place: Place) -> None:
    secret = place.home / "pw"
    secret.write_text("same\n")
    secret.chmod(0o600)
    place.user(f"contexts: {{a: {{database: {{host: h, password: {{file: {secret}}}}}}}}}")
    assert place.env(DB_HOST="h", DB_PASSWORD="same").load("a").warnings == ()
    assert "DB_PASSWORD over database.password" in place.env(DB_PASSWORD="other").load("a").warnings[0]


def test_without_a_chosen_context_the_environment_overrides_silently(place: Place) -> None:
    assert place.user("database: {host: h}").env(DB_HOST="x").load().warnings == ()
