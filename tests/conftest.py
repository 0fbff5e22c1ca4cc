from __future__ import annotations

import os

import torch
from hypothesis import settings

# No deadline: machines differ. On CI the same examples are drawn every time.
settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("suite")
torch.set_num_threads(1)
