"""``gamut strip``: take out of photo files what this program put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cli import common
from core.engine import batches
from core.files.payloads import strip

if TYPE_CHECKING:
    import argparse


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "strip",
        help="take hints and networks out of photos",
        description="Write copies of photos without the hint and the network that gamut reduce "
        "put into them. Everything else in the files stays byte for byte.",
    )
    common.add_inputs(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Carry out the command; returns its exit code."""
    jobs = batches.plan_copies(options.inputs, options.output)
    overwrite = options.overwrite or common.is_spread(options)

    def work(job: batches.Job, progress: common.Progress) -> tuple[str, dict[str, Any]]:
        taken = strip(job.source, job.target, overwrite=overwrite)
        progress(1, 1)
        report = {"input": str(job.source), "output": str(job.target), "bytes": taken}
        return f"{taken} bytes taken out", report

    return common.run_jobs(jobs, options, work, {})
