"""A photo carries a hint and its own network, which are found as long as no pixel changes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.expansion import ExpansionSettings
from core.engine.files import FileSettings, expand_file
from core.engine.tiling import ArraySource
from core.errors import PhotoError
from core.files import carried_bytes, inspect, read, write, write_codes
from core.gamut import reduce
from core.methods.gamut_mlp import Embedded, GamutMlpMethod
from core.methods.naive import NaiveInversion
from core.methods.registry import method
from core.payload.carried import described
from core.payload.embedding import write_embedded
from core.payload.gamut_mlp import FitSettings
from core.payload.records import Kind, Record, joined, parsed
from core.progress import finished
from tests.core.conftest import network_in, wide_photo

if TYPE_CHECKING:
    from pathlib import Path

    from core.engine.method import Method

QUICK = FitSettings(steps=60, batch=256, size="0.5")
CPU = ExpansionSettings(device="cpu", tile=64)


@pytest.fixture(scope="module")
def letnet() -> Method:
    return method("letnet-box")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return convert(wide_photo(1), PROPHOTO, SRGB)


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory, scene: np.ndarray, letnet: Method) -> Path:
    """A PNG with a hint and a network on top of it."""
    path = tmp_path_factory.mktemp("carrier") / "carrier.png"
    finished(write_embedded(path, reduce(scene), scene, letnet, QUICK, settings=CPU))
    return path


def codes_in(path: Path) -> np.ndarray:
    codes = read(path).srgb_codes()
    assert codes is not None
    return codes


def error_of(result: Path, scene: np.ndarray) -> float:
    return float(np.abs(read(result).scene() - scene).mean())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif", ".jxl"])
def test_every_format_carries_a_network(tmp_path: Path, scene: np.ndarray, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    embedding = finished(write_embedded(path, reduce(scene), scene, None, QUICK))
    fitted = network_in(path)
    assert fitted.sha256 == embedding.sha256
    assert fitted.base is None
    assert (fitted.mlp.height, fitted.mlp.width) == scene.shape[:2]
    assert embedding.size == embedding.network_size == inspect(path).payload_size <= 512
    plain = path.with_stem("plain")
    write_codes(plain, reduce(scene))
    assert np.array_equal(read(path).pixels, read(plain).pixels), "the photo itself is the same"


def test_16_bits_carry_it_too(tmp_path: Path, scene: np.ndarray) -> None:
    path = tmp_path / "deep.png"
    embedding = finished(write_embedded(path, reduce(scene, 16), scene, None, QUICK))
    assert network_in(path).sha256 == embedding.sha256


def test_the_same_photo_gives_the_same_file(
    tmp_path: Path, carrier: Path, scene: np.ndarray, letnet: Method
) -> None:
    again = tmp_path / "again.png"
    finished(write_embedded(again, reduce(scene), scene, letnet, QUICK, settings=CPU))
    assert again.read_bytes() == carrier.read_bytes()


def test_each_brings_the_photo_nearer(
    tmp_path: Path, carrier: Path, scene: np.ndarray, letnet: Method
) -> None:
    plain = tmp_path / "plain.png"
    write_codes(plain, reduce(scene))
    errors = []
    for source, model in ((plain, letnet), (carrier, letnet), (carrier, Embedded())):
        target = tmp_path / f"{len(errors)}.tif"
        report = expand_file(source, target, model, CPU)
        assert np.array_equal(reduce(read(target).scene()), reduce(scene))
        errors.append(error_of(target, scene))
    assert errors[1] < 0.7 * errors[0]
    assert errors[2] < 0.8 * errors[1]
    assert report.source == "prophoto"


def test_reports_say_what_was_used(tmp_path: Path, carrier: Path, letnet: Method) -> None:
    notes = {}
    for name, model in (("box", letnet), ("own", Embedded()), ("naive", NaiveInversion())):
        notes[name] = " ".join(expand_file(carrier, tmp_path / f"{name}.tif", model, CPU).notes)
    assert "hint of its original" in notes["box"]
    assert "network of its own as well" in notes["box"]
    assert "restored by the network that it carries" in notes["own"]
    assert "does not use" in notes["naive"]


def test_a_persons_word_counts_more_than_the_hint(
    tmp_path: Path, carrier: Path, scene: np.ndarray, letnet: Method
) -> None:
    plain = tmp_path / "plain.png"
    write_codes(plain, reduce(scene))
    told = ExpansionSettings(device="cpu", tile=64, source=DISPLAY_P3)
    files = FileSettings(detect_source=False)
    for number, settings in enumerate((told, CPU)):
        results = []
        for source in (plain, carrier):
            target = tmp_path / f"{number}-{source.stem}.tif"
            report = expand_file(source, target, letnet, settings, files)
            results.append(read(target).pixels)
        assert np.array_equal(*results)
        assert "overruled" in " ".join(report.notes)


def test_an_edited_photo_is_refused_by_its_network(
    tmp_path: Path, carrier: Path, letnet: Method
) -> None:
    codes = codes_in(carrier).copy()
    codes[3, 4, 1] ^= 1
    edited = tmp_path / "edited.png"
    write_codes(edited, codes, extra_metadata=carried_bytes(carrier))
    with pytest.raises(PhotoError, match="edited, resized or saved again"):
        network_in(edited)
    report = expand_file(edited, tmp_path / "out.tif", letnet, CPU)
    assert report.source == "prophoto"
    assert any("edited or saved again" in note for note in report.notes)


def test_a_photo_in_memory_finds_the_network_of_its_file(carrier: Path) -> None:
    assert network_in(carrier, codes_in(carrier)).sha256 == network_in(carrier).sha256
    with pytest.raises(PhotoError, match="edited"):
        network_in(carrier, codes_in(carrier)[1:])


def test_a_photo_that_lost_it_is_refused(tmp_path: Path, carrier: Path) -> None:
    saved = tmp_path / "saved.png"
    Image.open(carrier).save(saved)
    with pytest.raises(PhotoError, match="carries no network of its own"):
        network_in(saved)


def test_a_hint_alone_is_no_network(tmp_path: Path, carrier: Path) -> None:
    payload = carried_bytes(carrier)
    assert payload is not None
    hint = [record for record in parsed(payload) if record.kind is Kind.HINT]
    path = tmp_path / "hint.png"
    write_codes(path, codes_in(carrier), extra_metadata=joined(hint))
    with pytest.raises(PhotoError, match="carries a hint, but no network"):
        network_in(path)


def test_a_network_on_other_weights_is_refused(tmp_path: Path, carrier: Path) -> None:
    payload = carried_bytes(carrier)
    assert payload is not None
    others = [Record(**{**record.__dict__, "model": b"??"}) for record in parsed(payload)]
    path = tmp_path / "others.png"
    write_codes(path, codes_in(carrier), extra_metadata=joined(others))
    with pytest.raises(PhotoError, match="other weights"):
        network_in(path)


def test_a_wide_photo_needs_none(tmp_path: Path, carrier: Path) -> None:
    wide = tmp_path / "wide.png"
    payload = carried_bytes(carrier)
    write_codes(wide, read(carrier).pixels, DISPLAY_P3, extra_metadata=payload)
    report = expand_file(wide, tmp_path / "out.tif", Embedded())
    assert report.converted
    assert report.model == "none"


def test_damage_anywhere_is_found(tmp_path: Path, carrier: Path, letnet: Method) -> None:
    payload, codes = carried_bytes(carrier), codes_in(carrier)
    assert payload is not None
    damaged = [payload[:cut] for cut in (1, 40, 100, len(payload) - 1)]
    for place in range(0, len(payload), 37):
        changed = bytearray(payload)
        changed[place] ^= 0x10
        damaged.append(bytes(changed))
    path = tmp_path / "damaged.png"
    for content in damaged:
        write_codes(path, codes, extra_metadata=content, overwrite=True)
        with pytest.raises(PhotoError, match="damaged or from another version"):
            network_in(path)
    report = expand_file(path, tmp_path / "out.tif", letnet, CPU)
    assert any("damaged" in note for note in report.notes)


def test_what_a_file_carries_is_told(tmp_path: Path, carrier: Path) -> None:
    payload, codes = carried_bytes(carrier), codes_in(carrier)
    assert payload is not None
    hint, network = described(payload, ArraySource(codes))
    assert hint.startswith("hint: 64 bytes")
    assert hint.endswith("ProPhoto RGB")
    assert network.startswith("network of its own")
    assert all("changed" in line for line in described(payload, ArraySource(codes[1:])))
    assert "damaged" in described(payload[:30], ArraySource(codes))[0]


def test_other_programs_open_the_files(tmp_path: Path, scene: np.ndarray, letnet: Method) -> None:
    for suffix in (".png", ".tif", ".jpg"):
        path = tmp_path / f"photo{suffix}"
        finished(write_embedded(path, reduce(scene), scene, letnet, QUICK, settings=CPU))
        with Image.open(path) as image:
            image.load()
            assert image.size == (scene.shape[1], scene.shape[0])
            if suffix != ".jpg":
                assert np.array_equal(np.asarray(image), codes_in(path))


def test_giving_up_leaves_no_file(tmp_path: Path, scene: np.ndarray) -> None:
    with closing(write_embedded(tmp_path / "photo.png", reduce(scene), scene, None, QUICK)) as work:
        next(work)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_and_refused_before_the_work(
    tmp_path: Path, scene: np.ndarray
) -> None:
    path = tmp_path / "photo.tif"
    write(path, wide_photo(2), PROPHOTO)
    before = path.read_bytes()
    with pytest.raises(PhotoError, match="exists already"):
        next(write_embedded(path, reduce(scene), scene, None, QUICK))
    assert path.read_bytes() == before
    work = write_embedded(path, reduce(scene), scene, None, QUICK, overwrite=True)
    assert finished(work).size


def test_figures_count_the_bytes_that_a_file_carries(
    carrier: Path, scene: np.ndarray, letnet: Method
) -> None:
    codes = codes_in(carrier)
    kinds = {record.kind: len(record.serialise()) for record in parsed(carried_bytes(carrier))}
    for known, carried in (
        (method("hint"), kinds[Kind.HINT]),
        (GamutMlpMethod(QUICK), sum(kinds.values())),
    ):
        fitted = finished(known.fitted(codes, scene, 0.0, "Bradford"))
        assert fitted.payload_size == carried <= known.payload_size
