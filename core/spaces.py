"""Every RGB space that colour-science knows, beside the six of :mod:`core.colour`.

They are looked up when one is first asked for: importing colour-science takes about a second.
"""

from __future__ import annotations

import difflib
import functools
import re
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from core.colour import (
    SPACES,
    ColourSpace,
    TransferFunction,
)
from core.errors import PhotoError
from core.source_gamut import contains_srgb, is_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

# The curves that are neither a bare exponent nor one of our own, in the form of the ICC.
_CURVES = (
    *(space.transfer for space in SPACES.values()),
    # SMPTE 240M-1999, section 4.1.
    TransferFunction(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4.0, 4.0 * 0.0228),
    # CIE L*, CIE 15:2004.
    TransferFunction(3.0, 1 / 1.16, 0.16 / 1.16, 2700 / 24389, 0.08),
)
_BARE = 1e-9
_SAME = 2e-4
"""Linear light by which a curve may differ from a known one: published constants are rounded."""

_NEAR = 1e-4
"""Chromaticity by which the same space is rounded differently."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A space of the catalogue.

    Attributes
    ----------
    space : ColourSpace
        Linear light where its own curve is no display curve: a camera's logarithm has no place
        in an ICC profile.
    aliases : tuple of str
        Its other names in colour-science.
    linearised : bool
        Whether the space's own curve was replaced by linear light.
    """

    space: ColourSpace
    aliases: tuple[str, ...]
    linearised: bool

    @property
    def is_wide(self) -> bool:
        """Whether it holds all of sRGB and more, as an output and a source gamut have to."""
        return is_wide(self.space)


@functools.cache
def catalogue() -> Mapping[str, CatalogueEntry]:
    """Return every space by its key: our own six first, then those of colour-science by name.

    Returns
    -------
    mapping of str to CatalogueEntry

    Examples
    --------
    >>> catalogue()["dci-p3"].space.transfer.gamma
    2.6
    """
    spaces = {space.key: space for space in SPACES.values()}
    aliases: dict[str, list[str]] = {key: [] for key in spaces}
    linearised = set()
    # A name in lower case is another's alias, or the identifier of an interchange form.
    for name, described in sorted(_colour_science(), key=lambda each: (each[0].islower(), each[0])):
        space, changed = _made(name, described)
        same = next((each for each in spaces.values() if _are_same(each, space)), None)
        if same is not None and (same.key in SPACES or name.islower()):
            if name != same.name:
                aliases[same.key].append(name)
            continue
        spaces[space.key], aliases[space.key] = space, []
        if changed:
            linearised.add(space.key)
    return MappingProxyType(
        {
            key: CatalogueEntry(space, tuple(aliases[key]), key in linearised)
            for key, space in spaces.items()
        }
    )


def space_named(name: str) -> ColourSpace:
    """Return a space by its key or by any of its names.

    Parameters
    ----------
    name : str
        As ``gamut spaces`` lists it; case, spaces and punctuation do not matter.

    Raises
    ------
    PhotoError
        If there is none; the sentence names the nearest ones.

    Examples
    --------
    >>> space_named("Display P3").key
    'display-p3'
    >>> space_named("arri wide gamut 4").name
    'ARRI Wide Gamut 4, linear light'
    """
    key = key_of(name)
    if key in SPACES:
        return SPACES[key]
    names = _by_name()
    if key in names:
        return names[key]
    near = difflib.get_close_matches(key, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "gamut spaces lists them."
    raise PhotoError(f"There is no colour space named “{name}”; {hint}")


def wide_space_named(name: str) -> ColourSpace:
    """Return a space that photos can be expanded into, or that their colours can come from.

    Parameters
    ----------
    name : str
        As for :func:`space_named`.

    Raises
    ------
    PhotoError
        If there is no such space, or it does not hold all of sRGB and more.

    Examples
    --------
    >>> wide_space_named("Apple RGB")
    Traceback (most recent call last):
    core.errors.PhotoError: Apple RGB does not hold all of sRGB, so a photo's own colours would \
be lost; choose a larger space, such as display-p3.
    """
    space = space_named(name)
    if not contains_srgb(space):
        raise PhotoError(
            f"{space.name} does not hold all of sRGB, so a photo's own colours would be lost; "
            "choose a larger space, such as display-p3."
        )
    if not is_wide(space):
        raise PhotoError(
            f"{space.name} has the primaries of sRGB, which hold none of the lost colours; "
            "choose a larger space, such as display-p3."
        )
    return space


def key_of(name: str) -> str:
    """Return the key of a name: lower case, words joined by hyphens.

    Examples
    --------
    >>> key_of("S-Gamut3.Cine"), key_of("Adobe RGB (1998)")
    ('s-gamut3-cine', 'adobe-rgb-1998')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@functools.cache
def _by_name() -> dict[str, ColourSpace]:
    names: dict[str, ColourSpace] = {}
    for key, entry in catalogue().items():
        for name in (key, entry.space.name, *entry.aliases):
            names[key_of(name)] = entry.space
    return names


def _colour_science() -> list[tuple[str, Any]]:
    with warnings.catch_warnings():
        # It says that packages are missing which only its plots need.
        warnings.simplefilter("ignore")
        from colour.models import RGB_COLOURSPACES
    return list(RGB_COLOURSPACES.items())


def _are_same(one: ColourSpace, other: ColourSpace) -> bool:
    numbers = [np.array([*space.primaries, space.white]) for space in (one, other)]
    return one.transfer == other.transfer and bool(np.abs(numbers[0] - numbers[1]).max() < _NEAR)


def _made(name: str, described: Any) -> tuple[ColourSpace, bool]:
    red, green, blue = ((float(x), float(y)) for x, y in described.primaries)
    white = tuple(float(value) for value in described.whitepoint)
    curve = _parametric(described.cctf_decoding)  # None: a logarithm, or the like.
    source = f"colour-science {version('colour-science')}, “{name}”"
    space = ColourSpace(
        key_of(name),
        name if curve else f"{name}, linear light",
        (red, green, blue),
        (white[0], white[1]),
        curve or TransferFunction(1.0),
        source,
    )
    return space, curve is None


def _parametric(
    decode: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> TransferFunction | None:
    """Return a display curve in the form of the ICC; None where it is none."""
    stored = np.linspace(0.0, 1.0, 257)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        light = np.asarray(decode(stored), np.float64)
    if abs(light[0]) > _SAME or abs(light[-1] - 1.0) > _SAME:
        return None
    gamma = round(float(np.log(light[128]) / np.log(stored[128])), 9)
    bare = TransferFunction(gamma)
    if np.abs(bare.decode(stored) - light).max() < _BARE:
        return bare
    for curve in _CURVES:
        if np.abs(curve.decode(stored) - light).max() < _SAME:
            return curve
    return None
