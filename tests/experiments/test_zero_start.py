"""Section 5.4, judged: the paired comparison, the dead network without links, and the verdicts that rest on them."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from src import verdicts
from src.experiments import networks, zero_initialization, zero_start
from src.experiments.zero_start import AsGood, Errors, Paired, Stuck, WithoutLink
from src.runs import recorded
from tests.experiments.patterns import SMALL, patterns


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
    images = patterns()
    assert stuck.answers == (images.train_labels.bincount().argmax().item(),)
    assert stuck.error == pytest.approx(100 * (images.test_labels != stuck.answers[0]).double().mean().item())


# --- The verdicts -----------------------------------------------------------------------------------------------------

PLAIN = Paired(np.array([1.6, 1.7]), np.array([1.8, 1.9]), -0.29, -0.05)
RECIPE = Paired(np.array([1.4, 1.5]), np.array([1.3, 1.4]), -0.05, 0.2)
UNIT = Paired(np.array([2.2, 2.1]), np.array([2.1, 3.6]), -2.55, 1.71)
GOOD = AsGood(PLAIN, UNIT, RECIPE, learnt=9.0, without=91.1)
UNLINKED = Paired(np.array([88.6, 88.7]), np.array([1.8, 1.9]), 86.6, 86.9)
STUCK = Stuck(gradient=0.0, bias_gradient=0.03, weight=0.0, answers=(4,), error=91.1, loss=np.array([np.nan, 2.3]))
DEAD = WithoutLink(UNLINKED, STUCK)
CLOSE = Errors(np.array([[1.67, 1.84], [1.45, 1.36]]), np.array([[0.04, 0.04], [0.03, 0.03]]))


def changed(right, **fields):
    """`right` with one entry of one of its parts changed: part__entry=value."""
    for name, value in fields.items():
        part, _, entry = name.partition("__")
        return right._replace(**{part: getattr(right, part)._replace(**{entry: value}) if entry else value})
    return right


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"plain__high": 0.24}, verdicts.HOLDS),
        ({"plain__high": 0.26}, verdicts.OPEN),
        ({"plain__high": float("nan")}, verdicts.OPEN),
        ({"plain": PLAIN._replace(low=0.24, high=0.5)}, verdicts.OPEN),
        ({"plain": PLAIN._replace(low=0.26, high=0.5)}, verdicts.FAILS),
        ({"recipe__high": 0.24}, verdicts.HOLDS),
        ({"recipe__high": 0.26}, verdicts.OPEN),
        ({"recipe": RECIPE._replace(low=0.26, high=0.5)}, verdicts.FAILS),
        ({"recipe": None}, verdicts.HOLDS),
        ({"unit__high": 5.0}, verdicts.HOLDS),  # not converged: it can only refute
        ({"unit__low": 0.24}, verdicts.HOLDS),
        ({"unit__low": 0.26}, verdicts.FAILS),
        ({"tolerance": 0.21}, verdicts.HOLDS),
        ({"tolerance": 0.19}, verdicts.OPEN),
        ({"plain__zero": np.array([9.9, 10.0])}, verdicts.HOLDS),
        ({"plain__zero": np.array([10.0, 10.1])}, verdicts.FAILS),  # it does not learn
        ({"recipe__zero": np.array([10.0, 10.1])}, verdicts.FAILS),
        ({"learnt": 91.0}, verdicts.HOLDS),
        ({"learnt": 91.1}, verdicts.FAILS),  # here it is no better than without links
        ({"without": 9.0}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_whether_zero_is_as_good(change, verdict):
    assert changed(GOOD, **change).verdict == verdict


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.UNDECIDED),
        ({"paper": (1.50, 1.41)}, verdicts.HOLDS),  # both within two standard errors of the second choice
        ({"paper": (1.50, 1.43)}, verdicts.UNDECIDED),
        ({"paper": (1.52, 1.41)}, verdicts.UNDECIDED),
        ({"paper": (1.40, 1.31)}, verdicts.HOLDS),  # below as well as above
        ({"paper": (1.75, 1.41)}, verdicts.UNDECIDED),  # each error by another choice
        ({"standard_errors": np.array([[0.04, 0.04], [0.09, 0.05]])}, verdicts.HOLDS),
        ({"paper": (1.28, 0.89)}, verdicts.UNDECIDED),  # 0.47 apart, and the choices move the second by 0.48
        ({"paper": (1.28, 0.87)}, verdicts.FAILS),
        ({"means": np.array([[1.46, 1.36], [1.45, 1.36]])}, verdicts.FAILS),  # the choices do not matter
    ],
)
def test_every_number_can_turn_the_two_errors(change, verdict):
    assert CLOSE._replace(**change).verdict == verdict


def test_errors_are_means_with_their_standard_errors():
    found = zero_start.errors([Paired(np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0, 7.0]), 0, 0)])
    assert found.means.tolist() == [[2, 5]]
    assert found.standard_errors[0] == pytest.approx([1 / 3**0.5, 1.0])
    assert found.paper == (1.28, 1.27)  # section 5.4: zero, then random


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, verdicts.HOLDS),
        ({"recorded__zero": np.array([85.1, 99.0])}, verdicts.HOLDS),
        ({"recorded__zero": np.array([84.9, 99.0])}, verdicts.FAILS),  # one seed has learnt something
        ({"recorded__low": 0.1}, verdicts.HOLDS),
        ({"recorded__low": -0.1}, verdicts.FAILS),
        ({"stuck__gradient": 1e-30}, verdicts.FAILS),
        ({"stuck__bias_gradient": 0.0}, verdicts.FAILS),
        ({"stuck__weight": 1e-30}, verdicts.FAILS),
        ({"stuck__answers": (4, 7)}, verdicts.FAILS),
    ],
)
def test_every_number_can_turn_the_failure_without_links(change, verdict):
    assert changed(DEAD, **change).verdict == verdict


def here():
    """The verdicts with small runs in the place of this run's, and the recordings as they are."""
    linked, unlinked, unit = (
        zero_start.paired(recorded.load(name).arrays["test_error"])
        for name in ("mnist_zero_initialization", "mnist_without_link", "mnist_unit_pixels")
    )
    _, record = zero_initialization.learn(patterns(), "zero", 0, 4, SMALL)
    stuck = zero_start.without_links(patterns(), 0, 4, SMALL)
    good = AsGood(linked, unit, None, 100 * record.errors["test"][-1].item(), stuck.error)
    return good.verdict, WithoutLink(unlinked, stuck).verdict


def forward(link):
    def lost_or_kept(self, x):
        for block in self.blocks:
            x = (x * link + block(x)).relu()
        return self.readout(x)

    return lost_or_kept


@pytest.mark.parametrize(
    "link, expected",
    [(0, (verdicts.FAILS, verdicts.HOLDS)), (1, (verdicts.FAILS, verdicts.FAILS))],
    ids=["link_lost", "link_never_lost"],
)
def test_a_wrong_network_overturns_a_verdict(monkeypatch, link, expected):
    assert here() == (verdicts.HOLDS, verdicts.HOLDS)
    monkeypatch.setattr(networks.BlockMLP, "forward", forward(link))
    assert here() == expected


# --- The recordings ---------------------------------------------------------------------------------------------------


def test_the_recordings_are_those_of_the_choices():
    """Their settings are the defaults with what FAMILIES changes; the first two have the paper's five seeds."""
    for name, (_, change, seeds, epochs) in zero_initialization.FAMILIES.items():
        recording = recorded.load(name)
        settings = recording.provenance["parameters"]
        expected = asdict(replace(zero_initialization.Choices(), **change)) | {"epochs": epochs or 20}
        assert settings.items() & expected.items() >= {(k, settings[k]) for k in settings.keys() & expected.keys()}
        assert recording.provenance["images"] == "full MNIST"
        assert recording.arrays["test_error"].shape == (2, seeds or 5, (epochs or 20) + 1)
        assert recording.provenance["seeds"] == list(range(seeds or 5))
    if recipe := zero_start.recipe():
        settings = recipe.provenance["parameters"]
        assert settings == asdict(zero_initialization.RECIPE) | {"identity": True, "epochs": 16}
        assert recipe.provenance["threads"] == 1 and recipe.arrays["test_error"].shape == (2, 5, 17)


def test_recorded_errors_are_those_of_ten_digits():
    """Before training about nine of ten are wrong; then all learn, but zero without links: it gives one answer."""
    for name in ("mnist_zero_initialization", "mnist_unit_pixels", "mnist_without_link"):
        errors = recorded.load(name).arrays["test_error"]
        assert (errors[..., 0] > 0.7).all() and (errors[1, :, -1] < 0.05).all()
    assert (recorded.load("mnist_zero_initialization").arrays["test_error"][0, :, -1] < 0.02).all()
    dead = recorded.load("mnist_without_link").arrays["test_error"][0, :, -1]
    assert dead == pytest.approx(np.full(5, 1 - 1135 / 10_000))  # 1,135 of the test images are ones


def test_a_recipe_that_is_not_recorded_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    assert zero_start.recipe() is None
    run = recorded.Recorder("mnist_recipe", "src.experiments.zero_initialization", parameters={}, seeds=[0])
    run.save({"a": np.zeros(1)})
    assert zero_start.recipe().name == "mnist_recipe"


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
