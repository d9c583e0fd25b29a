"""What every list of the API is asked in: a page of it, or what a search finds. Knows no room."""

from typing import Annotated, Final

from litestar.params import QueryParameter

from forecourt.base.pages import PAGE_MAX, Wanted
from forecourt.base.text import PRINTABLE

SEARCH_LENGTH_MAX: Final = 200
SORT_LENGTH_MAX: Final = 50

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")]
Cursor = Annotated[str, QueryParameter(description="`next` of the page before this one.")]
Words = Annotated[
    str,
    QueryParameter(
        max_length=SEARCH_LENGTH_MAX,
        pattern=PRINTABLE,
        description="Words to search for; each of them must be there.",
    ),
]
Sort = Annotated[
    str,
    QueryParameter(
        max_length=SORT_LENGTH_MAX,
        description="By what, with a minus for the other direction; the list's own order without.",
    ),
]


def paged(limit: Limit = 100, cursor: Cursor = "", sort: Sort = "") -> Wanted:
    """For lists that cannot be searched."""
    return Wanted(limit=limit, cursor=cursor, sort=sort)


def searched(limit: Limit = 100, cursor: Cursor = "", sort: Sort = "", q: Words = "") -> Wanted:
    """For lists that can."""
    return Wanted(limit=limit, cursor=cursor, sort=sort, q=q.strip())
