"""What each exchange can do: one row for each that may trade live.

Where a rule comes from stands beside it: *ccxt* is its code, version 4.5.90; *docs* is the
exchange's own documentation. What neither tells is taken at its weakest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptobot.domain.errors import NotSent
from cryptobot.domain.order import OrderType, TimeInForce
from cryptobot.trading.error_codes import (
    BINANCE_CODES,
    BYBIT_CODES,
    KRAKEN_CODES,
    NO_CODES,
    OKX_CODES,
    ErrorCodes,
)
from cryptobot.trading.exchange import OrderRequest


class Proof(StrEnum):
    """How far an exchange is proven; nothing here was traded for real money."""

    SIMULATOR = "simulator, faults, ccxt's own suite"
    RECORDED = "request building and recorded messages"
    NONE = "nothing: paper only"


class Uniqueness(StrEnum):
    """Among which of an account's orders a client order id must be unique."""

    OPEN = "open orders"
    EVER = "all orders"
    UNDOCUMENTED = "undocumented"


@dataclass(frozen=True, slots=True)
class LookUp:
    """One step of looking an order up by our id.

    Attributes:
        method: ccxt's method.
        parameter: What our id is called there.
        lists: Where a reply holds the list that the exchange has filtered by the id; ``None``: the
            answer is the order itself. ccxt gives an empty list also for a reply without any, such
            as a proxy's page: that one says nothing about the order.
    """

    method: str
    parameter: str
    lists: tuple[str, ...] | None = None

    def is_answer(self, reply: object) -> bool:
        """Return whether an exchange's reply holds the list, empty or not."""
        for name in self.lists or ():
            if not isinstance(reply, Mapping) or name not in reply:
                return False
            reply = reply[name]
        return True


@dataclass(frozen=True, slots=True)
class ClientId:
    """How an exchange takes an order's id of ours.

    Attributes:
        place: The parameter's name for a new order.
        cancel: Its name for a cancel.
        look_ups: Asked in this order; "not found" needs the "not found" of all.
        form: What an id may be, as a regular expression for the whole of it.
        unique: Among which orders a second one with the id is refused. Only with ``EVER`` may an
            order be sent again under the same id without a look-up.
    """

    place: str
    cancel: str
    look_ups: tuple[LookUp, ...]
    form: str
    unique: Uniqueness

    def fits(self, client_order_id: str) -> bool:
        """Return whether the exchange takes that id."""
        return re.fullmatch(self.form, client_order_id) is not None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an exchange can do.

    Attributes:
        exchange: Its ccxt id.
        proof: How far it is proven.
        client_id: How our ids are taken; ``None``: an order whose answer was lost could not be
            found again, so it must not trade live.
        acknowledges: Whether an answer to a write is a mere acknowledgement, without a state.
        times_in_force: What a limit order may ask for; anything else is refused here.
        order_by_websocket: Whether orders may go by websocket: ccxt.pro builds the request, and
            what every answer proves was shown against the simulator. REST is always there besides.
        one_host: Hosts whose limits are another's, by name.
        needs_password: Whether a key has a passphrase.
        one_nonce: Whether every request of a key needs a higher number than the one before.
        orders_per_10s: New orders that it takes in 10 s; the lower of this and the setting counts.
        balances_in: The part of a balance reply without which it says nothing.
        options: ccxt's options for it.
        codes: What its error codes prove.
    """

    exchange: str
    proof: Proof
    client_id: ClientId | None
    acknowledges: bool = False
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    order_by_websocket: bool = False
    one_host: Mapping[str, str] = field(default_factory=dict)
    needs_password: bool = False
    one_nonce: bool = False
    orders_per_10s: int = 50
    balances_in: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    codes: ErrorCodes = NO_CODES

    @property
    def live_refusal(self) -> str | None:
        """Why it must not trade live, in one line; ``None``: it may."""
        if self.client_id is None:
            return (
                f"{self.exchange} trades on paper only: nothing proves that an order could be "
                "found again there when its answer is lost; live orders go to "
                f"{', '.join(CAPABILITIES)}"
            )
        return None

    @property
    def limits(self) -> str | None:
        """What is refused or weaker than elsewhere, in one line; ``None``: nothing."""
        if self.live_refusal is not None:
            return self.live_refusal
        missing = sorted(set(TimeInForce) - self.times_in_force)
        parts = [
            f"proven by {self.proof} only" if self.proof is not Proof.SIMULATOR else "",
            "answers are acknowledgements, states come by stream" if self.acknowledges else "",
            f"no {', '.join(missing)} orders" if missing else "",
        ]
        return f"{self.exchange}: {'; '.join(filter(None, parts))}" if any(parts) else None

    @property
    def websocket_refusal(self) -> str | None:
        """Why orders must not go by websocket, in one line; ``None``: they may."""
        if self.order_by_websocket:
            return None
        proven = ", ".join(row.exchange for row in CAPABILITIES.values() if row.order_by_websocket)
        return f"orders go to {self.exchange} by rest only; websocket is proven for {proven}"

    def own_id(self) -> ClientId:
        """Return how our ids are taken. Raises ``NotSent`` where they are not."""
        if self.client_id is None:
            raise NotSent(str(self.live_refusal), "unsupported")
        return self.client_id

    def order_params(self, request: OrderRequest) -> dict[str, object]:
        """Return ccxt's parameters for an order, in the exchange's own names where ccxt has none.

        All four take ccxt's ``postOnly`` and ``timeInForce`` (ccxt turns them into each one's own).

        Raises:
            NotSent: The exchange does not take such an order.
        """
        own_id = self.own_id()
        if not own_id.fits(request.client_order_id):
            raise NotSent(
                f"{self.exchange} takes no order id like {request.client_order_id!r}", "unsupported"
            )
        params: dict[str, object] = {own_id.place: request.client_order_id}
        if request.type is OrderType.LIMIT_MAKER:
            params["postOnly"] = True
        elif request.type is OrderType.LIMIT:
            if request.time_in_force not in self.times_in_force:
                raise NotSent(
                    f"{self.exchange} takes no {request.time_in_force} orders", "unsupported"
                )
            params["timeInForce"] = str(request.time_in_force)
        return params


BINANCE: Final = Capabilities(
    exchange="binance",
    proof=Proof.SIMULATOR,
    # docs: newClientOrderId "a unique id among open orders", [\.A-Z\:/a-z0-9_-]{1,36}.
    client_id=ClientId(
        place="newClientOrderId",
        cancel="origClientOrderId",
        look_ups=(LookUp("fetch_order", "origClientOrderId"),),
        form=r"[.A-Z:/a-z0-9_-]{1,36}",
        unique=Uniqueness.OPEN,
    ),
    order_by_websocket=True,
    # docs: weights are counted by address and orders by account, whichever API they came by.
    one_host=MappingProxyType({"ws-api.binance.com": "api.binance.com"}),
    orders_per_10s=100_000,  # the setting alone: the account's own is in its exchangeInfo
    balances_in="balances",
    codes=BINANCE_CODES,
)

KRAKEN: Final = Capabilities(
    exchange="kraken",
    proof=Proof.RECORDED,
    # docs, "Spot client order identifiers": a UUID, its 32 hex digits, or 18 signs of text; unique
    # among open orders. ccxt's fetch_order knows only Kraken's ids (QueryOrders has no cl_ord_id),
    # so both lists are asked. An order that closes between the two shows in the second.
    client_id=ClientId(
        place="cl_ord_id",
        cancel="cl_ord_id",
        look_ups=(
            LookUp("fetch_open_orders", "cl_ord_id", ("result", "open")),
            LookUp("fetch_closed_orders", "cl_ord_id", ("result", "closed")),
        ),
        form=r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-z]{1,18}",
        unique=Uniqueness.OPEN,
    ),
    acknowledges=True,
    # docs of AddOrder: GTC, IOC and GTD.
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
    one_nonce=True,
    # docs: a counter for each pair, 60 at most in the lowest tier, one more an order, one less a
    # second: this is what it bears for ever.
    orders_per_10s=10,
    balances_in="result",
    codes=KRAKEN_CODES,
)

OKX: Final = Capabilities(
    exchange="okx",
    proof=Proof.RECORDED,
    # docs: clOrdId, up to 32 letters and digits; a second one is refused with 51016 or 50071, but
    # not for how long. An order that was cancelled unfilled is forgotten after 2 hours.
    client_id=ClientId(
        place="clOrdId",
        cancel="clOrdId",
        look_ups=(LookUp("fetch_order", "clOrdId"),),
        form=r"[0-9A-Za-z]{1,32}",
        unique=Uniqueness.UNDOCUMENTED,
    ),
    acknowledges=True,
    needs_password=True,
    orders_per_10s=300,  # docs: 60 in 2 s for each instrument
    balances_in="data",
    # ccxt sends market buys in the base currency by its own default; said here all the same.
    options=MappingProxyType({"tgtCcy": "base_ccy"}),
    codes=OKX_CODES,
)

BYBIT: Final = Capabilities(
    exchange="bybit",
    proof=Proof.RECORDED,
    # docs: orderLinkId, up to 36 letters, digits, dashes and underscores, "always unique". ccxt's
    # fetch_order would send an empty orderId along, which docs give precedence, and needs
    # "acknowledged" because it sees the last 500 orders only. The lists go to the same two end
    # points with the id alone, and the second reaches back two years.
    client_id=ClientId(
        place="orderLinkId",
        cancel="orderLinkId",
        look_ups=(
            LookUp("fetch_open_orders", "orderLinkId", ("result", "list")),
            LookUp("fetch_canceled_and_closed_orders", "orderLinkId", ("result", "list")),
        ),
        form=r"[0-9A-Za-z_-]{1,36}",
        unique=Uniqueness.EVER,
    ),
    acknowledges=True,
    orders_per_10s=200,  # docs: 20 a second
    balances_in="result",
    # A classic account takes market buys in the quote currency: with this ccxt refuses one before
    # it is sent, instead of spending the base amount as quote. Unified accounts are not concerned.
    # ccxt's fetch_order, by the exchange's id, wants it said that the last 500 orders are enough.
    options=MappingProxyType(
        {
            "createOrder": {"createMarketBuyOrderRequiresPrice": True},
            "fetchOrder": {"acknowledged": True},
        }
    ),
    codes=BYBIT_CODES,
)

CAPABILITIES: Final[Mapping[str, Capabilities]] = MappingProxyType(
    {row.exchange: row for row in (BINANCE, KRAKEN, OKX, BYBIT)}
)
"""The exchanges that may trade live, by ccxt's id."""


def capabilities_of(exchange_id: str) -> Capabilities:
    """Return an exchange's row; one that is not in the table trades on paper only."""
    unknown = Capabilities(exchange=exchange_id, proof=Proof.NONE, client_id=None)
    return CAPABILITIES.get(exchange_id, unknown)
