"""Starts the demo where the host looks for it."""

import sys

from gradio_app.server import main

if __name__ == "__main__":
    sys.exit(main(["--host", "0.0.0.0", "--port", "7860", "--max-megapixels", "16"]))
