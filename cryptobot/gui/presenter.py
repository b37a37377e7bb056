"""Puts what changed before the eyes: from the state to the panels, and nothing else."""

import time
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QObject

from cryptobot.domain.mode import TradingState
from cryptobot.gui.banner_state import banner_of
from cryptobot.gui.health_checks import unresolved_of
from cryptobot.gui.panels import Panels
from cryptobot.gui.session import Session
from cryptobot.gui.state import Changes, Link, Part
from cryptobot.gui.tray import Tray
from cryptobot.gui.vital_signs import vital_signs

_HEALTH: Final = {Part.LINK, Part.STATUS, Part.ORDERS, Part.LETTERS, Part.RECONCILIATION}
"""What the health panel shows."""


class Presenter(QObject):
    """Listens to the session and refreshes the panels that what changed concerns.

    Args:
        session: The session with the engine.
        panels: The panels.
        tray: The tray icon where there is one.
    """

    def __init__(self, session: Session, panels: Panels, tray: Tray | None) -> None:
        super().__init__(session)
        self._session = session
        self._state = session.state
        self._panels = panels
        self._tray = tray
        self._unsettled = True
        self._unresolved = 0
        session.refreshed.connect(self.show)
        session.beat.connect(self._beat)
        panels.chart.wanted.connect(self._chart_chosen)
        panels.ticket.symbol_changed.connect(self._ticket_chosen)
        self.show_status()
        panels.health.show_health(self._state, time.time())

    def show(self, changes: Changes) -> None:
        """Show ``changes``."""
        parts = changes.parts
        if parts & {Part.LINK, Part.STATUS} or self._count_unresolved() != self._unresolved:
            self.show_status()
        if parts & {Part.INSTRUMENTS, Part.STATUS}:
            symbols = self._state.status.symbols if self._state.status else ()
            self._panels.ticket.show_instruments(self._state.instruments, symbols)
        if changes.orders:
            self._panels.blotter.apply(changes.orders)
        if Part.FILLS in parts:
            self._show_fills()
        if parts & {Part.CANDLES, Part.LINK}:
            self._show_candles()
        if parts & {Part.BOOK, Part.LINK, Part.INSTRUMENTS}:
            self._show_book()
        self._show_tables(parts)
        if changes.log:
            self._panels.log.append(changes.log)

    def _show_tables(self, parts: set[Part]) -> None:
        if parts & {Part.PORTFOLIO, Part.LINK}:
            self._panels.portfolio.show_portfolio(self._state.portfolio, stale=self._stale)
            self._show_ages()
        if parts & {Part.STRATEGIES, Part.LINK}:
            alive = self._state.link is Link.ALIVE
            self._panels.strategies.show_strategies(self._state.strategies, alive=alive)
        if parts & _HEALTH:
            self._panels.health.show_health(self._state, time.time())

    @property
    def _stale(self) -> bool:
        return self._state.link is not Link.ALIVE

    def show_status(self) -> None:
        """Show who answers, in which mode, and how it is."""
        now = time.time()
        banner = banner_of(self._state, now)
        self._panels.banner.show_banner(banner)
        self._unresolved = self._count_unresolved()
        self._panels.status.show_signs(vital_signs(self._state, now))
        status = self._state.status
        halted = status is not None and status.trading_state == TradingState.HALTED
        self._panels.ticket.show_mode(banner.face, halted=halted)
        if status is not None:
            self._panels.chart.show_choices(status.symbols, status.timeframe)
        if self._tray is not None:
            self._tray.show_banner(banner, self._unresolved)

    def _count_unresolved(self) -> int:
        return len(unresolved_of(self._state.orders.values()))

    def _beat(self) -> None:
        """Let ages grow, though nothing arrives: that is what they tell."""
        self._show_ages()
        unsettled = self._stale or self._state.market_age().old
        if unsettled or self._unsettled:
            self.show_status()
        self._unsettled = unsettled

    def _show_ages(self) -> None:
        state, panels = self._state, self._panels
        symbol, timeframe = panels.chart.chosen
        panels.ladder.show_age(state.book_age(symbol))
        panels.chart.show_age(state.chart_age(symbol, timeframe))
        held = () if state.portfolio is None else state.portfolio.positions
        marks = [state.market_age(position.symbol) for position in held] or [state.market_age()]
        parts = [*marks, state.balances_age()]
        panels.portfolio.show_age(max(parts, key=lambda age: (age.old, age.seconds or 0.0)))
        self._show_best()

    def _show_candles(self) -> None:
        key = self._panels.chart.chosen
        series = self._state.candles.get(key)
        if series is not None:
            self._panels.chart.show_candles(key, series.rows)
        self._show_ages()

    def _show_fills(self) -> None:
        symbol = self._panels.chart.chosen[0]
        fills = sorted(self._state.fills.values(), key=lambda fill: fill.at)
        self._panels.chart.show_fills(fill for fill in fills if fill.symbol == symbol)
        self._panels.fills.show_fills(fills)

    def _show_book(self) -> None:
        chart_symbol = self._panels.chart.chosen[0]
        book = self._state.books.get(chart_symbol)
        instrument = self._state.instruments.get(chart_symbol)
        self._panels.ladder.show_book(book, instrument)
        self._show_ages()

    def _show_best(self) -> None:
        symbol = self._panels.ticket.symbol.currentText()
        book = self._state.books.get(symbol)
        bid: Decimal | None = None
        ask: Decimal | None = None
        age = self._state.book_age(symbol)
        if book is not None and not age.old:
            bid = book.bids[0][0] if book.bids else None
            ask = book.asks[0][0] if book.asks else None
        self._panels.ticket.show_market(bid, ask, age.words)

    def _chart_chosen(self, symbol: str, _timeframe: str) -> None:
        self._panels.ticket.symbol.setCurrentText(symbol)
        self._show_candles()
        self._show_fills()
        self._show_book()

    def _ticket_chosen(self, symbol: str) -> None:
        self._panels.chart.choose_symbol(symbol)
        self._show_best()
