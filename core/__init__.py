"""Gamut expansion: the lost colours of an sRGB photo, restored."""
