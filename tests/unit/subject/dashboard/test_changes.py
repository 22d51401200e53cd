import pytest

from subject.dashboard.changes import FORMS, form_of
from subject.errors import UsageError

FORM = {"client": " acme ", "limit": "5/s", "for": "", "by": "ana", "why": "a reason", "revision": ""}


def test_white_space_around_a_text_is_no_part_of_it() -> None:
    assert form_of("set", FORM)["client"] == "acme"


@pytest.mark.parametrize(
    "body", [None, [], "set", {}, {"client": "acme"}, {**FORM, "more": "x"}, {**FORM, "limit": 5}]
)
def test_another_form_is_refused_with_the_fields_of_this(body: object) -> None:
    with pytest.raises(UsageError, match="by, client, for, limit, revision, why"):
        form_of("set", body)


@pytest.mark.parametrize("change", FORMS)
@pytest.mark.parametrize("name", ["why", "by"])
def test_a_change_says_who_and_why(change: str, name: str) -> None:
    fields = FORMS[change][1]

    with pytest.raises(UsageError, match="goes to the audit"):
        form_of(change, {**dict.fromkeys(fields, "x"), name: "  "})
