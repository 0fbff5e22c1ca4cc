import numpy as np

from core.pictures.code_histogram import code_figure, code_shares


def test_every_code_is_counted_in_its_channel() -> None:
    codes = np.random.default_rng(1).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    shares = code_shares(codes)
    assert np.allclose(shares.sum(0), 1.0)
    for channel in range(3):
        for code in (0, 17, 255):
            assert shares[code, channel] == (codes[..., channel] == code).mean()


def test_of_sixteen_bits_only_clipped_channels_are_at_the_ends() -> None:
    codes = np.array([[0, 1, 65535], [128, 65534, 257]], np.uint16)
    shares = code_shares(codes)
    assert shares[0].tolist() == [0.5, 0.0, 0.0]
    assert shares[255].tolist() == [0.0, 0.0, 0.5]
    assert shares[1].tolist() == [0.5, 0.5, 0.5]
    assert shares[254].tolist() == [0.0, 0.5, 0.0]


def test_no_pixels_have_no_codes() -> None:
    assert code_shares(np.empty((0, 3), np.uint8)).sum() == 0.0


def test_a_panel_a_photo_tells_what_is_clipped() -> None:
    codes = np.full((10, 3), 100, np.uint8)
    codes[:3, 0] = 0
    shares = {"before": code_shares(codes), "after": code_shares(codes + 1)}
    for stacked in (False, True):
        figure = code_figure(shares, stacked=stacked)
        assert [axes.get_title() for axes in figure.axes] == ["before", "after"]
        told = [axes.texts[0].get_text() for axes in figure.axes]
        assert told == [
            "clipped: 10.0% at 0, 0.0% at the top",
            "clipped: 0.0% at 0, 0.0% at the top",
        ]
    assert len(code_figure({}).axes) == 1
