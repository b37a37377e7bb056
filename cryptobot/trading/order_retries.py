"""How a dead letter of an order is done again, without ever doubling an order.

=================  ==========================================  ==================================
operation          allowed when                                then
=================  ==========================================  ==================================
``place_order``    the old order is closed with nothing        a **new** intent; its request id is
                   filled: it provably was not executed        the letter's, so that the same
                                                               attempt never makes two orders
``cancel_order``   always; a closed order needs none           cancelled again
=================  ==========================================  ==================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptobot.domain.order import TERMINAL, Order, OrderIntent, OrderState
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import DeadLetter
from cryptobot.trading.dead_letters import ORDERS, DeadLetterRefused, Retry
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_tracker import OrderTracker

PLACE: Final = "place_order"
CANCEL: Final = "cancel_order"


@dataclass(slots=True)
class OrderRetries:
    """Retries order writes."""

    gateway: OrderGateway
    tracker: OrderTracker
    journal: Journal

    def table(self) -> Mapping[tuple[str, str], Retry]:
        """Return how each operation is retried, by sink and operation."""
        return {(ORDERS, PLACE): self.place, (ORDERS, CANCEL): self.cancel}

    async def place(self, letter: DeadLetter) -> str:
        """Place a new order of the old one's intent.

        Raises:
            DeadLetterRefused: The old order may have been, or may yet be, executed; or the new
                one was denied.
            JournalUnavailable: The intent could not be journalled; nothing was sent.
        """
        old = await self._order(letter)
        if not provably_not_executed(old):
            raise DeadLetterRefused(
                f"order {old.order_id} is {old.state} with {old.filled} filled: placing it again "
                "could double it"
            )
        order = await self.gateway.place(
            OrderIntent(
                symbol=old.symbol,
                side=old.side,
                type=old.type,
                amount=old.amount,
                price=old.price,
                time_in_force=old.time_in_force,
                origin=old.origin,
                request_id=f"{letter.id}.{letter.attempts}",
                expected_mode=old.mode,
            )
        )
        if order.state is OrderState.DENIED:
            raise DeadLetterRefused(f"the new order {order.order_id} was denied: {order.reason}")
        return f"placed anew as order {order.order_id}: {order.state}"

    async def cancel(self, letter: DeadLetter) -> str:
        """Cancel the order again.

        Raises:
            DeadLetterRefused: It still stands.
            NotSent, OutcomeUnknown: As ``OrderGateway.cancel``.
        """
        order = await self._order(letter)
        if order.is_open:
            order = await self.gateway.cancel(order.order_id)
        if order.is_open:
            raise DeadLetterRefused(f"order {order.order_id} still is {order.state}")
        return f"order {order.order_id} is {order.state}"

    async def _order(self, letter: DeadLetter) -> Order:
        order = self.tracker.get(letter.subject) or await self.journal.order(letter.subject)
        if order is None:
            raise DeadLetterRefused(f"there is no order {letter.subject}")
        return order


def provably_not_executed(order: Order) -> bool:
    """Return whether an order is closed and nothing of it traded."""
    return order.state in TERMINAL and not order.filled and order.state is not OrderState.FILLED
