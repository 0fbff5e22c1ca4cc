"""The image networks of the papers' comparisons: sizes, shapes, what they look at."""

from __future__ import annotations

import pytest
import torch

from core.network.rivals.image_model import FORMS
from core.network.rivals.restormer import Restormer
from core.network.rivals.swinir import SwinIR, _apart, _cut, _join
from core.network.rivals.unet import PatchDiscriminator


@pytest.mark.parametrize(
    ("name", "millions"),
    [("gamutnet", 4.4), ("swinir", 3.1), ("restormer", 26.1), ("pix2pix", 41.8)],
)
def test_they_have_as_many_weights_as_published(name: str, millions: float) -> None:
    assert FORMS[name].weights_count / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", FORMS)
def test_a_fresh_one_gives_colours_of_the_photos_size(name: str) -> None:
    form = FORMS[name]
    side = max(form.multiple, 16)
    torch.manual_seed(0)
    network = form.make().eval()
    encoded = torch.rand(1, 3, side, 2 * side)
    with torch.inference_mode():
        scene = form.scene(network, encoded, torch.zeros(1, 1, side, 2 * side, dtype=torch.bool))
    assert scene.shape == encoded.shape
    assert scene.isfinite().all()


def test_only_gamutnet_is_told_which_pixels_were_clipped() -> None:
    for name, form in FORMS.items():
        assert form.masked is (name == "gamutnet")


def test_windows_are_cut_and_joined() -> None:
    state = torch.randn(2, 16, 24, 3)
    windows = _cut(state)
    assert windows.shape == (12, 64, 3)
    torch.testing.assert_close(windows[1].reshape(8, 8, 3), state[0, :8, 8:16])
    torch.testing.assert_close(_join(windows, 16, 24), state)


def test_a_shifted_window_does_not_look_across_the_photos_edge() -> None:
    apart = _apart(16, 16, 4)
    assert (apart[0] == 0).all(), "the first window lies within the photo"
    last = apart[-1].reshape(8, 8, 8, 8)
    assert (last[:4, :4, :4, :4] == 0).all()
    assert (last[:4, :4, 4:, :4] < -50).all()
    assert (last[:4, :4, :4, 4:] < -50).all()


def test_swinir_looks_beyond_its_own_window() -> None:
    torch.manual_seed(1)
    network = SwinIR(width=12, heads=2, groups=1, layers=2).eval()
    photo = torch.zeros(1, 3, 32, 32)
    other = photo.clone()
    other[..., 12, 12] = 1.0
    with torch.inference_mode():
        change = (network(other) - network(photo)).abs().sum(1)[0]
    assert change[12, 12] > 0
    assert change[12, 19] > 0, "shifted windows reach the next one"
    assert change[30, 30] == 0


def test_restormer_attends_between_channels_so_that_every_pixel_counts_everywhere() -> None:
    torch.manual_seed(1)
    network = Restormer(8, (1, 1, 1, 1)).eval()
    photo = torch.rand(1, 3, 64, 64)
    other = photo.clone()
    other[..., :4, :4] = 1.0 - other[..., :4, :4]
    with torch.inference_mode():
        change = (network(other) - network(photo)).abs().sum(1)[0]
    assert change[60, 60] > 0
    assert change[2, 2] > 100 * change[60, 60]


def test_the_discriminator_judges_fields_of_70_pixels() -> None:
    judge = PatchDiscriminator().eval()
    given = torch.zeros(1, 3, 128, 128, requires_grad=True)
    judge(given, torch.zeros(1, 3, 128, 128))[0, 0, 7, 7].backward()
    assert given.grad is not None
    rows = given.grad.abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert rows[-1] - rows[0] + 1 == 70
