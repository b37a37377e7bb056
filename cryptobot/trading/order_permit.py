"""Leave for one order to be sent: its intent is on disk, and the fence is open."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import JournalUnavailable, NotSent
from cryptobot.journal.records import Recorded
from cryptobot.trading.fence import Fence


class NotJournalled(NotSent):
    """The intent is not on disk, so nothing may be sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "journal")


@dataclass(slots=True)
class Stages:
    """When an order left each stage, monotonic; the last time when it is tried again."""

    accepted_ns: int
    checked_ns: int
    journalled_ns: int = 0
    passed_ns: int = 0

    def spans_s(self, answered_ns: int) -> Iterable[tuple[str, float]]:
        """Yield each stage that was passed, and its seconds."""
        began = self.accepted_ns
        for stage, ended in (
            ("checks", self.checked_ns),
            ("journal", self.journalled_ns),
            ("fence", self.passed_ns),
            ("exchange", answered_ns),
        ):
            if not ended:
                return
            yield stage, (ended - began) / NS_PER_S
            began = ended


@dataclass(slots=True)
class OrderPermit:
    """Leave for one order: the intent is on disk and the fence is open."""

    committed: asyncio.Future[Recorded]
    fence: Fence | None
    switches: int
    clock: Clock
    stages: Stages

    async def __call__(self) -> None:
        """Wait until the intent is on disk."""
        try:
            await asyncio.shield(self.committed)
        except JournalUnavailable as error:
            raise NotJournalled(str(error)) from error
        self.stages.journalled_ns = self.clock.monotonic_ns()

    def check(self) -> None:
        """Look at the fence, right before bytes leave."""
        if self.fence is not None:
            self.fence.check(self.switches)
        self.stages.passed_ns = self.clock.monotonic_ns()
