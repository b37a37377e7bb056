"""Fusion with our own palettes and one style sheet, switched at run time."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from cryptobot.gui.style_sheet import style_sheet
from cryptobot.gui.tokens import DARK, LIGHT, ThemeName, Tokens

_FAMILIES: Final = ["Inter", "SF Pro Text", "Segoe UI", "Noto Sans", "Cantarell", "DejaVu Sans"]
_MONO_FAMILIES: Final = [
    "JetBrains Mono",
    "SF Mono",
    "Cascadia Mono",
    "Consolas",
    "Noto Sans Mono",
    "DejaVu Sans Mono",
]
BASE_PT: Final = 9.0


class _Active:
    tokens: Tokens = DARK


def active() -> Tokens:
    """Return the colours in force; painters read them anew each time."""
    return _Active.tokens


def color(value: str, alpha: float = 1.0) -> QColor:
    """Return a token as a ``QColor``; ``alpha`` from 0 to 1."""
    result = QColor(value)
    result.setAlphaF(alpha)
    return result


def ui_font(points: float = BASE_PT, *, bold: bool = False) -> QFont:
    """Return the font of words."""
    font = QFont()
    font.setFamilies(_FAMILIES)
    font.setPointSizeF(points)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return font


def figure_font(points: float = BASE_PT, *, bold: bool = False) -> QFont:
    """Return the font of numbers: every digit has the same width, so that columns line up."""
    font = ui_font(points, bold=bold)
    font.setFamilies(_MONO_FAMILIES)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def resolve(name: ThemeName, app: QApplication) -> Tokens:
    """Return the colours that ``name`` means on this desktop now."""
    if name is ThemeName.SYSTEM:
        light = app.styleHints().colorScheme() is Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if name is ThemeName.LIGHT else DARK


def apply_theme(app: QApplication, name: ThemeName) -> None:
    """Dress the whole application; widgets hear of it by their palette-change event."""
    tokens = resolve(name, app)
    _Active.tokens = tokens
    app.setStyle("Fusion")
    app.setFont(ui_font())
    app.setPalette(_palette(tokens))
    app.setStyleSheet(style_sheet(tokens))


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    colors = {
        role.Window: tokens.ground,
        role.WindowText: tokens.text,
        role.Base: tokens.sunken,
        role.AlternateBase: tokens.panel,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.faint,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.Link: tokens.accent,
        role.Light: tokens.raised,
        role.Midlight: tokens.raised,
        role.Mid: tokens.line,
        role.Dark: tokens.line,
        role.Shadow: tokens.ground,
    }
    palette = QPalette()
    for where, value in colors.items():
        palette.setColor(where, QColor(value))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(tokens.faint))
    return palette
