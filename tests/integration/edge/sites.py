"""A distribution of a test's own, in front of the sample origin."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.integration.edge.process import EdgeProcess, Reply, client

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

READ = ["HEAD", "GET"]
ALL = ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"]


@dataclass(frozen=True, slots=True)
class Site:
    """Its default behaviour is what a test changes; functions and policies are off at first."""

    edge: EdgeProcess
    cloudfront: CloudFrontClient
    identity: str
    host: str

    @classmethod
    def made(cls, edge: EdgeProcess, name: str, *, policy: str) -> Site:
        cloudfront = client("cloudfront", edge.endpoint)
        made = cloudfront.create_distribution(DistributionConfig=_config(name, edge.origin_port, policy))
        return cls(edge, cloudfront, made["Distribution"]["Id"], f"{name}.test")

    def get(self, path: str, *, method: str = "GET", body: bytes | None = None, **fields: str) -> Reply:
        """Ask the edge for it; a field's `_` is a `-`."""
        return self.edge.get(path, method=method, body=body, host=self.host, **fields)

    def change(self, **behaviour: Any) -> None:
        """Replace fields of the default behaviour."""
        held = self.cloudfront.get_distribution_config(Id=self.identity)
        config: Any = held["DistributionConfig"]
        config["DefaultCacheBehavior"] |= behaviour
        self.update(config, held["ETag"])

    def configure(self, **fields: Any) -> None:
        """Replace fields of the configuration."""
        held = self.cloudfront.get_distribution_config(Id=self.identity)
        self.update({**held["DistributionConfig"], **fields}, held["ETag"])

    def update(self, config: Any, etag: str) -> None:
        self.cloudfront.update_distribution(Id=self.identity, IfMatch=etag, DistributionConfig=config)

    def associate(
        self,
        *,
        small: dict[str, str] | None = None,
        large: dict[str, str] | None = None,
        includes_body: bool = False,
    ) -> None:
        """These functions and no others, by trigger."""
        functions = [{"FunctionARN": arn, "EventType": trigger} for trigger, arn in (small or {}).items()]
        lambdas = [
            {"LambdaFunctionARN": arn, "EventType": trigger, "IncludeBody": includes_body}
            for trigger, arn in (large or {}).items()
        ]
        self.change(FunctionAssociations=listed(functions), LambdaFunctionAssociations=listed(lambdas))

    def log_rows(self) -> list[list[str]]:
        """The lines of its newest access log, version 1."""
        self.edge.admin("POST", "logs/flush")
        files = (self.edge.folder / "logs").glob(f"{self.identity}.*.gz")
        newest = max(files, key=lambda path: path.stat().st_mtime_ns)
        return [line.split("\t") for line in gzip.decompress(newest.read_bytes()).decode().splitlines()[2:]]


def listed(items: list[Any]) -> dict[str, Any]:
    """The service's form of a list."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def origin(identity: str, port: int, **more: Any) -> dict[str, Any]:
    """An origin on this machine."""
    custom = {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {"Id": identity, "DomainName": "127.0.0.1", "CustomOriginConfig": custom, **more}


def _config(name: str, origin_port: int, policy: str) -> Any:
    behaviour = {
        "TargetOriginId": "main",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": policy,
        "Compress": True,
        "AllowedMethods": {**listed(ALL), "CachedMethods": listed(READ)},
    }
    return {
        "CallerReference": name,
        "Aliases": listed([f"{name}.test"]),
        "Origins": listed([origin("main", origin_port)]),
        "DefaultCacheBehavior": behaviour,
        "Logging": {"Enabled": True, "IncludeCookies": False, "Bucket": "sandbox-logs.s3.amazonaws.com", "Prefix": ""},
        "Comment": "",
        "Enabled": True,
    }
