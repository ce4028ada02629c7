"""The one door to AWS: sessions and clients, profiles and roles, secrets and tokens; errors translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlencode

from perfctl.errors import (
    AuthError,
    ConfigError,
    PerfctlError,
    ServiceError,
    TimedOutError,
    UnreachableError,
    UsageError,
)

DEFAULT_REGION = "us-east-1"
TOKEN_SECONDS = 900
"""ElastiCache and RDS accept a token for at most 15 minutes."""

_AUTH_CODES = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
        "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
        "MissingAuthenticationToken", "NotAuthorized", "RequestExpired", "SignatureDoesNotMatch",
        "UnauthorizedOperation", "UnrecognizedClientException",
    }
)  # fmt: skip
_THROTTLING_CODES = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """How to be let in: explicit keys, a profile or the normal chain (environment, SSO, instance), then a role."""

    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    timeout_seconds: float = 10.0
    attempts: int = 3
    adaptive_retries: bool = False
    """Slow down on the client's side, too, when the service throttles."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who AWS says that we are."""

    account: str
    arn: str


class ThrottledError(ServiceError):
    """The service asks for fewer calls; the same call may succeed later."""

    http_status = 429
    retryable = True


class UnavailableError(ServiceError):
    """The service failed on its side (5xx); the same call may succeed later."""

    retryable = True


class AwsCallError(ServiceError):
    """The service answered with an error code of its own; `code` is AWS's word for it."""

    def __init__(self, message: str, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


def was_repeated(error: BaseException) -> bool:
    """Whether the SDK had made the call before it met this answer: an earlier attempt may have taken effect."""
    cause: BaseException | None = error
    while cause is not None:
        answer = getattr(cause, "response", None)
        if isinstance(answer, dict):
            return bool(answer.get("ResponseMetadata", {}).get("RetryAttempts"))
        cause = cause.__cause__
    return False


def client(service: str, access: AwsAccess, *, endpoint_url: str | None = None) -> Any:
    """A client of botocore, the engine of boto3. The credentials are looked for at the first call.

    Without `endpoint_url` the SDK's own sources hold: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile.
    """
    from botocore.config import Config

    with translated(f"aws {service}"):
        mode = "adaptive" if access.adaptive_retries else "standard"
        retries: Any = {"mode": mode, "total_max_attempts": access.attempts}
        settings = Config(
            connect_timeout=access.timeout_seconds,
            read_timeout=access.timeout_seconds,
            retries=retries,
            user_agent_extra="perfctl",
        )
        return _session(access, settings).create_client(
            service,
            region_name=access.region,
            endpoint_url=endpoint_url,
            config=settings,
        )


def caller_identity(access: AwsAccess, *, endpoint_url: str | None = None) -> Caller:
    """Who AWS says that we are. AuthError when it does not know us. Needs no permission."""
    with translated("aws sts get-caller-identity"):
        identity = client("sts", access, endpoint_url=endpoint_url).get_caller_identity()
        return Caller(account=identity["Account"], arn=identity["Arn"])


def secret_value(
    arn: str,
    *,
    key: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
) -> str:
    """The text of a secret in Secrets Manager, or of one `key` of it where the secret is a JSON object.

    The region is the ARN's where none is given. AuthError, ConfigError (no such secret or key).
    """
    access = AwsAccess(region=region or _region_of(arn), profile=profile, role_arn=role_arn)
    with translated(f"aws secretsmanager get-secret-value {arn}"):
        answer = client("secretsmanager", access).get_secret_value(SecretId=arn)
    text = answer.get("SecretString")
    if text is None:
        raise ConfigError(f"secret {arn} holds bytes, not text", hint="store it as text or JSON")
    return text if key is None else _key_of(arn, text, key)


def rds_token(
    host: str,
    port: int,
    user: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
) -> str:
    """A password for RDS and Aurora with IAM authentication, valid 15 minutes. Signed here, without a call."""
    access = AwsAccess(region=region or _region_of_host(host), profile=profile, role_arn=role_arn)
    with translated(f"rds token for {user}@{host}"):
        rds = client("rds", access)
        token: str = rds.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
        return token


def elasticache_token(
    cache: str,
    user: str,
    *,
    serverless: bool = False,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
) -> str:
    """A password for ElastiCache with IAM authentication, valid 15 minutes. Signed here, without a call.

    `cache` is the replication group's or serverless cache's name, in lower case, not its address.
    """
    from botocore.model import ServiceId
    from botocore.signers import RequestSigner

    access = AwsAccess(region=region, profile=profile, role_arn=role_arn)
    with translated(f"elasticache token for {user}@{cache}"):
        session = _session(access)
        signed_region = region or session.get_config_variable("region") or DEFAULT_REGION
        signer = RequestSigner(
            ServiceId("elasticache"),
            signed_region,
            "elasticache",
            "v4",
            _credentials(session),
            session.get_component("event_emitter"),
        )
        kind = {"ResourceType": "ServerlessCache"} if serverless else {}
        query = urlencode({"Action": "connect", "User": user, **kind})
        request = {"method": "GET", "url": f"http://{cache}/?{query}", "body": {}, "headers": {}, "context": {}}
        signed = signer.generate_presigned_url(
            request, operation_name="connect", expires_in=TOKEN_SECONDS, region_name=signed_region
        )
        return str(signed).removeprefix("http://")


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Turn what boto3 raises inside into perfctl's errors; `asked` opens the message."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _refused(error.response, asked) from error
    except BotoCoreError as error:
        raise _failed(error, asked) from error
    except ResponseParserError as error:
        raise ServiceError(f"{asked}: the answer is not AWS's: {error}", hint="is this the endpoint?") from error


def _session(access: AwsAccess, settings: Any = None) -> Any:
    """A session of botocore: what boto3 would make, for three quarters of its start-up."""
    session = _new_session(access.profile)
    if access.region:
        session.set_config_variable("region", access.region)
    if access.access_key_id and access.secret_access_key:
        session.set_credentials(access.access_key_id, access.secret_access_key)
    return _in_role(session, access, settings) if access.role_arn else session


def _in_role(session: Any, access: AwsAccess, settings: Any) -> Any:
    """A session whose credentials are the role's, asked for at first use and again before they expire."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    def sts(service: str, **keys: Any) -> Any:
        return session.create_client(service, config=settings, region_name=access.region or DEFAULT_REGION, **keys)

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=sts,
        source_credentials=_credentials(session),
        role_arn=str(access.role_arn),
        extra_args={"RoleSessionName": "perfctl"},
    )
    within = _new_session(access.profile)
    within.set_config_variable("region", access.region or session.get_config_variable("region"))
    refreshed = DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)
    within._credentials = refreshed
    return within


def _new_session(profile: str | None) -> Any:
    from botocore.session import Session

    session = Session(profile=profile)
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    return session


@cache
def _models(data_path: str | None) -> Any:
    """The models of the services, read once for all sessions: each of them is megabytes."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def _credentials(session: Any) -> Any:
    from botocore.exceptions import NoCredentialsError

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials


def _refused(response: Any, asked: str) -> PerfctlError:
    """The error for an answer with an error code: the code, AWS's words and the request's id are in the message."""
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode") or 0)
    code = str(response.get("Error", {}).get("Code") or f"HTTP {status}")
    words = str(response.get("Error", {}).get("Message", "")).strip() or "no message"
    request_id = meta.get("RequestId")
    message = f"{asked}: {code}: {words}" + (f" (request {request_id})" if request_id else "")
    if code in _AUTH_CODES or status in (401, 403):
        return AuthError(message, hint=_auth_hint(code, asked))
    if code == "ResourceNotFoundException":
        return ConfigError(message, hint="check the name or ARN, and the region")
    if code in _THROTTLING_CODES or status == 429:
        return ThrottledError(message, hint="try again in a minute")
    if status >= 500:
        return UnavailableError(message, hint="try again in a minute")
    return AwsCallError(message, code=code)


def _auth_hint(code: str, asked: str) -> str:
    if "Expired" in code:
        return "the session has expired: aws sso login, or renew the keys"
    if not code.startswith(("AccessDenied", "Unauthorized")):
        return "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile and the role of this context"
    if asked.startswith("cloudfront"):
        return "perfctl cdn doctor lists the permissions that are missing and a policy that grants them"
    return "grant the caller that permission, or choose another profile or role"


def _failed(error: Exception, asked: str) -> PerfctlError:
    """The error for a call that got no answer."""
    from botocore import exceptions as botocore

    message = f"{asked}: {error}"
    if isinstance(error, botocore.ParamValidationError):
        return UsageError(message, hint="check the value that was given")
    if isinstance(error, botocore.ProfileNotFound):
        return ConfigError(message, hint="set cdn.profile or AWS_PROFILE to one that aws configure list-profiles shows")
    if isinstance(error, (botocore.ConnectTimeoutError, botocore.ReadTimeoutError)):
        return TimedOutError(message, hint="raise --timeout, or check the network and the endpoint")
    if isinstance(error, (botocore.HTTPClientError, botocore.ConnectionError)):
        return UnreachableError(message, hint="check the network and the endpoint (cdn.endpoint_url, AWS_ENDPOINT_URL)")
    if isinstance(error, _no_credentials()):
        return AuthError(message, hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile (cdn.profile)")
    return ConfigError(message, hint="check the settings of this context: perfctl config show --origin")


def _no_credentials() -> tuple[type[Exception], ...]:
    from botocore import exceptions as botocore

    return (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.CredentialRetrievalError,
        botocore.NoAuthTokenError,
        botocore.TokenRetrievalError,
        botocore.SSOError,
        botocore.LoginError,
        botocore.MetadataRetrievalError,
        botocore.RefreshWithMFAUnsupportedError,
    )


def _region_of(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[3] or None if len(parts) > 5 else None


def _region_of_host(host: str) -> str | None:
    """`db.abc.eu-west-1.rds.amazonaws.com` lies in `eu-west-1`."""
    parts = host.split(".")
    return parts[parts.index("rds") - 1] if "rds" in parts[1:] else None


def _key_of(arn: str, text: str, key: str) -> str:
    import json

    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"secret {arn} is not JSON, so it has no key {key!r}", hint="leave the key out") from error
    if not isinstance(fields, dict) or key not in fields:
        known = ", ".join(sorted(fields)) if isinstance(fields, dict) else "no keys"
        raise ConfigError(f"secret {arn} has no key {key!r}", hint=f"it has {known}")
    return str(fields[key])
