"""``gamut methods``: what there is to restore photos with, and what each method needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.cli import common
from core.errors import PhotoError

if TYPE_CHECKING:
    import argparse

    from core.engine.method import Method


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "methods",
        help="list the methods and what each needs",
        description="List the methods that photos can be restored with, those of other installed "
        "packages too, and what each needs beside the sRGB photo.",
    )
    parser.add_argument("--json", action="store_true", help="print a report for programs")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the methods; 1 if one of another package cannot be loaded."""
    from core.methods.registry import entries

    found: list[Method] = []
    failed: dict[str, str] = {}
    for name, entry in entries().items():
        try:
            found.append(entry.load())
        except PhotoError as error:
            failed[name] = str(error)
    if options.json:
        rows = [_row(method) for method in found]
        broken = [{"name": name, "error": error} for name, error in failed.items()]
        common.say(json.dumps({"methods": rows, "failed": broken}, indent=2))
    else:
        for method in found:
            common.say(_text(method))
        for sentence in failed.values():
            common.say(sentence)
    return 1 if failed else 0


def _row(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "summary": method.summary,
        "needs": method.needs.value,
        "parameters": method.parameters,
        "payload_size": method.payload_size,
        "trained": method.trained,
    }


def _text(method: Method) -> str:
    figures = [f"needs: {method.needs.value}"]
    if method.parameters:
        figures.append(f"{method.parameters:,} weights")
    if method.payload_size:
        figures.append(f"{method.payload_size / 1e3:.1f} kB in the file")
    if not method.trained:
        figures.append("not trained: train it with gamut train-rival, and give its file")
    return f"{method.name}\n  {method.summary}\n  {'; '.join(figures)}"
