"""Reading the text exposition, without our own code in between."""

import re
import urllib.request

Sample = tuple[str, tuple[tuple[str, str], ...]]
"""A series: its name and its sorted labels."""

_LINE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: \d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def scrape(url: str) -> dict[Sample, str]:
    """Return every sample of a ``/metrics`` on this machine."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
        return samples(answer.read().decode())


def samples(text: str) -> dict[Sample, str]:
    """Return every sample's value as written. Raises ``ValueError`` for a line that is none."""
    found: dict[Sample, str] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"not a sample: {line!r}")
        labels = tuple(sorted(_LABEL.findall(match["labels"] or "")))
        found[match["name"], labels] = match["value"]
    return found
