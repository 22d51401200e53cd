from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.client_id import key_digest
from gateway.contract.clients import Clients, ClientsFileError, Plan, parse_clients
from gateway.contract.limits import parse_limits
from gateway.contract.policy_table import ClientPolicy, Terms

KEY = "sk-very-secret-key"
DIGEST = key_digest("another-secret-key")


def client_file(*lines: str) -> str:
    return "\n".join(["[plans]", 'gold = "1000/m"', "[[clients]]", 'name = "acme"', *lines])


def test_an_empty_file_has_no_clients() -> None:
    assert parse_clients("") == Clients()
    assert parse_clients("").identify(KEY) is None


def test_a_client_is_known_by_its_key() -> None:
    clients = parse_clients(client_file('plan = "gold"', 'limit = "50/s"', f'key = "{KEY}"'))

    assert clients.plans == {"gold": Plan(parse_limits("1000/m"))}
    assert clients.by_name == {"acme": ClientPolicy("gold", parse_limits("50/s"))}
    assert clients.identify(KEY) == "acme"
    assert clients.identify("another") is None


def test_a_limit_may_have_several_windows_wherever_it_stands() -> None:
    clients = parse_clients(
        '[plans]\ntrial = "5/s,1000/d"\n[[clients]]\nname = "acme"\nlimit = "1/s, 9/m"\nkey = "a"'
    )

    assert clients.plans["trial"].limit == parse_limits("5/s,1000/d")
    assert clients.by_name["acme"].limit == parse_limits("1/s,9/m")


def test_a_plan_may_be_a_table_and_a_client_may_have_of_its_own_what_a_plan_has() -> None:
    clients = parse_clients(
        """
        [plans]
        gold = { limit = "10/s", concurrency = 10 }
        trial = { limit = "1/s", shadow = true }
        [[clients]]
        name = "acme"
        plan = "trial"
        concurrency = 0
        shadow = false
        key = "a"
        """
    )

    assert clients.plans == {
        "gold": Plan(parse_limits("10/s"), Terms(concurrency=10)),
        "trial": Plan(parse_limits("1/s"), Terms(shadow=True)),
    }
    assert clients.by_name["acme"] == ClientPolicy("trial", None, concurrency=0, shadow=False)


def test_a_client_is_known_by_the_digest_of_its_key() -> None:
    assert parse_clients(client_file(f'key_sha256 = "{DIGEST}"')).identify("another-secret-key") == "acme"


def test_a_client_may_have_several_keys_of_both_kinds() -> None:
    clients = parse_clients(client_file(f'key = ["{KEY}", "second"]', f'key_sha256 = ["{DIGEST}"]'))

    assert {clients.identify(key) for key in (KEY, "second", "another-secret-key")} == {"acme"}


def test_a_client_may_name_a_key_twice() -> None:
    assert parse_clients(client_file(f'key = ["{KEY}", "{KEY}"]')).identify(KEY) == "acme"


def test_no_key_is_kept() -> None:
    assert KEY not in repr(parse_clients(client_file(f'key = "{KEY}"')))


TWICE = client_file(f'key = "{KEY}"', "[[clients]]", 'name = "{name}"', f'key = "{KEY}"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clients = [", "not TOML"),
        ("a = " + "9" * 5000, "not TOML"),
        ("a = " + "[" * 100_000, "not TOML"),
        ("[client]", r"unknown section 'client': only \[plans\] and \[\[clients\]\] are known"),
        ("plans = 1", "plans are written as"),
        ('[plans]\n"a b" = "1/s"', "plan 'a b': a name has letters"),
        ('[plans]\ndefault = "1/s"', "plan 'default': policies without a plan are called so"),
        ('[plans]\ngold = "many"', "plan 'gold': 'many' is not a limit"),
        ("[plans]\ngold = 100", "plan 'gold': a limit is a text, as in"),
        ("[plans]\ngold = 0x" + "f" * 5000, "plan 'gold': a limit is a text, as in"),
        ('[plans]\naddress = "1/s"', "plan 'address': policies without a plan are called so"),
        ('[plans]\nroute = "1/s"', "plan 'route': policies without a plan are called so"),
        ('[plans]\ngold = "1/s,2/s"', "plan 'gold': 1/s and 2/s have one period"),
        ("[plans]\ngold = {}", "plan 'gold': has no limit"),
        ("[plans]\ngold = { limit = 1 }", "plan 'gold': a limit is a text"),
        ('[plans]\ngold = { limit = "1/s", quota = 1 }', "plan 'gold': unknown field 'quota'"),
        ('[plans]\ngold = { limit = "1/s", concurrency = "x" }', "plan 'gold': concurrency is a number"),
        ('[plans]\ngold = { limit = "1/s", concurrency = true }', "plan 'gold': concurrency is a number"),
        ('[plans]\ngold = { limit = "1/s", concurrency = -1 }', "plan 'gold': concurrency is a number"),
        ('[plans]\ngold = { limit = "1/s", shadow = 1 }', "plan 'gold': shadow is true or false"),
        (client_file(f'key = "{KEY}"', "concurrency = 1.5"), "client 'acme': concurrency is a number"),
        (client_file(f'key = "{KEY}"', 'shadow = "yes"'), "client 'acme': shadow is true or false"),
        ("[clients]", r"clients are written as \[\[clients\]\] entries"),
        ("clients = [1]", "client 1: needs a name"),
        ("[[clients]]", "client 1: needs a name"),
        ("[[clients]]\nname = 1", "client 1: needs a name"),
        ('[[clients]]\nname = "k_acme"', "client 1: needs a name of .* not starting with k_"),
        (client_file(), "client 'acme': has neither key nor key_sha256"),
        (client_file("key = []"), "client 'acme': has neither key nor key_sha256"),
        (client_file("key = 1"), "client 'acme': key is a text or a list of texts"),
        (client_file("key_sha256 = [1]"), "client 'acme': key_sha256 is a text or a list of texts"),
        (client_file(f'key = "{KEY} "'), "client 'acme': a key is 1 to 256 visible ASCII characters"),
        (client_file('key = ""'), "client 'acme': a key is 1 to 256 visible ASCII characters"),
        (client_file(f'key_sha256 = "{KEY}"'), "client 'acme': key_sha256 is 64 lower-case hex digits"),
        (client_file(f'key_sha256 = "{DIGEST.upper()}"'), "client 'acme': key_sha256 is 64 lower-case hex"),
        (client_file(f'key = "{KEY}"', 'plan = "silver"'), "client 'acme': there is no plan 'silver'"),
        (client_file(f'key = "{KEY}"', 'plan = ["gold"]'), r"client 'acme': there is no plan \['gold'\]"),
        (client_file(f'key = "{KEY}"', 'limit = "fast"'), "client 'acme': 'fast' is not a limit"),
        (client_file(f'key = "{KEY}"', "limit = 5"), "client 'acme': a limit is a text"),
        (client_file(f'key = "{KEY}"', 'limits = "5/s"'), "client 'acme': unknown field 'limits'"),
        (TWICE.format(name="acme"), "client 'acme' is there twice"),
        (TWICE.format(name="beta"), "'beta' and 'acme' have the same key"),
    ],
)
def test_a_wrong_file_is_refused_by_naming_the_entry_and_no_key(text: str, message: str) -> None:
    with pytest.raises(ClientsFileError, match=message) as refused:
        parse_clients(text)
    assert KEY not in str(refused.value)
    assert "\n" not in str(refused.value)


values = st.recursive(
    st.sampled_from(["true", "1", "-1.5", '"acme"', '"gold"', '"10/s"', '""', "1979-05-27", "nan"]),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=4,
)
lines = st.one_of(
    st.sampled_from(["[plans]", "[[clients]]", "[clients]", 'name = "acme"', f'key = "{KEY}"']),
    st.tuples(
        st.sampled_from(
            ["name", "plan", "limit", "concurrency", "shadow", "key", "key_sha256", "gold", "clients"]
        ),
        values,
    ).map(" = ".join),
)


@given(st.lists(lines, max_size=8).map("\n".join))
def test_any_file_is_clients_or_a_clients_file_error(text: str) -> None:
    with suppress(ClientsFileError):
        assert isinstance(parse_clients(text), Clients)
