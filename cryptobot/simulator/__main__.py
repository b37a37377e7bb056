"""``python -m cryptobot.simulator``."""

import sys

from cryptobot.simulator.command import main

sys.exit(main())
