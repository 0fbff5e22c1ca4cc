"""Fuzzing of the readers, led by which of their lines a file reaches: atheris, which is libFuzzer.

    python tests/core/files/coverage_fuzzer.py CORPUS/ -max_total_time=60

CORPUS/ holds sound files, and gets those that reach new lines. What ends in neither a photo nor a
sentence, takes more than 20 seconds or more memory than MOST is kept as ``crash-…`` or ``oom-…``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["core.files"]):
    from core.files import FileError, Limits, read

MOST = 600
"""Megabytes of the process, a quarter of which its libraries take."""

_LIMITS = Limits(max_pixels=1_000_000)


def main() -> None:
    """Fuzz until the time is over that the arguments name."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a"

        def look(content: bytes) -> None:
            file.write_bytes(content)
            try:
                read(file, limits=_LIMITS)
            except FileError as error:
                if "memory of this computer" in str(error):
                    raise

        arguments = [*sys.argv, f"-rss_limit_mb={MOST}", "-timeout=20", "-max_len=100000"]
        atheris.Setup(arguments, look)
        atheris.Fuzz()


main()
