"""Preparation of wide-gamut photos, and the training pairs drawn from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.evaluation.originals import photos_in, read_original, shrink, through_jpeg
from core.files import write
from core.gamut import clipped_mask, out_of_gamut_mask, reduce
from core.network.statistics import photo_statistics
from core.styles import AS_IS, StyleMixture
from core.training import dataset
from core.training.dataset import (
    Manifest,
    PatchDataset,
    PatchSettings,
    Source,
    collate,
    finish,
    prepare,
    scene_of,
)
from tests.core.conftest import wide_photo, write_untagged

SETTINGS = PatchSettings(size=16, per_photo=2)


def drawn(manifest: Manifest, seed: int = 0, workers: int = 0) -> list[dataset.Item]:
    patches = PatchDataset(manifest, SETTINGS, 6, seed)
    return list(DataLoader(patches, batch_size=None, num_workers=workers))


def same(one: dataset.Item, other: dataset.Item) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)  # type: ignore[literal-required]


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

        monkeypatch.setattr(dataset, "read_original", spy)
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
        monkeypatch.setattr(dataset, "_SAVE_EVERY", 2)
        decoded: list[str] = []

        def breaks_at_the_fourth(path: Path) -> object:
            if len(decoded) == 3:
                raise KeyboardInterrupt
            decoded.append(path.name)
            return read_original(path)

        monkeypatch.setattr(dataset, "read_original", breaks_at_the_fourth)
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


class TestPhotosIn:
    def test_folders_are_searched_throughout(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        for name in ("z.png", "a/y.dng", "a/b/x.exr", "a/.hidden.png", "notes.txt", "z.xmp"):
            (tmp_path / name).touch()
        assert [path.name for path in photos_in([tmp_path])] == ["x.exr", "y.dng", "z.png"]

    def test_the_cache_is_no_source(self, tmp_path: Path) -> None:
        cache = tmp_path / "cache"
        cache.mkdir()
        (cache / "photo.png").touch()
        assert photos_in([tmp_path], besides=cache) == []

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError, match="nowhere"):
            photos_in([tmp_path / "nowhere"])


class TestSplit:
    @pytest.mark.parametrize(
        ("name", "scene"),
        [
            ("a0001_style1.png", "a0001"),
            ("a0001-expertC.tif", "a0001"),
            ("a0001_v2.tif", "a0001"),
            ("a0001_style10.png", "a0001"),
            ("lake style 3.png", "lake"),
            ("lake-2.png", "lake"),
            ("lakestyle2.png", "lake"),
            ("river.png", "river"),
            ("nave.png", "nave"),
            ("DSC_0042.NEF", "DSC_0042"),
            ("IMG0010.png", "IMG0010"),
        ],
    )
    def test_versions_of_a_photo_are_one_scene(self, name: str, scene: str) -> None:
        assert scene_of(Path(name)) == scene

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


class TestPatches:
    def test_they_follow_from_the_seed_alone(self, manifest: Manifest) -> None:
        first, again = drawn(manifest), drawn(manifest)
        assert all(map(same, first, again))

    @pytest.mark.filterwarnings("ignore:This DataLoader will create")  # Where one core is free.
    def test_worker_processes_draw_the_same(self, manifest: Manifest) -> None:
        assert all(map(same, drawn(manifest), drawn(manifest, workers=2)))

    def test_another_seed_draws_others(self, manifest: Manifest) -> None:
        assert not any(map(same, drawn(manifest), drawn(manifest, seed=1)))

    def test_items_differ(self, manifest: Manifest) -> None:
        items = drawn(manifest)
        assert not same(items[0], items[1])

    def test_codes_are_the_reduction_of_the_scene(self, manifest: Manifest) -> None:
        for item in drawn(manifest):
            assert item["codes"].shape == item["scene"].shape == (2, 16, 16, 3)
            assert item["positions"].shape == (2, 2, 16, 16)
            assert float(item["tolerance"]) == 0.0
            np.testing.assert_array_equal(reduce(item["scene"].numpy()), item["codes"].numpy())

    def test_scenes_stay_inside_prophoto(self, manifest: Manifest) -> None:
        for item in drawn(manifest):
            prophoto = convert(item["scene"].double(), SRGB, PROPHOTO)
            assert -1e-5 < float(prophoto.min()) <= float(prophoto.max()) < 1 + 1e-5

    def test_positions_turn_with_the_patch(self, manifest: Manifest) -> None:
        """Every pixel lies where the photo has its colour, whichever way it was turned."""
        patches = PatchDataset(
            manifest,
            PatchSettings(size=16, styles=StyleMixture(as_is=1.0, vivid=0.0)),
            12,
        )
        photos = [finish(np.asarray(manifest.photo(s)), AS_IS) for s in manifest.sources]
        for item in (patches[index] for index in range(12)):
            y, x = item["positions"][0].numpy()
            rows = np.rint(((y + 1) * 48 - 1) / 2).astype(int)
            columns = np.rint(((x + 1) * 64 - 1) / 2).astype(int)
            fits = [np.array_equal(p[rows, columns], item["scene"][0].numpy()) for p in photos]
            assert fits.count(True) == 1

    def test_patches_of_a_photo_share_its_statistics(self, manifest: Manifest) -> None:
        patches = PatchDataset(
            manifest, PatchSettings(16, per_photo=2, styles=StyleMixture(1.0, 0.0)), 1
        )
        rows = patches[0]["statistics"].numpy()
        known = [
            photo_statistics(reduce(finish(np.asarray(manifest.photo(s)).reshape(-1, 3), AS_IS)))
            for s in manifest.sources
        ]
        np.testing.assert_array_equal(rows[0], rows[1])
        assert any(np.allclose(rows[0], one, atol=1e-6) for one in known)

    def test_clipped_pixels_are_favoured(self, tmp_path: Path) -> None:
        """One corner of a grey photo is clipped: few patches touch it by chance."""
        photo = np.full((96, 96, 3), 0.2, np.float32)
        photo[:32, :32] = (0.0, 0.6, 0.0)
        write_untagged(tmp_path / "corner.png", photo)
        made = prepare([tmp_path], tmp_path / "cache")
        patches = PatchDataset(made, PatchSettings(size=16, styles=StyleMixture(1.0, 0.0)), 300)
        hits = [bool(clipped_mask(patches[n]["codes"].numpy()).any()) for n in range(300)]
        chance = (32 / 81) ** 2
        assert np.mean(hits) > 2.0 * chance

    def test_some_pass_through_jpeg(self, manifest: Manifest) -> None:
        settings = PatchSettings(size=16, lossy_share=1.0, lossy_tolerance=2.5)
        lossy = PatchDataset(manifest, settings, 8)
        changed = 0
        for item in (lossy[index] for index in range(8)):
            assert float(item["tolerance"]) == 2.5
            clean = reduce(item["scene"].numpy())
            changed += int((clean != item["codes"].numpy()).sum())
        assert changed > 0

    def test_a_batch_keeps_the_patches_of_a_photo_together(self, manifest: Manifest) -> None:
        items = drawn(manifest)[:3]
        batch = collate(items)
        assert batch["codes"].shape == (6, 16, 16, 3)
        assert batch["tolerance"].shape == (3,)
        assert torch.equal(batch["scene"][2:4], items[1]["scene"])

    def test_photos_smaller_than_a_patch_are_an_error(self, manifest: Manifest) -> None:
        with pytest.raises(PhotoError, match="64 pixels"):
            PatchDataset(manifest, PatchSettings(size=64), 1)


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


class TestJpeg:
    def test_lower_quality_changes_more(self) -> None:
        codes = reduce(convert(wide_photo(0), PROPHOTO, SRGB))

        def error(quality: int) -> float:
            again = through_jpeg(codes, quality, "444")
            return float(np.abs(again.astype(int) - codes).mean())

        assert 0.0 < error(98) < error(70)

    def test_subsampling_changes_more(self) -> None:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        full, halved = (through_jpeg(codes, 95, s).astype(int) - codes for s in ("444", "420"))
        assert np.abs(full).mean() < np.abs(halved).mean()


class TestShrink:
    def test_light_is_averaged(self) -> None:
        small = shrink(wide_photo(0), 16)
        assert small.shape == (12, 16, 3)
        expected = wide_photo(0).reshape(12, 4, 16, 4, 3).mean((1, 3))
        np.testing.assert_allclose(small, expected, atol=1e-6)

    def test_small_photos_stay(self) -> None:
        photo = wide_photo(0)
        assert shrink(photo, 64) is photo


def test_the_manifest_is_plain_json(manifest: Manifest) -> None:
    entries = json.loads((manifest.folder / "manifest.json").read_text())
    assert {entry["scene"] for entry in entries} == {f"scene{n:02d}" for n in range(6)}


@pytest.mark.parametrize(
    "setting", [{"size": -1}, {"per_photo": 0}, {"wide_share": 1.5}, {"known": -0.1}]
)
def test_patch_settings_out_of_range_are_named(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        PatchSettings(**setting)  # type: ignore[arg-type]
