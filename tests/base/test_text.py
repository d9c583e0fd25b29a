"""What text from outside may hold: what can be shown on one line and kept by a database."""

from typing import Any

import msgspec
import pytest

from forecourt.base import text


@pytest.mark.parametrize("kind", [text.Name, text.Line, text.Word, text.Secret])
def test_ordinary_words_pass(kind: Any) -> None:
    for good in ("Hof", "Größe 2", "a-b_c.d"):
        assert msgspec.convert(good, kind) == good


@pytest.mark.parametrize("kind", [text.Name, text.Line, text.Word])
@pytest.mark.parametrize("bad", ["a\0b", "a\nb", "a\x1b[31mb", "a\n", "\n"])
def test_what_would_break_a_line_or_a_terminal_does_not(kind: Any, bad: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, kind)


@pytest.mark.parametrize("kind", [text.Name, text.Line, text.Word, text.Secret])
def test_there_is_always_a_limit(kind: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("x" * 201, kind)
