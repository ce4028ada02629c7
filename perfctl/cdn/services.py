"""The services beside CloudFront that its users meet - S3, Lambda, CloudWatch - over boto3, each made on first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from perfctl import aws
from perfctl.aws import AwsAccess
from perfctl.calls import begun, ended
from perfctl.cdn.background import in_background
from perfctl.cdn.cloudfront import is_aws
from perfctl.errors import ServiceError

T = TypeVar("T")

_REGIONS = {"cloudwatch": "us-east-1", "lambda": "us-east-1"}
"""CloudFront is measured there, and takes functions from there alone, whatever the account's region is."""


class Services:
    """Clients for one account. Where CloudFront's endpoint is not AWS's own, it stands in for these services, too,
    unless AWS_ENDPOINT_URL_<SERVICE> names another one.
    """

    def __init__(self, access: AwsAccess, *, endpoint_url: str | None = None) -> None:
        self._access = access
        self._endpoint_url = None if endpoint_url is None or is_aws(endpoint_url) else endpoint_url
        self._clients: dict[str, Any] = {}

    async def ask(self, service: str, asked: str, call: Callable[[Any], T]) -> T:
        """The call's answer, made in the background; PerfctlError with what was `asked` where it fails.

        What the answer lacks (KeyError, TypeError of `call`) is a ServiceError that names the endpoint.
        """
        return await in_background(lambda: self.answer(service, asked, call))

    def answer(self, service: str, asked: str, call: Callable[[Any], T]) -> T:
        """The same, for what is in the background already: it waits in this thread."""
        since = begun()
        client = None
        try:
            with aws.translated(asked):
                client = self._client(service)
                return call(client)
        except (KeyError, TypeError) as error:
            hint = f"does {self._endpoint_url or service} answer for {service}?"
            raise ServiceError(f"{asked}: the answer lacks {error}", hint=hint) from error
        finally:
            ended(str(client.meta.endpoint_url) if since and client else "", asked, since)

    async def close(self) -> None:
        """Let go of the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            is_placed = f"AWS_ENDPOINT_URL_{service.upper()}" in os.environ
            endpoint = None if is_placed else self._endpoint_url
            access = replace(self._access, region=_REGIONS.get(service, self._access.region))
            self._clients[service] = aws.client(service, access, endpoint_url=endpoint)
        return self._clients[service]
