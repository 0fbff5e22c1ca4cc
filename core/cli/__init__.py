"""The command line: ``gamut``; each command is a module with ``add_parser(commands)``.

`add_parser` adds the arguments of the command, and sets its function, ``run(options)``, which
returns the exit code.

Examples
--------
>>> import argparse
>>> from core.cli import spaces
>>> parser = argparse.ArgumentParser()
>>> spaces.add_parser(parser.add_subparsers())
>>> options = parser.parse_args(["spaces", "display-p3"])
>>> options.run(options)
display-p3  Display P3; gamma 2.4 with a linear toe
  SMPTE EG 432-1:2010 with the curve of IEC 61966-2-1:1999
  red 0.6800 0.3200
  green 0.2650 0.6900
  blue 0.1500 0.0600
  white 0.3127 0.3290
0
"""

from core.cli.main import main

__all__ = ["main"]
