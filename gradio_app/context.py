"""What all tabs share: settings, models, sample photos, folders."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from core.engine.method import Needs
from core.errors import PhotoError
from core.evaluation.originals import read_original
from core.evaluation.protocol import EvaluationSettings, reduced
from core.files import write_codes
from core.methods import registry
from core.methods.letnet import is_equilibrium
from core.methods.registry import NAIVE
from core.styles import STYLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from core.engine.method import Method
    from core.network.solver import SolverSettings
    from gradio_app.settings import DemoSettings

CONCURRENCY_ID = "work"
"""One pool of workers for all tabs and the API."""

UPLOADS = "uploads"
REQUESTS = "requests"


@dataclass(frozen=True)
class Sample:
    """A photo that comes with the program.

    Attributes
    ----------
    title : str
        What it is, and what there is to see.
    file : str
        Its name.
    wide : bool
        Whether it is a wide-gamut original.
    style : str, optional
        Key of :data:`core.styles.STYLES`: it is the original, finished so and reduced to sRGB.
    """

    title: str
    file: str
    wide: bool = False
    style: str | None = None


ORIGINAL = "rocket.jpg"

# The one that lost the most comes first: with it there is something to be seen.
SAMPLES = (
    Sample("Rocket, vivid finish: lost much colour", "rocket-vivid.png", style="vivid"),
    Sample("Rocket, as shot: lost a little", "rocket.png", style="as-is"),
    Sample("Astronaut: lost next to none", "astronaut.jpg"),
    Sample("Rocket, an Adobe RGB photo", ORIGINAL, wide=True),
)


@dataclass(frozen=True)
class Context:
    """What all tabs share.

    Attributes
    ----------
    settings : DemoSettings
        Hosting and limits.
    methods : mapping of name to Method
        What photos can be expanded by, the default one first.
    comparable : mapping of name to Method
        What can be compared where there is an original.
    folder : Path
        Where samples and the files of requests lie.
    """

    settings: DemoSettings
    methods: Mapping[str, Method]
    comparable: Mapping[str, Method]
    folder: Path

    @property
    def uploads(self) -> Path:
        """Where Gradio keeps uploads and what it serves; no other file of a request is read."""
        return self.folder / UPLOADS

    @property
    def default_method(self) -> str:
        """The name of the method that is used unless another is chosen."""
        return next(iter(self.methods))

    @property
    def quick_methods(self) -> list[str]:
        """Those that nobody has to wait for: they are compared unless others are chosen."""
        return list(dict.fromkeys((self.default_method, NAIVE)))

    @property
    def equilibrium_methods(self) -> list[str]:
        """The names of the networks that seek a fixed point."""
        return [name for name, method in self.methods.items() if is_equilibrium(method)]

    def method(self, name: str) -> Method:
        """Return a method by its name.

        Raises
        ------
        PhotoError
            If the demo does not offer it. Names are never taken as paths.
        """
        try:
            return self.methods[name]
        except (KeyError, TypeError):
            known = ", ".join(self.methods)
            raise PhotoError(f"There is no such model; choose one of {known}.") from None

    def solver(self, name: str) -> SolverSettings:
        """Return how an equilibrium network seeks its fixed point.

        Raises
        ------
        PhotoError
            If there is no such network, or the method does not iterate.
        """
        solver = self.method(name).solver
        if solver is None:
            raise PhotoError(f"{name} does not iterate; choose an equilibrium network.")
        return solver

    def sample(self, sample: Sample) -> str:
        """Return the path of a sample photo, in the folder of this server."""
        return str(self.folder / "samples" / sample.file)

    def sweep(self) -> None:
        """Delete the folders of requests that nobody can want any more, whatever left them."""
        settings = self.settings
        oldest = time.time() - max(60 * settings.keep_minutes, 2 * settings.seconds)
        for folder in (self.folder / REQUESTS).iterdir():
            with contextlib.suppress(FileNotFoundError):
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)

    def request_folder(self) -> tempfile.TemporaryDirectory[str]:
        """Return a folder for one request, which is deleted with its contents."""
        return tempfile.TemporaryDirectory(dir=self.folder / REQUESTS)


def make_context(settings: DemoSettings, folder: Path) -> Context:
    """Load the models and lay out the samples.

    Parameters
    ----------
    settings : DemoSettings
        Hosting and limits.
    folder : Path
        An empty folder of this server's own.

    Raises
    ------
    PhotoError
        If a model cannot be loaded.
    """
    for name in (UPLOADS, "samples", REQUESTS):
        (folder / name).mkdir(parents=True)
    with resources.as_file(resources.files("core") / "samples") as given:
        original = read_original(given / ORIGINAL)
        for sample in SAMPLES:
            place = folder / "samples" / sample.file
            if sample.style is None:
                shutil.copyfile(given / sample.file, place)
            else:
                codes, _ = reduced(STYLES[sample.style].apply(original), EvaluationSettings())
                write_codes(place, codes)
    methods, comparable = load_methods(settings.model_names)
    return Context(settings, methods, comparable, folder)


def load_methods(names: list[str]) -> tuple[dict[str, Method], dict[str, Method]]:
    """Return the methods to offer: for photos, and where there is an original.

    Parameters
    ----------
    names : list of str
        Names or files, as for :func:`core.methods.registry.method`; empty for all that there are.
        The naive inversion, what a photo's file carries, and what is fitted to originals are always
        among them.
    """
    entries = registry.entries()
    always = {registry.EMBEDDED, NAIVE}
    offered = {name: entry for name, entry in entries.items() if not entry.study}
    wanted = names or [name for name, entry in offered.items() if not entry.needs_original]
    photos = {
        method.name: method
        for method in registry.methods(
            [*(name for name in wanted if name not in always), NAIVE, registry.EMBEDDED]
        )
    }
    fitted = [name for name, entry in offered.items() if entry.needs_original]
    originals = {method.name: method for method in registry.methods(fitted)}
    known = {name: each for name, each in photos.items() if each.needs is not Needs.PAYLOAD}
    return photos, {**known, **originals}
