from __future__ import annotations

from gradio_app import page
from gradio_app.theme import theme


def test_texts_cannot_become_markup() -> None:
    script = "<script>alert('x')</script>"
    marked = (
        page.said(script),
        page.problem(script),
        page.note(script),
        page.figures({script: script}),
        page.result(script, script, [script]),
        page.queue([(script, script)]),
    )
    for markup in marked:
        assert "<script" not in markup
        assert "&lt;script&gt;" in markup


def test_the_same_answer_twice_is_seen_twice() -> None:
    assert 'data-full=""' in page.full_size("")
    assert page.full_size("") != page.full_size("")


def test_progress_tells_people_and_screen_readers() -> None:
    markup = page.progress(3, 12)
    assert "3 of 12 tiles" in markup
    assert 'max="12" value="3"' in markup
    assert "aria-label" in markup


def test_what_is_left_is_said_once_it_can_be_told() -> None:
    assert "left" not in page.progress(3, 12, elapsed=1.0)
    assert "about 30 s left" in page.progress(3, 12, elapsed=10.0)
    assert "about 3 min left" in page.progress(1, 4, elapsed=60.0)


def test_the_page_asks_the_browser_what_its_screen_shows() -> None:
    assert "(color-gamut: p3)" in page.CSS
    assert "(color-gamut: p3)" in page.SCRIPT


def test_nothing_of_the_page_lies_elsewhere() -> None:
    assert "http" not in page.CSS + page.SCRIPT
    assert not theme()._stylesheets


def test_drawings_are_light_and_wide_unless_the_browser_says_otherwise() -> None:
    assert page.Screen.told("dark narrow") == page.Screen("dark", narrow=True)
    for words in ("light wide", "", "<other>"):
        assert page.Screen.told(words) == page.Screen("light", narrow=False)
