"""From wide-gamut photos to trained weights."""
