"""What the engine tells of its order path: breakers, failover, dead letters, differences.

Times are seconds since the epoch.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptobot.gui.reported import instant
from cryptobot.gui.wire_values import (
    Malformed,
    count,
    items,
    mapping,
    optional_number,
    optional_text,
    part,
    text,
)

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
"""Where a breaker stands."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker.

    Attributes:
        group: What it stands before: ``orders`` or ``reads``.
        probes_in_s: Seconds until an open one lets probes through.
    """

    name: str
    state: str
    failures: int
    last_failure: str
    probes_in_s: float

    @property
    def group(self) -> str:
        """What it stands before, without the exchange's name."""
        return self.name.rpartition(":")[2]


def breakers_of(rows: Iterable[object]) -> tuple[Breaker, ...]:
    """Return the breakers of a status; what is none is passed over."""
    sources = [row for row in rows if isinstance(row, dict)]
    return tuple(
        Breaker(
            optional_text(row, "name") or "",
            optional_text(row, "state") or "",
            count(row, "failures_in_a_row"),
            optional_text(row, "last_failure") or "",
            optional_number(row, "opens_probes_in_s") or 0.0,
        )
        for row in sources
    )


@dataclass(frozen=True, slots=True)
class Trigger:
    """What may make the engine fall back to paper.

    Attributes:
        when: The condition in words.
        holds: Why it is met now, empty while it is not.
        holds_in_s: Seconds until it is met if its trouble lasts; ``None`` without trouble.
    """

    name: str
    on: bool
    when: str
    holds: str
    holds_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Failover:
    """The automatic way to paper.

    Attributes:
        armed: Enabled, and live.
        fell_back: On paper because of it.
        last: What made it fall back last, with its trigger in front; empty before the first.
    """

    enabled: bool = False
    armed: bool = False
    fell_back: bool = False
    triggers: tuple[Trigger, ...] = ()
    last: str = ""
    last_at: float | None = None

    @classmethod
    def from_wire(cls, source: Mapping[str, object]) -> "Failover":
        """Return the failover of a status."""
        last = part(source, "last")
        trigger, reason = optional_text(last, "trigger"), optional_text(last, "reason")
        return cls(
            enabled=source.get("enabled") is True,
            armed=source.get("armed") is True,
            fell_back=source.get("fell_back") is True,
            triggers=tuple(
                Trigger(
                    optional_text(row, "trigger") or "",
                    row.get("on") is True,
                    optional_text(row, "when") or "",
                    optional_text(row, "holds") or "",
                    optional_number(row, "holds_in_s"),
                )
                for row in items(source, "triggers")
                if isinstance(row, dict)
            ),
            last=f"{in_words(trigger)}: {reason}" if trigger else "",
            last_at=_at(last, "at"),
        )


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last reconciliation in short."""

    at: str
    outcome: str
    differences: int
    external: int

    @classmethod
    def from_wire(cls, data: object) -> "LastRun | None":
        """Return the run of a status, ``None`` before the first."""
        if not isinstance(data, dict):
            return None
        return cls(
            optional_text(data, "at") or "",
            optional_text(data, "outcome") or "",
            count(data, "differences"),
            count(data, "external_orders"),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, or an order on the account that is not ours."""

    kind: str
    subject: str
    detail: str
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """The answer of ``reconciliation.get``."""

    at: float
    outcome: str
    repaired: int
    balances_compared: bool
    differences: tuple[Finding, ...]
    external: tuple[Finding, ...]

    @classmethod
    def from_wire(cls, data: object) -> "ReconciliationReport":
        """Return the report.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "reconciliation")
        return cls(
            instant(text(source, "at")),
            text(source, "outcome"),
            count(source, "repaired"),
            source.get("balances_compared") is True,
            tuple(_difference(mapping(row, "difference")) for row in items(source, "differences")),
            tuple(_external(mapping(row, "order")) for row in items(source, "external_orders")),
        )


def _difference(row: Mapping[str, object]) -> Finding:
    return Finding(
        text(row, "kind"),
        optional_text(row, "subject") or "",
        text(row, "detail"),
        optional_text(row, "order_id") or "",
    )


def _external(row: Mapping[str, object]) -> Finding:
    told = (optional_text(row, "side"), optional_text(row, "amount"), text(row, "symbol"))
    detail = in_words(f"{' '.join(filter(None, told))}, not ours: it is left alone")
    return Finding(
        "not_ours",
        text(row, "symbol"),
        detail,
        optional_text(row, "exchange_order_id") or "",
    )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that was given up on and waits for a person.

    Attributes:
        order: What it was to do, in words; empty where it is about no order.
        evidence: What was met, in one line.
    """

    letter_id: str
    operation: str
    subject: str
    order: str
    mode: str
    attempts: int
    first: float
    last: float
    reason: str
    evidence: str

    @classmethod
    def from_wire(cls, data: object) -> "DeadLetter":
        """Return one item of ``deadletter.list``.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "dead letter")
        payload = part(source, "payload")
        return cls(
            text(source, "id"),
            text(source, "operation"),
            optional_text(source, "subject") or "",
            _order(payload),
            optional_text(payload, "mode") or "",
            count(source, "attempts"),
            instant(text(source, "first_at")),
            instant(text(source, "last_at")),
            optional_text(source, "reason") or "",
            _evidence(source.get("evidence")),
        )


def _order(payload: Mapping[str, object]) -> str:
    side, amount = optional_text(payload, "side"), optional_text(payload, "amount")
    symbol, price = optional_text(payload, "symbol"), optional_text(payload, "price")
    if not (side and amount and symbol):
        return ""
    return f"{side.capitalize()} {amount} {symbol} {f'at {price}' if price else 'at market'}"


def _evidence(value: object) -> str:
    if isinstance(value, dict):
        told = (each if isinstance(each, str) else json.dumps(each) for each in value.values())
        return ": ".join(told)
    return json.dumps(value) if value else ""


def in_words(name: str | None) -> str:
    """Return a name of the protocol as people read it."""
    words = (name or "").replace("_", " ")
    return words[:1].upper() + words[1:]


def _at(source: Mapping[str, object], key: str) -> float | None:
    stamp = optional_text(source, key)
    try:
        return None if stamp is None else instant(stamp)
    except Malformed:
        return None
