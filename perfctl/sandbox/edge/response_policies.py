"""Response headers policies as XML: what a configuration says, and the managed ones."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from perfctl.cdn.delivery.response_headers import Cors, FixedHeader, ResponseHeadersPolicy
from perfctl.sandbox.edge.policies import Managed
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import is_true, items_of, number_of, parse, text_of, texts_of

MAX_CUSTOM = 10
_FRAME_OPTIONS = ("DENY", "SAMEORIGIN")


def response_headers_policy_of(config: Element) -> ResponseHeadersPolicy:
    """The policy that a `ResponseHeadersPolicyConfig` describes."""
    cors = config.find("CorsConfig")
    security = config.find("SecurityHeadersConfig")
    own = items_of(config, "CustomHeadersConfig")
    removed = items_of(config, "RemoveHeadersConfig")
    if len(own) > MAX_CUSTOM or len(removed) > MAX_CUSTOM:
        what = "TooManyCustomHeaders" if len(own) > MAX_CUSTOM else "TooManyRemoveHeaders"
        raise ServiceProblem(f"{what}InResponseHeadersPolicy", f"A policy has at most {MAX_CUSTOM} of them.")
    fixed = () if security is None else _security(security)
    timed = is_true(config, "ServerTimingHeadersConfig/Enabled")
    return ResponseHeadersPolicy(
        cors=None if cors is None else _cors(cors),
        fixed=(*fixed, *(_fixed(text_of(item, "Header"), text_of(item, "Value"), item) for item in own)),
        removed=tuple(text_of(item, "Header") for item in removed),
        server_timing_rate=_rate(config) if timed else None,
    )


def _rate(config: Element) -> float:
    text = text_of(config, "ServerTimingHeadersConfig/SamplingRate", "0")
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 100:
        raise ServiceProblem("InvalidArgument", f"SamplingRate is a number of 0 to 100, not {text[:20]!r}.")
    return rate


def _cors(config: Element) -> Cors:
    age = text_of(config, "AccessControlMaxAgeSec")
    return Cors(
        origins=texts_of(config, "AccessControlAllowOrigins"),
        methods=texts_of(config, "AccessControlAllowMethods"),
        headers=texts_of(config, "AccessControlAllowHeaders"),
        exposed=texts_of(config, "AccessControlExposeHeaders"),
        credentials=is_true(config, "AccessControlAllowCredentials"),
        max_age_seconds=number_of(config, "AccessControlMaxAgeSec", 0) if age else None,
        override=is_true(config, "OriginOverride"),
    )


def _security(config: Element) -> tuple[FixedHeader, ...]:
    found = []
    for tag, name, value in (
        ("XSSProtection", "X-XSS-Protection", _xss_protection),
        ("FrameOptions", "X-Frame-Options", _frame_option),
        ("ReferrerPolicy", "Referrer-Policy", lambda item: text_of(item, "ReferrerPolicy")),
        ("ContentSecurityPolicy", "Content-Security-Policy", lambda item: text_of(item, "ContentSecurityPolicy")),
        ("ContentTypeOptions", "X-Content-Type-Options", lambda _: "nosniff"),
        ("StrictTransportSecurity", "Strict-Transport-Security", _strict_transport),
    ):
        item = config.find(tag)
        if item is not None:
            found.append(_fixed(name, value(item), item))
    return tuple(found)


def _xss_protection(item: Element) -> str:
    if not is_true(item, "Protection"):
        return "0"
    report = text_of(item, "ReportUri")
    return "1" + ("; mode=block" if is_true(item, "ModeBlock") else "") + (f"; report={report}" if report else "")


def _frame_option(item: Element) -> str:
    option = text_of(item, "FrameOption")
    if option not in _FRAME_OPTIONS:
        raise ServiceProblem("InvalidArgument", f"FrameOption is {' or '.join(_FRAME_OPTIONS)}, not {option!r}.")
    return option


def _strict_transport(item: Element) -> str:
    parts = [f"max-age={number_of(item, 'AccessControlMaxAgeSec', 0)}"]
    parts += ["includeSubDomains"] if is_true(item, "IncludeSubdomains") else []
    parts += ["preload"] if is_true(item, "Preload") else []
    return "; ".join(parts)


def _fixed(name: str, value: str, item: Element) -> FixedHeader:
    if not name or any(ord(letter) < 32 or ord(letter) > 255 for letter in name + value):
        raise ServiceProblem("InvalidArgument", f"{name!r} with {value!r} is no header.")
    return FixedHeader(name, value, override=is_true(item, "Override"))


# -- the managed policies -----------------------------------------------------------------------------------------

SECURITY_HEADERS = "67f7725c-6f97-4210-82d7-5512b31e9d03"
SIMPLE_CORS = "60669652-455b-4ae9-85a4-c4c02393f86c"

_SECURITY = """<SecurityHeadersConfig>
<XSSProtection><Override>false</Override><Protection>true</Protection><ModeBlock>true</ModeBlock></XSSProtection>
<FrameOptions><Override>false</Override><FrameOption>SAMEORIGIN</FrameOption></FrameOptions>
<ReferrerPolicy><Override>false</Override><ReferrerPolicy>strict-origin-when-cross-origin</ReferrerPolicy></ReferrerPolicy>
<ContentTypeOptions><Override>true</Override></ContentTypeOptions>
<StrictTransportSecurity><Override>false</Override><IncludeSubdomains>false</IncludeSubdomains><Preload>false</Preload>
<AccessControlMaxAgeSec>31536000</AccessControlMaxAgeSec></StrictTransportSecurity></SecurityHeadersConfig>"""

_CORS = """<CorsConfig><AccessControlAllowOrigins><Quantity>1</Quantity><Items><Origin>*</Origin></Items>
</AccessControlAllowOrigins><AccessControlAllowHeaders><Quantity>1</Quantity><Items><Header>*</Header></Items>
</AccessControlAllowHeaders><AccessControlAllowMethods><Quantity>{count}</Quantity><Items>{methods}</Items>
</AccessControlAllowMethods><AccessControlAllowCredentials>false</AccessControlAllowCredentials>{exposed}
<OriginOverride>false</OriginOverride></CorsConfig>"""

_EXPOSED = """<AccessControlExposeHeaders><Quantity>1</Quantity><Items><Header>*</Header></Items>
</AccessControlExposeHeaders>"""


def _cors_config(*methods: str, exposed: str = "") -> str:
    listed = "".join(f"<Method>{method}</Method>" for method in methods)
    return _CORS.format(count=len(methods), methods=listed, exposed=exposed)


_SIMPLE = _cors_config("GET", "HEAD")
_PREFLIGHT = _cors_config("GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", exposed=_EXPOSED)


def _managed(name: str, identity: str, text: str) -> Managed:
    root = "ResponseHeadersPolicyConfig"
    whole = f"<{root}><Comment></Comment><Name>Managed-{name}</Name>{text}</{root}>"
    return Managed(identity, parse(whole.replace("\n", "").encode()))


MANAGED_RESPONSE_HEADERS_POLICIES = (
    _managed("SimpleCORS", SIMPLE_CORS, _SIMPLE),
    _managed("CORS-With-Preflight", "5cc3b908-e619-4b99-88e5-2cf7f45965bd", _PREFLIGHT),
    _managed("SecurityHeadersPolicy", SECURITY_HEADERS, _SECURITY),
    _managed("CORS-and-SecurityHeadersPolicy", "e61eb60c-9c35-4d20-a928-2b84e02af89c", _SIMPLE + _SECURITY),
    _managed(
        "CORS-with-preflight-and-SecurityHeadersPolicy",
        "eaab4381-ed33-4a86-88ca-d9558dc6cd63",
        _PREFLIGHT + _SECURITY,
    ),
)
