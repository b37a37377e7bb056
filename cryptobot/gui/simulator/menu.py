"""The menu "Simulator": every preset by group, ticked while it is on, and an end to all."""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from cryptobot.gui.simulator.faults import Preset, by_group
from cryptobot.gui.simulator.link import SimulatorLink


class SimulatorMenu(QMenu):
    """Built when the simulator has told its presets.

    Args:
        link: The simulator.
    """

    def __init__(self, link: SimulatorLink) -> None:
        super().__init__("Sim&ulator")
        self._link = link
        self._groups: dict[str, QMenu] = {}
        self._presets: dict[str, QAction] = {}
        self.setToolTipsVisible(True)
        self.clear_action = self.addAction("&Clear all faults", link.clear)
        self.addSeparator()
        self.hint = self.addAction("The simulated exchange is starting...")
        self.hint.setEnabled(False)
        link.changed.connect(self._show)
        self._show()

    def preset(self, name: str) -> QAction:
        """Return the action of a preset. Raises ``KeyError`` when there is none."""
        return self._presets[name]

    def _show(self) -> None:
        link = self._link
        if link.presets and not self._presets:
            self._fill(link.presets)
        self.hint.setVisible(bool(link.trouble) or not link.presets)
        if link.trouble:
            self.hint.setText(link.trouble.replace("&", "&&"))
        on = {fault.name for fault in link.faults}
        self.clear_action.setEnabled(bool(link.faults))
        for name, action in self._presets.items():
            action.setChecked(name in on)
            action.setEnabled(not link.trouble)
        for group, menu in self._groups.items():
            number = sum(preset.name in on for preset in link.presets if preset.group == group)
            menu.setTitle(f"{group}   ({number} on)" if number else group)

    def _fill(self, presets: tuple[Preset, ...]) -> None:
        for group, members in by_group(presets).items():
            self._groups[group] = menu = self.addMenu(group)
            for preset in members:
                action = menu.addAction(f"{preset.about.replace('&', '&&')}\t{preset.name}")
                action.setCheckable(True)
                action.triggered.connect(lambda on, name=preset.name: self._switch(name, on=on))
                self._presets[preset.name] = action

    def _switch(self, name: str, *, on: bool) -> None:
        if on:
            self._link.switch_on(name)
        else:
            self._link.switch_off(name)
