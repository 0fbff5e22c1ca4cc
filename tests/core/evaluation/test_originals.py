"""Wide-gamut originals: found, passed through JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.colour import PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.evaluation.originals import distinct_names, photos_in, through_jpeg
from core.gamut import reduce
from tests.core.conftest import wide_photo


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


class TestNames:
    def test_photos_of_one_name_are_told_apart(self) -> None:
        photos = [Path("x/a/1.tif"), Path("y/a/1.tif"), Path("y/a/2.tif")]
        assert list(distinct_names(photos).values()) == ["x/a/1.tif", "y/a/1.tif", "2.tif"]

    def test_one_photo_named_in_two_ways_has_one_name(self) -> None:
        photo = Path("a/1.tif")
        first, second = distinct_names([photo, photo.absolute()]).values()
        assert first == second


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
