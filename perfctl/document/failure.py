"""An error as the fields of a document, the same on stderr and over HTTP; and text without secrets."""

from __future__ import annotations

import os
import re
from typing import Any

from perfctl.errors import PerfctlError

_SECRET_NAME = re.compile(r"PASSW|SECRET|TOKEN|_KEY$|PGPASS|DSN$|_URL$|CREDENTIAL", re.IGNORECASE)


def error_fields(error: PerfctlError) -> dict[str, Any]:
    """The error as `{"error": ...}` holds it, in the CLI and over HTTP; secrets left out."""
    return {
        "code": error.exit_code,
        "kind": error.kind,
        "message": without_secrets(error.message),
        "hint": None if error.hint is None else without_secrets(error.hint),
        "where": None if error.where is None else without_secrets(error.where),
    }


def without_secrets(text: str) -> str:
    """The text without the secrets that were read, nor those that stand in the environment."""
    from perfctl.config.secret import redacted, remember, split_password

    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and value:
            secret = split_password(value)[1] if "://" in value else value
            if secret and len(secret) >= 4:
                remember(secret)
    return redacted(text)
