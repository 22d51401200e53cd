from typing import Any

import pytest

from gateway.contract import keys
from gateway.contract.records import decode
from tests.contract import golden
from tests.contract.examples import RECORDS

WHY = (
    "The contract's {section} changed. Nodes and observers of different versions share a Redis: those that "
    "run now read and write what golden.json says. Unless they can read the new form (an added field with a "
    "default), it needs new key names. CONTRIBUTING.md, 'To change the contract', says how to go on."
)


@pytest.mark.parametrize("section", golden.read())
def test_what_nodes_and_observers_share_stays_as_it_was(section: str) -> None:
    assert golden.observe()[section] == golden.read()[section], WHY.format(section=section)


def test_every_part_of_the_contract_is_pinned() -> None:
    assert golden.observe().keys() == golden.read().keys()
    named = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    assert named - {keys.PREFIX, keys.CLIENT_SCOPE, keys.ADDRESS_SCOPE} <= set(golden.read()["keys"].values())


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_of_the_version_that_was_pinned_can_be_read(record: Any) -> None:
    pinned = golden.read()["records"][type(record).__name__]

    assert decode(type(record), pinned) == record, WHY.format(section="records")
