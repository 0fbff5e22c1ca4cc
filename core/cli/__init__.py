"""The command line: ``gamut``; each command is a module with ``add_parser(commands)``.

`add_parser` adds the arguments of the command, and sets its function, ``run(options)``, which
returns the exit code.

Examples
--------
>>> import argparse
>>> from contextlib import chdir
>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> from core.cli import expand
>>> parser = argparse.ArgumentParser()
>>> expand.add_parser(parser.add_subparsers())
>>> options = parser.parse_args(["expand", "beach.jpg", "-o", "wide.tif", "--dry-run"])
>>> with TemporaryDirectory() as folder, chdir(folder):
...     Path("beach.jpg").touch()
...     options.run(options)
beach.jpg -> wide.tif
0
"""

from core.cli.main import main

__all__ = ["main"]
