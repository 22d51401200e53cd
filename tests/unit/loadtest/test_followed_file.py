from pathlib import Path

from gateway.contract.records import decode
from loadtest.followed_file import FollowedFile, replace
from loadtest.upstream_behaviour import Behaviour

SLOW = Behaviour(delay_seconds=0.5)


def test_replacing_leaves_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "behaviour.json"

    replace(path, Behaviour())
    replace(path, SLOW)

    assert decode(Behaviour, path.read_bytes()) == SLOW
    assert list(tmp_path.iterdir()) == [path]


def test_each_record_is_news_once(tmp_path: Path) -> None:
    path = tmp_path / "behaviour.json"
    followed = FollowedFile(path, Behaviour)

    before = followed.news()
    replace(path, SLOW)

    assert (before, followed.news(), followed.news()) == (None, SLOW, None)
