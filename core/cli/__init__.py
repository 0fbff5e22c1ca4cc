"""The command line: ``gamut``."""

from core.cli.main import main

__all__ = ["main"]
