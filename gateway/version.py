"""Which version runs, and whether its hot path was compiled: both are built of the same sources."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import version

from gateway import admission

VERSION = version("operator-ratelimiter")
COMPILED = admission.__file__.endswith(tuple(EXTENSION_SUFFIXES))
"""Of the modules that are compiled, all are or none is; this one is taken for all."""

FULL_VERSION = f"{VERSION} ({'compiled' if COMPILED else 'not compiled'})"
