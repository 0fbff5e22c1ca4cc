"""``python -m gradio_app``: start the web demo."""

from __future__ import annotations

import sys

from gradio_app.server import main

if __name__ == "__main__":
    sys.exit(main())
