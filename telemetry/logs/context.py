"""Which request and which order the code is working for; every log record says so by itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

REQUEST_ID: Final = "requestId"
ORDER_ID: Final = "orderId"

_ids: ContextVar[Mapping[str, str]] = ContextVar("log_ids", default=MappingProxyType({}))


@contextmanager
def log_context(*, request_id: str | None = None, order_id: str | None = None) -> Iterator[None]:
    """Put ``requestId`` and ``orderId`` on every record written inside, also in tasks begun there.

    Inner contexts add to outer ones. ``loop.run_in_executor`` loses them,
    ``asyncio.to_thread`` keeps them.
    """
    ids = dict(_ids.get())
    if request_id is not None:
        ids[REQUEST_ID] = request_id
    if order_id is not None:
        ids[ORDER_ID] = order_id
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


def current_ids() -> Mapping[str, str]:
    """Return the ids in force here."""
    return _ids.get()
