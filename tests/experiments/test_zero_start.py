"""Section 5.4, judged: the paired comparison, the dead network without links, and the verdicts that rest on them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from patterns import SMALL, patterns
from torch.nn.functional import cross_entropy

from src import verdicts
from src.experiments import networks, zero_initialization, zero_start
from src.experiments.zero_start import Paired, Stuck, ZeroStart
from src.runs import recorded


@pytest.fixture(autouse=True)
def one_thread():
    with zero_initialization.training.threads(1):
        yield


def test_paired_interval_covers_as_often_as_it_says():
    """By simulation; seeds share a large effect, which the pairing takes out."""
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(2000, 1, 5, 1))
    errors = shared + generator.normal(size=(2000, 2, 5, 1)) * 0.1
    errors[:, 0] += 0.3
    pairs = [zero_start.paired(e) for e in errors]
    assert np.mean([p.low < 30 < p.high for p in pairs]) == pytest.approx(0.95, abs=0.02)
    assert np.mean([p.difference for p in pairs]) == pytest.approx(30, abs=0.5)
    assert np.mean([p.high - p.low for p in pairs]) < 60  # unpaired it would be some 290


def test_paired_by_hand():
    errors = np.zeros((2, 3, 4))
    errors[:, :, -1] = [[0.03, 0.04, 0.05], [0.02, 0.02, 0.02]]  # differences of 1, 2 and 3 points
    pair = zero_start.paired(errors)
    half = 4.302653 / 3**0.5  # Student's t of two degrees of freedom at 97.5 %
    assert (pair.low, pair.difference, pair.high) == pytest.approx((2 - half, 2, 2 + half), abs=1e-6)
    assert pair.behind is None
    assert pair._replace(low=0.1).behind == "zero" and pair._replace(low=-2.0, high=-1.0).behind == "random"


@pytest.mark.parametrize("shape", [(2, 1, 3), (3, 2, 3), (2, 3)])
def test_paired_needs_two_starts_and_two_seeds(shape):
    with pytest.raises(ValueError, match="test_error must be"):
        zero_start.paired(np.zeros(shape))


def first(start, identity, **changed):
    images, choices = patterns(), replace(SMALL, **changed)
    x = choices.inputs(images.train_images)
    return zero_start.first_gradients(x, images.train_labels, start, 3, choices, identity=identity)


@pytest.mark.parametrize("start", ["zero", "random"])
@pytest.mark.parametrize("identity", [True, False])
def test_first_gradients_by_backpropagation_by_hand(start, identity):
    images = patterns()
    x, y = SMALL.inputs(images.train_images).double(), images.train_labels
    init = "zero" if start == "zero" else "uniform"
    model = networks.BlockMLP(36, 10, torch.Generator().manual_seed(3), init=init, bias=True).double()
    link = torch.eye(36, dtype=torch.float64) * identity
    matrices = [link + block.weight.mT for block in model.blocks]
    h = [x]
    for matrix in matrices:
        h.append((h[-1] @ matrix).relu())
    V = model.readout.weight.mT
    signal = ((h[-1] @ V).softmax(1) - torch.eye(10, dtype=torch.float64)[y]) / len(y)
    expected = {"readout.weight": h[-1].mT @ signal, "readout.bias": signal.sum(0)}
    signal = signal @ V.mT
    for k in reversed(range(5)):
        signal = signal * (h[k + 1] > 0)
        expected |= {f"blocks.{k}.weight": h[k].mT @ signal, f"blocks.{k}.bias": signal.sum(0)}
        signal = signal @ matrices[k].mT
    found = first(start, identity)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert found[name] == pytest.approx(gradient.abs().max().item(), rel=1e-4, abs=1e-12), name


def test_without_links_only_the_last_bias_learns():
    stuck = zero_start.without_links(patterns(), 0, 3, SMALL)
    assert stuck.holds and stuck.gradient == stuck.weight == 0 < stuck.bias_gradient
    assert stuck.loss[-1] < stuck.loss[1]  # the class shares are learnt


# --- The verdict ------------------------------------------------------------------------------------------------------

LINKED = Paired(np.array([1.6, 1.7]), np.array([1.8, 1.9]), -0.29, -0.05)
UNLINKED = Paired(np.array([88.6, 88.7]), np.array([1.8, 1.9]), 86.6, 86.9)
STUCK = Stuck(gradient=0.0, bias_gradient=0.03, weight=0.0, answers=(4,), error=91.1, loss=np.array([np.nan, 2.3]))
RIGHT = ZeroStart(LINKED, UNLINKED, learnt=9.0, stuck=STUCK)


def changed(**fields):
    """RIGHT with one entry of one of its parts changed: part__entry=value."""
    for name, value in fields.items():
        part, _, entry = name.partition("__")
        return RIGHT._replace(**{part: getattr(RIGHT, part)._replace(**{entry: value}) if entry else value})
    return RIGHT


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"linked__high": 0.24}, verdicts.HOLDS),
        ({"linked__high": 0.26}, verdicts.UNDECIDED),
        ({"linked": LINKED._replace(low=0.24, high=0.5)}, verdicts.UNDECIDED),
        ({"linked": LINKED._replace(low=0.26, high=0.5)}, verdicts.FAILS),
        ({"linked__high": float("nan")}, verdicts.UNDECIDED),
        ({"tolerance": -0.04}, verdicts.HOLDS),
        ({"tolerance": -0.06}, verdicts.UNDECIDED),
        ({"linked__zero": np.array([9.9, 10.0])}, verdicts.HOLDS),
        ({"linked__zero": np.array([10.0, 10.1])}, verdicts.FAILS),  # it does not learn
        ({"learnt": 91.0}, verdicts.HOLDS),
        ({"learnt": 91.1}, verdicts.FAILS),  # here it is no better than without links
        ({"stuck__error": 9.0}, verdicts.FAILS),
        ({"unlinked__zero": np.array([85.1, 99.0])}, verdicts.HOLDS),
        ({"unlinked__zero": np.array([84.9, 99.0])}, verdicts.FAILS),  # one seed has learnt something
        ({"unlinked__low": 0.1}, verdicts.HOLDS),
        ({"unlinked__low": -0.1}, verdicts.FAILS),
        ({"stuck__gradient": 1e-30}, verdicts.FAILS),
        ({"stuck__bias_gradient": 0.0}, verdicts.FAILS),
        ({"stuck__weight": 1e-30}, verdicts.FAILS),
        ({"stuck__answers": (4, 7)}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_verdict(change, verdict):
    assert changed(**change).verdict == verdict


def here():
    """The verdict with small runs in the place of this run's, and the recordings as they are."""
    linked, unlinked = (
        zero_start.paired(recorded.load(name).arrays["test_error"])
        for name in ("mnist_zero_initialization", "mnist_without_link")
    )
    _, record = zero_initialization.learn(patterns(), "zero", 0, 4, SMALL)
    stuck = zero_start.without_links(patterns(), 0, 4, SMALL)
    return ZeroStart(linked, unlinked, learnt=100 * record.errors["test"][-1].item(), stuck=stuck)


def forward(link):
    def lost_or_kept(self, x):
        for block in self.blocks:
            x = (x * link + block(x)).relu()
        return self.readout(x)

    return lost_or_kept


@pytest.mark.parametrize("link", [0, 1], ids=["link_lost", "link_never_lost"])
def test_a_wrong_network_overturns_the_verdict(monkeypatch, link):
    assert here().verdict == verdicts.HOLDS
    monkeypatch.setattr(networks.BlockMLP, "forward", forward(link))
    assert here().verdict == verdicts.FAILS


# --- The exercises ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [1, 2])
def test_ex_zero_one_block(blocks):
    """One block lives or dies with ReLU's derivative at zero; two are dead with either."""
    x, y = torch.randn(30, 6, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3
    V = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    for relu, derivative in ((torch.relu, 0), (lambda z: z.clamp(min=0), 1)):
        z = torch.zeros(1, requires_grad=True)
        relu(z).sum().backward()
        assert z.grad == derivative
        weights = [torch.zeros(6, 6, requires_grad=True) for _ in range(blocks)]
        h = x
        for W in weights:
            h = relu(h @ W)
        cross_entropy(h @ V, y).backward()
        moves = any(W.grad.any() for W in weights)
        assert moves == (blocks == 1 and derivative == 1)


def test_ex_zero_everywhere():
    names = {"readout.weight", "readout.bias"}
    choices = replace(SMALL, readout="zero")
    alive = {name for name, largest in first("zero", True, readout="zero").items() if largest}
    assert alive == names
    images = patterns()
    model, _ = zero_initialization.learn(images, "zero", 0, 1, replace(choices, batch=len(images.train_labels)))
    assert {name for name, p in model.named_parameters() if p.any()} == names  # one step
    model, _ = zero_initialization.learn(images, "zero", 0, 2, replace(choices, batch=len(images.train_labels)))
    assert all(p.any() for p in model.parameters())
    _, record = zero_initialization.learn(images, "zero", 0, 8, choices)
    assert record.errors["test"][-1] < 0.1
    zero_readout = zero_start.compared(recorded.load("mnist_sensitivity"))["read-out starts at zero"]
    assert zero_readout.behind is None


def test_ex_zero_one_answer():
    recorded_errors = recorded.load("mnist_without_link").arrays["test_error"][0, :, -1]
    assert recorded_errors == pytest.approx(np.full(5, 1 - 1135 / 10_000))
    images = patterns()
    stuck = zero_start.without_links(images, 0, 3, SMALL)
    assert stuck.answers == (images.train_labels.bincount().argmax().item(),)
    assert stuck.error == pytest.approx(100 * (images.test_labels != stuck.answers[0]).double().mean().item())
