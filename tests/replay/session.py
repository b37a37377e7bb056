"""One run: the simulator replays a recording, the engine trades it, and everything is compared."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bench.processes import Engine, engine, simulator
from tests.replay.agreement import Evidence, disagreements
from tests.replay.engine_evidence import read_journal, read_metrics
from tests.replay.venue_evidence import Venue, wait_until_ended

RECORDING: Final = Path("market/raw_binance_spot_20240808/btcusdt_combined_stream.jsonl.gz")
RECORDED_S: Final = 651.0
STANDSTILL: Final = "0.0001"
"""The speed until the strategies run, so that they miss nothing of the recording."""

AGREE_S: Final = 30.0
"""Longest wait for the last stream events and balances after the market has ended."""

SETTINGS: Final = (
    'symbols=["BTC/USDT"]',
    "mode.start=live",
    "risk.max_position_notional=1000000",
    "risk.max_orders_per_10s=100000",
    "risk.max_open_orders=180",
    "risk.max_total_notional=100000000",
    "risk.max_daily_loss=100000000",
    "failover.enabled=false",
)
STRATEGIES: Final[dict[str, dict[str, object]]] = {
    "moving_average_cross": {"amount": "0.005", "fast": 1, "slow": 2, "sample_s": 1},
    "grid": {"amount": "0.0025", "levels": 5, "step": "0.00003"},
}


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a run showed.

    Attributes:
        disagreements: Empty when all agree.
        orders: Orders on the exchange, by their state.
        trades: Trades of the account.
        by_strategy: Orders in the journal, by origin.
        unsent: Why orders in the journal are not on the exchange: the first word of each reason.
        wall_s: From the strategies' start to the recording's end.
        market_trades: Public trades that were replayed.
    """

    disagreements: list[str]
    orders: Counter[str]
    trades: int
    by_strategy: Counter[str]
    unsent: Counter[str]
    wall_s: float
    market_trades: int


def replay(
    recording: Path, folder: Path, *, speed: float, say: Callable[[str], None]
) -> ReplayReport:
    """Replay ``recording`` at ``speed`` and return what came of it."""
    with (
        simulator(folder, "--market", str(recording), "--speed", STANDSTILL) as venue_process,
        engine(venue_process, folder, *SETTINGS, profile=None) as running,
    ):
        venue = Venue(venue_process.port)
        return _trade(venue, running, speed=speed, say=say)


def _trade(
    venue: Venue, running: Engine, *, speed: float, say: Callable[[str], None]
) -> ReplayReport:
    before = venue.balances()
    began = time.monotonic()
    with running.client() as client:
        for name, params in STRATEGIES.items():
            client.call("strategy.start", name=name, params={"symbol": "BTC/USDT", **params})
    venue.set_speed(speed)
    say("both strategies trade; waiting for the end of the recording")
    wait_until_ended(venue, RECORDED_S / speed * 3 + 30)
    wall_s = time.monotonic() - began
    found = _agreement(venue, running, before)
    say(f"the market has ended: {len(found.trades)} trades, {len(found.orders)} orders")
    first = disagreements(found)
    with running.client(timeout_s=60.0) as client:  # their open orders are cancelled
        for name in STRATEGIES:
            client.call("strategy.stop", name=name)
    found = _agreement(venue, running, before)
    return ReplayReport(
        disagreements=[*first, *disagreements(found)],
        orders=Counter(order["status"] for order in found.orders),
        trades=len(found.trades),
        by_strategy=Counter(order["origin"] for order in found.journal.orders),
        unsent=Counter(
            str(order["reason"]).partition(":")[0]
            for order in found.journal.orders
            if order["state"] in {"denied", "rejected"}
        ),
        wall_s=wall_s,
        market_trades=venue.state()["counts"]["market_trades"],
    )


def _agreement(venue: Venue, running: Engine, before: dict[str, Decimal]) -> Evidence:
    """Gather the evidence, again until it agrees or ``AGREE_S`` are over."""
    until = time.monotonic() + AGREE_S
    while True:
        found = _gather(venue, running, before)
        if not disagreements(found) or time.monotonic() > until:
            return found
        time.sleep(0.5)


def _gather(venue: Venue, running: Engine, before: dict[str, Decimal]) -> Evidence:
    with running.client() as client:
        portfolio: Any = client.call("portfolio.get")
    return Evidence(
        orders=venue.orders(),
        trades=venue.trades(),
        refused=frozenset(
            str(entry["client_order_id"]) for entry in venue.received() if not entry["accepted"]
        ),
        before=before,
        after=venue.balances(),
        account=venue.account(),
        journal=read_journal(running.state_dir / "cryptobot.db"),
        portfolio=portfolio,
        samples=read_metrics(running.metrics_url),
    )
