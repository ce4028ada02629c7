"""The distribution that a fresh local CloudFront has: the sample origin behind five behaviours."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.policies import (
    ALL_VIEWER_EXCEPT_HOST,
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS,
)
from perfctl.sandbox.edge.distributions import Distributions
from perfctl.sandbox.edge.xml import items_of, parse, text_of

ORIGIN_ID = "sample-origin"
ALIAS = "cdn.sandbox.test"
TAG_HEADER = "Cache-Tag"

_NO_SIGNERS = """<TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>
<TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>"""

_METHODS = """<AllowedMethods><Quantity>{count}</Quantity><Items>{methods}</Items>
<CachedMethods><Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items></CachedMethods>
</AllowedMethods>"""

_BEHAVIOUR = """<{tag}>{pattern}<TargetOriginId>{origin}</TargetOriginId>{signers}
<ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>{methods}<SmoothStreaming>false</SmoothStreaming>
<Compress>true</Compress>
<LambdaFunctionAssociations><Quantity>0</Quantity></LambdaFunctionAssociations>
<FunctionAssociations><Quantity>0</Quantity></FunctionAssociations>
<FieldLevelEncryptionId></FieldLevelEncryptionId><CachePolicyId>{policy}</CachePolicyId>{request_policy}</{tag}>"""

_CONFIG = """<DistributionConfig><CallerReference>perfctl-sandbox</CallerReference>
<Aliases><Quantity>1</Quantity><Items><CNAME>{alias}</CNAME></Items></Aliases>
<DefaultRootObject>index.html</DefaultRootObject>
<Origins><Quantity>1</Quantity><Items><Origin><Id>{origin}</Id><DomainName>127.0.0.1</DomainName><OriginPath></OriginPath>
<CustomHeaders><Quantity>0</Quantity></CustomHeaders>
<CustomOriginConfig><HTTPPort>{port}</HTTPPort><HTTPSPort>443</HTTPSPort>
<OriginProtocolPolicy>http-only</OriginProtocolPolicy>
<OriginSslProtocols><Quantity>1</Quantity><Items><SslProtocol>TLSv1.2</SslProtocol></Items></OriginSslProtocols>
<OriginReadTimeout>30</OriginReadTimeout><OriginKeepaliveTimeout>5</OriginKeepaliveTimeout></CustomOriginConfig>
<ConnectionAttempts>3</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout>
<OriginShield><Enabled>false</Enabled></OriginShield></Origin></Items></Origins>
<OriginGroups><Quantity>0</Quantity></OriginGroups>
{default}
<CacheBehaviors><Quantity>{count}</Quantity><Items>{behaviours}</Items></CacheBehaviors>
<CustomErrorResponses><Quantity>0</Quantity></CustomErrorResponses>
<Comment>perfctl sandbox</Comment>
<Logging><Enabled>true</Enabled><IncludeCookies>false</IncludeCookies><Bucket>sandbox-logs.s3.amazonaws.com</Bucket><Prefix></Prefix></Logging>
<PriceClass>PriceClass_All</PriceClass><Enabled>true</Enabled>
<ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>
<MinimumProtocolVersion>TLSv1</MinimumProtocolVersion><CertificateSource>cloudfront</CertificateSource></ViewerCertificate>
<Restrictions><GeoRestriction><RestrictionType>none</RestrictionType><Quantity>0</Quantity></GeoRestriction></Restrictions>
<WebACLId></WebACLId><HttpVersion>http2</HttpVersion><IsIPV6Enabled>false</IsIPV6Enabled><Staging>false</Staging>
<CacheTagConfig><HeaderName>{tag_header}</HeaderName></CacheTagConfig></DistributionConfig>"""

_READ = ("HEAD", "GET")
_ALL = ("HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH")

_BEHAVIOURS: tuple[tuple[str | None, str, str | None, tuple[str, ...]], ...] = (
    ("/api/*", USE_ORIGIN_CACHE_CONTROL_QUERY_STRINGS, None, _ALL),
    ("/img/*", CACHING_OPTIMIZED, None, _READ),
    ("/private*", CACHING_DISABLED, ALL_VIEWER_EXCEPT_HOST, _ALL),
    ("/slow*", CACHING_DISABLED, ALL_VIEWER_EXCEPT_HOST, _READ),
    (None, CACHING_OPTIMIZED, None, _READ),
)


def ensure_sample(distributions: Distributions, identity: str, origin_port: int) -> None:
    """Create the distribution, or point the one of an earlier start at the sample origin's new port."""
    known = {item.identity: item for item in distributions.all()}
    if identity not in known:
        distributions.create(sample_config(origin_port, reference=identity), identity=identity)
        distributions.settle(identity)
        return
    config = known[identity].config_element
    for origin in items_of(config, "Origins"):
        port = origin.find("CustomOriginConfig/HTTPPort")
        is_moved = port is not None and port.text != str(origin_port)
        if port is not None and is_moved and text_of(origin, "Id") == ORIGIN_ID:
            port.text = str(origin_port)
            distributions.update(identity, config, if_match=known[identity].etag)


def sample_config(origin_port: int, *, reference: str, alias: str = ALIAS) -> Element:
    """The configuration as the service would return it, complete."""
    behaviours = [_behaviour(*row) for row in _BEHAVIOURS]
    text = _CONFIG.format(
        alias=alias,
        origin=ORIGIN_ID,
        port=origin_port,
        default=behaviours[-1],
        count=len(behaviours) - 1,
        behaviours="".join(behaviours[:-1]),
        tag_header=TAG_HEADER,
    )
    return parse(text.replace("\n", "").replace(">perfctl-sandbox<", f">{reference}<").encode())


def _behaviour(pattern: str | None, policy: str, request_policy: str | None, methods: tuple[str, ...]) -> str:
    listed = "".join(f"<Method>{method}</Method>" for method in methods)
    return _BEHAVIOUR.format(
        tag="DefaultCacheBehavior" if pattern is None else "CacheBehavior",
        pattern="" if pattern is None else f"<PathPattern>{pattern}</PathPattern>",
        origin=ORIGIN_ID,
        signers=_NO_SIGNERS,
        methods=_METHODS.format(count=len(methods), methods=listed),
        policy=policy,
        request_policy=""
        if request_policy is None
        else f"<OriginRequestPolicyId>{request_policy}</OriginRequestPolicyId>",
    )
