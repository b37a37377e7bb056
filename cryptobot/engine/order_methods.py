"""The control socket's methods about orders."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptobot.control.protocol import ErrorCode, RpcError
from cryptobot.domain.clock import iso
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.order import OrderIntent
from cryptobot.engine import requests
from cryptobot.engine.control_server import Handler
from cryptobot.engine.requests import SettleOutcome, handler
from cryptobot.journal.journal import Journal
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.settlement import Settlement, SettlementRefused


@dataclass(slots=True)
class OrderMethods:
    """Answers requests about orders out of the order path and the journal."""

    gateway: OrderGateway
    tracker: OrderTracker
    settlement: Settlement
    journal: Journal

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by method name."""
        return {
            "order.place": handler(requests.PlaceOrder, self._place),
            "order.cancel": handler(requests.OrderById, self._cancel),
            "order.get": handler(requests.OrderById, self._get),
            "order.list": handler(requests.ListOrders, self._list),
            "order.settle": handler(requests.SettleOrder, self._settle),
            "fill.list": handler(requests.ListFills, self._fills),
        }

    async def _place(self, params: requests.PlaceOrder) -> object:
        intent = OrderIntent(
            symbol=params.symbol,
            side=params.side,
            type=params.type,
            amount=params.amount,
            price=params.price,
            time_in_force=params.time_in_force,
            expected_mode=params.expect_mode,
            request_id=params.request_id,
        )
        try:
            return (await self.gateway.place(intent)).to_wire()
        except JournalUnavailable as error:
            raise RpcError(ErrorCode.JOURNAL_UNAVAILABLE, f"nothing was sent: {error}") from error

    async def _cancel(self, params: requests.OrderById) -> object:
        return (await self.gateway.cancel(params.order_id)).to_wire()

    async def _get(self, params: requests.OrderById) -> object:
        order = self.tracker.get(params.order_id)
        order = order or await self.journal.order(params.order_id)
        if order is None:
            raise RpcError(ErrorCode.NOT_FOUND, f"no order {params.order_id}")
        return {**order.to_wire(), "events": await self._history(params.order_id)}

    async def _history(self, order_id: str) -> object:
        """Return what happened to an order and on which evidence; ``None`` when unreadable."""
        try:
            events = await self.journal.order_events(order_id)
        except JournalUnavailable:
            return None
        return [
            {
                "seq": event.seq,
                "at": iso(event.at_ns),
                "from": None if event.from_state is None else str(event.from_state),
                "state": str(event.state),
                "reason": event.reason,
                "evidence": event.evidence,
            }
            for event in events
        ]

    async def _settle(self, params: requests.SettleOrder) -> object:
        try:
            if params.outcome is SettleOutcome.ADOPT:
                order = await self.settlement.adopt(
                    params.order_id,
                    params.exchange_order_id,
                    reason=params.reason,
                    actor=params.actor,
                )
            else:
                order = await self.settlement.mark_not_placed(
                    params.order_id,
                    reason=params.reason,
                    actor=params.actor,
                    force=params.force,
                )
        except SettlementRefused as error:
            raise RpcError(ErrorCode.REFUSED, str(error)) from error
        return order.to_wire()

    async def _list(self, params: requests.ListOrders) -> object:
        stored = await self.journal.orders(state=params.state, mode=params.mode, limit=params.limit)
        # The journal may be a commit behind; what is in memory is newer.
        current = [self.tracker.get(order.order_id) or order for order in stored]
        return [
            order.to_wire()
            for order in current
            if params.state is None or order.state is params.state
        ]

    async def _fills(self, params: requests.ListFills) -> object:
        stored = await self.journal.fills(symbol=params.symbol, limit=params.limit)
        return [
            {**item.fill.to_wire(), "order_id": item.order_id, "mode": str(item.mode)}
            for item in stored
        ]
