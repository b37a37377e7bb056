"""The benchmarks by name."""

from collections.abc import Callable, Mapping
from typing import Final

from bench import (
    engine_start,
    idle,
    journal_commit,
    market_events,
    mode_switch,
    orders,
    scrape,
    window_start,
)
from bench.result import Bench, Result

BENCHMARKS: Final[Mapping[str, tuple[Callable[[Bench], list[Result]], str]]] = {
    "orders": (orders.run, "order submission through the gateway, journal on"),
    "journal": (journal_commit.run, "an order into the durable journal"),
    "market_events": (market_events.run, "market events to a strategy"),
    "engine_start": (engine_start.run, "engine process to control socket and exchange"),
    "window_start": (window_start.run, "window process to first drawn frame"),
    "idle": (idle.run, "processor and memory of engine and window in the demo"),
    "mode_switch": (mode_switch.run, "ops/mode_switch.py from start to end"),
    "scrape": (scrape.run, "a scrape of /metrics"),
}
