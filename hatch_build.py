"""The package's build builds the console, too, where that is possible (tools/build_console.py)."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Before a wheel, also the one of an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not up to date. Without a network there is a package without a console."""
        if not (Path(self.root) / "console").is_dir():
            return
        sys.path.insert(0, str(Path(self.root) / "tools"))
        import build_console  # noqa: PLC0415 (it lies beside, not in a package)

        if build_console.up_to_date():
            return
        try:
            build_console.build()
        except build_console.NotBuilt as error:
            self.app.display_warning(
                f"The console was not built; the status page takes its place. {error}"
            )
