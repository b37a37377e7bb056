"""An event loop in virtual time: nothing waits, and one seed gives one order of everything.

When nothing is ready it jumps to the next timer. There are no sockets and no threads: what asyncio
would hand to a thread runs as one more step of the loop, after a delay that the run chooses.

Ready callbacks run in the order in which they became ready, as asyncio promises; programs may rely
on it, so a seed must not shuffle it. What a seed varies are the delays at the edges.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

from cryptobot.domain.clock import NS_PER_S

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

EPOCH_NS = 1_700_000_000 * NS_PER_S
"""What every wall clock shows at virtual second 0."""


class Deadlock(RuntimeError):  # noqa: N818 - the field's name
    """Nothing is ready and no timer is set: the run would wait for ever."""


class _Numbered:
    """Hashes by its number: a set's order must not depend on where in memory its members are."""

    _number: int

    def __hash__(self) -> int:
        return self._number


class NumberedFuture(_Numbered, asyncio.Future[_T]):
    """A future of a virtual loop."""

    def __init__(self, *, loop: "VirtualLoop") -> None:
        self._number = loop.number()
        super().__init__(loop=loop)


class NumberedTask(_Numbered, asyncio.Task[_T]):
    """A task of a virtual loop."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, _T], *, loop: "VirtualLoop", **options: Any
    ) -> None:
        self._number = loop.number()
        super().__init__(coroutine, loop=loop, **options)


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs coroutines in virtual time.

    Attributes:
        steps: Callbacks run so far. Between any two of them a process may die.
        at_rest: Called when all that could happen at an instant has happened.
        after_step: Called after each callback.
        thread_delay_s: How long a piece of work for a thread takes.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._numbers = itertools.count()
        self.steps = 0
        self.at_rest: Callable[[], None] = _nothing
        self.after_step: Callable[[], None] = _nothing
        self.thread_delay_s: Callable[[], float] = float

    def time(self) -> float:
        """Return the virtual seconds since the start."""
        return self._now_s

    def number(self) -> int:
        """Return how many futures and tasks there were before."""
        return next(self._numbers)

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future whose place in a set is the same in each run."""
        return NumberedFuture(loop=self)

    def run_in_executor(
        self,
        executor: Executor | None,  # noqa: ARG002 - there are no threads
        func: Callable[[*_Ts], _T],
        *args: *_Ts,
    ) -> asyncio.Future[_T]:
        """Run ``func`` on the loop, later."""
        future: asyncio.Future[_T] = self.create_future()

        def run() -> None:
            if future.done():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 - as an executor does
                future.set_exception(error)

        self.call_later(self.thread_delay_s(), run)
        return future

    def _run_once(self) -> None:
        if not self._ready:
            self.at_rest()
            self._jump()
        handle = self._ready.popleft()
        if not handle.cancelled():
            handle._run()
            self.steps += 1
            self.after_step()

    def _jump(self) -> None:
        """Go to the next timer, and make ready all that is due then."""
        scheduled = self._scheduled
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)
        if self._ready:
            return
        if not scheduled:
            raise Deadlock
        self._now_s = max(self._now_s, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._now_s:
            self._ready.append(heapq.heappop(scheduled))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: ``_jump`` passes over it."""

    def _process_events(self, event_list: Any) -> None:
        raise NotImplementedError

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps."""


class VirtualClock:
    """A machine's clocks over a virtual loop; the wall clock can be set.

    Args:
        loop: Whose time.
        booted_s: Virtual second at which the monotonic clock began.
    """

    def __init__(self, loop: VirtualLoop, booted_s: float = 0.0) -> None:
        self._loop = loop
        self._booted_s = booted_s
        self.offset_ns = 0

    def now_ns(self) -> int:
        """Return the wall clock's time."""
        return EPOCH_NS + round(self._loop.time() * NS_PER_S) + self.offset_ns

    def monotonic_ns(self) -> int:
        """Return the time since the boot."""
        return round((self._loop.time() - self._booted_s) * NS_PER_S)


def _nothing() -> None:
    pass
