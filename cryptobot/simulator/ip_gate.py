"""What an IP address may do: raw requests, connections, and the ban of those who do not stop.

Source: Binance's rest-api.md, "IP Limits": 429 when a limit is broken, 418 for those who go on,
``Retry-After`` with both; bans grow from 2 minutes to 3 days for repeat offenders.
"""

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, Clock
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.window import CountWindow
from cryptobot.simulator.wire_error import WireError

_FIVE_MINUTES_S = 300


class IpGate:
    """Lets requests of the one address in, or not.

    Args:
        settings: How much is allowed.
        clock: The clock on the wall, not the market's.
    """

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._requests = CountWindow(_FIVE_MINUTES_S)
        self._connects = CountWindow(_FIVE_MINUTES_S)
        self._throttled_until_ns = 0
        self._throttle_words = ""
        self._banned_until_ns = 0
        self._refusals = 0
        self._bans = 0

    @property
    def banned_until_ms(self) -> int | None:
        """When the ban ends, UTC milliseconds; ``None`` without one."""
        is_banned = self._clock.now_ns() < self._banned_until_ns
        return self._banned_until_ns // NS_PER_MS if is_banned else None

    @property
    def refuses_until_ms(self) -> int | None:
        """Until when everything is refused, UTC milliseconds; ``None`` while nothing is."""
        until_ns = max(self._banned_until_ns, self._throttled_until_ns)
        return until_ns // NS_PER_MS if self._clock.now_ns() < until_ns else None

    def enter(self) -> None:
        """Count a request. Raises ``WireError`` 429 or 418."""
        now = self._clock.now_ns()
        self._check(now)
        limit = self._settings.raw_requests_in_5_min
        if self._requests.add(now) > limit:
            raise self.throttle(
                self._requests.left_s(now),
                f"Too many requests; current limit is {limit} raw requests per 5 MINUTE.",
            )

    def connect(self) -> None:
        """Count a websocket that is asked for. Raises ``WireError`` 429 or 418."""
        now = self._clock.now_ns()
        self._check(now)
        limit = self._settings.connects_in_5_min
        if self._connects.add(now) > limit:
            raise WireError(
                -1003,
                f"Too many connections; current limit is {limit} connections per 5 MINUTE.",
                429,
                retry_after_s=self._connects.left_s(now),
            )

    def throttle(self, seconds: int, words: str) -> WireError:
        """Refuse everything for so many seconds; return the refusal of this request."""
        now = self._clock.now_ns()
        if now >= self._throttled_until_ns:
            self._refusals = 0
        self._throttled_until_ns = max(self._throttled_until_ns, now + seconds * NS_PER_S)
        self._throttle_words = words
        return self._refusal(now)

    def ban(self, seconds: int) -> WireError:
        """Ban the address for so many seconds; return the refusal of this request."""
        self._banned_until_ns = self._clock.now_ns() + seconds * NS_PER_S
        self._bans += 1
        self._throttled_until_ns = 0
        return self._refusal(self._clock.now_ns())

    def pardon(self) -> None:
        """Lift the ban and every refusal."""
        self._banned_until_ns = self._throttled_until_ns = self._refusals = 0

    def _check(self, now: int) -> None:
        if now < self._banned_until_ns:
            raise self._refusal(now)
        if now < self._throttled_until_ns:
            self._refusals += 1
            if self._refusals > self._settings.refusals_before_ban:
                longest = self._settings.longest_ban_s
                raise self.ban(min(self._settings.first_ban_s << self._bans, longest))
            raise self._refusal(now)

    def _refusal(self, now: int) -> WireError:
        until = max(self._banned_until_ns, self._throttled_until_ns)
        left_s = -(-(until - now) // NS_PER_S)
        if now >= self._banned_until_ns:
            return WireError(-1003, self._throttle_words, 429, retry_after_s=left_s)
        until_ms = self._banned_until_ns // NS_PER_MS
        return WireError(
            -1003,
            f"Way too much request weight used; IP banned until {until_ms}. Please use WebSocket "
            "Streams for live updates to avoid bans.",
            418,
            retry_after_s=left_s,
        )
