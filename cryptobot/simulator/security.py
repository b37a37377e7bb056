"""Who asks: API key, signature and timing of a signed request."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.wire_error import WireError, mandatory

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
_AHEAD_MS = 1_000
_FIRST_MICROSECOND_STAMP = 10**15


def sign(secret: str, payload: str) -> str:
    """Return the hex HMAC-SHA256 of ``payload``, as Binance wants it."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The account's API key and secret."""

    key: str = "testkey"
    secret: str = "testsecret"  # noqa: S105 - the contract's public test secret


class Gatekeeper:
    """Checks signed requests.

    Args:
        credentials: Of the one account.
        clock: The exchange's.
        fault_ms: Tells how wrong the clock is by a fault.
    """

    def __init__(
        self,
        credentials: Credentials,
        clock: ExchangeClock,
        fault_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._fault_ms = fault_ms
        self._credentials = credentials
        self._clock = clock
        self.skew_ms = 0

    def server_ms(self) -> int:
        """Return what the exchange says the time is, in milliseconds."""
        return self._clock.now_ms() + self.offset_ms

    @property
    def offset_ms(self) -> int:
        """How wrong the exchange's clock is, set by hand and by faults."""
        return self.skew_ms + self._fault_ms()

    def check(self, key: str | None, payload: str, params: Mapping[str, str]) -> None:
        """Let a signed request pass.

        Args:
            key: The API key sent.
            payload: What was signed, exactly as sent, without the signature.
            params: All parameters.

        Raises:
            WireError: -2014, -2015, -1102, -1131, -1021 or -1022.
        """
        if not key or not key.isalnum():
            raise WireError(-2014, "API-key format invalid.", 401)
        if key != self._credentials.key:
            raise WireError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        signature = params.get("signature")
        if not signature:
            raise mandatory("signature")
        self._check_time(params)
        expected = sign(self._credentials.secret, payload)
        if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
            raise WireError(-1022, "Signature for this request is not valid.")

    def _check_time(self, params: Mapping[str, str]) -> None:
        stamp_text = params.get("timestamp", "")
        if not stamp_text.isdigit():
            raise mandatory("timestamp")
        stamp = int(stamp_text)
        if stamp >= _FIRST_MICROSECOND_STAMP:
            stamp //= 1000
        window = _window(params.get("recvWindow"))
        now = self.server_ms()
        earliest = now
        if self._clock.speed != 1:
            # The exchange's time runs away from any client's; what lies between both is timely.
            wall = self._clock.base_ns() // 1_000_000
            now, earliest = max(now, wall), min(now, wall)
        if stamp >= now + _AHEAD_MS:
            raise WireError(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        if earliest - stamp > window:
            raise WireError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _window(text: str | None) -> float:
    if text is None:
        return DEFAULT_WINDOW_MS
    try:
        window = float(text)
    except ValueError:
        raise mandatory("recvWindow") from None
    if not 0 < window <= MAX_WINDOW_MS:
        raise WireError(-1131, "recvWindow must be less than 60000.")
    return window
