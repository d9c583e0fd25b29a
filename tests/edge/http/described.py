"""What the API says of itself, as it is committed; test_vitals.py holds it to the code."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document; making it anew takes half a second."""
    text = (Path(__file__).parents[3] / "openapi" / "forecourt.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
