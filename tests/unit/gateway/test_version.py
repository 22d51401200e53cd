from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from gateway.version import COMPILED, FULL_VERSION, VERSION
from tests import architecture


def test_the_version_is_the_distributions() -> None:
    assert version("operator-ratelimiter") == VERSION


@pytest.mark.parametrize("module", architecture.COMPILED)
def test_all_of_the_hot_path_is_compiled_or_nothing(module: str) -> None:
    file = import_module("gateway." + module.replace("/", ".")).__file__

    assert Path(str(file)).suffix == (".so" if COMPILED else ".py")


def test_it_says_whether_it_is() -> None:
    assert f"{VERSION} ({'compiled' if COMPILED else 'not compiled'})" == FULL_VERSION
