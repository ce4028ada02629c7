"""Packages for the local Lambda."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROLE = "arn:aws:iam::000000000000:role/edge"


def package(source: str, name: str = "index.js") -> bytes:
    """A zip file of one source file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, source)
    return packed.getvalue()


def deployed(client: LambdaClient, name: str, source: str, **settings: Any) -> str:
    """The ARN of a function's first version."""
    wanted: Any = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Role": ROLE, "Timeout": 5, **settings}
    file = "index.py" if wanted["Runtime"].startswith("python") else "index.js"
    code = {"ZipFile": package(source, file)}
    return client.create_function(FunctionName=name, Code=code, Publish=True, **wanted)["FunctionArn"]
