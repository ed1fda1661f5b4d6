"""A test of the tests: an error planted in ``src`` turns a chapter's verdict over, or stops the chapter.

Each chapter runs in this process at a small scale: first as it is, when the verdicts in question are those of the
stored notebook, then with one function of ``src`` replaced by a wrong one.
"""

import math
from dataclasses import asdict
from functools import cache

import nbformat
import pytest
import torch
from conftest import CHAPTERS, run_chapter

from src import verdicts
from src.book import claims
from src.dynamics import sgd
from src.experiments import networks, spectral, table_1
from src.model import landscape, population
from src.runs import recorded

LIGHT_06 = {"depth": 1, "width": 2, "live_epochs": 1, "starts": 1}
# Settings that take seconds, and the claims that keep the verdicts of the defaults there.
SMALL = {
    "02_population_gradient": ({}, {"lemma-2.1", "well-defined-gradient"}),
    "12_dynamics": (
        {
            "d": 600,
            "frobenius": 3.16,  # a column as long as in section 5.3
            "trace": -8.0,
            "d_paley": 607,
            "eta": 2.5e-4,
            "steps": 80,
            "t_end": 2.0,
            "d_scaled": 30,
            "d_noise": 10,
            "seeds": 2,
            "rtol": 0.02,
        },
        {"fig-8a"},
    ),
    "10_identity_mapping": (LIGHT_06, {"fig-6", "table-1"}),
    "13_zero_initialization": ({"runs": 2, "limit": 1000, "epochs": 1, "batch": 100}, {"sec-5.4"}),
    "14_spectral_norm": ({"digits": [0, 1, 7], "steps": 1}, {"sec-5.5"}),
}


@cache
def right(chapter):
    """The verdicts of the chapter as it is."""
    return run_chapter(chapter, SMALL[chapter][0])


def without_one_over_pi(monkeypatch):
    right = population._gradient
    monkeypatch.setattr(population, "_gradient", lambda *arguments: math.pi * right(*arguments))


def transposed(monkeypatch):
    right = population._gradient
    monkeypatch.setattr(population, "_gradient", lambda *arguments: right(*arguments).mT)


def sine_sign(monkeypatch):
    right = population._gradient

    def wrong(W, W_star, A_bar, a, b, cos, cos_star):
        sines = (a @ cos.clamp(-1, 1).acos().sin() - b @ cos_star.clamp(-1, 1).acos().sin()) * A_bar
        return right(W, W_star, A_bar, a, b, cos, cos_star) - 2 / math.pi * sines  # the right one has + sines / pi

    monkeypatch.setattr(population, "_gradient", wrong)


def student_and_teacher_swapped(monkeypatch):
    right = population.gradient
    loss = population.loss
    monkeypatch.setattr(population, "gradient", lambda W, W_star: right(W_star, W))
    monkeypatch.setattr(
        population, "loss_and_gradient", lambda W, W_star: (loss(W, W_star).detach(), right(W_star, W).detach())
    )


def potential_sign(monkeypatch):
    right = landscape.potential
    monkeypatch.setattr(landscape, "potential", lambda W, W_star: -right(W, W_star))


def eta_twice(monkeypatch):
    right = sgd.train
    monkeypatch.setattr(sgd, "train", lambda *arguments, eta, **options: right(*arguments, eta=eta**2, **options))


def one_link_of_two(monkeypatch):
    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(h))
        return (y + {0: 0, 1: h, 2: self.identity(x)}[self.skip]).relu()

    monkeypatch.setattr(networks.Block, "forward", forward)


def link_lost(monkeypatch):
    def forward(self, x):
        for block in self.blocks:
            x = block(x).relu()
        return self.readout(x)

    monkeypatch.setattr(networks.BlockMLP, "forward", forward)


def link_never_lost(monkeypatch):
    def forward(self, x):
        for block in self.blocks:
            x = (x + block(x)).relu()
        return self.readout(x)

    monkeypatch.setattr(networks.BlockMLP, "forward", forward)


def uphill(monkeypatch):
    right = spectral.polar
    monkeypatch.setattr(spectral, "polar", lambda G: -right(G))


def outside_the_ball(monkeypatch):
    right = spectral.polar
    monkeypatch.setattr(spectral, "polar", lambda G: 2 * right(G))


PLANTED = [
    (without_one_over_pi, "02_population_gradient"),
    (transposed, "02_population_gradient"),
    (sine_sign, "02_population_gradient"),
    (student_and_teacher_swapped, "02_population_gradient"),
    (potential_sign, "12_dynamics"),
    (eta_twice, "12_dynamics"),
    (one_link_of_two, "10_identity_mapping"),
    (link_lost, "13_zero_initialization"),
    (link_never_lost, "13_zero_initialization"),
    (uphill, "14_spectral_norm"),
    (outside_the_ball, "14_spectral_norm"),
]


@pytest.mark.parametrize("chapter", SMALL)
def test_the_small_scale_keeps_the_verdicts(chapter):
    notebook = nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)
    stored = {entry["id"]: entry["verdict"] for entry in claims.reports(notebook)}
    for id in SMALL[chapter][1]:
        assert right(chapter)[id] == stored[id]


@pytest.mark.parametrize(("plant", "chapter"), PLANTED, ids=lambda value: getattr(value, "__name__", value))
def test_a_planted_error_overturns_a_verdict(monkeypatch, plant, chapter):
    settings, kept = SMALL[chapter]
    expected = right(chapter)
    plant(monkeypatch)
    try:
        found = run_chapter(chapter, settings)
    except Exception:  # the chapter stops, though it runs through without the error
        return
    assert any(found[id] != expected[id] for id in kept)


@pytest.mark.parametrize("plant", dict.fromkeys(plant for plant, _ in PLANTED))
def test_a_planted_error_is_one_that_runs(monkeypatch, plant):
    generator = torch.Generator().manual_seed(0)
    W, W_star = 0.1 * torch.randn(2, 6, 6, generator=generator, dtype=torch.float64)

    def values():
        run = sgd.train(W, W_star, eta=1e-2, batch=50, steps=3, seeds=0)
        gradient = population.loss_and_gradient(W, W_star)[1]
        block = networks.CifarNet(1, generator=torch.Generator().manual_seed(0), depth=1, width=2)
        mlps = (
            networks.BlockMLP(6, 3, torch.Generator().manual_seed(0), init="normal", identity=identity).double()
            for identity in (True, False)
        )
        return (
            population.gradient(W, W_star),
            gradient,
            landscape.potential(W, W_star),
            run.W,
            run.distance,
            block(torch.ones(2, 3, 8, 8).tril()),
            *(mlp(W) for mlp in mlps),
            spectral.polar(W),
        )

    before = values()
    plant(monkeypatch)
    after = values()
    assert any(not torch.allclose(b, a) for b, a in zip(before, after))
    assert all(b.shape == a.shape and a.isfinite().all() for b, a in zip(before, after))


@pytest.mark.parametrize(
    "errors, verdict",
    [
        (
            {"resnet56": (6.9, 7.0, 7.1), "single_skip56": (8.9, 9.0, 9.2), "vanilla56": (11.9, 12.0, 12.3)},
            verdicts.HOLDS,
        ),
        (
            {"resnet56": (9.0, 9.1, 9.2), "single_skip56": (7.0, 7.1, 7.2), "vanilla56": (12.0, 12.1, 12.2)},
            verdicts.FAILS,
        ),
        (
            {"resnet56": (6.9, 9.0, 9.2), "single_skip56": (7.0, 9.1, 9.2), "vanilla56": (12.0, 12.1, 12.2)},
            verdicts.UNDECIDED,
        ),
        ({"resnet56": (6.9, 7.0), "single_skip56": (9.0,), "vanilla56": (12.0, 12.1)}, verdicts.UNDECIDED),
    ],
)
def test_table_1_is_judged_by_its_runs(tmp_path, errors, verdict):
    """Made-up recordings of the whole recipe: the order as claimed, reversed, uncertain, and one run too few."""
    recipe = table_1.RECIPES["he"]
    for network, values in errors.items():
        for seed, value in enumerate(values):
            recorded.save(
                f"table_1-he-{network}-{seed}",
                {"test_error": [0.9, value / 100], "seconds": [0.0, 1.0]},
                parameters=asdict(recipe) | {"network": network},
                seeds=[seed],
                device="cpu",
                wall_time=1.0,
                folder=tmp_path,
            )
    assert (
        run_chapter("10_identity_mapping", LIGHT_06 | asdict(recipe) | {"folder": str(tmp_path)})["table-1"] == verdict
    )
