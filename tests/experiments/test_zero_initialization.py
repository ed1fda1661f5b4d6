"""Section 5.4: the paired comparison, the dead network without links, and the verdict that rests on them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from src import verdicts
from src.experiments import datasets, networks, zero_initialization
from src.experiments.zero_initialization import Choices, Paired, Stuck, ZeroStart
from src.runs import recorded

SMALL = Choices(step=0.3, batch=20)


@pytest.fixture(autouse=True)
def one_thread():
    """These matrices are too small to share, and threads that wait for each other take minutes on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def patterns(n=200, classes=4, seed=0):
    """Images of 6 x 6 pixels whose bright row and column are those of the class; class 1 is the most frequent."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.arange(n // 2) % classes, torch.ones(n - n // 2, dtype=torch.int64)])
    labels = labels[torch.randperm(n, generator=generator)]
    images = torch.randint(0, 120, (n, 6, 6), generator=generator)
    for image, label in zip(images, labels):
        image[label] += 120
        image[:, label] += 15
    images = images.to(torch.uint8)
    split = 3 * n // 4
    return datasets.Images("patterns", images[:split], labels[:split], images[split:], labels[split:])


def test_a_run_is_written_out_sgd_from_the_start_it_names():
    """Two seeds of `both_starts` against the block network trained here with torch's own pieces."""
    images = patterns(80)
    curves = zero_initialization.both_starts(images, [0, 5], 2, SMALL)
    assert curves["test_error"].shape == curves["train_loss"].shape == (2, 2, 3)
    x, x_test = (
        i.flatten(1).float().div(255).sub(0.1307).div(0.3081) for i in (images.train_images, images.test_images)
    )
    for k, init in enumerate(("zero", "uniform")):
        for n, seed in enumerate((0, 5)):
            model = networks.BlockMLP(36, 10, torch.Generator().manual_seed(2 * seed), init=init)
            generator = torch.Generator().manual_seed(2 * seed + 1)
            for epoch in (1, 2):
                losses = []
                for rows in torch.randperm(len(x), generator=generator).split(20):
                    loss = cross_entropy(model(x[rows]), images.train_labels[rows])
                    loss.backward()
                    losses.append(loss.item())
                    with torch.no_grad():
                        for p in model.parameters():
                            p -= 0.3 * p.grad
                            p.grad = None
                assert curves["train_loss"][k, n, epoch] == pytest.approx(np.mean(losses), rel=1e-3)
                error = (model(x_test).argmax(1) != images.test_labels).double().mean()
                assert curves["test_error"][k, n, epoch] == pytest.approx(error.item(), abs=0.051)  # one image of 20


def test_checkpoints_are_kept_and_used(tmp_path):
    whole = zero_initialization.both_starts(patterns(), [0], 2, SMALL)
    zero_initialization.both_starts(patterns(), [0], 1, SMALL, keep=tmp_path / "runs")
    assert len(list((tmp_path / "runs").iterdir())) == 2
    resumed = zero_initialization.both_starts(patterns(), [0], 2, SMALL, keep=tmp_path / "runs")
    assert (whole["test_error"] == resumed["test_error"]).all()


@pytest.mark.parametrize(
    "change, message",
    [({"start": "uniform"}, "start"), ({"choices": Choices(init="ones")}, "init"), ({"epochs": -1}, "epochs")],
)
def test_bad_settings_are_named(change, message):
    arguments = {"images": patterns(), "start": "random", "seed": 0, "epochs": 0, "choices": SMALL} | change
    with pytest.raises(ValueError, match=message):
        zero_initialization.learn(**arguments)


def test_paired_interval_covers_as_often_as_it_says():
    """By simulation; seeds share a large effect, which the pairing takes out."""
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(2000, 1, 5, 1))
    errors = shared + generator.normal(size=(2000, 2, 5, 1)) * 0.1
    errors[:, 0] += 0.3
    pairs = [zero_initialization.paired(e) for e in errors]
    assert np.mean([p.low < 30 < p.high for p in pairs]) == pytest.approx(0.95, abs=0.02)
    assert np.mean([p.difference for p in pairs]) == pytest.approx(30, abs=0.5)
    assert np.mean([p.high - p.low for p in pairs]) < 60  # unpaired it would be some 290


def test_paired_by_hand():
    errors = np.zeros((2, 3, 4))
    errors[:, :, -1] = [[0.03, 0.04, 0.05], [0.02, 0.02, 0.02]]  # differences of 1, 2 and 3 points
    pair = zero_initialization.paired(errors)
    half = 4.302653 / 3**0.5  # Student's t of two degrees of freedom at 97.5 %
    assert (pair.low, pair.difference, pair.high) == pytest.approx((2 - half, 2, 2 + half), abs=1e-6)
    assert pair.behind is None
    assert pair._replace(low=0.1).behind == "zero" and pair._replace(low=-2.0, high=-1.0).behind == "random"


@pytest.mark.parametrize("shape", [(2, 1, 3), (3, 2, 3), (2, 3)])
def test_paired_needs_two_starts_and_two_seeds(shape):
    with pytest.raises(ValueError, match="test_error must be"):
        zero_initialization.paired(np.zeros(shape))


def first(start, identity, **changed):
    images, choices = patterns(), replace(SMALL, **changed)
    x = choices.inputs(images.train_images)
    return zero_initialization.first_gradients(x, images.train_labels, start, 3, choices, identity=identity)


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
    stuck = zero_initialization.without_links(patterns(), 0, 3, SMALL)
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
        zero_initialization.paired(recorded.load(name).arrays["test_error"])
        for name in ("mnist_zero_initialization", "mnist_without_link")
    )
    _, record = zero_initialization.learn(patterns(), "zero", 0, 4, SMALL)
    stuck = zero_initialization.without_links(patterns(), 0, 4, SMALL)
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


# --- What is recorded -------------------------------------------------------------------------------------------------


def test_recordings_hold_what_the_chapter_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(zero_initialization.datasets, "mnist", lambda which: patterns(60))
    choices = replace(SMALL, step=0.05)
    zero_initialization.record(patterns(60), range(2), 1, choices, folder=tmp_path)
    names = ("mnist_zero_initialization", "mnist_without_link", "mnist_unit_pixels")
    for name, identity, pixels in zip(names, (True, False, True), ("standardised", "standardised", "unit")):
        recording = recorded.load(name, tmp_path)
        alone = zero_initialization.both_starts(
            patterns(60), range(2), 1, replace(choices, pixels=pixels), identity=identity
        )
        assert (recording.arrays["test_error"] == alone["test_error"]).all()
        assert recording.arrays.keys() == {"test_error", "train_error", "train_loss"}
        settings = recording.provenance["parameters"]
        assert (settings["identity"], settings["pixels"], settings["epochs"]) == (identity, pixels, 1)
    compared = zero_initialization.compared(recorded.load("mnist_sensitivity", tmp_path))
    assert list(compared) == [*zero_initialization.VARIANTS, "as chosen, half the epochs"]
    assert all(len(pair.zero) == 5 for pair in compared.values())


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
    zero_readout = zero_initialization.compared(recorded.load("mnist_sensitivity"))["read-out starts at zero"]
    assert zero_readout.behind is None


def test_ex_zero_one_answer():
    recorded_errors = recorded.load("mnist_without_link").arrays["test_error"][0, :, -1]
    assert recorded_errors == pytest.approx(np.full(5, 1 - 1135 / 10_000))
    images = patterns()
    stuck = zero_initialization.without_links(images, 0, 3, SMALL)
    assert stuck.answers == (images.train_labels.bincount().argmax().item(),)
    assert stuck.error == pytest.approx(100 * (images.test_labels != stuck.answers[0]).double().mean().item())
