from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

import gradio_app.server
from core.cli import main


def test_without_gradio_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["demo", "--port", "0"]) == 2
    assert "napari-gamut[demo]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "words"), [("gradio", "napari-gamut[demo]"), ("napari-gamut", "not installed")]
)
def test_without_an_installation_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: str,
    words: str,
) -> None:
    def installed(name: str) -> str:
        if name == package:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(gradio_app.server, "version", installed)
    assert gradio_app.server.main(["--port", "0"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_without_the_demos_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("gradio_app")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "gradio_app", None)
    assert main(["demo"]) == 2
    error = capsys.readouterr().err
    assert "napari-gamut[demo]" in error
    assert error.count("\n") == 1


def test_its_flags_are_the_demos_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["demo", "--help"])
    assert end.value.code == 0
    assert "--max-megapixels" in capsys.readouterr().out


def test_a_wrong_setting_ends_it_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--port", "99999"]) == 2
    assert "port = 99999" in capsys.readouterr().err
