"""Who listens to which market stream; one encoding for all of them."""

from collections.abc import Iterable
from functools import partial

import orjson

from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.streams.occasions import told_market


class StreamHub:
    """Subscriptions by stream name.

    Args:
        faults: Every event passes them on its way to a socket.
    """

    def __init__(self, faults: EventFaults) -> None:
        self._faults = faults
        # In order of subscription: what happens to whom must repeat with the seed.
        self._listeners: dict[str, dict[Connection, None]] = {}
        self.version = 0

    @property
    def names(self) -> Iterable[str]:
        """The streams somebody listens to."""
        return self._listeners.keys()

    def wanted(self, name: str) -> bool:
        """Whether anybody listens."""
        return name in self._listeners

    def add(self, connection: Connection, names: Iterable[str]) -> None:
        """Subscribe a connection."""
        for name in names:
            connection.streams.add(name)
            self._listeners.setdefault(name, {})[connection] = None
        self.version += 1

    def remove(self, connection: Connection, names: Iterable[str]) -> None:
        """Unsubscribe a connection from streams it listens to; others are ignored."""
        for name in list(names):
            connection.streams.discard(name)
            listeners = self._listeners.get(name)
            if listeners is not None:
                listeners.pop(connection, None)
                if not listeners:
                    del self._listeners[name]
        self.version += 1

    def publish(self, name: str, event: object) -> None:
        """Send an event to everybody who listens to ``name``."""
        listeners = self._listeners.get(name)
        if not listeners:
            return
        if self._faults.concerned:
            occasion = told_market(name, event)
            for connection in list(listeners):
                frame = partial(_frame, name, combined=connection.combined)
                self._faults.tell(connection, occasion, event, frame)
            return
        raw = orjson.dumps(event)
        wrapped: bytes | None = None
        for connection in listeners:
            if connection.combined:
                if wrapped is None:
                    wrapped = _frame(name, event, combined=True)
                connection.send(wrapped)
            else:
                connection.send(raw)


def _frame(name: str, event: object, *, combined: bool) -> bytes:
    raw = orjson.dumps(event)
    return b'{"stream":"%b","data":%b}' % (name.encode(), raw) if combined else raw
