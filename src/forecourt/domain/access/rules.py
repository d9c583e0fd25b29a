"""Pure decisions: may this token charge?"""

from forecourt.base.context import Context
from forecourt.domain.access.model import Authorization, Standing, Token, TokenStatus


def authorize(token: Token | None, ctx: Context) -> Authorization:
    """What a token is worth by itself; how often it charges already is counted elsewhere."""
    if token is None:
        return Authorization(standing=Standing.UNKNOWN)
    if token.status is TokenStatus.BLOCKED:
        standing = Standing.BLOCKED
    elif token.valid_until is not None and token.valid_until <= ctx.now:
        standing = Standing.EXPIRED
    else:
        standing = Standing.ACCEPTED
    return Authorization(
        standing=standing,
        group=token.group,
        valid_until=token.valid_until,
        sessions_max=token.sessions_max,
    )
