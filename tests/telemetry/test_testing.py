import logging

import pytest
import structlog

from telemetry.metrics import Metrics
from telemetry.testing import capture_logs, sample


def test_capture_logs_with_both_kinds_of_loggers_gives_their_records() -> None:
    with capture_logs() as captured:
        structlog.get_logger("a").debug("door_opened", requestId="r1")
        logging.getLogger("b").info("hello")
        assert [record["event"] for record in captured.records] == ["door_opened", "hello"]
        assert captured.of("door_opened")[0]["requestId"] == "r1"


def test_sample_without_such_a_series_is_an_error() -> None:
    with pytest.raises(KeyError, match="no series nothing"):
        sample(Metrics(), "nothing")
