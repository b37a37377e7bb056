"""Request weight and order count, in the windows that Binance uses."""

from cryptobot.domain.clock import Clock
from cryptobot.simulator.ip_gate import IpGate
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.window import CountWindow
from cryptobot.simulator.wire_error import WireError

_MINUTE_S, _TEN_S, _DAY_S = 60, 10, 86_400


class RateLimits:
    """What was used, and the refusal of more.

    Args:
        settings: How much is allowed.
        clock: The clock on the wall, not the market's.
    """

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self.settings = settings
        self.gate = IpGate(settings, clock)
        self._clock = clock
        self._weight = CountWindow(_MINUTE_S)
        self._orders_10_s = CountWindow(_TEN_S)
        self._orders_day = CountWindow(_DAY_S)

    def spend_weight(self, weight: int) -> None:
        """Count a request. Raises ``WireError`` -1003 (429) when the minute's weight is used up."""
        now = self._clock.now_ns()
        if self._weight.add(now, weight) > self.settings.weight_a_minute:
            raise self.throttle(self._weight.left_s(now))

    def throttle(self, seconds: int) -> WireError:
        """Refuse everything for so many seconds; return the refusal of this request."""
        return self.gate.throttle(
            seconds,
            f"Too much request weight used; current limit is {self.settings.weight_a_minute} "
            "request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid "
            "polling the API.",
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
            _rule("RAW_REQUESTS", "MINUTE", 5, self.settings.raw_requests_in_5_min),
        ]

    def order_usage(self) -> list[dict[str, object]]:
        """Return how many unfilled orders count against each limit."""
        now = self._clock.now_ns()
        self._orders_10_s.roll(now)
        self._orders_day.roll(now)
        _, ten, day, _ = self.rules()
        return [{**ten, "count": self._orders_10_s.used}, {**day, "count": self._orders_day.used}]

    def usage(self, *, with_orders: bool) -> list[dict[str, object]]:
        """Return ``rateLimits`` of a ws-api answer."""
        weight = {**self.rules()[0], "count": self._weight.used}
        return [*self.order_usage(), weight] if with_orders else [weight]


def _rule(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
