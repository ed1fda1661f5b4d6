"""The checks of arguments that all rooms share."""

import pytest
import torch

from src import checks


def test_device():
    assert checks.device("cpu") == torch.device("cpu")
    assert checks.device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="device must be one of"):
        checks.device("tpu")


def test_device_cuda_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="torch sees no CUDA device"):
        checks.device("cuda")
