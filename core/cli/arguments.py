"""Kinds of arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.engine.cluster import Cluster

_STYLES = ("as-is", "vivid")
"""Keys of :data:`core.styles.STYLES`, whose import takes long."""


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers of at least `least`.

    Examples
    --------
    >>> steps = at_least(1)
    >>> steps("400")
    400
    >>> steps("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: 0 is too small; give at least 1
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small; give at least {least}")
        return value

    return parse


def within(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers from `least` to `most`.

    Examples
    --------
    >>> share = within(0.0, 1.0)
    >>> share("0.25")
    0.25
    >>> share("a quarter")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: 'a quarter' is no number
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not in {least:g} to {most:g}")
        return value

    return parse


def add_styles(parser: argparse.ArgumentParser) -> None:
    """Add the choice of how originals are finished before they are reduced.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_styles(parser)
    >>> parser.parse_args(["--styles", "vivid"]).styles
    ['vivid']
    """
    parser.add_argument(
        "--styles",
        nargs="+",
        choices=_STYLES,
        default=list(_STYLES),
        help="how photos are finished before the reduction (default: all)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the choice of originals, of their size, and of whether slow metrics are measured.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_selection(parser)
    >>> options = parser.parse_args(["--limit", "20", "--no-perceptual"])
    >>> options.limit, options.max_side, options.no_perceptual
    (20, None, True)
    """
    parser.add_argument(
        "--limit", metavar="N", type=at_least(1), help="take only N photos, evenly from all"
    )
    parser.add_argument(
        "--max-side", metavar="PIXELS", type=at_least(16), help="reduce larger photos to this"
    )
    parser.add_argument(
        "--no-perceptual", action="store_true", help="leave out FLIP and LPIPS, which take long"
    )


def add_place(
    group: argparse._ActionsContainer, work: str = "photos", given: str = "A photo"
) -> None:
    """Add the choice of where work is done: processes of this machine, or a cluster.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_place(parser)
    >>> place_of(parser.parse_args([])) is None
    True
    >>> place_of(parser.parse_args(["--workers", "4"]))
    Cluster(workers=4, address=None)
    """
    place = group.add_mutually_exclusive_group()
    place.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help=f"work on N {work} at once, in as many processes of this machine",
    )
    place.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help=f"work on {work} on the machines of a dask cluster, such as tcp://10.0.0.5:8786: run "
        "dask scheduler on one and dask worker ADDRESS --nthreads 1 on each; all of them need "
        f"this program, and the folders under the same names. {given} whose worker dies is given "
        "to another one",
    )


def place_of(options: argparse.Namespace) -> Cluster | None:
    """Return where work is done; None for this process.

    Examples
    --------
    >>> place_of(argparse.Namespace(workers=None, cluster="tcp://10.0.0.5:8786"))
    Cluster(workers=None, address='tcp://10.0.0.5:8786')
    """
    from core.engine.cluster import Cluster

    if options.workers is None and options.cluster is None:
        return None
    return Cluster(options.workers, options.cluster)


def set_threads(options: argparse.Namespace) -> None:
    """Let torch use as many threads as ``--threads`` says, if it says.

    Examples
    --------
    >>> import torch
    >>> before = torch.get_num_threads()
    >>> set_threads(argparse.Namespace(threads=None))  # nothing is said, nothing is changed
    >>> torch.get_num_threads() == before
    True
    """
    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
