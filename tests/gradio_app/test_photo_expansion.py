from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from core.cli import main as gamut
from core.colour import PROPHOTO, SRGB, convert
from core.errors import PhotoError
from core.files import inspect, metadata, read, write
from core.files.metadata import GPS_IFD, Directory, Entry
from core.pictures.previews import file_previews
from gradio_app.jobs import Job
from gradio_app.photo_expansion import Request, expansion, maps, photos, public_report
from tests.core.conftest import wide_photo
from tests.web_demo import MODEL_NAME, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from core.engine.files import FileReport
    from gradio_app.context import Context


def expanded(context: Context, path: Path, folder: Path, **request: Any) -> tuple[Path, FileReport]:
    job = Job(expansion(context, str(path), Request(MODEL_NAME, **request), str(folder)), 60)
    for _ in job.steps():
        pass
    return job.result


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
    assert gamut(["expand", str(photo), "-o", str(other), "--model", model, "--quiet"]) == 0
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
        job = Job(expansion(context, str(photo), Request(model), str(tmp_path)), 60)
        for _ in job.steps():
            pass
        target, report = job.result
        errors[report.model] = np.abs(read(target).scene() - convert(original, PROPHOTO, SRGB))
        target.unlink()
    assert errors["gamut-mlp"].mean() < 0.5 * errors["naive"].mean()


def test_a_photo_that_carries_none_is_refused_without_paths(
    context: Context, uploads: Path, tmp_path: Path
) -> None:
    photo = write_photo(uploads / "photo.png")
    with pytest.raises(PhotoError, match="carries no network of its own") as caught:
        next(expansion(context, str(photo), Request("embedded"), str(tmp_path)))
    assert str(uploads) not in str(caught.value)


def test_the_place_stays_only_if_asked_for(context: Context, uploads: Path, tmp_path: Path) -> None:
    exif = metadata.blob_from(
        Directory({272: Entry.text("Model 1")}, {GPS_IFD: Directory({1: Entry.text("N")})})
    )
    photo = write_photo(uploads / "located.png", exif=exif)
    for keep in (False, True):
        target, _ = expanded(context, photo, tmp_path, private=keep)
        info = inspect(target)
        assert (info.camera, info.has_gps) == ("Model 1", keep)
        target.unlink()


def test_the_pictures_are_in_display_p3(context: Context, uploads: Path, tmp_path: Path) -> None:
    photo = write_photo(uploads / "photo.png")
    target, report = expanded(context, photo, tmp_path)
    shown = file_previews(photo, target, tolerance=report.tolerance)
    before, after = map(read, photos(shown, str(tmp_path)))
    assert before.profile_name == after.profile_name == "Display P3"
    assert (before.pixels != after.pixels).any()
    view = maps(shown, str(tmp_path))
    for path in (view.clipped, view.beyond, view.difference):
        assert inspect(path).space == "srgb"
    assert view.largest_difference > 0.0


def test_giving_up_leaves_no_file(context: Context, uploads: Path, tmp_path: Path) -> None:
    photo = write_photo(uploads / "photo.png")
    with closing(expansion(context, str(photo), Request(MODEL_NAME), str(tmp_path))) as work:
        next(work)
    assert list(tmp_path.iterdir()) == []


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
