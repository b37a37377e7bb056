"""``python -m cryptobot.gui``: the window alone, attached to a running engine."""

import sys

from cryptobot.gui.command import main

sys.exit(main(sys.argv[1:]))
