"""The recordings of the book: those of a tracked list that no run writes, made with the parameters that the book says,
and true: from each something is computed anew. No test pins what a new recording with the same parameters may change.
"""

import hashlib
import inspect
import json
import math
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import CHAPTERS, SCRIPTS, code_cells

from src.companions import in_context_descent, lazy_training, linear_attention, overparameterization, wide_networks
from src.dynamics import flow
from src.experiments import (
    datasets,
    digit_pairs,
    figure_7,
    search_budget,
    sgd_and_flow,
    table_1,
    zero_initialization,
)
from src.model import landscape, population, weights
from src.runs import recorded
from src.theory import arrivals, critical_points, how_far, only_critical_point, phase_two, search
from src.threads import limited

LIST = Path(__file__).with_name("recordings.txt")  # name, digest of the arrays, digest of the provenance
TRACKED = {name: tuple(digests) for name, *digests in map(str.split, LIST.read_text().splitlines())}
OF_MNIST = [name for name in TRACKED if name in (*zero_initialization.FAMILIES, "mnist_recipe")]
OF_TABLE_1 = [name for name in TRACKED if name.startswith("table_1-")]
OF_FIGURE_8 = [name for name in TRACKED if name.startswith("fig_8b_d")]
TRAIN = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])  # images of each digit in MNIST
TEST = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])


def digests(name):
    provenance = recorded.load(name).provenance
    return provenance["digest"], hashlib.sha256(json.dumps(provenance, sort_keys=True).encode()).hexdigest()


def test_every_recording_is_listed():
    assert {path.stem for path in recorded.FOLDER.glob("*.npz")} == set(TRACKED)


@pytest.mark.parametrize("name", TRACKED)
def test_a_recording_is_the_one_that_was_listed(name):
    assert digests(name) == TRACKED[name], f"{name} has changed: look at it, then put its line into {LIST.name} anew"


# --- Parameters ------------------------------------------------------------------------------------------------------


def chapter(number, paper=True):
    """A chapter's parameters: the defaults, and over them those of its file at the paper's scale."""
    (script,) = (script for script in SCRIPTS if script.stem.startswith(number))
    given = {}
    exec(next(source for source, tags in code_cells(script) if "parameters" in tags), given)
    given.pop("__builtins__")
    at_paper = yaml.safe_load((CHAPTERS / "parameters" / "paper" / f"{script.stem}.yaml").read_text())
    return given | (at_paper if paper else {})


def some(given, *names):
    return {name: given[name] for name in names}


def said(name):
    """(parameters, seeds) that the book says a recording was made with."""
    if name == "theorem_3_3":
        given = chapter("07")
        return some(given, "dims", "gammas", "starts", "steps"), [given["seed"]]
    if name == "how_far":
        given = chapter("09")
        sizes = "dims", "gammas", "runs", "t_end", "search_starts", "search_steps"
        return some(given, *sizes), [given["seed"]]
    if name == "how_far_large":
        return arrivals.LARGE, [chapter("09")["seed"]]
    if name == "fig_7":
        given = chapter("11")
        sizes = "d", "samples", "samples_test", "batch", "eta", "runs", "epochs", "vanilla_runs", "block_epochs", "seed"
        return some(given, *sizes), [given["seed"], *range(given["runs"])]
    if name in OF_FIGURE_8:
        # the file at paper scale, or the dimension in the name with the number of seeds that the chapter tells
        given, d = chapter("12"), int(name.removeprefix("fig_8b_d"))
        seeds = given["seeds"] if d == given["d_scaled"] else 3
        setting = sgd_and_flow.scaled(d, *some(given, "d", "batch", "eta", "t_end").values())
        return setting._asdict() | some(given, "frobenius", "trace"), list(range(given["seed"], given["seed"] + seeds))
    if name in zero_initialization.FAMILIES:
        given, (identity, changed, seeds, epochs) = chapter("13"), zero_initialization.FAMILIES[name]
        parameters = asdict(zero_initialization.Choices()) | {k: given[k] for k in given if k in CHOICES}
        parameters |= changed | {"identity": identity, "epochs": min(given["epochs"], epochs or given["epochs"])}
        return parameters, list(range(given["seed"], given["seed"] + (seeds or given["runs"])))
    if name in OF_TABLE_1:
        # the chapter's defaults are the short recipe; the file at paper scale is He et al.'s
        recipe, network, seed = re.fullmatch(r"table_1-(short|he)-(\w+)-(\d+)", name).groups()
        given = chapter("10", paper=recipe == "he")
        return some(given, *asdict(table_1.RECIPES["he"])) | {"network": network}, [int(seed)]
    if name == "table_1_precision":
        return some(chapter("10"), "depth", "width") | {"epochs": 5}, list(range(12))
    if name == "overparameterization":
        given = chapter("19")
        run = {"n": 1000, "d": 1000, "pace": 0.3, "precision": "float32", "draws": 20, "steps": given["epochs"]}
        return run | some(given, "widths"), list(range(given["seed"], given["seed"] + given["seeds"]))
    if name == "linear_attention":
        given = chapter("22", paper=False)  # the file at paper scale trains longer on the page itself
        return {"n": given["n"], "steps": 800, "batch": 500, "fresh": 400_000}, list(
            range(given["seed"], given["seed"] + 5)
        )
    # What follows has settings of its own, which are no parameters of a chapter.
    if name == "critical_points":
        plan = inspect.signature(critical_points.record).parameters["plan"].default
        return {"sizes": list(critical_points.SIZES), "plan": list(map(list, plan))}, [chapter("03")["seed"]]
    if name == "mnist_recipe":
        recipe = asdict(zero_initialization.RECIPE)
        return recipe | {"identity": True, "epochs": zero_initialization.RECIPE_EPOCHS}, list(range(5))
    if name == "mnist_sensitivity":
        return asdict(zero_initialization.Choices()) | {"identity": True, "epochs": 8}, list(range(5))
    if name == "mnist_spectral_norm":
        return {method.__name__: settings for method, settings in digit_pairs.RECORDED.items()}, [0]
    if name == "certificate_family":
        return {"gamma": 0.38}, [0]  # the largest for which chapter 17 has a certificate
    if name == "mnist_search_budget":
        parameters = {
            search: {**digit_pairs.RECORDED[method], **changed, "steps": list(steps)}
            for search, (method, changed, steps) in search_budget.SEARCHES.items()
        }
        return parameters, [0]
    raise KeyError(f"say here with which parameters {name} was recorded")


CHOICES = set(asdict(zero_initialization.Choices()))
SINCE = {"momentum": 0.0, "weight_decay": 0.0, "schedule": "constant", "identity": None}  # older recordings lack these
BESIDES = {"rows", "dataset", "limit", "evaluation"}  # what a recording may say of itself beside its parameters


@pytest.mark.parametrize("name", TRACKED)
def test_a_recording_was_made_with_the_parameters_that_the_book_says(name):
    provenance = recorded.load(name).provenance
    found, (parameters, seeds) = provenance["parameters"], said(name)
    older = set(SINCE) - set(found) if name.startswith("mnist_") else set()
    assert set(found) - BESIDES == set(parameters) - older
    for key in set(parameters) - older:
        close = pytest.approx(parameters[key], rel=1e-9) if isinstance(parameters[key], float) else parameters[key]
        assert found[key] == close, key
    assert provenance["seeds"] == seeds


def test_table_1_is_trained_by_the_recipe_that_the_chapter_names():
    names = asdict(table_1.RECIPES["he"])
    assert some(chapter("10", paper=False), *names) == asdict(table_1.RECIPES["short"])
    assert some(chapter("10"), *names) == asdict(table_1.RECIPES["he"])


def test_the_chapter_at_paper_scale_trains_as_it_was_recorded():
    """Chapters 13 and 14 are live at the settings of their recordings."""
    assert {k: v for k, v in chapter("13").items() if k in CHOICES}.items() <= asdict(
        zero_initialization.Choices()
    ).items()
    given = chapter("14")
    assert given["radius"] == digit_pairs.RADIUS and given["seed"] == 0
    assert all(
        some(given, "loss", "margin") == some(s, "loss", "margin") for s in list(digit_pairs.RECORDED.values())[:1]
    )


# --- Computed anew: the theory ---------------------------------------------------------------------------------------


def test_theorem_3_3_every_recorded_pair_has_its_ratio():
    """And is allowed; a larger bound on the norms allows more."""
    one = phase_two.Searches.from_arrays(recorded.load("theorem_3_3").arrays)
    assert len(one.kinds) == one.values.shape[-1] and set(one.kinds) <= set(search.KINDS)
    for values, pairs in zip(one.values.min(-1), one.pairs):
        W, W_star = torch.from_numpy(pairs).unbind(1)
        assert search.printed_ratio(W, W_star).numpy() == pytest.approx(values, rel=1e-7)
        norms = torch.linalg.matrix_norm(torch.from_numpy(pairs), 2).amax(1).numpy()
        assert (norms <= one.gammas * (1 + 1e-9)).all() and (landscape.potential(W, W_star) <= 0.1 + 1e-9).all()
        assert (np.diff(values) < 0).all()
    assert (np.diff(one.worst[-1]) < 0).all()


def test_how_far_the_pairs_of_the_first_cell_and_their_ends():
    """The first norm and dimension, drawn and followed as chapter 9 does."""
    stored = recorded.load("how_far")
    one, size = how_far.Map(**stored.arrays), stored.provenance["parameters"]
    assert one.dims.tolist() == size["dims"] and one.gammas.tolist() == size["gammas"]
    found = how_far.cell(size["dims"][0], size["gammas"][0], **some(size, *how_far.SIZE.keys() - {"dims", "gammas"}),
                         seed=stored.provenance["seeds"][0])  # fmt: skip
    assert one.outcomes[:, 0, 0].tolist() == found["outcomes"]
    assert one.first_ratio[:, 0, 0] == pytest.approx(np.array(found["first_ratio"]), rel=1e-3)


def test_critical_points_obey_the_inequalities_that_join_their_numbers():
    """Norms and distances of one point, for every row of every survey; and what is proved of critical points."""
    for name, table in recorded.load("critical_points").arrays.items():
        d, teacher = (kind(x) for kind, x in zip((int, float), re.fullmatch(r"d(\d)_teacher([\d.]+)", name).groups()))
        one, norm = critical_points.Survey(*table), table[1]
        assert one.size.tolist() == [x for x in critical_points.SIZES for _ in range(len(one.size) // 6)]
        assert set(one.converged) <= {0, 1} and (one.loss >= -1e-12).all()
        assert (one.distance >= abs(norm - teacher) - 1e-9).all()
        assert (one.distance <= d**0.5 * (norm + teacher) + 1e-9).all()
        assert (one.loss <= d * one.distance**2 + 1e-9).all()  # (sum of d differences)^2, each at most |m_j x|
        assert (one.least_singular_value >= 1 - norm - 1e-9).all()
        assert (one.least_singular_value <= 1 + norm + 1e-9).all()
        kinds, elsewhere = one.kinds, one.elsewhere
        assert (norm[elsewhere] > only_critical_point.radius(d)).all()
        assert (one.least_singular_value[elsewhere & kinds["permuted teacher"]] >= 1 - teacher - 1e-6).all()
        assert (one.lowest_curvature[one.at_teacher] > 0).all() and one.at_teacher[one.size == 0.1].mean() > 0.9
        if d == 2:
            again = critical_points.survey(d, 3, teacher, torch.Generator().manual_seed(0))
            assert again.at_teacher[again.size == 0.1].all()


# --- Computed anew: the experiments ----------------------------------------------------------------------------------


def test_figure_7_the_starts_and_the_last_weights_have_their_losses_and_distances():
    stored = recorded.load("fig_7")
    p, arrays = stored.provenance["parameters"], stored.arrays
    generator = torch.Generator().manual_seed(p["seed"])
    data = figure_7.draw(p["d"], p["samples"], p["samples_test"], p["runs"], generator)
    assert arrays["reslink_loss"][0] == pytest.approx(population.loss(data.W_start, data.W_star).numpy(), rel=1e-9)
    distance = (data.W_start - data.W_star).norm(dim=(1, 2)).numpy()
    assert arrays["reslink_distance"][0] == pytest.approx(distance, rel=1e-9)
    teachers, W = figure_7.vanilla_teachers(data.W_star), torch.from_numpy(arrays["vanilla_W"]).double()
    assert arrays["vanilla_loss"][-1] == pytest.approx(population.loss(W, teachers[:, None]).numpy(), rel=1e-3)
    last = (W - teachers[:, None]).norm(dim=(-2, -1)).numpy()
    assert arrays["vanilla_distance"][-1] == pytest.approx(last, rel=1e-5)
    start = data.W_start[: p["vanilla_runs"]] - torch.eye(p["d"], dtype=torch.float64)
    first = (start - teachers[:, None]).norm(dim=(-2, -1)).numpy()
    assert arrays["vanilla_distance"][0] == pytest.approx(first, rel=1e-5)
    for kind in ("reslink", "vanilla"):  # errors on 10,000 inputs are samples of the exact loss
        loss, epoch = arrays[f"{kind}_loss"], arrays["epoch"]
        assert arrays[f"{kind}_test"][epoch <= 1] == pytest.approx(loss[epoch <= 1], rel=0.15)
    assert (arrays["epoch"] == arrays["block_epoch"]).all() and arrays["epoch"][-1] == p["epochs"]
    assert (arrays["block_test"] > arrays["block_train"])[arrays["epoch"] > 100].all()


@pytest.mark.parametrize("name", OF_FIGURE_8)
def test_figure_8b_starts_and_flows_as_its_start_says(name):
    """The recorded start is one of a family that differ by a rotation of K only."""
    stored = recorded.load(name)
    p, a = stored.provenance["parameters"], stored.arrays
    W = weights.wrong_way_start(p["d"], p["frobenius"], p["trace"], torch.Generator().manual_seed(1))
    zero = torch.zeros_like(W)
    exact = {"distance": W.norm(), "potential": landscape.potential(W, zero), "loss": population.loss(W, zero)}
    exact["inner"] = landscape.inner_product(W, zero)
    for curve, value in exact.items():
        assert a[f"flow_{curve}"][0] == pytest.approx(value.item(), rel=1e-3), curve
        assert a[curve][0] == pytest.approx(np.full(len(stored.provenance["seeds"]), value.item()), rel=1e-3), curve
    few = np.flatnonzero(a["flow_t"] <= 0.02)
    again = flow.integrate(W, zero, float(a["flow_t"][few[-1]]), rtol=1e-3)
    assert a["flow_distance"][few[-1]] == pytest.approx(again.distance[-1].item(), rel=1e-3)
    assert a["flow_potential"][few[-1]] == pytest.approx(again.potential[-1].item(), rel=2e-2, abs=0.02)
    assert a["t"] == pytest.approx(a["step"] * p["eta"], rel=1e-9) and a["step"][-1] == p["steps"]
    assert a["flow_t"][-1] == pytest.approx(p["steps"] * p["eta"], rel=1e-6)
    assert (np.diff(a["flow_loss"]) < 0).all()  # the flow descends


@pytest.mark.parametrize("name", OF_MNIST)
def test_errors_on_mnist_are_counts_and_below_what_the_loss_allows(name):
    """A wrong answer costs at least ln 2: so the share of them is at most the cross-entropy over ln 2."""
    stored = recorded.load(name)
    a, p = stored.arrays, stored.provenance
    for part, images in (("test", 10_000), ("train", 60_000)):
        counts = images * a[f"{part}_error"]
        assert np.nanmax(abs(counts - np.round(counts))) < 1e-6, part
        assert a[f"{part}_error"].shape == (2, len(p["seeds"]), p["parameters"]["epochs"] + 1)
    assert np.isnan(a["train_loss"][..., 0]).all() and np.isnan(a["train_error"][..., 0]).all()
    assert (a["train_error"][..., 1:] <= a["train_loss"][..., 1:] / math.log(2)).all()
    unlinked_zero = not p["parameters"].get("identity", name != "mnist_without_link")
    if unlinked_zero:  # one answer for all images, the first class before training
        assert np.isin(np.round(10_000 * a["test_error"][0]), 10_000 - TEST).all()
        assert (np.round(10_000 * a["test_error"][0, :, 0]) == 10_000 - TEST[0]).all()
        least = -(TRAIN / TRAIN.sum() * np.log(TRAIN / TRAIN.sum())).sum()  # what one answer for all costs at best
        assert (a["train_loss"][0, :, 1:] >= least).all() and (a["train_loss"][0, :, 1:] < least + 0.01).all()
    else:
        assert (a["train_loss"][..., -1] < 0.7 * a["train_loss"][..., 1]).all()
    assert (abs(a["test_error"][1, :, 0] - 0.9) < 0.08).all()  # an untrained network guesses


def test_sensitivity_a_variant_changes_what_it_names():
    """A zero start knows nothing of how random weights are drawn, no start of the step; and untrained networks."""
    stored = recorded.load("mnist_sensitivity")
    error, names = stored.arrays["test_error"], stored.arrays["variants"].tolist()
    assert names == list(zero_initialization.VARIANTS)
    counts = 1000 * error
    assert abs(counts - np.round(counts)).max() < 1e-9
    by = dict(zip(names, error))
    assert (by["normal, variance 1/d"][0] == by["as chosen"][0]).all()
    assert (by["step 0.03"][..., 0] == by["as chosen"][..., 0]).all()
    assert (by["blocks have biases"][0, :, 0] == by["as chosen"][0, :, 0]).all()
    images, choices = datasets.mnist("embedded"), zero_initialization.Choices()
    few = images._replace(train_images=images.train_images[:256], train_labels=images.train_labels[:256])
    for seed in stored.provenance["seeds"][:2]:
        for k, start in enumerate(("zero", "random")):
            _, record = zero_initialization.learn(few, start, seed, 1, choices)
            assert record.errors["test"][0].item() == pytest.approx(by["as chosen"][k, seed, 0], abs=1.5e-3)


def test_spectral_norm_errors_are_counts_of_the_pairs_images():
    """At W = 0, in every ball and by both searches; and a larger ball never has more errors by much."""
    a = recorded.load("mnist_spectral_norm").arrays
    assert [tuple(pair) for pair in a["pairs"]] == digit_pairs.PAIRS
    images = {"train": TRAIN[a["pairs"]].sum(1), "refitted": TRAIN[a["pairs"]].sum(1), "test": TEST[a["pairs"]].sum(1)}
    for search_name in ("frank_wolfe", "projected_sgd"):
        for part, n in images.items():
            counts = a[f"{search_name}_{part}"] * n[:, None]
            assert abs(counts - np.round(counts)).max() < 1e-6, (search_name, part)
        assert (a[f"{search_name}_train"][:, 0] == a["at_zero"][1]).all()
    assert (a["projected_sgd_norm"][:, -1] <= digit_pairs.RADIUS * (1 + 1e-4)).all()
    assert (np.diff(a["frank_wolfe_train"], axis=1) < 0.01).all()
    embedded = datasets.mnist("embedded")
    few = digit_pairs.errors_at_zero(embedded.train_images, embedded.train_labels)
    assert np.asarray(few).mean(1) == pytest.approx(a["at_zero"].mean(1), abs=0.04)  # the digits are a sample


def test_search_budget_agrees_with_the_other_recording_and_with_its_own_spectra():
    """72 steps of the same search for the same pair were recorded twice."""
    stored, other = recorded.load("mnist_search_budget"), recorded.load("mnist_spectral_norm").arrays
    a, pair = stored.arrays, digit_pairs.PAIRS.index(search_budget.PAIR)
    for part in ("train", "refitted", "test"):
        n = (TEST if part == "test" else TRAIN)[list(search_budget.PAIR)].sum()
        assert abs(a[part] * n - np.round(a[part] * n)).max() < 1e-6
        assert a[part][0, 0] == pytest.approx(other[f"projected_sgd_{part}"][pair, 1], abs=2e-3)
    size = digit_pairs.RADIUS
    assert (a["saturated"] * (0.99 * size) ** 2 <= a["frobenius"] ** 2).all()
    assert (a["frobenius"] ** 2 <= size**2 * 784).all() and (np.diff(a["frobenius"][:2]) > 0).all()
    assert stored.provenance["wall_time"] == pytest.approx(a["seconds"].sum())


@pytest.mark.parametrize("name", OF_TABLE_1)
def test_table_1_errors_are_counts_and_below_what_the_loss_allows(name):
    stored = recorded.load(name)
    a, p = stored.arrays, stored.provenance
    for part, images in (("test", 10_000), ("train", 50_000)):
        counts = images * a[f"{part}_error"]
        assert np.nanmax(abs(counts - np.round(counts))) < 1e-6, part
    assert all(len(curve) == p["parameters"]["epochs"] + 1 for curve in a.values())
    assert np.isnan([a["train_error"][0], a["loss"][0]]).all() and abs(a["test_error"][0] - 0.9) < 0.05
    assert (a["train_error"][1:] <= a["loss"][1:] / math.log(2)).all() and a["loss"][1] < 1.2 * math.log(10)
    falls = np.diff(a["loss"][1:])
    assert (falls < 0).all() if "-short-" in name else falls.sum() < -0.5  # the short recipe's step size falls
    assert a["seconds"][0] == 0 and a["seconds"].sum() <= p["wall_time"] * 1.01
    model = table_1.NETWORKS[p["parameters"]["network"]]
    assert f"-{model.__name__}-{p['seeds'][0]}" in name


def test_precisions_are_counts_and_alike():
    stored = recorded.load("table_1_precision")
    error = stored.arrays["test_error"]
    assert (
        error.shape == (2, len(stored.provenance["seeds"]))
        and (abs(1000 * error - np.round(1000 * error)) < 1e-9).all()
    )
    assert (error > 0).all() and (error < 0.1).all() and abs(np.diff(error.mean(1))) < 0.005


@pytest.mark.stress
def test_one_run_of_each_precision_again():
    from src.experiments import deep

    stored = recorded.load("table_1_precision")
    p = stored.provenance["parameters"]
    with limited(stored.provenance["threads"]):
        for k, precision in enumerate((None, torch.bfloat16)):
            found = deep.learn(2, deep.digits(), 0, **p, precision=precision).errors["test"][-1].item()
            assert found == pytest.approx(stored.arrays["test_error"][k, 0], abs=0.015)


# --- Computed anew: the companions -----------------------------------------------------------------------------------


def test_wide_networks_were_trained_on_the_data_of_their_seeds():
    """The kernel of the first seed's inputs has the recorded least eigenvalue; its largest gave the step."""
    family = wide_networks.Family(**recorded.load("overparameterization").arrays)
    X, y = lazy_training.problem(1000, 1000, torch.Generator().manual_seed(0))
    values = torch.linalg.eigvalsh(overparameterization.kernel(X))
    assert family.lambda_0[0] == pytest.approx(values[0].item(), rel=1e-6)
    assert family.eta[0] == pytest.approx(0.3 / values[-1].item(), rel=1e-6)
    squares = family.curve("squares")
    assert (np.diff(squares, axis=-1) < 0).all()
    expected = (y.square().sum() + len(y) / 2).item()  # E |y - u(0)|^2, with a wide spread where the network is narrow
    assert squares[0, -1, 0] == pytest.approx(expected, rel=0.2)


def test_trained_attention_has_its_recorded_loss_on_other_prompts():
    """And no lower one than the best step of gradient descent."""
    one = linear_attention.recording(20)[1]["isotropic"]
    generator, identity = torch.Generator().manual_seed(9), torch.eye(5, dtype=torch.float64)
    for k in range(2):
        P, Q = (torch.from_numpy(x[k]) for x in (one.P, one.Q))
        X = torch.randn(20_000, 5, 20, generator=generator, dtype=torch.float64)
        w = torch.randn(20_000, 5, generator=generator, dtype=torch.float64)
        found = linear_attention.prompt_loss(P, Q, X, w, identity)
        error = found.std().item() / math.sqrt(len(found))
        assert abs(found.mean().item() - one.losses[k]) < 4 * math.hypot(error, one.errors[k])
    assert (one.losses > in_context_descent.least_of_one(identity, 20) - 4 * one.errors).all()
