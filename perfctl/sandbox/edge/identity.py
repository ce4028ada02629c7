"""Identifiers in the shapes that the service gives them."""

from __future__ import annotations

import base64
import secrets
import string
import uuid

ACCOUNT = "000000000000"

_ALPHABET = string.digits + string.ascii_uppercase


def short_id(letter: str) -> str:
    """`E1A2B3C4D5E6F7`-like: distributions and entity tags begin with E, invalidations with I."""
    return letter + "".join(secrets.choice(_ALPHABET) for _ in range(13))


def policy_id() -> str:
    return str(uuid.uuid4())


def domain_name(distribution_id: str) -> str:
    """The domain name of a distribution: always the same one for an id."""
    digest = uuid.uuid5(uuid.NAMESPACE_URL, f"perfctl:{distribution_id}").int
    letters = string.digits + string.ascii_lowercase
    return "d" + "".join(letters[(digest >> (6 * place)) % 36] for place in range(13)) + ".cloudfront.net"


def distribution_arn(distribution_id: str) -> str:
    return f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution_id}"


def function_arn(name: str) -> str:
    return f"arn:aws:cloudfront::{ACCOUNT}:function/{name}"


def request_id() -> str:
    """X-Amz-Cf-Id: 56 characters."""
    return base64.urlsafe_b64encode(secrets.token_bytes(40)).decode().rstrip("=") + "=="
