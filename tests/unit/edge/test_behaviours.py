"""Which behaviour a path falls to."""

from __future__ import annotations

import pytest

from perfctl.cdn.delivery.policies import CACHING_DISABLED
from perfctl.sandbox.edge.account import Account
from perfctl.sandbox.edge.problems import ServiceProblem
from perfctl.sandbox.edge.xml import element, parse, stored
from tests.unit.edge.samples import config_with


@pytest.mark.parametrize(
    ("path", "pattern"),
    [("/api/x", "/api/*"), ("/img/1.jpg", "/img/*"), ("/apix", None), ("/", None), ("/IMG/1.jpg", None)],
)
def test_the_sample_distribution_sends_a_path_to_its_behaviour(
    account: Account, path: str, pattern: str | None
) -> None:
    assert account.distributions.delivery("ESAMPLE").behaviour_of(path).pattern == pattern


def test_the_first_match_wins_over_a_narrower_one_below_it(account: Account) -> None:
    made = account.distributions.create(config_with(patterns=("/a*", "/a/b")))
    assert account.distributions.delivery(made.identity).behaviour_of("/a/b").pattern == "/a*"


def test_an_origin_group_gives_a_second_origin_and_the_answers_that_call_for_it(account: Account) -> None:
    config = config_with(target="pair")
    member = "<OriginGroupMember><OriginId>main</OriginId></OriginGroupMember>"
    group = parse(
        b"<OriginGroups><Quantity>1</Quantity><Items><OriginGroup><Id>pair</Id><FailoverCriteria><StatusCodes>"
        b"<Quantity>2</Quantity><Items><StatusCode>502</StatusCode><StatusCode>503</StatusCode></Items></StatusCodes>"
        b"</FailoverCriteria><Members><Quantity>2</Quantity><Items>"
        + (member * 2).encode()
        + b"</Items></Members></OriginGroup></Items></OriginGroups>"
    )
    config.append(group)
    behaviour = account.distributions.delivery(account.distributions.create(config).identity).behaviour_of("/")
    assert (behaviour.fallback, behaviour.failover_statuses) == (behaviour.origin, (502, 503))


def test_a_behaviour_whose_origin_does_not_exist_is_refused(account: Account) -> None:
    with pytest.raises(ServiceProblem, match="origins do not exist") as caught:
        account.distributions.create(config_with(target="nowhere"))
    assert (caught.value.code, caught.value.status) == ("NoSuchOrigin", 404)


def test_a_behaviour_whose_policy_does_not_exist_is_refused(account: Account) -> None:
    text = stored(config_with()).replace(CACHING_DISABLED, "no-such-policy")
    with pytest.raises(ServiceProblem) as caught:
        account.distributions.create(parse(text.encode()))
    assert caught.value.code == "NoSuchCachePolicy"


def test_a_configuration_without_origins_is_refused(account: Account) -> None:
    with pytest.raises(ServiceProblem) as caught:
        account.distributions.create(element("DistributionConfig"))
    assert caught.value.code == "InvalidArgument"
