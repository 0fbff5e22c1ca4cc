"""Starts the demo where the host looks for it; variables of the Space outrank what is set here."""

import os
import sys

from gradio_app.server import main

USUAL = {
    "HOST": "0.0.0.0",
    "PORT": "7860",
    "MAX_MEGAPIXELS": "16",
    # A Space is shown in a frame of its host's page.
    "FRAMES": "https://huggingface.co",
}

if __name__ == "__main__":
    for name, value in USUAL.items():
        os.environ.setdefault(f"GAMUT_DEMO_{name}", value)
    sys.exit(main([]))
