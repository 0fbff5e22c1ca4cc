"""What is chosen by name beside the networks that are shipped; light enough for every command."""

NAIVE = "naive"
"""The naive inversion, which restores nothing."""

EMBEDDED = "embedded"
"""The network that a photo carries in its own file."""

GAMUT_MLP = "gamut-mlp"
"""A network that is fitted to the photo's original (Le et al. 2023)."""
