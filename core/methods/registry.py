"""Which methods there are: those that come with the program, and those of other packages.

Another package adds a method by an entry point of the group :data:`GROUP`, whose value is
something that returns a :class:`core.engine.method.Method` when it is called::

    [project.entry-points."gamut.methods"]
    my-network = "my_package.gamut:MyMethod"
"""

from __future__ import annotations

import functools
import json
import logging
from dataclasses import dataclass
from importlib import import_module, resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PhotoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from core.engine.method import Method

GROUP = "gamut.methods"
DEFAULT = "letnet-box"
NAIVE = "naive"
EMBEDDED = "embedded"
GAMUT_MLP = "gamut-mlp"
HINT = "hint"
GAMUT_MLP_PAPER = "gamut-mlp-paper"

_WEIGHTS = ".safetensors"
_OTHER_FORMATS = {
    "gamut-image-network-1": "image_network",
    "gamut-mlp-start-1": "gamut_mlp_paper",
}
"""The module of the methods that a file of weights holds, where it is no LETNet."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A method that can be chosen, before anything of it is loaded.

    Attributes
    ----------
    name : str
        By which it is chosen.
    title : str
        For lists that people choose from.
    load : callable
        Returns the method; imports and reads what that takes.
    needs_original : bool
        Whether it can only be used where the wide-gamut original is at hand.
    study : bool
        Whether it is of interest in studies alone, so that lists to choose from leave it out.
    """

    name: str
    title: str
    load: Callable[[], Method]
    needs_original: bool = False
    study: bool = False


def entries() -> dict[str, Entry]:
    """Return what can be chosen by name, the default first; nothing is loaded for it.

    Examples
    --------
    >>> list(entries())[:2]
    ['letnet-box', 'letnet']
    """
    shipped = [
        Entry(name, _TITLES.get(name, name), functools.partial(_load_network, name))
        for name in sorted(_shipped(), key=lambda name: (name != DEFAULT, name))
    ]
    known = {entry.name: entry for entry in (*shipped, *_BUILT_IN)}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in known:
            _log.warning("the method %s of %s has a name that is taken", point.name, point.value)
            continue
        known[point.name] = Entry(
            point.name, f"{point.name} ({_package(point)})", functools.partial(_load_point, point)
        )
    return known


def method(name: str | Path) -> Method:
    """Return a method.

    Parameters
    ----------
    name : str or Path
        A name as of :func:`entries`, or the path of a ``.safetensors`` file of weights.

    Raises
    ------
    PhotoError
        If there is no such method, or it cannot be loaded.

    Examples
    --------
    >>> from core.methods.registry import method
    >>> method("naive").needs.value
    'nothing'
    """
    known = entries()
    if str(name) in known:
        return known[str(name)].load()
    if Path(name).suffix == _WEIGHTS:
        return _load_network(name)
    raise PhotoError(
        f"There is no method named {str(name)!r}; choose one of {', '.join(known)}, or a "
        f"{_WEIGHTS} file."
    )


def methods(names: Iterable[str | Path]) -> list[Method]:
    """Return methods, renamed where two would have the same name.

    Parameters
    ----------
    names : iterable of str or Path
        As for :func:`method`. Networks of the same name are called by their files.

    Raises
    ------
    PhotoError
        If there is no such method, or one is given twice.

    Examples
    --------
    >>> [method.name for method in methods(["naive", "letnet"])]
    ['naive', 'letnet']
    """
    wanted = [str(name) for name in names]
    loaded = [method(name) for name in wanted]
    taken = [each.name for each in loaded]
    unique = [
        each.renamed(name) if taken.count(each.name) > 1 else each
        for each, name in zip(loaded, wanted, strict=True)
    ]
    if len({each.name for each in unique}) < len(unique):
        raise PhotoError("A method is given twice; name each one once.")
    return unique


def anywhere(name: str | Path) -> str:
    """Return a method's name that means the same in every folder: of a file its whole path.

    Examples
    --------
    >>> anywhere("naive")
    'naive'
    >>> Path(anywhere("mine.safetensors")) == Path.cwd() / "mine.safetensors"
    True
    """
    return str(Path(name).absolute()) if Path(name).suffix == _WEIGHTS else str(name)


def recipes(names: Iterable[str | Path]) -> dict[str, str]:
    """Return by what other processes find methods: of each one's name, what :func:`method` takes.

    Parameters
    ----------
    names : iterable of str or Path
        As for :func:`methods`.

    Examples
    --------
    >>> recipes(["naive", "letnet"])
    {'naive': 'naive', 'letnet': 'letnet'}
    """
    wanted = list(names)
    return {each.name: anywhere(name) for each, name in zip(methods(wanted), wanted, strict=True)}


def _load_network(name: str | Path) -> Method:
    tensor_file = import_module("core.network.tensor_file")
    module = _OTHER_FORMATS.get(tensor_file.format_of(Path(name)))
    if module is not None:
        other: Method = import_module(f"core.methods.{module}").load(Path(name))
        return other
    letnet = import_module("core.methods.letnet")
    network: Method = letnet.LetNetMethod.load(name)
    return network


def _load_built_in(module: str, maker: str, **form: str) -> Method:
    made: Method = getattr(import_module(f"core.methods.{module}"), maker)(**form)
    return made


def _load_point(point: EntryPoint) -> Method:
    from core.engine.method import Method

    try:
        made = point.load()()
    except PhotoError:
        raise
    except Exception as error:
        _log.info("the method %s cannot be loaded", point.name, exc_info=True)
        raise PhotoError(
            f"The method {point.name} of the package {_package(point)} cannot be loaded ({error}); "
            "update or remove that package."
        ) from error
    if not isinstance(made, Method):
        raise PhotoError(
            f"The method {point.name} of the package {_package(point)} is none: it has to derive "
            "from core.engine.method.Method."
        )
    return made.renamed(point.name)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _shipped() -> Iterable[str]:
    hashes: dict[str, str] = json.loads(
        (resources.files("core") / "weights" / "SHA256.json").read_text()
    )
    return hashes


_TITLES = {"letnet-box": "LETNet-box (recommended)", "letnet": "LETNet (the paper's form)"}
_BUILT_IN = (
    Entry(
        EMBEDDED,
        "The photo's own (gamut reduce --embed)",
        functools.partial(_load_built_in, "gamut_mlp", "Embedded"),
    ),
    Entry(
        NAIVE,
        "Naive inversion (restores nothing)",
        functools.partial(_load_built_in, "naive", "NaiveInversion"),
    ),
    Entry(
        HINT,
        "LETNet-box with a hint of the original",
        functools.partial(_load_built_in, "hinted", "HintMethod"),
        needs_original=True,
    ),
    Entry(
        GAMUT_MLP,
        "GamutMLP (fitted to the original)",
        functools.partial(_load_built_in, "gamut_mlp", "GamutMlpMethod"),
        needs_original=True,
    ),
    *(
        Entry(
            f"{GAMUT_MLP}-{size}kb",
            f"GamutMLP of {size} KB",
            functools.partial(_load_built_in, "gamut_mlp", "GamutMlpMethod", size=size),
            needs_original=True,
            study=True,
        )
        for size in ("0.5", "1", "2", "4", "8", "23")
    ),
    *(
        Entry(
            f"{GAMUT_MLP_PAPER}{ending}",
            f"GamutMLP as published{words}",
            functools.partial(
                _load_built_in,
                "gamut_mlp_paper",
                "GamutMlpAsPublished",
                name=f"{GAMUT_MLP_PAPER}{ending}",
                **form,
            ),
            needs_original=True,
            study=bool(ending),
        )
        for ending, words, form in (
            ("", "", {}),
            ("-11kb", ", 11 KB", {"size": "11kb"}),
            ("-53kb", ", 53 KB", {"size": "53kb"}),
            ("-colour", ", knowing colours alone", {"inputs": "colour"}),
            ("-place", ", knowing places alone", {"inputs": "place"}),
        )
    ),
    Entry(
        f"{GAMUT_MLP_PAPER}-start",
        "GamutMLP as published, from its learned start",
        functools.partial(_load_built_in, "gamut_mlp_paper", "from_shipped_start"),
        needs_original=True,
        study=True,
    ),
    Entry(
        "siren",
        "SIREN (fitted to the original)",
        functools.partial(_load_built_in, "siren", "Siren"),
        needs_original=True,
    ),
    Entry(
        "sampled",
        "Samples of the original",
        functools.partial(_load_built_in, "sampled", "Sampled"),
        needs_original=True,
    ),
    Entry(
        "soft-clip",
        "Soft clipping (reduces the original itself)",
        functools.partial(_load_built_in, "soft_clip", "SoftClip"),
        needs_original=True,
    ),
    *(
        Entry(
            name,
            f"{title} (not trained)",
            functools.partial(_load_built_in, "image_network", "not_trained", form=name),
            study=True,
        )
        for name, title in (
            ("gamutnet", "GamutNet"),
            ("pix2pix", "pix2pix"),
            ("swinir", "SwinIR"),
            ("restormer", "Restormer"),
        )
    ),
)
