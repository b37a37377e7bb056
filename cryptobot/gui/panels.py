"""Every panel of the window, by name."""

from dataclasses import dataclass

from cryptobot.gui.views.banner import BannerView
from cryptobot.gui.views.blotter import BlotterView
from cryptobot.gui.views.chart import ChartView
from cryptobot.gui.views.fills import FillsView
from cryptobot.gui.views.health import HealthView
from cryptobot.gui.views.ladder import LadderView
from cryptobot.gui.views.log_pane import LogPane
from cryptobot.gui.views.portfolio import PortfolioView
from cryptobot.gui.views.result_strip import ResultStrip
from cryptobot.gui.views.status_strip import StatusStrip
from cryptobot.gui.views.strategies import StrategiesView
from cryptobot.gui.views.ticket import TicketView


@dataclass(frozen=True, slots=True)
class Panels:
    """What the presenter fills and the window lays out."""

    banner: BannerView
    result: ResultStrip
    chart: ChartView
    ticket: TicketView
    ladder: LadderView
    blotter: BlotterView
    health: HealthView
    fills: FillsView
    log: LogPane
    portfolio: PortfolioView
    strategies: StrategiesView
    status: StatusStrip

    @classmethod
    def make(cls) -> "Panels":
        """Return a new set."""
        return cls(
            BannerView(),
            ResultStrip(),
            ChartView(),
            TicketView(),
            LadderView(),
            BlotterView(),
            HealthView(),
            FillsView(),
            LogPane(),
            PortfolioView(),
            StrategiesView(),
            StatusStrip(),
        )
