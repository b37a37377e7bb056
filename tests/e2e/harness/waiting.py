"""Waiting for a condition, never for a time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_POLL_S = 0.01

_T = TypeVar("_T")


class NotReachedError(AssertionError):
    """A condition did not come true before its deadline."""


def wait_for(
    what: str,
    probe: Callable[[], _T | None],
    *,
    deadline_s: float = 20.0,
    poll_s: float = _POLL_S,
    detail: Callable[[], object] | None = None,
) -> _T:
    """Return the first truthy answer of ``probe``.

    Args:
        what: What is waited for, for the message.
        probe: Asked again and again.
        deadline_s: When to give up; only a failure ever takes this long.
        poll_s: Pause between questions.
        detail: Says more when the deadline passes.

    Raises:
        NotReachedError: The deadline passed.
    """
    pause = threading.Event()
    until = time.monotonic() + deadline_s
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > until:
            more = "" if detail is None else f": {detail()}"
            raise NotReachedError(f"not within {deadline_s:g} s: {what}{more}")
        pause.wait(poll_s)
