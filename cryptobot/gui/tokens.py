"""The colours of the window, named for what they mean. No Qt here."""

from dataclasses import dataclass
from enum import StrEnum


class ThemeName(StrEnum):
    """What a user may choose."""

    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Tokens:
    """One theme.

    Attributes:
        ground: Behind the panels.
        panel: A panel's own surface.
        raised: Buttons and headers.
        sunken: Fields and tables.
        line: Borders between things.
        grid: Lines within a chart or table.
        text, muted, faint: Words by importance.
        accent: Focus and the chosen thing.
        selection: Behind chosen rows.
        up, down: Rising and falling, buying and selling; always with a sign or a shape as well.
        good, warn, bad: Health; always with a word as well.
    """

    dark: bool
    ground: str
    panel: str
    raised: str
    sunken: str
    line: str
    grid: str
    text: str
    muted: str
    faint: str
    accent: str
    selection: str
    up: str
    down: str
    on_up: str
    on_down: str
    good: str
    warn: str
    bad: str


DARK = Tokens(
    dark=True,
    ground="#0E1116",
    panel="#161A21",
    raised="#222833",
    sunken="#11151B",
    line="#2A313C",
    grid="#20262F",
    text="#E4E8EE",
    muted="#9BA6B4",
    faint="#808B9B",
    accent="#4C9AFF",
    selection="#1F3A5C",
    up="#56B4E9",
    down="#E69F00",
    on_up="#06202F",
    on_down="#2B1D00",
    good="#5CC99A",
    warn="#F2C14E",
    bad="#FF7A66",
)

LIGHT = Tokens(
    dark=False,
    ground="#E9EDF2",
    panel="#FFFFFF",
    raised="#F3F5F8",
    sunken="#FBFCFD",
    line="#D3D9E1",
    grid="#E8ECF1",
    text="#18202B",
    muted="#556172",
    faint="#677281",
    accent="#1A66D0",
    selection="#D6E6FB",
    up="#0072B2",
    down="#D55E00",
    on_up="#FFFFFF",
    on_down="#FFFFFF",
    good="#1B7F55",
    warn="#8A6100",
    bad="#BE2F1B",
)

FACE_FILL = {
    "CONNECTING": "#39424F",
    "NO ENGINE": "#39424F",
    "LIVE": "#C9321A",
    "PAPER": "#1D5FBF",
    "SIMULATED": "#6D3CC0",
    "ENGINE LOST": "#0B0C0E",
}
"""The banner's ground by the word it shows: the same in both themes, so that it is learned once."""

HAZARD = "#F5C518"
"""The stripes of ENGINE LOST, and chips that warn on the banner."""
