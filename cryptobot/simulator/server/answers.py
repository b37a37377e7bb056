"""HTTP answers, and what faults make of them before they are sent."""

from collections.abc import Mapping

import orjson
from aiohttp import web

from cryptobot.simulator.faults.description import Fault
from cryptobot.simulator.faults.kinds import FaultKind
from cryptobot.simulator.faults.merge_patch import merged
from cryptobot.simulator.faults.plan import Decision
from cryptobot.simulator.wire_error import WireError

CONTENT_TYPE = "application/json;charset=UTF-8"
_ACK = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
_UNKNOWN = WireError(-1000, "An unknown error occurred while processing the request.", 503)


class WireAnswer(web.Response):
    """An answer that remembers its Binance error code, for the request log."""

    code: int | None = None


def json_answer(
    value: object,
    status: int = 200,
    *,
    code: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> WireAnswer:
    """Return an answer with a JSON body, as Binance sends it."""
    answer = WireAnswer(
        body=orjson.dumps(value),
        status=status,
        headers={"Content-Type": CONTENT_TYPE, **(headers or {})},
    )
    answer.code = code
    return answer


def error_answer(error: WireError) -> WireAnswer:
    """Return the answer to what is wrong with a request."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return json_answer(error.body(), error.status, code=error.code, headers=headers)


def described_error(fault: Fault) -> WireError:
    """Return the error that a ``reply`` describes."""
    code, message = fault.options["code"], fault.options["msg"]
    status, retry_after_s = fault.options["status"], fault.options["retry_after_s"]
    default = _UNKNOWN.status if code is None else 400
    return WireError(
        code if isinstance(code, int) else _UNKNOWN.code,
        message if isinstance(message, str) else _UNKNOWN.message,
        status if isinstance(status, int) else default,
        retry_after_s=retry_after_s if isinstance(retry_after_s, int) else None,
    )


def changed(value: object, decision: Decision) -> object:
    """Return what an answer says after the faults that change it."""
    for _ in decision.of(FaultKind.ACK_ONLY):
        if isinstance(value, dict) and "orderId" in value:
            value = {name: value[name] for name in _ACK if name in value}
    for one in decision.of(FaultKind.PATCH):
        value = merged(value, one.fault.options["fields"])
    return value


def halted(value: object, symbol: str | None) -> object:
    """Return ``exchangeInfo`` with a symbol (``None``: all) that does not trade."""
    if isinstance(value, dict) and isinstance(value.get("symbols"), list):
        symbols = [
            {**row, "status": "BREAK"} if symbol in {None, row["symbol"]} else row
            for row in value["symbols"]
        ]
        return {**value, "symbols": symbols}
    return value
