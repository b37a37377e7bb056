"""Short tests in the virtual time of the simulation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cryptobot.domain.clock import NS_PER_S
from tests.simulation.virtual_loop import EPOCH_NS, VirtualLoop

_T = TypeVar("_T")


class LoopClock:
    """The running loop's time, as a ``Clock``."""

    def now_ns(self) -> int:
        return EPOCH_NS + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return round(asyncio.get_running_loop().time() * NS_PER_S)


def sleep_through(seconds: float) -> None:
    """Let time pass while nothing runs, as when the machine sleeps."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop._now_s += seconds


def run_virtually(make: Callable[[], Awaitable[_T]]) -> _T:
    """Run a test's coroutine in virtual time."""

    async def main() -> _T:
        return await make()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
