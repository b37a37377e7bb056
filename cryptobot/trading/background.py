"""Work that nobody awaits: if an error ends it, that is told, not lost with the task."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

_log = structlog.stdlib.get_logger("cryptobot.engine")


def in_background(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run ``work`` beside everything else; an error goes to the loop's exception handler."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(tell_error)
    return task


class Alarm:
    """Pauses that can be ended, all at once."""

    def __init__(self) -> None:
        self.bell = asyncio.Event()
        """Rings once; then there is another."""

    def ring(self) -> None:
        """End every pause now."""
        self.bell.set()
        self.bell = asyncio.Event()

    async def pause(self, seconds: float, bell: asyncio.Event | None = None) -> bool:
        """Return after ``seconds``, or ``True`` as soon as it rings.

        Args:
            seconds: The longest pause.
            bell: That of an earlier moment: then also if it has rung since.
        """
        try:
            async with asyncio.timeout(seconds):
                return await (bell or self.bell).wait()
        except TimeoutError:
            return False


async def repeat(every_s: float, look: Callable[[], Awaitable[None]], name: str) -> None:
    """Await ``look`` every ``every_s`` seconds for ever, whatever it raises.

    The same error several times over is logged once.
    """
    told = ""
    while True:
        await asyncio.sleep(every_s)
        try:
            await look()
        except Exception as error:  # noqa: BLE001 - the next look must come
            if repr(error) != told:
                told = repr(error)
                _log.exception("watch_failed", watch=name)
        else:
            told = ""


def tell_error(task: asyncio.Task[Any]) -> None:
    """Give the error that ended ``task``, if one did, to its loop's exception handler."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        message = f"the task {task.get_name()} was ended by an error"
        context = {"message": message, "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
