"""Compiles the modules of the hot path into the wheel, by mypyc; their sources stay beside them.

Off unless ``HATCH_BUILD_HOOKS_ENABLE=1``; then it needs a C compiler. Nothing is written into the source
tree: Python would take what is compiled there in place of its source, also when that has changed.
"""

import atexit
import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GROUP = "gateway_compiled"
"""Modules of one group call each other as C does; it is a file beside the packages."""


class Compilation(BuildHookInterface[BuilderConfig]):
    """Of the modules that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it; an editable installation stays as its source is."""
        if version == "editable":
            return
        folder = TemporaryDirectory(prefix="compiled-")
        atexit.register(folder.cleanup)  # after the wheel is written
        with chdir(self.root):
            built = _compiled(
                [f"gateway/{module}.py" for module in self.config["modules"]], Path(folder.name)
            )
        build_data["force_include"].update(built)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _compiled(sources: list[str], folder: Path) -> dict[str, str]:
    """Extension modules in `folder`, with the path that each has in the wheel, beside its source.

    Raises:
        SystemExit: a module does not compile; why is on stdout or stderr.
    """
    from mypyc.build import mypycify  # needed by this alone
    from setuptools import Distribution

    paths = [f"--cache-dir={os.devnull}", *sources]
    extensions = mypycify(
        paths, opt_level="3", debug_level="0", group_name=GROUP, target_dir=str(folder / "C")
    )
    build = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(folder / "lib"), str(folder / "objects")
    build.ensure_finalized()
    build.run()
    return {path: str(Path(path).relative_to(build.build_lib)) for path in build.get_outputs()}
