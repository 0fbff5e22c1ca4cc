"""Gamut expansion in napari: widgets, reader, writer and samples around :mod:`core`."""
