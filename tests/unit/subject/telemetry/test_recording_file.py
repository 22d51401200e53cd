"""A recording's file where there is no room for it."""

import os
from pathlib import Path

import pytest

from subject.errors import FileError
from subject.telemetry.recording_file import Output, lines_of
from tests.full_disk import files_of_at_most

BUFFERED = 20_000
HEADER, RECORD, LOOK = ('{"header":{}}\n', '{"record":{}}\n', f'{{"look":"{"x" * BUFFERED}"}}\n')


def test_what_is_there_before_the_disk_is_full_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "incident.jsonl"
    told = f"{path} cannot be written: File too large. What it has is shown by: subject replay {path}"

    with files_of_at_most(3 * BUFFERED), pytest.raises(FileError) as failed, Output(path) as file:
        file.write([HEADER, LOOK, LOOK, LOOK])

    assert str(failed.value) == told
    assert list(lines_of(path)) == [HEADER, LOOK, LOOK]


def test_what_is_there_of_a_compressed_one_is_kept_too(tmp_path: Path) -> None:
    path = tmp_path / "incident.jsonl.gz"
    looks = [f'{{"look":"{os.urandom(BUFFERED).hex()}"}}\n' for _ in range(10)]  # as big as they are, packed

    kept = pytest.raises(FileError, match="What it has is shown by: subject replay")
    with files_of_at_most(5 * BUFFERED), kept, Output(path) as file:
        file.write([HEADER, *looks])

    found = list(lines_of(path))
    assert found == [HEADER, *looks][: len(found)]
    assert len(found) > 1


@pytest.mark.parametrize("name", ["incident.jsonl", "incident.jsonl.gz"])
def test_a_file_without_a_look_is_of_no_use_and_in_nobodys_way(name: str, tmp_path: Path) -> None:
    path = tmp_path / name

    gone = pytest.raises(FileError, match="It had no look yet, and is gone")
    with files_of_at_most(10), gone, Output(path) as file:
        file.write([HEADER, RECORD, LOOK])

    assert not path.exists()
