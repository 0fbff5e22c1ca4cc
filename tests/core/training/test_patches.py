"""The training pairs that are drawn from prepared photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from core.colour import PROPHOTO, SRGB, convert
from core.engine.tiling import ArraySource, sample_pixels
from core.errors import PhotoError
from core.evaluation.originals import through_jpeg
from core.gamut import LOSSY_TOLERANCE, clipped_mask, reduce
from core.images import area_reduced
from core.network.statistics import photo_statistics
from core.styles import AS_IS, StyleMixture
from core.training import patches as patches_module
from core.training.patches import Item, PatchDataset, PatchSettings, collate, finish
from core.training.prepared import Manifest, prepare
from tests.core.conftest import write_untagged

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from core.gamut import Codes

SETTINGS = PatchSettings(size=16, per_photo=2)


def drawn(manifest: Manifest, seed: int = 0, workers: int = 0) -> list[Item]:
    patches = PatchDataset(manifest, SETTINGS, 6, seed)
    return list(DataLoader(patches, batch_size=None, num_workers=workers))


def same(one: Item, other: Item) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)  # type: ignore[literal-required]


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

    def test_statistics_are_those_that_a_photo_has_when_it_is_expanded(
        self, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of the decoded codes, with their tolerance, at the places where the engine looks."""
        seen = []

        def through(codes: Codes, quality: int, subsampling: Literal["420", "444"]) -> Codes:
            seen.append(through_jpeg(codes, quality, subsampling))
            return seen[-1]

        monkeypatch.setattr(patches_module, "through_jpeg", through)
        monkeypatch.setattr(patches_module, "SAMPLES", 500)
        lossy = PatchDataset(manifest, PatchSettings(size=16, lossy_share=1.0), 4)
        for item in (lossy[index] for index in range(4)):
            sample = sample_pixels(ArraySource(seen[-1]), 500)
            assert sample.shape[:2] == (24, 32)
            expected = photo_statistics(sample, LOSSY_TOLERANCE)
            np.testing.assert_array_equal(item["statistics"][0].numpy(), expected)

    def test_photos_are_halved_in_linear_light(self, manifest: Manifest) -> None:
        as_is = StyleMixture(as_is=1.0, vivid=0.0)
        halved = PatchDataset(manifest, PatchSettings(size=16, half_share=1.0, styles=as_is), 12)
        smaller = [
            area_reduced(PROPHOTO.decode(manifest.photo(s) / 65535.0).astype(np.float32), 32)
            for s in manifest.sources
        ]
        photos = [convert(photo, PROPHOTO, SRGB) for photo in smaller]
        for item in (halved[index] for index in range(12)):
            y, x = item["positions"][0].numpy()
            rows = np.rint(((y + 1) * 24 - 1) / 2).astype(int)
            columns = np.rint(((x + 1) * 32 - 1) / 2).astype(int)
            scene = item["scene"][0].numpy()
            fits = [np.allclose(p[rows, columns], scene, atol=1e-5) for p in photos]
            assert fits.count(True) == 1
            np.testing.assert_array_equal(reduce(scene), item["codes"][0].numpy())

    def test_photos_too_small_to_be_halved_are_drawn_whole(self, manifest: Manifest) -> None:
        settings = PatchSettings(size=32, half_share=1.0)
        assert PatchDataset(manifest, settings, 1)[0]["codes"].shape == (1, 32, 32, 3)

    def test_a_batch_keeps_the_patches_of_a_photo_together(self, manifest: Manifest) -> None:
        items = drawn(manifest)[:3]
        batch = collate(items)
        assert batch["codes"].shape == (6, 16, 16, 3)
        assert batch["tolerance"].shape == (3,)
        assert torch.equal(batch["scene"][2:4], items[1]["scene"])

    def test_photos_smaller_than_a_patch_are_an_error(self, manifest: Manifest) -> None:
        with pytest.raises(PhotoError, match="64 pixels"):
            PatchDataset(manifest, PatchSettings(size=64), 1)


@pytest.mark.parametrize(
    "setting", [{"size": -1}, {"per_photo": 0}, {"wide_share": 1.5}, {"known": -0.1}]
)
def test_patch_settings_out_of_range_are_named(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        PatchSettings(**setting)  # type: ignore[arg-type]
