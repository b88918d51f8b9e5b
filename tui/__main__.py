"""`python -m tui` is `coupler`."""

import sys

from tui.cli import main

sys.exit(main())
