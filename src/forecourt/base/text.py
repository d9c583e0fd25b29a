"""Texts from outside that are names of something: one line, no control characters, not endless."""

from typing import Annotated, Final

from msgspec import Meta

# PostgreSQL stores no NUL, and a line that people read in a table has no line breaks either.
# Its end is "nothing follows": a dollar would let a last line break pass.
PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*(?![\s\S])"

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE)]
Line = Annotated[str, Meta(max_length=200, pattern=PRINTABLE)]
Word = Annotated[str, Meta(min_length=1, max_length=20, pattern=PRINTABLE)]
Secret = Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE)]


def is_printable(text: str) -> bool:
    """Whether ``text`` has no control characters."""
    # ASCII that can be printed has none, and most texts are that: this is asked for each request.
    return (text.isascii() and text.isprintable()) or not any(
        letter < " " or letter == "\x7f" for letter in text
    )
