from gateway.contract.clients import parse_clients
from gateway.contract.limits import Limit
from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import ClientPolicy, Policy
from gateway.policy import policy_table

CLIENTS = parse_clients(
    """
    [plans]
    gold = "50/m"
    [[clients]]
    name = "planned"
    plan = "gold"
    key = "a"
    [[clients]]
    name = "own"
    plan = "gold"
    limit = "7/s"
    key = "b"
    [[clients]]
    name = "plain"
    key = "c"
    """
)
TABLE = policy_table(CLIENTS, default=Limit(100, 60), accepts_unknown_keys=False, on_store_failure="local")


def test_the_table_holds_what_the_clients_file_says_and_no_key() -> None:
    assert TABLE.plans == {"gold": Limit(50, 60)}
    assert TABLE.clients == {
        "planned": ClientPolicy("gold", None),
        "own": ClientPolicy("gold", Limit(7, 1)),
        "plain": ClientPolicy(None, None),
    }
    assert (TABLE.unknown_keys, TABLE.on_store_failure) == ("reject", "local")


def test_a_clients_own_limit_goes_before_its_plans_and_that_before_the_default() -> None:
    policies = {name: TABLE.policy_of(name, Overrides()) for name in ("own", "planned", "plain", "k_0")}

    assert policies == {
        "own": Policy("client", Limit(7, 1)),
        "planned": Policy("gold", Limit(50, 60)),
        "plain": Policy("default", Limit(100, 60)),
        "k_0": Policy("default", Limit(100, 60)),
    }


def test_a_live_override_goes_before_all() -> None:
    overrides = Overrides({name: Override(Limit(3, 10), "me", 0.0) for name in ("own", "k_0")})

    assert TABLE.policy_of("own", overrides) == Policy("override", Limit(3, 10))
    assert TABLE.policy_of("k_0", overrides) == Policy("override", Limit(3, 10))
    assert TABLE.policy_of("planned", overrides) == Policy("gold", Limit(50, 60))


def test_who_accepts_unknown_keys_says_so_in_the_table() -> None:
    table = policy_table(CLIENTS, default=Limit(1, 1), accepts_unknown_keys=True, on_store_failure="open")

    assert (table.unknown_keys, table.on_store_failure) == ("accept", "open")
