"""Work that holds the interpreter, in another process where others must go on."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from core.apart import called, others_go_on
from core.colour import DISPLAY_P3
from core.errors import PhotoError
from core.files import read, write

if TYPE_CHECKING:
    from pathlib import Path


def test_it_works_here_unless_others_must_go_on() -> None:
    here = os.getpid()
    assert called(os.getpid) == here
    with others_go_on():
        assert called(os.getpid) != here
        with others_go_on():
            pass
        assert called(os.getpid) != here
        other: list[int] = []
        thread = threading.Thread(target=lambda: other.append(called(os.getpid)))
        thread.start()
        thread.join()
        assert other == [here]  # Each thread decides for itself.
    assert called(os.getpid) == here


def test_errors_and_deaths_are_raised() -> None:
    with others_go_on():
        with pytest.raises(ZeroDivisionError):
            called(divmod, 1, 0)
        with pytest.raises(ValueError, match="ended with 7"):
            called(os._exit, 7)


def test_a_jpeg_xl_is_the_same_from_the_other_process(tmp_path: Path) -> None:
    path = tmp_path / "wide.jxl"
    values = np.random.default_rng(5).random((40, 50, 3)).astype(np.float32)
    write(path, values, DISPLAY_P3)
    here = read(path)
    with others_go_on():
        there = read(path)
    assert there.pixels.dtype == here.pixels.dtype
    assert (there.pixels == here.pixels).all()
    assert (there.profile_name, there.info) == (here.profile_name, here.info)


def test_a_damaged_jpeg_xl_is_the_same_sentence(tmp_path: Path) -> None:
    path = tmp_path / "wide.jxl"
    write(path, np.random.default_rng(5).random((40, 50, 3)).astype(np.float32), DISPLAY_P3)
    data = path.read_bytes()
    path.write_bytes(data[:-4000] + bytes(4000))
    sentences = []
    for spared in (False, True):
        with pytest.raises(PhotoError) as caught:
            if spared:
                with others_go_on():
                    read(path)
            else:
                read(path)
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]
