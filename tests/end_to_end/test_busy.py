"""A server that has more to do than it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end.visits import DESK, visiting
from tests.web_demo import MODEL_NAME, running_demo, wait_for, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from playwright.sync_api import Browser


def test_who_comes_too_late_is_told_and_keeps_the_photo(
    browser: Browser, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        # A short name: sockets are in it.
        running_demo(tmp_path_factory.mktemp("demo"), "--queue=1") as demo,
        visiting(browser, demo, **DESK) as visit,
    ):
        large = write_photo(tmp_path / "large.png", 1500, 1900)
        with large.open("rb") as file:
            (path,) = demo.post("/gradio_api/upload", files={"files": file}).json()
        photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
        address = "/gradio_api/call/expand"
        body = {"data": [photo, MODEL_NAME, "prophoto", "avif", 1.0, False, "auto"]}
        demo.post(address, json=body).raise_for_status()
        assert wait_for(lambda: any((demo.folder / "requests").iterdir()))
        # The worker has one, and the other fills the queue.
        demo.post(address, json=body).raise_for_status()

        visit.upload(write_photo(tmp_path / "mine.png"))
        alert = visit.panel.get_by_role("alert")
        alert.get_by_text("Yours is still here").wait_for()
        assert visit.panel.get_by_text("mine").first.is_visible()
        again = visit.page.get_by_role("button", name="Expand", exact=True)
        assert again.is_enabled()
        assert all("503" in problem for problem in visit.problems)
        visit.problems.clear()

        assert wait_for(lambda: not any((demo.folder / "requests").iterdir()))
        again.click()
        visit.done()
        visit.result_of("mine")
