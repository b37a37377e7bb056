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
from cryptobot.simulator.server.request_log import RequestLine
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.event_faults import EventFaults
from cryptobot.simulator.wire_error import WireError, maintenance, market_closed

Answer = dict[str, object]
Work = Callable[[int], Answer]
_OK = 200


class Carried(NamedTuple):
    """A request on its way.

    Attributes:
        connection: Where it came from.
        request_id: What its answer repeats.
        occasion: What is known of it.
        work: Does what is asked and returns the answer, given the age of the account's reads.
        line: Where its answer is written down.
    """

    connection: Connection
    request_id: object
    occasion: Occasion
    work: Work
    line: RequestLine


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

    def carry(self, carried: Carried) -> None:
        """Let a request reach the exchange through what goes wrong."""
        decision = self.plan.decide(carried.occasion)
        carried.line.faults = [one.fault_id for one in decision.fired]
        _later(link_s(decision, When.BEFORE), lambda: self._arrive(carried, decision))

    def _arrive(self, carried: Carried, decision: Decision) -> None:
        answer: Answer = {"id": carried.request_id, "status": _OK, "result": {}}
        if does_the_work(decision, carried.occasion.operation):
            answer = carried.work(lag_ms(decision))
            if answer["status"] == _OK:
                answer["result"] = changed(answer["result"], decision)
        _later(link_s(decision, When.AFTER), lambda: self._answer(carried, decision, answer))

    def _answer(self, carried: Carried, decision: Decision, answer: Answer) -> None:
        verdict = decision.verdict
        connection = carried.connection
        if verdict is None:
            connection.send(orjson.dumps(answer))
            end(carried.line, answer)
            return
        fault = verdict.fault
        carried.line.end(0, None)
        match fault.kind:
            case FaultKind.HANG:
                pass
            case FaultKind.RESET | FaultKind.CLOSE:
                self._events.end(connection, fault)
            case FaultKind.DUPLICATE:
                connection.send(orjson.dumps(answer))
                connection.send(orjson.dumps(answer))
                end(carried.line, answer)
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
                refusal = self._failed(carried.request_id, self._error(fault))
                connection.send(orjson.dumps(refusal))
                end(carried.line, refusal)

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


def end(line: RequestLine, answer: Answer) -> None:
    """Write down an answer that was sent."""
    status, error = answer["status"], answer.get("error")
    code = error["code"] if isinstance(error, dict) else None
    line.end(status if isinstance(status, int) else 0, code)


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
