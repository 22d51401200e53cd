from gateway.proxy.date import date_beside


def test_an_answer_without_a_date_gets_one() -> None:
    assert date_beside([(b"Expires", b"0")], 784111777.9) == [(b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT")]


def test_an_answer_with_a_date_keeps_it() -> None:
    assert date_beside([(b"dAte", b"yesterday")], 784111777.9) == []
