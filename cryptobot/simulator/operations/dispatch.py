"""Runs an operation: weight, gate, parameters, the market brought up to now, then the work."""

import time

from cryptobot.simulator.account_desk import Received
from cryptobot.simulator.operations.context import Call, Exchange, Operation, Security
from cryptobot.simulator.params import Params
from cryptobot.simulator.wire.time_fields import shifted
from cryptobot.simulator.wire_error import WireError


def dispatch(
    exchange: Exchange,
    operation: Operation,
    values: dict[str, str],
    *,
    key: str | None,
    payload: str,
    via: str,
    lag_ms: int = 0,
) -> object:
    """Answer a request.

    Args:
        exchange: The exchange.
        operation: What is asked.
        values: Its parameters.
        key: The API key sent, if any.
        payload: What was signed.
        via: ``rest`` or ``ws-api``, for the order log.
        lag_ms: Reads of the account show what was so long ago.

    Raises:
        WireError: Binance's answer to what is wrong.
    """
    entry = None
    if operation.places:
        entry = Received(time.time_ns(), time.monotonic_ns(), values, via)
        exchange.desk.received.append(entry)
    try:
        params = Params(values)
        exchange.limits.spend_weight(operation.weight_of(params))
        if operation.security is Security.SIGNED:
            exchange.gatekeeper.check(key, payload, values)
        params.check_known(operation.known)
        exchange.venue.advance()
        account = exchange.history.view(lag_ms)
        answer = operation.run(Call(exchange, params, account, entry))
        offset_ms = exchange.gatekeeper.offset_ms
        return shifted(answer, offset_ms) if offset_ms else answer
    except WireError as error:
        if entry is not None:
            exchange.desk.refused(entry, error)
        raise
