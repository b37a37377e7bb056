"""What a run needs of an exchange and of the ways to it. There are two, of different depth.

``model``: the client is a model, and the exchange is the matching engine alone. Many runs a second.
``wire``: the real client, ccxt and aiohttp among it, against the simulator's web application, over
a network in memory. Few runs a second, and nothing between strategy and wire is left out.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from cryptobot.domain.clock import Clock
from cryptobot.matching.records import OrderRecord
from cryptobot.trading.exchange import Balance

from .scenario import Scenario
from .virtual_loop import VirtualClock, VirtualLoop
from .weather import Weather


class Judged(Protocol):
    """An exchange as the world sees it: what is, at once and without fault."""

    def price(self, symbol: str) -> Decimal:
        """Return the middle of the market."""
        ...

    def holds(self, client_order_id: str) -> bool:
        """Whether there is, or was, such an order."""
        ...

    def orders(self) -> list[OrderRecord]:
        """Return every order there ever was, as it is now."""
        ...

    def trades(self) -> set[tuple[str, str]]:
        """Return symbol and id of every trade of the account."""
        ...

    def balances(self) -> dict[str, Balance]:
        """Return what the account holds now."""
        ...


class Witness(Protocol):
    """Sees what happens at the edges."""

    def on_noise(self, what: str) -> None:
        """A request left while the exchange wants silence."""
        ...

    def on_left(self, name: str, what: str) -> None:
        """The bytes of an order left."""
        ...

    def on_sent(self, name: str) -> None:
        """An order is on its way and may arrive, whatever its sender hears."""
        ...

    def on_arrived(self, name: str) -> None:
        """The exchange has executed or refused an order."""
        ...

    def on_lost(self, name: str) -> None:
        """An order will not arrive any more."""
        ...

    def on_report(self) -> None:
        """The exchange has something to say of an order."""
        ...

    def on_event(self, what: str) -> None:
        """Something happened that is worth a line."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds an exchange.

    Attributes:
        clock: Of the machine on which the engines run.
        weather: How it is now.
    """

    loop: VirtualLoop
    clock: VirtualClock
    scenario: Scenario
    weather: Callable[[], Weather]
    witness: Witness

    def rng(self, purpose: str) -> Random:
        """Return what chooses for a purpose."""
        return Random(f"{purpose}-{self.scenario.seed}")


class Way(Protocol):
    """From one engine process to the exchange."""

    seed: int

    def client(self, config: Any, clock: Clock, /, **observers: Any) -> Any:
        """Make the engine's client, with the arguments of ``ExchangeClient``."""
        ...

    def close(self) -> None:
        """Cut it: the process is gone. What has left already arrives."""
        ...

    def at_rest(self) -> None:
        """Let the weather do to open connections what it does."""
        ...


class Tier(Protocol):
    """An exchange in a world."""

    @property
    def exchange(self) -> Judged:
        """The exchange as it is."""
        ...

    def installed(self) -> AbstractContextManager[None]:
        """Make the machine fit for a run."""
        ...

    async def open(self) -> None:
        """Begin."""
        ...

    def way(self, rng: Random) -> Way:
        """Make the way of a new engine."""
        ...

    def move(self) -> None:
        """Let the market move a step, and all hear of it."""
        ...

    def begin_faults(self) -> None:
        """The scenario begins now."""
        ...

    def end_faults(self) -> None:
        """All faults are over."""
        ...
