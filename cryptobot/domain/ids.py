"""Identifiers: random by default, repeatable from a seed."""

import random


class IdSource:
    """Makes order and request ids.

    Args:
        rng: Where randomness comes from; a seeded ``random.Random`` makes the ids repeatable.
            Default: the operating system's generator.
    """

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng = rng or random.SystemRandom()

    def hex32(self) -> str:
        """Return a new id of 32 lower-case hex digits (an order id or a request id)."""
        return f"{self._rng.getrandbits(128):032x}"


def client_order_id(order_id: str) -> str:
    """Return the id under which the exchange knows the order ``order_id``.

    It is derived, not drawn: an order on the exchange can always be traced to its intent. 32
    letters and digits satisfy every exchange in use (Binance 36, OKX 32 alphanumeric, Bybit 36).
    """
    return f"{CLIENT_ORDER_ID_PREFIX}{order_id[:30]}"


CLIENT_ORDER_ID_PREFIX = "cb"
"""Marks orders placed by this program among others on the same account."""
