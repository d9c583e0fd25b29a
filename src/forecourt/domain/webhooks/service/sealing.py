"""What nobody but we and the receiver may read: an endpoint's secrets and headers, under seal."""

from typing import Final

import msgspec

from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.webhooks.model import EndpointId, Sealable

USE: Final = "webhook"

_decode: Final = msgspec.json.Decoder(Sealable).decode


class Sealing:
    """Closes and opens seals with the installation's key."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = secret_key

    def close(self, endpoint: EndpointId, plain: Sealable) -> bytes:
        """Sealed for this endpoint: it does not open in another's row."""
        return seal(msgspec.json.encode(plain), key=self._key, use=USE, label=endpoint)

    def open(self, endpoint: EndpointId, sealed: bytes) -> Sealable:
        """What was sealed. Raises SealBroken."""
        return _decode(unseal(Sealed(sealed), key=self._key, use=USE, label=endpoint))
