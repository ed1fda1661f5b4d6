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
# :class: note
#
# **The question.** The theory asks for $\|W^*\|_2 = O(1)$. Is there anything to learn inside so small a ball?
#
# **What you will see.** The model of equation (1), with nothing but a threshold behind it, tells two handwritten digits apart: badly at $W = 0$, where it
# only weighs the ink, and well for a $W$ of spectral norm 0.6. How well depends on how the ball of such $W$ is searched.
#
# **What you need.** The model of [the first chapter](01_model), singular values, and what a gradient step is.
# ```

# %% tags=["parameters"]
dataset: str = "embedded"  # 5,000 digits; or "full": MNIST, downloaded once
digits: list = [0, 1, 3, 4, 9]  # every pair of these is trained in this run
radius: float = 0.6  # the allowed spectral norm of W
steps: int = 3  # steps of the conditional gradient method in this run
loss: str = "logistic"  # of the margin; or "hinge", "squared"
margin: float = 0.2  # the margin's unit, in standard deviations of f(x, 0)
seed: int = 0  # of the minibatches
record: bool = False  # all 45 pairs on full MNIST: 6 minutes; kept

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    dataset=("embedded", "full"), digits=checks.each(range(10)), radius=checks.between(0, 10), steps=range(1, 1001),
    loss=("logistic", "hinge", "squared"), margin=checks.between(0, 100), seed=range(2**31), record=bool,
)
parameters.require(len(set(digits)) > 1, f"'digits' must name at least two different ones; got {digits}")

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.experiments import datasets, digit_pairs, search_budget, small_ball, spectral
from src.runs import recorded

figures.use()
pairs = list(combinations(sorted(set(digits)), 2))

# %% [markdown]
# ## One number for an image
#
# Two digits are to be told apart by a single number, the output [$f(x, W)$](#notation-f) of the model: one digit below a threshold, the other above. For
# every pair of the digits in this run, a [$W$](#notation-w) is trained inside the ball [$\|W\|_2$](#notation-norms) $\le 0.6$, in a way that [the next
# sections](the-rule) describe.

# %%
images = datasets.mnist(dataset)
sets = digit_pairs.standardised(images)
options = {"steps": steps, "batch": 2000, "loss": loss, "margin": margin}
options["radii"] = [radius]
method = spectral.frank_wolfe
live = digit_pairs.every(method, sets, pairs, seed, **options)
if record:
    kept = datasets.data_folder()
    digit_pairs.record(datasets.mnist("full"), seed, keep=kept)
recording = recorded.load("mnist_spectral_norm")

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
stored, radii, at = recording.arrays, digit_pairs.radii(recording), small_ball.column(recording)
first = (0, 1) if (0, 1) in live else pairs[0]
inputs, is_second = datasets.pair(*sets[0], *first)
trained = live[first]
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
for k, ax in enumerate(axes):
    values = spectral.output(inputs, trained.W[k])
    bins = np.linspace(values.min(), np.quantile(values, 0.99), 60)
    for digit, chosen, colour, hatch in zip(first, (~is_second, is_second), ("blue", "orange"), ("", "////"), strict=True):
        ax.hist(values[chosen].numpy(), bins, alpha=0.65, color=figures.COLOURS[colour], hatch=hatch, label=f"digit {digit}")
    ax.axvline(trained.threshold.value, color="black", ls="--")
    ax.legend()
    title = "$W = 0$" if k == 0 else rf"$\|W\|_2 \leq {radius:g}$"
    ax.set(title=f"{title}: {100 * trained.train[k]:.1f} % wrong", xlabel="$f(x, W)$")
axes[0].set_ylabel(f"images ({images.name})")
figures.show("fig-two-digits", figure)

# %% [markdown]
# ```{glue:figure} fig-two-digits
# :name: fig-two-digits
# :alt: Two histograms of the model's output, one colour per digit. On the left the two heaps overlap around a dashed line; on the right they lie on the two sides of it.
#
# The values $f(x, W)$ of the training images of two digits, for $W = 0$ (left) and for the $W$ that this run trained (right). The dashed line is the
# threshold, the same on both sides.
# ```
#
# Look at the overlap of the two heaps in {numref}`fig-two-digits`: every image on the wrong side of the dashed line is an error. Training has moved the heaps to the two sides of a line that stayed where it was.
#
# (the-rule)=
# ## The rule
#
# An image $x$ of [$d$](#notation-n) $= 784$ pixels goes through
#
# $$
# f(x, W) = \sum_{j=1}^{784} \mathrm{ReLU}\big(\langle e_j + w_j, x\rangle\big) ,
# $$
#
# and is taken for the one digit if $f(x, W)$ is less than a threshold, else for the other. Each pair of digits has its own threshold; it is the best one
# **for $W = 0$** and is then kept, whatever $W$ learns (section 5.5 of {cite:t}`li2017convergence`). Which of the two digits belongs below follows from
# it: the one with the smaller $f(x, 0)$.
#
# At $W = 0$ the model is a sum over the positive pixels. With pixels from 0 to 1 that is the amount of ink. The customary standardisation takes a pixel value $p$ from 0 to 255 to $(p/255 -
# 0.1307)/0.3081$; with it the sum is the amount of ink above the average grey, $p = 33.3285$. The best threshold needs no training: sort the values, count the errors of every cut. The
# pixels are whole numbers, so all of this is exact.
#
# ## W = 0: weighing the ink
#
# How well does ink alone do? The paper gives two numbers for $W = 0$, but not how it scales its pixels, on which they depend. As these errors can be counted exactly, we can turn the question round: which scaling gives the paper's numbers?

# %%
at_zero = digit_pairs.errors_at_zero(images.train_images, images.train_labels)
zero = small_ball.at_zero(recording)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
matching = [name for name, matches in zip(digit_pairs.SCALINGS, zero.matching, strict=True) if matches]
here = 100 * at_zero[1]
display(
    Markdown(
        "| wrong at $W = 0$, full MNIST | 0 against 1 | mean of 45 pairs |\n|---|---|---|\n"
        + "".join(f"| {name} | {row[0]:.2f} % | {row[1]:.2f} % |\n" for name, row in zip(digit_pairs.SCALINGS, zero.errors, strict=True))
        + f"| the paper | {small_ball.AT_ZERO[0]} % | {small_ball.AT_ZERO[1]} % |\n\nThese are exact. Rounding to the paper's 7 % and 34 % is done by: "
        f"{', '.join(matching) or 'none'}. {recorded.caption(recording)} With this scaling the {images.name} give {here[0]:.2f} % and {here.mean():.2f} %."
    )
)

# %% [markdown]
# This fixes the scaling for the rest of the chapter. And it sets the mark: guessing would get half of the images wrong, and for many pairs ink says little more.
#
# ## Two ways to search a ball
#
# Does the ball $\|W\|_2 \le r$ hold something better than ink? To find out one has to search it, and that needs choices that the paper does not name: a loss, and a way to stay in the ball.
# Here the loss is a function of the margin: how far $f(x, W)$ lies on the right side of the threshold, in units of a fraction of the standard deviation of $f(x, 0)$. We compare two ways to
# stay in the ball.
#
# **Projected SGD**, the obvious one: after some steps, clip the singular values of $W$ at $r$. This is the nearest matrix in the ball (in the Frobenius
# norm), and takes one singular value decomposition.
#
# **Conditional gradient**, the method of {cite:t}`frank1956algorithm`: of all matrices in the ball, $-r\,UV^\top$ has the smallest inner product with the
# gradient of a minibatch, [$G_t$](#notation-noise) $= U S V^\top$. Move $W$ a part of the way there,
#
# $$
# W_{t+1} = W_t + \frac{2}{t + 2}\big(-r\,UV^\top - W_t\big)
# $$
#
# at step $t = 0, 1, \dots$, and it never leaves the ball. This, too, takes one decomposition per step. A gradient step moves $W$ furthest along the largest singular directions of $G_t$.
# This one moves equally far along all of them, and so uses the room of the ball from its first step on. (The runs here decompose a running mean of the $G_t$, which is less noisy.)
#
# ## A ball of radius 0.6
#
# Now all pairs. In {numref}`fig-all-pairs` the recorded runs on full MNIST stand above the diagonal, and those of this very run below it; {numref}`fig-two-digits` has shown one pair.
# Compare a cell of the upper table with the same cell of the lower one: dark is a small error.

# %%
result = small_ball.in_ball(recording, live)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(2, 1, figsize=(6.6, 11.2))
for ax, k, mine, title in (
    (axes[0], 0, dict(zip(digit_pairs.PAIRS, at_zero[1], strict=True)), "$W = 0$: the amount of ink"),
    (axes[1], at, {p: r.train[1].item() for p, r in live.items()}, r"Trained, $\|W\|_2 \leq 0.6$"),
):
    table = np.full((10, 10), np.nan)
    for (a, b), error in zip(digit_pairs.PAIRS, stored["frank_wolfe_train"][:, k], strict=True):
        table[a, b] = 100 * error
    for (a, b), error in mine.items():
        table[b, a] = 100 * error
    if k and radius != digit_pairs.RADIUS:
        title += f" (below the diagonal {radius:g})"
    shown = ax.imshow(table, vmin=0, vmax=50)
    for a, b in np.argwhere(np.isfinite(table)):
        ax.text(b, a, f"{table[a, b]:.1f}", ha="center", va="center", fontsize=9, color="w" if table[a, b] < 25 else "k")
    ax.set(title=title, xticks=range(10), yticks=range(10), xlabel="digit", ylabel="digit")
    ax.grid(False)
figure.colorbar(shown, ax=axes, label="training error (%)", shrink=0.5)
figures.show("fig-all-pairs", figure)

# %% [markdown]
# ```{glue:figure} fig-all-pairs
# :name: fig-all-pairs
# :alt: Two ten by ten tables of percentages coloured by size. The upper one, for zero weights, is between a few and almost fifty per cent; the lower one, for trained weights, is far lower nearly everywhere.
#
# Training error of every pair of digits, with the threshold that is best for $W = 0$. Above the diagonals: full MNIST, recorded. Below: this run, on the
# set and the digits that its parameters name (blank: not trained in this run).
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
columns = ("train", "refitted", "test")
ways = {"$W = 0$": ("frank_wolfe", 0), "projected SGD": ("projected_sgd", 1), "conditional gradient": ("frank_wolfe", at)}
errors = {name: [100 * stored[f"{way}_{c}"][:, k] for c in columns] for name, (way, k) in ways.items()}  # [45] each
display(
    Markdown(
        "| wrong (%) | training | re-fitted threshold | test |\n|---|---|---|---|\n"
        + "".join(
            f"| {which}, {name} | " + " | ".join(f"{of(e):.2f}" for e in rows) + " |\n"
            for which, of in (("0 against 1", lambda e: e[0]), ("45 pairs", np.mean))
            for name, rows in errors.items()
        )
        + "\nFull MNIST, recorded; both methods in the ball of radius 0.6, for which the paper has 1 % and 14 %. "
        f"In this run ({images.name}, {len(live)} pairs, {steps} steps, norm at most {radius:g}) the mean training error falls "
        f"from {result.live_zero:.1f} % to {result.live_trained:.1f} %."
    )
)

# %% [markdown]
# Fitting the threshold again, as the second column does, gains something still. And every error is an upper bound on what the ball allows: a longer search may find less. So these numbers,
# and the paper's 14 % with them, say how far a search got.
#
# ## More steps
#
# The two methods above had unequal budgets: projected SGD its few dozen steps of one size, conditional gradient two steps for each of eight balls. For
# one hard pair, each was given more.

# %%
budget = search_budget.find()  # None where it has not been recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
lines, gained = "", errors["conditional gradient"][0].mean() - errors["conditional gradient"][1].mean()
if budget:
    one = budget.arrays
    for k, name in enumerate(one["searches"]):
        for b, n in enumerate(one["steps"][k]):
            lines += f"| {name} | {n:,.0f} | {100 * one['train'][k, b]:.2f} | {100 * one['test'][k, b]:.2f} | {one['saturated'][k, b]:.0f} | {one['frobenius'][k, b]:.1f} | {one['seconds'][k, b]:.1f} |\n"
    lines = (
        f"| {search_budget.PAIR[0]} against {search_budget.PAIR[1]} | steps | training (%) | test (%) | at the limit | $\\lVert W\\rVert_F$ | seconds |\n|---|---|---|---|---|---|---|\n{lines}"
        f"\nFull MNIST, the ball of radius 0.6, each row a run of its own; at the limit: singular values within one per cent of it. {recorded.caption(budget)}\n\n"
    )
else:
    lines = "The comparison is not recorded in this copy: `python -m src.experiments.search_budget` makes it in some minutes.\n\n"
display(Markdown(lines + f"Over all pairs, fitting the threshold again takes {gained:.2f} points off the training error of the recorded conditional gradient."))

# %% [markdown]
# So the comparison of methods is one of budgets. With more steps projected SGD comes near, by bringing more and more singular values to the limit: that
# it follows the few largest directions is in part that it was stopped early. Conditional gradient gets further in fewer steps, and goes on falling too.
#
# ## How much norm is needed
#
# Is 0.6 special? The recorded runs went through eight balls, one inside the other. {numref}`fig-error-against-norm` shows what each of them allows: look for a step in the curves, and at the paper's crosses.

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
mean = {name: 100 * stored[f"frank_wolfe_{name}"].mean(0) for name in columns}
low, high = np.quantile(100 * stored["frank_wolfe_train"], [0.1, 0.9], axis=0)
figure, ax = plt.subplots(figsize=(7.0, 4.0))
ax.fill_between(radii, low, high, color=figures.COLOURS["sky"], alpha=0.25, lw=0)
ax.plot(radii, mean["train"], "o-", label="training, threshold of $W = 0$")
ax.plot(radii, mean["refitted"], "s--", ms=4, label="training, re-fitted threshold")
ax.plot(radii, mean["test"], "^:", ms=5, label="test, threshold of $W = 0$")
ax.plot([0.6], [errors["projected SGD"][0].mean()], "D", color=figures.COLOURS["purple"], label="projected SGD, training")
ax.plot([0, 0.6], [small_ball.AT_ZERO[1], small_ball.TRAINED[1]], "kx", ms=9, mew=2, label="the paper")
ax.set(title="Error falls steadily with the allowed norm (mean of 45 pairs, full MNIST)", ylabel="error (%)", ylim=(0, None))
ax.set_xlabel(r"allowed spectral norm $\|W\|_2$")
ax.legend()
figures.show("fig-error-against-norm", figure)

# %% [markdown]
# ```{glue:figure} fig-error-against-norm
# :name: fig-error-against-norm
# :alt: Error in per cent falling from 34 at norm zero to a few per cent at norm one; training, re-fitted and test errors nearly coincide. The paper's crosses lie at 34 per cent for norm zero and 14 per cent for norm 0.6; the curve passes below the second.
#
# Mean error over all 45 pairs on full MNIST against the allowed spectral norm (recorded; conditional gradient, each norm starting from the weights of the
# smaller one). Shaded: from the second-best to the second-worst tenth of the pairs. Crosses: the paper. Diamond: projected SGD.
# ```
#
# ## What W learned
#
# What has $W$ become? Near an image, $f$ is linear in it. Write $\chi_j = 1$ for the units that the image turns on and $\chi_j = 0$ for the others: the pixel $i$ counts with
# weight $\sum_j (I + W)_{ij}\,\chi_j$. The identity gives every bright pixel weight one. The rest, $W \bar\chi$ with $\chi$ averaged over the images, is
# what training added: a picture of where ink is rewarded and where it is punished.

# %%
drawn = [p for p in ((0, 1), (4, 9), (3, 4)) if p in live] or pairs[:3]
added = digit_pairs.added_weights(sets, live, drawn)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(3, len(drawn), figsize=(2.1 * len(drawn) + 0.7, 6.4), squeeze=False)
for column, pair in zip(axes.T, drawn, strict=True):
    (inputs, is_second), above = datasets.pair(*sets[0], *pair), live[pair].threshold.above
    low, high = pair if above else pair[::-1]
    for ax, chosen, title in (
        (column[0], is_second != above, f"{low}, below"),
        (column[1], is_second == above, f"{high}, above"),
    ):
        ax.imshow(inputs[chosen].mean(0).view(28, 28), cmap="gray_r")
        ax.set_title(title)
    top = added[pair].abs().max()
    column[2].imshow(added[pair].view(28, 28), cmap="RdBu_r", vmin=-top, vmax=top)
    column[2].set_title(rf"$W\bar\chi$, up to ±{top:.1f}")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
figures.show("fig-learned", figure)

# %% [markdown]
# ```{glue:figure} fig-learned
# :name: fig-learned
# :alt: For each pair of digits three small pictures, one below the other: the mean of the first digit, the mean of the second, and a map in red and blue that is blue where the first digit has its ink and red where only the second has.
#
# Top and middle: the mean images of two digits, the one below the threshold first. Bottom: the weight that $W$ adds to each pixel, $W \bar\chi$; red
# raises the output, blue lowers it.
# ```
#
# In the bottom row of {numref}`fig-learned` $W$ draws the difference of two digits. {numref}`fig-singular-values` shows how the two methods fill the ball after so few steps. Projected SGD
# has pushed few singular values to the limit; conditional gradient has brought most of them near it. Both matrices have the same spectral norm, and very different Frobenius norms.

# %%
hard = (4, 9) if (4, 9) in live else pairs[-1]
other = digit_pairs.RECORDED[spectral.projected_sgd] | {"radius": radius}
other |= {"steps": 20 * steps, "batch": 200}
sgd = digit_pairs.train(spectral.projected_sgd, sets, hard, seed, **other)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, ax = plt.subplots()
for name, trained, style in (("conditional gradient", live[hard], "-"), ("projected SGD", sgd, "--")):
    W = trained.W[1]
    label = rf"{name}: {100 * trained.train[1]:.1f} % wrong, $\|W\|_F$ = {W.norm():.1f}"
    ax.plot(torch.linalg.svdvals(W), style, label=label)
ax.set(title=f"{hard[0]} against {hard[1]}: one spectral norm, two spectra ({images.name})", xlim=(0, 784), ylim=(0, None))
ax.set(xlabel="rank of the singular value", ylabel="singular value")
ax.legend()
figures.show("fig-singular-values", figure)

# %% [markdown]
# ```{glue:figure} fig-singular-values
# :name: fig-singular-values
# :alt: Singular values against their rank. Both curves start at the allowed norm; that of projected SGD drops within a few dozen, that of conditional gradient stays high for hundreds.
#
# Singular values of the trained $W$ for one pair of digits, by the two methods (this run; projected SGD takes twenty steps of 200 images for each step of
# the other).
# ```
#
# ## The verdicts
#
# Section 3 looks ahead: "networks with small *average* spectral norm already have good performance", an average over the pairs, which makes
# $\|W^*\|_2 = O(1)$ a reasonable assumption. Beside it we put the norm that the theorem allows, $\|W\|_2 \le 1/100$.

# %%
options |= {"radii": [0.01], "steps": 1}
tiny = digit_pairs.every(method, sets, pairs, seed, **options)
average = small_ball.average_norm(recording, tiny)
reached = small_ball.figures(recording)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "sec-5.5-zero",
    verdict=zero.verdict,
    evidence=verdicts.EXACT,
    measured="0 against 1, and mean of 45 pairs: " + "; ".join(f"{name}: {first:.2f} % and {mean:.2f} %" for name, (first, mean) in zip(digit_pairs.SCALINGS, zero.errors, strict=True)),
    spread="exact",
    numbers={f"{key}_{k}": value for k, row in enumerate(zero.errors) for key, value in zip(("first", "mean"), row)},
    note=f"Full MNIST. The scaling of the pixels is not named; the paper's figures are those of: {', '.join(matching) or 'none'}.",
)
claims.report(
    "sec-5.5",
    verdict=result.verdict,
    evidence=verdicts.RECORDED,
    measured=f"mean of 45 pairs: {result.zero:.1f} % → {result.mean:.1f} % (test {result.test:.1f} %); 0 against 1: {result.first:.2f} %",
    spread=f"one run per pair, standard deviation over pairs {result.spread:.1f} points",
    numbers={"first": result.first, "mean": result.mean, "test": result.test, "norm": result.norm},
    note="Full MNIST, conditional gradient, the threshold of W = 0. The errors are upper bounds of what the ball allows: they confirm the conclusion, not the figures.",
)
searches = ("projected SGD", "conditional gradient")
claims.report(
    "sec-5.5-figures",
    verdict=reached.verdict,
    evidence=verdicts.RECORDED,
    measured="0 against 1, and mean of 45 pairs: " + "; ".join(f"{name}: {first:.2f} % and {mean:.1f} %" for name, (first, mean) in zip(searches, reached.reached, strict=True)),
    spread="one run per pair and method",
    numbers={f"{key}_{k}": value for k, row in enumerate(reached.reached) for key, value in zip(("first", "mean"), row)},
    note="Missing are the loss, the method that kept the norm and its budget; these decide which error is reached. Ours are the logistic loss of the margin and two methods."
    + (f" On one pair alone they range from {100 * one['train'].min():.1f} to {100 * one['train'].max():.1f} %." if budget else ""),
)
claims.report(
    "small-average-norm",
    verdict=average.verdict,
    evidence=verdicts.RECORDED,
    measured=f"mean ‖W‖₂ over the pairs {average.norm:.2f}: training error {average.train:.1f} %, test error {average.test:.1f} %",
    spread="45 pairs of full MNIST, one run each",
    numbers={"norm": average.norm, "train": average.train, "test": average.test},
    note=f"Small means below the norm of the identity. In the theorem's ball, ‖W‖₂ ≤ 1/100, the {len(pairs)} pairs of this run go from {average.tiny_zero:.1f} % to {average.tiny:.1f} % only.",
)

# %% [markdown]
# The paper's conclusion stands, and more strongly than it was put: a ball of norm 0.6 holds classifiers far better than ink.
#
# ## Deviations
#
# - The logistic loss counts in units of a fraction of the standard deviation of $f(x, 0)$, which makes it more like the count of errors.
# - At its defaults this page trains on the 5,000 digits that come with the book, and only the pairs of five digits.
#   The verdicts are those of the recorded run on all of MNIST.
#
# ## Summary
#
# - At $W = 0$ the model weighs ink, and the paper's 7 % and 34 % identify its input scaling: the customary standardisation.
# - A ball of spectral norm 0.6 holds classifiers that do better than the paper's 1 % and 14 %, with a threshold that was never re-fitted.
# - How well depends on the search and its budget: conditional gradient, which uses all singular directions alike, needs fewer steps than projected SGD.
# - The error falls steadily with the allowed norm, and the test error follows the training error.
# - What $W$ learns can be seen: it rewards ink where the one digit has it, and punishes it where the other has.
#
# ## Exercises
#
# ```{exercise} Is 0.6 small?
# :label: ex-spectral-small
#
# Show that $f(x, W)$ and $f(x, 0)$ differ by at most $\sqrt d\,\|W\|_2\,\|x\|$. Is this much or little beside $f(x, 0)$, for a standardised image and
# $\|W\|_2 = 0.6$?
# ```
#
# ```{solution} ex-spectral-small
# :class: dropdown
#
# ReLU moves no further than its argument, so the difference is at most the sum of the $d$ entries of $|W^\top x|$, which is at most
# $\sqrt d\,\|W^\top x\|$. Standardised pixels have a mean square of about one, hence $\|x\| \approx \sqrt d = 28$ and the bound is about $0.6\,d$. But
# $f(x, 0)$ sums the positive parts only: on the 4,000 digits of this page the bound is 1.8 times $f(x, 0)$ on average. And
# $W = 0.6\,\bar x\,u^\top/\sqrt d$, of rank one with $\bar x = x / \|x\|$ and [$u$](#notation-u) all ones, moves $f$ by two fifths of the bound, on
# average. A matrix of norm 0.6 is no small change of this $f$, which sums over all units.
# ```
#
# ```{exercise} The first step
# :label: ex-spectral-first-step
#
# Which singular values has $W$ after the first step of conditional gradient, at $t = 0$? Why can no later step leave the ball?
# ```
#
# ```{solution} ex-spectral-first-step
# :class: dropdown
#
# The first fraction is $2/2 = 1$: $W_1 = -r\,UV^\top$, all of whose singular values are $r$, as many as the gradient has that are not zero. From then on
# $W_{t+1}$ is a mean of $W_t$ and a matrix of spectral norm $r$, with weights that sum to one, and a ball is convex. A run with `steps=1` has
# $\|W\|_F = r\sqrt{\operatorname{rank} W}$, the largest that the ball allows at this rank.
# ```
#
# ## Try
#
# - All 45 pairs here: `make run CHAPTER=14 P="digits=[0,1,2,3,4,5,6,7,8,9]"`. It takes about a minute, and the lower triangles
#   fill.
# - The hinge or the squared loss: `make run CHAPTER=14 P="loss=hinge"`. The hinge does about as well; the squared loss also punishes
#   images that are right by far, and does worse.
# - A tenth of the norm: `make run CHAPTER=14 P="radius=0.06"`. Ink with a slight retouch: little is gained.
