"""What tests of `src.theory` draw from."""

import torch


def generator(seed=0):
    return torch.Generator().manual_seed(seed)
