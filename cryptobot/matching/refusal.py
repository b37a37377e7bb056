"""Why an order was not taken."""

from enum import StrEnum

from cryptobot.domain.errors import CryptobotError


class RefusalCode(StrEnum):
    """The closed set of causes; each venue maps them to its own codes."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    MARKET_CLOSED = "market_closed"
    """The instrument is listed but not trading now."""
    FILTER_PRICE = "filter_price"
    FILTER_LOT = "filter_lot"
    FILTER_MARKET_LOT = "filter_market_lot"
    FILTER_NOTIONAL = "filter_notional"
    FILTER_PERCENT_PRICE = "filter_percent_price"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    """Another *open* order has it; the id of a closed order may be used again."""
    WOULD_TRIGGER = "would_trigger"
    """A stop or take-profit order on the wrong side of the last trade."""
    WOULD_TAKE = "would_take"
    """A post-only order that would trade at once."""
    NO_LIQUIDITY = "no_liquidity"
    """A market order that meets an empty book."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    NOT_FOUND = "not_found"
    """No open order has that id."""


class Refusal(CryptobotError):  # noqa: N818 - named for the outcome
    """The request was refused; nothing changed and no event was made.

    Args:
        code: The cause.
        message: One clear line with the numbers.
    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
