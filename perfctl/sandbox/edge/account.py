"""The one account of the local CloudFront: everything the control plane keeps and the edge reads."""

from __future__ import annotations

from dataclasses import dataclass

from perfctl.cdn.delivery.policies import CachePolicy, OriginRequestPolicy
from perfctl.cdn.delivery.response_headers import ResponseHeadersPolicy
from perfctl.sandbox.edge.associations import AssociationReader
from perfctl.sandbox.edge.behaviours import PolicyFinder
from perfctl.sandbox.edge.clock import Clock
from perfctl.sandbox.edge.distributions import Distributions
from perfctl.sandbox.edge.edge_code import EdgeCode
from perfctl.sandbox.edge.faults import Dice
from perfctl.sandbox.edge.functions import Functions
from perfctl.sandbox.edge.invalidations import Invalidations
from perfctl.sandbox.edge.lambdas import Lambdas
from perfctl.sandbox.edge.policies import (
    MANAGED_CACHE_POLICIES,
    MANAGED_ORIGIN_REQUEST_POLICIES,
    cache_policy_of,
    origin_request_policy_of,
)
from perfctl.sandbox.edge.response_policies import MANAGED_RESPONSE_HEADERS_POLICIES, response_headers_policy_of
from perfctl.sandbox.edge.shelf import Shelf
from perfctl.sandbox.edge.store import Store


@dataclass(frozen=True, slots=True)
class Account:
    """The parts, each of which keeps its own records in `store`."""

    access_key: str
    clock: Clock
    store: Store
    dice: Dice
    distributions: Distributions
    invalidations: Invalidations
    cache_policies: Shelf
    origin_request_policies: Shelf
    response_headers_policies: Shelf
    functions: Functions
    lambdas: Lambdas
    code: EdgeCode


def open_account(store: Store, clock: Clock, *, access_key: str, completion_seconds: float) -> Account:
    """The account that `store` holds; an empty store gives one with the managed policies alone."""
    cache = Shelf("CachePolicy", MANAGED_CACHE_POLICIES, store, clock, read=cache_policy_of, needed=("MinTTL",))
    request = Shelf("OriginRequestPolicy", MANAGED_ORIGIN_REQUEST_POLICIES, store, clock, read=origin_request_policy_of)
    response = Shelf(
        "ResponseHeadersPolicy",
        MANAGED_RESPONSE_HEADERS_POLICIES,
        store,
        clock,
        read=response_headers_policy_of,
    )
    functions, lambdas = Functions(store, clock), Lambdas(store, clock, store.folder / "lambda")
    policies = _finder(cache, request, response, AssociationReader(functions, lambdas))
    return Account(
        access_key=access_key,
        clock=clock,
        store=store,
        dice=Dice(clock),
        distributions=Distributions(store, clock, policies),
        invalidations=Invalidations(store, clock, completion_seconds=completion_seconds),
        cache_policies=cache,
        origin_request_policies=request,
        response_headers_policies=response,
        functions=functions,
        lambdas=lambdas,
        code=EdgeCode(functions, lambdas),
    )


def _finder(cache: Shelf, request: Shelf, response: Shelf, functions: AssociationReader) -> PolicyFinder:
    def cache_policy(identity: str) -> CachePolicy:
        return cache_policy_of(cache.get(identity).config_element)

    def origin_request_policy(identity: str) -> OriginRequestPolicy:
        return origin_request_policy_of(request.get(identity).config_element)

    def response_headers_policy(identity: str) -> ResponseHeadersPolicy:
        return response_headers_policy_of(response.get(identity).config_element)

    return PolicyFinder(cache_policy, origin_request_policy, response_headers_policy, functions.read)
