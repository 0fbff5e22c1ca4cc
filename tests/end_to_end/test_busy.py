"""A server that has more to do than it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.end_to_end.conftest import QUEUE
from tests.web_demo import MODEL_NAME, wait_for, write_photo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.visits import Visit
    from tests.web_demo import Demo


def test_who_comes_too_late_is_told_and_keeps_the_photo(
    desk: Visit, demo: Demo, tmp_path: Path
) -> None:
    def begin(photo: Path, form: str) -> str:
        """Have a photo expanded as programs do; returns where the answer will be."""
        with photo.open("rb") as file:
            (path,) = demo.post("/gradio_api/upload", files={"files": file}).json()
        sent = {"path": path, "meta": {"_type": "gradio.FileData"}}
        body = {"data": [sent, MODEL_NAME, "prophoto", form, 1.0, False, "auto"]}
        address = "/gradio_api/call/expand"
        return f"{address}/{demo.post(address, json=body).json()['event_id']}"

    def requests() -> set[Path]:
        return set((demo.folder / "requests").iterdir())

    # A job that was ended before may have left something.
    earlier = requests()
    begin(write_photo(tmp_path / "large.png", 1500, 1900), "avif")
    assert wait_for(lambda: bool(requests() - earlier))
    # The worker has that one, and others fill the queue.
    small = write_photo(tmp_path / "small.png", 24, 32)
    answers = [begin(small, "tiff") for _ in range(QUEUE)]

    desk.upload(write_photo(tmp_path / "mine.png"))
    alert = desk.panel.get_by_role("alert")
    alert.get_by_text("Yours is still here").wait_for()
    assert desk.panel.get_by_text("mine").first.is_visible()
    again = desk.page.get_by_role("button", name="Expand", exact=True)
    assert again.is_enabled()
    assert all("503" in problem for problem in desk.problems)
    desk.problems.clear()

    assert "event: complete" in demo.get(answers[-1]).text
    again.click()
    desk.done()
    desk.result_of("mine")
