"""An engine as a process against a simulated exchange."""

import json
import signal
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import FENCE_NAME, SOCKET_NAME
from tests.e2e.harness.exposition import Sample, scrape
from tests.e2e.harness.program import Program
from tests.e2e.harness.simulator_process import KEY, SECRET, SimulatorProcess
from tests.e2e.harness.waiting import wait_for

ACCOUNT = "demo"
KEYS = {"CRYPTOBOT_EXCHANGE__API_KEY": KEY, "CRYPTOBOT_EXCHANGE__SECRET": SECRET}
LOAD_SETTINGS = (
    "risk.max_orders_per_10s=100000",
    "risk.max_open_orders=100000",
    "risk.block_while_unresolved=false",
    "failover.failed_orders=0",
    "reconciliation.not_found_patience_s=2",
)
"""Limits that load does not reach, and quicker doubts about orders that never arrived."""


def engine_arguments(simulator: SimulatorProcess, home: Path) -> list[str]:
    """Return the arguments of an engine without strategies for the state in ``home``."""
    return [
        *("-m", "cryptobot", "engine", "--profile", "demo", "--ready-json"),
        *("--state-dir", str(home / "state"), "--log-dir", str(home / "logs")),
        *("--metrics-port", "0", "--set", "strategies.start=[]"),
        *("--connect-to", f"127.0.0.1:{simulator.tls_port}", "--tls-ca", str(simulator.ca)),
    ]


class EngineProcess(Program):
    """An engine that announced itself; LIVE on the simulator unless fenced.

    Args:
        simulator: Its exchange.
        home: ``state`` and ``logs`` are below; the same for the next engine that continues.
        settings: ``KEY=VALUE`` items.
        arguments: More options.
        prefix: A command that runs the engine.
    """

    def __init__(
        self,
        simulator: SimulatorProcess,
        home: Path,
        *,
        settings: Sequence[str] = LOAD_SETTINGS,
        arguments: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        self.state_dir = home / "state"
        self.socket_path = self.state_dir / SOCKET_NAME
        self.fence = self.state_dir / FENCE_NAME
        self.database = self.state_dir / "cryptobot.db"
        options = [part for item in settings for part in ("--set", item)]
        super().__init__(
            "engine",
            [*engine_arguments(simulator, home), *options, *arguments],
            home,
            environment=KEYS,
            prefix=prefix,
        )
        try:
            self.metrics_url = str(self.ready()["metrics"])
        except BaseException:
            self.end()
            raise

    def client(self, timeout_s: float = 10.0) -> ControlClient:
        """Return a connection to its control socket."""
        return ControlClient(self.socket_path, timeout_s=timeout_s)

    def call(self, method: str, **params: object) -> Any:
        """Return the answer of one control request."""
        with self.client() as client:
            return client.call(method, **params)

    def status(self) -> dict[str, Any]:
        """Return ``engine.status``."""
        return dict(self.call("engine.status"))

    def until(
        self, what: str, holds: Callable[[dict[str, Any]], object], deadline_s: float = 30.0
    ) -> dict[str, Any]:
        """Return the first status for which ``holds``."""

        def probe() -> dict[str, Any] | None:
            status = self.status()
            return status if holds(status) else None

        return wait_for(what, probe, deadline_s=deadline_s, poll_s=0.03, detail=self.status)

    def until_trading(self, mode: str = "live") -> dict[str, Any]:
        """Return the first status with the exchange up, market data, and trading active."""
        return self.until(
            f"trading {mode}",
            lambda status: (
                status["exchange"]["up"]
                and status["mode"] == mode
                and status["trading_state"] == "active"
                and all(None not in market.values() for market in status["market"].values())
            ),
        )

    def metrics(self) -> dict[Sample, str]:
        """Return what Prometheus would scrape."""
        return scrape(self.metrics_url)

    def health(self) -> dict[str, Any]:
        """Return ``/health/detailed``."""
        url = self.metrics_url.replace("/metrics", "/health/detailed")
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
            return dict(json.load(answer))

    def stop(self, number: signal.Signals = signal.SIGTERM, deadline_s: float = 8.0) -> int:
        """Ask it to end and return its exit code."""
        self.send(number)
        return self.wait(deadline_s)
