"""The commands for photos, run as a person runs them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from core.cli import main
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.engine.batches import plan_jobs
from core.errors import PhotoError
from core.files import Metadata, inspect, read, sample_photo, write, write_codes
from core.files.exif import EXIF_IFD, GPS_IFD, Directory, Entry, blob_from
from core.gamut import clipped_mask, naive_inversion, reduce, share
from core.network.letnet import BOX
from core.network.models import Descriptor, random_model, to_bytes
from core.styles import VIVID
from tests.core.conftest import wide_photo

SAMPLE = str(sample_photo())


def codes_of(seed: int, height: int = 40, width: int = 50) -> np.ndarray:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 256, (height, width, 3))
    codes[rng.random(codes.shape) < 0.2] = 0
    return codes.astype(np.uint8)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    model = random_model(replace(BOX, channels=8), scale=5.0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    path.write_bytes(to_bytes(model.network, Descriptor("tiny", model.descriptor.config)))
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    write_codes(photos / "a.png", codes_of(1))
    write_codes(photos / "sub" / "b.jpg", codes_of(2))
    write_codes(photos / "sub" / "b.tif", codes_of(3))
    return photos


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_outside_an_installation_the_commands_work_and_the_version_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(sys.modules["core.cli.main"], "version", missing)
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert "napari-gamut is not installed" in capsys.readouterr().out


def test_expand_writes_one_photo_and_says_what_it_did(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "wide.tif"
    assert run("expand", folder / "a.png", "-o", target, "--model", network) == 0
    assert read(target).space is PROPHOTO
    assert np.array_equal(reduce(read(target).scene()), codes_of(1))
    text = capsys.readouterr().out
    assert "tiny" in text
    assert "clipped" in text


@pytest.mark.parametrize(
    ("space", "format_key", "suffix"),
    [
        ("display-p3", "png", ".png"),
        ("rec2020", "jxl", ".jxl"),
        ("adobe-rgb", "avif", ".avif"),
        ("acescg", "tiff", ".tif"),
    ],
)
def test_expand_writes_the_space_and_format_that_are_asked_for(
    folder: Path, tmp_path: Path, network: str, space: str, format_key: str, suffix: str
) -> None:
    out = tmp_path / "out"
    code = run(
        "expand", folder / "a.png", "-o", f"{out}/", "--model", network, "--space", space,
        "--format", format_key,
    )  # fmt: skip
    assert code == 0
    written = read(out / f"a{suffix}")
    assert written.space is not None
    assert written.space.key == space


def test_expand_leaves_out_what_is_private_if_asked(tmp_path: Path, network: str) -> None:
    blob = blob_from(
        Directory(
            {272: Entry.text("Model 1")},
            {
                EXIF_IFD: Directory({0xA430: Entry.text("Ada"), 0xA431: Entry.text("12345")}),
                GPS_IFD: Directory({1: Entry.text("N")}),
            },
        )
    )
    photo = tmp_path / "photo.jpg"
    write_codes(photo, codes_of(1), metadata=Metadata(blob))
    for flags, private in (((), True), (("--drop-private",), False)):
        target = tmp_path / f"wide{len(flags)}.tif"
        assert run("expand", photo, "-o", target, "--model", network, *flags) == 0
        info = inspect(target)
        assert (info.camera, info.has_gps) == ("Model 1", private)
        for secret in (b"Ada", b"12345"):
            assert (secret in target.read_bytes()) is private


def test_a_quiet_command_prints_nothing_but_errors(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert run("expand", folder, "-o", tmp_path / "out", "--model", network, "--quiet") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "broken.png" in captured.err


def test_a_quiet_command_prints_the_report_or_the_plan_that_was_asked_for(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("expand", folder / "a.png", "-o", f"{tmp_path}/out/", "--model", network, "--quiet")
    assert run(*common, "--dry-run") == 0
    assert "a.png ->" in capsys.readouterr().out
    assert run(*common, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["files"]) == 1


def test_expand_keeps_the_names_of_a_folder(folder: Path, tmp_path: Path, network: str) -> None:
    out = tmp_path / "out"
    assert run("expand", folder, "-o", out, "--model", network) == 0
    names = sorted(str(path.relative_to(out)) for path in out.rglob("*.tif"))
    assert names == ["a.tif", "sub/b-jpg.tif", "sub/b-tif.tif"]


def test_expand_takes_globs(folder: Path, tmp_path: Path, network: str) -> None:
    out = tmp_path / "out"
    assert run("expand", f"{folder}/**/b.*", "-o", out, "--model", network) == 0
    assert sorted(path.name for path in out.iterdir()) == ["b-jpg.tif", "b-tif.tif"]


def test_a_bad_photo_does_not_stop_the_others(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (folder / "empty.jpg").touch()
    out = tmp_path / "out"
    assert run("expand", folder, "-o", out, "--model", network) == 1
    captured = capsys.readouterr()
    assert "broken.png" in captured.err
    assert "empty.jpg" in captured.err
    assert "Traceback" not in captured.err
    assert "3 done, 0 kept from before, 2 failed" in captured.out
    assert len(list(out.rglob("*.tif"))) == 3


def test_resume_leaves_finished_photos_alone(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run("expand", folder / "a.png", "-o", f"{out}/", "--model", network)
    first = (out / "a.tif").stat().st_mtime_ns
    assert run("expand", folder, "-o", out, "--model", network, "--resume") == 0
    assert (out / "a.tif").stat().st_mtime_ns == first
    assert "2 done, 1 kept from before" in capsys.readouterr().out


def test_without_resume_or_overwrite_an_existing_file_is_kept(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "wide.tif"
    target.write_text("mine")
    assert run("expand", folder / "a.png", "-o", target, "--model", network) == 1
    assert target.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err
    assert run("expand", folder / "a.png", "-o", target, "--model", network, "--overwrite") == 0


def test_a_dry_run_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run("expand", folder, "-o", out, "--dry-run") == 0
    assert not out.exists()
    assert str(out / "sub" / "b-jpg.tif") in capsys.readouterr().out


def test_the_report_for_programs_is_json(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.png").write_bytes(b"nothing")
    out = tmp_path / "out"
    assert run("expand", folder, "-o", out, "--model", network, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["model"] == "tiny"
    assert len(report["files"]) == 3
    assert report["files"][0]["tolerance"] in (0.0, 3.0)
    assert "broken.png" in report["failed"][0]["input"]


def test_the_sample_shows_what_came_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, target = tmp_path / "both.png", tmp_path / "sample.tif"
    assert run("expand", "--sample", "-o", target, "--before-after", picture) == 0
    said = capsys.readouterr().out
    gain = re.search(r"both.png: (\d+) % of the pixels gain a colour that you can see", said)
    # A newcomer's first photo gains colours over much of its area, beyond the eye's threshold.
    assert gain
    assert int(gain[1]) >= 30
    assert inspect(picture).width > 1000
    assert read(target).pixels.shape == (400, 600, 3)


def test_the_sample_is_what_its_description_says() -> None:
    scene = naive_inversion(skimage.data.coffee())
    finished = VIVID.apply(np.clip(convert(scene, SRGB, PROPHOTO), 0, 1))
    codes = reduce(convert(finished, PROPHOTO, SRGB))
    assert np.array_equal(read(sample_photo()).pixels, codes)
    assert share(clipped_mask(codes)) == pytest.approx(0.76, abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("expand", "-o", "x.tif"), "No photo is named"),
        (("expand", "nowhere.jpg", "-o", "x.tif"), "no photo nowhere.jpg"),
        (("expand", "--sample", "-o", "x.tif", "--model", "other"), "no method named 'other'"),
        (("expand", "--sample", "-o", "x.tif", "--model", "a.safetensors"), "cannot be read"),
        (("expand", "--sample", "-o", "x.tif", "--strength", "7"), "strength"),
        (("expand", "--sample", "-o", "x.tif", "--device", "abacus"), "no device"),
        (("info", "nowhere.jpg"), "no photo nowhere.jpg"),
        (("reduce", "nowhere.jpg", "-o", "x.png"), "no photo nowhere.jpg"),
        (("expand", "--sample", "-o", "x.png", "--space", "acescg"), "PNG"),
        (("expand", "--sample", "-o", "x.tif", "--depth", "12", "--dry-run"), "16 bits"),
        (("expand", "--sample", "-o", "x.tif", "--model", "naive", "--steps", "9"), "--steps"),
        (("expand", "--sample", "-o", "x.png", "--before-after", "x.png"), "replace the photo"),
        (("expand", "--sample", "-o", "x.tif", "--before-after", "x.jpg"), ".png, .svg or .pdf"),
        (("reduce", SAMPLE, "-o", "x.png", "--steps", "9"), "--embed"),
        (("reduce", SAMPLE, "-o", "x.png", "--quality", "80"), "lossless"),
        (("evaluate", "naive", "--photos", ".", "--subsampling", "444"), "--jpeg"),
        (("evaluate", "naive", "--photos", ".", "--figure-photos", "2"), "--figures"),
        (("adapt", SAMPLE, "-o", "nowhere/mine.safetensors"), "create it first"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_picture_never_replaces_the_photo_that_was_expanded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "a.png"
    write_codes(photo, codes_of(1))
    before = photo.read_bytes()
    options = ("--before-after", photo, "--overwrite", "--model", "naive")
    assert run("expand", photo, "-o", tmp_path / "a.tif", *options) == 2
    assert "is being read" in capsys.readouterr().err
    assert photo.read_bytes() == before


@pytest.mark.parametrize("arguments", [("--threads", "-1"), ("--resume", "--overwrite")])
def test_options_that_mean_nothing_are_refused(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("expand", "--sample", "-o", "x.tif", *arguments)
    assert ended.value.code == 2
    assert arguments[-1 if arguments[0] == "--resume" else 0] in capsys.readouterr().err


def test_the_paper_s_own_estimate_can_be_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_codes(tmp_path / "a.png", codes_of(2))
    target = tmp_path / "a.tif"
    command = ("expand", tmp_path / "a.png", "-o", target, "--model", "letnet", "--no-projection")
    assert run(*command) == 0
    assert "not projected" in capsys.readouterr().out
    assert (reduce(read(target).scene()) != codes_of(2)).any()


def test_what_rounding_moves_out_of_srgb_is_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "red.tif"
    write(photo, np.tile(convert(np.float32([1, 0, 0]), SRGB, PROPHOTO), (8, 8, 1)), PROPHOTO)
    assert run("reduce", photo, "-o", tmp_path / "red.png") == 0
    assert "0.00% of the pixels are outside sRGB" in capsys.readouterr().out
    assert run("compare", photo, tmp_path / "red.png") == 0
    assert "outside sRGB: 0.00%" in capsys.readouterr().out


def test_reduce_clips_to_srgb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = tmp_path / "wide.tif"
    linear = np.random.default_rng(5).random((30, 40, 3)).astype(np.float32)
    write(wide, linear, PROPHOTO)
    assert run("reduce", wide, "-o", tmp_path / "srgb.png") == 0
    expected = reduce(read(wide).scene())
    codes = read(tmp_path / "srgb.png").srgb_codes()
    assert codes is not None
    assert np.array_equal(codes, expected)
    assert "outside sRGB" in capsys.readouterr().out


def test_reduce_refuses_16_bit_jpeg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_codes(tmp_path / "a.png", codes_of(1))
    arguments = ("--format", "jpeg", "--depth", 16)
    assert run("reduce", tmp_path / "a.png", "-o", tmp_path / "b", *arguments) == 2
    assert "8 bits" in capsys.readouterr().err


def test_info_tells_space_and_loss(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "p3.png", np.full((4, 4, 3), 0.5, np.float32), DISPLAY_P3)
    assert run("info", folder / "a.png", tmp_path / "p3.png") == 0
    text = capsys.readouterr().out
    assert "clipped:" in text
    assert "Display P3" in text
    assert "outside sRGB: 0.00%" in text
    assert run("info", folder, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert 0.2 < report["files"][0]["clipped_share"] < 0.7


def test_info_names_a_bad_photo_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.png").write_bytes(b"nothing")
    assert run("info", folder) == 1
    text = capsys.readouterr().out
    assert "broken.png" in text
    assert "a.png" in text


def test_compare_measures_by_region(
    folder: Path, tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = tmp_path / "wide.tif"
    run("expand", folder / "a.png", "-o", wide, "--model", network)
    capsys.readouterr()
    assert run("compare", wide, folder / "a.png", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["round_trip"] == 1.0
    assert report["regions"]["in_gamut"]["psnr"] > report["regions"]["out_of_gamut"]["psnr"]
    assert run("compare", wide, wide) == 0
    assert "inf" in capsys.readouterr().out


def test_compare_refuses_photos_of_different_size(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_codes(tmp_path / "other.png", codes_of(1, 20, 20))
    assert run("compare", folder / "a.png", tmp_path / "other.png") == 2
    assert "differ in size" in capsys.readouterr().err


def test_a_terminated_job_leaves_no_half_file(tmp_path: Path, network: str) -> None:
    source, out = tmp_path / "large.png", tmp_path / "out"
    write_codes(source, codes_of(1, 1500, 1500))
    out.mkdir()
    job = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "expand", str(source), "-o", str(out / "w.tif"),
         "--model", network, "--tile", "64", "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any(out.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [path.name for path in out.iterdir()] != ["w.tif"]
    os.kill(job.pid, signal.SIGTERM)
    _, error = job.communicate(timeout=120)
    assert job.returncode == 130
    assert "interrupted" in error
    assert list(out.iterdir()) == []


def test_two_photos_never_become_one_file(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        write_codes(tmp_path / name / "a.png", codes_of(1))
    with pytest.raises(PhotoError, match="would both become"):
        plan_jobs(
            [str(tmp_path / "x"), str(tmp_path / "y")], str(tmp_path / "out"), {"tiff": ".tif"}
        )


@pytest.mark.parametrize("command", ["expand", "reduce", "info", "compare"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(command, "--help")
    assert stop.value.code == 0
    assert command in capsys.readouterr().out


def test_help_loads_no_torch() -> None:
    program = (
        "import sys\n"
        "from core.cli.main import build_parser\n"
        "build_parser()\n"
        "heavy = {'torch', 'matplotlib', 'lightning', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.tif"
    write(path, wide_photo(1), PROPHOTO)
    return path


def rmse(original: Path, other: Path) -> float:
    difference = read(original).scene() - read(other).scene()
    return float(np.sqrt((difference**2).mean()))


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_what_a_file_carries_brings_its_colours_back(
    original: Path, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / f"small.{suffix}"
    assert run("reduce", original, "-o", small, "--payload-size", 1, "--steps", 200) == 0
    assert re.search(r"the file carries \d{3,4} bytes", capsys.readouterr().out)
    results = {"naive": ("expand", "--model", "naive"), "hint": ("expand",), "own": ("recover",)}
    for name, (command, *arguments) in results.items():
        target = tmp_path / f"{name}.tif"
        assert run(command, small, "-o", target, *arguments) == 0
    said = capsys.readouterr().out
    assert "gamut-mlp: " in said
    assert said.count("The photo carries a network of its own as well") == 1
    lost, hinted, recovered = (rmse(original, tmp_path / f"{name}.tif") for name in results)
    assert hinted < 0.9 * lost
    assert recovered < 0.6 * lost
    assert run("info", small) == 0
    told = capsys.readouterr().out
    assert "hint: 64 bytes to recover its colours; its colours lay in ProPhoto RGB" in told
    assert "network of its own: " in told
    bare = tmp_path / f"bare.{suffix}"
    assert run("strip", small, "-o", bare) == 0
    assert inspect(bare).payload_size == 0
    assert np.array_equal(read(bare).pixels, read(small).pixels)
    assert run("strip", bare, "-o", tmp_path / f"again.{suffix}") == 1


def test_photos_that_carry_nothing_are_named_and_the_others_expanded(
    original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    run("reduce", original, "-o", photos / "a.png", "--embed", "--no-hint", "--steps", 20)
    capsys.readouterr()
    write_codes(photos / "b.png", codes_of(1))
    assert run("expand", photos, "-o", tmp_path / "wide", "--model", "embedded", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["model"] == "embedded"
    (done,) = report["files"]
    assert (Path(done["input"]).name, done["model"]) == ("a.png", "gamut-mlp")
    (failed,) = report["failed"]
    assert "b.png" in failed["error"]
    assert "carries no network of its own" in failed["error"]
