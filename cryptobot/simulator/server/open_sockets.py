"""Lets faults that begin happen to the sockets that are open then."""

from cryptobot.matching.events import ExecutionEvent
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels


class OpenSockets:
    """A ``VenueListener`` that looks for such faults as time passes.

    Args:
        sockets: Those that are open.
        events: Knows what happens to them.
    """

    def __init__(self, sockets: Sockets, events: EventFaults) -> None:
        self._sockets = sockets
        self._events = events

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Do nothing: a trade begins no fault."""

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Do nothing: the book begins no fault."""

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Do nothing: an order begins no fault."""

    def time_passed(self, now_ns: int) -> None:
        """Let what has begun happen."""
        del now_ns
        self._events.begin(self._sockets)
