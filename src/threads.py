"""How many threads a computation gets."""

from contextlib import contextmanager

import torch
from threadpoolctl import ThreadpoolController

from src.checks import arguments


@arguments(number=range(1, 1025))
@contextmanager
def limited(number):
    """Within it torch and BLAS compute on so many threads: sums are added in one order, and a seed fixes a run."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with ThreadpoolController().limit(limits=number):
            yield
    finally:
        torch.set_num_threads(before)
