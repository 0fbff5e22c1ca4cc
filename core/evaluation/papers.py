"""What the two papers publish that can be set beside what is measured on other photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.engine.method import Method
    from core.evaluation.summary import Summary


@dataclass(frozen=True)
class Claim:
    """A figure that a paper publishes.

    Attributes
    ----------
    paper : str
        Which.
    what : str
        Of what.
    says : str
        The figure with its unit.
    measured : callable
        Returns ours, from the methods by name and the summaries; an empty text if there is none.
    """

    paper: str
    what: str
    says: str
    measured: Callable[[Mapping[str, Method], Sequence[Summary]], str]


def _weights(name: str) -> Callable[[Mapping[str, Method], Sequence[Summary]], str]:
    def measured(methods: Mapping[str, Method], summaries: Sequence[Summary]) -> str:
        return f"{methods[name].parameters:,}" if name in methods else ""

    return measured


def _figure(
    name: str, of: Callable[[Summary], float], form: str
) -> Callable[[Mapping[str, Method], Sequence[Summary]], str]:
    def measured(methods: Mapping[str, Method], summaries: Sequence[Summary]) -> str:
        found = [summary for summary in summaries if summary.method == name]
        return "; ".join(f"{form.format(of(one))} {one.style}" for one in found)

    return measured


_GAMUT_MLP = "Le et al., CVPR 2023"
_LETNET = "Xiao et al., ECCV 2024"
CLAIMS = (
    Claim(
        _GAMUT_MLP,
        "GamutMLP, 23 KB, from scratch: gain over clipping, out of gamut",
        "+5.09 dB",
        _figure("gamut-mlp-paper", lambda one: one.gain["out_of_gamut"], "{:+.2f} dB"),
    ),
    Claim(
        _GAMUT_MLP,
        "GamutMLP: metadata",
        "23 KB (with the padding of its library)",
        _figure("gamut-mlp-paper", lambda one: one.payload_size / 1e3, "{:.1f} KB"),
    ),
    Claim(
        _GAMUT_MLP,
        "GamutMLP: fitting, of a whole photo",
        "about 2 s from its learned start, on a GPU",
        _figure(
            "gamut-mlp-paper-start",
            lambda one: one.fitting_per_megapixel,
            "{:.0f} s per megapixel",
        ),
    ),
    Claim(_LETNET, "GamutNet: weights", "4.4 million", _weights("gamutnet")),
    Claim(_LETNET, "SwinIR: weights", "3.1 million", _weights("swinir")),
    Claim(_LETNET, "Restormer: weights", "26.1 million", _weights("restormer")),
    Claim(_LETNET, "LETNet: weights", "about 40,000", _weights("letnet")),
)
