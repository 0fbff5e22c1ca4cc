"""Where colours lay: a person's word, then what the file carries, then its metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image
from napari.layers._source import Source

from core.colour import ADOBE_RGB, PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings
from core.engine.files import expand_file
from core.files import Metadata, read, write_codes
from core.gamut import reduce
from core.methods.registry import method
from core.payload.embedding import write_embedded
from core.progress import finished
from core.source_gamut import UNKNOWN
from napari_gamut.engine import Expanded, expand_photo
from napari_gamut.origins import in_metadata, recorded, sentence
from napari_gamut.photos import photo_of
from napari_gamut.requests import AS_FILE, Request
from tests.core.conftest import wide_photo
from tests.core.files.conftest import packet_of

if TYPE_CHECKING:
    from pathlib import Path

METADATA = Metadata(xmp=packet_of('xmp:CreatorTool="Adobe Lightroom 13.0" crs:Version="16.0"'))
"""By which the colours lay in ProPhoto RGB."""


@pytest.fixture
def scene() -> np.ndarray:
    """Scene-linear sRGB whose colours fit Adobe RGB."""
    inside = np.clip(convert(wide_photo(1), PROPHOTO, ADOBE_RGB), 0.0, 1.0)
    return convert(inside, ADOBE_RGB, SRGB)


@pytest.fixture
def carrier(tmp_path: Path, scene: np.ndarray) -> Path:
    """A photo of Lightroom that carries a hint."""
    path = tmp_path / "hinted.png"
    work = write_embedded(path, reduce(scene), scene, method("letnet-box"), metadata=METADATA)
    finished(work)
    return path


def layer_of(path: Path) -> Image:
    layer = Image(read(path).pixels, rgb=True, name=path.stem, contrast_limits=(0, 255))
    layer._source = Source(path=str(path))
    return layer


def expanded(path: Path, source: str, model: str = "letnet-box") -> Expanded:
    return finished(expand_photo(photo_of(layer_of(path)), Request(model, source=source)))


@pytest.mark.parametrize("model", ["letnet-box", "naive"])
def test_a_layer_is_expanded_as_its_file_is(carrier: Path, tmp_path: Path, model: str) -> None:
    report = expand_file(carrier, tmp_path / "wide.tif", method(model), ExpansionSettings())
    result = expanded(carrier, AS_FILE, model)
    assert result.record.made.origin == report.source
    written = convert(read(tmp_path / "wide.tif").scene(), SRGB, PROPHOTO)
    assert np.allclose(result.record.wide.values, written, atol=1e-4)


def test_the_carried_source_counts_more_than_the_metadata(carrier: Path) -> None:
    photo = photo_of(layer_of(carrier))
    assert in_metadata(photo).source is PROPHOTO
    said = recorded(photo)
    assert said.source is ADOBE_RGB
    assert said.is_carried
    assert "carries a record" in sentence(AS_FILE, said)
    assert "since you do not know better" in sentence(UNKNOWN, said)
    for choice in (AS_FILE, UNKNOWN):
        result = expanded(carrier, choice)
        assert result.record.made.origin == "adobe-rgb"
        assert "a hint of its original" in " ".join(result.notes)
    assert np.array_equal(
        expanded(carrier, AS_FILE).record.wide.values,
        expanded(carrier, "adobe-rgb").record.wide.values,
    )


def test_a_persons_word_counts_most_and_people_are_told(carrier: Path) -> None:
    result = expanded(carrier, "prophoto")
    assert result.record.made.origin == "prophoto"
    assert "overruled" in result.notes[-1]


def test_people_are_told_of_an_edit_and_of_what_is_not_used(carrier: Path) -> None:
    layer = layer_of(carrier)
    layer.data = layer.data ^ np.uint8(1)
    edited = finished(expand_photo(photo_of(layer), Request(source=AS_FILE)))
    assert "edited or saved again" in edited.notes[0]
    assert edited.record.made.origin == "adobe-rgb"
    assert "does not use" in expanded(carrier, AS_FILE, "naive").notes[0]


def test_metadata_decide_where_nothing_is_carried(tmp_path: Path, scene: np.ndarray) -> None:
    write_codes(tmp_path / "plain.png", reduce(scene), metadata=METADATA)
    result = expanded(tmp_path / "plain.png", AS_FILE)
    assert result.record.made.origin == "prophoto"
    assert result.notes == (recorded(photo_of(layer_of(tmp_path / "plain.png"))).reason,)
    assert expanded(tmp_path / "plain.png", UNKNOWN).record.made.origin == UNKNOWN


def test_the_page_uses_and_shows_what_a_file_carries(
    viewer: Any, dock: Any, finish: Any, carrier: Path
) -> None:
    viewer.add_layer(layer_of(carrier))
    page = dock("Expand")
    assert page.origin.source.value == AS_FILE
    assert "Adobe RGB" in page.origin.said.value
    page.choice.model.value = "letnet-box"
    page.start()
    finish(page)
    assert "source Adobe RGB" in viewer.layers[-1].name
    assert "carries a hint of its original" in page.note
