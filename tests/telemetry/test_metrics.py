import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics_encoder
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from telemetry.catalogue import CATALOGUE, ORDER_LATENCY_BUCKETS_MS
from telemetry.metrics import Metrics
from telemetry.testing import sample
from tests.counterparts import not_here
from tests.telemetry.conftest import MovedClock, some_metrics

generate_openmetrics: Callable[..., bytes] = openmetrics_encoder.generate_latest
parse_openmetrics: Callable[[str], Iterable[Metric]] = (
    openmetrics_parser.text_string_to_metric_families
)

FAILED = "cryptobot_orders_failed_total"
COUNT = "cryptobot_order_latency_count"
SUM = "cryptobot_order_latency_sum"


def live(metrics: Metrics, latency_ms: float | None, *, failed: bool = False) -> None:
    metrics.orders.settled(
        mode="live",
        exchange="binance",
        side="buy",
        type="limit",
        outcome="rejected" if failed else "filled",
        failed=failed,
        latency_ms=latency_ms,
        reason="timeout",
    )


def lost(metrics: Metrics, reason: str) -> float:
    return sample(metrics, "cryptobot_telemetry_lost_total", sink="metrics", reason=reason)


def test_exposition_with_nothing_happened_has_every_family_and_child_at_zero(
    metrics: Metrics,
) -> None:
    families = {family.name: family for family in parse_text(metrics.exposition().decode())}
    for spec in CATALOGUE:
        assert families[spec.name.removesuffix("_total")].samples, spec.name
    assert sample(metrics, FAILED) == 0
    assert sample(metrics, COUNT) == 0
    assert "process_resident_memory_bytes" in families
    assert "python_info" in families


def test_exposition_with_a_latency_of_750_counts_it_at_the_edge_of_the_alert(
    metrics: Metrics,
) -> None:
    live(metrics, 750.0)
    text = metrics.exposition().decode()
    assert 'cryptobot_order_latency_bucket{le="700.0"} 0.0\n' in text
    assert 'cryptobot_order_latency_bucket{le="750.0"} 1.0\n' in text


def test_exposition_with_any_format_has_no_created_series(metrics: Metrics) -> None:
    live(metrics, 5, failed=True)
    assert b"_created" not in metrics.exposition()
    assert b"_created" not in metrics.exposition(openmetrics=True)


def without_moving(text: str) -> list[str]:
    """Leave out what differs from one moment to the next: the collectors of the process."""
    return [line for line in text.split("\n") if "cryptobot_" in line[:20]]


@settings(max_examples=25)  # each builds every series there is
@given(
    latencies=st.lists(st.floats(0, 1e9)),
    amount=st.floats(allow_nan=False, allow_infinity=False),
    names=st.lists(st.text(max_size=12), min_size=1, max_size=3, unique=True),
)
def test_exposition_with_any_values_and_labels_equals_the_reference_encoder(
    latencies: list[float], amount: float, names: list[str]
) -> None:
    metrics = Metrics(exchanges=names, symbols=names, currencies=names, clock=MovedClock())
    for latency in latencies:
        live(metrics, latency)
        metrics.exchange.request(names[0], "time", "ok", latency)
    for name in names:
        metrics.portfolio.equity("live", name, amount)
        metrics.exchange.up(name, up=True)
    own = metrics.exposition().decode()
    assert without_moving(own) == without_moving(generate_latest(metrics.registry).decode())
    open_own = metrics.exposition(openmetrics=True).decode()
    reference = generate_openmetrics(metrics.registry).decode()
    assert without_moving(open_own) == without_moving(reference)
    assert open_own.endswith("# EOF\n")
    list(parse_text(own))
    list(parse_openmetrics(open_own))


def test_exposition_with_changes_between_scrapes_shows_them(metrics: Metrics) -> None:
    for number in range(1, 4):
        live(metrics, 5, failed=True)
        metrics.orders.queue_depth(number)
        for openmetrics in (False, True):
            text = metrics.exposition(openmetrics=openmetrics).decode()
            assert f"\n{FAILED} {number}.0\n" in text
            assert f"\n{COUNT} {number}.0\n" in text
            assert f"\ncryptobot_order_queue_depth {number}.0\n" in text


def test_exposition_with_an_exemplar_shows_it_in_openmetrics_only(metrics: Metrics) -> None:
    metrics.orders.settled(
        mode="live", exchange="binance", side="buy", type="limit", outcome="filled",
        latency_ms=120, exemplar={"orderId": "ab" * 16},
    )  # fmt: skip
    assert b"orderId" not in metrics.exposition()
    families = parse_openmetrics(metrics.exposition(openmetrics=True).decode())
    (latency,) = (family for family in families if family.name == "cryptobot_order_latency")
    (exemplar,) = (each.exemplar for each in latency.samples if each.exemplar)
    assert (exemplar.labels, exemplar.value) == ({"orderId": "ab" * 16}, 120.0)


def test_exposition_with_an_exemplar_over_128_characters_counts_without_it(
    metrics: Metrics,
) -> None:
    metrics.orders.settled(
        mode="live", exchange="binance", side="buy", type="limit", outcome="filled",
        latency_ms=120, exemplar={"orderId": "a" * 122},
    )  # fmt: skip
    assert sample(metrics, COUNT) == 1
    assert b"orderId" not in metrics.exposition(openmetrics=True)


def test_order_with_paper_mode_leaves_the_two_named_metrics_alone(metrics: Metrics) -> None:
    metrics.orders.settled(
        mode="paper", exchange="binance", side="sell", type="market", outcome="rejected",
        failed=True, latency_ms=3,
    )  # fmt: skip
    assert (sample(metrics, FAILED), sample(metrics, COUNT)) == (0, 0)
    labels = {"mode": "paper", "exchange": "binance", "side": "sell", "type": "market"}
    assert sample(metrics, "cryptobot_orders_total", **labels, outcome="rejected") == 1


def test_order_with_nan_latency_is_counted_but_its_latency_is_refused(metrics: Metrics) -> None:
    for wrong in (float("nan"), float("inf"), -1.0, Decimal("sNaN"), "soon", None):
        live(metrics, wrong, failed=True)  # type: ignore[arg-type]
    assert sample(metrics, FAILED) == 6
    assert (sample(metrics, COUNT), sample(metrics, SUM)) == (0, 0)
    assert lost(metrics, "bad_value") == 5  # None means: no latency


def test_failure_with_an_unknown_reason_is_counted_as_other(metrics: Metrics) -> None:
    metrics.orders.settled(
        mode="live", exchange="binance", side="buy", type="limit", outcome="rejected",
        failed=True, reason="never heard of",
    )  # fmt: skip
    name = "cryptobot_order_failures_by_reason_total"
    assert sample(metrics, name, exchange="binance", reason="other") == 1
    assert lost(metrics, "unknown_label") == 0


def test_event_with_a_label_outside_its_closed_set_is_refused_and_counted(
    metrics: Metrics,
) -> None:
    metrics.exchange.up("mtgox", up=True)
    metrics.exchange.up(["unhashable"], up=True)  # type: ignore[arg-type]
    metrics.mode.current("maybe")
    assert lost(metrics, "unknown_label") == 2
    assert lost(metrics, "bad_value") == 1
    assert b"mtgox" not in metrics.exposition()


@given(
    value=st.one_of(st.none(), st.floats(), st.integers(), st.text(), st.binary(), st.decimals())
)
def test_events_with_any_value_never_raise(value: object) -> None:
    metrics = some_metrics()
    wrong: object = value
    metrics.orders.stage("binance", "journal", wrong)  # type: ignore[arg-type]
    metrics.orders.denied(wrong)  # type: ignore[arg-type]
    metrics.orders.queue_depth(wrong)  # type: ignore[arg-type]
    metrics.mode.changed(wrong, "paper", "operator")  # type: ignore[arg-type]
    metrics.portfolio.equity("live", "USDT", wrong)  # type: ignore[arg-type]
    metrics.market.message("binance", "book", wrong)  # type: ignore[arg-type]
    list(parse_text(metrics.exposition().decode()))


def test_mode_with_a_change_shows_one_mode_at_a_time(metrics: Metrics) -> None:
    metrics.mode.current("live")
    metrics.mode.changed("live", "paper", "operator")
    assert sample(metrics, "cryptobot_mode", mode="live") == 0
    assert sample(metrics, "cryptobot_mode", mode="paper") == 1
    changes = sample(
        metrics, "cryptobot_mode_changes_total", from_="live", to="paper", trigger="operator"
    )
    assert changes == 1


def test_session_with_a_new_state_leaves_the_other_exchange_alone(metrics: Metrics) -> None:
    metrics.exchange.session("binance", "ready")
    metrics.exchange.session("kraken", "failed")
    metrics.exchange.session("binance", "closed")
    name = "cryptobot_exchange_session"
    assert sample(metrics, name, exchange="binance", state="ready") == 0
    assert sample(metrics, name, exchange="binance", state="closed") == 1
    assert sample(metrics, name, exchange="kraken", state="failed") == 1


def test_market_age_with_a_silent_symbol_grows_until_the_next_message(
    metrics: Metrics, clock: MovedClock
) -> None:
    def age(symbol: str) -> float:
        return sample(
            metrics, "cryptobot_market_data_age_seconds", exchange="binance", symbol=symbol
        )

    clock.advance(5)
    metrics.market.message("binance", "book", "BTC/USDT")
    clock.advance(2.5)
    assert (age("BTC/USDT"), age("ETH/USDT")) == (2.5, 7.5)


def test_scrape_with_a_refresher_that_raises_still_answers(metrics: Metrics) -> None:
    metrics.before_scrape(lambda: 1 / 0)  # type: ignore[arg-type]
    metrics.exposition()
    assert b'telemetry_lost_total{reason="error",sink="metrics"} 2.0' in metrics.exposition()


def test_latency_sum_with_any_order_of_observations_is_exact() -> None:
    draw = random.Random(5)
    values = [round(draw.expovariate(1 / 300), 3) for _ in range(5000)]
    one, other = some_metrics(), some_metrics()
    for value in values:
        live(one, value)
    for value in reversed(values):
        live(other, value)
    exact = float(sum(Decimal(str(value)) for value in values))
    assert sample(one, SUM) == sample(other, SUM) == exact


def test_latency_finer_than_a_microsecond_is_summed_as_the_journal_stores_it() -> None:
    metrics = some_metrics()
    live(metrics, 12.34567)
    assert sample(metrics, SUM) == 12.346


def cumulative(latencies: list[float]) -> list[int]:
    return [sum(x <= edge for x in latencies) for edge in ORDER_LATENCY_BUCKETS_MS] + [
        len(latencies)
    ]


def order_series(metrics: Metrics) -> list[str]:
    return [
        line
        for line in metrics.exposition().decode().splitlines()
        if line.startswith((FAILED, "cryptobot_order_latency"))
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_restore_after_kill_9_gives_the_two_metrics_of_the_killed_process(tmp_path: Path) -> None:
    journal, scraped = tmp_path / "journal", tmp_path / "scraped"
    script = (
        "import os, random, signal, sys\n"
        "from tests.telemetry.test_metrics import live, order_series\n"
        "from tests.telemetry.conftest import some_metrics\n"
        "metrics, draw = some_metrics(), random.Random(7)\n"
        "journal = open(sys.argv[1], 'w', buffering=1)\n"
        "for _ in range(500):\n"
        "    latency, failed = round(draw.expovariate(1 / 400), 3), draw.random() < 0.2\n"
        "    print(repr(latency), int(failed), file=journal)\n"
        "    live(metrics, latency, failed=failed)\n"
        "open(sys.argv[2], 'w').write('\\n'.join(order_series(metrics)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(journal), str(scraped)],
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == -signal.SIGKILL
    rows = [line.split() for line in journal.read_text().splitlines()]
    latencies = [float(row[0]) for row in rows]
    after = some_metrics()
    after.restore(sum(int(row[1]) for row in rows), cumulative(latencies), sum(latencies))
    assert order_series(after) == scraped.read_text().splitlines()
    live(after, 749.0, failed=True)
    assert sample(after, COUNT) == 501


@pytest.mark.parametrize(
    ("failed", "buckets", "total"),
    [(-1, [0] * 20, 0.0), (0, [0] * 19, 0.0), (0, [*range(20)][::-1], 1.0), (0, [0] * 20, -1.0)],
)
def test_restore_with_impossible_numbers_is_an_error(
    metrics: Metrics, failed: int, buckets: list[int], total: float
) -> None:
    with pytest.raises(ValueError, match="cannot be restored"):
        metrics.restore(failed, buckets, total)


def test_exposition_with_promtool_has_nothing_to_complain_of(metrics: Metrics) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        not_here("promtool is not installed (package prometheus)")
    live(metrics, 42, failed=True)
    own = [
        line
        for line in metrics.exposition().decode().splitlines(keepends=True)
        if "cryptobot_" in line
    ]
    done = subprocess.run(
        [promtool, "check", "metrics"], input="".join(own), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
