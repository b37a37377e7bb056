"""The moments at which something can go wrong, and what is known then."""

from dataclasses import dataclass
from enum import StrEnum

from cryptobot.simulator.operations.names import OperationName


class Channel(StrEnum):
    """What carries it."""

    REST = "rest"
    WS_API = "ws_api"
    """Requests and answers on the ws-api."""
    MARKET = "market"
    """Sockets of market streams."""
    USER = "user"
    """The account's events; they share their sockets with ``WS_API``."""


class Moment(StrEnum):
    """What is about to happen."""

    REQUEST = "request"
    """A request arrives, by REST or on the ws-api."""
    CONNECT = "connect"
    """A websocket is asked for."""
    SUBSCRIBE = "subscribe"
    """Market streams are asked for."""
    EVENT = "event"
    """A stream's event is sent to one socket."""
    SOCKET = "socket"
    """A fault begins while this socket is open."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One moment. What does not apply or is not known is ``None`` or empty.

    Attributes:
        method: The HTTP verb, or the ws-api's method.
        symbol: As the wire writes it (``BTCUSDT``).
        side: ``BUY`` or ``SELL``.
        streams: The market streams it is about.
        event: The event's ``e``; ``bookTicker`` and ``depth`` events have none and get these.
        execution: An execution report's ``x``.
        status: An execution report's ``X``.
    """

    moment: Moment
    channel: Channel
    operation: OperationName | None = None
    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    side: str | None = None
    client_order_id: str | None = None
    streams: tuple[str, ...] = ()
    event: str | None = None
    execution: str | None = None
    status: str | None = None

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels it happens on: a ws-api socket carries the account's events too."""
        is_socket = self.moment in {Moment.CONNECT, Moment.SOCKET}
        if is_socket and self.channel is Channel.WS_API:
            return _WS_API_SOCKET
        return frozenset({self.channel})


_WS_API_SOCKET = frozenset({Channel.WS_API, Channel.USER})
