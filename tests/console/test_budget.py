"""How much a browser must fetch before the first page stands."""

import gzip
import json
from pathlib import Path
from typing import Any

FIRST_LOAD_BYTES_MAX = 350_000


def needed(manifest: dict[str, Any], entry: str, seen: set[str]) -> set[str]:
    """A chunk and what it cannot do without."""
    if entry not in seen:
        seen.add(entry)
        for other in manifest[entry].get("imports", ()):
            needed(manifest, other, seen)
    return seen


def test_the_first_page_fits_the_budget(built: Path) -> None:
    manifest = json.loads((built / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    chunks: set[str] = set()
    for entry in ("index.html", "src/rooms/overview/Overview.tsx"):
        needed(manifest, entry, chunks)
    files = {manifest[chunk]["file"] for chunk in chunks}
    size = sum(len(gzip.compress((built / file).read_bytes())) for file in files)
    assert size <= FIRST_LOAD_BYTES_MAX
    assert not any("ChartCanvas" in file for file in files), "charts come when they are drawn"
