"""The user data stream: the account's events to every subscription on the ws-api."""

from functools import partial

import orjson

from cryptobot.matching.events import ExecutionEvent
from cryptobot.simulator.account_desk import AccountDesk
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.streams.occasions import told_user
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels
from cryptobot.simulator.wire.user_events import account_position, execution_report


class UserDataStream:
    """A ``VenueListener`` that tells subscribers of the account's orders and balances.

    Args:
        desk: Knows the ids of cancels.
        clock: Stamps events.
        faults: Every event passes them on its way to a socket.
    """

    def __init__(self, desk: AccountDesk, clock: ExchangeClock, faults: EventFaults) -> None:
        self._faults = faults
        self._desk = desk
        self._clock = clock
        self._subscriptions: dict[Connection, set[int]] = {}
        self._next_id: dict[Connection, int] = {}

    def subscribe(self, connection: Connection) -> int:
        """Subscribe a connection; return the subscription's id, unique on the connection."""
        number = self._next_id.get(connection, 0)
        self._next_id[connection] = number + 1
        self._subscriptions.setdefault(connection, set()).add(number)
        return number

    def unsubscribe(self, connection: Connection, number: int | None = None) -> bool:
        """End one subscription (``None``: all); return whether there was one."""
        numbers = self._subscriptions.get(connection, set())
        if number is None:
            return bool(self._subscriptions.pop(connection, None))
        if number not in numbers:
            return False
        numbers.discard(number)
        return True

    def forget(self, connection: Connection) -> None:
        """Forget a connection that closed."""
        self._subscriptions.pop(connection, None)
        self._next_id.pop(connection, None)

    @property
    def count(self) -> int:
        """How many subscriptions there are."""
        return sum(len(numbers) for numbers in self._subscriptions.values())

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Do nothing: public trades are no event of the account."""

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Do nothing: the book is no event of the account."""

    def time_passed(self, now_ns: int) -> None:
        """Do nothing: nothing here is timed."""

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Send the execution report, then the balances that changed."""
        if not self._subscriptions:
            return
        now_ms = self._clock.now_ms()
        self._send(execution_report(market.wire, event, now_ms, self._desk.cancel_id_of(event)))
        position = account_position(event, now_ms)
        if position is not None:
            self._send(position)

    def _send(self, event: dict[str, object]) -> None:
        raw = orjson.dumps(event)
        for connection, numbers in list(self._subscriptions.items()):
            for number in sorted(numbers):
                if self._faults.concerned:
                    self._faults.tell(connection, told_user(event), event, partial(_frame, number))
                else:
                    connection.send(b'{"subscriptionId":%d,"event":%b}' % (number, raw))


def _frame(number: int, event: object) -> bytes:
    return b'{"subscriptionId":%d,"event":%b}' % (number, orjson.dumps(event))
