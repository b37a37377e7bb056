"""Where faults meet the ws-api: every request passes here on its way to the exchange."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import orjson

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import FaultKind, When
from cryptobot.simulator.faults.occasion import Occasion
from cryptobot.simulator.faults.plan import Decision, FaultPlan
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.server.answers import changed, described_error, halted
from cryptobot.simulator.server.faults import does_the_work, lag_ms, link_s
from cryptobot.simulator.server.http_effects import cut
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.wire_error import WireError, maintenance, market_closed

Answer = dict[str, object]
Work = Callable[[int], Answer]
_OK = 200


class _Carried(NamedTuple):
    """A request on its way."""

    connection: Connection
    request_id: object
    occasion: Occasion
    decision: Decision
    work: Work


class WsApiFaults:
    """Carries requests to the exchange and answers back, or not.

    Args:
        exchange: The exchange.
        plan: Decides.
        events: Knows how sockets end.
    """

    def __init__(self, exchange: Exchange, plan: FaultPlan, events: EventFaults) -> None:
        self.plan = plan
        self._exchange = exchange
        self._events = events

    def carry(
        self,
        connection: Connection,
        request_id: object,
        occasion: Occasion,
        decision: Decision,
        work: Work,
    ) -> None:
        """Let a request reach the exchange through what goes wrong.

        Args:
            connection: Where it came from.
            request_id: What its answer repeats.
            occasion: What is known of it.
            decision: What goes wrong.
            work: Does what is asked and returns the answer, given the age of the account's reads.
        """
        carried = _Carried(connection, request_id, occasion, decision, work)
        _later(link_s(decision, When.BEFORE), lambda: self._arrive(carried))

    def _arrive(self, carried: _Carried) -> None:
        decision = carried.decision
        answer: Answer = {"id": carried.request_id, "status": _OK, "result": {}}
        if does_the_work(decision, carried.occasion.operation):
            answer = carried.work(lag_ms(decision))
            if answer["status"] == _OK:
                answer["result"] = changed(answer["result"], decision)
        _later(link_s(decision, When.AFTER), lambda: self._answer(carried, answer))

    def _answer(self, carried: _Carried, answer: Answer) -> None:
        verdict = carried.decision.verdict
        connection = carried.connection
        if verdict is None:
            connection.send(orjson.dumps(answer))
            return
        fault = verdict.fault
        match fault.kind:
            case FaultKind.HANG:
                pass
            case FaultKind.RESET | FaultKind.CLOSE:
                self._events.end(connection, fault)
            case FaultKind.TRUNCATE:
                connection.send(cut(orjson.dumps(answer), fault.number("keep")))
            case FaultKind.REPLY if fault.options["body"] is not None:
                connection.send(_described(carried.request_id, fault))
            case FaultKind.MARKET_CLOSED if (
                carried.occasion.operation is OperationName.EXCHANGE_INFO
            ):
                answer["result"] = halted(answer["result"], fault.match.symbol)
                connection.send(orjson.dumps(answer))
            case _:
                error = self._error(fault)
                connection.send(orjson.dumps(self._failed(carried.request_id, error)))

    def _failed(self, request_id: object, error: WireError) -> Answer:
        return failed(request_id, error, self._exchange.venue.clock.base_ns() // NS_PER_MS)

    def _error(self, fault: Fault) -> WireError:
        gate = self._exchange.limits.gate
        match fault.kind:
            case FaultKind.BAN:
                return gate.ban(fault.integer("ban_s"))
            case FaultKind.RATE_LIMIT:
                return self._exchange.limits.throttle(fault.integer("retry_after_s"))
            case FaultKind.MAINTENANCE:
                return maintenance()
            case FaultKind.MARKET_CLOSED:
                return market_closed()
            case _:
                return described_error(fault)


def failed(request_id: object, error: WireError, now_ms: int = 0) -> Answer:
    """Return the answer to what is wrong with a request.

    Args:
        request_id: What the answer repeats.
        error: What is wrong.
        now_ms: Time on the clock by which clients are told to wait, UTC milliseconds.
    """
    body = error.body()
    if error.retry_after_s is not None:
        body["data"] = {"serverTime": now_ms, "retryAfter": now_ms + error.retry_after_s * 1000}
    return {"id": request_id, "status": error.status, "error": body}


def _described(request_id: object, fault: Fault) -> bytes:
    body, status = fault.options["body"], fault.options["status"]
    if isinstance(body, str):
        return body.encode()
    answer = {"id": request_id, "status": status if isinstance(status, int) else _OK}
    return orjson.dumps({**answer, "result": body})


def _later(seconds: float, action: Callable[[], None]) -> None:
    if seconds > 0:
        asyncio.get_running_loop().call_later(seconds, action)
    else:
        action()
