import pytest

from cryptobot.gui.tokens import DARK, LIGHT, Tokens

READABLE = 4.5
"""The least contrast of small text by WCAG 2, level AA."""


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("name", ["text", "muted", "faint", "good", "warn", "bad", "accent"])
def test_words_on_a_panel_are_readable(tokens: Tokens, name: str) -> None:
    ink, ground = luminance(getattr(tokens, name)), luminance(tokens.panel)
    assert (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05) >= READABLE
