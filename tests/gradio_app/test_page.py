from __future__ import annotations

from gradio_app import page


def test_texts_cannot_become_markup() -> None:
    script = "<script>alert('x')</script>"
    for markup in (page.said(script), page.problem(script), page.figures({script: script})):
        assert "<script" not in markup
        assert "&lt;script&gt;" in markup


def test_progress_tells_people_and_screen_readers() -> None:
    markup = page.progress(3, 12)
    assert "3 of 12 tiles" in markup
    assert 'max="12" value="3"' in markup
    assert "aria-label" in markup


def test_the_page_asks_the_browser_what_its_screen_shows() -> None:
    assert "@media (color-gamut: p3)" in page.CSS
    assert "srgb-screen" in page.SCREEN_NOTE
    assert "wide-screen" in page.SCREEN_NOTE


def test_nothing_of_the_page_lies_elsewhere() -> None:
    theme = page.theme()
    assert "http" not in page.CSS
    assert not theme._stylesheets


def test_drawings_are_light_and_wide_unless_the_browser_says_otherwise() -> None:
    assert page.Screen.told("dark narrow") == page.Screen("dark", narrow=True)
    for words in ("light wide", "", "<other>"):
        assert page.Screen.told(words) == page.Screen("light", narrow=False)
