"""For tests of programs that use this package."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from telemetry.logs.logger import ROUTE
from telemetry.logs.setup import configure_logging
from telemetry.metrics import Metrics
from telemetry.redaction import Redactor


def sample(metrics: Metrics, name: str, /, **labels: str) -> float:
    """Return the value of one series as a scrape would show it.

    Args:
        metrics: Whose.
        name: In full, with suffixes such as ``_total``, ``_bucket``, ``_sum``.
        labels: All of them; ``from_`` stands for ``from``, a Python keyword.

    Raises:
        KeyError: If there is no such series.
    """
    metrics.refresh()
    labels = {key.removesuffix("_"): value for key, value in labels.items()}
    value = metrics.registry.get_sample_value(name, labels)
    if value is None:
        raise KeyError(f"no series {name}{labels}")
    return value


class CapturedLogs:
    """The records logged so far, redacted, oldest first."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._records = records

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record."""
        if ROUTE.pipeline is not None:
            ROUTE.pipeline.flush()
        return list(self._records)

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the records of an event."""
        return [record for record in self.records if record["event"] == event]


@contextmanager
def capture_logs(level: str = "debug") -> Iterator[CapturedLogs]:
    """Send this process's logs to a list for a while, through the real pipeline."""
    before = ROUTE.pipeline
    with tempfile.TemporaryDirectory(prefix="logs-") as directory:
        logging = configure_logging(
            Path(directory), redactor=Redactor(), metrics=Metrics(), level=level
        )
        records: list[dict[str, Any]] = []
        logging.add_listener(records.append)
        try:
            yield CapturedLogs(records)
        finally:
            logging.close()
            ROUTE.lead_to(before)
