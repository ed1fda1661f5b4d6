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
# **The question.** "Random initialisation is necessary to break symmetry": is that still so when every layer has an
# identity link?
#
# **What you will see.** A deep network with identity links learns handwritten digits from weights that are all zero. Take the
# links away, and zero weights never move: a proof in four lines, and the run that shows it.
#
# **What you need.** Backpropagation, cross-entropy, and [the model](01_model) of this book.
# ```

# %% tags=["parameters"]
dataset: str = "embedded"  # "embedded": 5,000 digits; "full": MNIST's 60,000 + 10,000, downloaded once
runs: int = 3  # seeds, each used for both initialisations
limit: int = 60000  # use at most so many training images
epochs: int = 3  # passes over the training images (the paper does not say)
step: float = 0.1  # step size
batch: int = 256  # images per step
init: str = "uniform"  # the random weights: "uniform" on ±1/√d, or "normal" with variance 1/d
readout: str = "uniform"  # the start of the last layer: "uniform", "normal" or "zero"
bias: bool = False  # whether the blocks have biases
pixels: str = "standardised"  # "standardised" (mean 0.1307, std 0.3081) or "unit" (0 to 1)
device: str = "auto"  # "auto", "cpu" or "cuda"
seed: int = 0  # the first seed
record: bool = False  # store this run and the sensitivity table in data/recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    dataset=("embedded", "full"),
    runs=range(2, 101),
    limit=range(10, 60001),
    epochs=range(1, 1001),
    step=checks.between(0, 10),
    batch=range(1, 60001),
    init=("uniform", "normal"),
    readout=("uniform", "normal", "zero"),
    bias=bool,
    pixels=("standardised", "unit"),
    device=("auto", "cpu", "cuda"),
    seed=range(2**30),
    record=bool,
)

import matplotlib.pyplot as plt
from IPython.display import Markdown, display

from src.experiments import datasets, zero_initialization
from src.runs import recorded

figures.use()
torch_device = checks.device(device)
choices = zero_initialization.Choices(step, batch, init, readout, bias, pixels)
kept = datasets.data_folder() / "runs_5_4" if record else None  # a recorded run can be interrupted and goes on
images = datasets.mnist(dataset)
images = images._replace(train_images=images.train_images[:limit], train_labels=images.train_labels[:limit])
seeds = range(seed, seed + runs)

# %% [markdown]
# ## Zero and random, side by side
#
# A network of five blocks learns to tell ten digits apart, once for every seed from blocks whose weights are all zero, and once from
# random ones. The two runs of a seed share everything else: the last layer's start and the order of the images.

# %%
with_link = zero_initialization.both_starts(
    images, seeds, epochs, choices, device=torch_device, keep=kept
)
if record:
    zero_initialization.record(
        images, seeds, epochs, choices, device=torch_device, keep=kept
    )
recording = recorded.load("mnist_zero_initialization")
unlinked = recorded.load("mnist_without_link")

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
stored = recording.arrays["test_error"]  # [2, seeds, epochs + 1]
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.5))
for ax, errors, title in (
    (axes[0], stored, f"full MNIST, recorded: {stored.shape[1]} seeds"),
    (axes[1], with_link["test_error"], f"{images.name}, this run: {runs} seeds"),
):
    for label, rows, colour, style in zip(("zero", "random"), errors, ("blue", "orange"), ("-", "--"), strict=True):
        for k, row in enumerate(100 * rows):
            ax.plot(row, style, color=figures.COLOURS[colour], alpha=0.8, marker="o", ms=3, label=None if k else label)
    ax.axhline(1.28, color="black", ls=":", lw=1)
    ax.set(title=title, xlabel="epoch", ylabel="test error (%)", yscale="log", ylim=(1, 100))
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ax.xaxis.get_major_locator().set_params(integer=True)
axes[0].legend()
figures.show("fig-zero-or-random", figure)

# %% [markdown]
# ```{glue:figure} fig-zero-or-random
# :name: fig-zero-or-random
# :alt: Two plots of test error against epochs on a logarithmic scale, each with lines for zero and for random initial weights. All fall from about ninety per cent; the lines of the two families lie among each other.
#
# Test error from zero and from random weights, one line per seed. Left: full MNIST, recorded. Right: this run. The dotted line
# is the paper's 1.28 %, after a number of epochs that the paper does not give.
# ```
#
# In {numref}`fig-zero-or-random` the two families of lines can hardly be told apart. What are these networks, and why does
# the one with nothing in it learn?
#
# ## The network
#
# Section 5.4 of {cite:t}`li2017convergence` stacks five blocks like the [model](01_model) of this book: a square matrix of weights, an identity
# link around it, and ReLU. An image of [$d$](#notation-n) $= 784$ pixels becomes
#
# $$
# h_0 = x, \qquad z_k = h_{k-1} + W_k^\top h_{k-1}, \qquad h_k = \mathrm{ReLU}(z_k), \qquad k = 1, \dots, 5,
# $$
#
# and a last layer turns $h_5$ into one number for each class, the *logits* $V^\top h_5 + c$. Each [$W_k$](#notation-w) is a $d \times d$ matrix, $V$ is
# $d \times 10$, and $c$ has ten entries.
# The criterion is cross-entropy, the step size 0.1, the batch 256, and five runs are averaged. Not given are the read-out
# $(V, c)$, biases in the blocks, the scaling of the pixels, the distribution behind "$O(1/\sqrt d)$" and the number of epochs.
# Our choices are the parameters above; [below](sensitivity) each of them is changed in turn.
#
# ## With the links
#
# Errors of networks that were trained from different seeds spread by a tenth of a point and more. The difference of two runs of one
# seed spreads less, and it is what the claim is about. So we take the mean of these differences, with the interval that
# Student's $t$ gives it at 95 %.

# %%
linked = zero_initialization.paired(recording.arrays["test_error"])
here = zero_initialization.paired(with_link["test_error"])

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}


def row(*first, of, digits=2):
    """A row of a table: mean ± standard deviation from both starts, and the difference with its interval."""
    means = (f"{errors.mean():.{digits}f} ± {errors.std(ddof=1):.{digits}f} %" for errors in (of.zero, of.random))
    apart = f"{of.difference:+.{digits}f} ({of.low:+.{digits}f} to {of.high:+.{digits}f})"
    return f"| {' | '.join(map(str, (*first, *means, apart)))} |\n"


stored_epochs = stored.shape[-1] - 1
remaining = 100 * recording.arrays["train_error"][..., -1].mean(1)
display(
    Markdown(
        "| images | epochs | runs | zero | random | difference, 95 % interval |\n|---|---|---|---|---|---|\n"
        + row("full MNIST, recorded", stored_epochs, len(linked.zero), of=linked)
        + row(f"{images.name}, this run", epochs, runs, of=here)
        + "| the paper | ? | 5 | 1.28 % | 1.27 % | +0.01 |\n\n"
        "Test errors after the last epoch, mean ± standard deviation over seeds; the difference, in points, is paired by seed. "
        + recorded.caption(recording)
        + f"\n\nThe recorded run has the paper's five seeds, step and batch. In its last epoch {remaining[0]:.3f} % of the training images are "
        f"wrong from zero, {remaining[1]:.3f} % from random weights: hardly anything is left to learn. Its test errors end "
        f"{linked.zero.mean() - 1.28:+.2f} and {linked.random.mean() - 1.27:+.2f} points from the paper's 1.28 % and 1.27 %."
    )
)

# %% [markdown]
# Where hardly a training image is still wrong, more epochs would not close a distance to the paper's figures; the choices that it does
# not state might. The claim is about the two starts against each other, and these share every choice.
#
# Why zero is no bad start here: at $W_k = 0$ every block passes on $\mathrm{ReLU}(x)$, so each unit sees a pixel
# of its own. The symmetry between units, which random numbers usually have to break, is broken by the link.
#
# ## Without the links
#
# Take the links away, $z_k = W_k^\top h_{k-1}$, and set all $W_k = 0$. Write $\ell$ for the cross-entropy of an image and $p - y$ for its gradient
# in the logits: the predicted probabilities of the classes, less one for the class that is right.
#
# ```{prf:proposition}
# :label: zero-without-links
#
# Without the identity links and with two blocks or more, the gradient at $W_1 = \dots = W_5 = 0$ is zero for every
# $W_k$ and for $V$, whatever $V$ is and whatever value ReLU's derivative is given at zero. It is not zero for the bias $c$ unless
# the predicted class shares are already those of the data.
# ```
#
# ```{prf:proof}
# All $h_k$ with $k \ge 1$ are zero, so $\partial \ell / \partial V = h_5 (p - y)^\top = 0$. Backpropagation gives, entry by entry in ReLU's
# derivative,
#
# $$
# \frac{\partial \ell}{\partial W_k} = h_{k-1} \Big(\frac{\partial \ell}{\partial z_k}\Big)^{\!\top}, \qquad
# \frac{\partial \ell}{\partial z_5} = \mathrm{ReLU}'(z_5) \odot V(p - y), \qquad
# \frac{\partial \ell}{\partial z_k} = \mathrm{ReLU}'(z_k) \odot W_{k+1} \frac{\partial \ell}{\partial z_{k+1}} .
# $$
#
# For $k \ge 2$ the factor $h_{k-1}$ is zero. For $k = 1$ the other factor is, as it contains $W_2 = 0$. Finally
# $\partial \ell / \partial c = p - y$, averaged over the batch.
# ```
#
# After a step the $W_k$ are still zero, and {prf:ref}`zero-without-links` holds again. Only $c$ ever moves: the network learns how frequent the
# classes are and nothing about images. It gives every image one and the same answer. If the blocks have biases that
# start at zero, their gradients are the $\partial \ell / \partial z_k$; these are zero because torch, like most, sets ReLU's derivative at
# zero to zero.
#
# Now the run: first gradients, then a training from zero without links, and beside it one from random weights.

# %%
stuck = zero_initialization.without_links(
    images, seed, epochs, choices, device=torch_device
)
_, unlinked_random = zero_initialization.learn(
    images, "random", seed, epochs, choices, identity=False, device=torch_device
)
without = zero_initialization.paired(unlinked.arrays["test_error"])

# %% [markdown]
# (first-gradients)=

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
inputs, labels = choices.inputs(images.train_images[:256]), images.train_labels[:256]
largest = [
    zero_initialization.first_gradients(inputs, labels, start, seed, choices, identity=identity)
    for identity in (True, False)
    for start in ("zero", "random")
]
names = {"$c$, read-out bias": "readout.bias", "$V$, read-out": "readout.weight"} | {
    f"${symbol}_{k + 1}$": f"blocks.{k}.{kind}" for symbol, kind in (("W", "weight"), ("b", "bias")) for k in (4, 2, 0)
}
display(
    Markdown(
        "| | with link, zero | with link, random | without, zero | without, random |\n|---|---|---|---|---|\n"
        + "\n".join(
            f"| {label} | " + " | ".join(f"{v[name]:.1e}" if v[name] else "**0**" for v in largest) + " |"
            for label, name in names.items()
        )
        + "\n\nLargest entry of the gradient at the start (256 images; blocks with biases $b_k$ here, to show theirs too).\n\n"
        f"After {epochs} epochs without the link from zero, {'a weight of a block has moved' if stuck.weight else 'no weight of a block has moved'}; "
        f"the network takes every test image for {' or '.join(map(str, stuck.answers))}, and is wrong on {stuck.error:.2f} %. "
        f"From random weights the network without the link has {100 * unlinked_random.errors['test'][-1]:.1f} % test error here."
    )
)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
shares = images.train_labels.bincount() / len(images.train_labels)
entropy = -(shares[shares > 0] * shares[shares > 0].log()).sum().item()
linked_loss, unlinked_loss = recording.arrays["train_loss"], unlinked.arrays["train_loss"]  # [2, seeds, epochs + 1]
curves = {  # recorded, of this run, colour, style
    "link, zero": (linked_loss[0], with_link["train_loss"][0, 0], "blue", "-"),
    "link, random": (linked_loss[1], with_link["train_loss"][1, 0], "orange", "--"),
    "no link, random": (unlinked_loss[1], unlinked_random.loss, "green", "-."),
    "no link, zero": (unlinked_loss[0], stuck.loss, "vermillion", "-"),
}
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.5), sharey=True)
for name, (rows, live, colour, style) in curves.items():
    for line in rows:
        axes[0].plot(range(1, len(line)), line[1:], style, lw=1, color=figures.COLOURS[colour])
    axes[1].plot(range(1, len(live)), live[1:], style, marker="o", ms=4, color=figures.COLOURS[colour], label=name)
axes[1].axhline(entropy, color="black", ls=":", lw=1)
axes[0].set(title="Without links, zero stays put: full MNIST", ylabel="training loss (nats)", ylim=(0, None))
axes[1].set(title=f"the same on {images.name}, this run")
for ax in axes:
    ax.set(xlabel="epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
axes[1].legend()
figures.show("fig-without-link", figure)

# %% [markdown]
# ```{glue:figure} fig-without-link
# :name: fig-without-link
# :alt: Two plots of training loss against epochs. On the left the lines with links and the random ones without links fall to nearly nothing; zero without links is a flat line at 2.3. On the right, after a few epochs, the two networks with links have fallen, random without links has hardly begun to, and zero without links stays on the dotted line of a constant answer.
#
# Training loss, a mean over each epoch, from zero and from random weights, with and without the links. Left: full MNIST, recorded, one line per seed. Right: this
# run, first seed. The dotted line is the entropy of this run's class shares, the best that a network can do which ignores the
# image.
# ```
#
# The flat lines of {numref}`fig-without-link` are the network of the proposition; their height is the entropy of the class
# shares. All five seeds of the recorded runs agree:

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
display(
    Markdown(
        "| full MNIST, recorded | zero | random | difference, 95 % interval |\n|---|---|---|---|\n"
        + row("with the link", of=linked)
        + row("without it", of=without)
        + f"\nTest errors after {unlinked.arrays['test_error'].shape[-1] - 1} epochs, mean ± standard deviation over {len(without.zero)} seeds; "
        f"the differences are paired by seed. Without the link: {recorded.caption(unlinked)}"
    )
)

# %% [markdown]
# So zero weights need the links, and random weights do not, at five blocks. What the links are worth to a *deep* network that starts
# from random weights is the subject of [chapter 10](10_identity_mapping).
#
# (sensitivity)=
# ## What the paper leaves open
#
# Does the comparison of zero with random hang on our choices? Each row changes one of them.

# %%
sensitivity = recorded.load("mnist_sensitivity")
variants = {
    name: zero_initialization.paired(errors)
    for name, errors in zip(*sensitivity.arrays.values())
}

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
