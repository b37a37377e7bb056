"""What the exchange itself says, read with the standard library and no code of ours."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

KEY, SECRET = "testkey", "testsecret"
WIRE_SYMBOL = "BTCUSDT"
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Venue:
    """A simulator's plain port."""

    port: int

    def state(self) -> dict[str, Any]:
        """Return balances and counts."""
        found: dict[str, Any] = self._get("/sim/state")
        return found

    def set_speed(self, speed: float) -> None:
        """Let the exchange's time run at another speed from now on."""
        self._get("/sim/clock", json.dumps({"speed": speed}).encode())

    def balances(self) -> dict[str, Decimal]:
        """Return everything owned, locked or not, by asset."""
        return {
            asset: Decimal(held["free"]) + Decimal(held["locked"])
            for asset, held in self.state()["balances"].items()
        }

    def account(self) -> dict[str, Decimal]:
        """Return the same as the account's own REST interface tells it."""
        found: dict[str, Any] = self._signed("/api/v3/account")
        return {
            row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in found["balances"]
        }

    def received(self) -> list[dict[str, Any]]:
        """Return every order request that came in, refused ones too."""
        found: list[dict[str, Any]] = self._get("/sim/orders")
        return found

    def orders(self) -> list[dict[str, Any]]:
        """Return every order that was taken."""
        return list(self._pages("/api/v3/allOrders", "orderId"))

    def trades(self) -> list[dict[str, Any]]:
        """Return every trade of the account."""
        return list(self._pages("/api/v3/myTrades", "id", "fromId"))

    def _pages(self, path: str, key: str, start: str | None = None) -> Iterator[dict[str, Any]]:
        first = 0
        while True:
            rows = self._signed(
                path, symbol=WIRE_SYMBOL, limit=str(PAGE), **{start or key: str(first)}
            )
            yield from rows
            if len(rows) < PAGE:
                return
            first = rows[-1][key] + 1

    def _signed(self, path: str, **params: str) -> Any:
        server_ms = self._get("/api/v3/time")["serverTime"]
        query = urlencode({**params, "timestamp": str(server_ms), "recvWindow": "60000"})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self._get(f"{path}?{query}&signature={signature}")

    def _get(self, path: str, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        request = Request(url, body, {"X-MBX-APIKEY": KEY})
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - a fixed loopback URL
            return json.loads(answer.read())


def wait_until_ended(venue: Venue, timeout_s: float, poll_s: float = 0.5) -> None:
    """Return when the recording has been played whole.

    Raises:
        TimeoutError: It was not in time.
    """
    until = time.monotonic() + timeout_s
    while not venue.state()["market_ended"]:
        if time.monotonic() > until:
            raise TimeoutError(f"the replay did not end within {timeout_s:.0f} s")
        time.sleep(poll_s)
