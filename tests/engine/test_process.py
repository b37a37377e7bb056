"""What the process makes of what nobody caught."""

import asyncio
import gc
import weakref

import ccxt.pro
import pytest
from ccxt.async_support.base.ws.future import Future

from cryptobot.engine.process import collect_garbage, is_echo


async def _complaint_of(kind: type[asyncio.Future[None]]) -> dict[str, object]:
    """Return what the loop says of a future whose error nobody looks at."""
    said: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(context))
    kind().set_exception(ccxt.NetworkError("closed"))
    gc.collect()
    loop.set_exception_handler(None)
    return said[0]


@pytest.mark.parametrize(("kind", "expected"), [(Future, True), (asyncio.Future, False)])
async def test_future_that_nobody_awaits_is_an_echo_if_it_is_ccxts(
    kind: type[asyncio.Future[None]], *, expected: bool
) -> None:
    assert is_echo(await _complaint_of(kind)) is expected


class Lasting:
    """Holds itself, as ccxt's instances do."""

    def __init__(self) -> None:
        self.itself = self


def test_what_lasts_is_looked_at_once_and_its_garbage_is_collected_the_next_time() -> None:
    try:
        lasting = Lasting()
        gone = weakref.ref(lasting)
        collect_garbage()
        assert gc.get_freeze_count() > len(gc.get_objects())
        del lasting
        gc.collect()
        assert gone() is not None
        collect_garbage()
        assert gone() is None
    finally:
        gc.unfreeze()
