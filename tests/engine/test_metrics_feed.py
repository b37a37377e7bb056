from cryptobot.domain.clock import ManualClock
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import News, OrderState
from cryptobot.engine.metrics_feed import MetricsFeed
from telemetry.metrics import Metrics
from telemetry.testing import sample
from tests.trading.test_order_tracker import an_order


def test_order_rejected_after_its_acknowledgement_is_counted_once_as_failed() -> None:
    metrics = Metrics(exchanges=("bybit",), symbols=("BTC/USDT",))
    feed = MetricsFeed(metrics, "bybit", ManualClock(0))
    order = an_order(state=OrderState.ACCEPTED, answered_ns=1, latency_ms=5.0)
    feed.on_recorded(order, News.ANSWERED)
    late = order.changed(state=OrderState.REJECTED, failed=True, reason="market_closed: judged")
    feed.on_recorded(late, News.FAILED)
    feed.on_recorded(late, News.NONE)
    assert sample(metrics, "cryptobot_orders_failed_total") == feed.failed_total == 1
    reason = {"exchange": "bybit", "reason": "market_closed"}
    assert sample(metrics, "cryptobot_order_failures_by_reason_total", **reason) == 1
    paper = late.changed(mode=Mode.PAPER)
    feed.on_recorded(paper, News.FAILED)
    assert feed.failed_total == 1
