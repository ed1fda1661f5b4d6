"""How every network starts: the spread of each of its weights, and the bound on them, in one table."""

import math

import pytest
import torch

from src.experiments import datasets, figure_7, figure_8, networks, table_1, training, zero_initialization
from src.model import weights

NORMAL, UNIFORM = "normal", "uniform"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def mlp(d=200, **choices):
    return networks.BlockMLP(d, 50, generator(), **choices)


def matches(name, parameter, kind, spread):
    """Whether a parameter is drawn as said: `spread` is a normal's standard deviation, or a uniform's bound.

    Means and variances within five standard errors of n draws; extremes where those of n draws lie; no symmetry.
    """
    w, n = parameter.detach().double().flatten(), parameter.numel()
    if kind == UNIFORM:
        sigma, error = spread / math.sqrt(3), math.sqrt(0.8 / (4 * n))
        assert spread * (1 - 20 / n) < w.abs().max() <= spread, f"{name} is not within ±{spread}"
    else:
        sigma, error = spread, math.sqrt(1 / (2 * n))
        largest = math.sqrt(2 * math.log(2 * n))
        assert 0.6 * largest < w.abs().max() / sigma < largest + 2, f"{name} has other extremes than a normal's"
    assert abs(w.mean()) < 5 * sigma / math.sqrt(n), f"{name} has a mean of {w.mean()}"
    assert abs(w.std() / sigma - 1) < 5 * error, f"{name} has a spread of {w.std()}, not {sigma}"
    assert len(w.unique()) > 0.9 * n, f"{name} repeats its entries"


ROOT = 200**-0.5
STARTS = [  # network, and for each group of its parameters: (what their names end in, kind, spread)
    (mlp, {"init": "zero"}, [("readout.weight", UNIFORM, ROOT), ("blocks", 0, 0), ("readout.bias", 0, 0)]),
    (mlp, {"init": "uniform", "bias": True}, [("weight", UNIFORM, ROOT), ("bias", 0, 0)]),
    (mlp, {"init": "normal"}, [("readout.weight", UNIFORM, ROOT), ("readout.bias", 0, 0), ("blocks", NORMAL, ROOT)]),
    (mlp, {"init": "normal", "readout": "normal"}, [("weight", NORMAL, ROOT), ("bias", 0, 0)]),
    (mlp, {"init": "uniform", "readout": "zero"}, [("readout", 0, 0), ("blocks", UNIFORM, ROOT)]),
    (mlp, {"init": "uniform", "identity": False}, [("weight", UNIFORM, ROOT), ("bias", 0, 0)]),
    (
        lambda: networks.ThreeBlock(64, generator=generator()),
        {},
        [
            *((f"blocks.{k}.weight", UNIFORM, bound) for k, bound in ((0, 1 / 8), (3, 500**-0.5), (6, 500**-0.5))),
            *((f"blocks.{k}.bias", UNIFORM, bound) for k, bound in ((0, 1 / 8), (3, 500**-0.5), (6, 500**-0.5))),
            *((f"blocks.{k}.weight", 1, 0) for k in (1, 4, 7)),
            *((f"blocks.{k}.bias", 0, 0) for k in (1, 4, 7)),
        ],
    ),
    *(
        (
            build,
            {},
            [
                ("linear.weight", NORMAL, math.sqrt(2 / 64)),
                ("linear.bias", UNIFORM, 1 / 8),
                ("layer2.0.conv1.weight", NORMAL, math.sqrt(2 / (9 * 16))),
                ("layer3.0.conv1.weight", NORMAL, math.sqrt(2 / (9 * 32))),
                ("layer1", "conv", math.sqrt(2 / (9 * 16))),
                ("layer2", "conv", math.sqrt(2 / (9 * 32))),
                ("layer3", "conv", math.sqrt(2 / (9 * 64))),
                ("conv1.weight", NORMAL, math.sqrt(2 / (9 * 3))),
                ("bn1", "norm", 0),
            ],
        )
        for build in (networks.resnet56, networks.single_skip56, networks.vanilla56)
    ),
]


@pytest.mark.parametrize(("build", "choices", "table"), STARTS)
def test_every_parameter_starts_as_said(build, choices, table):
    net = build(**choices)
    for name, parameter in net.named_parameters():
        kind, spread = next((k, s) for part, k, s in table if name.endswith(part) or name.startswith(part + "."))
        if kind == "conv":
            kind, spread = (NORMAL, spread) if ".conv" in name else ("norm", 0)
        if kind == "norm":
            kind = 1 if name.endswith("weight") else 0
        if kind in (0, 1):
            assert (parameter == kind).all(), name
        else:
            matches(name, parameter, kind, spread)
    for name, buffer in net.named_buffers():
        assert (buffer == (1 if name.endswith("running_var") else 0)).all(), name
    drawn = [p.detach().flatten()[:10].tolist() for p in net.parameters() if p.flatten()[:10].unique().numel() > 1]
    assert len({tuple(first) for first in drawn}) == len(drawn)  # no two parameters from the same draws


@pytest.mark.parametrize("identity", [True, False])
def test_section_5_4_trains_from_the_starts_that_are_compared(monkeypatch, identity):
    """The network that `learn` trains: the blocks zero or uniform, and one read-out for both starts of a seed."""
    started = []

    class Started(Exception):
        pass

    def train(model, x, y, **_):
        started.append({name: p.detach().clone() for name, p in model.named_parameters()})
        assert model.identity == identity
        raise Started

    monkeypatch.setattr(training, "train", train)
    images = datasets.mnist("embedded")
    few = images._replace(train_images=images.train_images[:8], train_labels=images.train_labels[:8])
    for start in ("zero", "random"):
        with pytest.raises(Started):
            zero_initialization.learn(few, start, 3, 1, zero_initialization.Choices(), identity=identity)
    zero, random = started
    assert torch.equal(zero["readout.weight"], random["readout.weight"])
    matches("readout", zero["readout.weight"], UNIFORM, 1 / 28)
    for k in range(5):
        assert not zero[f"blocks.{k}.weight"].any()
        matches(f"block {k}", random[f"blocks.{k}.weight"], UNIFORM, 1 / 28)
    assert not any(p.any() for name, p in zero.items() if name.endswith("bias"))


def test_table_1_trains_the_network_and_the_seed_it_names():
    for name, build in table_1.NETWORKS.items():
        assert build.__name__ == name
    one, other = (table_1.NETWORKS["resnet56"](generator(seed)).conv1.weight for seed in (0, 2))
    assert not torch.equal(one, other)


def test_section_5_2_starts_and_teachers_have_the_papers_norms():
    """Frobenius norms scale with sqrt(d); starts differ from each other and from the teacher."""
    for d in (100, 36):
        data = figure_7.draw(d, 4, 2, 3, generator())
        assert torch.linalg.matrix_norm(data.W_star, 2).item() == pytest.approx(0.6, rel=1e-9)
        assert data.W_star.norm().item() == pytest.approx(5.7 * math.sqrt(d / 100), rel=1e-9)
        for W in data.W_start:
            assert torch.linalg.matrix_norm(W, 2).item() == pytest.approx(0.6, rel=1e-9)
            assert W.norm().item() == pytest.approx(5.0 * math.sqrt(d / 100), rel=1e-9)
        every = torch.cat([data.W_star[None], data.W_start]).flatten(1)
        cosines = every @ every.T / every.norm(dim=1) / every.norm(dim=1)[:, None]
        assert (cosines.fill_diagonal_(0).abs() < 6 / d).all()
        for inputs in (data.train, data.test):
            assert inputs.shape[1] == d


def test_section_5_2_inputs_are_standard_normal_and_not_shared():
    data = figure_7.draw(30, 4000, 1000, 1, generator())
    for name, x in (("train", data.train), ("test", data.test)):
        matches(name, x, NORMAL, 1.0)
    assert not torch.isin(data.test[:, 0], data.train[:, 0]).any()
    assert torch.equal(data.seen, data.train[:1000])


def test_gaussian_weights_are_gaussian_and_of_their_norm():
    W = weights.gaussian((3, 200, 200), 0.3, generator())
    assert torch.linalg.matrix_norm(W, 2).tolist() == pytest.approx([0.3] * 3, rel=1e-9)
    for k, one in enumerate(W):
        matches(f"matrix {k}", one, NORMAL, one.std().item())
        assert one.std().item() == pytest.approx(0.3 / (2 * math.sqrt(200)), rel=0.03)  # |X|_2 is near 2 sqrt(d)


def test_section_5_3_starts_have_their_norms_and_their_trace():
    W = weights.wrong_way_start(103, 5.0, -18.75, generator())
    assert (W.norm().item(), W.trace().item()) == pytest.approx((5.0, -18.75), rel=1e-9)
    assert W.sum(1).abs().max() < 1e-12
    assert torch.linalg.matrix_norm(W, 2).item() == pytest.approx(5 / math.sqrt(102), rel=1e-6)
    W = figure_8.start_with_norms(200, 0.6, 5.0, -18.75, generator())
    assert (torch.linalg.matrix_norm(W, 2).item(), W.norm().item(), W.trace().item()) == pytest.approx(
        (0.6, 5.0, -18.75), rel=2e-3
    )
