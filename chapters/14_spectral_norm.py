# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What a small spectral norm can express
#
# ```{admonition} In this chapter
# **The question.** The theory asks for $\|W^*\|_2 = O(1)$. Is there anything to learn inside so small a ball?
#
# **What you will see.** The model of equation (1), with nothing but a threshold behind it, tells two handwritten digits
# apart: badly at $W = 0$, where it only weighs the ink, and well for a $W$ of spectral norm 0.6. How well depends on
# how the ball is searched.
#
# **What you need.** The model of [the first chapter](01_model), singular values, and what a gradient step is.
# ```

# %% tags=["parameters"]
dataset: str = "embedded"  # "embedded": 5,000 digits; "full": MNIST's 60,000 + 10,000, downloaded once
digits: list = [0, 1, 3, 4, 9]  # every pair of these is trained in this run
radius: float = 0.6  # the allowed spectral norm of W
steps: int = 3  # steps of the conditional gradient method in this run
loss: str = "logistic"  # of the margin: "logistic", "hinge" or "squared"
margin: float = 0.2  # the margin's unit, in standard deviations of f(x, 0)
seed: int = 0  # of the minibatches
record: bool = False  # train all 45 pairs on full MNIST (6 minutes) and store the result in data/recorded

# %% tags=["hide-input"]
import time
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import checks, verdicts
from src.book import claims, figures, parameters
from src.experiments import datasets, spectral
from src.runs import recorded

parameters.check(
    globals(),
    dataset=("embedded", "full"),
    digits=checks.each(range(10)),
    radius=checks.between(0, 10),
    steps=range(1, 1001),
    loss=tuple(spectral.LOSSES),
    margin=checks.between(0, 100),
    seed=range(2**31),
    record=bool,
)
figures.use()
live_pairs = list(combinations(sorted(set(digits)), 2))
if not live_pairs:
    raise ValueError(f"digits must name at least two different ones, not {digits}")
all_pairs = list(combinations(range(10), 2))

# %% [markdown]
# ## The rule
#
# An image $x$ of 784 pixels goes through
#
# $$
# f(x, W) = \sum_{i=1}^{784} \mathrm{ReLU}\big(\langle e_i + w_i, x\rangle\big)
# $$
#
# and is put into class $A$ if $f(x, W) < T_{A,B}$, else into class $B$. The threshold $T_{A,B}$ is the best one **for
# $W = 0$** and is then kept, whatever $W$ learns (section 5.5 of {cite:t}`li2017convergence`). Which of the two digits is
# called $A$ follows from it: the one with the smaller $f(x, 0)$.
#
# At $W = 0$ the model is a sum over the pixels that are positive. With pixels from 0 to 1 that is the amount of ink. With the
# customary standardisation, $(p/255 - 0.1307)/0.3081$, it is the amount of ink above the average grey, a pixel
# value of 33.3285 out of 255. The best threshold needs no training: sort the values, count the errors of every cut. The pixels are
# whole numbers, so all of this is exact.

# %%
SCALINGS = {  # f(x, 0) of a pixel p = 0 ... 255, up to a factor that moves no error, in whole numbers
    "pixels in [0, 1]": lambda p: p,
    "mean 0.1307, std 0.3081": lambda p: (10_000 * p - 333_285).clamp(min=0),
    "pixels in [−1, 1]": lambda p: (2 * p - 255).clamp(min=0),
}


def errors_at_zero(images, labels):
    """The exact training error at W = 0 of every scaling and pair of digits: [3, 45]."""
    ink = [scale(images.flatten(1).long()).sum(1) for scale in SCALINGS.values()]
    return np.array([[spectral.best_threshold(*datasets.pair(f, labels, *p)).error for p in all_pairs] for f in ink])


images = datasets.mnist(dataset)
at_zero = errors_at_zero(images.train_images, images.train_labels)

# %% [markdown]
# Training needs choices that the paper does not name: a loss, and a way to search the ball $\|W\|_2 \le r$. Here the loss is
# a function of the margin, how far $f(x, W)$ lies on the right side of the threshold, in units of a fraction of
# the standard deviation of $f(x, 0)$. Two ways to stay in the ball are compared.
#
# **Projected SGD**, the obvious one: after some steps, clip the singular values of $W$ at $r$. This is
# the nearest matrix in the ball (in the Frobenius norm), and takes one singular value decomposition.
#
# **Conditional gradient** (Frank and Wolfe): of all matrices in the ball, $-r\,UV^\top$ has the smallest inner product
# with a gradient $G = U S V^\top$. Move $W$ a part of the way there, $2/(t+2)$ at step $t = 0, 1, \dots$, and it never
# leaves the ball. This also takes one decomposition per step, but where a gradient step follows the few largest singular values
# of $G$, this one uses the room that the spectral norm leaves in all directions.

# %% tags=["hide-input"]
FULL = {  # the settings of the recorded run, on full MNIST
    spectral.frank_wolfe: {
        "radii": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
        "steps": 2,
        "batch": 2000,
        "loss": "logistic",
        "margin": 0.2,
    },
    spectral.projected_sgd: {
        "radius": 0.6,
        "step": 0.02,
        "momentum": 0.9,
        "steps": 72,
        "batch": 500,
        "every": 12,
        "loss": "logistic",
        "margin": 0.3,
    },
}
if record:
    full = datasets.mnist("full")
    train_set = datasets.standardised(full.train_images), full.train_labels
    test_set = datasets.standardised(full.test_images), full.test_labels
    arrays = {"pairs": np.array(all_pairs), "at_zero": errors_at_zero(full.train_images, full.train_labels)}
    for method, settings in FULL.items():
        keep = datasets.data_folder() / f"section_5_5_{method.__name__}.pt"
        result = spectral.all_pairs(
            method, train_set, test_set, pairs=all_pairs, seed=seed, checkpoint=keep, progress=True, **settings
        )
        arrays |= {f"{method.__name__}_{name}": values for name, values in result.items()}
    recorded.save(
        "mnist_spectral_norm",
        arrays,
        parameters={method.__name__: settings for method, settings in FULL.items()},
        seeds=[seed],
        device="cpu",
        wall_time=sum(arrays[f"{method.__name__}_seconds"].sum() for method in FULL),
        timing="wall_time is the processor time of training, evaluations left out",
        data="full MNIST, files verified by SHA-256",
    )
recording = recorded.load("mnist_spectral_norm")
stored = recording.arrays
radii = np.array([0.0, *recording.provenance["parameters"]["frank_wolfe"]["radii"]])
at = int(np.flatnonzero(radii == 0.6)[0])

# %%
x, x_test = datasets.standardised(images.train_images), datasets.standardised(images.test_images)


def task(a, b):
    return datasets.pair(x, images.train_labels, a, b), datasets.pair(x_test, images.test_labels, a, b)


def train(a, b):
    generator = torch.Generator().manual_seed(seed)
    options = {"radii": [radius], "steps": steps, "batch": 2000, "loss": loss, "margin": margin}
    return spectral.frank_wolfe(*task(a, b), generator=generator, **options)


live = {pair: train(*pair) for pair in live_pairs}

# %% [markdown]
# ## W = 0: weighing the ink
#
# The paper's two figures for $W = 0$ are a measurement of its unnamed input scaling. This table is exact; the columns of full MNIST
# come from the recording.

# %% tags=["hide-input"]
rows = "\n".join(
    f"| {name} | {100 * stored['at_zero'][k, 0]:.2f} % | {100 * stored['at_zero'][k].mean():.2f} % "
    f"| {100 * at_zero[k, 0]:.2f} % | {100 * at_zero[k].mean():.2f} % |"
    for k, name in enumerate(SCALINGS)
)
matching = [
    name
    for name, errors in zip(SCALINGS, stored["at_zero"], strict=True)
    if round(100 * errors[0]) == 7 and round(100 * errors.mean()) == 34
]
display(
    Markdown(
        "| input scaling | full MNIST, 0 against 1 | full MNIST, mean of 45 pairs "
        f"| {images.name}, 0 against 1 | {images.name}, mean of 45 pairs |\n|---|---|---|---|---|\n{rows}\n"
        "| the paper | 7 % | 34 % | | |\n\n"
        f"Of the three scalings, rounding to the paper's 7 % and 34 % is done by: {', '.join(matching) or 'none'}. {recorded.caption(recording)}"
    )
)

# %% [markdown]
# This fixes the scaling for the rest of the chapter. A third of all images wrong, where guessing would get half: for most pairs
# of digits the amount of ink says next to nothing.

# %% mystnb={"figure": {"caption": "The values $f(x, W)$ of the training images of two digits, for $W = 0$ (left) and for the $W$ that this run trained (right). The dashed line is the threshold, the same on both sides.", "name": "fig-two-digits"}, "image": {"alt": "Two histograms of the model's output, one colour per digit. On the left the two heaps overlap around a dashed line; on the right they lie on the two sides of it."}} tags=["hide-input"]
first = (0, 1) if (0, 1) in live else live_pairs[0]
(inputs, is_second), _ = task(*first)
result = live[first]
fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
for k, ax in enumerate(axes):
    values = spectral.output(inputs, result.W[k])
    bins = np.linspace(values.min(), np.quantile(values, 0.99), 60)
    for digit, chosen, colour in zip(first, (~is_second, is_second), ("blue", "vermillion"), strict=True):
        ax.hist(values[chosen].numpy(), bins, alpha=0.65, color=figures.COLOURS[colour], label=f"digit {digit}")
    ax.axvline(result.threshold.value, color="black", ls="--")
    title = "$W = 0$" if k == 0 else rf"$\|W\|_2 \leq {radius:g}$"
    ax.set(title=f"{title}: {100 * result.train[k]:.1f} % wrong", xlabel="$f(x, W)$")
axes[0].set_ylabel(f"images ({images.name})")
axes[0].legend()
plt.show()

# %% [markdown]
# ## A ball of radius 0.6
#
# Now all pairs. Above the diagonal stand the recorded runs on full MNIST, below it those of this very run.

# %% mystnb={"figure": {"caption": "Training error of every pair of digits, with the threshold that is best for $W = 0$. Above the diagonal: full MNIST, recorded. Below: this run, on the set and the digits that its parameters name (blank: not trained in this run).", "name": "fig-all-pairs"}, "image": {"alt": "Two ten by ten tables of percentages coloured by size. The left one, for zero weights, is between a few and almost fifty per cent; the right one, for trained weights, is far lower nearly everywhere."}} tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10.4, 5.0))
for ax, k, mine, title in (
    (axes[0], 0, dict(zip(all_pairs, at_zero[1], strict=True)), "$W = 0$: the amount of ink"),
    (axes[1], at, {p: r.train[1].item() for p, r in live.items()}, r"trained: $\|W\|_2 \leq 0.6$"),
):
    table = np.full((10, 10), np.nan)
    for (a, b), error in zip(all_pairs, stored["frank_wolfe_train"][:, k], strict=True):
        table[a, b] = 100 * error
    for (a, b), error in mine.items():
        table[b, a] = 100 * error
    if k and radius != 0.6:
        title += rf" (below the diagonal {radius:g})"
    shown = ax.imshow(table, vmin=0, vmax=50)
    for a, b in np.argwhere(np.isfinite(table)):
        ax.text(
            b, a, f"{table[a, b]:.1f}", ha="center", va="center", fontsize=7, color="w" if table[a, b] < 28 else "k"
        )
    ax.set(title=title, xticks=range(10), yticks=range(10), xlabel="digit", ylabel="digit")
    ax.grid(False)
fig.colorbar(shown, ax=axes, label="training error (%)", shrink=0.8)
plt.show()

# %% tags=["hide-input"]
mean = {name: 100 * stored[f"frank_wolfe_{name}"].mean(0) for name in ("train", "refitted", "test")}
sgd = {name: 100 * stored[f"projected_sgd_{name}"] for name in ("train", "refitted", "test")}
own = {k: 100 * np.mean([r.train[k].item() for r in live.values()]) for k in (0, 1)}


def row(name, first, average):
    return f"| {name} | " + " | ".join(f"{v:.2f} %" for v in (*first, *average)) + " |\n"


columns = ("train", "refitted", "test")
fw = [100 * stored[f"frank_wolfe_{name}"] for name in columns]
display(
    Markdown(
        "| full MNIST, recorded | 0 against 1, training | re-fitted threshold | test "
        "| 45 pairs, training | re-fitted threshold | test |\n|---|---|---|---|---|---|---|\n"
        + row("$W = 0$", [v[0, 0] for v in fw], [v[:, 0].mean() for v in fw])
        + row("projected SGD, 0.6", [sgd[c][0, 1] for c in columns], [sgd[c][:, 1].mean() for c in columns])
        + row("conditional gradient, 0.6", [v[0, at] for v in fw], [v[:, at].mean() for v in fw])
        + "| the paper, 0.6 | 1 % | | | 14 % | | |\n\n"
        f"In this run ({images.name}, {len(live)} pairs, {steps} steps, norm at most {radius:g}): "
        f"from {own[0]:.1f} % to {own[1]:.1f} % on average."
    )
)

# %% [markdown]
# The threshold of $W = 0$ serves as well as a re-fitted one: training moves the two classes to its two sides. And the
# distance between the two methods says that the paper's 14 % is no limit of the ball. It is how far one search got.
#
# ## How much norm is needed

# %% mystnb={"figure": {"caption": "Mean error over all 45 pairs on full MNIST against the allowed spectral norm (recorded; conditional gradient, each norm starting from the weights of the smaller one). Shaded: from the second-best to the second-worst tenth of the pairs. Crosses: the paper. Diamond: projected SGD.", "name": "fig-error-against-norm"}, "image": {"alt": "Error in per cent falling from 34 at norm zero to a few per cent at norm one; training, re-fitted and test errors nearly coincide. The paper's crosses lie at 34 per cent for norm zero and 14 per cent for norm 0.6; the curve passes below the second."}} tags=["hide-input"]
fig, ax = plt.subplots()
low, high = np.quantile(100 * stored["frank_wolfe_train"], [0.1, 0.9], axis=0)
ax.fill_between(radii, low, high, color=figures.COLOURS["sky"], alpha=0.25, lw=0)
ax.plot(radii, mean["train"], "o-", label="training, threshold of $W = 0$")
ax.plot(radii, mean["refitted"], "s--", ms=4, label="training, re-fitted threshold")
ax.plot(radii, mean["test"], "^:", ms=5, label="test, threshold of $W = 0$")
ax.plot([0.6], [sgd["train"][:, 1].mean()], "D", color=figures.COLOURS["purple"], label="projected SGD, training")
ax.plot([0, 0.6], [34, 14], "kx", ms=9, mew=2, label="the paper")
ax.set(
    title="Error falls steadily with the allowed norm (mean of 45 pairs, full MNIST)",
    xlabel=r"allowed spectral norm $\|W\|_2$",
    ylabel="error (%)",
    ylim=(0, None),
)
ax.legend()
plt.show()

# %% [markdown]
# ## What W learned
#
# Near an image, $f$ is linear: the pixel $i$ counts with weight $\sum_j (I + W)_{ij} a_j$, where $a_j$ is 1 for the units that
# are on and 0 for the others. The identity gives every bright pixel weight one. The rest, $W a$ with $a$ averaged over the
# images, is what training added: a picture of where ink is rewarded and where it is punished.

# %% mystnb={"figure": {"caption": "Top and middle: the mean images of two digits, the one below the threshold first. Bottom: the weight that $W$ adds to each pixel, $W \\bar a$; red raises the output, blue lowers it.", "name": "fig-learned"}, "image": {"alt": "For each pair of digits three small pictures, one below the other: the mean of the first digit, the mean of the second, and a map in red and blue that is blue where the first digit has its ink and red where only the second has."}} tags=["hide-input"]
drawn = [p for p in ((0, 1), (4, 9), (3, 4)) if p in live] or live_pairs[:3]
fig, axes = plt.subplots(3, len(drawn), figsize=(2.1 * len(drawn) + 1.2, 6.4), squeeze=False)
for column, pair in zip(axes.T, drawn, strict=True):
    (inputs, is_second), _ = task(*pair)
    W, above = live[pair].W[1], is_second == live[pair].threshold.above
    low, high = pair if live[pair].threshold.above else pair[::-1]
    added = W @ ((inputs + inputs @ W) > 0).to(W).mean(0)
    for ax, values, title in (
        (column[0], inputs[~above].mean(0), f"{low}: below $T$"),
        (column[1], inputs[above].mean(0), f"{high}: above $T$"),
    ):
        ax.imshow(values.view(28, 28), cmap="gray_r")
        ax.set_title(title)
    top = added.abs().max()
    column[2].imshow(added.view(28, 28), cmap="RdBu_r", vmin=-top, vmax=top)
    column[2].set_title(rf"$W\bar a$, $\pm${top:.1f}")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
plt.show()

# %% [markdown]
# The two methods fill the ball differently. Projected SGD pushes few singular values to the limit; conditional gradient brings
# most of them near it. Both matrices have the same spectral norm, and very different Frobenius norms.

# %% mystnb={"figure": {"caption": "Singular values of the trained $W$ for one pair of digits, by the two methods (this run; projected SGD takes twenty steps of 200 images for each step of the other).", "name": "fig-singular-values"}, "image": {"alt": "Singular values against their rank. Both curves start at the allowed norm; that of projected SGD drops within a few dozen, that of conditional gradient stays high for hundreds."}} tags=["hide-input"]
hard = (4, 9) if (4, 9) in live else live_pairs[-1]
options = FULL[spectral.projected_sgd] | {"radius": radius, "steps": 20 * steps, "batch": 200}
by_sgd = spectral.projected_sgd(*task(*hard), generator=torch.Generator().manual_seed(seed), **options)
fig, ax = plt.subplots()
for name, result in (("conditional gradient", live[hard]), ("projected SGD", by_sgd)):
    W = result.W[1]
    ax.plot(torch.linalg.svdvals(W), label=rf"{name}: {100 * result.train[1]:.1f} % wrong, $\|W\|_F$ = {W.norm():.1f}")
ax.set(
    title=f"{hard[0]} against {hard[1]}: one spectral norm, two spectra ({images.name})",
    xlabel="rank of the singular value",
    ylabel="singular value",
    xlim=(0, 784),
    ylim=(0, None),
)
ax.legend()
plt.show()

# %% tags=["hide-input"]
start = time.perf_counter()
projected = spectral.project(live[hard].W[1], radius / 2)
one_projection = time.perf_counter() - start
clipped = torch.linalg.matrix_norm(projected, 2).item()
display(
    Markdown(
        f"One projection of a 784 × 784 matrix, a complete singular value decomposition, took {one_projection:.2f} s here "
        f"and returned a spectral norm of {clipped:.6f} where {radius / 2:g} was allowed. In the recorded run "
        f"a pair took {stored['frank_wolfe_seconds'].mean():.1f} s of processor time by conditional gradient (all eight norms) and "
        f"{stored['projected_sgd_seconds'].mean():.1f} s by projected SGD."
    )
)

# %% [markdown]
# ## The verdict

# %% tags=["nbval-check-output"]
zero_01, zero_mean = stored["at_zero"][1, 0], stored["at_zero"][1].mean()
best_01, best_mean = stored["frank_wolfe_train"][0, at], stored["frank_wolfe_train"][:, at].mean()
spread = stored["frank_wolfe_train"][:, at].std(ddof=1)
as_printed = round(100 * zero_01) == 7 and round(100 * zero_mean) == 34
reached = best_01 < 0.015 and best_mean < 0.145 and (stored["frank_wolfe_norm"][:, at] < 0.6001).all()
seen_here = own[1] < own[0] and all(r.norm[1] < radius * 1.0001 for r in live.values())
claims.report(
    "sec-5.5",
    verdict=verdicts.HOLDS if as_printed and reached and seen_here else verdicts.FAILS,
    measured=f"0 against 1: {100 * zero_01:.1f} % → {100 * best_01:.2f} %; mean of 45 pairs: {100 * zero_mean:.1f} % → "
    f"{100 * best_mean:.1f} % (test {mean['test'][at]:.1f} %)",
    spread=f"W = 0 exact; trained: one run per pair, standard deviation over pairs {100 * spread:.1f} points",
    note="Full MNIST, recorded. Inputs standardised with mean 0.1307 and std 0.3081, the scaling that gives the paper's figures for W = 0. "
    f"Trained by conditional gradient; projected SGD reaches {sgd['train'][0, 1]:.2f} % and {sgd['train'][:, 1].mean():.1f} %.",
)

# %% [markdown]
# The paper's conclusion stands, and more strongly than it was put: a ball of norm 0.6 holds classifiers far better than ink.
#
# ## Deviations
#
# - The paper does not name its input scaling; the one used here is inferred from its two figures for $W = 0$.
# - It names neither the loss nor the method by which $\|W\|_2 = 0.6$ was kept. Ours are parameters of this page. The
#   logistic loss counts in units of a fraction of the standard deviation of $f(x, 0)$, which makes it more like the count of
#   errors.
# - One network is trained per pair, with one seed.
# - The recorded curve warm-starts each norm from the smaller one. Two steps per norm are few: the errors are upper
#   bounds of what the ball allows.
# - At its defaults this page trains on the 5,000 digits that come with the book, and only the pairs of five digits.
#   The verdict is that of the recorded run on all of MNIST.
#
# ## Try
#
# - All 45 pairs here: `make run CHAPTER=14 P="digits=[0,1,2,3,4,5,6,7,8,9]"`. It takes about a minute, and the lower triangle
#   fills.
# - The hinge or the squared loss: `make run CHAPTER=14 P="loss=hinge"`. The hinge does about as well; the squared loss also punishes
#   images that are right by far, and does worse.
# - A tenth of the norm: `make run CHAPTER=14 P="radius=0.06"`. Ink with a slight retouch: little is gained.
