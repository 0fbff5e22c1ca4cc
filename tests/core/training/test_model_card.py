"""Where weights come from, for machines and for people."""

from __future__ import annotations

import json
from dataclasses import replace

from core.network.letnet import BOX
from core.network.models import Descriptor
from core.training.model_card import card_text, model_card
from core.training.prepared import Manifest
from core.training.recipes import RECIPES


def test_it_counts_photos_and_scenes(manifest: Manifest) -> None:
    first, second, *others = manifest.sources
    sources = (first, replace(second, scene=first.scene, out_of_gamut=0.0), *others)
    data = model_card(RECIPES["cpu"], Manifest(manifest.folder, sources), 10)["data"]
    assert (data["photos"], data["scenes"], data["photos_beyond_srgb"]) == (6, 5, 5)


def test_it_is_plain_json_and_holds_every_number_of_the_recipe(manifest: Manifest) -> None:
    recipe = replace(RECIPES["cpu"], seed=5)
    card = json.loads(json.dumps(model_card(recipe, manifest, 10)))
    assert card["recipe"] == json.loads(json.dumps(recipe.as_dict()))
    assert (card["seed"], card["parameters"]) == (5, 10)


def test_people_find_photos_hashes_and_numbers(manifest: Manifest) -> None:
    odd = replace(manifest.sources[0], name="a|b.png")
    photos = Manifest(manifest.folder, (odd, *manifest.sources[1:]))
    descriptor = Descriptor("trial", BOX, card=model_card(RECIPES["cpu"], photos, 44_076))
    text = card_text(descriptor, "0123abcd", photos)
    assert "`0123abcd`" in text
    assert "Parameters: 44,076" in text
    assert r"| a\|b.png | `" in text
    assert f"  - max_steps: {RECIPES['cpu'].solver.max_steps}" in text
    assert all(source.sha256[:16] in text for source in photos.sources)
