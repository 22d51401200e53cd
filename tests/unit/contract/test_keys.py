from gateway.contract import keys


def test_a_window_key_has_the_client_in_a_hash_tag() -> None:
    assert keys.window("acme", keys.CLIENT_SCOPE, 60, 3) == "ratelimit:{acme}:client:60:3"


def test_another_client_scope_period_or_generation_has_another_key() -> None:
    made = {
        keys.window(client, scope, period_seconds, generation)
        for client in ("acme", "beta")
        for scope in (keys.CLIENT_SCOPE, "route")
        for period_seconds in (1, 60)
        for generation in (0, 1)
    }

    assert len(made) == 16


def test_no_client_and_no_address_share_a_key() -> None:
    """A client may be named as an address is written, and a route as a scope is."""
    names = ("10.0.0.1", "address", "client", "route")
    scopes = [keys.CLIENT_SCOPE, keys.ADDRESS_SCOPE, *map(keys.route_scope, names)]
    made = [keys.window(name, scope, 60, 0) for name in names for scope in scopes]

    assert len(set(made)) == len(made)


def test_every_key_starts_with_the_prefix() -> None:
    made = [keys.NODES, keys.TELEMETRY, keys.OVERRIDES, keys.AUDIT]
    made += [keys.window("acme", keys.CLIENT_SCOPE, 60, 0), keys.policy_table("0123456789abcdef")]

    assert all(key.startswith(keys.PREFIX) for key in made)
    assert len(set(made)) == len(made)
