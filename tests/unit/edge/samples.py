"""Configurations to start a test from."""

from __future__ import annotations

import itertools
from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.policies import CACHING_DISABLED
from perfctl.sandbox.edge.xml import parse

_REFERENCES = itertools.count()


def config_with(
    *,
    patterns: tuple[str, ...] = (),
    target: str = "main",
    alias: str | None = None,
    policy: str = CACHING_DISABLED,
    origin_port: int = 80,
    enabled: bool = True,
) -> Element:
    """A small DistributionConfig with one origin, `main`; each call has its own CallerReference."""
    rest = f"<TargetOriginId>{target}</TargetOriginId><CachePolicyId>{policy}</CachePolicyId>"
    behaviours = "".join(
        f"<CacheBehavior><PathPattern>{pattern}</PathPattern>{rest}</CacheBehavior>" for pattern in patterns
    )
    listed = f"<Items>{behaviours}</Items>" if behaviours else ""
    aliases = f"<Quantity>1</Quantity><Items><CNAME>{alias}</CNAME></Items>" if alias else "<Quantity>0</Quantity>"
    return parse(
        f"""<DistributionConfig><CallerReference>r{next(_REFERENCES)}</CallerReference>
        <Aliases>{aliases}</Aliases>
        <Origins><Quantity>1</Quantity><Items><Origin><Id>main</Id><DomainName>127.0.0.1</DomainName>
        <CustomOriginConfig><HTTPPort>{origin_port}</HTTPPort></CustomOriginConfig></Origin></Items></Origins>
        <DefaultCacheBehavior>{rest}</DefaultCacheBehavior>
        <CacheBehaviors><Quantity>{len(patterns)}</Quantity>{listed}</CacheBehaviors>
        <Comment></Comment><Enabled>{str(enabled).lower()}</Enabled></DistributionConfig>""".encode()
    )
