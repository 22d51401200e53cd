"""Records with whatever their fields may hold, and JSON of any kind, for hypothesis."""

from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from gateway.contract.limits import MAX_PERIOD_SECONDS, MAX_QUOTA, Limit, Limits, parse_limits
from gateway.contract.policy_table import ClientPolicy, PolicyTable, Terms
from gateway.contract.records import ClientCount
from gateway.contract.routes import Route
from tests.contract.examples import RECORDS

integers = st.integers(-(2**63) + 1, 2**63 - 1)
texts = st.text(max_size=20)
windows = st.builds(Limit, st.integers(1, MAX_QUOTA), st.integers(1, MAX_PERIOD_SECONDS))
limits = st.builds(
    Limits, st.lists(windows, min_size=1, max_size=8, unique_by=lambda one: one.period_seconds).map(tuple)
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """All values that a field of this type may have."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        str: texts,
        int: integers,
        float: st.floats(-1e18, 1e18),
        bool: st.booleans(),
        Limits: limits,
        NoneType: st.none(),
        ClientCount: st.builds(ClientCount, texts, integers, integers),
    }
    if hint in plain:
        return plain[hint]
    if hint is PolicyTable:
        return policy_tables
    if is_dataclass(hint):
        types = get_type_hints(hint)
        build: Any = hint
        return st.builds(build, **{name: values_of(inner) for name, inner in types.items()})
    if get_origin(hint) is UnionType:
        return st.one_of([values_of(option) for option in get_args(hint)])
    first, second = get_args(hint)
    if second is Ellipsis:
        return st.lists(values_of(first), max_size=2).map(tuple)
    return st.tuples(values_of(first), values_of(second))


plans = st.dictionaries(texts, limits, max_size=2).map(lambda others: {**others, "gold": parse_limits("1/s")})
terms = st.builds(Terms, st.none() | integers, st.none() | st.booleans())
policies = st.builds(
    ClientPolicy,
    st.sampled_from([None, "gold"]),
    st.none() | limits,
    st.none() | integers,
    st.none() | st.booleans(),
)
methods = st.lists(texts, max_size=2).map(tuple)
routes = st.builds(Route, texts, texts, methods, st.none() | limits, integers, st.booleans())
policy_tables = st.builds(
    PolicyTable,
    default=limits,
    unknown_keys=texts,
    on_store_failure=texts,
    plans=plans,
    clients=st.dictionaries(texts, policies, max_size=2),
    plan_terms=st.dictionaries(texts, terms, max_size=2),
    default_concurrency=integers,
    shadow=st.booleans(),
    address_limit=st.none() | limits,
    routes=st.lists(routes, max_size=2).map(tuple),
    exempt=methods,
    allow=methods,
    deny=methods,
)
kinds = st.sampled_from([type(record) for record in RECORDS])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
