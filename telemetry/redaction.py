"""Redaction by value: no loaded secret leaves, in whatever form and wherever it stands.

Scrubbing by field name misses secrets in messages, URLs, tracebacks and other people's fields; so
every loaded secret is registered, and its forms are looked for in the finished bytes. Two kinds of
values that nobody loads are known by name: request signatures and listen keys.
"""

import base64
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, quote_plus

import orjson

REDACTED: Final = "[redacted]"

MIN_SECRET: Final = 4
"""Shorter ones would blank out ordinary text."""

_MIN_PEM_LINE: Final = 16

_NAMES: Final = ("signature", "listenkey", "listen_key", "apikey", "api-key", "api_key")
"""Lower case; what to look for before the slower patterns are tried."""

_NAMED_VALUE: Final = re.compile(
    r"""((?:signature|listen_?key|api[-_]?key)          # in a query, a header, JSON or a repr
         (?:\\*["']\s*[:=] | \s*= | \s*:(?=\s*\S{16}))  # a bare colon in prose is left alone
         \s*\\*["']?)
        (?!\[redacted\]) [^\s"'&,;)}\]\\]+""",
    re.IGNORECASE | re.VERBOSE,
)
_NAMED_KEY: Final = re.compile(r"(?:^|.*[-_])(?:signature|listen_?key|api[-_]?key)", re.IGNORECASE)


class RedactionError(Exception):
    """A text could not be freed of secrets, and must not be used."""


class Redactor:
    """Replaces every form of every registered secret by ``[redacted]``. Threads may share it."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()
        self._needles: tuple[str, ...] = ()
        self._probes: tuple[str, ...] = _NAMES

    def add(self, secret: str) -> bool:
        """Register a secret; from now on it and its encoded forms are replaced.

        Returns:
            False if it is shorter than ``MIN_SECRET`` and was not registered.
        """
        if len(secret) < MIN_SECRET:
            return False
        forms = {*self._forms, *_forms(secret)}
        # Longest first, so that a form that contains another goes as a whole.
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._needles = tuple(_in_json(form) for form in self._forms)
        probes = {needle.casefold() for needle in self._needles}
        # A form that contains another is found by it.
        self._probes = _NAMES + tuple(
            probe for probe in probes if not any(other in probe for other in probes - {probe})
        )
        return True

    def redact(self, text: str) -> str:
        """Return ``text`` without secrets, signatures, listen keys and API keys."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        lowered = text.casefold()
        if any(name in lowered for name in _NAMES):
            text = _NAMED_VALUE.sub(rf"\1{REDACTED}", text)
        return text

    def redact_json(self, line: bytes) -> bytes:
        """Return a JSON text without secrets in its keys, strings and numbers.

        Args:
            line: A JSON value as ``orjson`` writes it.

        Raises:
            RedactionError: If secrets remain, or it is not JSON.
        """
        if not self._suspect(line):
            return line
        try:
            clean = orjson.dumps(self._walk(orjson.loads(line)))
        except (ValueError, TypeError, RecursionError) as error:
            raise RedactionError(f"cannot be redacted: {type(error).__name__}") from None
        text = clean.decode()
        if any(needle in text for needle in self._needles):
            raise RedactionError("a secret remains after redaction")
        return clean

    def _suspect(self, line: bytes) -> bool:
        # On every record: str finds twice as fast as bytes, a plain loop faster than any() or re.
        text = line.decode("utf-8", "replace").casefold()  # lower() depends on the neighbours
        for probe in self._probes:  # noqa: SIM110 - see above
            if probe in text:
                return True
        return False

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {
                self.redact(key): REDACTED
                if isinstance(item, str) and _NAMED_KEY.fullmatch(key)
                else self._walk(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, bool) or value is None:
            return value
        text = str(value)
        return REDACTED if any(form in text for form in self._forms) else value


def _in_json(text: str) -> str:
    """Return ``text`` as it stands inside a JSON string; lone surrogates are lost there too."""
    return orjson.dumps(text.encode("utf-8", "replace").decode())[1:-1].decode()


def _forms(secret: str) -> Iterable[str]:
    """Yield every way a secret may be written, those too that differ only for odd characters."""
    raw = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield repr(secret)[1:-1]
    yield repr(raw)[2:-1]
    yield _in_json(secret)
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    yield raw.hex()
    yield raw.hex().upper()
    yield from _base64(raw)
    lines = secret.split()
    if len(lines) > 1:  # a PEM key: its lines may be printed one by one
        yield from (line for line in lines if len(line) >= _MIN_PEM_LINE)


def _base64(raw: bytes) -> Iterable[str]:
    """Yield what base64 shows of ``raw``, alone or amid other bytes (``key:secret``)."""
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw)
        # The first characters mix with what stands before, the last with what comes after.
        first = -(-offset * 8 // 6)
        whole = (offset + len(raw)) * 8 // 6
        core = coded[first:whole].decode()
        if len(core) >= MIN_SECRET:
            yield core
            yield core.replace("+", "-").replace("/", "_")
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
