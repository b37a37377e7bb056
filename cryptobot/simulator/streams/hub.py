"""Who listens to which market stream; one encoding for all of them."""

from collections.abc import Iterable

import orjson

from cryptobot.simulator.streams.connection import Connection


class StreamHub:
    """Subscriptions by stream name."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Connection]] = {}
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
            self._listeners.setdefault(name, set()).add(connection)
        self.version += 1

    def remove(self, connection: Connection, names: Iterable[str]) -> None:
        """Unsubscribe a connection from streams it listens to; others are ignored."""
        for name in list(names):
            connection.streams.discard(name)
            listeners = self._listeners.get(name)
            if listeners is not None:
                listeners.discard(connection)
                if not listeners:
                    del self._listeners[name]
        self.version += 1

    def publish(self, name: str, event: object) -> None:
        """Send an event to everybody who listens to ``name``."""
        listeners = self._listeners.get(name)
        if not listeners:
            return
        raw = orjson.dumps(event)
        wrapped: bytes | None = None
        for connection in listeners:
            if connection.combined:
                if wrapped is None:
                    wrapped = b'{"stream":"%b","data":%b}' % (name.encode(), raw)
                connection.send(wrapped)
            else:
                connection.send(raw)
