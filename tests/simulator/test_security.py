import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.security import Credentials, Gatekeeper, sign
from cryptobot.simulator.wire_error import WireError

PAYLOAD = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    "&recvWindow=5000&timestamp=1499827319559"
)
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
NOW_MS = 1_499_827_319_559


@pytest.fixture
def gate() -> Gatekeeper:
    clock = ExchangeClock(ManualClock(NOW_MS * 1_000_000))
    return Gatekeeper(Credentials("key1", "secret1"), clock)


def check(gate: Gatekeeper, **params: object) -> None:
    texts = {name: str(value) for name, value in params.items()}
    payload = "&".join(f"{name}={value}" for name, value in texts.items())
    gate.check("key1", payload, {**texts, "signature": sign("secret1", payload)})


def refused(gate: Gatekeeper, **params: object) -> tuple[int, str]:
    with pytest.raises(WireError) as error:
        check(gate, **params)
    return error.value.code, error.value.message


def test_signature_with_documented_vector_matches() -> None:
    # Binance's documentation: this secret belongs to that key.
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    assert sign(secret, PAYLOAD) == SIGNATURE


def test_request_with_good_signature_passes(gate: Gatekeeper) -> None:
    check(gate, symbol="BTCUSDT", timestamp=NOW_MS)


def test_signature_in_upper_case_passes(gate: Gatekeeper) -> None:
    payload = f"timestamp={NOW_MS}"
    signature = sign("secret1", payload).upper()
    gate.check("key1", payload, {"timestamp": str(NOW_MS), "signature": signature})


def test_timestamp_in_microseconds_passes(gate: Gatekeeper) -> None:
    check(gate, timestamp=NOW_MS * 1000)


@pytest.mark.parametrize(("offset", "window"), [(999, 5000), (-5000, None), (-60_000, 60_000)])
def test_timestamp_at_the_edge_passes(gate: Gatekeeper, offset: int, window: int | None) -> None:
    extra = {} if window is None else {"recvWindow": window}
    check(gate, timestamp=NOW_MS + offset, **extra)


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (1000, "Timestamp for this request was 1000ms ahead of the server's time."),
        (-5001, "Timestamp for this request is outside of the recvWindow."),
    ],
)
def test_timestamp_beyond_the_edge_is_refused(gate: Gatekeeper, offset: int, message: str) -> None:
    assert refused(gate, timestamp=NOW_MS + offset) == (-1021, message)


def test_skewed_server_refuses_a_right_timestamp(gate: Gatekeeper) -> None:
    gate.skew_ms = -2000
    assert refused(gate, timestamp=NOW_MS)[0] == -1021


def test_window_above_a_minute_is_refused(gate: Gatekeeper) -> None:
    assert refused(gate, timestamp=NOW_MS, recvWindow=60_001)[0] == -1131


def test_missing_timestamp_is_refused(gate: Gatekeeper) -> None:
    assert refused(gate, symbol="BTCUSDT")[0] == -1102


@pytest.mark.parametrize(
    ("key", "code", "status"),
    [(None, -2014, 401), ("", -2014, 401), ("a b", -2014, 401), ("other", -2015, 401)],
)
def test_wrong_key_is_refused(gate: Gatekeeper, key: str | None, code: int, status: int) -> None:
    with pytest.raises(WireError) as error:
        gate.check(key, "", {})
    assert (error.value.code, error.value.status) == (code, status)


def test_wrong_signature_is_refused(gate: Gatekeeper) -> None:
    params = {"timestamp": str(NOW_MS), "signature": "00"}
    with pytest.raises(WireError) as error:
        gate.check("key1", f"timestamp={NOW_MS}", params)
    assert error.value.code == -1022


def test_fast_clock_takes_stamps_of_both_clocks() -> None:
    base = ManualClock(NOW_MS * 1_000_000)
    gate = Gatekeeper(Credentials("key1", "secret1"), ExchangeClock(base, speed=100))
    base.advance(60 * 10**9)
    for stamp in (NOW_MS + 60_000, NOW_MS + 3_000_000, NOW_MS + 6_000_000):
        check(gate, timestamp=stamp)
    assert refused(gate, timestamp=NOW_MS + 6_001_000)[0] == -1021
    assert refused(gate, timestamp=NOW_MS + 54_000)[0] == -1021
