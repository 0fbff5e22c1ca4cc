"""One module per file format: ``read_header(path)`` and ``read_pixels(path, header)``.

`read_header` touches no pixels. `read_pixels` returns what is stored, scaled to the whole range
of uint8 or uint16 (or float32), of shape (H, W) or (H, W, C), not yet turned upright. Both may
raise any error for a damaged file: :mod:`core.files.reading` turns it into a sentence.

Examples
--------
>>> from core.files import sample_photo
>>> from core.files.formats import png
>>> header = png.read_header(sample_photo())
>>> header.width, header.height, header.bits, header.is_lossy
(600, 400, 8, False)
>>> png.read_pixels(sample_photo(), header).shape
(400, 600, 3)
"""
