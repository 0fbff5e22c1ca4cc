"""The drawings that the command line and both faces share.

They are matplotlib figures, made without any global state, so that a window, a web page or a
file can show them; matplotlib itself is imported when the first one is drawn.
"""

from core.pictures.chromaticity import (
    Diagram,
    chromaticities,
    chromaticity_figure,
    evenly_spaced,
)
from core.pictures.code_histogram import code_figure, code_shares
from core.pictures.convergence import QualityTrace, convergence_figure, move_cursor
from core.pictures.error_maps import COLOUR_MAP, Limits, error_figure, heat_map, shared_limits
from core.pictures.overlaid import Pointed, overlaid_figure, pointed_at
from core.pictures.payload_curve import payload_figure
from core.pictures.saving import check_figure_name, figure_bytes, save_figure
from core.pictures.story import Story, tell
from core.pictures.theme import ThemeName

__all__ = [
    "COLOUR_MAP",
    "Diagram",
    "Limits",
    "Pointed",
    "QualityTrace",
    "Story",
    "ThemeName",
    "check_figure_name",
    "chromaticities",
    "chromaticity_figure",
    "code_figure",
    "code_shares",
    "convergence_figure",
    "error_figure",
    "evenly_spaced",
    "figure_bytes",
    "heat_map",
    "move_cursor",
    "overlaid_figure",
    "payload_figure",
    "pointed_at",
    "save_figure",
    "shared_limits",
    "tell",
]
