"""The errors that the service answers: each code with its HTTP status, one row each."""

from __future__ import annotations

from types import MappingProxyType

STATUS = MappingProxyType(
    {
        "AccessDenied": 403,
        "BatchTooLarge": 413,
        "CNAMEAlreadyExists": 409,
        "CachePolicyAlreadyExists": 409,
        "CachePolicyInUse": 409,
        "ConflictException": 409,
        "DistributionAlreadyExists": 409,
        "DistributionNotDisabled": 409,
        "FunctionAlreadyExists": 409,
        "FunctionInUse": 409,
        "FunctionSizeLimitExceeded": 413,
        "IllegalDelete": 400,
        "IllegalUpdate": 400,
        "InconsistentQuantities": 400,
        "InternalFailure": 500,
        "InvalidAccessKeyId": 403,
        "InvalidArgument": 400,
        "InvalidClientTokenId": 403,
        "InvalidIfMatchVersion": 400,
        "InvalidFunctionAssociation": 400,
        "InvalidLambdaFunctionAssociation": 400,
        "InvalidParameterValueException": 400,
        "InvalidRequestContentException": 400,
        "InvalidTTLOrder": 400,
        "InvalidTagging": 400,
        "InvalidationBatchAlreadyExists": 400,
        "MalformedXML": 400,
        "MethodNotAllowed": 405,
        "MissingAuthenticationToken": 403,
        "MissingBody": 400,
        "NoSuchBucket": 404,
        "NoSuchCachePolicy": 404,
        "NoSuchDistribution": 404,
        "NoSuchFunctionExists": 404,
        "NoSuchInvalidation": 404,
        "NoSuchKey": 404,
        "NoSuchMonitoringSubscription": 404,
        "NoSuchOrigin": 404,
        "NoSuchOriginRequestPolicy": 404,
        "NoSuchResource": 404,
        "NoSuchResponseHeadersPolicy": 404,
        "OriginRequestPolicyAlreadyExists": 409,
        "OriginRequestPolicyInUse": 409,
        "PreconditionFailed": 412,
        "RequestEntityTooLargeException": 413,
        "ResourceConflictException": 409,
        "ResourceNotFoundException": 404,
        "ResponseHeadersPolicyAlreadyExists": 409,
        "ResponseHeadersPolicyInUse": 409,
        "ServiceUnavailable": 503,
        "TestFunctionFailed": 500,
        "Throttling": 400,
        "TooManyCacheBehaviors": 400,
        "TooManyCachePolicies": 400,
        "TooManyCustomHeadersInResponseHeadersPolicy": 400,
        "TooManyDistributions": 400,
        "TooManyFunctions": 400,
        "TooManyInvalidationsInProgress": 400,
        "TooManyOriginRequestPolicies": 400,
        "TooManyRemoveHeadersInResponseHeadersPolicy": 400,
        "TooManyResponseHeadersPolicies": 400,
        "UnknownOperationException": 404,
        "UnrecognizedClientException": 403,
        "UnsupportedOperation": 400,
        "ValidationException": 400,
    }
)


class ServiceProblem(Exception):  # noqa: N818 - the service's own errors are no failures of ours
    """An error that the service answers on purpose."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = STATUS[code]
