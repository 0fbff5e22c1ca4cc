"""Reads files that are named on standard input, with little memory; says how each one ended.

A process of its own: a limit on memory, a crash or an endless loop must not be the suite's.
"""

from __future__ import annotations

import resource
import sys

from core.files import FileError, Limits, open_rows, read

ROOM = 400 << 20


def main() -> None:
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    for line in sys.stdin:
        limits = Limits(max_pixels=1_000_000)
        try:
            read(line.rstrip("\n"), limits=limits).scene()
            with open_rows(line.rstrip("\n"), limits=limits) as reader:
                reader.rows(0, reader.shape[0])
            answer = "photo"
        except FileError as error:
            answer = "too much memory" if "memory of this computer" in str(error) else "sentence"
        except MemoryError:
            answer = "too much memory"
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        sys.stdout.write(answer.replace("\n", " ") + "\n")
        sys.stdout.flush()


main()
