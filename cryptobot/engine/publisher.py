"""Notifications to subscribers: state is coalesced, orders and fills are never dropped."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from cryptobot.control.protocol import Topic

TICK_S: Final = 0.1
INTERVAL_S: Final[Mapping[Topic, float]] = {
    Topic.CANDLES: 0.25,
    Topic.BOOK: 0.1,
    Topic.PORTFOLIO: 1.0,
    Topic.STATUS: 0.1,
    Topic.STRATEGIES: 0.25,
}
"""Topics of which only the latest counts, and their least distance in seconds."""

MAX_QUEUED: Final = 50_000
"""Undelivered events after which a reader is hung up on: it resyncs when it comes back."""
MAX_LOG_QUEUED: Final = 1_000


class Subscriber:
    """One connection's subscriptions and what it has not been sent yet."""

    def __init__(self) -> None:
        self.topics: frozenset[Topic] = frozenset()
        self.overrun = False
        self._queue: deque[bytes] = deque()
        self._logs: deque[bytes] = deque()
        self._logs_dropped = 0
        self._latest: dict[tuple[Topic, str], bytes] = {}
        self._due: dict[Topic, float] = {}
        self._wake = asyncio.Event()

    def add(self, topic: Topic, key: str, line: bytes) -> None:
        """Take a notification."""
        if topic in INTERVAL_S:
            self._latest[topic, key] = line
        elif topic is Topic.LOG:
            if len(self._logs) >= MAX_LOG_QUEUED:
                self._logs.popleft()
                self._logs_dropped += 1
            self._logs.append(line)
        elif len(self._queue) >= MAX_QUEUED:
            self.overrun = True
        else:
            self._queue.append(line)
        self._wake.set()

    async def deliver(self, write: Callable[[bytes], None], drain: Callable[[], object]) -> None:
        """Send for ever, at the pace of ``drain``."""
        loop = asyncio.get_running_loop()
        while not self.overrun:
            await self._wake.wait()
            self._wake.clear()
            lines = [*self._queue, *self._take_logs(), *self._take_due(loop.time())]
            self._queue.clear()
            if lines:
                write(b"".join(lines))
                waiting = drain()
                if asyncio.iscoroutine(waiting):
                    await waiting
            if self._latest:
                await asyncio.sleep(TICK_S)
                self._wake.set()

    def _take_logs(self) -> list[bytes]:
        lines = list(self._logs)
        self._logs.clear()
        if self._logs_dropped:
            lines.append(notification(Topic.LOG, {"dropped": self._logs_dropped}))
            self._logs_dropped = 0
        return lines

    def _take_due(self, now: float) -> list[bytes]:
        due = {topic for topic in INTERVAL_S if self._due.get(topic, 0.0) <= now}
        lines = []
        for key in [key for key in self._latest if key[0] in due]:
            lines.append(self._latest.pop(key))
            self._due[key[0]] = now + INTERVAL_S[key[0]]
        return lines


class Publisher:
    """Fans notifications out."""

    def __init__(self) -> None:
        self._subscribers: set[Subscriber] = set()

    def add(self, subscriber: Subscriber) -> None:
        """Begin to tell ``subscriber``."""
        self._subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Stop telling ``subscriber``."""
        self._subscribers.discard(subscriber)

    def wanted(self, topic: Topic) -> bool:
        """Return whether anybody listens to ``topic``: what nobody wants is not built."""
        return any(topic in subscriber.topics for subscriber in self._subscribers)

    def publish(self, topic: Topic, data: object, key: str = "") -> None:
        """Tell every subscriber of ``topic``; of coalesced topics the latest of each ``key``."""
        listeners = [item for item in self._subscribers if topic in item.topics]
        if listeners:
            line = notification(topic, data)
            for subscriber in listeners:
                subscriber.add(topic, key, line)


def notification(topic: Topic, data: object) -> bytes:
    """Return an ``event`` notification as a line."""
    message = {
        "jsonrpc": "2.0",
        "method": "event",
        "params": {"topic": str(topic), "data": data},
    }
    return orjson.dumps(message, default=str) + b"\n"
