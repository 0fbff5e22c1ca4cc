"""The engine: from sRGB codes, in memory or in files, to the colours of a wide gamut."""
