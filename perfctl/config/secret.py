"""A secret as it stands in the configuration: a reference, or a literal that shows itself to nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SecretKind = Literal["literal", "env", "file", "command", "aws_secret", "rds_iam", "elasticache_iam"]


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret comes from; `perfctl.credentials` turns it into its value at each new connection."""

    kind: SecretKind
    target: str | tuple[str, ...] = field(repr=False)
    """The variable, path, command line, ARN or (literal) the value itself."""
    where: str | None = None

    def __str__(self) -> str:
        return "***"
