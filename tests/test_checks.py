"""The checks of arguments that all rooms share."""

import math
import re
from pathlib import Path

import numpy as np
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


GOOD = torch.eye(3, dtype=torch.float64)
_POSITIVE = checks.between(0, math.inf)
ALLOWED = [  # a kind, what it allows, what it refuses and how
    (range(1, 5), (1, 4, np.int64(2)), {0: "from 1 to 4", 5: "from 1 to 4", 2.0: "an integer", True: "an integer"}),
    (_POSITIVE, (1, 1e-300, np.float32(2)), {0: "positive and finite", math.inf: "finite", 10**400: "finite"}),
    (checks.between(1, math.inf), (2,), {1: "between 1 and inf", math.nan: "between", "3": "a number", 1j: "a number"}),
    (checks.within(0, 1), (0, 1.0), {-1e-9: "from 0 to 1", math.nan: "from 0 to 1"}),
    (checks.within(0, math.inf), (0,), {-1: "finite and not negative", math.inf: "finite and not negative"}),
    (("a", "b"), ("a",), {"c": "one of a, b", 3: "one of a, b"}),
    (bool, (True,), {1: "true or false"}),
    (str | Path, ("x", Path("x")), {3: "a str | pathlib.Path"}),
    (torch.Generator, (torch.Generator(),), {0: "a torch.Generator"}),
    (checks.each(str), (["a"], ("a", "b")), {"a": "a list", (): "at least one", ("a", 3): "entry 1 of x must be text"}),
    (checks.one_or_each(_POSITIVE), (1, [1, 2]), {(): "at least one", (1, 0): "entry 1 of x", 0: "x must be positive"}),
    (checks.optional(range(3)), (None, 0), {3: "from 0 to 2"}),
    (checks.vector(_POSITIVE), ([1, 2.5], np.ones(2)), {1.0: "list", (): "at least one", (1, -1): "entry 1"}),
    (callable, (len,), {3: "a function"}),
    (checks.MATRIX, (GOOD, GOOD[None][:0]), {3: "a torch.Tensor"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "good", "bad"), ALLOWED, ids=lambda x: str(x)[:40])
def test_what_each_kind_allows(kind, good, bad):
    for value in good:
        checks.check_value("x", value, kind)
    for value, words in bad.items():
        with pytest.raises((TypeError, ValueError), match=f"x must .*{re.escape(words)}|{re.escape(words)}") as error:
            checks.check_value("x", value, kind)
        assert re.search(r"\bx\b", str(error.value)) and len(str(error.value)) < 300


def test_arrays_of_numbers():
    for kind in (checks.entries(_POSITIVE), checks.vector(_POSITIVE)):
        for bad in (
            np.array([1.0, -1]),
            torch.tensor([1.0, math.nan]),
            np.array([]),
            np.array(["a"]),
            GOOD.to_sparse(),
        ):
            with pytest.raises((TypeError, ValueError), match=r"\bx must"):
                checks.check_value("x", bad, kind)
    checks.check_value("x", np.ones((2, 2)), checks.entries(_POSITIVE))
    with pytest.raises(TypeError, match="x must be a list"):
        checks.check_value("x", np.ones((2, 2)), checks.vector(_POSITIVE))
    with pytest.raises(TypeError, match="x must hold integers"):
        checks.check_value("x", torch.ones(2), checks.vector(range(3)))


def test_a_complaint_is_short():
    for value in ([1.0] * 10**5, "a" * 10**5, torch.ones(300, 300)):
        with pytest.raises(TypeError) as error:
            checks.check_value("x", value, range(3))
        assert len(str(error.value)) < 200


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_tensors_of_other_kinds_are_refused():
    spoiled = {
        "a dense tensor": (
            GOOD.to_sparse(),
            GOOD.to_sparse_csr(),
            torch.nested.nested_tensor([GOOD, GOOD], layout=torch.jagged),
        ),
        "a floating dtype": (GOOD.half(), GOOD.bfloat16(), GOOD.to(torch.complex128), GOOD.int(), GOOD.bool()),
        "on a device that holds its entries": (GOOD.to("meta"),),
        "square": (GOOD[0], GOOD[:2], GOOD[:0, :0]),
        "finite": (GOOD * math.nan, GOOD / 0, (GOOD * math.nan).requires_grad_()),
    }
    for words, tensors in spoiled.items():
        for tensor in tensors:
            with pytest.raises((TypeError, ValueError), match=f"^W must (be|have) .*{words}"):
                checks.check_matrix("W", tensor)


def test_arguments_are_checked_by_their_names_before_the_call():
    calls = []

    @checks.arguments(W=checks.MATRIX, V=checks.like("W"), n=range(3), flag=bool)
    def function(W, V, n=0, *, flag=False):
        calls.append(n)

    function(GOOD, GOOD), function(V=GOOD, W=GOOD, n=2, flag=True)
    for args, kwargs, words in (
        ((GOOD, GOOD.float()), {}, "V must have the dtype of W"),
        ((GOOD, GOOD[:2, :2]), {}, "V must have the dimension of W"),
        ((GOOD, GOOD, 3), {}, "n must be from 0 to 2"),
        ((GOOD, GOOD), {"flag": 1}, "flag must be true or false"),
        ((), {"V": GOOD}, "missing 1 required positional argument: 'W'"),
        ((GOOD, GOOD, 1, True), {}, "positional arguments"),
        ((GOOD, GOOD), {"W": GOOD}, "multiple values for argument 'W'"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            function(*args, **kwargs)
    assert calls == [0, 2]
    with pytest.raises(TypeError, match="has no argument m"):
        checks.arguments(m=bool)(function)
