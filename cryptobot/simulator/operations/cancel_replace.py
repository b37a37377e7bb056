"""Cancel and replace in one request, which may half fail.

Source: Binance's rest-api.md, "Cancel an Existing Order and Send a New Order": what is answered
for each pair of results is ``ANSWERS``.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from cryptobot.simulator.operations import orders
from cryptobot.simulator.operations.context import Call, Operation, Security
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.operations.new_order import KNOWN
from cryptobot.simulator.wire_error import WireError

_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
_RATE_LIMIT_MODES = ("DO_NOTHING", "CANCEL_ONLY")
_NAMES = orders.Naming("cancelOrderId", "cancelOrigClientOrderId")


class Result(StrEnum):
    """What became of one half."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOT_ATTEMPTED = "NOT_ATTEMPTED"


class Verdict(NamedTuple):
    """The error that a pair of results gives."""

    status: int
    code: int
    message: str


_PARTIAL = Verdict(409, -2021, "Order cancel-replace partially failed.")
_FAILED = Verdict(400, -2022, "Order cancel-replace failed.")
ANSWERS: Mapping[tuple[Result, Result], Verdict | None] = {
    (Result.SUCCESS, Result.SUCCESS): None,
    (Result.SUCCESS, Result.FAILURE): _PARTIAL,
    (Result.FAILURE, Result.SUCCESS): _PARTIAL,
    (Result.FAILURE, Result.FAILURE): _FAILED,
    (Result.FAILURE, Result.NOT_ATTEMPTED): _FAILED,
}
"""By what became of the cancel and of the new order."""


def _one_of(call: Call, name: str, allowed: tuple[str, ...], default: str | None) -> str:
    value = call.params.text(name) if default is not None else call.params.required(name)
    value = value or default or ""
    if value not in allowed:
        raise WireError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return value


def _attempt(half: Callable[[], object]) -> tuple[Result, object]:
    try:
        return Result.SUCCESS, half()
    except WireError as error:
        return Result.FAILURE, error.body()


def _cancel_replace(call: Call) -> object:
    mode = _one_of(call, "cancelReplaceMode", _MODES, None)
    on_rate_limit = _one_of(call, "orderRateLimitExceededMode", _RATE_LIMIT_MODES, "DO_NOTHING")
    orders.check_new(call)
    if on_rate_limit == "DO_NOTHING":
        call.exchange.limits.check_order()
    cancel_id = call.params.client_id("cancelNewClientOrderId")
    cancel, cancel_answer = _attempt(lambda: orders.canceled(call, _NAMES, cancel_id))
    new, new_answer = Result.NOT_ATTEMPTED, None
    if cancel is Result.SUCCESS or mode == "ALLOW_FAILURE":
        new, new_answer = _attempt(lambda: orders.placed(call))
    results = {
        "cancelResult": str(cancel),
        "newOrderResult": str(new),
        "cancelResponse": cancel_answer,
        "newOrderResponse": new_answer,
    }
    verdict = ANSWERS[cancel, new]
    if verdict is not None:
        raise WireError(verdict.code, verdict.message, verdict.status, data=results)
    return results


CANCEL_REPLACE = Operation(
    OperationName.CANCEL_REPLACE,
    _cancel_replace,
    KNOWN
    | {
        "cancelReplaceMode",
        "cancelOrderId",
        "cancelOrigClientOrderId",
        "cancelNewClientOrderId",
        "cancelRestrictions",
        "orderRateLimitExceededMode",
    },
    security=Security.SIGNED,
    counts_orders=True,
    places=True,
)
