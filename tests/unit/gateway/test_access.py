import pickle
from ipaddress import ip_address

import pytest

from gateway.access import AccessList, Exempt, TrustedProxies

MIXED = AccessList("acme, k_0123456789abcdef,10.0.0.0/8 , 2001:db8::1,,")


def test_a_list_holds_client_ids_addresses_and_networks() -> None:
    assert MIXED.entries == ("acme", "k_0123456789abcdef", "10.0.0.0/8", "2001:db8::1")
    assert MIXED.clients == {"acme", "k_0123456789abcdef"}
    assert MIXED.has_address(ip_address("10.1.2.3"))
    assert MIXED.has_address(ip_address("2001:db8::1"))
    assert not MIXED.has_address(ip_address("11.0.0.1"))
    assert not MIXED.has_address(ip_address("2001:db8::2"))


def test_who_has_no_address_is_in_no_network() -> None:
    assert not AccessList("0.0.0.0/0").has_address(None)


def test_an_empty_list_holds_nobody() -> None:
    assert AccessList("").entries == ()
    assert not AccessList(" , ").has_address(ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "entry", ["k_123", "a b", "10.0.0.1/8", "10.0.0.0/33", "http://acme", "sk/very/secret/key"]
)
def test_an_entry_that_is_nobody_is_refused_and_not_repeated_in_full(entry: str) -> None:
    with pytest.raises(ValueError, match="is no client's name, no client id") as refused:
        AccessList(f"acme,{entry}")
    assert repr(entry[:6]) in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_client_that_no_key_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no client 'acme'… is registered"):
        AccessList("acme").check_known({"beta"}, accepts_unknown=True)
    with pytest.raises(ValueError, match=r"no client 'k_0123'… has a registered key"):
        AccessList("k_0123456789abcdef").check_known({"beta"}, accepts_unknown=False)


def test_registered_clients_and_where_they_are_accepted_others_are_known() -> None:
    AccessList("acme,10.0.0.1").check_known({"acme"}, accepts_unknown=False)
    AccessList("k_0123456789abcdef").check_known((), accepts_unknown=True)


@pytest.mark.parametrize("parsed", [MIXED, TrustedProxies("10.0.0.0/8, ::1"), Exempt("OPTIONS, GET /health")])
def test_lists_of_settings_can_be_pickled_for_workers(parsed: AccessList | TrustedProxies | Exempt) -> None:
    copy = pickle.loads(pickle.dumps(parsed))  # noqa: S301 - our own pickle
    assert type(copy) is type(parsed)
    assert copy.entries == parsed.entries
