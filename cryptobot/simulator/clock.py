"""The exchange's clock: the machine's, sped up, stepped or stopped."""

from cryptobot.domain.clock import Clock


class ExchangeClock:
    """Time at the exchange, made from another clock.

    While the market's events are applied, the time is theirs; otherwise it flows ``speed``
    times as fast as the clock beneath.

    Args:
        base: The clock beneath.
        speed: 1 is real time.
    """

    def __init__(self, base: Clock, speed: float = 1.0) -> None:
        self._base = base
        self._speed = speed
        self._origin_ns = base.now_ns()
        self._origin_monotonic_ns = base.monotonic_ns()
        self._held_ns: int | None = None

    @property
    def speed(self) -> float:
        """How many times as fast as the clock beneath."""
        return self._speed

    def now_ns(self) -> int:
        """Return the exchange's UTC time in nanoseconds."""
        return self.flowing_ns() if self._held_ns is None else self._held_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step, sped up like the rest."""
        return int(self._base.monotonic_ns() * self._speed)

    def now_ms(self) -> int:
        """Return the exchange's UTC time in milliseconds."""
        return self.now_ns() // 1_000_000

    def flowing_ns(self) -> int:
        """Return the time as it flows, whatever is held."""
        elapsed = self._base.monotonic_ns() - self._origin_monotonic_ns
        return self._origin_ns + int(elapsed * self._speed)

    def base_ns(self) -> int:
        """Return the UTC time of the clock beneath."""
        return self._base.now_ns()

    def hold(self, at_ns: int) -> None:
        """Let the time be that of an event until ``release``."""
        self._held_ns = at_ns

    def release(self) -> None:
        """Let the time flow again."""
        self._held_ns = None

    def shift(self, ns: int) -> None:
        """Step the time by ``ns``, which may be negative."""
        self._origin_ns += ns

    def set_speed(self, speed: float) -> None:
        """Go on from the present time at another speed."""
        self._origin_ns = self.flowing_ns()
        self._origin_monotonic_ns = self._base.monotonic_ns()
        self._speed = speed
