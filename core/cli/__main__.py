"""``python -m core.cli``: the same as the command ``gamut``."""

import sys

from core.cli.main import main

if __name__ == "__main__":  # Worker processes import this module, too.
    sys.exit(main())
