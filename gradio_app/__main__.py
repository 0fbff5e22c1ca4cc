"""``python -m gradio_app``: start the web demo."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Every job's process imports this module, too, and needs nothing of the page.
    from gradio_app.server import main

    sys.exit(main())
