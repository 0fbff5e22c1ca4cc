"""Expand every photo of a folder: python examples/expand_folder.py holiday/ wide/ [METHOD]."""

import sys
from pathlib import Path

import core


def main(source: str, target: str, name: str = "letnet-box") -> None:
    """Write a wide-gamut TIFF for every JPEG and PNG of a folder that has none yet."""
    method = core.method(name)
    Path(target).mkdir(parents=True, exist_ok=True)
    photos = [p for p in sorted(Path(source).iterdir()) if p.suffix.lower() in (".jpg", ".png")]
    for photo in photos:
        result = Path(target, f"{photo.name}.tif")
        if result.exists():
            continue
        report = core.expand_file(photo, result, method)
        print(f"{photo.name}: colour came back in {report.restored_share:.1%} of the pixels")


if __name__ == "__main__":
    main(*sys.argv[1:])
