"""The spectral locus: the chromaticities of light of a single wavelength."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

SHORTEST, LONGEST = 390, 700
"""Range of the locus in nm; beyond it, it turns back on itself by less than 0.0005."""

_STEP = 5
# CIE 1931 2-degree standard observer (CIE 018:2019, table 6), every 5 nm.
_TABLE = (
    (0.17380, 0.00492),
    (0.17356, 0.00492),
    (0.17334, 0.00480),
    (0.17302, 0.00478),
    (0.17258, 0.00480),
    (0.17209, 0.00483),
    (0.17141, 0.00510),
    (0.17030, 0.00579),
    (0.16888, 0.00690),
    (0.16690, 0.00856),
    (0.16441, 0.01086),
    (0.16110, 0.01379),
    (0.15664, 0.01770),
    (0.15099, 0.02274),
    (0.14396, 0.02970),
    (0.13550, 0.03988),
    (0.12412, 0.05780),
    (0.10959, 0.08684),
    (0.09129, 0.13270),
    (0.06871, 0.20072),
    (0.04539, 0.29498),
    (0.02346, 0.41270),
    (0.00817, 0.53842),
    (0.00386, 0.65482),
    (0.01387, 0.75019),
    (0.03885, 0.81202),
    (0.07430, 0.83380),
    (0.11416, 0.82621),
    (0.15472, 0.80586),
    (0.19288, 0.78163),
    (0.22962, 0.75433),
    (0.26578, 0.72432),
    (0.30160, 0.69231),
    (0.33736, 0.65885),
    (0.37310, 0.62445),
    (0.40874, 0.58961),
    (0.44406, 0.55471),
    (0.47877, 0.52020),
    (0.51249, 0.48659),
    (0.54479, 0.45443),
    (0.57515, 0.42423),
    (0.60293, 0.39650),
    (0.62704, 0.37249),
    (0.64823, 0.35139),
    (0.66576, 0.33401),
    (0.68008, 0.31975),
    (0.69150, 0.30834),
    (0.70061, 0.29930),
    (0.70792, 0.29203),
    (0.71403, 0.28593),
    (0.71903, 0.28093),
    (0.72303, 0.27695),
    (0.72599, 0.27401),
    (0.72827, 0.27173),
    (0.72997, 0.27003),
    (0.73109, 0.26891),
    (0.73199, 0.26801),
    (0.73272, 0.26728),
    (0.73342, 0.26658),
    (0.73405, 0.26595),
    (0.73439, 0.26561),
    (0.73459, 0.26541),
    (0.73469, 0.26531),
)


@functools.cache
def spectral_locus() -> Points:
    """Return the CIE 1931 chromaticities of monochromatic light, every nanometre.

    Returns
    -------
    ndarray, shape (311, 2), float64, read-only
        x and y from 390 to 700 nm; a cubic spline through the tabulated values.

    Examples
    --------
    >>> locus = spectral_locus()
    >>> locus.shape, locus[520 - SHORTEST].round(4).tolist()  # 520 nm
    ((311, 2), [0.0743, 0.8338])
    """
    from scipy.interpolate import CubicSpline

    tabulated = np.arange(SHORTEST, LONGEST + 1, _STEP)
    points = np.asarray(CubicSpline(tabulated, _TABLE)(np.arange(SHORTEST, LONGEST + 1)))
    points.setflags(write=False)
    return points


def chromaticity_of(wavelength: int) -> Points:
    """Return the x, y of one wavelength in nm (float64, shape (2,)).

    Examples
    --------
    >>> chromaticity_of(520).round(4).tolist()
    [0.0743, 0.8338]
    """
    if not SHORTEST <= wavelength <= LONGEST:
        raise ValueError(f"The locus goes from {SHORTEST} to {LONGEST} nm, not to {wavelength}.")
    point: Points = spectral_locus()[wavelength - SHORTEST]
    return point
