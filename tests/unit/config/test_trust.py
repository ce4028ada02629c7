"""A hostile ./perfctl.yaml runs nothing, weakens nothing and sends nothing of the user's elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfctl.config import Secret
from perfctl.errors import ConfigError
from tests.unit.config.conftest import Place

MINE = """
contexts:
  prod:
    protected: true
    database: {host: db.mine, password: {env: PROD_PASSWORD}, sslmode: verify-full}
    cache: {redis_url: "rediss://cache.mine", redis_password: {env: PROD_REDIS}}
    cdn: {distribution_id: E1, profile: mine, region: eu-west-1}
  trusting:
    database: {host: db.mine}
"""

HOSTILE_WITH_PROD = {
    "command": "database: {password: {command: [touch, OWNED]}}",
    "command in a context nobody chose": "contexts: {x: {database: {password: {command: [touch, OWNED]}}}}",
    "command in a token": "api: {tokens: [{name: a, token: {command: [touch, OWNED]}}]}",
    "aws secret": "database: {password: {aws_secret: 'arn:aws:secretsmanager:eu-west-1:1:secret:x'}}",
    "elasticache token": "cache: {redis_password: {elasticache_iam: true}}",
    "host": "contexts: {prod: {database: {host: evil}}}",
    "host to this machine": "contexts: {prod: {database: {host: 127.0.0.1}}}",
    "port": "contexts: {prod: {database: {port: 1}}}",
    "dsn": "contexts: {prod: {database: {dsn: 'postgresql://evil/x'}}}",
    "replicas": "database: {replica_dsns: ['postgresql://evil/x']}",
    "redis url": "contexts: {prod: {cache: {redis_url: 'rediss://evil'}}}",
    "redis host": "contexts: {prod: {cache: {redis_host: evil}}}",
    "redis replicas": "cache: {replica_urls: ['rediss://evil']}",
    "sentinels": "contexts: {prod: {cache: {sentinel_nodes: ['evil:1']}}}",
    "cluster": "contexts: {prod: {cache: {cluster_nodes: ['evil:1']}}}",
    "endpoint": "cdn: {endpoint_url: 'http://evil'}",
    "role": "cdn: {role_arn: 'arn:aws:iam::1:role/evil'}",
    "account": "contexts: {prod: {cdn: {profile: evil}}}",
    "unprotected": "contexts: {prod: {protected: false}}",
    "protected": "contexts: {prod: {protected: true}}",
    "read only": "contexts: {prod: {read_only: false}}",
    "extends": "contexts: {prod: {extends: evil}, evil: {database: {host: evil}}}",
    "sslmode": "contexts: {prod: {database: {sslmode: require}}}",
    "sslmode disable": "database: {sslmode: disable}",
    "sslmode in a url": "contexts: {x: {database: {dsn: 'postgresql://h/x?sslmode=disable'}}}",
    "certificate checks": "contexts: {x: {cache: {redis_url: 'rediss://h?ssl_cert_reqs=none'}}}",
    "certificates": "contexts: {prod: {database: {sslrootcert: ca.pem}}}",
    "password": "contexts: {prod: {database: {password: {env: DB_PASSWORD}}}}",
    "distribution": "contexts: {prod: {cdn: {distribution_id: E2}}}",
    "functions let through": "database: {trusted_functions: [pg_terminate_backend]}",
    "open api": "api: {host: 0.0.0.0, token: known}",
    "pickle": "cache: {serialization_method: pickle, encryption_key: known}",
    "key prefix": "contexts: {prod: {cache: {key_prefix: evil}}}",
    "redis user": "contexts: {prod: {cache: {redis_username: evil}}}",
    "sentinels' service": "cache: {sentinel_service: evil}",
    "database": "contexts: {prod: {database: {database: evil}}}",
    "user": "database: {username: evil}",
    "sslmode in an escaped url": "contexts: {x: {database: {dsn: 'postgresql://h/x?sslm%6fde=disable'}}}",
    "old tls in a url": "contexts: {x: {database: {dsn: 'postgresql://h/x?ssl_min_protocol_version=TLSv1'}}}",
    "unprotected base": "protected: false\ncontexts: {prod: {read_only: true}}",
}


@pytest.mark.parametrize("text", HOSTILE_WITH_PROD.values(), ids=HOSTILE_WITH_PROD)
def test_nothing_of_the_users_context_can_be_turned_against_them(place: Place, text: str) -> None:
    error = place.user(MINE).hostile(text).error("prod")
    assert error.exit_code == 3
    assert error.where is not None
    assert error.where.startswith(f"{place.project_file}:")
    assert "a project file may not" in error.message
    assert not list(place.project.rglob("OWNED"))


@pytest.mark.parametrize("text", HOSTILE_WITH_PROD.values(), ids=HOSTILE_WITH_PROD)
def test_a_file_that_the_user_names_is_trusted(place: Place, text: str) -> None:
    place.user(MINE).hostile(text)
    try:
        place.load("prod", config_file=place.project_file)
    except ConfigError as error:
        assert "project file" not in str(error)  # noqa: PT017


def test_what_is_neither_address_nor_secret_may_be_tuned(place: Place) -> None:
    place.user(MINE).hostile("cache: {ttl_seconds: 5}\ndatabase: {statement_timeout_ms: 9}\ncdn: {cache_ttl: 3}")
    settings = place.load("prod")
    assert (settings.cache.ttl_seconds, settings.database.statement_timeout_ms) == (5, 9)


def test_a_project_may_name_its_distribution_beside_the_users_profile(place: Place) -> None:
    cdn = place.user("cdn: {profile: work}").hostile("cdn: {distribution_id: E1}").load().cdn
    assert (cdn.profile, cdn.distribution_id) == ("work", "E1")


def test_a_project_may_have_its_own_contexts(place: Place) -> None:
    place.user(MINE).hostile(
        "current: dev\ncontexts: {dev: {database: {host: db.dev, username: u, password: {env: DEV_DB_PASSWORD}}}}"
    )
    settings = place.load()
    assert (settings.context, settings.database.host, settings.database.effective_sslmode) == (
        "dev",
        "db.dev",
        "require",
    )
    assert isinstance(settings.database.password, Secret)


def test_a_project_context_that_extends_the_users_gets_none_of_its_secrets(place: Place) -> None:
    place.user(MINE).hostile("contexts: {mine: {extends: prod, database: {host: evil}}}")
    error = place.error("mine")
    assert "contexts" not in (error.where or "")
    assert "database.host: a project file may not set it, as database.password is yours" in error.message


def test_a_project_context_that_extends_the_users_stays_protected(place: Place) -> None:
    place.user(MINE).hostile("contexts: {mine: {extends: prod, protected: false}}")
    assert "protected: a project file may not take it from your context" in place.error("mine").message


def test_a_project_may_not_choose_a_context_of_the_users(place: Place) -> None:
    error = place.user(MINE).hostile("current: prod").error()
    assert error.message == f"{place.project_file}:1:10: current: a project file may not choose your context 'prod'"
    assert place.load("prod").context == "prod"


def test_a_project_may_not_choose_a_context_of_the_users_by_extending_it(place: Place) -> None:
    place.user(MINE).hostile("current: dev\ncontexts: {dev: {extends: prod}}")
    message = "current: a project file may not choose your context 'prod', which 'dev' extends"
    assert message in place.error().message
    assert place.load("dev").database.host == "db.mine"


def test_the_secrets_of_the_users_base_go_nowhere_else(place: Place) -> None:
    place.user("database: {host: db.mine, password: {env: PW}}").hostile("database: {host: evil}")
    assert "as database.password is yours" in place.error().message


def test_a_password_in_the_environment_stays_with_the_users_context(place: Place) -> None:
    place.user(MINE).hostile("contexts: {trusting: {database: {host: evil}}}").env(DB_PASSWORD="canary")
    assert "a project file may not set it" in place.error("trusting").message


@pytest.mark.parametrize(
    ("variable", "host", "is_allowed"),
    [
        ("AWS_SECRET_ACCESS_KEY", "evil.example", False),
        ("GITHUB_TOKEN", "evil.example", False),
        ("HOME", "evil.example", False),
        ("APP_DB_PASSWORD", "db.example", True),
        ("PGPASSWORD", "db.example", True),
        ("REDIS_PASSWORD", "db.example", True),
        ("ANYTHING", "127.0.0.1", True),
        ("ANYTHING", "/run/postgresql", True),
    ],
)
def test_a_variable_leaves_the_machine_only_when_it_looks_made_for_it(
    place: Place, variable: str, host: str, is_allowed: bool
) -> None:
    place.hostile(f"database: {{host: {host}, password: {{env: {variable}}}}}")
    if is_allowed:
        assert place.load().database.host == host
    else:
        assert "may not send this variable to another machine" in place.error().message


def test_a_file_outside_the_project_is_not_read(place: Place) -> None:
    (place.project / "link").symlink_to(place.home / ".ssh")
    for path in ("~/.ssh/id_rsa", "/etc/passwd", "../home/x", "link/id_rsa"):
        place.hostile(f"database: {{host: h, password: {{file: '{path}'}}}}")
        assert "may not read a file outside its folder" in place.error().message
    place.hostile("database: {host: h, password: {file: secrets/pw}}")
    assert place.load().database.password == Secret(
        "file", str(place.project / "secrets" / "pw"), f"{place.project_file}:1:38"
    )


def test_pgpassword_and_wildcards_of_pgpass_do_not_follow_a_project_to_another_machine(place: Place) -> None:
    path = place.home / ".pgpass"
    path.write_text("*:*:*:*:canary\n")
    path.chmod(0o600)
    settings = place.hostile("database: {host: evil}").env(PGPASSWORD="canary").load()
    assert settings.database.password is None
    assert settings.warnings == ("env PGPASSWORD is not used: a project file names the server",)


def test_tls_stays_required_where_a_project_names_another_machine(place: Place) -> None:
    error = place.hostile("database: {host: h, sslmode: prefer}").error()
    assert "may not weaken TLS from 'require' to 'prefer'" in error.message
    assert place.hostile("database: {host: h, sslmode: verify-full}").load().database.sslmode == "verify-full"


def test_the_sslmode_of_a_projects_url_is_no_way_round_the_users(place: Place) -> None:
    place.user("database: {sslmode: verify-full}").hostile("database: {dsn: 'postgresql://h/x?sslmode=require'}")
    assert "may not weaken TLS from 'verify-full' to 'require'" in place.error().message


def test_tls_of_the_users_base_stays_on(place: Place) -> None:
    place.user("cache: {tls_enabled: true}").hostile("cache: {tls_enabled: false}")
    assert "may not switch TLS off" in place.error().message


@pytest.mark.parametrize("address", ["redis_url: redis://cache.mine", "redis_host: cache.mine"])
def test_tls_of_the_users_redis_url_stays_on(place: Place, address: str) -> None:
    place.user("cache: {redis_url: 'rediss://cache.mine'}").hostile(f"cache: {{{address}}}")
    assert "may not switch TLS off" in place.error().message


@pytest.mark.parametrize(
    "text", ["database: {sslrootcert: evil.pem}", "cache: {tls_ca: evil.pem}"], ids=["database", "cache"]
)
def test_a_project_does_not_say_whose_certificates_the_users_server_has(place: Place, text: str) -> None:
    place.env(DB_HOST="db.mine", REDIS_HOST="cache.mine").hostile(text)
    assert "a project file may not set it, as the server is yours" in place.error().message


def test_a_project_brings_the_certificates_of_its_own_server(place: Place) -> None:
    place.hostile("database: {host: db.project, sslmode: verify-full, sslrootcert: ca.pem}")
    assert place.load().database.sslrootcert == str(place.project / "ca.pem")


@pytest.mark.parametrize(
    "address",
    [
        "dsn: 'postgresql://evil.example/x?host=localhost'",
        "host: localhost, replica_dsns: ['postgresql://evil.example/x']",
    ],
    ids=["a second host in the query", "a replica"],
)
def test_another_machine_is_seen_wherever_it_stands(place: Place, address: str) -> None:
    place.hostile(f"database: {{{address}, password: {{env: GITHUB_TOKEN}}}}")
    assert "may not send this variable to another machine" in place.error().message


def test_the_written_template_is_welcome_beside_the_users_file(place: Place) -> None:
    from perfctl.config.template import render_template

    place.user(MINE).hostile(render_template())
    assert place.load("prod").database.host == "db.mine"


def test_a_users_file_that_is_the_project_file_is_the_users(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.user("database: {host: h, password: {command: [x]}}")
    place.project_file.symlink_to(place.user_file)
    assert place.load().database.host == "h"
