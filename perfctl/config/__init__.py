"""Configuration: YAML, environment and flags become frozen settings, each value with its origin."""

from perfctl.config.load import load_settings
from perfctl.config.secret import Secret
from perfctl.config.settings import (
    ApiConfig,
    CacheConfig,
    CDNConfig,
    DatabaseConfig,
    MetricsConfig,
    RoutingConfig,
    Settings,
)

__all__ = [
    "ApiConfig",
    "CDNConfig",
    "CacheConfig",
    "DatabaseConfig",
    "MetricsConfig",
    "RoutingConfig",
    "Secret",
    "Settings",
    "load_settings",
]
