from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.cli import main as gamut
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.origin import Origin
from core.errors import PhotoError
from core.files import Metadata, inspect, read, write
from core.files.exif import (
    DATE_TAKEN,
    EXIF_IFD,
    GPS_IFD,
    MAKE,
    MODEL,
    Directory,
    Entry,
    blob_from,
)
from gradio_app.photo_expansion import (
    AUTO,
    SOURCE_NAMES,
    Outcome,
    Request,
    expansion,
    public_report,
)
from tests.core.conftest import wide_photo
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from core.engine.files import FileReport
    from gradio_app.context import Context


def expanded(context: Context, path: Path, folder: Path, **request: Any) -> tuple[Path, FileReport]:
    made = done(context, path, Request(request.pop("model", MODEL_NAME), **request), folder)
    return made.target, made.report


def done(
    context: Context, path: Path, request: Request, folder: Path, *, shown: bool = False
) -> Outcome:
    """Do the work in this process."""
    work = expansion(context.workplace, str(path), request, folder, shown=shown)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            result: Outcome = finished.value
            return result


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.tif"])
@pytest.mark.parametrize("form", ["tiff", "png", "jxl", "avif"])
def test_downloads_are_the_files_of_the_command_line(
    context: Context, uploads: Path, tmp_path: Path, name: str, form: str
) -> None:
    photo = write_photo(uploads / name)
    target, _ = expanded(context, photo, tmp_path, format=form)
    other = tmp_path / f"other{target.suffix}"
    (model,) = context.settings.model_names
    flags = ["--model", model, "--quiet", "--drop-private"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert digest(target) == digest(other)


def test_the_settings_of_a_request_are_those_of_the_command_line(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.png")
    target, report = expanded(context, photo, tmp_path, space="rec2020", strength=0.5)
    assert target.name == "photo-rec2020.tif"
    assert report.space == "rec2020"
    other = tmp_path / "other.tif"
    (model,) = context.settings.model_names
    flags = ["--space", "rec2020", "--strength", "0.5", "--model", model, "--quiet"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert digest(target) == digest(other)


def test_a_photo_is_expanded_by_the_network_that_it_carries(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    original = wide_photo(1)
    write(tmp_path / "original.tif", original, PROPHOTO)
    photo = uploads / "small.png"
    flags = ["--embed", "--steps", "200", "--quiet"]
    assert gamut(["reduce", str(tmp_path / "original.tif"), "-o", str(photo), *flags]) == 0
    errors = {}
    for model in ("embedded", "naive"):
        target, report = expanded(context, photo, tmp_path, model=model)
        errors[report.model] = np.abs(read(target).scene() - convert(original, PROPHOTO, SRGB))
        target.unlink()
    assert errors["gamut-mlp"].mean() < 0.5 * errors["naive"].mean()


def test_a_photo_that_carries_none_is_refused_without_paths(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.png")
    with pytest.raises(PhotoError, match="carries no network of its own") as caught:
        expanded(context, photo, tmp_path, model="embedded")
    assert str(uploads) not in str(caught.value)


def test_the_place_stays_only_if_asked_for(context: Context, uploads: Path, tmp_path: Path) -> None:
    blob = blob_from(
        Directory({272: Entry.text("Model 1")}, {GPS_IFD: Directory({1: Entry.text("N")})})
    )
    photo = write_photo(uploads / "located.png", metadata=Metadata(blob))
    for keep in (False, True):
        target, _ = expanded(context, photo, tmp_path, private=keep)
        info = inspect(target)
        assert (info.camera, info.has_gps) == ("Model 1", keep)
        target.unlink()


def test_the_pictures_are_for_either_kind_of_screen(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.png")
    pictures = done(context, photo, Request(MODEL_NAME), tmp_path, shown=True).pictures
    assert pictures is not None
    assert pictures.size == (120, 90)
    before, after = pictures.sides
    for side in pictures.sides:
        wide, muted = read(side.wide), read(side.muted)
        assert (wide.profile_name, muted.profile_name) == ("Display P3", "sRGB")
        assert (wide.pixels == muted.pixels).all(), "the same codes, shown as if they were sRGB"
    assert (read(before.wide).pixels != read(after.wide).pixels).any()
    assert pictures.overlay is not None
    assert read(pictures.overlay).alpha is not None
    assert pictures.gain is not None
    assert pictures.gain.visible > 0.0
    assert set(pictures.chromaticities or {}) == {"light", "dark"}


def test_pictures_are_small(context: Context, uploads: Path, tmp_path: Path) -> None:
    photo = write_photo(uploads / "photo.png", 800, 1200)
    pictures = done(context, photo, Request("naive"), tmp_path, shown=True).pictures
    assert pictures is not None
    assert max(pictures.size) <= 1600
    files = [path for side in pictures.sides for path in (side.wide, side.muted)]
    assert sum(path.stat().st_size for path in files) < 400_000


def test_a_photo_has_a_mark_that_is_its_own_and_stays(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    marks = []
    for number, folder in enumerate(("a", "b")):
        (uploads / folder).mkdir()
        photo = write_photo(uploads / folder / "image.png", 24, 32 + number)
        for space in ("prophoto", "rec2020"):
            target = tmp_path / folder / space
            target.mkdir(parents=True)
            request = Request(MODEL_NAME, space)
            marks.append(done(context, photo, request, target).photo)
    assert marks[0] == marks[1] != marks[2] == marks[3]


def test_nothing_beside_a_result_tells_where_its_upload_lies(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.jpg")
    made = done(context, photo, Request(MODEL_NAME), tmp_path, shown=True)
    assert uploads.name not in made.photo
    beside = [path for path in tmp_path.iterdir() if path.is_file()]
    assert "answers.json" in [path.name for path in beside]
    for path in beside:
        assert uploads.name.encode() not in path.read_bytes(), path.name


def test_giving_up_leaves_no_file(context: Context, uploads: Path, tmp_path: Path) -> None:
    photo = write_photo(uploads / "photo.png")
    request = Request(MODEL_NAME)
    with closing(expansion(context.workplace, str(photo), request, tmp_path)) as work:
        next(work)
        next(work)
    assert list(tmp_path.iterdir()) == []


def camera_photo(path: Path, make: str, model: str, taken: str) -> Path:
    exif = {EXIF_IFD: Directory({DATE_TAKEN: Entry.text(taken)})}
    blob = blob_from(Directory({MAKE: Entry.text(make), MODEL: Entry.text(model)}, exif))
    return write_photo(path, metadata=Metadata(blob))


def test_what_the_file_says_of_its_source_is_told_first(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = camera_photo(uploads / "a.jpg", "Apple", "iPhone 12", "2021:05:01 10:00:00")
    work = expansion(context.workplace, str(photo), Request(MODEL_NAME), tmp_path)
    origin = next(work)
    assert isinstance(origin, Origin)
    assert origin.source is DISPLAY_P3
    assert "iPhone" in origin.reason
    work.close()


@pytest.mark.parametrize("source", SOURCE_NAMES)
def test_the_source_is_that_of_the_command_line(
    context: Context, uploads: Path, tmp_path: Path, source: str
) -> None:
    photo = camera_photo(uploads / "a.jpg", "Apple", "iPhone 12", "2021:05:01 10:00:00")
    target, report = expanded(context, photo, tmp_path, source=source)
    assert report.source == ("display-p3" if source == AUTO else source)
    other = tmp_path / "other.tif"
    (model,) = context.settings.model_names
    flags = ["--source", source, "--model", model, "--quiet", "--drop-private"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert digest(target) == digest(other)


def test_a_report_names_no_path_of_the_server(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    _, report = expanded(context, write_photo(uploads / "photo.png"), tmp_path)
    public = public_report(report)
    assert public["model"] == MODEL_NAME
    assert str(tmp_path) not in repr(public)
    assert str(uploads) not in repr(public)


def test_a_damaged_photo_is_refused_without_paths(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "broken.png")
    photo.write_bytes(photo.read_bytes()[:3000])
    with pytest.raises(PhotoError, match="damaged") as caught:
        expanded(context, photo, tmp_path)
    assert str(uploads) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"source": "srgb"}, "source"),
        ({"source": None}, "source"),
        ({"space": "srgb"}, "colour space"),
        ({"space": "../../etc"}, "colour space"),
        ({"format": "gif"}, "format"),
        ({"format": "png", "space": "acescg"}, "floating point"),
        ({"strength": 3.0}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"strength": None}, "strength"),
    ],
)
def test_what_the_engine_cannot_do_is_refused(request_: dict[str, Any], reason: str) -> None:
    with pytest.raises(PhotoError, match=reason):
        Request(MODEL_NAME, **request_)
