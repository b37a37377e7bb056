"""What an operation has at hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from cryptobot.simulator.account_desk import AccountDesk, Received
from cryptobot.simulator.account_history import AccountHistory, AccountView
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.params import Params
from cryptobot.simulator.security import Gatekeeper
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.venue import Venue
from cryptobot.simulator.wire_error import WireError


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange's parts, as one value."""

    venue: Venue
    desk: AccountDesk
    limits: RateLimits
    gatekeeper: Gatekeeper
    history: AccountHistory

    def market(self, wire: str) -> SymbolMarket:
        """Return a symbol by its wire name. Raises ``WireError`` -1121."""
        market = self.venue.markets.get(wire)
        if market is None:
            raise WireError(-1121, "Invalid symbol.")
        return market


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed the gate.

    Attributes:
        account: The account's orders, trades and balances as this request may see them.
        entry: The line in the order log, for operations that place orders.
    """

    exchange: Exchange
    params: Params
    account: AccountView
    entry: Received | None = None


class Security(Enum):
    """What a request must bring."""

    NONE = auto()
    SIGNED = auto()


Weight = int | Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a client may ask.

    Attributes:
        name: What it is called where it is talked about.
        run: Returns what becomes the JSON body. Raises ``WireError``.
        known: Names of its parameters; others are refused.
        weight: Request weight, or how it follows from the parameters.
        counts_orders: Its answers carry the order counts.
        places: It places orders: every request is kept in the order log.
    """

    name: OperationName
    run: Callable[[Call], object]
    known: frozenset[str] = field(default_factory=frozenset)
    weight: Weight = 1
    security: Security = Security.NONE
    counts_orders: bool = False
    places: bool = False

    def weight_of(self, params: Params) -> int:
        """Return the request's weight."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)
