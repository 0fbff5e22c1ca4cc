"""Methods measured on many photos at once, by several processes."""

from __future__ import annotations

import functools
from contextlib import closing
from typing import TYPE_CHECKING

from core.engine.cluster import Workers
from core.evaluation.measuring import evaluate
from core.methods import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from core.engine.cluster import Cluster
    from core.engine.method import Method
    from core.errors import PhotoError
    from core.evaluation.protocol import EvaluationSettings
    from core.evaluation.rows import Row
    from core.progress import Check


def evaluate_spread(
    names: Sequence[str],
    photos: Sequence[Path],
    settings: EvaluationSettings,
    place: Cluster,
    failed: Callable[[PhotoError], None],
) -> Generator[list[Row], None, None]:
    """Measure methods on photos, several at a time.

    Parameters
    ----------
    names : sequence of str
        The methods, as for :func:`core.methods.registry.methods`.
    photos : sequence of Path
        Wide-gamut photos. The processes find them, and files of weights, under the same names.
    settings : EvaluationSettings
        As for :func:`core.evaluation.measuring.evaluate`.
    place : Cluster
        The processes.
    failed : callable
        Called with the error of each photo that cannot be read.

    Yields
    ------
    list of Row
        Of photo after photo, in their order: what :func:`core.evaluation.measuring.evaluate`
        finds, but for the times, which are those of a busy machine.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from distributed import LocalCluster
    >>> from core.colour import PROPHOTO
    >>> from core.engine.cluster import Cluster
    >>> from core.evaluation.protocol import EvaluationSettings
    >>> from core.files import write
    >>> from core.pictures.chart import wide_gamut_chart
    >>> local = LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    >>> with local, TemporaryDirectory() as folder:
    ...     photo = Path(folder, "chart.tif")
    ...     write(photo, wide_gamut_chart(8), PROPHOTO)
    ...     settings = EvaluationSettings(perceptual=False)
    ...     place = Cluster(address=local.scheduler_address)
    ...     for rows in evaluate_spread(["sampled"], [photo], settings, place, print):
    ...         print([row.method for row in rows])
    ['naive', 'sampled', 'naive', 'sampled']
    """
    recipes = tuple(registry.recipes(names).items())
    work = functools.partial(_rows, recipes=recipes, settings=settings)
    found = [photo.absolute() for photo in photos]
    with Workers(place) as workers, closing(workers.spread_in_order(work, found)) as outcomes:
        for outcome in outcomes:
            rows, errors = outcome.get()
            for error in errors:
                failed(error)
            yield rows


def _rows(
    photo: Path, check: Check, *, recipes: tuple[tuple[str, str], ...], settings: EvaluationSettings
) -> tuple[list[Row], list[PhotoError]]:
    """Measure one photo in a worker; also why it could not be read."""
    errors: list[PhotoError] = []
    rows = []
    for row in evaluate(_methods(recipes), [photo], settings, failed=errors.append):
        check()
        rows.append(row)
    return rows, errors


@functools.lru_cache(maxsize=4)
def _methods(recipes: tuple[tuple[str, str], ...]) -> list[Method]:
    return [registry.method(recipe).renamed(name) for name, recipe in recipes]
