"""Request weight and order count, in the windows that Binance uses."""

from dataclasses import dataclass

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.simulator.wire_error import WireError

_MINUTE_S, _TEN_S, _DAY_S = 60, 10, 86_400


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How much is allowed.

    Attributes:
        weight_a_minute: Request weight of all requests.
        orders_in_10_s: New orders, less those filled; change it for load tests, as Binance's
            own value differs by time and account.
        orders_a_day: As above, for a day.
    """

    weight_a_minute: int = 6_000
    orders_in_10_s: int = 50
    orders_a_day: int = 160_000


class _Window:
    """A count that starts again at every multiple of its length."""

    __slots__ = ("_length_ns", "_number", "used")

    def __init__(self, length_s: int) -> None:
        self._length_ns = length_s * NS_PER_S
        self._number = -1
        self.used = 0

    def roll(self, now_ns: int) -> None:
        number = now_ns // self._length_ns
        if number != self._number:
            self._number = number
            self.used = 0

    def left_s(self, now_ns: int) -> int:
        """Whole seconds, rounded up, until the window ends."""
        left_ns = self._length_ns - now_ns % self._length_ns
        return -(-left_ns // NS_PER_S)


class RateLimits:
    """What was used, and the refusal of more.

    Args:
        settings: How much is allowed.
        clock: The clock on the wall, not the market's.
    """

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._weight = _Window(_MINUTE_S)
        self._orders_10_s = _Window(_TEN_S)
        self._orders_day = _Window(_DAY_S)

    def spend_weight(self, weight: int) -> None:
        """Count a request. Raises ``WireError`` -1003 (429) when the minute's weight is used up."""
        now = self._clock.now_ns()
        self._weight.roll(now)
        self._weight.used += weight
        limit = self.settings.weight_a_minute
        if self._weight.used > limit:
            raise WireError(
                -1003,
                f"Too much request weight used; current limit is {limit} request weight per 1 "
                "MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
                429,
                retry_after_s=self._weight.left_s(now),
            )

    def spend_order(self) -> None:
        """Count a new order. Raises ``WireError`` -1015 (429)."""
        self.check_order()
        self._orders_10_s.used += 1
        self._orders_day.used += 1

    def check_order(self) -> None:
        """Refuse a new order beyond the limits, and count none. Raises ``WireError`` -1015."""
        now = self._clock.now_ns()
        for window, limit, words in (
            (self._orders_10_s, self.settings.orders_in_10_s, "10 SECOND"),
            (self._orders_day, self.settings.orders_a_day, "1 DAY"),
        ):
            window.roll(now)
            if window.used >= limit:
                raise WireError(
                    -1015,
                    f"Too many new orders; current limit is {limit} orders per {words}.",
                    429,
                    retry_after_s=window.left_s(now),
                )

    def order_filled(self) -> None:
        """Give back the count of an order that was filled: only unfilled orders count."""
        self._orders_10_s.used = max(0, self._orders_10_s.used - 1)
        self._orders_day.used = max(0, self._orders_day.used - 1)

    def weight_headers(self) -> dict[str, str]:
        """Return the headers of every answer."""
        used = str(self._weight.used)
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def order_headers(self) -> dict[str, str]:
        """Return the headers of answers to orders."""
        return {
            "X-MBX-ORDER-COUNT-10S": str(self._orders_10_s.used),
            "X-MBX-ORDER-COUNT-1D": str(self._orders_day.used),
        }

    def rules(self) -> list[dict[str, object]]:
        """Return ``rateLimits`` of exchangeInfo."""
        return [
            _rule("REQUEST_WEIGHT", "MINUTE", 1, self.settings.weight_a_minute),
            _rule("ORDERS", "SECOND", 10, self.settings.orders_in_10_s),
            _rule("ORDERS", "DAY", 1, self.settings.orders_a_day),
            _rule("RAW_REQUESTS", "MINUTE", 5, 61_000),
        ]

    def usage(self, *, with_orders: bool) -> list[dict[str, object]]:
        """Return ``rateLimits`` of a ws-api answer."""
        weight, ten, day, _ = self.rules()
        usage = [{**weight, "count": self._weight.used}]
        if with_orders:
            usage = [
                {**ten, "count": self._orders_10_s.used},
                {**day, "count": self._orders_day.used},
                *usage,
            ]
        return usage


def _rule(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
