from gateway.proxy.absence import FIRST_SECONDS, MOST_SECONDS, Absence


def test_an_address_that_never_failed_is_there() -> None:
    absence = Absence()

    assert not absence.is_out(0.0)
    assert not absence.began(0.0)


def test_a_failure_leaves_it_out_for_a_pause() -> None:
    absence = Absence()
    absence.failed(10.0)

    assert absence.is_out(10.0 + FIRST_SECONDS - 0.01)
    assert not absence.is_out(10.0 + FIRST_SECONDS)


def test_the_first_request_after_a_pause_probes_it_and_no_other_goes_there() -> None:
    absence = Absence()
    absence.failed(10.0)

    assert absence.began(12.0)
    assert absence.is_out(12.0)
    assert not absence.began(12.0)


def test_a_probe_that_tells_nothing_leaves_it_to_the_next() -> None:
    absence = Absence()
    absence.failed(10.0)
    absence.began(12.0)
    absence.probe_ended()

    assert absence.began(12.0)


def test_an_answer_brings_it_back() -> None:
    absence = Absence()
    absence.failed(10.0)
    absence.worked()

    assert not absence.is_out(10.0)


def test_pauses_double_up_to_a_bound() -> None:
    absence = Absence()
    now, pauses = 10.0, []
    for _ in range(40):
        absence.failed(now)
        pause = next(seconds / 2 for seconds in range(100) if not absence.is_out(now + seconds / 2))
        pauses.append(pause)
        now += pause

    assert pauses[:6] == [1, 2, 4, 8, 16, 30]
    assert max(pauses) == MOST_SECONDS


def test_those_that_fail_in_a_pause_do_not_make_it_longer() -> None:
    absence = Absence()
    for _ in range(100):
        absence.failed(10.0)

    assert not absence.is_out(10.0 + FIRST_SECONDS)


def test_the_last_failure_is_known() -> None:
    absence = Absence()
    absence.failed(10.0)
    absence.failed(10.5)

    assert absence.since == 10.5
