"""Gamut expansion in napari: a panel, a reader, a writer and samples around :mod:`core`."""

import os

# Threads that spin while they wait take the processor from the window; read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
