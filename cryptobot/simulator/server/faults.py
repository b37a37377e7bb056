"""Where faults meet HTTP: every request and upgrade passes here on its way to the exchange."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from cryptobot.simulator.faults.kinds import FaultKind, When
from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.faults.plan import NOTHING, Decision, FaultPlan
from cryptobot.simulator.operations.context import Exchange
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.server.answers import WireAnswer, changed, error_answer, json_answer
from cryptobot.simulator.server.http_effects import EFFECTS, stated
from cryptobot.simulator.server.occasions import asked
from cryptobot.simulator.server.request_keys import FIRED, LAG_MS
from cryptobot.simulator.server.rest import ROUTES, read_parameters
from cryptobot.simulator.streams.event_faults import delay_s
from cryptobot.simulator.wire_error import WireError

Proceed = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NEVER_SEEN: Mapping[str, object] = {"symbol": "", "orderId": 0, "clientOrderId": "", "msg": ""}
"""What a damaged answer to a request that the exchange never saw is made of."""


class HttpFaults:
    """Lets requests through to the exchange, or not.

    Args:
        exchange: The exchange.
        plan: Decides.
    """

    def __init__(self, exchange: Exchange, plan: FaultPlan) -> None:
        self._exchange = exchange
        self._plan = plan

    async def intercept(self, request: web.Request, proceed: Proceed) -> web.StreamResponse:
        """Answer a request; ``proceed`` lets it through to the exchange.

        A fault before ``proceed`` is a lost request, one after it a lost reply.
        """
        channel = _upgrade(request)
        try:
            if channel is None:
                self._exchange.limits.gate.enter()
            else:
                self._exchange.limits.gate.connect()
        except WireError as error:
            return error_answer(error)
        occasion = await self._occasion(request, channel)
        decision = NOTHING if occasion is None else self._plan.decide(occasion)
        if occasion is None or decision is NOTHING:
            return await proceed(request)
        request[FIRED] = [one.fault_id for one in decision.fired]
        return await self._suffer(request, proceed, occasion, decision)

    async def _suffer(
        self, request: web.Request, proceed: Proceed, occasion: Occasion, decision: Decision
    ) -> web.StreamResponse:
        await asyncio.sleep(link_s(decision, When.BEFORE))
        request[LAG_MS] = lag_ms(decision)
        verdict = decision.verdict
        answer = json_answer(_NEVER_SEEN)
        if verdict is None or does_the_work(decision, occasion.operation):
            proceeded = await proceed(request)
            if not isinstance(proceeded, WireAnswer):
                return proceeded
            answer = _changed(proceeded, decision)
        await asyncio.sleep(link_s(decision, When.AFTER))
        if verdict is None:
            return answer
        statement = stated(self._exchange, verdict.fault, occasion.operation, answer)
        if statement is not None:
            statement.headers.update(self._exchange.limits.weight_headers())
            return statement
        return await EFFECTS[verdict.fault.kind](request, verdict.fault, answer)

    async def _occasion(self, request: web.Request, channel: Channel | None) -> Occasion | None:
        if channel is not None:
            if not self._plan.concerns(Moment.CONNECT):
                return None
            streams = (*request.path.split("/"), *request.query.get("streams", "").split("/"))
            return Occasion(Moment.CONNECT, channel, path=request.path, streams=streams)
        if not self._plan.concerns(Moment.REQUEST):
            return None
        operation = ROUTES.get((request.method, request.path))
        body = (await request.read()).decode(errors="replace") if request.body_exists else ""
        try:
            values = read_parameters(request.raw_path.partition("?")[2], body)
        except WireError:
            values = {}
        return asked(
            self._exchange,
            Channel.REST,
            operation.name if operation else None,
            values,
            method=request.method,
            path=request.path,
        )


def does_the_work(decision: Decision, operation: OperationName | None) -> bool:
    """Whether the exchange does what is asked although a fault has the last word."""
    verdict = decision.verdict
    if verdict is None or verdict.fault.when is When.AFTER:
        return True
    return (
        verdict.fault.kind is FaultKind.MARKET_CLOSED and operation is OperationName.EXCHANGE_INFO
    )


def link_s(decision: Decision, when: When) -> float:
    """Return how long the link takes, one way, in seconds."""
    return sum(map(delay_s, decision.of(FaultKind.DELAY, when=when)))


def lag_ms(decision: Decision) -> int:
    """Return how old the account's reads are, in milliseconds."""
    return max((one.fault.integer("lag_ms") for one in decision.of(FaultKind.STALE)), default=0)


def _upgrade(request: web.Request) -> Channel | None:
    """Return what a websocket is asked for, ``None`` for other requests."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return None
    return Channel.WS_API if request.path.startswith("/ws-api") else Channel.MARKET


def _changed(answer: WireAnswer, decision: Decision) -> WireAnswer:
    if not decision.of(FaultKind.ACK_ONLY, FaultKind.PATCH) or answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        return answer
    value = orjson.loads(answer.body if isinstance(answer.body, bytes) else b"null")
    answer.body = orjson.dumps(changed(value, decision))
    return answer
