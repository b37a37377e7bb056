"""Which occasions a fault is meant for."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cryptobot.simulator.faults.occasion import Channel, Occasion
from cryptobot.simulator.operations.names import OperationName


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold; an empty one always does.

    What an occasion does not know (an event has no operation) fails its condition.

    Attributes:
        channels: Where.
        operations: What is asked.
        method: HTTP verb or ws-api method.
        path: Of REST and upgrades; ``*`` stands for anything.
        symbol: As the wire writes it.
        side: ``BUY`` or ``SELL``.
        client_order_id: What the client's order id begins with.
        stream: Name of a market stream; ``*`` stands for anything.
        event: The event's ``e``.
        execution: An execution report's ``x``.
        status: An execution report's ``X``.
    """

    channels: frozenset[Channel] = frozenset()
    operations: frozenset[OperationName] = frozenset()
    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    side: str | None = None
    client_order_id: str | None = None
    stream: str | None = None
    event: str | None = None
    execution: str | None = None
    status: str | None = None

    def meets(self, occasion: Occasion) -> bool:
        """Whether the fault is meant for ``occasion``."""
        return (
            (not self.channels or not self.channels.isdisjoint(occasion.channels))
            and (not self.operations or occasion.operation in self.operations)
            and _same(self.method, occasion.method)
            and _like(self.path, (occasion.path,))
            and _same(self.symbol, occasion.symbol)
            and _same(self.side, occasion.side)
            and _begins(self.client_order_id, occasion.client_order_id)
            and _like(self.stream, occasion.streams)
            and _same(self.event, occasion.event)
            and _same(self.execution, occasion.execution)
            and _same(self.status, occasion.status)
        )


def _same(wanted: str | None, found: str | None) -> bool:
    return wanted is None or wanted == found


def _begins(wanted: str | None, found: str | None) -> bool:
    return wanted is None or (found is not None and found.startswith(wanted))


def _like(pattern: str | None, found: Iterable[str | None]) -> bool:
    return pattern is None or any(text is not None and fnmatchcase(text, pattern) for text in found)
