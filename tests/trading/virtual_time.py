"""An event loop whose time jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cryptobot.domain.clock import NS_PER_S

_T = TypeVar("_T")

_START_NS = 1_700_000_000 * NS_PER_S


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: what would be a wait moves the loop's time."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout:
            self.passed_s += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed_s

    def sleep_through(self, seconds: float) -> None:
        """Let time pass while nothing runs, as when the machine sleeps."""
        self._jumping.passed_s += seconds


class LoopClock:
    """The running virtual loop's time, as a ``Clock``."""

    def now_ns(self) -> int:
        return _START_NS + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * NS_PER_S)


def run_virtually(make: Callable[[], Awaitable[_T]]) -> _T:
    """Run a test's coroutine in virtual time."""

    async def main() -> _T:
        return await make()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
