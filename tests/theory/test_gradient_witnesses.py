"""Lemma 2.1: each witness of src.theory.gradient_witnesses against another source, and what overturns the verdict."""

import math

import pytest
import torch

from src import verdicts
from src.model import population
from src.theory import gradient_witnesses


def draw(d, seed, size=0.4):
    generator = torch.Generator().manual_seed(seed)
    return size / d**0.5 * torch.randn(d, d, generator=generator, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_gradient_of_a_stretched_identity():
    """W = cI, W* = 0, where the gradient is c (J / 2 + (1/2 + (d - 1) / pi) I); the columns are not parallel."""
    d, c = 4, 0.25
    eye, ones = torch.eye(d, dtype=torch.float64), torch.ones(d, d, dtype=torch.float64)
    expected = c * (ones / 2 + (0.5 + (d - 1) / math.pi) * eye)
    W = c * eye
    differences = gradient_witnesses.gradient_by_differences(W, 0 * W, [0, 1, 5])
    assert differences.tolist() == pytest.approx(expected.flatten()[[0, 1, 5]].tolist(), rel=1e-14)
    sampled = gradient_witnesses.gradient_by_sampling(W, 0 * W, 200000, generator())
    error = sampled.std(0) / 20**0.5
    assert ((sampled.mean(0) - expected).abs() / error).max() < 5


def test_ex_blow_up():
    d = 10
    eye, ones = torch.eye(d, dtype=torch.float64), torch.ones(d, d, dtype=torch.float64)
    for c in (-0.5, 0.1, 2.0):
        gradient = c * (ones / 2 + (0.5 + (d - 1) / math.pi) * eye)
        assert torch.allclose(population.gradient(c * eye, 0 * eye), gradient, rtol=1e-13)
        loss = population.loss(c * eye, 0 * eye).item()
        assert loss == pytest.approx(c**2 * d * (1 + (d - 1) / math.pi) / 2, rel=1e-13)


@pytest.mark.parametrize("d", [2, 5])
def test_the_exact_witnesses_agree(d):
    W, W_star = draw(d, 0), draw(d, 1)
    gradient = population.gradient(W, W_star)
    assert torch.allclose(gradient_witnesses.gradient_by_autograd(W, W_star), gradient, atol=1e-13)
    entries = torch.arange(d * d)
    differences = gradient_witnesses.gradient_by_differences(W, W_star, entries)
    assert torch.allclose(differences, gradient.flatten(), atol=1e-15)
    coarse = gradient_witnesses.gradient_by_differences(W, W_star, entries, step=1e-2)
    assert 1e-7 < (coarse - gradient.flatten()).abs().max() < 1e-2  # the step counts


def test_sampling_is_the_gradient_of_the_squared_residual():
    """On the same inputs, the average's entries are derivatives of the mean squared difference of the outputs."""
    W, W_star, n = draw(3, 2), draw(3, 3), 40
    found = gradient_witnesses.gradient_by_sampling(W, W_star, 2 * n, generator(4), batches=2)
    x = torch.randn(n, 3, generator=generator(4), dtype=torch.float64)
    variable = W.clone().requires_grad_()
    eye = torch.eye(3, dtype=torch.float64)
    residual = (x @ (eye + variable)).relu().sum(1) - (x @ (eye + W_star)).relu().sum(1)
    (expected,) = torch.autograd.grad(residual.square().mean(), variable)
    assert found.shape == (2, 3, 3)
    assert torch.allclose(found[0], expected, atol=1e-14)


def judged():
    found = gradient_witnesses.witnesses(draw(4, 5), draw(4, 6), 20000, 2, generator())
    return gradient_witnesses.factor(found)


def test_the_chapter_s_evidence_at_small_scale():
    factor = judged()
    assert factor.mean == pytest.approx(math.pi, rel=1e-12) and factor.spread < 1e-10
    assert 1 / factor.share == pytest.approx(math.pi, rel=0.1)
    assert factor.verdict == verdicts.CORRECTED


def plant(monkeypatch, wrong):
    right = population._gradient
    monkeypatch.setattr(population, "_gradient", lambda *arguments: wrong(right, *arguments))


def sine_sign(right, W, W_star, A_bar, a, b, cos, cos_star):
    sines = (a @ cos.clamp(-1, 1).acos().sin() - b @ cos_star.clamp(-1, 1).acos().sin()) * A_bar
    return right(W, W_star, A_bar, a, b, cos, cos_star) - 2 / math.pi * sines


@pytest.mark.parametrize(
    "wrong",
    [
        lambda right, *arguments: math.pi * right(*arguments),  # the book's gradient at the printed scale
        lambda right, *arguments: right(*arguments).mT,
        lambda right, *arguments: -right(*arguments),
        sine_sign,
    ],
    ids=["scale", "transposed", "sign", "sine's sign"],
)
def test_a_planted_error_in_the_gradient_overturns_the_verdict(monkeypatch, wrong):
    plant(monkeypatch, wrong)
    assert judged().verdict == verdicts.FAILS


def test_student_and_teacher_exchanged_overturns_the_verdict(monkeypatch):
    right = population.gradient
    monkeypatch.setattr(population, "gradient", lambda W, W_star: right(W_star, W))
    assert judged().verdict == verdicts.FAILS


@pytest.mark.parametrize(
    "factor, verdict", [(1 / math.pi, verdicts.HOLDS), (1.0, verdicts.CORRECTED), (2.0, verdicts.FAILS)]
)
def test_another_printed_sum_has_another_verdict(monkeypatch, factor, verdict):
    right = population.lemma_2_1
    monkeypatch.setattr(population, "lemma_2_1", lambda W, W_star: factor * right(W, W_star))
    assert judged().verdict == verdict


def test_one_wrong_entry_of_the_printed_sum_is_seen(monkeypatch):
    right = population.lemma_2_1

    def wrong(W, W_star):
        R = right(W, W_star)
        R[1, 2] *= 1 + 1e-8
        return R

    monkeypatch.setattr(population, "lemma_2_1", wrong)
    assert judged().verdict == verdicts.FAILS


def evidence(factor):
    return gradient_witnesses.Factor(factor, factor, factor, share=1 / factor, share_error=0.001, batches=20)


CHANGES = [
    lambda f: {"mean": f * (1 + 2e-9)},
    lambda f: {"smallest": f * (1 - 2e-9)},
    lambda f: {"largest": f * (1 + 2e-9)},
    lambda f: {"largest": -f},
    lambda f: {"mean": math.nan},
    lambda f: {"share": 1 / f + 0.005},
    lambda f: {"share": 1 / f - 0.005},
    lambda f: {"share": 1 / f + 0.003, "share_error": 0.0005},
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("factor, verdict", [(1.0, verdicts.HOLDS), (math.pi, verdicts.CORRECTED)])
def test_each_number_overturns_the_verdict(factor, verdict, change):
    right = evidence(factor)
    assert right.verdict == verdict
    assert right._replace(**change(factor)).verdict == verdicts.FAILS


def test_few_batches_allow_more():
    off = evidence(math.pi)._replace(share=1 / math.pi + 0.0045)
    assert off.verdict == verdicts.FAILS  # 3.88 standard errors are allowed with 20 batches
    assert off._replace(batches=8).verdict == verdicts.CORRECTED


def test_bad_input_is_named():
    W = draw(3, 7)
    with pytest.raises(ValueError, match="W must be one"):
        gradient_witnesses.witnesses(torch.stack([W, W]), W, 100, 1, generator())
    with pytest.raises(ValueError, match="entries"):
        gradient_witnesses.witnesses(W, W, 100, 0, generator())
    with pytest.raises(ValueError, match="samples"):
        gradient_witnesses.gradient_by_sampling(W, W, 3, generator())
    with pytest.raises(ValueError, match="batches"):
        gradient_witnesses.gradient_by_sampling(W, W, 100, generator(), batches=1)
    with pytest.raises(TypeError, match="generator"):
        gradient_witnesses.gradient_by_sampling(W, W, 100, 0)
    with pytest.raises(ValueError, match="step"):
        gradient_witnesses.gradient_by_differences(W, W, [0], step=0.0)
