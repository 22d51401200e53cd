from gateway.contract.records import AuditRecord, decode, encode
from tests.contract.examples import AUDIT_RECORD


def test_a_reset_needs_no_reason_and_no_limits() -> None:
    record = AuditRecord(at=1.0, by="ana", action="reset", client="acme", before="0", after="1", why=None)

    assert decode(AuditRecord, encode(record)) == record


def test_a_reason_may_be_in_any_language() -> None:
    record = decode(AuditRecord, encode(AUDIT_RECORD).replace("launch day", "打ち上げ 🚀"))

    assert record.why == "打ち上げ 🚀"
