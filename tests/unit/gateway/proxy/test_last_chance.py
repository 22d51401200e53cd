from gateway.proxy.last_chance import LastChance


def test_who_is_idle_all_the_while_has_had_it() -> None:
    chance = LastChance()
    assert not chance.is_over(7, is_idle=True)
    assert chance.is_over(7, is_idle=True)


def test_who_has_never_sent_anything_has_it_too() -> None:
    chance = LastChance()
    assert not chance.is_over(0, is_idle=True)
    assert chance.is_over(0, is_idle=True)


def test_a_request_in_between_gives_another() -> None:
    chance = LastChance()
    assert not chance.is_over(7, is_idle=True)
    assert not chance.is_over(8, is_idle=True)
    assert chance.is_over(8, is_idle=True)


def test_it_begins_when_the_request_at_hand_is_over() -> None:
    chance = LastChance()
    assert not chance.is_over(7, is_idle=False)
    assert not chance.is_over(7, is_idle=False)
    assert not chance.is_over(7, is_idle=True)
    assert chance.is_over(7, is_idle=True)


def test_a_head_that_has_begun_gives_another() -> None:
    chance = LastChance()
    assert not chance.is_over(7, is_idle=True)
    assert not chance.is_over(7, is_idle=False)
    assert not chance.is_over(8, is_idle=True)
