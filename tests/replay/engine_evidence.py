"""What the engine left: its journal, read by SQL, and its metrics, as Prometheus reads them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class JournalEvidence:
    """Rows of the journal.

    Attributes:
        orders: Of live mode.
        fills: Of live mode.
        outcomes: How many orders had each first answer, by side, type and state, all modes.
    """

    orders: list[dict[str, Any]]
    fills: list[dict[str, Any]]
    outcomes: Counter[tuple[str, str, str, str]]


def read_journal(path: Path) -> JournalEvidence:
    """Read the journal's file as any SQLite program would."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        orders = connection.execute("SELECT * FROM orders WHERE mode = 'live'").fetchall()
        fills = connection.execute("SELECT * FROM fills WHERE mode = 'live'").fetchall()
        events = connection.execute("SELECT payload FROM order_events ORDER BY id").fetchall()
    answered: dict[str, tuple[str, str, str, str]] = {}
    for (payload,) in events:
        event = json.loads(payload)
        if event["answered_ns"] is not None:
            outcome = (event["mode"], event["side"], event["type"], event["state"])
            answered.setdefault(event["order_id"], outcome)
    return JournalEvidence(
        [dict(row) for row in orders], [dict(row) for row in fills], Counter(answered.values())
    )


Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def read_metrics(url: str) -> Samples:
    """Scrape an exporter."""
    with urlopen(url, timeout=10) as answer:  # noqa: S310 - the engine's own loopback URL
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metric(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[f"cryptobot_{name}", frozenset(labels.items())]
