"""Whether an AV1 still picture is coded without loss (AV1 bitstream specification, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEQUENCE, _FRAME_HEADER, _FRAME = 1, 3, 6
_SELECT = 2
_MOST_UNITS = 1000
"""The frame stands behind a few others."""


class _Doubt(Exception):
    """The stream holds something that is not followed here."""


class _Bits:
    """The bits of a stream, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int = 1) -> int:
        self._left -= count
        if self._left < 0:
            raise _Doubt
        return self._value >> self._left & ((1 << count) - 1)


class _Sequence:
    """What the sequence header says of the frames (5.5)."""

    def __init__(self, bits: _Bits) -> None:
        profile = bits.take(3)
        bits.take()
        self.is_reduced = bool(bits.take())
        if self.is_reduced:
            bits.take(5)
        else:
            if bits.take():
                raise _Doubt  # Timing belongs to video.
            delays = bits.take()
            for _ in range(bits.take(5) + 1):
                bits.take(12)
                if bits.take(5) > 7:
                    bits.take()
                if delays and bits.take():
                    bits.take(4)
        self.size_bits = bits.take(4) + 1, bits.take(4) + 1
        self.size = bits.take(self.size_bits[0]) + 1, bits.take(self.size_bits[1]) + 1
        self.id_bits = 0
        if not self.is_reduced and bits.take():
            self.id_bits = bits.take(4) + 2
            self.id_bits += bits.take(3) + 1
        self.has_large_blocks = bool(bits.take())
        bits.take(2)
        self.screen_content, self.integer_motion, self.order_bits = _SELECT, _SELECT, 0
        if not self.is_reduced:
            bits.take(4)
            has_order = bits.take()
            if has_order:
                bits.take(2)
            self.screen_content = _SELECT if bits.take() else bits.take()
            if self.screen_content and not bits.take():
                self.integer_motion = bits.take()
            if has_order:
                self.order_bits = bits.take(3) + 1
        self.may_scale = bool(bits.take())
        bits.take(2)
        self._read_colours(bits, profile)

    def _read_colours(self, bits: _Bits, profile: int) -> None:
        is_deep = bits.take()
        is_twelve = bool(profile == 2 and is_deep and bits.take())
        self.is_grey = profile != 1 and bool(bits.take())
        points = (bits.take(8), bits.take(8), bits.take(8)) if bits.take() else (2, 2, 2)
        self.separates_chroma = False
        if self.is_grey:
            bits.take()
            return
        if points != (1, 13, 0):
            bits.take()
            across, down = {0: (1, 1), 1: (0, 0)}.get(profile, (1, 0))
            if profile == 2 and is_twelve:
                across = bits.take()
                down = bits.take() if across else 0
            if across and down:
                bits.take(2)
        self.separates_chroma = bool(bits.take())


def is_lossless(data: bytes) -> bool:
    """Return whether the first frame of a stream keeps every value.

    Parameters
    ----------
    data : bytes
        The units of an AVIF image item.

    Returns
    -------
    bool
        False, too, where the stream does what still pictures need not do.

    Examples
    --------
    >>> import imagecodecs
    >>> import numpy as np
    >>> from core.files import isobmff
    >>> def stream(quality):
    ...     codes = np.zeros((8, 8, 3), np.uint8)
    ...     avif = imagecodecs.avif_encode(codes, level=quality, pixelformat="444")
    ...     return isobmff.item_data(avif, isobmff.read_images(avif).photo)
    >>> is_lossless(stream(100)), is_lossless(stream(80))
    (True, False)
    """
    sequence: _Sequence | None = None
    try:
        for kind, content in _units(data):
            if kind == _SEQUENCE:
                sequence = _Sequence(_Bits(content[:256]))
            elif kind in (_FRAME_HEADER, _FRAME) and sequence is not None:
                return _keeps_values(_Bits(content[:256]), sequence)
    except _Doubt:
        pass
    return False


def _units(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    for _ in range(_MOST_UNITS):
        if place >= len(data):
            return
        head = data[place]
        place += 2 if head & 4 else 1
        size = len(data) - place
        if head & 2:
            size, shift = 0, 0
            while True:
                if place >= len(data) or shift > 28:
                    raise _Doubt
                byte = data[place]
                place += 1
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
        yield head >> 3 & 15, data[place : place + size]
        place += size


def _keeps_values(bits: _Bits, sequence: _Sequence) -> bool:
    # uncompressed_header (5.9.2) of a key frame that is shown, as far as segmentation.
    if not sequence.is_reduced and (bits.take(), bits.take(2), bits.take()) != (0, 0, 1):
        raise _Doubt
    keeps_tables = bits.take()
    screen = sequence.screen_content
    screen = bits.take() if screen == _SELECT else screen
    if screen and sequence.integer_motion == _SELECT:
        bits.take()
    bits.take(sequence.id_bits)
    width, height = sequence.size
    has_own_size = not sequence.is_reduced and bits.take()
    bits.take(sequence.order_bits)
    if has_own_size:
        width, height = (bits.take(count) + 1 for count in sequence.size_bits)
    if sequence.may_scale and bits.take():
        return False
    if bits.take():
        bits.take(32)
    if screen:
        bits.take()
    if not (sequence.is_reduced or keeps_tables):
        bits.take()
    _skip_tiles(bits, sequence, width, height)
    if bits.take(8):
        return False
    steps = [bits.take()]
    if not sequence.is_grey:
        differs = sequence.separates_chroma and bits.take()
        steps += [bits.take() for _ in range(4 if differs else 2)]
    if any(steps):
        return False
    if bits.take():
        bits.take(12 if sequence.separates_chroma else 8)
    return not bits.take()


def _skip_tiles(bits: _Bits, sequence: _Sequence, width: int, height: int) -> None:
    # tile_info (5.9.15), for tiles of equal size.
    shift = 5 if sequence.has_large_blocks else 4
    across, down = ((2 * ((side + 7) >> 3) + (1 << shift) - 1) >> shift for side in (width, height))
    block = shift + 2
    least_across = _log2(4096 >> block, across)
    least = max(least_across, _log2((4096 * 2304) >> (2 * block), across * down))
    if not bits.take():
        raise _Doubt
    columns = _counted(bits, least_across, _log2(1, min(across, 64)))
    rows = _counted(bits, max(least - columns, 0), _log2(1, min(down, 64)))
    if columns or rows:
        bits.take(columns + rows + 2)


def _counted(bits: _Bits, least: int, most: int) -> int:
    while least < most and bits.take():
        least += 1
    return least


def _log2(unit: int, target: int) -> int:
    power = 0
    while unit << power < target:
        power += 1
    return power
