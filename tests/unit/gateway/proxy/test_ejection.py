from gateway.proxy.upstream_pool import FIRST_EJECTION_SECONDS, MAX_EJECTION_SECONDS, Ejection


def test_an_address_that_never_failed_is_there() -> None:
    ejection = Ejection()

    assert not ejection.is_ejected(0.0)
    assert not ejection.begin_request(0.0)


def test_a_failure_leaves_it_out_for_a_pause() -> None:
    ejection = Ejection()
    ejection.failed(10.0)

    assert ejection.is_ejected(10.0 + FIRST_EJECTION_SECONDS - 0.01)
    assert not ejection.is_ejected(10.0 + FIRST_EJECTION_SECONDS)


def test_the_first_request_after_a_pause_probes_it_and_no_other_goes_there() -> None:
    ejection = Ejection()
    ejection.failed(10.0)

    assert ejection.begin_request(12.0)
    assert ejection.is_ejected(12.0)
    assert not ejection.begin_request(12.0)


def test_a_probe_that_tells_nothing_leaves_it_to_the_next() -> None:
    ejection = Ejection()
    ejection.failed(10.0)
    ejection.begin_request(12.0)
    ejection.probe_ended()

    assert ejection.begin_request(12.0)


def test_an_answer_brings_it_back() -> None:
    ejection = Ejection()
    ejection.failed(10.0)
    ejection.succeeded()

    assert not ejection.is_ejected(10.0)


def test_pauses_double_up_to_a_bound() -> None:
    ejection = Ejection()
    now, pauses = 10.0, []
    for _ in range(40):
        ejection.failed(now)
        pause = next(seconds / 2 for seconds in range(100) if not ejection.is_ejected(now + seconds / 2))
        pauses.append(pause)
        now += pause

    assert pauses[:6] == [1, 2, 4, 8, 16, 30]
    assert max(pauses) == MAX_EJECTION_SECONDS


def test_those_that_fail_in_a_pause_do_not_make_it_longer() -> None:
    ejection = Ejection()
    for _ in range(100):
        ejection.failed(10.0)

    assert not ejection.is_ejected(10.0 + FIRST_EJECTION_SECONDS)


def test_the_last_failure_is_known() -> None:
    ejection = Ejection()
    ejection.failed(10.0)
    ejection.failed(10.5)

    assert ejection.failed_at == 10.5
