import pytest
import torch

from core.engine.devices import at_most_threads


def test_few_threads_are_used_in_a_block_alone() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(ZeroDivisionError), at_most_threads(1):
            assert torch.get_num_threads() == 1
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
        with at_most_threads(8):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
