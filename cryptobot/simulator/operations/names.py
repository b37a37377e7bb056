"""What clients may ask, by name, whatever wire it comes over."""

from collections.abc import Mapping
from enum import StrEnum


class OperationName(StrEnum):
    """One thing to ask."""

    PING = "ping"
    TIME = "time"
    EXCHANGE_INFO = "exchange_info"
    DEPTH = "depth"
    TRADES = "trades"
    AGGREGATE_TRADES = "aggregate_trades"
    KLINES = "klines"
    AVERAGE_PRICE = "average_price"
    DAY_TICKER = "day_ticker"
    PRICE_TICKER = "price_ticker"
    BOOK_TICKER = "book_ticker"
    SYSTEM_STATUS = "system_status"
    PLACE_ORDER = "place_order"
    TEST_ORDER = "test_order"
    CANCEL_ORDER = "cancel_order"
    CANCEL_OPEN_ORDERS = "cancel_open_orders"
    CANCEL_REPLACE = "cancel_replace"
    QUERY_ORDER = "query_order"
    OPEN_ORDERS = "open_orders"
    ALL_ORDERS = "all_orders"
    MY_TRADES = "my_trades"
    ACCOUNT = "account"
    TRADE_FEE = "trade_fee"
    ORDER_COUNT = "order_count"
    USER_STREAM = "user_stream"


_N = OperationName
WRITES = frozenset(
    {_N.PLACE_ORDER, _N.CANCEL_ORDER, _N.CANCEL_OPEN_ORDERS, _N.CANCEL_REPLACE, _N.TEST_ORDER}
)
SIGNED_READS = frozenset(
    {
        _N.QUERY_ORDER,
        _N.OPEN_ORDERS,
        _N.ALL_ORDERS,
        _N.MY_TRADES,
        _N.ACCOUNT,
        _N.TRADE_FEE,
        _N.ORDER_COUNT,
    }
)
PUBLIC = frozenset(_N) - WRITES - SIGNED_READS - {_N.USER_STREAM}

GROUPS: Mapping[str, frozenset[OperationName]] = {
    "any": frozenset(_N),
    "any_read": PUBLIC | SIGNED_READS,
    "any_write": WRITES,
    "any_signed": WRITES | SIGNED_READS | {_N.USER_STREAM},
    "any_public": PUBLIC,
    **{str(name): frozenset({name}) for name in _N},
}
"""Words that stand for operations: every name, and the groups."""
