from dataclasses import replace

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.policy.resolve import LimitTable, LimitWindow, windows_of

TABLE = PolicyTable(
    parse_limits("10/s,500/m"),
    "accept",
    "local",
    {"gold": parse_limits("50/m")},
    {"acme": ClientPolicy("gold")},
    address_limit=parse_limits("7/m"),
)
METERS = LimitTable(TABLE)
NOBODY = Overrides()


def names(meters: tuple[LimitWindow, ...]) -> list[str]:
    return [meter.name for meter in meters]


def test_a_client_meets_the_windows_of_its_policy() -> None:
    (of_plan,) = METERS.of_client("acme", NOBODY).windows

    assert (of_plan.name, str(of_plan.limit)) == ("gold", "50/m")
    assert of_plan.hit("acme", 2, 1).key == "ratelimit:{acme}:client:60:2"
    assert of_plan.policy_item == b'"gold";q=50;w=60'
    assert names(METERS.of_client("k_0", NOBODY).windows) == ["default/s", "default/m"]


def test_an_override_holds_as_long_as_it_is_there() -> None:
    five = Overrides({"acme": Override(parse_limits("5/m"), "ana", 0.0)})
    six = Overrides({"acme": Override(parse_limits("6/m"), "ana", 0.0)})

    told = [METERS.of_client("acme", overrides).policy.limits for overrides in (five, six, five, NOBODY)]

    assert list(map(str, told)) == ["5/m", "6/m", "5/m", "50/m"]


def test_ever_new_overrides_do_not_pile_up() -> None:
    meters = LimitTable(TABLE)
    for n in range(1, 3000):
        tariff = meters.of_client("acme", Overrides({"acme": Override(parse_limits(f"{n}/m"), "ana", 0.0)}))
        assert str(tariff.policy.limits) == f"{n}/m"
    assert len(meters._overridden) <= 1024


def test_an_address_has_a_scope_of_its_own() -> None:
    (meter,) = METERS.of_address

    assert (meter.name, meter.hit("2001:db8::/64", 0, 1).key) == (
        "address",
        "ratelimit:{2001:db8::/64}:address:60:0",
    )
    assert LimitTable(replace(TABLE, address_limit=None)).of_address == ()


def test_a_node_in_shadow_has_all_its_meters_in_shadow() -> None:
    meters = LimitTable(replace(TABLE, shadow=True))
    found = (*meters.of_client("acme", NOBODY).windows, *meters.of_client("k_0", NOBODY).windows)
    assert all(meter.shadow for meter in (*found, *meters.of_address))


def test_several_windows_are_told_apart_by_their_periods() -> None:
    assert names(windows_of("gold", "client", parse_limits("1/s,2/m,3/2h"), shadow=False)) == [
        "gold/s",
        "gold/m",
        "gold/2h",
    ]
