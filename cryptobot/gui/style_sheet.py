"""The style sheet: what a palette cannot say. One function of the theme's colours."""

from cryptobot.gui.tokens import Tokens


def style_sheet(t: Tokens) -> str:
    """Return the application's style sheet in the colours of ``t``."""
    return f"""
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 5px; }}
QMainWindow::separator {{ background: {t.ground}; width: 6px; height: 6px; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QMenuBar {{ background: {t.panel}; color: {t.text}; padding: 1px 6px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {t.selection}; }}
QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 22px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.faint}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 6px; }}

QFrame#panel, QWidget#panel {{ background: {t.panel}; }}
QLabel#panelTitle {{ color: {t.muted}; font-weight: 600; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="faint"] {{ color: {t.faint}; }}
QLabel[role="problem"] {{ color: {t.bad}; }}
QLabel[role="good"] {{ color: {t.good}; }}
QLabel[role="warn"] {{ color: {t.warn}; }}

QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
QStatusBar::item {{ border: none; }}
QWidget#sign {{ border: 1px solid transparent; border-radius: 4px; }}
QWidget#sign[role="opens"]:hover {{ background: {t.selection}; }}
QWidget#sign:focus {{ border-color: {t.accent}; }}
QDockWidget {{ color: {t.muted}; }}
QWidget#dockTitle {{ background: {t.panel}; border-bottom: 1px solid {t.line}; }}
QTabBar {{ background: transparent; }}
QTabBar::tab {{ background: transparent; color: {t.muted}; padding: 6px 14px;
  border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent};
  background: {t.panel}; }}
QTabBar::tab:hover:!selected {{ color: {t.text}; }}

QTabBar#filter::tab {{ padding: 4px 10px; margin: 2px 4px 2px 0; border: 1px solid transparent;
  border-radius: 4px; }}
QTabBar#filter::tab:selected {{ background: {t.selection}; color: {t.text};
  border: 1px solid transparent; }}

QTableView, QTreeView, QListView {{ background: {t.panel}; border: none; gridline-color: {t.grid};
  selection-background-color: {t.selection}; selection-color: {t.text}; outline: none; }}
QTableView:disabled {{ selection-background-color: {t.grid}; selection-color: {t.faint}; }}
QTableView::item {{ padding: 0 6px; }}
QHeaderView {{ background: {t.panel}; border: none; }}
QHeaderView::section {{ background: {t.panel}; color: {t.muted}; border: none;
  border-bottom: 1px solid {t.line}; padding: 4px 9px; }}
QHeaderView::up-arrow, QHeaderView::down-arrow {{ width: 0; height: 0; }}
QAbstractScrollArea::corner {{ background: {t.panel}; border: none; }}
QScrollArea {{ background: {t.panel}; border: none; }}
QDialog {{ background: {t.panel}; }}
QTableCornerButton::section {{ background: {t.panel}; border: none; }}

QLineEdit, QComboBox, QSpinBox {{ background: {t.sunken}; color: {t.text};
  border: 1px solid {t.line}; border-radius: 4px; padding: 4px 8px; min-height: 18px;
  selection-background-color: {t.accent}; selection-color: #FFFFFF; }}
QLineEdit:focus, QComboBox:focus {{ border: 1px solid {t.accent}; }}
QLineEdit:disabled, QComboBox:disabled {{ color: {t.faint}; background: {t.panel}; }}
QLineEdit[wrong="true"] {{ border: 1px solid {t.bad}; }}
QComboBox::drop-down {{ border: none; width: 24px; }}
QComboBox QAbstractItemView {{ background: {t.raised}; border: 1px solid {t.line};
  selection-background-color: {t.selection}; }}

QPushButton {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line};
  border-radius: 4px; padding: 5px 12px; min-height: 16px; }}
QPushButton:hover {{ border-color: {t.faint}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:pressed {{ background: {t.sunken}; }}
QPushButton:disabled {{ color: {t.faint}; background: {t.panel}; border-color: {t.grid}; }}
QPushButton[flat="true"] {{ background: transparent; border-color: transparent; }}
QPushButton[role="segment"] {{ border-radius: 4px; padding: 5px 6px; color: {t.muted};
  background: {t.sunken}; }}
QPushButton[role="segment"]:checked {{ color: {t.text}; background: {t.selection};
  border-color: {t.accent}; font-weight: 600; }}
QPushButton[role="buy"], QPushButton[role="sell"] {{ padding: 7px 6px; color: {t.muted};
  background: {t.sunken}; font-weight: 600; }}
QPushButton[role="buy"]:checked {{ background: {t.up}; color: {t.on_up}; border-color: {t.up}; }}
QPushButton[role="sell"]:checked {{ background: {t.down}; color: {t.on_down};
  border-color: {t.down}; }}
QPushButton[role="submitBuy"] {{ background: {t.up}; color: {t.on_up}; border-color: {t.up};
  font-weight: 600; padding: 8px; }}
QPushButton[role="submitSell"] {{ background: {t.down}; color: {t.on_down};
  border-color: {t.down}; font-weight: 600; padding: 8px; }}
QPushButton[role="submitBuy"]:disabled, QPushButton[role="submitSell"]:disabled {{
  background: {t.raised}; color: {t.muted}; border-color: {t.line}; }}
QPushButton[role="submitBuy"]:focus, QPushButton[role="submitSell"]:focus {{
  border: 2px solid {t.text}; padding: 7px; }}
QPushButton[role="danger"] {{ background: #C9321A; color: #FFFFFF; border-color: #C9321A;
  font-weight: 600; }}
QPushButton[role="danger"]:disabled {{ background: {t.raised}; color: {t.faint};
  border-color: {t.line}; }}
QPushButton[role="link"] {{ background: transparent; border: 1px solid transparent;
  color: {t.accent}; padding: 3px 6px; }}
QPushButton[role="link"]:hover {{ border-color: {t.line}; }}

QPushButton#toPaper {{ background: #FFFFFF; color: #14171C; border: 2px solid #FFFFFF;
  border-radius: 6px; padding: 8px 18px; font-weight: 700; }}
QPushButton#toPaper:hover {{ background: #E8EEF7; }}
QPushButton#toPaper:focus {{ border-color: #14171C; }}
QPushButton#toPaper:disabled {{ background: #C9CED6; color: #4A5360; border-color: #C9CED6; }}
QPushButton#onBanner {{ background: rgba(255, 255, 255, 30); color: #FFFFFF;
  border: 1px solid rgba(255, 255, 255, 130); border-radius: 6px; padding: 8px 16px;
  font-weight: 600; }}
QPushButton#onBanner:hover {{ background: rgba(255, 255, 255, 55); }}
QPushButton#onBanner:focus {{ border: 2px solid #FFFFFF; padding: 7px 15px; }}
QPushButton#onBanner:disabled {{ color: rgba(255, 255, 255, 130); }}

QCheckBox {{ spacing: 8px; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 28px; }}
QScrollBar::handle:horizontal {{ min-width: 28px; }}
QScrollBar::handle:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
