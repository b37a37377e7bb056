"""Orders at a steady rate over the control socket: a seeded mix, on several connections."""

import random
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import RpcError
from tests.e2e.harness.waiting import wait_for

AMOUNTS = {"BTC/USDT": "0.001", "ETH/USDT": "0.02", "SOL/USDT": "0.5"}
CENT = Decimal("0.01")
RESTING_KEPT = 4
"""Orders of one connection that may rest; then the oldest is cancelled."""
PRICES_EVERY = 20
"""Placements of one connection between two looks at the market."""
ANSWER_S = 30.0


@dataclass(slots=True)
class Tally:
    """What the load saw, shared by its connections.

    Attributes:
        orders: Every order answered, by its id, as the answer left it.
        outcomes: How many answers by ``mode state``.
        reasons: Why orders were denied, rejected or are unresolved.
        errors: How many JSON-RPC errors by message, connection losses included.
    """

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, order: dict[str, Any]) -> None:
        """Count an answer of ``order.place``."""
        with self.lock:
            self.orders[order["order_id"]] = order
            outcome = f"{order['mode']} {order['state']}"
            self.outcomes[outcome] += 1
            if order["reason"]:
                self.reasons[f"{outcome}: {order['reason'][:80]}"] += 1

    def error(self, what: str) -> None:
        """Count an error."""
        with self.lock:
            self.errors[what] += 1

    def sent(self, mode: str) -> int:
        """Return how many orders of a mode were answered and not denied."""
        with self.lock:
            return sum(
                count
                for outcome, count in self.outcomes.items()
                if outcome.startswith(mode) and not outcome.endswith("denied")
            )


class OrderLoad:
    """Places orders until it is closed; connects again when the engine was away.

    Args:
        socket_path: The engine's control socket.
        seed: Of the mix.
        rate: Orders a second, all connections together.
        connections: How many; each waits for its answer before its next order.
    """

    def __init__(
        self, socket_path: Path, *, seed: int, rate: float = 20.0, connections: int = 4
    ) -> None:
        self.tally = Tally()
        self._socket_path = socket_path
        self._every_s = connections / rate
        self._broken: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run,
                args=(random.Random(seed * 1000 + number), number / rate),
                name=f"load-{number}",
            )
            for number in range(connections)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._broken and error is None:
            raise self._broken[0]

    def until_sent(self, count: int, mode: str = "live", deadline_s: float = 60.0) -> None:
        """Return when ``count`` more orders of a mode were answered."""
        goal = self.tally.sent(mode) + count
        wait_for(
            f"{count} more {mode} orders",
            lambda: self.tally.sent(mode) >= goal,
            deadline_s=deadline_s,
            detail=lambda: (self.tally.outcomes, self.tally.errors, self._broken),
        )

    def _run(self, rng: random.Random, start_after_s: float) -> None:
        try:
            self._place_until_stopped(rng, start_after_s)
        except Exception as error:  # noqa: BLE001 - raised again where the load ends
            self._broken.append(error)

    def _place_until_stopped(self, rng: random.Random, start_after_s: float) -> None:
        due = time.monotonic() + start_after_s
        while not self._stop.is_set():
            try:
                with ControlClient(self._socket_path, timeout_s=ANSWER_S) as client:
                    trader = _Trader(client, rng, self.tally)
                    while not self._stop.wait(max(0.0, due - time.monotonic())):
                        due = max(due + self._every_s, time.monotonic() - 1.0)
                        trader.act()
            except (OSError, ValueError) as error:  # ValueError: a line cut off by the kill
                self.tally.error(type(error).__name__)
                self._stop.wait(0.02)


class _Trader:
    """One connection's orders."""

    def __init__(self, client: ControlClient, rng: random.Random, tally: Tally) -> None:
        self._client = client
        self._rng = rng
        self._tally = tally
        self._resting: deque[str] = deque()
        self._market: dict[str, Any] = {}
        self._until_prices = 0

    def act(self) -> None:
        """Place one order, and cancel one when enough rest."""
        if self._until_prices <= 0:
            self._market = self._call("engine.status")["market"]
            self._until_prices = PRICES_EVERY
            if any(None in quote.values() for quote in self._market.values()):
                self._until_prices = 0
                return  # an engine that has just started knows no prices yet
        self._until_prices -= 1
        try:
            order = self._call("order.place", **self._intent())
        except RpcError as error:
            self._tally.error(error.message)
            return
        self._tally.answered(order)
        if order["state"] in {"accepted", "partially_filled", "unresolved"}:
            self._resting.append(order["order_id"])
        if len(self._resting) > RESTING_KEPT:
            try:
                self._call("order.cancel", order_id=self._resting.popleft())
            except RpcError as error:
                self._tally.error(f"cancel: {error.message[:60]}")

    def _intent(self) -> dict[str, str]:
        symbol = self._rng.choice(sorted(AMOUNTS))
        side = self._rng.choice(("buy", "sell"))
        kind = self._rng.choices(("near", "deep", "market", "ioc", "maker"), (35, 20, 25, 12, 8))[0]
        amount = Decimal(AMOUNTS[symbol]) * self._rng.choice((1, 2, 5))
        intent = {"symbol": symbol, "side": side, "type": "limit", "amount": str(amount)}
        if kind == "market":
            return {**intent, "type": "market"}
        quote = self._market[symbol]
        own, other = ("bid", "ask") if side == "buy" else ("ask", "bid")
        away = Decimal(-1 if side == "buy" else 1)
        if kind == "ioc":
            price = Decimal(quote[other]) * (1 - away * Decimal("0.0002"))
            intent["time_in_force"] = "IOC"
        elif kind == "maker":
            price = Decimal(quote[own])
            intent["type"] = "limit_maker"
        else:
            distance = Decimal("0.02") if kind == "deep" else Decimal("0.0001")
            price = Decimal(quote[own]) * (1 + away * distance)
        return {**intent, "price": str(price.quantize(CENT, ROUND_DOWN))}

    def _call(self, method: str, **params: object) -> Any:
        return self._client.call(method, **params)
