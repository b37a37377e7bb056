"""An engine that follows a script, on a real control socket: for the window's tests only.

It speaks ``cryptobot.control.protocol`` from a thread of its own. ``hang`` makes it accept and
never answer, like a stopped process; ``refuse_live`` and ``refuse`` make it refuse;
``market_silent`` keeps the market's data back while the status goes on as if nothing were the
matter.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from tests.gui.scripted_account import ScriptedAccount, stamp
from tests.gui.scripted_health import ScriptedHealth
from tests.gui.scripted_market import ScriptedMarket

_PRICES = {
    "BTC/USDT": (61_840.0, "0.01"),
    "ETH/USDT": (2_684.0, "0.01"),
    "SOL/USDT": (154.2, "0.01"),
}
_OPEN = ("submitted", "accepted", "partially_filled", "unresolved")


class Refused(Exception):  # noqa: N818 - it is an answer
    """Answered as a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.answer = {"code": code, "message": message, "data": data}


class ScriptedEngine:
    """Serves one state directory."""

    def __init__(
        self, state_dir: Path, *, mode: str = "paper", simulated: bool = False, seed: int = 7
    ) -> None:
        self.state_dir = state_dir
        self.simulated = simulated
        self.account = ScriptedAccount(seed, mode)
        self.health = ScriptedHealth()
        self.refuse: str | None = None
        self.refuse_place: str | None = None
        self.mode_since, self.mode_reason = time.time(), "started"
        self.trading_state, self.fenced, self.exchange_up = "active", False, True
        self.live_blockers: list[str] = []
        self.refuse_live: list[dict[str, str]] = []
        self.stay_open: list[dict[str, Any]] = []
        self.in_flight: list[dict[str, Any]] = []
        self.strategies: list[dict[str, Any]] = []
        self.hang = False
        self.silent = False
        self.market_silent = False
        self.balances_at: float | None = None
        self.requests: list[dict[str, Any]] = []
        self.started = time.time()
        self.markets = {
            name: ScriptedMarket(name, price, step, seed, self.started)
            for name, (price, step) in _PRICES.items()
        }
        self._writers: set[asyncio.StreamWriter] = set()
        self._subscribed: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        self._ready.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            with suppress(RuntimeError):  # it stopped by itself
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def join(self, timeout: float) -> bool:
        """Wait until it stopped by itself; return whether it did."""
        assert self._thread is not None
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def tell(self, topic: str, data: object) -> None:
        """Send a notification to all who subscribed."""
        self.run(lambda: self._tell(topic, data))

    def send_raw(self, line: bytes) -> None:
        """Send bytes as they are."""

        def send() -> None:
            for writer in self._subscribed:
                writer.write(line)

        self.run(send)

    def run(self, work: Callable[[], object]) -> None:
        """Run ``work`` in the engine's thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(work)

    def asked(self, method: str) -> list[dict[str, Any]]:
        """Return the parameters of every call of ``method`` so far."""
        return [each.get("params", {}) for each in self.requests if each["method"] == method]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        path = self.state_dir / "control.sock"
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._client, path, limit=2**20)
        beat = asyncio.create_task(self._beat())
        self._ready.set()
        await self._stop.wait()
        beat.cancel()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        path.unlink(missing_ok=True)

    async def _beat(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(0.25)
            turn += 1
            if self.silent or self.hang:
                continue
            for market in () if self.market_silent else self.markets.values():
                market.roll(time.time())
                candle = market.tick()
                self._tell(
                    "candles", {"symbol": market.symbol, "timeframe": "1m", "candle": candle}
                )
                self._tell("book", market.book())
            if turn % 4 == 0:
                self._tell("status", self.status())
                self._tell("portfolio", self.portfolio())

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError):
            while line := await reader.readline():
                request = json.loads(line)
                self.requests.append(request)
                if not self.hang:
                    self._answer(request, writer)
        self._writers.discard(writer)
        self._subscribed.discard(writer)
        writer.close()

    def _answer(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        method, params = request["method"], request.get("params", {})
        try:
            if method == "subscribe":
                self._subscribed.add(writer)
                answer["result"] = {}
            else:
                answer["result"] = getattr(self, method.replace(".", "_"))(**params)
        except Refused as refused:
            answer["error"] = refused.answer
        writer.write(json.dumps(answer).encode() + b"\n")

    def _tell(self, topic: str, data: object) -> None:
        event = {"jsonrpc": "2.0", "method": "event", "params": {"topic": topic, "data": data}}
        line = json.dumps(event).encode() + b"\n"
        for writer in self._subscribed:
            writer.write(line)

    def status(self) -> dict[str, Any]:
        """Return the status."""
        market = {
            name: {
                "bid": str(m.candles[-1][4]),
                "ask": str(m.candles[-1][4]),
                "last": str(m.candles[-1][4]),
                "age_ms": 40,
            }
            for name, m in self.markets.items()
        }
        failed = sum(
            order["failed"] and order["mode"] == "live" for order in self.account.orders.values()
        )
        return {
            "version": "0.1.0",
            "pid": os.getpid(),
            "uptime_s": time.time() - self.started,
            "state_dir": str(self.state_dir),
            "account": "demo" if self.simulated else "main",
            **self.mode_data(),
            "live_blockers": self.live_blockers,
            "exchange": {
                "id": "binance",
                "up": self.exchange_up,
                "simulated": self.simulated,
                "connect_to": "127.0.0.1:18443" if self.simulated else None,
                "clock_skew_ms": 1.4,
                "streams": {
                    **{
                        name: {"connected": self.exchange_up, "age_ms": 38}
                        for name in ("book", "trades", "candles")
                    },
                    "orders": {"connected": True, "age_ms": 420_000},
                    "fills": {"connected": False, "age_ms": None},
                    "order_entry": {"connected": False, "age_ms": None},
                },
            },
            "symbols": list(self.markets),
            "timeframe": "1m",
            "orders": {
                "open": len(self.account.with_state(*_OPEN)),
                "unresolved": len(self.account.with_state("unresolved")),
                "in_flight": 0,
                "sent_total": len(self.account.orders),
                "failed_total": failed,
            },
            **self.health.status(self.account.mode),
            "latency_ms": {"count": 120, "p50": 14.2, "p95": 41.0},
            "market": market,
            "health": {
                "status": "ok" if self.exchange_up else "degraded",
                "components": {"journal": {"status": "ok", "detail": "0.8 ms"}},
            },
            "metrics": {"host": "127.0.0.1", "port": 9100},
            "strategies": {"running": 2, "failed": 0},
            "event_loop_lag_ms": 0.6,
        }

    def mode_data(self) -> dict[str, Any]:
        """Return the mode."""
        return {
            "mode": self.account.mode,
            "mode_since": stamp(self.mode_since),
            "mode_reason": self.mode_reason,
            "trading_state": self.trading_state,
            "fenced": self.fenced,
        }

    def portfolio(self) -> dict[str, Any]:
        """Return balances and positions."""
        mark = Decimal(str(self.markets["BTC/USDT"].candles[-1][4]))
        average = Decimal("61792.4")
        gain = ((mark - average) * Decimal("0.0835")).quantize(Decimal("0.01"))
        return {
            "mode": self.account.mode,
            "currency": "USDT",
            "equity": str(Decimal("104812.55") + gain),
            "balances_at": stamp(self.balances_at or time.time()),
            "balances": [
                {"asset": "USDT", "free": "94120.88", "locked": "1236.8", "total": "95357.68"},
                {"asset": "BTC", "free": "0.0835", "locked": "0.02", "total": "0.1035"},
                {"asset": "ETH", "free": "1.5", "locked": "0", "total": "1.5"},
            ],
            "positions": [
                {
                    "symbol": "BTC/USDT",
                    "amount": "0.0835",
                    "average": str(average),
                    "mark": str(mark),
                    "unrealized": str(gain),
                    "realized": "41.27",
                },
                {
                    "symbol": "ETH/USDT",
                    "amount": "-0.4",
                    "average": "2671.2",
                    "mark": "2684.6",
                    "unrealized": "-5.36",
                    "realized": "0",
                },
            ],
        }

    # The methods of the protocol, by name.
    engine_status = status
    portfolio_get = portfolio

    def engine_shutdown(self, reason: str) -> dict[str, Any]:
        assert reason
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_later(0.05, self._stop.set)
        return {}

    def mode_set(
        self, mode: str, reason: str, actor: str, cancel_open: bool = False, confirm: str = ""
    ) -> dict[str, Any]:
        assert actor
        if mode == "live" and (self.refuse_live or confirm != self.status()["account"]):
            why = "; ".join(
                f"{each['precondition']}: {each['detail']}" for each in self.refuse_live
            )
            raise Refused(-32001, f"live refused: {why}", {"failed": self.refuse_live})
        self.account.mode, self.mode_since, self.mode_reason = mode, time.time(), reason
        self.fenced = mode == "paper"
        self._tell("mode", {**self.mode_data(), "trigger": "operator", "actor": actor})
        self._tell("status", self.status())
        stay, canceled = ([], self.stay_open) if cancel_open else (self.stay_open, [])
        return {
            **self.mode_data(),
            "open_live_orders": stay,
            "in_flight": self.in_flight,
            "canceled": canceled,
        }

    def order_place(self, symbol: str, side: str, amount: str, **rest: str) -> dict[str, Any]:
        if self.refuse_place is not None:
            raise Refused(-32007, self.refuse_place)
        price, kind = rest.get("price"), rest["type"]
        in_force = rest.get("time_in_force", "GTC")
        at = Decimal(price) if price else Decimal(str(self.markets[symbol].candles[-1][4]))
        order = self.account.order(
            symbol, side, at, type=kind, amount=amount, time_in_force=in_force
        )
        self._tell("orders", order)
        if kind == "market":
            fill = self.account.fill(order, at)
            self._tell("orders", order)
            self._tell("fills", fill)
        return order

    def order_cancel(self, order_id: str) -> dict[str, Any]:
        order = self.account.orders.get(order_id)
        if order is None:
            raise Refused(-32002, f"no order {order_id}")
        order |= {"state": "canceled", "updated_at": stamp(time.time())}
        self._tell("orders", order)
        return order

    def order_settle(self, order_id: str, outcome: str, **told: str) -> dict[str, Any]:
        self._refuse_if_told()
        order = self.account.orders[order_id]
        state = "accepted" if outcome == "adopt" else "rejected"
        order |= {"state": state, "reason": told["reason"], "updated_at": stamp(time.time())}
        self._tell("orders", order)
        return order

    def deadletter_list(self, limit: int) -> list[dict[str, Any]]:
        if self.health.unreadable is not None:
            raise Refused(-32003, self.health.unreadable)
        return self.health.dead()[:limit]

    def deadletter_retry(self, id: str, actor: str) -> dict[str, Any]:  # noqa: A002 - the protocol's
        self._refuse_if_told()
        return self.health.close(id, "retried", "placed anew as order 7: accepted", actor)

    def deadletter_discard(self, id: str, reason: str, actor: str) -> dict[str, Any]:  # noqa: A002 - the protocol's
        self._refuse_if_told()
        return self.health.close(id, "discarded", reason, actor)

    def reconciliation_get(self) -> dict[str, Any] | None:
        return self.health.run

    def _refuse_if_told(self) -> None:
        if self.refuse is not None:
            raise Refused(-32007, self.refuse)

    def order_list(self, state: str | None = None, limit: int = 1_000) -> list[dict[str, Any]]:
        orders = self.account.with_state(state) if state else list(self.account.orders.values())
        return orders[::-1][:limit]

    def fill_list(self, limit: int = 1_000) -> list[dict[str, Any]]:
        return self.account.fills[::-1][:limit]

    def strategy_list(self) -> list[dict[str, Any]]:
        return self.strategies

    def strategy_start(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        return self._strategy(name, "running", params)

    def strategy_stop(self, name: str) -> dict[str, Any]:
        return self._strategy(name, "stopped", {})

    def _strategy(self, name: str, state: str, params: dict[str, Any]) -> dict[str, Any]:
        for row in self.strategies:
            if row["name"] == name:
                row |= {"state": state, "params": params}
                self._tell("strategies", self.strategies)
                return row
        raise Refused(-32002, f"no strategy {name}")

    def instrument_list(self) -> list[dict[str, Any]]:
        return [
            {
                "symbol": name,
                "base": name[:3],
                "quote": "USDT",
                "price_step": str(m.step),
                "amount_step": "0.00001",
                "min_amount": "0.00001",
                "min_notional": "5",
            }
            for name, m in self.markets.items()
        ]

    def market_candles(self, symbol: str, timeframe: str, limit: int = 500) -> dict[str, Any]:
        if timeframe != "1m":
            raise Refused(-32602, f"no candles of {timeframe} here")
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "candles": self.markets[symbol].candles[-limit:],
        }
