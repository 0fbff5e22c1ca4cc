"""The demo as people meet it: in a real browser."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from core.cli import main as gamut
from core.colour import DISPLAY_P3
from core.files import Metadata, inspect, write_codes
from core.files.exif import EXIF_IFD, GPS_IFD, Directory, Entry, blob_from
from tests.web_demo import clipped_photo, wait_for, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.end_to_end.visits import Visit
    from tests.web_demo import Demo


def wider_than_the_screen(page: Page) -> int:
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    width: int = page.evaluate(script)
    return width


def test_a_dropped_photo_is_expanded_and_shown(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    desk.both_pictures()
    addresses = [picture.get_attribute("src") or "" for picture in desk.pictures.all()]
    kinds = {address.rsplit("/", 1)[-1] for address in addresses}
    assert kinds == {"before.png", "after.png"}
    for name in ("Clipped pixels", "Restored pixels", "Solver steps", "Largest residual"):
        assert desk.page.get_by_text(name, exact=True).first.is_visible()


def test_the_pictures_are_tagged_display_p3(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    address = desk.pictures.last.get_attribute("src")
    assert address
    (tmp_path / "after.png").write_bytes(desk.page.request.get(address).body())
    assert inspect(tmp_path / "after.png").profile_name == "Display P3"


def test_the_slider_moves_with_the_pointer(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    handle = desk.page.locator("#before-after .inner").first
    handle.wait_for()
    before = handle.bounding_box()
    assert before
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x - 150, y, steps=5)
    desk.page.mouse.up()

    def moved() -> bool:
        after = handle.bounding_box()
        return after is not None and after["x"] < before["x"] - 100

    assert wait_for(moved)


def test_who_presses_twice_gets_one_job(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    jobs: list[str] = []
    desk.page.on(
        "request", lambda sent: jobs.append(sent.url) if "queue/join" in sent.url else None
    )
    desk.upload(write_photo(tmp_path / "large.png", 1200, 1600))
    expand = desk.page.get_by_role("button", name="Expand", exact=True)
    desk.page.get_by_role("button", name="Cancel").first.wait_for()
    expand.click(force=True)
    desk.done()
    assert len(jobs) == 1


FORMATS = {
    ".tif": "TIFF",
    ".png": "PNG",
    ".jxl": "JPEG XL",
    ".avif": "AVIF",
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kept", [False, True], ids=["dropped", "kept"])
def test_downloads_are_the_files_of_the_command_line(
    desk: Visit, demo: Demo, tmp_path: Path, kept: bool
) -> None:
    blob = blob_from(
        Directory(
            {272: Entry.text("Model 1")},
            {
                EXIF_IFD: Directory({0xA431: Entry.text("12345")}),
                GPS_IFD: Directory({1: Entry.text("N")}),
            },
        )
    )
    photo = write_photo(tmp_path / "photo.jpg", metadata=Metadata(blob))
    if kept:
        desk.page.get_by_role("button", name="Settings").click()
        desk.page.get_by_label("Keep place, names and serial numbers").check()
    desk.upload(photo)
    desk.done()
    for suffix, label in FORMATS.items():
        if suffix != ".tif":
            desk.page.get_by_label(label, exact=True).check()
        with desk.page.expect_download() as download:
            desk.page.get_by_role("button", name=f"Download {suffix[1:].upper()}").click()
        assert download.value.suggested_filename == f"photo-prophoto{suffix}"
        saved, other = tmp_path / f"saved{suffix}", tmp_path / f"other{suffix}"
        download.value.save_as(saved)
        flags = ["--model", str(demo.model), "--quiet", *([] if kept else ["--drop-private"])]
        assert gamut(["expand", str(photo), "-o", str(other), *flags]) == 0
        assert digest(saved) == digest(other)
        assert (inspect(saved).camera, inspect(saved).has_gps) == ("Model 1", kept)


def test_cancel_stops_the_work(desk: Visit, demo: Demo, tmp_path: Path) -> None:
    earlier = set((demo.folder / "requests").iterdir())

    def requests() -> set[Path]:
        return set((demo.folder / "requests").iterdir()) - earlier

    desk.upload(write_photo(tmp_path / "large.png", 1500, 1900))
    cancel = desk.page.get_by_role("button", name="Cancel").first
    cancel.wait_for()
    assert wait_for(lambda: bool(requests()))
    cancel.click()
    desk.page.get_by_text("Cancelled.").wait_for()
    assert wait_for(lambda: not requests())
    # What the server says of the job that was cancelled comes later.
    desk.page.wait_for_timeout(1500)
    assert desk.page.locator(".status").first.inner_text() == "Cancelled."
    desk.page.locator(".samples button").first.click()
    desk.done()


def test_a_slow_telephone_gets_the_whole_result(phone: Visit, tmp_path: Path) -> None:
    # Messages that come faster than they are shown are shown together.
    slow = phone.page.context.new_cdp_session(phone.page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 8})
    for name in ("first.png", "second.png"):
        phone.upload(write_photo(tmp_path / name, 60, 80))
        phone.page.get_by_text(f"{name}: sRGB | restored").wait_for()
        phone.done()
        phone.page.get_by_role("button", name="Download TIF").wait_for()
        phone.page.get_by_text("Clipped pixels", exact=True).first.wait_for()
        phone.page.get_by_role("button", name="Remove").or_(
            phone.page.get_by_label("Clear")
        ).first.click()
        phone.page.get_by_text("will appear here").first.wait_for()


def test_another_photo_during_a_job_is_not_forgotten(desk: Visit) -> None:
    vivid, _, astronaut = desk.page.locator(".samples button").all()[:3]
    vivid.click()
    desk.page.get_by_role("button", name="Cancel").first.wait_for()
    astronaut.click()
    desk.page.get_by_text("astronaut.jpg: sRGB | restored").wait_for()
    desk.done()


def test_no_result_stands_beside_another_photo(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    download = desk.page.get_by_role("button", name="Download TIF")
    download.wait_for()
    desk.panel.get_by_label("Remove").or_(desk.panel.get_by_label("Clear")).first.click()
    desk.panel.get_by_text("will appear here").wait_for()
    assert not download.is_visible()
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    desk.upload(broken)
    desk.page.get_by_role("alert").first.wait_for()
    assert not download.is_visible()
    assert not desk.page.locator("#before-after").is_visible()


def test_a_wide_photo_is_not_said_to_be_restored(desk: Visit, tmp_path: Path) -> None:
    photo = tmp_path / "wide.png"
    write_codes(photo, clipped_photo(60, 80), DISPLAY_P3)
    desk.upload(photo)
    desk.page.get_by_text("wide.png: reduced to sRGB | as it is").wait_for()
    desk.done()
    assert not desk.page.get_by_text("Clipped pixels").first.is_visible()
    assert not desk.page.locator("p.srgb-screen").is_visible()


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
    desk.done()
    assert "rocket-vivid.png" in desk.page.content()


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


def test_an_srgb_screen_is_told_what_it_cannot_show(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    assert desk.page.locator("p.srgb-screen").is_visible()
    assert not desk.page.locator("p.wide-screen").is_visible()


def test_a_wide_gamut_screen_shows_the_colours_themselves(desk: Visit, tmp_path: Path) -> None:
    wide = {"features": [{"name": "color-gamut", "value": "p3"}]}
    desk.page.context.new_cdp_session(desk.page).send("Emulation.setEmulatedMedia", wide)
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    desk.page.locator("p.wide-screen").wait_for()
    assert not desk.page.locator("p.srgb-screen").is_visible()
    assert not desk.page.get_by_text("Colours beyond sRGB").is_visible()


def test_every_button_has_a_name_for_screen_readers(desk: Visit, tmp_path: Path) -> None:
    desk.upload(write_photo(tmp_path / "photo.png"))
    desk.done()
    nameless = """() => [...document.querySelectorAll('button')]
      .filter(button => button.checkVisibility())
      .filter(button => {
        const label = document.getElementById(button.getAttribute('aria-labelledby'));
        const picture = button.querySelector('img[alt]:not([alt=""])');
        return !(button.innerText.trim() || button.ariaLabel || button.title
          || label?.textContent.trim() || picture);
      })
      .map(button => button.outerHTML.slice(0, 200))"""
    assert wait_for(lambda: desk.page.locator("#before-after img").count() > 1)
    assert wait_for(lambda: desk.page.evaluate(nameless) == []), desk.page.evaluate(nameless)


def test_a_phone_shows_everything_without_scrolling_sideways(phone: Visit, tmp_path: Path) -> None:
    phone.upload(write_photo(tmp_path / "photo.png"))
    phone.done()
    phone.page.get_by_role("button", name="Download TIF").wait_for()
    assert wider_than_the_screen(phone.page) <= 0


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


def test_about_says_what_is_certain_and_what_is_a_guess(desk: Visit, demo: Demo) -> None:
    desk.tab("About")
    panel = desk.panel
    for words in ("Certain:", "A guess:", "ECCV 2024", "Client, handle_file", demo.url):
        panel.get_by_text(words).first.wait_for()
