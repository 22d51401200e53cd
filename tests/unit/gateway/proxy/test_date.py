from gateway.proxy.date import date_field


def test_a_date_is_in_the_form_that_all_understand() -> None:
    assert date_field(784111777.9) == (b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT")
