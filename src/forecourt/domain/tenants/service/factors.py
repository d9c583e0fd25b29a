"""What people show to be who they are: a password, an authenticator's code, a code on paper.

A hash takes long on purpose, so it is made beside the loop. Knows no log-in.
"""

import asyncio
import base64
import secrets
from typing import Final
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import Deed, PasswordWeak, TotpWanted, User
from forecourt.domain.tenants.service.audit import remember
from forecourt.domain.tenants.store import people as store
from forecourt.infra.database import Unit

# RFC 4226, 4: at least 128 bits, 160 recommended.
TOTP_BYTES: Final = 20
TOTP_USE: Final = "totp"
RECOVERY_USE: Final = "recovery"
# Each check of a password takes 19 MiB and some 25 ms of a core (OWASP's least for argon2id), which
# the stations would miss: one at a time, however many ask.
CHECKS_AT_ONCE: Final = 1


class Factors:
    """Makes and checks them."""

    def __init__(self, *, secret_key: bytes) -> None:
        self._secret_key = secret_key
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._nobody = ""
        """The hash that is checked for who has none, so that it takes as long."""

    # ---- passwords ------------------------------------------------------------------------------

    async def hashed(self, password: str, email: str) -> str:
        """A new password as it is kept. Raises PasswordWeak."""
        if (fault := rules.password_fault(password, email)) is not None:
            raise PasswordWeak(fault)
        return await self._hash(password)

    async def is_password(self, hashed: str, password: str) -> bool:
        """Whether it is; for ``NO_PASSWORD`` it never is, and takes as long to say so."""
        if hashed == store.NO_PASSWORD:
            self._nobody = self._nobody or await self._hash(secrets.token_hex())
        async with self._checking:
            try:
                return await asyncio.to_thread(
                    self._hasher.verify, hashed or self._nobody, password
                )
            except VerifyMismatchError:
                return False

    async def anew(self, hashed: str, password: str) -> str | None:
        """The hash to keep from now on, where the old one was made more cheaply than we do now."""
        if not self._hasher.check_needs_rehash(hashed):
            return None
        return await self._hash(password)

    async def _hash(self, password: str) -> str:
        async with self._checking:
            return await asyncio.to_thread(self._hasher.hash, password)

    # ---- the second factor ----------------------------------------------------------------------

    def new_totp(self, user: User) -> tuple[str, str]:
        """A secret to begin with, and the address that a QR code of it holds; nothing is kept."""
        secret = base64.b32encode(secrets.token_bytes(TOTP_BYTES)).decode()
        name = quote(f"Forecourt:{user.email}")
        return secret, f"otpauth://totp/{name}?secret={secret}&issuer=Forecourt"

    def sealed_totp(self, ctx: Context, user: User, secret: str, code: str) -> Sealed:
        """The secret as it is kept; ``code`` shows that it works. Raises TotpWanted."""
        raw = base64.b32decode(secret)
        if rules.totp_step(raw, rules.bare(code), ctx, used=0) is None:
            raise TotpWanted("that code is not right; is the clock of the phone?")
        return seal(raw, key=self._secret_key, use=TOTP_USE, label=user.id)

    def recovery_codes(self) -> tuple[list[str], list[Digest]]:
        """New codes to write down, and what is kept of them."""
        drawn = [
            "".join(secrets.choice(rules.RECOVERY_LETTERS) for _ in range(rules.RECOVERY_LENGTH))
            for _ in range(rules.RECOVERY_CODES)
        ]
        middle = rules.RECOVERY_LENGTH // 2
        return [f"{one[:middle]}-{one[middle:]}" for one in drawn], [*map(self._digest, drawn)]

    async def use_second(
        self, unit: Unit, ctx: Context, user: User, held: store.Secrets, code: str, *, address: str
    ) -> None:
        """Take a code, of the authenticator or of those for who lost it; each is good once.

        Nothing is wanted of whom has no second factor. Raises TotpWanted.
        """
        if held.totp is None:
            return
        bare = rules.bare(code)
        if rules.is_totp(bare):
            key = unseal(Sealed(held.totp), key=self._secret_key, use=TOTP_USE, label=user.id)
            step = rules.totp_step(key, bare, ctx, used=held.totp_used)
            if step is not None and await store.use_step(unit, user.id, step):
                return
        elif bare:
            left = await store.use_recovery(unit, user.id, self._digest(bare))
            if left is not None:
                deed = Deed(
                    action="use_recovery_code",
                    subject=user.id,
                    after=f'{{"left": {left}}}',
                    address=address,
                )
                await remember(unit, ctx, deed)
                return
        raise TotpWanted("the code of the second factor is wanted")

    def _digest(self, bare: str) -> Digest:
        return digest(bare.encode(), key=self._secret_key, use=RECOVERY_USE)
