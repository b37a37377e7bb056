"""The simulated exchange as a process, and what only its admin interface and account tell."""

import hashlib
import hmac
import json
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.e2e.harness.program import Program

KEY, SECRET = "testkey", "testsecret"
PAGE = 1000


class SimulatorProcess(Program):
    """A simulated exchange on free ports, with limits that load does not reach.

    Args:
        directory: For its certificate and stderr.
        seed: Of its market.
    """

    def __init__(self, directory: Path, *, seed: int = 1) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ca = directory / "simulator-ca.pem"
        super().__init__(
            "simulator",
            [
                *("-m", "cryptobot", "simulator", "--ready-json", "--seed", str(seed)),
                *("--port", "0", "--tls-port", "0", "--tls-ca-out", str(self.ca)),
                *("--orders-per-10s", "1000000", "--weight-per-minute", "100000000"),
                *("--connects-per-5min", "1000000"),
            ],
            directory,
        )
        where = self.ready()
        self.port = int(where["port"])
        self.tls_port = int(where["tls_port"])

    def orders(self) -> list[dict[str, Any]]:
        """Return every order request received, oldest first."""
        return list(self._get("/sim/orders"))

    def requests(self, since_ns: int) -> list[dict[str, Any]]:
        """Return the requests received since a UTC time in nanoseconds."""
        return list(self._get(f"/sim/requests?since={since_ns}"))

    def state(self) -> dict[str, Any]:
        """Return balances, symbols and counts."""
        return dict(self._get("/sim/state"))

    def received(self) -> int:
        """Return how many order requests were received."""
        return int(self.state()["counts"]["orders_received"])

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        """Return all of the account's own trades in a symbol such as ``BTC/USDT``, signed."""
        found: list[dict[str, Any]] = []
        while True:
            start = 0 if not found else int(found[-1]["id"]) + 1
            page = self._signed(
                "/api/v3/myTrades", symbol=symbol.replace("/", ""), fromId=start, limit=PAGE
            )
            found.extend(page)
            if len(page) < PAGE:
                return found

    def _signed(self, path: str, **params: object) -> list[dict[str, Any]]:
        query = urllib.parse.urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        return list(self._get(f"{path}?{query}&signature={signature}", key=KEY))

    def _get(self, path: str, *, key: str | None = None) -> Any:
        headers = {} if key is None else {"X-MBX-APIKEY": key}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return json.load(answer)
