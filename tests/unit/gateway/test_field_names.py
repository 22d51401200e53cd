import pytest

from gateway.config.values import check_field_name


@pytest.mark.parametrize("name", ["X-Client-Id", "x", "Api-Key2", "A" * 64])
def test_letters_digits_and_hyphens_make_a_name(name: str) -> None:
    assert check_field_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "X_Client", "X Client", "X:", "-x", "1x", "Ключ", "A" * 65, "X-Client\r\nX: y", "X\n"]
)
def test_nothing_else_does(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and hyphens"):
        check_field_name(name)


@pytest.mark.parametrize("name", ["Host", "content-length", "CONNECTION", "Via", "X-Forwarded-For", "Cookie"])
def test_a_name_with_a_meaning_is_taken(name: str) -> None:
    with pytest.raises(ValueError, match="has a meaning"):
        check_field_name(name)
