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
# # Starting from zero
#
# ```{admonition} In this chapter
# :class: note
#
# **The question.** "Random initialisation is necessary to break symmetry": is that still so when every layer has an identity link?
#
# **What you will see.** A deep network with identity links learns handwritten digits from weights that are all zero. Take the links away, and zero
# weights never move: a proof in four lines, and the run that shows it.
#
# **What you need.** Backpropagation, cross-entropy, and [the model](01_model) of this book.
# ```

# %% tags=["parameters"]
dataset: str = "embedded"  # 5,000 digits; or "full": MNIST, downloaded once
runs: int = 3  # seeds, each used for both initialisations
limit: int = 60000  # use at most so many training images
epochs: int = 2  # passes over the training images (the paper does not say)
step: float = 0.1  # step size
batch: int = 256  # images per step
init: str = "uniform"  # random weights: on ±1/√d; or "normal", variance 1/d
readout: str = "uniform"  # start of the last layer; or "normal", "zero"
bias: bool = False  # whether the blocks have biases
pixels: str = "standardised"  # mean 0.1307, std 0.3081; or "unit": 0 to 1
device: str = "auto"  # or "cpu", "cuda"
seed: int = 0  # the first seed
record: bool = False  # store this run and the variants in data/recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    dataset=("embedded", "full"), runs=range(2, 101), limit=range(10, 60001), epochs=range(1, 1001),
    step=checks.between(0, 10), batch=range(1, 60001), init=("uniform", "normal"), readout=("uniform", "normal", "zero"),
    bias=bool, pixels=("standardised", "unit"), device=("auto", "cpu", "cuda"), seed=range(2**30), record=bool,
)

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book import typeset
from src.experiments import datasets, predictions, zero_start
from src.experiments import zero_initialization as zero
from src.runs import recorded

figures.use()
torch_device = checks.device(device)
choices = zero.Choices(step, batch, init, readout, bias, pixels)
kept = datasets.data_folder() / "runs_5_4" if record else None  # a recorded run can be interrupted and goes on
where = {"device": torch_device, "keep": kept}
seeds = range(seed, seed + runs)

# %% [markdown]
# ## Zero and random, side by side
#
# A network of five blocks learns to tell ten digits apart: for every seed once from blocks whose weights are all zero, and once from random ones. The two runs of a seed share
# everything else: the last layer's start and the order of the images.

# %%
images = datasets.mnist(dataset)
images = images._replace(
    train_images=images.train_images[:limit],
    train_labels=images.train_labels[:limit])
with_link = zero.both_starts(images, seeds, epochs, choices, **where)
if record:
    zero.record(images, seeds, epochs, choices, **where)
recording = recorded.load("mnist_zero_initialization")
unlinked = recorded.load("mnist_without_link")

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
stored = recording.arrays["test_error"]  # [2, seeds, epochs + 1]
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.5))
for ax, errors, title in (
    (axes[0], stored, f"full MNIST, recorded: {stored.shape[1]} seeds"),
    (axes[1], with_link["test_error"], f"{images.name}, this run: {runs} seeds"),
):
    for label, rows, colour, style in zip(("zero", "random"), errors, ("blue", "orange"), ("o-", "s--"), strict=True):
        for k, row in enumerate(100 * rows):
            ax.plot(row, style, color=figures.COLOURS[colour], alpha=0.8, ms=3.5, label=None if k else label)
    ax.legend()
    ax.axhline(zero_start.PAPER[0], color="black", ls=":", lw=1)
    ax.set(title=title, xlabel="epoch", ylabel="test error (%)", yscale="log", ylim=(1, 100))
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ax.xaxis.get_major_locator().set_params(integer=True)
figures.show("fig-zero-or-random", figure)

# %% [markdown]
# ```{glue:figure} fig-zero-or-random
# :name: fig-zero-or-random
# :alt: Two plots of test error against epochs on a logarithmic scale, each with lines for zero and for random initial weights. All fall from about ninety per cent; the lines of the two families lie among each other.
#
# Test error from zero and from random weights, one line per seed. Left: full MNIST, recorded. Right: this run. The dotted line is the paper's 1.28 %,
# after a number of epochs that the paper does not give.
# ```
#
# In {numref}`fig-zero-or-random` the two families of lines can hardly be told apart. What are these networks, and why does the one with nothing in it
# learn?
#
# ## The network
#
# Section 5.4 of {cite:t}`li2017convergence` stacks five blocks like the [model](01_model) of this book: a square matrix of weights, an identity link
# around it, and ReLU. An image of [$d$](#notation-n) $= 784$ pixels becomes
#
# $$
# \begin{aligned}
# h_0 &= x, \\
# z_k &= h_{k-1} + W_k^\top h_{k-1}, \\
# h_k &= \mathrm{ReLU}(z_k), \qquad k = 1, \dots, 5,
# \end{aligned}
# $$
#
# and a last layer turns $h_5$ into one number for each class, the *logits* $V^\top h_5 + c$. Each [$W_k$](#notation-w) is a $d \times d$ matrix, $V$ is
# $d \times 10$, and $c$ has ten entries. The criterion is cross-entropy, the step size 0.1, the batch 256, and five runs are averaged. Not given are the
# read-out $(V, c)$, biases in the blocks, the scaling of the pixels, the distribution behind "$O(1/\sqrt d)$" and the number of epochs. Our choices are
# the parameters above; [below](sensitivity) each of them is changed in turn.
#
# ## With the links
#
# Is zero as good a start as a random one? Errors of networks that were trained from different seeds lie further apart than the paper's two figures. But the claim is about the
# difference between two runs of one seed. So we take the mean of these differences, with the interval that Student's distribution gives it at 95 %. Three comparisons on full MNIST
# are recorded: by plain SGD, with standardised pixels and with pixels from 0 to 1; and by a *recipe* closer to custom: pixels from 0 to 1, momentum 0.9, weight decay $5 \cdot
# 10^{-4}$, and the step divided by ten after half and after three quarters of the run.

# %%
linked = zero_start.paired(recording.arrays["test_error"])
unit = recorded.load("mnist_unit_pixels")
recipe = zero_start.recipe()  # None where it has not been recorded
families = {"plain": recording, "pixels from 0 to 1": unit}
families |= {"the recipe": recipe} if recipe else {}
last = {k: r.arrays["test_error"] for k, r in families.items()}
pairs = {k: zero_start.paired(errors) for k, errors in last.items()}
here = zero_start.paired(with_link["test_error"])

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}


def row(name, of, digits=2):
    """A row of a table: mean ± standard deviation from both starts, and the difference with its interval."""
    means = (f"{errors.mean():.{digits}f} ± {errors.std(ddof=1):.{digits}f}" for errors in (of.zero, of.random))
    return f"| {' | '.join((name, *means, apart(of, digits)))} |\n"


def apart(of, digits=2):
    """The paired difference in points with its interval."""
    return f"{of.difference:+.{digits}f} ({of.low:+.{digits}f} to {of.high:+.{digits}f})".replace("-", "−")


heading = "| {} | zero (%) | random (%) | difference, 95 % interval |\n|---|---|---|---|\n"
stored_epochs = stored.shape[-1] - 1
remaining = {k: 100 * r.arrays["train_error"][..., -1].mean() for k, r in families.items()}
display(
    Markdown(
        heading.format("runs")
        + "".join(row(f"full MNIST, {k}: {len(pairs[k].zero)} seeds, {r.provenance['parameters']['epochs']} epochs", pairs[k]) for k, r in families.items())
        + row(f"{images.name}, this run: {runs} seeds, {epochs} epochs", here)
        + f"| the paper: 5 runs | {zero_start.PAPER[0]} | {zero_start.PAPER[1]} | {zero_start.PAPER[0] - zero_start.PAPER[1]:+.2f} |\n\n"
        "Test errors after the last epoch, mean ± standard deviation over seeds; the difference, in points, is paired by seed.\n\n"
        + "\n".join(f"- {k}: {recorded.caption(r)} Training images still wrong: {remaining[k]:.3f} %." for k, r in families.items())
        + ("" if recipe else "\n\nThe recipe is not recorded in this copy: see the end of this page for the command.")
    )
)

# %% [markdown]
# A run with plain SGD and standardised pixels has hardly a training image left to learn: there, more epochs would not close a distance to the paper's
# figures. With pixels from 0 to 1 plain SGD has not converged, and the interval is so wide that it decides nothing. A seed fixes a run only together with
# the number of threads, which decides the order of additions; recorded runs use one.
#
# Why zero is no bad start here: at $W_k = 0$ every block passes on $\mathrm{ReLU}(x)$, so each unit sees a pixel of its own. The symmetry between units,
# which random numbers usually have to break, is broken by the link.
#
# ## Without the links
#
# Take the links away, $z_k = W_k^\top h_{k-1}$, and set all $W_k = 0$. Write $\ell$ for the cross-entropy of an image and $p - y$ for its gradient in the
# logits: the predicted probabilities of the classes, less one for the class that is right.
#
# ```{prf:proposition}
# :label: zero-without-links
#
# Without the identity links and with two blocks or more, the gradient at $W_1 = \dots = W_5 = 0$ is zero for every $W_k$ and for $V$, whatever $V$ is and
# whatever value ReLU's derivative is given at zero. It is not zero for the bias $c$ unless the predicted class shares are already those of the data.
# ```
#
# ```{prf:proof}
# All $h_k$ with $k \ge 1$ are zero, so $\partial \ell / \partial V = h_5 (p - y)^\top = 0$. Backpropagation gives, entry by entry in ReLU's derivative,
#
# $$
# \begin{aligned}
# \frac{\partial \ell}{\partial W_k} &= h_{k-1} \Big(\frac{\partial \ell}{\partial z_k}\Big)^{\!\top}, \\[0.6em]
# \frac{\partial \ell}{\partial z_5} &= \mathrm{ReLU}'(z_5) \odot V(p - y), \\[0.6em]
# \frac{\partial \ell}{\partial z_k} &= \mathrm{ReLU}'(z_k) \odot W_{k+1} \frac{\partial \ell}{\partial z_{k+1}} .
# \end{aligned}
# $$
#
# For $k \ge 2$ the factor $h_{k-1}$ is zero. For $k = 1$ the other factor is, as it contains $W_2 = 0$. Finally $\partial \ell / \partial c = p - y$,
# averaged over the batch.
# ```
#
# After a step the $W_k$ are still zero, and {prf:ref}`zero-without-links` holds again. Only $c$ ever moves: the network learns how frequent the classes
# are and nothing about images. It gives every image one and the same answer. If the blocks have biases that start at zero, their gradients are the
# $\partial \ell / \partial z_k$; these are zero because torch, like most, sets ReLU's derivative at zero to zero.
#
# (first-gradients)=
# The run shows it: first gradients, then a training from zero without links, and beside it one from random weights. In {numref}`fig-without-link`, see which line stays level.

# %%
on = {"device": torch_device}
stuck = zero_start.without_links(images, seed, epochs, choices, **on)
options = {"identity": False, **on}
_, bare = zero.learn(images, "random", seed, epochs, choices, **options)
without = zero_start.paired(unlinked.arrays["test_error"])

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
inputs, labels = choices.inputs(images.train_images[:256]), images.train_labels[:256]
columns = [(start, identity) for identity in (True, False) for start in ("zero", "random")]
largest = [zero_start.first_gradients(inputs, labels, start, seed, choices, identity=link) for start, link in columns]
kinds = (("W", "weight"), (r"\beta", "bias"))
names = {"$c$": "readout.bias", "$V$": "readout.weight"}
names |= {f"${symbol}_{k + 1}$": f"blocks.{k}.{kind}" for symbol, kind in kinds for k in (4, 2, 0)}
display(
    Markdown(
        "| | link, zero | link, random | none, zero | none, random |\n|---|---|---|---|---|\n"
        + "\n".join(f"| {label} | {' | '.join(f'{v[name]:#.2g}' if v[name] else '**0**' for v in largest)} |" for label, name in names.items())
        + "\n\nLargest entry of the gradient at the start, with the link and with none (256 images; blocks with biases $\\beta_k$ here, to show theirs too).\n\n"
        f"After {epochs} epochs without the link from zero, {'a weight of a block has moved' if stuck.weight else 'no weight of a block has moved'}; "
        f"the network takes every test image for {' or '.join(map(str, stuck.answers))}, and is wrong on {stuck.error:.2f} %. "
        f"From random weights the network without the link has {100 * bare.errors['test'][-1]:.1f} % test error here."
    )
)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
shares = images.train_labels.bincount() / len(images.train_labels)
entropy = -(shares[shares > 0] * shares[shares > 0].log()).sum().item()
linked_loss, unlinked_loss = recording.arrays["train_loss"], unlinked.arrays["train_loss"]  # [2, seeds, epochs + 1]
curves = {  # recorded, of this run, colour, style, marker
    "link, zero": (linked_loss[0], with_link["train_loss"][0, 0], "blue", "-", "o"),
    "link, random": (linked_loss[1], with_link["train_loss"][1, 0], "orange", "--", "s"),
    "no link, random": (unlinked_loss[1], bare.loss, "green", "-.", "^"),
    "no link, zero": (unlinked_loss[0], stuck.loss, "vermillion", ":", "D"),
}
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.5), sharey=True)
for name, (rows, live, colour, style, marker) in curves.items():
    for k, line in enumerate(rows):
        axes[0].plot(range(1, len(line)), line[1:], style, color=figures.COLOURS[colour], label=None if k else name)
    axes[1].plot(range(1, len(live)), live[1:], style, marker=marker, ms=4, color=figures.COLOURS[colour], label=name)
axes[1].axhline(entropy, color="black", ls=":", lw=1)
axes[0].set(title="Without links, zero stays put: full MNIST", ylabel="training loss (nats)", ylim=(0, None))
axes[1].set(title=f"It does so in this run too: {images.name}")
for ax in axes:
    ax.set(xlabel="epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
figures.show("fig-without-link", figure)

# %% [markdown]
# ```{glue:figure} fig-without-link
# :name: fig-without-link
# :alt: Two plots of training loss against epochs. On the left the lines with links and the random ones without links fall to nearly nothing; zero without links is a flat line at 2.3. On the right, after two epochs, the two networks with links have fallen, random without links has hardly begun to, and zero without links stays on the dotted line of a constant answer.
#
# Training loss, a mean over each epoch, from zero and from random weights, with and without the links. Left: full MNIST, recorded, one line per seed.
# Right: this run, first seed. The dotted line is the entropy of this run's class shares, the best that a network can do which ignores the image.
# ```
#
# The flat lines are the network of the proposition; their height is the entropy of the class shares. So zero weights need the links, and random weights do not, at five blocks.
# What the links are worth to a *deep* network that starts from random weights is the subject of [chapter 10](10_identity_mapping).
#
# (sensitivity)=
# ## What the paper leaves open
#
# Does the comparison of zero with random hang on our choices? Each row changes one of them.

# %%
sensitivity = recorded.load("mnist_sensitivity")
variants = zero_start.compared(sensitivity)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
behind = [f"{name} ({pair.behind})" for name, pair in variants.items() if pair.behind]
display(
    Markdown(
        heading.format("changed")
        + "".join(row(name, pair, digits=1) for name, pair in variants.items())
        + f"\nTest error after {sensitivity.provenance['parameters']['epochs']} epochs on the {sensitivity.provenance['images']}, "
        f"mean ± standard deviation of {len(sensitivity.provenance['seeds'])} seeds; the difference, in points, is paired by seed. "
        f"{recorded.caption(sensitivity)}\n\n"
        f"One start falls behind the other, by its 95 % interval, in {len(behind)} of {len(variants)} rows{': ' if behind else ''}{'; '.join(behind)}."
    )
)

# %% [markdown]
# Read the table along its rows: what matters is not the error, which such short runs leave high, but whether one start falls behind the other. With
# several rows of intervals at 95 %, one may miss zero by chance. But there is a reason why zero should be the slower start. Random weights enlarge the
# signal in every block, and with it the first gradients ([above](first-gradients)). That counts where learning is slow, with small pixels or a small
# step; what is left of it on full MNIST, after more than ten times as many steps, is in the first table.
#
# ## What the theorem predicts
#
# The introduction calls this experiment "predicted by our theorem". {prf:ref}`Theorem 3.1 <thm-3-1>` covers the start $W_0 = 0$, as it covers every start
# of a small enough norm, and promises the same for all of them. But its network has one hidden layer, its inputs are Gaussian, its loss is that of a
# teacher, and its weights never leave the ball $\|W\|_2 \le 1/100$. So we compare: one hidden layer within these hypotheses, by the exact flow from zero
# and from random starts; and the weights of the five blocks, once trained.

# %%
network, learnt = zero.learn(images, "zero", seed, epochs, choices, **on)
blocks = torch.stack([block.weight.detach() for block in network.blocks])
generator = torch.Generator().manual_seed(seed)
predicted = predictions.zero_start(100, 3, 35.0, blocks, generator)

# %% [markdown]
# ## The verdicts
#
# Zero counts as *as good* as random where the 95 % interval of the paired difference on full MNIST ends below a quarter of a point, in every recorded
# comparison that has converged.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
level = f"{100 * zero_start.LEVEL:.0f} %"
good = zero_start.AsGood(
    linked, pairs["pixels from 0 to 1"], pairs.get("the recipe"), 100 * learnt.errors["test"][-1].item(), stuck.error
)
claims.report(
    "sec-5.4",
    verdict=good.verdict,
    evidence=verdicts.RECORDED,
    measured=f"zero {linked.zero.mean():.2f} %, random {linked.random.mean():.2f} % test error after {stored_epochs} epochs of full MNIST by plain SGD; difference {apart(linked)} points"
    + (f"; by the recipe {apart(good.recipe)}" if good.recipe else "; the recipe is not recorded"),
    spread=f"{len(linked.zero)} seeds, {level} interval of the paired difference in brackets",
    numbers={"plain": linked.difference, "low": linked.low, "high": linked.high}
    | ({"recipe": good.recipe.difference, "recipe_high": good.recipe.high} if good.recipe else {}),
    note=f"Counted as held where the intervals of the converged runs end below +{good.tolerance} points. With pixels from 0 to 1 plain SGD decides nothing: {apart(good.unit)}, not converged. "
    + (f"In short runs on the {sensitivity.provenance['images']} one start falls behind with: {'; '.join(behind)}." if behind else ""),
)
found = zero_start.errors(pairs.values())
both = [f"{k}: {first:.2f} % and {second:.2f} %" for k, (first, second) in zip(pairs, found.means, strict=True)]
claims.report(
    "sec-5.4-errors",
    verdict=found.verdict,
    evidence=verdicts.RECORDED,
    measured=f"zero and random on full MNIST, {'; '.join(both)}",
    spread=f"standard errors of these means up to {found.standard_errors[0].max():.2f} points (plain)",
    numbers={"apart": found.apart, "moved": found.moved},
    note=f"Missing are epochs, scaling of the pixels, read-out, and whether there was momentum, weight decay or a schedule: our choices move an error by {found.moved:.2f} points, the nearest ends {found.apart:.2f} points from the paper.",
)
dead = zero_start.WithoutLink(without, stuck)
claims.report(
    "sec-5.4-without-link",
    verdict=dead.verdict,
    evidence=verdicts.PROVED,
    measured=f"without the links zero ends at {without.zero.mean():.2f} % test error on full MNIST, random at {without.random.mean():.2f} %; the largest first gradient but that of the last bias is {stuck.gradient:g}",
    spread=f"exact for zero; {len(without.zero)} recorded seeds",
    numbers={"zero": without.zero.mean(), "random": without.random.mean(), "this_run": stuck.error},
    note="Whatever the read-out: only its bias moves.",
)
claims.report(
    "zero-start-predicted",
    verdict=predicted.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"one hidden layer: {typeset.power(predicted.left)} of the distance left from zero, never more than {predicted.behind:.2f} times that from a random start; five blocks: ‖W‖₂ up to {predicted.norm:.2f} after training",
    spread="exact flow; one teacher, three random starts",
    numbers={"left": predicted.left, "behind": predicted.behind, "norm": predicted.norm},
    note="Correction: the theorem predicts it for the network of one hidden layer that it is about. Five blocks on digits are outside it, by their depth and by their weights.",
)

# %% [markdown]
# ## Deviations
#
# - The read-out is a linear layer with a bias; the blocks have none, like the model of equation (1). "Random" is torch's
#   default, uniform on $\pm 1/\sqrt{784}$.
# - At its defaults the page trains on 4,000 digits, tests on 1,000, all of them images of MNIST's training set, and stops early.
#
# ## Summary
#
# - With identity links, five blocks of ReLU learn handwritten digits from zero weights about as well as from random ones; the two
#   differ by less than what the paper leaves open.
# - The link itself breaks the symmetry: at $W_k = 0$ every unit already sees a pixel of its own.
# - Without the links, and with two blocks or more, zero weights have no gradient. Only the last bias moves, and the network gives every
#   image the same answer.
# - Random weights train five blocks without links just as well: it is zero that needs the links.
# - Zero starts more slowly where pixels or steps are small, because random weights enlarge the first gradients; in longer runs this
#   is not seen.
#
# ## Exercises
#
# ```{exercise} One block
# :label: ex-zero-one-block
#
# {prf:ref}`zero-without-links` asks for two blocks or more. What can happen with a single block without a link, at $W_1 = 0$?
# ```
#
# ```{solution} ex-zero-one-block
# :class: dropdown
#
# Now $\partial \ell / \partial W_1 = x\,\big(\mathrm{ReLU}'(0) \odot V(p - y)\big)^{\!\top}$, and no other zero matrix stands in the way. It all hangs on
# a convention: with $\mathrm{ReLU}'(0) = 0$ the block stays dead, with $\mathrm{ReLU}'(0) = 1$ it learns. In torch, `torch.relu` takes the first and
# `x.clamp(min=0)` the second, the same function with another derivative at zero; one backward pass from each shows it. With two blocks both give exactly
# zero.
# ```
#
# ```{exercise} Zero everywhere
# :label: ex-zero-everywhere
#
# Let the read-out start at zero too, $V = 0$, with the links in place. Which weights move in the first step of SGD, which in the second? Does the network
# learn? (`make run CHAPTER=13 P="readout=zero"`)
# ```
#
# ```{solution} ex-zero-everywhere
# :class: dropdown
#
# The gradient reaches the blocks through $V(p - y)$, which is zero; but $\partial \ell / \partial V = h_5 (p - y)^\top$ with $h_5 = \mathrm{ReLU}(x)$ is
# not. So the first step moves $V$ and $c$ alone, and from the second on everything moves. The network learns: in the table of [what the paper leaves
# open](sensitivity) this is a row in which neither start falls behind.
# ```
#
# ## Try
#
# - Train longer: `make run CHAPTER=13 P="epochs=20"`. A few minutes; the two families of curves stay together.
# - The paper's size: `make run CHAPTER=13 P="dataset=full runs=5 epochs=20"`. Half an hour on two cores, less with
#   `device=cuda`.
# - The recipe: `.venv/bin/python -m src.experiments.zero_initialization recipe --seeds 5`. Half an hour or more; it can be interrupted, and
#   what it records is read here.
