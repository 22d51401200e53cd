import pytest

from gateway.contract.redis_errors import explained, is_known


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "raise its maxmemory"),
        ("command not allowed when used memory > 'maxmemory'.", "raise its maxmemory"),
        ("READONLY You can't write against a read only replica.", "must lead to the master"),
        (
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "lost its master",
        ),
        ("LOADING Redis is loading the dataset in memory", "wait until it has"),
        ("LOADING Valkey is loading the dataset in memory", "wait until it has"),
        ("NOAUTH Authentication required.", "asks for a password"),
        ("WRONGPASS invalid username-password pair or user is disabled.", "correct them in REDIS_URL"),
        ("NOPERM User bob has no permissions to run the 'time' command", "docker/users.acl"),
        ("ERR max number of clients reached", "raise its maxclients"),
        ("NOREPLICAS Not enough good replicas to write.", "min-replicas-to-write"),
        ("ERR DB index is out of range", "no database of that number"),
    ],
)
def test_an_error_is_told_with_what_to_do(message: str, words: str) -> None:
    sentence = explained(message)

    assert is_known(message)
    assert words in sentence
    assert sentence.endswith(f" ({message.rstrip('.')})")


def test_an_error_that_nobody_knows_is_told_as_it_is() -> None:
    assert not is_known("ERR syntax error.")
    assert explained("ERR syntax error.") == "ERR syntax error"


def test_a_message_that_redis_py_has_wrapped_is_known_all_the_same() -> None:
    assert is_known("Redis refuses to count: OOM command not allowed when used memory > 'maxmemory'.")
