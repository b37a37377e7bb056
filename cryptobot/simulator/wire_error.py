"""Binance's errors: codes, messages and HTTP statuses as its documentation gives them."""

from collections.abc import Mapping

from cryptobot.matching.refusal import Refusal, RefusalCode


class WireError(Exception):
    """An error answer.

    Args:
        code: Binance's negative code.
        message: The text beside it.
        status: HTTP status.
        retry_after_s: Value of ``Retry-After``, where there is one.
        data: What else the body holds, under ``data``.
    """

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        *,
        retry_after_s: int | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.data = data

    def body(self) -> dict[str, object]:
        """Return the JSON body of the answer."""
        body: dict[str, object] = {"code": self.code, "msg": self.message}
        return body if self.data is None else {**body, "data": self.data}


REFUSALS: Mapping[RefusalCode, tuple[int, str]] = {
    RefusalCode.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    RefusalCode.MARKET_CLOSED: (-1013, "Market is closed."),
    RefusalCode.FILTER_PRICE: (-1013, "Filter failure: PRICE_FILTER"),
    RefusalCode.FILTER_LOT: (-1013, "Filter failure: LOT_SIZE"),
    RefusalCode.FILTER_MARKET_LOT: (-1013, "Filter failure: MARKET_LOT_SIZE"),
    RefusalCode.FILTER_NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    RefusalCode.FILTER_PERCENT_PRICE: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    RefusalCode.DUPLICATE_CLIENT_ORDER_ID: (-2010, "Duplicate order sent."),
    RefusalCode.WOULD_TRIGGER: (-2010, "Order would trigger immediately."),
    RefusalCode.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    RefusalCode.NO_LIQUIDITY: (-1112, "No orders on book for symbol."),
    RefusalCode.INSUFFICIENT_FUNDS: (
        -2010,
        "Account has insufficient balance for requested action.",
    ),
    RefusalCode.NOT_FOUND: (-2011, "Unknown order sent."),
}
"""What the exchange answers for each refusal of the matching engine."""


def refusal_error(refusal: Refusal) -> WireError:
    """Return the answer for a refusal of the matching engine."""
    code, message = REFUSALS[refusal.code]
    return WireError(code, message)


def maintenance() -> WireError:
    """Return what everything answers while the exchange is closed for maintenance."""
    return WireError(-1, "System is under maintenance.", 503)


def market_closed() -> WireError:
    """Return the answer to an order for a symbol that does not trade."""
    return WireError(*REFUSALS[RefusalCode.MARKET_CLOSED])


def mandatory(name: str) -> WireError:
    """Return the error for a parameter that is missing, empty or malformed."""
    return WireError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def unneeded(name: str) -> WireError:
    """Return the error for a parameter that the request does not take."""
    return WireError(-1106, f"Parameter '{name}' sent when not required.")


def illegal(name: str, pattern: str) -> WireError:
    """Return the error for characters outside a parameter's range."""
    return WireError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'."
    )


def unread(read: int, sent: int) -> WireError:
    """Return the error for unknown parameters."""
    return WireError(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )
