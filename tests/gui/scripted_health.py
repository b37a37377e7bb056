"""The order path's health of the scripted engine: all well, until a test says otherwise."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.gui.scripted_account import stamp

_TRIGGERS = {
    "breaker_open": "the circuit breaker of orders opens",
    "failed_orders": "more than 3 live orders fail or become unknown in 300 s",
    "exchange_down": "the exchange is not ready for 30 s",
    "market_stale": "no market data of a symbol comes for 30 s",
    "journal_down": "the journal cannot be written for 5 s",
    "clock_skew": "this machine's clock is over 2 s from the exchange's",
    "daily_loss": "",
}
BANNED = "DDoSProtection: binance 418 I'm a teapot: IP banned until 1795664420448"


@dataclass
class ScriptedHealth:
    """What the status and the methods tell of it."""

    open_s: float = 0.0
    fell_back: bool = False
    exchange_down_in_s: float | None = None
    failover_enabled: bool = True
    letters: list[dict[str, Any]] = field(default_factory=list)
    letters_changed: str | None = None
    unreadable: str | None = None
    run: dict[str, Any] | None = None

    def compared(self, outcome: str = "clean", *differences: dict[str, Any]) -> None:
        """Compare journal and exchange now."""
        self.run = {
            "at": stamp(time.time()),
            "outcome": outcome,
            "repaired": 0,
            "balances_compared": True,
            "differences": list(differences),
            "external_orders": [],
        }

    def letter(self, operation: str, order: dict[str, Any], **over: Any) -> dict[str, Any]:
        """Give up on an order."""
        now = stamp(time.time())
        made = {
            "id": f"{len(self.letters) + 1:032x}",
            "sink": "orders",
            "operation": operation,
            "subject": order["order_id"],
            "payload": order,
            "evidence": {"code": "rate_limited", "error": BANNED},
            "attempts": 3,
            "first_at": now,
            "last_at": now,
            "state": "dead",
            "reason": f"rate_limited: {BANNED}",
            "actor": None,
            "updated_at": now,
            **over,
        }
        self.letters.insert(0, made)
        self.letters_changed = f"{now}-{len(self.letters)}"
        return made

    def close(self, letter_id: str, state: str, reason: str, actor: str) -> dict[str, Any]:
        """Take a letter off the list of the dead."""
        (letter,) = (each for each in self.letters if each["id"] == letter_id)
        self.letters.remove(letter)
        self.letters_changed = f"closed-{letter_id}"
        return {**letter, "state": state, "reason": reason, "actor": actor}

    def dead(self) -> list[dict[str, Any]]:
        """Return the letters that wait, newest first."""
        return list(self.letters)

    def status(self, mode: str) -> dict[str, Any]:
        """Return its part of ``engine.status``."""
        is_open = self.open_s > 0
        return {
            "breakers": [
                {
                    "name": "binance:orders",
                    "state": "open" if is_open else "closed",
                    "failures_in_a_row": 10 if is_open else 0,
                    "last_failure": BANNED if is_open else None,
                    "opens_probes_in_s": self.open_s,
                },
                {
                    "name": "binance:reads",
                    "state": "closed",
                    "failures_in_a_row": 0,
                    "last_failure": None,
                    "opens_probes_in_s": 0.0,
                },
            ],
            "dead_letters": {"waiting": len(self.letters), "changed_at": self.letters_changed},
            "reconciliation": None
            if self.run is None
            else {
                "at": self.run["at"],
                "outcome": self.run["outcome"],
                "differences": len(self.run["differences"]),
                "external_orders": len(self.run["external_orders"]),
            },
            "failover": {
                "enabled": self.failover_enabled,
                "armed": self.failover_enabled and mode == "live",
                "fell_back": self.fell_back and mode == "paper",
                "last": {
                    "trigger": "breaker_open",
                    "reason": f"the circuit breaker binance:orders is open: {BANNED}",
                    "at": stamp(time.time()),
                }
                if self.fell_back
                else None,
                "triggers": [
                    {
                        "trigger": name,
                        "on": bool(when),
                        "when": when,
                        "holds": BANNED if is_open and name == "breaker_open" else None,
                        "holds_in_s": self.exchange_down_in_s if name == "exchange_down" else None,
                    }
                    for name, when in _TRIGGERS.items()
                ],
            },
        }


BALANCE = {
    "kind": "balance",
    "subject": "BTC",
    "detail": "BTC: 2.5 there, 2 by our trades: a deposit of 0.5 or a trade of others",
    "order_id": None,
}
