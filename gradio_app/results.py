"""What the endpoints return: the forms of their JSON, which the API's page shows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

# Python's own is not enough for pydantic before Python 3.12.
from typing_extensions import TypedDict

Share = Annotated[float, Field(description="0 to 1")]
Figure = Annotated[float | None, Field(description="null if the region is empty")]


class Health(TypedDict):
    """The state of the server, and what it offers."""

    status: Annotated[str, Field(description='"ok"')]
    version: str
    models: list[str]
    max_megapixels: float
    max_megabytes: float


class Expanded(TypedDict):
    """What was done to a photo."""

    width: int
    height: int
    space: Annotated[str, Field(description="of the file")]
    source: Annotated[str, Field(description="where its colours were taken to have lain")]
    model: str
    sha256: Annotated[str, Field(description="of the model's weights")]
    tolerance: Annotated[float, Field(description="noise of the photo, in codes of 255")]
    clipped_share: Share
    restored_share: Share
    steps_mean: Annotated[float, Field(description="per solved tile")]
    steps_most: int
    residual_most: Annotated[float, Field(description="the largest last relative residual")]
    unconverged: Annotated[int, Field(description="tiles that reached the step limit")]
    converted: Annotated[bool, Field(description="a wide photo, of which nothing was restored")]
    seconds: float
    notes: Annotated[list[str], Field(description="sentences for people")]


class Converged(TypedDict):
    """How a solver came to the fixed point."""

    solver: str
    tolerance: Annotated[float, Field(description="the relative residual at which it stops")]
    residuals: Annotated[list[float], Field(description="relative, one an iteration")]


class RegionFigures(TypedDict):
    """The figures of a region of a photo, on linear ProPhoto in 0 to 1."""

    psnr: Annotated[float | str | None, Field(description='dB, or "Infinity" without any error')]
    rmse: Figure
    ssim: Figure
    delta_e_mean: Annotated[float | None, Field(description="CIEDE2000")]
    delta_e_p95: Annotated[float | None, Field(description="its 95th percentile")]
    pixels: int


class Regions(TypedDict):
    """The figures of the whole photo, of what sRGB cannot hold, and of the rest."""

    all: RegionFigures
    out_of_gamut: RegionFigures
    in_gamut: RegionFigures


class Restored(TypedDict):
    """What a method made of the photo."""

    regions: Regions
    out_of_gamut_share: Share
    round_trip: Annotated[float | None, Field(description="share of codes that come back")]
    steps: Annotated[float, Field(description="per solved tile")]
    seconds: float


class Compared(TypedDict):
    """Methods on one original."""

    width: int
    height: int
    out_of_gamut_share: Share
    methods: Annotated[dict[str, Restored], Field(description="by name")]


def schema(form: Any) -> dict[str, Any]:
    """Return the JSON schema of a form."""
    return TypeAdapter(form).json_schema()
