"""How the demo is hosted: flags, environment variables, limits."""

from __future__ import annotations

import argparse
import math
import os
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from core.errors import PhotoError
from core.files import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = "GAMUT_DEMO_"
"""Of the environment variables: ``GAMUT_DEMO_PORT`` is ``--port``."""

_SITE = re.compile(r"'self'|https?://[A-Za-z0-9.*-]+(:\d+)?")


def _setting(default: Any, help: str) -> Any:  # noqa: A002
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class DemoSettings:
    """How the demo is hosted.

    Every field is a flag and an environment variable; a flag outranks the variable.
    """

    host: str = _setting("127.0.0.1", "address to listen on; 0.0.0.0 for all")
    port: int = _setting(7860, "port to listen on")
    root_path: str = _setting("", "path under which a proxy offers the demo, such as /gamut")
    auth: str = _setting(
        "", "NAME:PASSWORD without commas, several separated by commas; anybody unless given"
    )
    hosts: str = _setting(
        "",
        "names that the demo answers to, separated by commas, such as example.org; any unless "
        "given",
    )
    frames: str = _setting(
        "",
        "sites that may show the demo in a frame, separated by commas, such as "
        "https://example.org; none unless given",
    )
    models: str = _setting("", "models to offer, separated by commas: names or .safetensors files")
    device: str = _setting("auto", "auto, cpu, cuda or mps")
    threads: int = _setting(0, "processor threads of a job; 0 for all")
    concurrency: int = _setting(1, "jobs that are worked on at a time")
    queue: int = _setting(16, "jobs that may wait; later ones are asked to try again")
    max_megabytes: float = _setting(64.0, "largest file")
    max_megapixels: float = _setting(24.0, "largest photo")
    max_photos: int = _setting(24, "photos that are taken at once")
    seconds: float = _setting(300.0, "longest time that a job may take")
    keep_minutes: float = _setting(60.0, "how long uploads and results stay on the server")

    def __post_init__(self) -> None:
        """Check every field, naming the one that is out of range."""
        checks = {
            "port": 0 <= self.port <= 65535,
            "root_path": not self.root_path or self.root_path.startswith(("/", "http")),
            "auth": all(":" in pair[1:] for pair in _items(self.auth)),
            "frames": all(_SITE.fullmatch(site) for site in self.own_frames),
            "threads": self.threads >= 0,
            "concurrency": self.concurrency >= 1,
            "queue": self.queue >= 1,
            "max_megabytes": 0 < self.max_megabytes < math.inf,
            "max_megapixels": 0 < self.max_megapixels < math.inf,
            "max_photos": self.max_photos >= 1,
            "seconds": 0 < self.seconds < math.inf,
            "keep_minutes": 0 < self.keep_minutes < math.inf,
        }
        for name, valid in checks.items():
            if not valid:
                shown = "" if name == "auth" else f" = {getattr(self, name)!r}"
                raise PhotoError(f"The setting {name}{shown} is out of range; see --help.")

    @property
    def limits(self) -> Limits:
        """What is too large to be read."""
        return Limits(round(self.max_megapixels * 1e6), round(self.max_megabytes * 1e6))

    @property
    def expired(self) -> str:
        """What is said of a photo that is no longer there."""
        return f"Your photo was deleted after {self.keep_minutes:g} minutes; drop it again."

    @property
    def accounts(self) -> list[tuple[str, str]]:
        """Names and passwords; empty if anybody may use the demo."""
        pairs = [pair.split(":", 1) for pair in _items(self.auth)]
        return [(name, password) for name, password in pairs]

    @property
    def own_hosts(self) -> list[str]:
        """The names that the demo answers to; empty for any."""
        return _items(self.hosts)

    @property
    def address(self) -> str:
        """Where visitors find the page; empty if that is not said."""
        if self.root_path.startswith("http"):
            return self.root_path
        return f"https://{self.own_hosts[0]}{self.root_path}" if self.own_hosts else ""

    @property
    def own_frames(self) -> list[str]:
        """The sites that may show the demo in a frame."""
        return _items(self.frames)

    @property
    def model_names(self) -> list[str]:
        """The models to offer; empty for those that come with the program."""
        return _items(self.models)


def settings_from(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> DemoSettings:
    """Return the settings that flags and environment variables ask for.

    Parameters
    ----------
    arguments : sequence of str
        Flags.
    environment : mapping, optional
        That of the process unless given.

    Raises
    ------
    PhotoError
        If a value is out of range, or a variable unknown.
    """
    environment = os.environ if environment is None else environment
    parser = build_parser()
    known = {PREFIX + item.name.upper(): item.name for item in fields(DemoSettings)}
    given: list[str] = []
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        if variable not in known:
            raise PhotoError(f"There is no setting {variable}; choose one of {', '.join(known)}.")
        given.append(f"--{_flag(known[variable])}={value}")
    return DemoSettings(**vars(parser.parse_args([*given, *arguments])))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the flags."""
    parser = argparse.ArgumentParser(
        prog="gamut demo",
        description="Start the web demo.",
        epilog=f"Each flag is an environment variable, too: {PREFIX}PORT is --port.",
    )
    for item in fields(DemoSettings):
        parser.add_argument(
            f"--{_flag(item.name)}",
            dest=item.name,
            type=type(item.default),
            default=item.default,
            metavar=item.name.rsplit("_", maxsplit=1)[-1].upper(),
            help=f"{item.metadata['help']} (default: {item.default!s:.40})"
            if item.default != ""
            else item.metadata["help"],
        )
    return parser


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]
