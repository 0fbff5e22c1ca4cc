"""The one base of every error that is meant for the person at the screen."""

from __future__ import annotations


class PhotoError(Exception):
    """Something went wrong that a person can put right; ``str(error)`` is one sentence."""
