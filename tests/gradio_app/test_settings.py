from __future__ import annotations

import pytest

from core.errors import PhotoError
from gradio_app.settings import DemoSettings, settings_from


def test_without_flags_the_demo_is_for_this_computer_alone() -> None:
    settings = settings_from([], {})
    assert settings == DemoSettings()
    assert settings.host == "127.0.0.1"
    assert settings.accounts == []


def test_variables_are_flags_and_flags_outrank_them() -> None:
    environment = {"GAMUT_DEMO_PORT": "8000", "GAMUT_DEMO_HOST": "0.0.0.0", "PATH": "/bin"}
    settings = settings_from(["--port", "9000"], environment)
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)


def test_limits_are_in_millions() -> None:
    limits = settings_from(["--max-megapixels", "1.5", "--max-megabytes", "2"], {}).limits
    assert (limits.max_pixels, limits.max_bytes) == (1_500_000, 2_000_000)


def test_accounts_may_have_colons_in_their_passwords() -> None:
    settings = settings_from(["--auth", "ada:a:b, bob:c"], {})
    assert settings.accounts == [("ada", "a:b"), ("bob", "c")]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("port", "70000"),
        ("root-path", "gamut"),
        ("threads", "-1"),
        ("concurrency", "0"),
        ("queue", "0"),
        ("max-megabytes", "0"),
        ("max-megapixels", "-2"),
        ("seconds", "0"),
        ("keep-minutes", "0"),
        ("keep-minutes", "inf"),
        ("max-megabytes", "inf"),
        ("seconds", "nan"),
    ],
)
def test_a_value_out_of_range_is_named(flag: str, value: str) -> None:
    with pytest.raises(PhotoError, match=flag.replace("-", "_")):
        settings_from([f"--{flag}={value}"], {})


def test_a_wrong_password_setting_is_not_repeated() -> None:
    with pytest.raises(PhotoError, match="auth") as caught:
        settings_from(["--auth", "secret"], {})
    assert "secret" not in str(caught.value)


def test_a_misspelt_variable_is_an_error() -> None:
    with pytest.raises(PhotoError, match="GAMUT_DEMO_PROT"):
        settings_from([], {"GAMUT_DEMO_PROT": "1"})
