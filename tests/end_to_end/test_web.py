"""The demo as people meet it: in a real browser."""

from __future__ import annotations

import io
import shlex
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.cli import main as gamut
from core.colour import DISPLAY_P3, PROPHOTO, SRGB, convert
from core.files import Metadata, inspect, write_codes
from core.files.exif import GPS_IFD, Directory, Entry, blob_from
from core.metrics import delta_e_map
from core.pictures.seen import VISIBLE
from tests.end_to_end.conftest import SLOW
from tests.end_to_end.visits import DESK, FINISHED, PHONE, devtools, visiting
from tests.web_demo import MODEL_NAME, clipped_photo, wait_for, write_photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from core.colour import ColourSpace
    from tests.end_to_end.visits import Visit
    from tests.web_demo import Demo


@pytest.fixture(scope="module")
def arrival(browser: Browser, demo: Demo) -> Iterator[Visit]:
    with visiting(browser, demo, **DESK) as visit:
        yield visit


@pytest.fixture
def arrived(arrival: Visit) -> Visit:
    """The page as it is on arrival, for what asks for nothing of the server."""
    arrival.tab("Expand")
    arrival.both_pictures()
    arrival.page.get_by_role("button", name="Fit").click()
    arrival.page.evaluate("scrollTo(0, 0)")
    return arrival


@contextmanager
def an_expansion(
    browser: Browser, demo: Demo, folder: Path, view: dict[str, Any]
) -> Iterator[Visit]:
    with visiting(browser, demo, **view) as visit:
        visit.upload(write_photo(folder / "photo.png"))
        visit.result_of("photo")
        yield visit


@pytest.fixture(scope="module")
def expanded(
    browser: Browser, demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    """A photo that is expanded, for what only looks at it."""
    with an_expansion(browser, demo, tmp_path_factory.mktemp("desk"), DESK) as visit:
        yield visit


@pytest.fixture(scope="module")
def expanded_on_phone(
    browser: Browser, demo: Demo, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    """The same on a phone."""
    with an_expansion(browser, demo, tmp_path_factory.mktemp("phone"), PHONE) as visit:
        yield visit


def wider_than_the_screen(page: Page) -> int:
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    width: int = page.evaluate(script)
    return width


def colours(visit: Visit) -> npt.NDArray[np.int16]:
    """What the screen shows of the photos, as sRGB codes."""
    shot = visit.page.locator(".viewer .stage").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)


def test_on_arrival_there_is_an_answer(arrived: Visit) -> None:
    arrived.both_pictures()
    assert arrived.page.locator(".verdict").first.is_visible()
    assert arrived.page.get_by_role("button", name="Download TIFF").is_visible()
    assert not arrived.page.get_by_text("Largest residual").first.is_visible(), "before they ask"


def test_a_photo_is_expanded_and_shown(expanded: Visit) -> None:
    expanded.both_pictures()
    verdict = expanded.page.locator(".verdict").first.inner_text()
    assert "of the pixels gain a colour that you can see" in verdict
    expanded.page.get_by_role("button", name="Details").click()
    for name in ("Clipped pixels", "Changed pixels", "Solver steps", "Largest residual"):
        expanded.page.get_by_text(name, exact=True).first.wait_for()


def seen(
    first: npt.NDArray[np.int16], second: npt.NDArray[np.int16], screen: ColourSpace = SRGB
) -> float:
    """Share of the pixels of two pictures of a screen that a person sees differ."""
    linear = [
        convert(screen.decode(np.float32(each) / 255), screen, PROPHOTO) for each in (first, second)
    ]
    before, after = (np.clip(each, 0.0, 1.0).astype(np.float32) for each in linear)
    return float((delta_e_map(before, after) > VISIBLE).mean())


def test_any_screen_shows_what_came_back(desk: Visit, tmp_path: Path) -> None:
    # Large enough that the browser need not make it larger, which mixes colours beyond the screen.
    desk.upload(write_photo(tmp_path / "photo.png", 700, 900))
    desk.result_of("photo")
    viewer = desk.page.locator(".viewer").first
    mute = desk.page.get_by_label("As seen on a wide-gamut screen")
    assert mute.is_checked(), "this screen shows sRGB only"
    desk.page.add_style_tag(content=".viewer .name { opacity: 0 }")

    def shown(side: str) -> npt.NDArray[np.int16]:
        viewer.evaluate("(viewer, side) => { viewer.dataset.side = side; }", side)
        desk.both_pictures()
        desk.page.wait_for_timeout(500)
        return colours(desk)

    gain = seen(shown("one"), shown("two"))
    assert gain > 0.1
    mute.uncheck()
    assert desk.page.get_by_text("Your screen shows sRGB only").first.is_visible()
    # What is left is what the compression of the pictures changes.
    assert seen(shown("one"), shown("two")) < 0.5 * gain
    overlay = desk.page.get_by_label("Mark what came back")
    before = shown("one")
    overlay.check()
    assert seen(shown("one"), before) > 0.05


def test_a_wide_gamut_screen_shows_what_came_back(
    wide_browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    with visiting(wide_browser, demo, **DESK) as visit:
        visit.upload(write_photo(tmp_path / "photo.png", 700, 900))
        visit.result_of("photo")
        assert not visit.page.get_by_label("As seen on a wide-gamut screen").is_checked()
        assert visit.page.get_by_text("Your screen shows more than sRGB").first.is_visible()
        visit.page.add_style_tag(content=".viewer .name { opacity: 0 }")
        shown = []
        for side in ("one", "two"):
            script = "(viewer, side) => { viewer.dataset.side = side; }"
            visit.page.locator(".viewer").first.evaluate(script, side)
            visit.both_pictures()
            visit.page.wait_for_timeout(500)
            shown.append(colours(visit))
        assert seen(*shown, DISPLAY_P3) > 0.1


def test_a_button_and_a_key_flicker(arrived: Visit) -> None:
    viewer = arrived.page.locator(".viewer").first
    flicker = arrived.page.get_by_role("button", name="Flicker")
    flicker.click()
    for side in ("one", "two", "one"):
        assert wait_for(lambda side=side: viewer.get_attribute("data-side") == side)  # type: ignore[misc]
    arrived.page.keyboard.press("f")
    assert viewer.get_attribute("data-side") is None
    assert flicker.get_attribute("aria-pressed") == "false"


def test_the_pictures_are_tagged_display_p3(expanded: Visit, demo: Demo, tmp_path: Path) -> None:
    for kind, name in (("wide", "Display P3"), ("muted", "sRGB")):
        address = expanded.pictures.last.get_attribute(f"data-{kind}")
        answer = expanded.page.request.get(f"{demo.url}/{address}")
        path = tmp_path / f"{kind}.webp"
        path.write_bytes(answer.body())
        assert inspect(path).profile_name == name


def test_the_border_moves_with_the_pointer(arrived: Visit) -> None:
    arrived.both_pictures()
    stage = arrived.page.locator(".viewer .stage").first
    box = stage.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    arrived.page.mouse.move(box["x"] + box["width"] / 2, middle)
    arrived.page.mouse.down()
    arrived.page.mouse.move(box["x"] + box["width"] / 4, middle, steps=5)
    arrived.page.mouse.up()
    at = float(stage.evaluate("stage => getComputedStyle(stage).getPropertyValue('--at')"))
    assert abs(at - 0.25) < 0.02


def drop(visit: Visit, photo: Path) -> None:
    """Drop a photo on the page's title."""
    visit.page.evaluate(
        """([name, bytes]) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
          const target = document.querySelector('h1');
          for (const kind of ['dragover', 'drop']) {
            target.dispatchEvent(new DragEvent(kind, {
              dataTransfer, bubbles: true, cancelable: true }));
          }
        }""",
        [photo.name, list(photo.read_bytes())],
    )


def test_a_second_photo_takes_the_place_of_the_first_in_any_language(
    browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    photos = [write_photo(tmp_path / f"{name}.png", 24, 32) for name in ("first", "second")]
    with visiting(browser, demo, locale="de-DE", **DESK) as visit:
        assert visit.page.evaluate("navigator.language") == "de-DE"
        for tab, finished in FINISHED.items():
            visit.tab(tab)
            for photo in photos:
                drop(visit, photo)
                names = visit.panel.locator(".photo .filename")
                names.get_by_text(photo.stem).wait_for()
                assert names.count() == 1
                visit.panel.get_by_text(finished).first.wait_for()


def test_photos_can_be_dropped_and_pasted_anywhere_one_after_the_other(
    desk: Visit, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        drop(desk, write_photo(tmp_path / f"{name}.png"))
        desk.result_of(name)
    data = write_photo(tmp_path / "pasted.png").read_bytes()
    desk.page.evaluate(
        """bytes => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([new Uint8Array(bytes)], 'pasted.png'));
          document.body.dispatchEvent(new ClipboardEvent('paste', {
            clipboardData, bubbles: true, cancelable: true }));
        }""",
        list(data),
    )
    desk.result_of("pasted")


def test_several_photos_become_one_archive(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    photos = [write_photo(tmp_path / f"{name}.png") for name in ("a", "b")]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    desk.panel.locator("input[type=file]").first.set_input_files([*photos, broken])
    desk.page.get_by_text("is not a photo in a known format").first.wait_for()
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download ZIP").click()
    saved = tmp_path / "saved.zip"
    download.value.save_as(saved)
    flags = ["--model", str(demo.model), "--quiet", "--drop-private"]
    with zipfile.ZipFile(saved) as pack:
        assert pack.namelist() == ["a-prophoto.tif", "b-prophoto.tif"]
        for photo in photos:
            other = tmp_path / f"{photo.stem}.tif"
            assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
            assert pack.read(f"{photo.stem}-prophoto.tif") == other.read_bytes()


def test_of_several_photos_nobody_waits_for_their_own_pixels(desk: Visit, tmp_path: Path) -> None:
    # The first is shown smaller than it is.
    photos = [write_photo(tmp_path / "a.png", 1120, 1200), write_photo(tmp_path / "b.png")]
    desk.panel.locator("input[type=file]").first.set_input_files(photos)
    desk.page.get_by_role("button", name="Download ZIP").wait_for()
    desk.both_pictures()
    desk.page.get_by_role("button", name="100 %").click()
    assert zoomed(desk) == 100
    assert not desk.page.get_by_text("Its own pixels are coming").is_visible()


def choose(visit: Visit, label: str, option: str) -> None:
    """Choose from a menu beside Download."""
    visit.panel.get_by_label(label).first.click()
    visit.page.get_by_role("option", name=option, exact=True).click()


def test_a_change_is_in_the_file_that_is_downloaded(
    desk: Visit, demo: Demo, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "photo.png")
    desk.upload(photo)
    desk.result_of("photo")
    choose(desk, "Where does the photo come from?", "Camera set to Adobe RGB")
    choose(desk, "Colour space", "Display P3")
    choose(desk, "File format", "PNG (16 bits)")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename == "photo-display-p3.png"
    saved, other = tmp_path / "saved.png", tmp_path / "other.png"
    download.value.save_as(saved)
    desk.page.get_by_role("button", name="Details").click()
    said = (
        desk.panel.get_by_label("The same as a command")
        .or_(desk.panel.locator(".cm-content"))
        .first
    )
    command = shlex.split(said.inner_text())
    assert command[:3] == ["gamut", "expand", "photo.png"]
    # The model of these tests is a file, and known by its name to the demo alone.
    words = [str(demo.model) if word == MODEL_NAME else word for word in command[5:]]
    assert gamut(["expand", str(photo), "-o", str(other), *words, "--quiet"]) == 0
    assert saved.read_bytes() == other.read_bytes()


def test_what_no_file_holds_is_said_where_it_is_chosen(desk: Visit) -> None:
    choose(desk, "File format", "PNG (16 bits)")
    desk.page.get_by_role("button", name="Download PNG").wait_for()
    choose(desk, "Colour space", "ACEScg")
    desk.page.get_by_text("linear and needs floating point").first.wait_for()
    stale = desk.page.get_by_role("button", name="Out of date")
    stale.wait_for()
    assert stale.is_disabled()
    choose(desk, "File format", "TIFF (16 bits)")
    desk.page.get_by_role("button", name="Download TIFF").wait_for()
    assert not desk.page.get_by_text("linear and needs floating point").first.is_visible()


def test_who_presses_twice_gets_one_job(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    jobs: list[str] = []
    desk.page.on(
        "request", lambda sent: jobs.append(sent.url) if "queue/join" in sent.url else None
    )
    desk.upload(write_photo(tmp_path / "large.png", 900, 1200))
    expand = desk.page.get_by_role("button", name="Expand", exact=True)
    desk.page.get_by_role("button", name="Cancel").first.wait_for()
    expand.click(force=True)
    desk.done()
    assert len(jobs) == 1


def test_the_place_stays_only_if_asked_for(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    directory = Directory({272: Entry.text("Model 1")}, {GPS_IFD: Directory({1: Entry.text("N")})})
    photo = write_photo(tmp_path / "photo.jpg", metadata=Metadata(blob_from(directory)))
    desk.upload(photo)
    desk.result_of("photo")
    for kept in (False, True):
        if kept:
            desk.page.get_by_role("button", name="More settings").click()
            desk.page.get_by_label("Keep place, names and serial numbers").check()
            desk.page.get_by_role("button", name="Working it out anew").wait_for()
        with desk.page.expect_download() as download:
            desk.page.get_by_role("button", name="Download TIFF").click()
        saved, other = tmp_path / f"saved{kept}.tif", tmp_path / f"other{kept}.tif"
        download.value.save_as(saved)
        flags = ["--model", str(demo.model), "--quiet", *([] if kept else ["--drop-private"])]
        assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
        assert saved.read_bytes() == other.read_bytes()
        assert (inspect(saved).camera, inspect(saved).has_gps) == ("Model 1", kept)


def test_cancel_stops_the_work(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.result_of("photo")
    earlier = set((demo.folder / "uploads").iterdir())

    def folders() -> set[Path]:
        return set((demo.folder / "uploads").iterdir()) - earlier

    desk.page.get_by_role("button", name="More settings").click()
    choose(desk, "Network", SLOW)
    cancel = desk.page.get_by_role("button", name="Cancel").first
    cancel.wait_for()
    assert wait_for(lambda: bool(folders()))
    cancel.click()
    desk.page.get_by_text("Cancelled.").wait_for()
    assert wait_for(lambda: not folders())
    # What the server says of the job that was cancelled comes later.
    desk.page.wait_for_timeout(1500)
    assert desk.page.locator(".status").first.inner_text() == "Cancelled."
    assert desk.page.get_by_role("button", name="Out of date").is_disabled()
    choose(desk, "Network", MODEL_NAME)
    desk.page.get_by_role("button", name="Download TIFF").wait_for()


def test_a_choice_that_is_left_as_it_was_starts_nothing(arrived: Visit) -> None:
    joined: list[str] = []
    arrived.page.on(
        "request", lambda sent: joined.append(sent.url) if "queue/join" in sent.url else None
    )
    for label in ("Colour space", "File format"):
        arrived.panel.get_by_label(label).first.focus()
        arrived.page.keyboard.press("Tab")
    arrived.page.wait_for_timeout(1500)
    assert joined == []
    assert arrived.page.get_by_role("button", name="Download TIFF").is_enabled()


def test_another_strength_is_seen_at_once_and_worked_out_without_a_new_solve(
    desk: Visit, demo: Demo, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "photo.png")
    desk.upload(photo)
    desk.result_of("photo")
    desk.both_pictures()
    slider = desk.page.locator("#strength input[type=range]")
    slider.evaluate(
        """slider => {
          slider.value = 0.5;
          slider.dispatchEvent(new Event('input', { bubbles: true }));
        }"""
    )
    desk.page.locator(".viewer canvas").wait_for()
    tried = colours(desk)
    slider.evaluate("slider => slider.dispatchEvent(new Event('pointerup', { bubbles: true }))")
    desk.page.locator(".viewer[data-strength='0.5']").wait_for()
    desk.both_pictures()
    desk.page.wait_for_timeout(500)
    assert np.abs(colours(desk) - tried).mean() < 3
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download TIFF").click()
    saved, other = tmp_path / "saved.tif", tmp_path / "other.tif"
    download.value.save_as(saved)
    flags = ["--model", str(demo.model), "--quiet", "--drop-private", "--strength", "0.5"]
    assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
    assert saved.read_bytes() == other.read_bytes()
    found = [path.stat().st_nlink for path in (demo.folder / "uploads").rglob("answers.bin")]
    assert max(found) > 1, "the answers are those of the first strength"


def zoomed(visit: Visit) -> float:
    """How large the photo is shown, in %."""
    return float(visit.page.locator(".viewer output").first.inner_text().removesuffix(" %"))


def test_a_photo_is_looked_at_in_its_own_pixels(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "large.png", 1120, 1200))
    desk.result_of("large")
    desk.both_pictures()
    whole = zoomed(desk)
    desk.page.get_by_role("button", name="100 %").click()
    assert zoomed(desk) == 100
    loaded = (
        "[...document.querySelectorAll('.viewer .two .tile')]"
        ".filter(tile => tile.complete && tile.naturalWidth).length > 1"
    )
    desk.page.wait_for_function(loaded)
    desk.page.get_by_role("button", name="Fit").click()
    assert zoomed(desk) == whole


def test_ctrl_and_wheel_zoom_and_the_wheel_alone_scrolls(arrived: Visit) -> None:
    arrived.both_pictures()
    stage = arrived.page.locator(".viewer .stage").first
    stage.hover()
    whole = zoomed(arrived)
    arrived.page.mouse.wheel(0, 200)
    assert wait_for(lambda: arrived.page.evaluate("scrollY") > 50)
    assert zoomed(arrived) == whole
    arrived.page.evaluate("scrollTo(0, 0)")
    stage.hover()
    arrived.page.keyboard.down("Control")
    arrived.page.mouse.wheel(0, -300)
    arrived.page.keyboard.up("Control")
    assert wait_for(lambda: zoomed(arrived) > 1.5 * whole)
    assert arrived.page.evaluate("devicePixelRatio") == 1, "the page itself is not zoomed"


def test_the_keyboard_zooms_and_moves_the_photo(arrived: Visit) -> None:
    arrived.both_pictures()
    arrived.page.get_by_role("slider", name="Border between the two photos").first.focus()
    whole = zoomed(arrived)
    for key, expected in (("1", 100.0), ("0", whole)):
        arrived.page.keyboard.press(key)
        assert zoomed(arrived) == expected
    for _ in range(3):
        arrived.page.keyboard.press("+")
    assert zoomed(arrived) > 2 * whole
    left = "parseFloat(document.querySelector('.viewer .stage').style.getPropertyValue('--left'))"
    before = arrived.page.evaluate(left)
    arrived.page.keyboard.press("Shift+ArrowRight")
    assert arrived.page.evaluate(left) < before


def test_two_fingers_zoom(phone: Visit) -> None:
    phone.both_pictures()
    stage = phone.page.locator(".viewer .stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    whole = zoomed(phone)
    with devtools(phone.page) as fingers:
        for kind, apart in (("touchStart", 20), ("touchMove", 50), ("touchMove", 80)):
            points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert wait_for(lambda: zoomed(phone) > 2 * whole)


def test_photos_of_the_same_name_are_not_taken_for_each_other(phone: Visit, tmp_path: Path) -> None:
    top = "document.querySelector('.viewer').getBoundingClientRect().top"
    sizes = []
    for seed in (1, 2):
        phone.page.evaluate("scrollTo(0, 0)")
        (tmp_path / str(seed)).mkdir()
        photo = tmp_path / str(seed) / "image.png"
        write_codes(photo, clipped_photo(60, 80, seed))
        phone.upload(photo)
        phone.result_of("image")
        assert wait_for(lambda: -50 < phone.page.evaluate(top) < 400), "the result is in view"
        sizes.append(zoomed(phone))
        phone.page.get_by_role("button", name="Larger").click()
        assert zoomed(phone) > sizes[-1]
        larger = zoomed(phone)
        choose(phone, "File format", "PNG (16 bits)" if seed == 1 else "JPEG XL (16 bits)")
        form = "png" if seed == 1 else "jxl"
        phone.page.locator(f".viewer[data-link*='format={form}']").wait_for()
        assert zoomed(phone) == larger, "it is the same photo"
        if seed == 1:
            phone.panel.get_by_label("Clear").first.click()
            phone.panel.get_by_text("will appear here").wait_for()
    assert sizes[0] == sizes[1]


def test_a_long_panorama_fills_its_place(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "panorama.png", 100, 2000))
    desk.result_of("panorama")
    box = desk.page.locator(".viewer .stage").first.bounding_box()
    sheet = desk.page.locator(".viewer .two .sheet").bounding_box()
    assert box
    assert sheet
    assert box["height"] > 200
    assert sheet["height"] >= box["height"] - 1
    assert sheet["width"] > 6 * box["width"]


def test_a_link_shows_the_result_and_its_settings(
    desk: Visit, browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.result_of("photo")
    choose(desk, "Colour space", "Display P3")
    desk.page.wait_for_url("**space=display-p3**")
    link = desk.page.url
    assert link.startswith(f"{demo.url}/?space=display-p3&result=")
    with visiting(browser, demo, link=link, **DESK) as other:
        other.result_shown("photo")
        assert other.panel.get_by_label("Colour space").first.input_value() == "Display P3"
        other.both_pictures()
        with other.page.expect_download() as download:
            other.page.get_by_role("button", name="Download TIFF").click()
        assert download.value.suggested_filename == "photo-display-p3.tif"
    desk.page.reload()
    desk.result_shown("photo")
    desk.page.goto(f"{demo.url}/health")
    desk.page.go_back()
    desk.result_shown("photo")


def test_whoever_has_a_link_learns_nothing_of_the_owner(
    desk: Visit, browser: Browser, demo: Demo, tmp_path: Path
) -> None:
    directory = Directory({272: Entry.text("Model 1")}, {GPS_IFD: Directory({1: Entry.text("N")})})
    photo = write_photo(tmp_path / "photo.jpg", metadata=Metadata(blob_from(directory)))
    desk.upload(photo)
    desk.result_of("photo")
    desk.page.wait_for_url("**result=**")
    keep = "Keep place, names and serial numbers"
    with visiting(browser, demo, link=desk.page.url, **DESK) as other:
        other.result_shown("photo")
        other.page.get_by_role("button", name="More settings").click()
        assert other.page.get_by_label(keep).is_disabled()
        other.page.get_by_text("This photo came by a link").wait_for()
        choose(other, "Colour space", "Display P3")
        other.page.wait_for_url("**space=display-p3**")
        with other.page.expect_download() as download:
            other.page.get_by_role("button", name="Download TIFF").click()
        download.value.save_as(tmp_path / "saved.tif")
        assert inspect(tmp_path / "saved.tif").camera == "Model 1"
        assert not inspect(tmp_path / "saved.tif").has_gps
        other.upload(photo)
        assert wait_for(lambda: other.page.get_by_label(keep).is_enabled())
    desk.page.get_by_role("button", name="More settings").click()
    desk.page.get_by_label(keep).check()
    desk.page.wait_for_function("!location.search.includes('result=')")
    assert desk.page.get_by_role("button", name="Copy link").count() == 0


def test_a_link_to_what_is_gone_sets_its_settings(browser: Browser, demo: Demo) -> None:
    link = f"{demo.url}/?space=rec2020&result={'0' * 40}"
    with visiting(browser, demo, link=link, **DESK) as visit:
        visit.page.get_by_text("no longer kept").first.wait_for()
        visit.page.locator(".viewer[data-link*='space=rec2020']").wait_for()
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download TIFF").click()
        assert download.value.suggested_filename.endswith("-rec2020.tif")


def test_previews_of_links_have_a_picture_and_a_name(arrived: Visit, demo: Demo) -> None:
    told = {
        name: arrived.page.locator(f"meta[property='og:{name}']").get_attribute("content")
        for name in ("site_name", "title", "description", "image")
    }
    assert all(told.values())
    answer = arrived.page.request.get(f"{demo.url}/{told['image']}")
    assert Image.open(io.BytesIO(answer.body())).size == (1200, 630)


def test_small_buttons_are_large_enough(expanded: Visit, expanded_on_phone: Visit) -> None:
    sizes = """() => [...document.querySelectorAll('button, [role=button], .tools select')]
      .filter(button => button.checkVisibility({ visibilityProperty: true }))
      .filter(button => !button.closest('[aria-hidden=true], .visually-hidden'))
      .map(button => [button.getBoundingClientRect(), button.ariaLabel || button.innerText])
      .map(([box, name]) => [Math.min(box.width, box.height), name])"""
    for visit, least in ((expanded, 24), (expanded_on_phone, 44)):
        small = [each for each in visit.page.evaluate(sizes) if each[0] < least - 0.5]
        assert small == []


def test_a_slow_telephone_gets_the_whole_result(phone: Visit, tmp_path: Path) -> None:
    # Messages that come faster than they are shown are shown together.
    with devtools(phone.page) as slow:
        slow.send("Emulation.setCPUThrottlingRate", {"rate": 8})
        for name in ("first.png", "second.png"):
            phone.upload(write_photo(tmp_path / name, 60, 80))
            phone.result_of(name.removesuffix(".png"))
            phone.page.get_by_role("button", name="Download TIFF").wait_for()
            phone.both_pictures()
            phone.page.get_by_role("button", name="Remove").or_(
                phone.page.get_by_label("Clear")
            ).first.click()
            phone.page.get_by_text("will appear here").first.wait_for()


def test_another_photo_during_a_job_is_not_forgotten(desk: Visit) -> None:
    vivid, _, astronaut = desk.page.locator(".samples button").all()[:3]
    vivid.click()
    desk.page.get_by_role("button", name="Cancel").first.wait_for()
    astronaut.click()
    desk.result_of("astronaut-vivid")


def test_no_result_stands_beside_another_photo(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.result_of("photo")
    download = desk.page.get_by_role("button", name="Download TIFF")
    download.wait_for()
    desk.panel.get_by_label("Remove").or_(desk.panel.get_by_label("Clear")).first.click()
    desk.panel.get_by_text("will appear here").wait_for()
    assert not download.is_visible()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    desk.upload(broken)
    desk.page.get_by_role("alert").first.wait_for()
    assert not download.is_visible()
    assert not desk.page.locator(".viewer").is_visible()


def test_a_wide_photo_is_offered_what_it_needs(desk: Visit, tmp_path: Path) -> None:
    photo = tmp_path / "wide.png"
    write_codes(photo, clipped_photo(24, 32), DISPLAY_P3)
    desk.upload(photo)
    desk.result_of("wide")
    verdict = desk.page.locator(".verdict").first.inner_text()
    assert "wide-gamut already" in verdict
    desk.page.get_by_role("button", name="Make an sRGB file").click()
    desk.page.get_by_text("to bring them back").wait_for()
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Download PNG").click()
    saved = tmp_path / "saved.png"
    download.value.save_as(saved)
    assert inspect(saved).space == "srgb"
    assert inspect(saved).payload_size > 0
    desk.page.get_by_role("button", name="Compare how well").click()
    desk.page.get_by_text("outside sRGB.").first.wait_for()
    assert desk.panel.get_by_label("Right").is_visible()


def test_a_file_that_is_no_photo_gets_a_sentence(desk: Visit, tmp_path: Path) -> None:
    path = tmp_path / "<img src=x onerror=document.title='hacked'>.png"
    path.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    desk.upload(path)
    alert = desk.page.get_by_role("alert").first
    alert.wait_for()
    assert "SVG" in alert.inner_text()
    assert desk.page.title() == "Gamut expansion"
    assert desk.page.get_by_role("button", name="Expand", exact=True).is_enabled()


def test_an_example_needs_one_key(desk: Visit) -> None:
    example = desk.page.locator(".samples button").first
    example.focus()
    desk.page.keyboard.press("Enter")
    desk.result_of("coffee-vivid")


def test_iterations_can_be_leafed_through_with_the_keyboard(desk: Visit, tmp_path: Path) -> None:
    desk.tab("Convergence")
    photo = write_photo(tmp_path / "photo.png")
    desk.upload(photo)
    panel = desk.panel
    panel.get_by_text("to a residual of").wait_for()
    slider = panel.get_by_label("range slider for Iteration")
    panel.get_by_text("The photo at iteration 1").wait_for()
    slider.focus()
    desk.page.keyboard.press("ArrowRight")
    panel.get_by_text("The photo at iteration 2").wait_for()


def test_methods_are_compared(desk: Visit) -> None:
    desk.tab("Compare")
    panel = desk.panel
    panel.locator(".samples button").first.click()
    panel.get_by_text("outside sRGB").wait_for()
    for text in ("naive", "Out of gamut", "PSNR (dB)"):
        panel.get_by_text(text).locator("visible=true").first.wait_for()
    right = panel.get_by_label("Right")
    assert right.locator("option").all_inner_texts() == ["Reduced to sRGB", MODEL_NAME, "Original"]
    right.select_option(label=MODEL_NAME)
    assert panel.locator(".viewer .name.two").inner_text() == MODEL_NAME
    desk.both_pictures()


def test_a_wide_gamut_screen_shows_the_colours_themselves(arrived: Visit) -> None:
    wide = {"features": [{"name": "color-gamut", "value": "p3"}]}
    with devtools(arrived.page) as screen:
        screen.send("Emulation.setEmulatedMedia", wide)
        mute = arrived.page.get_by_label("As seen on a wide-gamut screen")
        assert wait_for(lambda: not mute.is_checked())
        assert arrived.page.get_by_text("Your screen shows more than sRGB").first.is_visible()
        assert not arrived.page.get_by_text("Your screen shows sRGB only").first.is_visible()


def test_every_button_has_a_name_for_screen_readers(expanded: Visit) -> None:
    nameless = """() => [...document.querySelectorAll('button')]
      .filter(button => button.checkVisibility())
      .filter(button => {
        const label = document.getElementById(button.getAttribute('aria-labelledby'));
        const picture = button.querySelector('img[alt]:not([alt=""])');
        return !(button.innerText.trim() || button.ariaLabel || button.title
          || label?.textContent.trim() || picture);
      })
      .map(button => button.outerHTML.slice(0, 200))"""
    assert wait_for(lambda: expanded.page.evaluate(nameless) == []), expanded.page.evaluate(
        nameless
    )


def test_a_phone_shows_everything_without_scrolling_sideways(expanded_on_phone: Visit) -> None:
    assert wider_than_the_screen(expanded_on_phone.page) <= 0
    top = "document.querySelector('.viewer').getBoundingClientRect().top"
    assert wait_for(lambda: -50 < expanded_on_phone.page.evaluate(top) < 400), (
        "the result is in view"
    )


def test_on_a_phone_the_answer_is_seen_on_arrival(phone: Visit) -> None:
    top = "document.querySelector('.viewer .stage').getBoundingClientRect().top"
    assert phone.page.evaluate(top) < 700
    assert phone.panel.locator("input[type=file]").count() == 1


def test_nothing_is_larger_than_its_button(expanded: Visit) -> None:
    too_long = """() => [...document.querySelectorAll('button.lg, .viewer button')]
      .filter(button => button.checkVisibility())
      .filter(button => button.scrollWidth > button.clientWidth)
      .map(button => button.innerText)"""
    assert expanded.page.evaluate(too_long) == []
    middles = """() => ['.pair', '.zoom'].map(row => [...document.querySelectorAll(
      `.viewer .tools ${row} button`)].map(button => button.getBoundingClientRect())
      .map(box => box.top + box.height / 2))"""
    for row in expanded.page.evaluate(middles):
        assert len(row) > 1
        assert max(row) - min(row) < 0.6


def test_the_dark_page_is_dark_and_its_drawings_too(dark: Visit) -> None:
    background = dark.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in background.strip("rgba()").split(",")[:3]) < 150
    dark.tab("Compare")
    panel = dark.panel
    panel.locator(".samples button").first.click()
    panel.get_by_text("outside sRGB").wait_for()
    drawing = panel.locator(".drawing img").first
    drawing.wait_for()
    corner = drawing.evaluate(
        """image => {
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 1;
          const pen = canvas.getContext('2d');
          pen.drawImage(image, 0, 0);
          return [...pen.getImageData(0, 0, 1, 1).data];
        }"""
    )
    assert sum(corner[:3]) < 150


def test_about_says_what_is_certain_and_what_is_a_guess(arrived: Visit, demo: Demo) -> None:
    arrived.tab("About")
    panel = arrived.panel
    for words in ("Certain:", "A guess:", "ECCV 2024", "Client, handle_file", demo.url):
        panel.get_by_text(words).first.wait_for()
