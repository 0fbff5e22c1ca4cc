from __future__ import annotations

import os
import re
import runpy
from dataclasses import fields
from pathlib import Path

import pytest

import gradio_app.server
from gradio_app.settings import DemoSettings, settings_from

HOSTING = Path(gradio_app.server.__file__).parent / "hosting"


def test_the_space_starts_the_demo_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[DemoSettings] = []
    environment = {"GAMUT_DEMO_MAX_MEGAPIXELS": "12"}

    def serve(flags: list[str]) -> int:
        started.append(settings_from(flags))
        return 0

    monkeypatch.setattr(os, "environ", environment)

    monkeypatch.setattr(gradio_app.server, "main", serve)
    with pytest.raises(SystemExit):
        runpy.run_path(str(HOSTING / "space" / "app.py"), run_name="__main__")
    assert (started[0].host, started[0].port) == ("0.0.0.0", 7860)
    assert started[0].max_megapixels == 12.0, "what the Space's owner sets outranks the recipe"
    front = (HOSTING / "space" / "README.md").read_text().split("---")[1]
    assert "sdk: gradio" in front
    assert "app_file: app.py" in front


@pytest.mark.parametrize("name", ["README.md", "gamut-demo.service", "Containerfile"])
def test_recipes_use_settings_that_exist(name: str) -> None:
    text = (HOSTING / name).read_text()
    known = {item.name for item in fields(DemoSettings)}
    used = {found.lower() for found in re.findall(r"GAMUT_DEMO_([A-Z_]+)", text)}
    assert used <= known
    given = dict(re.findall(r"(GAMUT_DEMO_[A-Z_]+)=([\w.]+)", text))
    given.pop("GAMUT_DEMO_AUTH", None)
    settings_from([], given)


def test_behind_a_proxy_the_page_knows_its_port() -> None:
    text = (HOSTING / "README.md").read_text()
    for header in ("Host", "X-Forwarded-Host"):
        assert f"proxy_set_header {header} $http_host;" in text, "$host has lost the port"
