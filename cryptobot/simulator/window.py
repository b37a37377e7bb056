"""A count over the windows that Binance uses."""

from cryptobot.domain.clock import NS_PER_S


class CountWindow:
    """A count that starts again at every multiple of its length.

    Args:
        length_s: In whole seconds.
    """

    __slots__ = ("_length_ns", "_number", "used")

    def __init__(self, length_s: int) -> None:
        self._length_ns = length_s * NS_PER_S
        self._number = -1
        self.used = 0

    def roll(self, now_ns: int) -> None:
        """Start again when another window has begun."""
        number = now_ns // self._length_ns
        if number != self._number:
            self._number = number
            self.used = 0

    def add(self, now_ns: int, amount: int = 1) -> int:
        """Count; return what is used with it."""
        self.roll(now_ns)
        self.used += amount
        return self.used

    def left_s(self, now_ns: int) -> int:
        """Whole seconds, rounded up, until the window ends."""
        left_ns = self._length_ns - now_ns % self._length_ns
        return -(-left_ns // NS_PER_S)
