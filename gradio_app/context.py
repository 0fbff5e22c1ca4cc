"""What all tabs share: settings, names of models, sample photos, folders; and what jobs need."""

from __future__ import annotations

import functools
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.engine.method import Method, Needs
from core.errors import PhotoError
from core.methods import registry
from core.methods.registry import NAIVE
from core.progress import Stop
from gradio_app.folders import REQUESTS, UPLOADS
from gradio_app.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from core.gamut import FloatImage
    from gradio_app.settings import DemoSettings

CONCURRENCY_ID = "work"
"""One pool of workers for all tabs and the API."""

SAMPLES_FOLDER = "samples"

_THUMBNAIL = 320
"""Pixels of the longer side of the pictures to choose samples by."""

_PATIENCE = 300.0
"""Seconds that loading the models may take."""


@dataclass(frozen=True)
class Sample:
    """A photo that comes with the program.

    Attributes
    ----------
    title : str
        What it is, and what there is to see.
    file : str
        Its name.
    made_of : str, optional
        The photo of the program that it is made of; it is one of them unless given.
    style : str
        Key of :data:`core.styles.STYLES`: how that photo is finished.
    wide : bool
        Whether it is a wide-gamut original; otherwise what was made is reduced to sRGB.
    """

    title: str
    file: str
    made_of: str | None = None
    style: str = "as-is"
    wide: bool = False


# The one that gains the most comes first: it is what everybody sees on arrival.
SAMPLES = (
    Sample("Coffee, vivid finish", "coffee-vivid.png"),
    Sample("Rocket, vivid finish", "rocket-vivid.png", "rocket.jpg", "vivid"),
    Sample("Astronaut, vivid finish", "astronaut-vivid.png", "astronaut.jpg", "vivid"),
    Sample("Astronaut, vivid finish, in ProPhoto", "astronaut.tif", "astronaut.jpg", "vivid", True),
    Sample("Rocket, a photo in Adobe RGB", "rocket.jpg", wide=True),
)


@dataclass(frozen=True)
class Offer:
    """What the models are called, without the models.

    Attributes
    ----------
    methods : mapping of name to str
        What photos can be expanded by, the default one first, and what each is loaded by.
    comparable : mapping of name to str
        What can be compared where there is an original.
    equilibrium : tuple of str
        The networks among them that seek a fixed point.
    cards : mapping of name to dict
        What is known of each network, for people who ask.
    """

    methods: Mapping[str, str]
    comparable: Mapping[str, str]
    equilibrium: tuple[str, ...]
    cards: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Workplace:
    """What a job needs to know; it goes to the job's process.

    Attributes
    ----------
    settings : DemoSettings
        Device and limits.
    folder : Path
        Where samples and the files of requests lie.
    offer : Offer
        What photos can be expanded by and compared with.
    """

    settings: DemoSettings
    folder: Path
    offer: Offer

    @property
    def uploads(self) -> Path:
        """Where Gradio keeps uploads and what it serves; no other file of a request is read."""
        return self.folder / UPLOADS

    def method(self, name: str) -> Method:
        """Load a method of those that the demo offers.

        Raises
        ------
        PhotoError
            If the demo does not offer it. Names are never taken as paths.
        """
        return _loaded(self.named(name, self.offer.methods)).renamed(name)

    def fitted(self, names: Sequence[str]) -> list[Method]:
        """Load methods of those that are compared, in the order of the page.

        Raises
        ------
        PhotoError
            If the demo does not offer one of them.
        """
        known = self.offer.comparable
        wanted = {name: self.named(name, known) for name in names}
        return [_loaded(known[name]).renamed(name) for name in known if name in wanted]

    @staticmethod
    def named(name: str, known: Mapping[str, str]) -> str:
        """Return what a method is loaded by.

        Raises
        ------
        PhotoError
            If there is none of that name.
        """
        if not isinstance(name, str) or name not in known:
            raise PhotoError(f"There is no such model; choose one of {', '.join(known)}.")
        return known[name]

    def begin(self) -> None:
        """Prepare the process of a job."""
        import torch

        from core.engine.memory import keep_freed_memory

        keep_freed_memory()
        # What a killed process leaves there is deleted with the rest.
        tempfile.tempdir = str(self.folder / REQUESTS)
        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)


@dataclass(frozen=True)
class Context:
    """What all tabs share.

    Attributes
    ----------
    workplace : Workplace
        What goes to the processes of jobs.
    """

    workplace: Workplace

    @property
    def settings(self) -> DemoSettings:
        """Hosting and limits."""
        return self.workplace.settings

    @property
    def folder(self) -> Path:
        """Where samples and the files of requests lie."""
        return self.workplace.folder

    @property
    def uploads(self) -> Path:
        """Where Gradio keeps uploads and what it serves."""
        return self.workplace.uploads

    @property
    def offer(self) -> Offer:
        """What photos can be expanded by and compared with."""
        return self.workplace.offer

    @property
    def methods(self) -> list[str]:
        """The names of what photos can be expanded by, the default first."""
        return list(self.offer.methods)

    @property
    def default_method(self) -> str:
        """The name of the method that is used unless another is chosen."""
        return self.methods[0]

    @property
    def quick_methods(self) -> list[str]:
        """Those that nobody has to wait for: they are compared unless others are chosen."""
        return list(dict.fromkeys((self.default_method, NAIVE)))

    def sample(self, sample: Sample) -> str:
        """Return the path of a sample photo, in the folder of this server."""
        return str(self.folder / SAMPLES_FOLDER / sample.file)

    def thumbnail(self, sample: Sample) -> str:
        """Return the path of a small picture of a sample photo."""
        return str(_thumbnail(self.folder / SAMPLES_FOLDER, sample))

    def request_folder(self) -> tempfile.TemporaryDirectory[str]:
        """Return a folder for one request, which is deleted with its contents."""
        return tempfile.TemporaryDirectory(dir=self.folder / REQUESTS)

    @contextmanager
    def result_folder(self) -> Iterator[Path]:
        """Make a folder whose files the page may show; it stays unless the block fails."""
        folder = self.uploads / secrets.token_hex(20)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def make_context(settings: DemoSettings, folder: Path) -> Context:
    """Lay out the samples and see to the models.

    Parameters
    ----------
    settings : DemoSettings
        Hosting and limits.
    folder : Path
        An empty folder of this server's own.

    Raises
    ------
    PhotoError
        If a model cannot be loaded, or the device is missing.
    """
    for name in (UPLOADS, SAMPLES_FOLDER, REQUESTS):
        (folder / name).mkdir(parents=True)
    job = Job(functools.partial(_laid_out, settings, folder), _PATIENCE, Stop())
    for _ in job.steps():
        pass
    return Context(Workplace(settings, folder, job.result))


def _laid_out(settings: DemoSettings, folder: Path) -> Generator[Any, None, Offer]:
    """Write the samples, load the models, and say what there is."""
    from core.engine.devices import device_named

    yield 0, 1
    device_named(settings.device)
    _write_samples(folder / SAMPLES_FOLDER)
    return offered(settings.model_names)


def _write_samples(folder: Path) -> None:
    """Make the samples, and pictures of them that the page shows to choose from."""
    from PIL import Image

    from core.evaluation.originals import read_original
    from core.evaluation.protocol import EvaluationSettings, reduced
    from core.images import area_reduced

    with resources.as_file(resources.files("core") / "samples") as given:
        for sample in SAMPLES:
            place = folder / sample.file
            if sample.made_of is None:
                shutil.copyfile(given / sample.file, place)
            else:
                _make(sample, read_original(given / sample.made_of), place)
            codes, _ = reduced(area_reduced(read_original(place), _THUMBNAIL), EvaluationSettings())
            Image.fromarray(codes).save(_thumbnail(folder, sample), quality=85)


def _make(sample: Sample, original: FloatImage, place: Path) -> None:
    from core.colour import PROPHOTO
    from core.evaluation.protocol import EvaluationSettings, reduced
    from core.files import write, write_codes
    from core.styles import STYLES

    finished = STYLES[sample.style].apply(original)
    if sample.wide:
        write(place, finished, PROPHOTO)
    else:
        write_codes(place, reduced(finished, EvaluationSettings())[0])


def _thumbnail(folder: Path, sample: Sample) -> Path:
    return folder / f"{Path(sample.file).stem}-small.jpg"


def offered(names: list[str]) -> Offer:
    """Return what to offer: for photos, and where there is an original.

    Parameters
    ----------
    names : list of str
        Names or files, as for :func:`core.methods.registry.method`; empty for all that there are.
        The naive inversion, what a photo's file carries, and what is fitted to originals are always
        among them.
    """
    from core.methods.letnet import LetNetMethod, is_equilibrium

    entries = registry.entries()
    always = {registry.EMBEDDED, NAIVE}
    shown = {name: entry for name, entry in entries.items() if not entry.study}
    wanted = names or [name for name, entry in shown.items() if not entry.needs_original]
    specs = [*(name for name in wanted if name not in always), NAIVE, registry.EMBEDDED]
    loaded = registry.methods(specs)
    methods = {each.name: spec for each, spec in zip(loaded, specs, strict=True)}
    payload = {each.name for each in loaded if each.needs is Needs.PAYLOAD}
    fitted = [name for name, entry in shown.items() if entry.needs_original]
    known = {name: spec for name, spec in methods.items() if name not in payload}
    return Offer(
        methods,
        {**known, **{name: name for name in fitted}},
        tuple(each.name for each in loaded if is_equilibrium(each)),
        {each.name: _card(each) for each in loaded if isinstance(each, LetNetMethod)},
    )


def _card(method: Any) -> dict[str, Any]:
    model = method.model
    config = model.network.config
    return {
        "parameters": method.parameters,
        "channels": config.channels,
        "scale": config.scale,
        "mode": config.mode,
        "attention": config.attention,
        "output": config.output,
        "sha256": model.sha256,
        **model.descriptor.card,
    }


@functools.lru_cache(maxsize=4)
def _loaded(spec: str) -> Method:
    return registry.method(spec)
