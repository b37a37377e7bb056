import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.logs.context import log_context
from telemetry.logs.record import MAX_LINE_BYTES
from telemetry.logs.setup import Logging, configure_logging
from telemetry.logs.stdlib import PipelineHandler
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor
from telemetry.testing import sample
from tests.telemetry.conftest import MovedClock

log = structlog.stdlib.get_logger("shop.floor")
SECRET = "hunter2+hunter2/hunter2="


def written(logs: Logging, tmp_path: Path, name: str) -> list[dict[str, Any]]:
    assert logs.flush()
    path = tmp_path / "logs" / name
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def engine(logs: Logging, tmp_path: Path) -> list[dict[str, Any]]:
    return written(logs, tmp_path, "engine.log")


def orders(logs: Logging, tmp_path: Path) -> list[dict[str, Any]]:
    return written(logs, tmp_path, "order_processor.log")


def test_record_with_fields_is_one_json_line_in_their_order(logs: Logging, tmp_path: Path) -> None:
    log.bind(symbol="BTC/USDT").info("door_opened", amount=Decimal("0.10"), at={"x": 1})
    (record,) = engine(logs, tmp_path)
    assert list(record.items()) == [
        ("ts", "2026-11-21T00:00:00.000000Z"),
        ("level", "info"),
        ("event", "door_opened"),
        ("logger", "shop.floor"),
        ("version", "1.2.3"),
        ("pid", os.getpid()),
        ("symbol", "BTC/USDT"),
        ("amount", "0.10"),
        ("at", {"x": 1}),
    ]


async def test_record_within_a_context_carries_its_ids_into_tasks_and_threads(
    logs: Logging, tmp_path: Path
) -> None:
    async def work() -> None:
        log.info("in_task")
        await asyncio.to_thread(log.info, "in_thread")

    with log_context(request_id="r1"):
        with log_context(order_id="o1"):
            await asyncio.create_task(work())
        log.info("outer")
    log.info("after")
    found = [(r["event"], r.get("requestId"), r.get("orderId")) for r in orders(logs, tmp_path)]
    assert found == [("in_task", "r1", "o1"), ("in_thread", "r1", "o1"), ("outer", "r1", None)]
    assert [record["event"] for record in engine(logs, tmp_path)] == ["after"]


@pytest.mark.parametrize("fields", [{"order_id": "o1"}, {"orderId": "o1"}, {"request_id": "r1"}])
def test_record_with_explicit_ids_goes_to_the_order_log_under_their_written_names(
    logs: Logging, tmp_path: Path, fields: dict[str, str]
) -> None:
    log.info("order_submitted", **fields)
    (record,) = orders(logs, tmp_path)
    assert set(record) & {"requestId", "orderId"}
    assert not set(record) & {"request_id", "order_id"}
    assert engine(logs, tmp_path) == []


def test_record_of_an_order_logger_goes_to_the_order_log(logs: Logging, tmp_path: Path) -> None:
    structlog.get_logger("shop.orders").info("one")
    structlog.get_logger("shop.orders.gateway").info("two")
    structlog.get_logger("shop.ordersmith").info("three")
    assert [record["event"] for record in orders(logs, tmp_path)] == ["one", "two"]
    assert [record["event"] for record in engine(logs, tmp_path)] == ["three"]


def test_record_with_a_field_named_like_ours_cannot_forge_it(logs: Logging, tmp_path: Path) -> None:
    log.info("door_opened", level="critical", ts="never", logger="other", pid=1)
    (record,) = engine(logs, tmp_path)
    assert (record["level"], record["level_"]) == ("info", "critical")
    assert (record["logger"], record["logger_"]) == ("shop.floor", "other")


def test_record_with_an_exception_has_type_message_and_trace_without_locals(
    logs: Logging, tmp_path: Path
) -> None:
    def breaking() -> None:
        local = "only a local"
        raise ValueError(f"wrong {len(local)}")

    try:
        breaking()
    except ValueError:
        log.exception("failed")
    (record,) = engine(logs, tmp_path)
    assert record["exception"]["type"] == "ValueError"
    assert record["exception"]["message"] == "wrong 12"
    assert "in breaking" in record["exception"]["traceback"]


def test_record_with_a_secret_anywhere_is_written_without_it(
    logs: Logging, tmp_path: Path, redactor: Redactor
) -> None:
    redactor.add(SECRET)
    seen: list[dict[str, Any]] = []
    logs.add_listener(seen.append)

    class Account:
        def __repr__(self) -> str:
            return f"Account({SECRET!r})"

    def failing() -> None:
        raise ConnectionError(f"GET /api?key={SECRET}&signature=beef")

    try:
        failing()
    except ConnectionError as error:
        log.exception("failed for %s", SECRET, url=[{SECRET: error}], account=Account())
    logging.getLogger("ccxt").warning("key %s", SECRET)
    text = (tmp_path / "logs" / "engine.log").read_text() if logs.flush() else ""
    assert text.count("[redacted]") >= 5
    assert "hunter2" not in text
    assert "beef" not in text
    assert "hunter2" not in repr(seen)


def test_record_that_cannot_be_redacted_is_withheld_with_a_notice(
    logs: Logging, tmp_path: Path, redactor: Redactor, metrics: Metrics
) -> None:
    redactor.add("redacted")
    log.error("door_opened", what="it was redacted")
    (record,) = engine(logs, tmp_path)
    assert (record["event"], record["level"]) == ("record_withheld", "error")
    lost = sample(metrics, "cryptobot_telemetry_lost_total", sink="log", reason="redaction")
    assert lost == 1


class Unfriendly:
    def __repr__(self) -> str:
        raise RuntimeError("no")


RING: list[object] = []
RING.append(RING)


@pytest.mark.parametrize(
    "value", [Unfriendly(), RING, 1 << 80, "\ud800", b"\xff", {1: 2}, float("nan"), {(1, 2): 3}]
)
def test_record_with_a_value_json_cannot_hold_is_written_all_the_same(
    logs: Logging, tmp_path: Path, value: object
) -> None:
    log.info("door_opened", value=value, other="kept")
    (record,) = engine(logs, tmp_path)
    assert (record["event"], record["other"]) == ("door_opened", "kept")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    event=st.text() | st.none() | st.integers(),
    fields=st.dictionaries(st.text(max_size=5), st.text() | st.floats() | st.binary()),
)
def test_log_call_with_anything_never_raises_and_leaves_one_line(
    logs: Logging, tmp_path: Path, event: Any, fields: dict[str, Any]
) -> None:
    before = len(engine(logs, tmp_path)) + len(orders(logs, tmp_path))
    fields = {name: value for name, value in fields.items() if name not in {"event", "self"}}
    log.warning(event, **fields)
    assert len(engine(logs, tmp_path)) + len(orders(logs, tmp_path)) == before + 1


def test_log_call_with_wrong_arguments_is_reported_not_raised(
    logs: Logging, tmp_path: Path
) -> None:
    log.info("%d doors", "three")
    (record,) = engine(logs, tmp_path)
    assert record["event"] == "log_call_failed"


def test_record_that_is_huge_is_cut_after_redaction(
    logs: Logging, tmp_path: Path, redactor: Redactor
) -> None:
    redactor.add(SECRET)
    log.info("door_opened", orderId="o1", text=SECRET * 10_000)
    (record,) = orders(logs, tmp_path)
    assert record["truncated_bytes"] > MAX_LINE_BYTES
    assert (record["event"], record["orderId"]) == ("door_opened", "o1")
    assert "hunter2" not in json.dumps(record)


def test_level_below_the_set_one_writes_nothing(
    logs: Logging, tmp_path: Path, metrics: Metrics
) -> None:
    log.debug("whisper")
    logging.getLogger("x").debug("whisper")
    log.critical("shout")
    assert [record["event"] for record in engine(logs, tmp_path)] == ["shout"]
    assert sample(metrics, "cryptobot_log_records_total", level="critical") == 1
    assert sample(metrics, "cryptobot_log_records_total", level="debug") == 0


def test_stdlib_records_and_warnings_come_the_same_way(logs: Logging, tmp_path: Path) -> None:
    logging.getLogger("apscheduler.executors").error("job %s failed", "x", extra={"job": "x"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("mind the gap", stacklevel=1)
    job, gap = engine(logs, tmp_path)
    assert (job["logger"], job["event"], job["job"]) == (
        "apscheduler.executors",
        "job x failed",
        "x",
    )
    assert (gap["logger"], gap["level"]) == ("py.warnings", "warning")


def test_stdlib_record_with_wrong_arguments_is_written_with_a_note(
    logs: Logging, tmp_path: Path
) -> None:
    wrong = {"msg": "%d doors", "args": ("three",), "levelno": logging.ERROR, "name": "broken"}
    PipelineHandler().handle(logging.makeLogRecord(wrong))
    (record,) = engine(logs, tmp_path)
    assert record["event"].startswith("%d doors (bad arguments")


def test_ccxt_debug_records_with_bodies_are_never_written(tmp_path: Path, metrics: Metrics) -> None:
    logs = configure_logging(tmp_path / "logs", redactor=Redactor(), metrics=metrics, level="debug")
    try:
        logging.getLogger("ccxt.base.exchange").debug("Request headers: ...")
        logging.getLogger("mine").debug("fine")
        assert [record["event"] for record in engine(logs, tmp_path)] == ["fine"]
    finally:
        logs.close()


def test_listener_that_raises_is_counted_and_the_others_still_hear(
    logs: Logging, metrics: Metrics
) -> None:
    def broken(_record: dict[str, Any]) -> None:
        raise RuntimeError("no")

    seen: list[dict[str, Any]] = []
    logs.add_listener(broken)
    remove = logs.add_listener(seen.append)
    log.info("one")
    logs.flush()
    remove()
    log.info("two")
    logs.flush()
    assert [record["event"] for record in seen] == ["one"]
    lost = sample(metrics, "cryptobot_telemetry_lost_total", sink="listener", reason="error")
    assert lost == 2


def test_disk_failure_is_counted_and_harms_no_caller(
    tmp_path: Path, metrics: Metrics, clock: MovedClock
) -> None:
    (tmp_path / "logs").write_text("in the way")
    logs = configure_logging(tmp_path / "logs", redactor=Redactor(), metrics=metrics, clock=clock)
    try:
        log.info("lost")
        logs.flush()
        (tmp_path / "logs").unlink()
        log.info("kept")
        assert [record["event"] for record in engine(logs, tmp_path)] == ["kept"]
    finally:
        logs.close()
    lost = sample(metrics, "cryptobot_telemetry_lost_total", sink="log", reason="write_failed")
    assert lost == 1


def test_record_after_close_is_written_at_once(logs: Logging, tmp_path: Path) -> None:
    pipeline = logs.pipeline
    logs.close()
    logs.close()
    pipeline.emit("info", "late", {"event": "goodbye"})
    text = (tmp_path / "logs" / "engine.log").read_text()
    pipeline.close()
    assert json.loads(text)["event"] == "goodbye"


def test_console_with_records_shows_lines_for_people(tmp_path: Path, metrics: Metrics) -> None:
    terminal = io.StringIO()
    logs = configure_logging(
        tmp_path, redactor=Redactor(), metrics=metrics, console=terminal, clock=MovedClock()
    )
    log.warning("door_opened", who="x", text="a\x1b[2Jb\nc")
    logs.close()
    assert terminal.getvalue() == (
        "00:00:00.000 warning  door_opened  who=x text='a\\x1b[2Jb\\nc'\n"
    )


def test_console_that_is_gone_is_counted_and_the_files_go_on(
    tmp_path: Path, metrics: Metrics
) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    logs = configure_logging(
        tmp_path / "logs", redactor=Redactor(), metrics=metrics, console=Gone()
    )
    log.info("kept")
    assert [record["event"] for record in engine(logs, tmp_path)] == ["kept"]
    logs.close()
    lost = sample(metrics, "cryptobot_telemetry_lost_total", sink="console", reason="write_failed")
    assert lost == 1


CRASHING = """
import sys, structlog
from pathlib import Path
from telemetry.logs.stdlib import PipelineHandler
from telemetry.logs.setup import configure_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor

configure_logging(Path(sys.argv[1]), redactor=Redactor(), metrics=Metrics())
for number in range(1000):
    structlog.get_logger("x").info("step", number=number)
raise SystemError("crash")
"""


def test_crash_with_an_uncaught_exception_loses_no_record(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASHING, str(tmp_path)],
        check=False,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1
    lines = (tmp_path / "engine.log").read_bytes().splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1000))
