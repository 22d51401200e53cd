"""Settings, from the environment and from a file: taken, or refused in one sentence."""

import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

from gateway.config.report import load, redacted
from gateway.config.settings import TOML_FILE, Settings, variable
from gateway.errors import StartError
from tests.fuzz.contract import texts
from tests.fuzz.target import Target

_SECRET = "s3cret-of-nobody"
_VALUES = (
    *(
        b"1",
        b"0",
        b"-1",
        b"8080",
        b"65536",
        b"1e9",
        b"0.05",
        b"inf",
        b"nan",
        b"true",
        b"off",
        b"accept",
        b"local",
    ),
    *(
        b"100/m",
        b"10/s,500/m",
        b"http://service:81, https://[::1]",
        b"redis://a:1/0",
        b"node-1",
        b"X-API-Key",
    ),
    *(
        b"OPTIONS, GET /health, /assets/*",
        b"10.0.0.0/8, 2001:db8::/32",
        b"k_0123456789abcdef",
        b"::1",
        b"/a/b.pem",
    ),
    *(b"json", b"debug", b"closed", b"address", b"both", b"tcp://10.0.0.1:80"),
)
_TOML = (
    b'"',
    b"[",
    b"]",
    b"\n",
    b"=",
    b"{",
    b"}",
    b"true",
    b"1e999",
    b"'''",
    b"upstream_url",
    b"\\u0000",
    b"port",
)
_FILES = (
    b'upstream_url = "http://service:81"\nport = 8081\ndefault_limit = "100/m"\nshadow = true\n',
    b'upstream_url = "https://a,https://b"\nexempt = "OPTIONS, /health"\nallow = "10.0.0.0/8"\n',
)


@contextmanager
def _environment(variables: Mapping[str, str], file: str = "") -> Iterator[None]:
    """Nothing but these variables, and a folder with this file as gateway.toml if it is not empty."""
    before = dict(os.environ)
    with TemporaryDirectory() as folder, chdir(folder):
        if file:
            Path(TOML_FILE).write_text(file)
        os.environ.clear()
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _check() -> None:
    settings = _loaded()
    if isinstance(settings, StartError):
        assert settings.exit_code == 2
        assert str(settings).isprintable()
        told = str(settings)
    else:
        assert redacted(settings).keys() == {variable(name) for name in Settings.model_fields}
        told = "".join(redacted(settings).values()) + repr(settings)
    assert told
    assert _SECRET not in told


def _loaded() -> Settings | StartError:
    try:
        return load({})
    except StartError as error:
        return error


def check_variables(variables: dict[str, str]) -> None:
    """Of some settings in the environment, with a secret beside them."""
    needed = {"GATEWAY_UPSTREAM_URL": "http://service:81", "GATEWAY_IDENTITY_SECRET": _SECRET}
    with _environment(needed | variables):
        _check()


def check_file(text: str) -> None:
    """Of a file."""
    with _environment({"GATEWAY_IDENTITY_SECRET": _SECRET}, text):
        _check()


_VARIABLES = sorted(variable(name) for name in Settings.model_fields if name != "identity_secret")
_TEXT = texts(_VALUES).filter(lambda text: "\0" not in text)  # which no environment can hold
TARGETS = (
    Target("settings", st.dictionaries(st.sampled_from(_VARIABLES), _TEXT, max_size=3), check_variables),
    Target("settings files", texts(_FILES, _TOML + _VALUES), check_file),
)
