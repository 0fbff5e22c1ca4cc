"""Where a network's weights come from: for the machine inside its file, for people beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.network.models import Model
    from core.training.prepared import Manifest


class Recorded(Protocol):
    """A recipe, of whatever kind of network."""

    @property
    def seed(self) -> int:
        """Of the weights and the patches."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""


class Carded(Protocol):
    """A network's descriptor, of whatever kind."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def card(self) -> dict[str, Any]:
        """What :func:`model_card` returned."""


def model_card(
    recipe: Recorded, manifest: Manifest, parameters: int, start: Model | None = None
) -> dict[str, Any]:
    """Return the card that travels inside a model's file.

    Parameters
    ----------
    recipe : Recorded
        How the network was trained.
    manifest : Manifest
        The photos it was trained on.
    parameters : int
        Number of weights.
    start : Model, optional
        The network that training started from.

    Returns
    -------
    dict
        Plain values: "data", "recipe", "seed", "parameters", "start".

    Examples
    --------
    >>> from pathlib import Path
    >>> from core.training.prepared import Manifest
    >>> from core.training.recipes import RECIPES
    >>> card = model_card(RECIPES["cpu"], Manifest(Path(), ()), 39_108)
    >>> card["parameters"], card["seed"], card["data"]["photos"], card["start"]
    (39108, 0, 0, None)
    """
    sources = manifest.sources
    return {
        "data": {
            "photos": len(sources),
            "scenes": len({source.scene for source in sources}),
            "photos_beyond_srgb": sum(source.wide for source in sources),
            "sha256": manifest.sha256,
        },
        "recipe": recipe.as_dict(),
        "seed": recipe.seed,
        "parameters": parameters,
        "start": {"name": start.name, "sha256": start.sha256} if start else None,
    }


def card_text(descriptor: Carded, sha256: str, manifest: Manifest) -> str:
    """Return a model's card for people, as Markdown.

    Parameters
    ----------
    descriptor : Carded
        With the card of :func:`model_card`.
    sha256 : str
        Of the model's file.
    manifest : Manifest
        The photos that it was trained on; each is listed with the start of its hash.

    Examples
    --------
    >>> from pathlib import Path
    >>> from core.network.models import Descriptor
    >>> from core.training.prepared import Manifest
    >>> from core.training.recipes import RECIPES
    >>> photos = Manifest(Path(), ())
    >>> mine = Descriptor("mine", card=model_card(RECIPES["cpu"], photos, 39_108))
    >>> print(card_text(mine, "2c26b46b", photos).partition("- Photos")[0], end="")
    # mine
    <BLANKLINE>
    - SHA-256 of the file: `2c26b46b`
    - Parameters: 39,108
    - Seed: 0
    """
    card = descriptor.card
    data = card["data"]
    photos = sorted((source.name, source.sha256[:16]) for source in manifest.sources)
    return "\n".join(
        [
            f"# {descriptor.name}",
            "",
            f"- SHA-256 of the file: `{sha256}`",
            f"- Parameters: {card['parameters']:,}",
            f"- Seed: {card['seed']}",
            *_started(card.get("start")),
            f"- Photos: {data['photos']} of {data['scenes']} scenes, "
            f"{data['photos_beyond_srgb']} of which leave sRGB as they are",
            f"- SHA-256 over the photos' hashes: `{data['sha256']}`",
            "",
            "## Recipe",
            "",
            *_lines(card["recipe"]),
            "",
            "## Photos",
            "",
            *_rows(("File", "SHA-256 begins with"), photos),
            "",
        ]
    )


def _started(start: Mapping[str, str] | None) -> list[str]:
    if start is None:
        return []
    return [f"- Trained on from {start['name']}, SHA-256 `{start['sha256']}`"]


def _lines(values: Mapping[str, Any], depth: int = 0) -> list[str]:
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"{'  ' * depth}- {name}:", *_lines(value, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}- {name}: {value}")
    return lines


def _rows(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> list[str]:
    escaped = [f"| {name.replace('|', chr(92) + '|')} | `{digest}` |" for name, digest in rows]
    return [f"| {head[0]} | {head[1]} |", "| :-- | :-- |", *escaped]
