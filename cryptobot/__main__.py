"""``python -m cryptobot``."""

import sys

from cryptobot.cli import main

sys.exit(main())
