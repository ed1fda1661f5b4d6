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
# # The model and its loss
#
# ```{admonition} In this chapter
# :class: note
#
# **The question.** What exactly is learned, how is success measured, and what does the identity link change?
#
# **What you will see.** The loss, an average over all inputs, has a closed form. It agrees with sampling and with 60-digit arithmetic. The identity link does not remove the many
# equivalent minima. It puts the start next to one of them.
#
# **What you need.** Gaussian vectors, matrix norms, and what gradient descent is.
# ```

# %% tags=["parameters"]
d: int = 30  # input dimension of the comparison with samples
samples: int = 100000  # Gaussian inputs per comparison
d_slice: int = 8  # input dimension of the landscape in Figure 2
grid: int = 16  # starts per axis of the plane in Figure 2
starts: int = 25  # random starts per norm and centre in Figure 2
steps: int = 2000  # steps of gradient descent from each start
seed: int = 0  # of every random draw

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(), d=range(3, 201), samples=range(1000, 10**7), d_slice=range(3, 31), grid=range(4, 101),
    starts=range(1, 1001), steps=range(1, 10**5), seed=range(2**31),
)  # fmt: skip

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib.colors import BoundaryNorm, ListedColormap

from src import verdicts
from src.book.typeset import number, power
from src.model import population, weights
from src.theory import basins, closed_form

figures.use()
generator = torch.Generator().manual_seed(seed)
real, aside = {"generator": generator, "dtype": torch.float64}, torch.Generator().manual_seed(seed + 1)

# %% [markdown]
# ## A wire for every unit
#
# Here are two small networks. Both hand an input $x$ to six hidden units. Each unit forms a weighted sum of the input's entries and cuts off what is negative; the output is the sum over the units.
# The second network has one thing more: a wire of weight one from each entry of the input to the unit of the same number. What do the wires change? Let two units exchange their weights (but not their
# wires), in both networks, and compare the outputs before and after on many inputs.

# %%
W = 0.4 / math.sqrt(6) * torch.randn(6, 6, **real)
x = torch.randn(samples, 6, **real)
exchange = basins.exchange_columns(W, x)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7.6, 3.2), width_ratios=[1, 1, 0.8])
nodes = [*range(6)] * 2 + [2.5], [0] * 6 + [1] * 6 + [1.7]
for ax, title, link in ((left, "Vanilla", False), (middle, "With the identity link", True)):
    for i in range(6):
        for j in range(6):
            colour = figures.COLOURS["blue" if W[i, j] > 0 else "orange"]
            ax.plot([i, j], [0, 1], color=colour, lw=8 * abs(W[i, j].item()), alpha=0.8, zorder=1)
        ax.plot([i, i], [0, 1], color="black", lw=4 * link, zorder=2)
        ax.plot([i, 2.5], [1, 1.7], color="0.6", lw=0.8, zorder=0)
    ax.scatter(*nodes, s=90, color="white", ec="black", zorder=3)
    for y, text in ((0, "input $x$"), (1, "ReLU"), (1.7, "sum")):
        ax.text(5.6, y, text, va="center")
    ax.set(title=title, xlim=(-0.5, 8.4))
    ax.axis("off")
changes = [exchange.without_link, exchange.with_link]
bars = right.bar(["vanilla", "with link"], changes, color=[figures.COLOURS["sky"], "0.2"], width=0.6)
right.bar_label(bars, labels=[f"{value:.3f}" for value in changes])
right.grid(visible=False)
right.set(title="Columns exchanged", ylabel="change of the output\n(in its standard deviations)")
figures.show("fig-two-networks", figure)

# %% [markdown]
# ```{glue:figure} fig-two-networks
# :name: fig-two-networks
# :alt: Two drawings of a network with six inputs, six hidden units and a sum. The left one has random weights only; the right one has the same weights and a thick straight line from each input to the unit of the same number. Beside them a bar chart: exchanging two columns changes nothing without the link and changes the output by a visible fraction with it.
#
# Two networks with six inputs, as in the paper's Figure 1, drawn from their weights. Lines join an input to a hidden unit; their width is the size of the weight, blue for
# positive and orange for negative ones. Black lines are the identity link. Right: the same two columns of $W$ are exchanged in both networks, and the root mean square change of
# the output is compared with its standard deviation.
# ```
#
# In {numref}`fig-two-networks` the vanilla network does not notice: two units changed places, and their sum stays what it was. It cannot tell its units apart. With the wires each
# unit has an input of its own, and the same exchange gives another function. This is what the paper means by "asymmetric".
#
# ## A network with one hidden layer
#
# The input [$x$](#notation-n) is a vector of $d$ independent standard normal numbers. The network has $d$ hidden units. Unit $j$ weighs the input with the vector $e_j + w_j$,
# applies $\mathrm{ReLU}(v) = \max(v, 0)$, and the output [$f$](#notation-f) is the sum over all units (equation 1 of {cite:t}`li2017convergence`):
#
# $$
# \begin{aligned}
# f(x, W) &= \sum_{j=1}^d \mathrm{ReLU}\big(\langle e_j + w_j, x \rangle\big) \\
#   &= \big\|\mathrm{ReLU}\big((I + W)^\top x\big)\big\|_1 .
# \end{aligned}
# $$
#
# The columns of the $d \times d$ matrix [$W$](#notation-w) are the vectors $w_j$ that training may change. The $e_j$, the columns of the identity $I$, are fixed: they are the
# **identity link**, which hands $x$ past the weights, as the skips of {cite:t}`he2016deep` do. Without it the same network would read $\|\mathrm{ReLU}(W^\top x)\|_1$; the paper
# calls it *vanilla*.
#
# A vanilla network with the weights $I + W$ is the network with the link. Do the two differ in anything but the start, as one of the paper's reviewers asked {cite:p}`nips2017reviews`? They do not: by
# the chain rule both have the same gradient, so that SGD, from $W_0$ with the link and from $I + W_0$ without it, takes the same steps. Only what refers to the matrix zero tells them apart: how a
# start is drawn, or weight decay, which pulls the one network to the identity and the other to nothing.

# %%
x_sgd = torch.randn(50, 100, 6, generator=aside, dtype=torch.float64)
apart = basins.paths_apart(W, -W.T, x_sgd, eta=0.01)
apart_with_decay = basins.paths_apart(W, -W.T, x_sgd, eta=0.01, decay=0.01)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "fig-1",
    verdict=exchange.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"exchanging two columns of W changes the output by {number(exchange.with_link)} of its standard deviation "
    f"with the link, by {power(exchange.without_link)} without; {len(x_sgd)} steps of SGD from equal functions leave the two networks {power(apart)} apart",
    spread=f"one draw of W, {samples:,} inputs",
    numbers={"with link": exchange.with_link, "apart with weight decay": apart_with_decay},
    note=f"Drawn from the weights of two networks that differ in the link only; with weight decay they come to be {number(apart_with_decay, 2)} apart.",
)

# %% [markdown]
# ## The loss
#
# A **teacher** of the same form, with weights $W^*$, labels the inputs. The **student** is scored by the mean squared difference of the outputs (equation 2):
#
# $$
# L(W) = \mathbb{E}_{x \sim N(0, I)} \big(f(x, W) - f(x, W^*)\big)^2 .
# $$
#
# Write [$a_j$](#notation-columns) $= e_j + w_j$ for the columns of $I + W$ and $b_j = e_j + w^*_j$ for those of $I + W^*$. Multiplying out [$L$](#notation-loss) leaves averages of
# products of two ReLU units, and these are known.
#
# ```{prf:lemma} The arc-cosine kernel
# :label: arc-cosine-kernel
#
# Let $x \sim N(0, I)$ and let [$\theta$](#notation-theta) $\in [0, \pi]$ be the angle between two non-zero vectors $p$ and $a$. Then
#
# $$
# \begin{gathered}
# \mathbb{E}\,\mathrm{ReLU}(p^\top x)\,\mathrm{ReLU}(a^\top x) = \frac{\|p\|\,\|a\|}{2\pi}\, \psi(\theta), \\
# \psi(\theta) = \sin\theta + (\pi - \theta)\cos\theta .
# \end{gathered}
# $$
# ```
#
# This is the kernel of degree one of {cite:t}`cho2009kernel`. It follows from the calculation in the [next chapter](02_population_gradient), by a scalar product with $a$. Three
# cases can be checked in the head: equal vectors give $\psi(0) = \pi$, thus $\|p\|^2 / 2$ (half of the inputs count); opposite ones give $0$ (never both active); orthogonal ones,
# whose units are independent, give $\psi(\pi/2) = 1$, the product of the two averages $\mathbb{E}\,\mathrm{ReLU}(p^\top x) = \|p\| / \sqrt{2\pi}$.
#
# With $\theta_{ij}$ the angle between $a_i$ and $a_j$, $\theta_{i^*j}$ that between $b_i$ and $a_j$, and $\theta_{i^*j^*}$ that between $b_i$ and $b_j$, the loss is
#
# $$
# \begin{aligned}
# L(W) = \frac{1}{2\pi} \sum_{i,\,j} \Big[ & \|a_i\|\,\|a_j\|\, \psi(\theta_{ij}) + \|b_i\|\,\|b_j\|\, \psi(\theta_{i^*j^*}) \\
#   & - 2\, \|b_i\|\,\|a_j\|\, \psi(\theta_{i^*j}) \Big] .
# \end{aligned}
# $$
#
# The paper prints no such formula. No inputs are sampled any more: the loss is a function of lengths and angles. Two doubts remain.
#
# *Is it the right function?* From a teacher we go in one random direction $V$, to distances $\|W - W^*\|_F$ ([Frobenius norm](#notation-norms)) from small to large. At each we draw fresh inputs,
# average $(f - f^*)^2$ with $f^* = f(x, W^*)$, and count how many standard errors lie between the average and the closed form.
#
# *Does it survive the computer?* Near the teacher the sum is a small difference of large terms. `src.model.population` therefore rewrites it in terms of the small quantities
# themselves: $W - W^*$, the differences of the lengths and those of the directions. We compare both versions with the plain sum evaluated to 60 digits, on a corner of the same
# matrices.

# %%
W_star = weights.with_norms(d, 0.3, 0.18 * d**0.5, generator)
V = weights.with_norms(d, 1.0, 0.6 * d**0.5, generator)
V /= V.norm()
far = np.geomspace(1e-3, 10, 9)
sampled = closed_form.against_samples(W_star, V, far, samples, generator)
n = min(d, 10)
corner = V[:n, :n] / V[:n, :n].norm()
near = np.geomspace(1e-7, 1, 8)
digits = closed_form.against_digits(W_star[:n, :n], corner, near)
agreement = closed_form.agreement(sampled, digits)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6))
left.errorbar(sampled.distance, sampled.ratio, yerr=2 * sampled.error, fmt="o", capsize=3, ms=4)
left.axhline(1, color="black", lw=1)
left.set(xscale="log", xlabel=r"distance $\|W - W^*\|_F$", ylabel="sampled / exact loss", title=f"Samples agree ($d = {d}$)")
for values, style, colour, name in (
    (digits.as_written, "o-", "vermillion", "the sum as written"),
    (digits.rewritten, "s-", "blue", "rewritten in small quantities"),
):
    right.loglog(digits.distance, values.clip(1e-17), style, color=figures.COLOURS[colour], label=name)
right.set(xlabel=r"distance $\|W - W^*\|_F$", ylabel="relative error of the loss", title=f"Rewritten, it keeps its digits ($d = {n}$)")
right.legend()
figures.show("fig-loss-checked", figure)

# %% [markdown]
# ```{glue:figure} fig-loss-checked
# :name: fig-loss-checked
# :alt: Left panel: ratios of sampled to exact loss scatter around one within their error bars at every distance. Right panel, both axes logarithmic: the relative error of the plain sum rises steeply as the distance falls; that of the rewritten sum stays many orders of magnitude below it.
#
# Left: the average of $(f - f^*)^2$ over sampled inputs, fresh ones at every distance, divided by the closed form; bars are two standard errors. Right: relative error against
# 60-digit arithmetic. The plain sum loses its digits close to the teacher, the rewritten one keeps them.
# ```
#
# Both doubts are settled by {numref}`fig-loss-checked`. From here on the book computes losses and gradients without inputs, and draws inputs only where the paper's algorithm does.
# (A warning about units: the gradient that the paper prints has another scale. [Chapter 2](02_population_gradient) introduces the [two scales](#notation-r).)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "eq-1-2",
    verdict=agreement.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"closed form against samples: at most {number(agreement.largest_z)} standard errors apart in {agreement.comparisons} comparisons "
    f"({number(agreement.allowed_z)} allowed); relative error of the closed form at most {power(agreement.largest_error)}, from distance {power(closed_form.NEAREST)} up",
    spread=f"{samples:,} inputs per comparison; standard error {100 * sampled.error.min():.2f} to {100 * sampled.error.max():.2f} % of the loss",
    numbers={"largest z": agreement.largest_z, "comparisons": agreement.comparisons},
)

# %% [markdown]
# (permuted-columns)=
# ## Which weights give loss zero?
#
# The sum over units does not care for their order. Let [$P$](#notation-permutation) be a permutation matrix; then $(I + W^*)P$ has the columns of $I + W^*$ in another order, and a
# student with $I + W = (I + W^*) P$ computes the teacher's function. In terms of $W$ it sits at $W = (I + W^*)P - I$. We call it a **copy** of the teacher. There are $d!$ of them,
# and no other minima of height zero:
#
# ```{prf:proposition} The global minima
# :label: global-minima
#
# If $I + W^*$ is invertible, then $L(W) = 0$ exactly where $I + W = (I + W^*) P$ for a permutation matrix $P$.
# ```
#
# ```{prf:proof}
# Zero loss means $f(x, W) = f(x, W^*)$ for all $x$, both being continuous. As $2\,\mathrm{ReLU}(v) = v + |v|$, the odd and the even parts in $x$ say that $\sum_j a_j = \sum_j b_j$
# and $\sum_j |a_j^\top x| = \sum_j |b_j^\top x|$. The right side of the second equation has a crease along each hyperplane $b_j^\top x = 0$. These are $d$ different hyperplanes,
# because the $b_j$ are independent. The left side can have creases only along its own $d$ hyperplanes $a_j^\top x = 0$, so each of these is one of the teacher's, and no two are
# the same. Across a crease the slope changes by twice the column's length; so the columns on both sides are equal up to order and sign. With a minus sign anywhere the first
# equation would say that some of the $b_j$ have the sum zero, but they are independent.
# ```
#
# The paper says that with the link "switching any two columns in $W$" gives another function. Equal columns, as all are at $W = 0$, are an exception, and the only one near the
# identity:
#
# ```{prf:corollary} Which exchanges are noticed
# :label: exchanges
#
# Let $I + W$ be invertible, as it is for $\|W\|_2 < 1$. Exchanging two columns of $W$ changes the function $f$ if and only if they differ.
# ```
#
# ```{prf:proof}
# Let $W'$ be $W$ with $w_i$ and $w_j$ exchanged. If both give one function, $I + W' = (I + W) P$, and as the columns of $I + W$ are independent, $P$ moves none but these two. If
# it leaves them, $w_i = w_j$. If it exchanges them, $e_i + w_j = e_j + w_j$, which is false.
# ```
#
# A search (`basins.switch_columns`) measures by how much: it makes the loss of $W'$ against $W$, over $\|w_i - w_j\|^2$, as small as it can for $\|W\|_2 \le \tfrac12$.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
switch = basins.switch_columns(4, 20, aside)
claims.report(
    "switch-columns",
    verdict=switch.verdict,
    evidence=verdicts.PROVED,
    measured=f"equal columns, W = 0 among them: loss {number(switch.equal, 1)} between the two functions; columns that differ: at least "
    f"{number(switch.different)} ‖w_i − w_j‖² for ‖W‖₂ ≤ 1/2",
    spread=f"the smallest that a search from {switch.starts} starts found",
    numbers={"columns that differ": switch.different},
    note="The correction: any two different columns (where I + W is invertible, as for ‖W‖₂ < 1).",
)

# %% [markdown]
# The copies are there with or without the link. What the link does is to tell them apart by their *place*:
#
# ```{prf:proposition} Where the copies are
# :label: place-of-the-copies
#
# If $P \neq I$, then the student $W = (I + W^*) P - I$ has $\|W\|_2 \ge \sqrt 3 - \|W^*\|_2$.
# ```
#
# ```{prf:proof}
# $W = (P - I) + W^* P$, and $\|W^* P\|_2 = \|W^*\|_2$. On a cycle of $\ell$ columns, $P - I$ is a normal matrix with the eigenvalues $e^{2\pi i k / \ell} - 1$, of modulus
# $2 \sin(\pi k / \ell)$. The largest is $2$ for even $\ell$ and $2 \cos(\pi / 2\ell) \ge 2 \cos(\pi / 6) = \sqrt 3$ for odd $\ell \ge 3$.
# ```
#
# So if $\|W^*\|_2 < \sqrt 3 / 2$, the teacher is the only global minimum with $\|W\|_2 < \sqrt 3 / 2$. {numref}`fig-copies` shows all copies of a small teacher, a corner of the
# one above.

# %%
small = W_star[:6, :6]
orders = basins.all_orders(len(small))
students = basins.permuted(small, orders)
height = population.loss(students, small).abs().max().item()
norm = torch.linalg.matrix_norm(students, 2)
moved = (orders != orders[0]).sum(1)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, ax = plt.subplots(figsize=(7, 3.2))
own = norm[0].item()  # the spectral norm of the teacher's W*
beside = np.random.default_rng(seed).uniform(-0.25, 0.25, len(orders) - 1)
ax.scatter(moved[1:] + beside, norm[1:], s=8, color=figures.COLOURS["sky"])
ax.plot(0, own, "o", color=figures.COLOURS["blue"])
ax.annotate("the teacher", (0, own), xytext=(9, -3), textcoords="offset points", color=figures.COLOURS["blue"])
ax.axhline(math.sqrt(3) - own, color="black", lw=1, ls="--")
ax.annotate(r"$\sqrt{3} - \|W^*\|_2$", (0, math.sqrt(3) - own), xytext=(0, -16), textcoords="offset points")
ax.set(xlabel="columns that are not in their own place", ylabel=r"$\|W\|_2$", ylim=(0, 2.5), title=f"The teacher and its {len(orders) - 1:,} copies ($d = {len(small)}$)")
figures.show("fig-copies", figure)

# %% [markdown]
# ```{glue:figure} fig-copies
# :name: fig-copies
# :alt: A scatter plot. The teacher is a single point with no column moved and a small spectral norm. All copies, with two to six columns moved, lie far above it and above a dashed line.
#
# All students that compute the function of one teacher. Each dot is an order of its columns, moved a little sideways. The dashed line is the bound of
# {prf:ref}`place-of-the-copies`.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
display(Markdown(f"The losses of all {len(orders)} students in the figure are zero to rounding, at most {power(height)}."))

# %% [markdown]
# So the link does not make the minimum unique among all matrices. It makes it the only one among small $W$ ([chapter 3](03_landscape) asks what else there may be), and training
# starts there. A vanilla network that starts at small random weights starts in the middle between all copies.
#
# ## The landscape, as far as a plane can show it
#
# The paper's Figure 2 is a sketch: near the identity it is easy, near the origin $O$ it seems hard, beyond that unknown. Let us compute it, on the plane of all $I + W = c_1 I + c_2 P$ with $P$ the
# cyclic shift of the columns. The plane contains the origin, the identity, and the shifted identity, next to which a copy of the teacher lies. The teacher has a small random $W^*$ and lies slightly
# off the plane. From every point of a grid we run gradient descent with the exact gradient, in all $d^2$ dimensions, and note where it ends. As a plane is a thin slice, we also start at random: the
# same Gaussian noise, once around the identity and once around the origin.

# %%
W_star = weights.with_norms(d_slice, 0.3, 0.18 * d_slice**0.5, generator)
low, high = -1.2, 1.8
centres = (torch.arange(grid, dtype=torch.float64) + 0.5) / grid
on_plane = basins.ends_on_plane(W_star, low + (high - low) * centres, steps)
norms = [0.1, 0.5, 1.0, 1.5]
at_random = basins.ends_at_random(W_star, norms, starts, steps, generator)
sketch = basins.sketch(on_plane, at_random)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
fine = torch.linspace(low, high, 4 * grid + 1, dtype=torch.float64) + 1e-6  # a hair beside the origin
heights = population.loss(basins.plane(fine, fine, d_slice) - torch.eye(d_slice, dtype=torch.float64), W_star)
texts = ["at the teacher", "at its shifted copy", "at another copy", "at rest, loss above zero", "still moving"]
colours = [figures.COLOURS["blue"], figures.COLOURS["sky"], figures.COLOURS["orange"], "#4d4d4d", "#b0b0b0"]
figure, axes = plt.subplot_mosaic([["loss", "end"], ["random", "random"]], figsize=(7.6, 6.8), height_ratios=[1.2, 1])
filled = axes["loss"].contourf(fine, fine, heights.log10().clamp_min(-1.5), levels=16)
figure.colorbar(filled, ax=axes["loss"], label=r"$\log_{10} L$", shrink=0.8)
palette = {"cmap": ListedColormap(colours), "norm": BoundaryNorm(np.arange(-0.5, 5), 5)}
axes["end"].pcolormesh(on_plane.ticks, on_plane.ticks, on_plane.end, **palette)
frame = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85}
for name, title in (("loss", "The loss on a plane"), ("end", "Where descent ends")):
    for place, text in {(0, 0): "O", (1, 0): "I", (0, 1): "P"}.items():
        axes[name].plot(*place, "o", color="white", mec="black", ms=5)
        axes[name].annotate(text, place, xytext=(6, 5), textcoords="offset points", bbox=frame)
    axes[name].set(title=title, xlabel="$c_1$ (of $I$)", ylabel="$c_2$ (of $P$)", aspect="equal")
    axes[name].grid(False)
names = [f"{centre}, {norm}" for norm in at_random.norms for centre in ("I", "O")]
ends = np.stack([at_random.around_identity, at_random.around_origin], 1).reshape(len(names), starts)
bottom = 0
for kind, text, colour in zip(basins.End, texts, colours):
    share = 100 * (ends == kind).mean(1)
    axes["random"].bar(names, share, bottom=bottom, color=colour, label=text)
    bottom += share
axes["random"].set(xlabel="centre, and spectral norm of the noise", ylabel="share (%)", title="Random starts: around I nearly all reach the teacher")
axes["random"].grid(visible=False)
figure.legend(*axes["random"].get_legend_handles_labels(), loc="outside lower center", ncols=3)
figures.show("fig-landscape", figure)

# %% [markdown]
# ```{glue:figure} fig-landscape
# :name: fig-landscape
# :alt: Above left: contours of the loss with two valleys, at the identity and at the shifted identity, and a ridge through the origin. Above right: starts nearer to the identity end at the teacher, starts nearer to the shifted identity at the teacher's shifted copy, and starts with negative coefficients mostly elsewhere. Below: stacked bars; around the identity nearly all random starts reach the teacher, around the origin hardly any.
#
# Above: the exact loss on the plane $I + W = c_1 I + c_2 P$ through the origin O, the identity I and its shifted copy P, and where gradient descent from each point of the plane ends. Below, in the
# same colours: random starts, the same noise around I and around O, at the same dimension.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "fig-2",
    verdict=sketch.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"random starts that reach the teacher: {100 * sketch.near_identity:.0f} % around I (norm up to {basins.NEAR}), "
    f"{100 * sketch.near_origin:.0f} % around O, where {100 * sketch.at_rest:.0f} % come to rest with a loss above zero",
    spread=f"{starts} starts per norm and centre, d = {d_slice}",
    numbers={"near I": sketch.near_identity, "near O": sketch.near_origin, "at rest": sketch.at_rest, "safe radius": sketch.safe_radius},
    note="A plane and random starts of one teacher in a small dimension; the paper draws no particular function.",
)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
easy = at_random.norms[(at_random.around_identity == basins.End.TEACHER).all(1)]
copies, moving = (np.isin(at_random.around_origin, ends).mean() for ends in ([basins.End.SHIFTED, basins.End.OTHER], [basins.End.MOVING]))
display(Markdown(
    f"Random starts around the identity all reach the teacher up to the norms {', '.join(map(str, easy)) or '(none)'}. Around the origin {100 * copies:.0f} % arrive at "
    f"one of its {math.factorial(d_slice) - 1:,} copies, which compute the same function, and {100 * moving:.0f} % are still moving after {steps} steps."
))  # fmt: skip

# %% [markdown]
# Two kinds of failure in {numref}`fig-landscape` must be kept apart. A start that ends at *another copy* has learned the function; it only misses the weights $W^*$ by which the
# paper measures distance. A start that comes *to rest with a loss above zero* has not, and gradient descent has nothing left to follow (its gradient's norm is below $10^{-6}$).
# Such points exist: {cite:t}`safran2018spurious` prove for networks of this kind, with orthonormal teachers of 6 to 20 units, that there are local minima that are not global.
# The sketch is right in that neither failure occurs near the identity, in these runs.
#
# ## Summary
#
# - The network adds $d$ ReLU units with the weights $I + W$; the fixed $I$ is the identity link, and only $W$ is trained.
# - For Gaussian inputs the loss is a sum over pairs of columns of lengths and angles: no sampling is needed, and rewritten in differences it keeps its digits next to the teacher.
# - The global minima are the $d!$ orders of the teacher's columns, with the link and without it.
# - All but one of them have $\|W\|_2 \ge \sqrt 3 - \|W^*\|_2$, so that the link singles out the one near $W = 0$.
# - Descent from near the identity reached the teacher; from near the origin it mostly reached another copy, and in some runs got stuck above zero.
#
# ## Exercises
#
# ```{exercise} The nearest copy
# :label: ex-nearest-copy
#
# Let $W^* = 0$. Which copies of the teacher are nearest to it, measured by $\|W\|_2$, and which measured by $\|W\|_F$? How near?
# ```
#
# ```{solution} ex-nearest-copy
# :class: dropdown
#
# The copies are $W = P - I$. In the spectral norm every cycle counts by itself, and only the largest matters: the nearest copies consist of cycles of three columns, at $\sqrt 3$.
# In the Frobenius norm each column that moves adds $2$ to the square: the nearest copies exchange two columns, at $2$, while a cycle of three is at $\sqrt 6$. A list of all orders
# of five columns (`basins.all_orders(5)`) says the same.
# ```
#
# ```{exercise} Stuck or elsewhere?
# :label: ex-stuck-or-elsewhere
#
# Run the landscape with four units (`make run CHAPTER=01 P="d_slice=4"`). How many of the starts around the origin come to rest with a loss above zero, and how many miss the
# teacher?
# ```
#
# ```{solution} ex-stuck-or-elsewhere
# :class: dropdown
#
# None is stuck, and nearly all miss the teacher: every start around the origin ends with loss zero, at one of the $4! = 24$ orders of the columns. In so small a network the origin
# is hard only in the sense that the teacher itself is not where one ends. The proof of local minima above zero begins at six units.
# ```
#
# ## Try
#
# - `make run CHAPTER=01 P="steps=200"`: a tenth of the patience. Expect most starts around the origin to be still on their way, and those around the identity to be there already.
# - `make run CHAPTER=01 P="samples=1000000"`: expect error bars about a third as long on the left of the loss figure, and the ratio still at one.
