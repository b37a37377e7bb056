import gzip
from pathlib import Path

import pytest

from cryptobot.domain.errors import UserError
from cryptobot.simulator.market.binance_replay import BinanceReplay
from cryptobot.simulator.market.candle_replay import CandleReplay
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.market.opening import open_market

STREAM = '1723161253937085768 {"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}\n'
OHLCV = "timestamp,open,high,low,close,volume\n60000,2,3,1,2,5\n120000,2,3,1,2,5\n"
CUT_GZIP = gzip.compress(OHLCV.encode() * 500, mtime=0)[:60]
"""Without the time of day: it names a test, and parallel workers must agree on names."""


def test_generated_is_the_generated_market() -> None:
    assert isinstance(open_market("generated", 1), GeneratedMarket)


@pytest.mark.parametrize(("text", "kind"), [(STREAM, BinanceReplay), (OHLCV, CandleReplay)])
@pytest.mark.parametrize("packed", [False, True])
def test_file_is_known_by_its_content(
    tmp_path: Path, text: str, kind: type, *, packed: bool
) -> None:
    path = tmp_path / "some.data"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert isinstance(open_market(str(path), 1), kind)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not known: give a recorded Binance stream"),
        (b"date,open,high\n", "is not known"),
        (b"\x89PNG\xff\xfe\x00", "is no text file"),
        (CUT_GZIP, "is damaged"),
        (b"\x1f\x8bnonsense", "is damaged"),
        (OHLCV.encode() + b"180000,2,3,2.5,2,5\n", "line 4: expected timestamp"),
        (OHLCV.encode() + b"120000,2,3,1,2,5\n", "line 4: expected timestamp"),
        (OHLCV.encode() + b"oops\n", "line 4: expected timestamp"),
        (OHLCV.encode()[:53], "fewer than two candles"),
        (b"1723161253937085768 {oops\n", "line 1: no JSON"),
        (b"1723161253937085768 {}\n", "no message names a symbol"),
    ],
)
def test_unusable_file_gives_one_clear_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "market.bin"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        open_market(str(path), 1)
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_absent_file_gives_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        open_market(str(tmp_path / "absent"), 1)
