"""The parameters of control requests: checked once, here."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cryptobot.control.protocol import ErrorCode, RpcError, Topic
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import decimal
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.engine.publisher import Subscriber
from cryptobot.journal.records import DeadLetterState


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Number = Annotated[Decimal, BeforeValidator(decimal)]
"""An exact number: a string, or a whole number; a float is refused."""

_ORDER_ID: Final = "^[0-9a-f]{32}$"
_REQUEST_ID: Final = "^[A-Za-z0-9_.:-]{1,64}$"
_TIMEFRAME: Final = "^[1-9][0-9]?[smhdwM]$"

OrderId = Annotated[str, Field(pattern=_ORDER_ID)]
Limit = Annotated[int, Field(ge=1, le=10_000)]
Text = Annotated[str, Field(min_length=1, max_length=500)]


class Params(BaseModel):
    """Parameters of one method; unknown ones are errors."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Params):
    """No parameters."""


class PlaceOrder(Params):
    """``order.place``: an order as a person or program wants it."""

    symbol: Annotated[str, Field(max_length=32)]
    side: Side
    type: OrderType
    amount: Number
    price: Number | None = None
    time_in_force: Annotated[
        TimeInForce,
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = TimeInForce.GTC
    expect_mode: Mode | None = None
    request_id: Annotated[str, Field(pattern=_REQUEST_ID)] | None = None


class OrderById(Params):
    """``order.cancel`` and ``order.get``."""

    order_id: OrderId


class SettleOutcome(StrEnum):
    """How a person settles an unknown outcome."""

    ADOPT = "adopt"
    """The exchange has it: take its state over."""
    NOT_PLACED = "not_placed"
    """The exchange never had it."""


class SettleOrder(Params):
    """``order.settle``: a person's word on an order whose outcome is unknown."""

    order_id: OrderId
    outcome: SettleOutcome
    exchange_order_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    reason: Text
    actor: Text
    force: bool = False


class ListOrders(Params):
    """``order.list``: newest first."""

    state: OrderState | None = None
    mode: Mode | None = None
    limit: Limit = 200


class ListFills(Params):
    """``fill.list``: newest first."""

    symbol: str | None = None
    limit: Limit = 200


class ListDeadLetters(Params):
    """``deadletter.list``: newest first."""

    state: DeadLetterState | None = DeadLetterState.DEAD
    limit: Limit = 200


class RetryDeadLetter(Params):
    """``deadletter.retry``."""

    id: OrderId
    actor: Text = "control socket"


class DiscardDeadLetter(RetryDeadLetter):
    """``deadletter.discard``."""

    reason: Text


class SetMode(Params):
    """``mode.set``."""

    mode: Mode
    reason: Text
    actor: Text
    cancel_open: bool = False
    confirm: str | None = None


class StartStrategy(Params):
    """``strategy.start``."""

    name: Text
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)


class StrategyByName(Params):
    """``strategy.stop``."""

    name: Text


class Shutdown(Params):
    """``engine.shutdown``."""

    reason: Text = "asked to"


class Subscribe(Params):
    """``subscribe``: replaces the connection's topics."""

    topics: list[Topic]


class Candles(Params):
    """``market.candles``."""

    symbol: str
    timeframe: Annotated[str, Field(pattern=_TIMEFRAME)] | None = None
    limit: Annotated[int, Field(ge=1, le=1500)] = 500


class BySymbol(Params):
    """``market.book``."""

    symbol: str


_WORDS: Final[Mapping[str, str]] = {
    _ORDER_ID: "write the order's id: 32 hex digits, lower case",
    _REQUEST_ID: "write 1 to 64 letters, digits or any of _ . : -",
    _TIMEFRAME: "write a number and a unit, such as 1m, 15m, 4h, 1d",
}
"""What is wanted, by the pattern that was not met."""


def _said(item: Mapping[str, Any]) -> str:
    pattern = item.get("ctx", {}).get("pattern")
    return _WORDS.get(pattern, item["msg"].removeprefix("Value error, "))


_P = TypeVar("_P", bound=Params)


def parse(kind: type[_P], params: Mapping[str, Any]) -> _P:
    """Return the checked parameters.

    Raises:
        RpcError: With ``INVALID_PARAMS``; the message names every parameter that is wrong.
    """
    try:
        return kind.model_validate(params)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc'])}: {_said(item)}"
            for item in error.errors(include_url=False, include_input=False)
        ]
        known = ", ".join(kind.model_fields) or "none"
        raise RpcError(
            ErrorCode.INVALID_PARAMS, f"{'; '.join(problems)} (parameters: {known})"
        ) from None


def handler(
    kind: type[_P], handle: Callable[[_P], Awaitable[object]]
) -> Callable[[Mapping[str, Any], Subscriber], Awaitable[object]]:
    """Return a handler of raw requests that checks their parameters before ``handle`` sees them."""

    async def checked(params: Mapping[str, Any], _: Subscriber) -> object:
        return await handle(parse(kind, params))

    return checked
