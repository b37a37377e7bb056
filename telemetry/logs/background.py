"""Work done off the caller's path: a bounded queue and one thread that drains it in batches."""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

_Item = TypeVar("_Item")

_BATCH: Final = 512


class BackgroundWorker(Generic[_Item]):
    """Hands items to ``handle`` on a thread of its own.

    Args:
        name: Of the thread.
        handle: Gets a batch. What it raises goes to ``on_error``; the batch is not repeated.
        on_error: Told how many items were in a batch that raised.
        capacity: Items that may wait.
        linger_s: How long an item may wait for company. The thread looks that often by itself:
            waking it for each would cost the caller more than the item does.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[_Item]], None],
        on_error: Callable[[int], None],
        *,
        capacity: int,
        linger_s: float,
    ) -> None:
        self._handle = handle
        self._on_error = on_error
        self._capacity = capacity
        self._linger_s = linger_s
        # Queues and no locks: a signal handler may log while its thread is in here.
        self._queue: SimpleQueue[_Item | threading.Event] = SimpleQueue()
        self._nudges: SimpleQueue[None] = SimpleQueue()
        self._stopping = False
        # A daemon: the interpreter must be able to exit when a disk or terminal hangs.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: _Item, *, urgent: bool = False) -> bool:
        """Queue an item; False if the queue is full. Never waits; signal handlers may call it.

        Args:
            item: Handled with all that was queued before.
            urgent: Whether it is handled now, and not within ``linger_s``.
        """
        waiting = self._queue.qsize()
        if waiting >= self._capacity:
            return False
        self._queue.put(item)
        if urgent or waiting == _BATCH:
            self._nudges.put(None)
        return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything queued so far was handled; False if that took too long."""
        if not self._thread.is_alive() or threading.current_thread() is self._thread:
            return False
        done = threading.Event()
        self._queue.put(done)
        self._nudges.put(None)
        return done.wait(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Handle what is queued and end the thread; False if that took too long."""
        self._stopping = True
        self.flush(timeout_s)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            with suppress(Empty):
                self._nudges.get(timeout=self._linger_s)
                while True:
                    self._nudges.get_nowait()
            stopping = self._stopping
            while taken := self._taken():
                self._deliver([item for item in taken if not isinstance(item, threading.Event)])
                for item in taken:
                    if isinstance(item, threading.Event):
                        item.set()

    def _taken(self) -> list[_Item | threading.Event]:
        taken: list[_Item | threading.Event] = []
        with suppress(Empty):
            while len(taken) < _BATCH:
                taken.append(self._queue.get_nowait())
        return taken

    def _deliver(self, batch: list[_Item]) -> None:
        if not batch:
            return
        try:
            self._handle(batch)
        except Exception:  # noqa: BLE001 - the thread must live; the loss is counted
            self._on_error(len(batch))
