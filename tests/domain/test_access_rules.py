"""What a token is worth by itself, and when two spellings are one token."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.domain.access import Standing, Token, TokenStatus, folded, rules

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CTX = Context(actor="test", tenant=TenantId("acme"), now=NOW)
SECOND = timedelta(seconds=1)


def token(status: TokenStatus, valid_until: datetime | None = None) -> Token:
    return Token(
        uid="A1",
        tenant=CTX.tenant,
        type="ISO14443",
        status=status,
        group="fleet",
        valid_until=valid_until,
        sessions_max=2,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        (None, Standing.UNKNOWN),
        (token(TokenStatus.ACCEPTED), Standing.ACCEPTED),
        (token(TokenStatus.ACCEPTED, NOW + SECOND), Standing.ACCEPTED),
        (token(TokenStatus.ACCEPTED, NOW), Standing.EXPIRED),
        (token(TokenStatus.ACCEPTED, NOW - SECOND), Standing.EXPIRED),
        (token(TokenStatus.BLOCKED), Standing.BLOCKED),
        (token(TokenStatus.BLOCKED, NOW - SECOND), Standing.BLOCKED),
    ],
)
def test_standing(given: Token | None, standing: Standing) -> None:
    answer = rules.authorize(given, CTX)
    assert answer.standing is standing
    assert answer.group == ("" if given is None else "fleet")
    assert answer.sessions_max == (1 if given is None else 2)


@given(st.text())
def test_spelling(uid: str) -> None:
    assert folded(folded(uid)) == folded(uid)
    assert folded(f" {uid}\t") == folded(uid)


@given(st.text(st.characters(max_codepoint=127)))
def test_case_does_not_count(uid: str) -> None:
    assert folded(uid.upper()) == folded(uid.lower()) == folded(uid)
