"""Preparation of wide-gamut photos."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.evaluation.originals import read_original
from core.files import write
from core.gamut import out_of_gamut_mask
from core.styles import StyleMixture
from core.training import prepared
from core.training.patches import finish
from core.training.prepared import Manifest, Source, prepare, scenes_of
from tests.core.conftest import wide_photo, write_untagged


class TestPrepare:
    def test_untagged_16_bit_photos_are_prophoto(self, manifest: Manifest) -> None:
        for source in manifest.sources:
            expected = wide_photo(int(source.name[5:7]))
            stored = PROPHOTO.decode(manifest.photo(source) / 65535)
            np.testing.assert_allclose(stored, expected, atol=3e-5)

    def test_a_profile_is_obeyed(self, tmp_path: Path) -> None:
        p3 = convert(wide_photo(1), PROPHOTO, DISPLAY_P3).clip(0, 1)
        write(tmp_path / "photo.tif", p3, DISPLAY_P3)
        made = prepare([tmp_path], tmp_path / "cache")
        stored = PROPHOTO.decode(made.photo(made.sources[0]) / 65535)
        np.testing.assert_allclose(stored, convert(p3, DISPLAY_P3, PROPHOTO), atol=1e-4)

    def test_the_manifest_tells_where_photos_come_from(
        self, wide_folder: Path, manifest: Manifest
    ) -> None:
        assert [source.name for source in manifest.sources] == sorted(
            path.name for path in wide_folder.iterdir()
        )
        for source in manifest.sources:
            content = (wide_folder / source.name).read_bytes()
            assert source.sha256 == hashlib.sha256(content).hexdigest()
            assert (source.height, source.width) == (48, 64)
            assert source.wide

    def test_the_manifest_is_read_as_it_was_written(self, manifest: Manifest) -> None:
        assert Manifest.load(manifest.folder) == manifest

    def test_a_folder_without_manifest_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError, match="prepare"):
            Manifest.load(tmp_path)

    def test_the_hash_is_that_of_the_photos_and_not_of_their_order(
        self, manifest: Manifest
    ) -> None:
        turned = Manifest(manifest.folder, manifest.sources[::-1])
        fewer = Manifest(manifest.folder, manifest.sources[1:])
        assert turned.sha256 == manifest.sha256 != fewer.sha256

    def test_a_bad_file_is_left_out_and_named(self, tmp_path: Path) -> None:
        write_untagged(tmp_path / "good.png", wide_photo(0))
        (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
        errors: list[PhotoError] = []
        made = prepare([tmp_path], tmp_path / "cache", failed=errors.append)
        assert [source.name for source in made.sources] == ["good.png"]
        assert ["bad.png" in str(error) for error in errors] == [True]

    def test_left_out_files_go_to_the_log_otherwise(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "bad.png").write_bytes(b"no picture")
        assert prepare([tmp_path], tmp_path / "cache").sources == ()
        assert "bad.png" in caplog.text

    def test_what_is_prepared_is_not_decoded_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photos, cache = tmp_path / "photos", tmp_path / "cache"
        photos.mkdir()
        write_untagged(photos / "one.png", wide_photo(0))
        prepare([photos], cache)
        write_untagged(photos / "two.png", wide_photo(1))
        decoded: list[str] = []

        def spy(path: Path) -> object:
            decoded.append(path.name)
            return read_original(path)

        monkeypatch.setattr(prepared, "read_original", spy)
        made = prepare([photos], cache)
        assert decoded == ["two.png"]
        assert [source.name for source in made.sources] == ["one.png", "two.png"]

    def test_an_interrupted_preparation_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        photos, cache = tmp_path / "photos", tmp_path / "cache"
        photos.mkdir()
        for seed in range(5):
            write_untagged(photos / f"{seed}.png", wide_photo(seed))
        monkeypatch.setattr(prepared, "_SAVE_EVERY", 2)
        decoded: list[str] = []

        def breaks_at_the_fourth(path: Path) -> object:
            if len(decoded) == 3:
                raise KeyboardInterrupt
            decoded.append(path.name)
            return read_original(path)

        monkeypatch.setattr(prepared, "read_original", breaks_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            prepare([photos], cache)
        decoded.clear()
        made = prepare([photos], cache)
        assert decoded == ["2.png", "3.png", "4.png"]
        monkeypatch.undo()
        assert made.sources == prepare([photos], tmp_path / "fresh").sources

    def test_a_renamed_photo_gets_its_new_name_and_scene(self, tmp_path: Path) -> None:
        photos, cache = tmp_path / "photos", tmp_path / "cache"
        photos.mkdir()
        write_untagged(photos / "old.png", wide_photo(0))
        prepare([photos], cache)
        (photos / "old.png").rename(photos / "new.png")
        (source,) = prepare([photos], cache).sources
        assert (source.name, source.scene) == ("new.png", "new")

    def test_the_same_content_counts_once(self, tmp_path: Path) -> None:
        for name in ("one.png", "two.png"):
            write_untagged(tmp_path / name, wide_photo(0))
        assert len(prepare([tmp_path], tmp_path / "cache").sources) == 1

    def test_large_photos_are_reduced(self, tmp_path: Path) -> None:
        write_untagged(tmp_path / "photo.png", wide_photo(0))
        made = prepare([tmp_path], tmp_path / "cache", max_side=32)
        assert made.photo(made.sources[0]).shape == (24, 32, 3)

    def test_photos_that_srgb_holds_are_told_apart(self, tmp_path: Path) -> None:
        inside = convert(0.2 + 0.6 * wide_photo(0), SRGB, PROPHOTO)
        write_untagged(tmp_path / "inside.png", inside)
        (source,) = prepare([tmp_path], tmp_path / "cache").sources
        assert source.out_of_gamut == 0.0
        assert not source.wide

    def test_progress_counts_the_files(self, wide_folder: Path, tmp_path: Path) -> None:
        told: list[tuple[int, int, str]] = []
        prepare([wide_folder], tmp_path, progress=lambda *news: told.append(news))
        assert [(done, total) for done, total, _ in told] == [(n, 6) for n in range(6)]


class TestSplit:
    @pytest.mark.parametrize(
        ("name", "scene"),
        [
            ("IMG_1234-Edit.tif", "IMG_1234"),
            ("IMG_1234-Edit-2.tif", "IMG_1234"),
            ("IMG_1234-Enhanced-NR.dng", "IMG_1234"),
            ("lake copy 2.tif", "lake"),
            ("lake (1).tif", "lake"),
            ("copy.tif", "copy"),
            ("holiday-2.tif", "holiday-2"),
            ("a0001_style1.png", "a0001"),
            ("a0001-expertC.tif", "a0001"),
            ("a0001_v2.tif", "a0001"),
            ("a0001_style10.png", "a0001"),
            ("lake style 3.png", "lake"),
            ("lakestyle2.png", "lake"),
            ("river.png", "river"),
            ("nave.png", "nave"),
            ("DSC_0042.NEF", "DSC_0042"),
            ("IMG0010.png", "IMG0010"),
        ],
    )
    def test_versions_of_a_photo_are_one_scene(self, name: str, scene: str) -> None:
        assert scenes_of([Path(name)]) == {Path(name): scene}

    def test_a_number_is_a_version_of_the_photo_without_it(self) -> None:
        paths = [
            Path("a/lake.tif"),
            Path("b/lake-2.tif"),
            Path("b/lake_v3.tif"),
            Path("sea-2.tif"),
        ]
        assert list(scenes_of(paths).values()) == ["lake", "lake", "lake", "sea-2"]

    @given(st.integers(0, 100), st.floats(0.1, 0.9))
    @settings(max_examples=30)
    def test_no_scene_is_on_both_sides(self, seed: int, held_out: float) -> None:
        sources = tuple(
            Source(f"{n}_{v}", f"scene{n}", "", f"{n}{v}", 9, 9, 1.0, "unknown", "")
            for n in range(20)
            for v in range(3)
        )
        left, right = Manifest(Path(), sources).split(held_out, seed)
        assert not {s.scene for s in left.sources} & {s.scene for s in right.sources}
        assert sorted(s.name for s in (*left.sources, *right.sources)) == sorted(
            s.name for s in sources
        )

    def test_about_the_share_is_held_out(self) -> None:
        sources = tuple(Source("", f"s{n}", "", "", 9, 9, 1.0, "unknown", "") for n in range(2000))
        _, right = Manifest(Path(), sources).split(0.2)
        assert 340 < len(right.sources) < 460

    def test_a_scene_keeps_its_side_when_others_come(self) -> None:
        sources = tuple(Source("", f"s{n}", "", "", 9, 9, 1.0, "unknown", "") for n in range(100))
        few, many = Manifest(Path(), sources[:50]), Manifest(Path(), sources)
        assert set(few.split(0.3)[1].sources) <= set(many.split(0.3)[1].sources)

    def test_another_seed_splits_otherwise(self) -> None:
        sources = tuple(Source("", f"s{n}", "", "", 9, 9, 1.0, "unknown", "") for n in range(100))
        whole = Manifest(Path(), sources)
        assert whole.split(0.5, 0)[0] != whole.split(0.5, 1)[0]


def test_out_of_gamut_shares_range_from_few_pixels_to_nearly_all() -> None:
    rng = np.random.default_rng(0)
    shares = []
    # A pale photo and a colourful one, in the styles of a training run.
    for photo in (0.5 + 0.3 * (wide_photo(3) - 0.5), wide_photo(5)):
        encoded = np.rint(PROPHOTO.encode(photo) * 65535).astype(np.uint16)
        for _ in range(60):
            scene = finish(encoded, StyleMixture().draw(rng, wide=True)[0])
            shares.append(float(out_of_gamut_mask(scene).mean()))
    assert min(shares) < 0.05
    assert max(shares) > 0.9


def test_the_manifest_is_plain_json(manifest: Manifest) -> None:
    entries = json.loads((manifest.folder / "manifest.json").read_text())
    assert {entry["scene"] for entry in entries} == {f"scene{n:02d}" for n in range(6)}
