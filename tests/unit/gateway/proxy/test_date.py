from gateway.http.response_head import date_line


def test_a_date_is_in_the_form_that_all_understand() -> None:
    assert date_line(784111777.9) == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
