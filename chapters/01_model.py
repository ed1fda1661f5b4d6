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
# **The question.** What exactly is learned, how is success measured, and what does the identity link change?
#
# **What you will see.** The loss, an average over all inputs, has a closed form. It agrees with sampling and with
# 60-digit arithmetic. The identity link does not remove the many equivalent minima. It puts the start next to one of them.
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

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib.colors import BoundaryNorm, ListedColormap
from scipy import stats

from src import verdicts
from src.book import claims, figures, parameters
from src.model import population, weights

parameters.check(
    globals(),
    d=range(2, 201),
    samples=range(1000, 10**7),
    d_slice=range(2, 31),
    grid=range(4, 101),
    starts=range(1, 1001),
    steps=range(1, 10**5),
    seed=range(2**31),
)
figures.use()
generator = torch.Generator().manual_seed(seed)

# %% [markdown]
# ## A network with one hidden layer
#
# The input $x$ is a vector of $d$ independent standard normal numbers. The network has $d$ hidden units. Unit $i$
# weighs the input with the vector $e_i + w_i$, applies $\mathrm{ReLU}(v) = \max(v, 0)$, and the output is the sum over all
# units (equation 1 of {cite:t}`li2017convergence`):
#
# $$
# f(x, W) = \sum_{i=1}^d \mathrm{ReLU}\big(\langle e_i + w_i, x \rangle\big) = \big\|\mathrm{ReLU}\big((I + W)^\top x\big)\big\|_1 .
# $$
#
# The columns of $W$ are the vectors $w_i$ that training may change. The $e_i$, the columns of the identity $I$, are
# fixed: they are the **identity link**, which hands $x$ past the weights, as the skip connections of
# {cite:t}`he2016deep` do. Without it the same network would read $\|\mathrm{ReLU}(W^\top x)\|_1$; the paper calls it *vanilla*.


# %%
def network(x, A):
    """The sum of ReLU units with weights A [d, d], one per column, for inputs x [n, d]."""
    return (x @ A).relu().sum(-1)


# %% mystnb={"figure": {"caption": "Figure 1 of the paper, drawn from the weights of two networks with six inputs. Lines join an input to a hidden unit; their width is the size of the weight, blue for positive and orange for negative ones. Black lines are the identity link. Right: the same two columns of $W$ are exchanged in both networks, and the root mean square change of the output is compared with its standard deviation.", "name": "fig-two-networks"}, "image": {"alt": "Two drawings of a network with six inputs, six hidden units and a sum. The left one has random weights only; the right one has the same weights and a thick straight line from each input to the unit of the same number. Beside them a bar chart: exchanging two columns changes nothing without the link and changes the output by a visible fraction with it."}} tags=["hide-input"]
n_drawn = 6
eye = torch.eye(n_drawn, dtype=torch.float64)
W = 0.4 / n_drawn**0.5 * torch.randn(n_drawn, n_drawn, generator=generator, dtype=torch.float64)
x = torch.randn(samples, n_drawn, generator=generator, dtype=torch.float64)
swap = [1, 0, *range(2, n_drawn)]

link_error = ((x @ W + x).relu().sum(-1) - network(x, eye + W)).abs().max().item()
change = {
    name: (
        (network(x, link + W[:, swap]) - network(x, link + W)).square().mean().sqrt() / network(x, link + W).std()
    ).item()
    for name, link in (("vanilla", 0 * eye), ("identity link", eye))
}

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.4), width_ratios=[1, 1, 0.8])
sign_colour = {True: figures.COLOURS["blue"], False: figures.COLOURS["orange"]}
for ax, title, link in ((left, "vanilla: ReLU$(W^T x)$", False), (middle, "with link: ReLU$((I+W)^T x)$", True)):
    for i in range(n_drawn):
        for j in range(n_drawn):
            w = W[i, j].item()
            ax.plot([i, j], [0, 1], color=sign_colour[w > 0], lw=8 * abs(w), alpha=0.8, zorder=1)
        if link:
            ax.plot([i, i], [0, 1], color="black", lw=4, zorder=2)
        ax.plot([i, 2.5], [1, 1.7], color="0.6", lw=0.8, zorder=0)
    ax.scatter(
        [*range(n_drawn)] * 2 + [2.5], [0] * n_drawn + [1] * n_drawn + [1.7], s=110, color="white", ec="black", zorder=3
    )
    for y, text in ((0, "input $x$"), (1, "ReLU"), (1.7, "sum")):
        ax.text(5.5, y, text, va="center")
    ax.set(title=title, xlim=(-0.5, 7.6))
    ax.axis("off")
bars = right.bar(change.keys(), change.values(), color=[figures.COLOURS["sky"], "black"], width=0.6)
right.bar_label(bars, fmt="%.2g")
right.grid(axis="x", visible=False)
right.set(title="Exchanging two columns of $W$", ylabel="change of the output (its std)")
plt.show()

# %% [markdown]
# Exchange two columns of $W$. In the vanilla network two units exchange places, and their sum stays what it was: the
# network cannot tell its units apart, and $W$ is one of $d!$ weight matrices that give the same function. With the link each
# unit has an input of its own, and the same exchange gives another function. This is what the paper means by
# "asymmetric".

# %% tags=["nbval-check-output"]
same_network = link_error < 1e-12
symmetric_without, asymmetric_with = change["vanilla"] < 1e-12, change["identity link"] > 1e-3
claims.report(
    "fig-1",
    verdict=verdicts.ILLUSTRATED if same_network and symmetric_without and asymmetric_with else verdicts.FAILS,
    measured=f"exchanging two columns of W changes the output by {change['identity link']:.3f} of its standard deviation "
    f"with the link, by {change['vanilla']:.0e} without",
    spread=f"one draw of W, {samples} inputs",
    note="Drawn from the weights of two networks that differ in the link only.",
)

# %% [markdown]
# ## The loss
#
# A **teacher** of the same form, with weights $W^*$, labels the inputs. The **student** is scored by the mean squared
# difference of the outputs (equation 2):
#
# $$
# L(W) = \mathbb{E}_{x \sim N(0, I)} \big(f(x, W) - f(x, W^*)\big)^2 .
# $$
#
# Write $a_i = e_i + w_i$ for the columns of $I + W$ and $b_i = e_i + w^*_i$ for those of $I + W^*$. Multiplying out leaves
# averages of products of two ReLU units, and these are known.
#
# ```{prf:lemma} The arc-cosine kernel
# :label: arc-cosine-kernel
# Let $x \sim N(0, I)$ and let $\theta \in [0, \pi]$ be the angle between two non-zero vectors $p$ and $q$. Then
#
# $$
# \mathbb{E}\,\mathrm{ReLU}(p^\top x)\,\mathrm{ReLU}(q^\top x) = \frac{\|p\|\|q\|}{2\pi}\, h(\theta),
# \qquad h(\theta) = \sin\theta + (\pi - \theta)\cos\theta .
# $$
# ```
#
# This is the kernel of degree one of {cite:t}`cho2009kernel`. It follows from the calculation in the
# [next chapter](02_population_gradient), by a scalar product with $q$. Three cases can be checked in the head:
# equal vectors give $h(0) = \pi$, thus $\|p\|^2 / 2$ (half of the inputs count); opposite ones give $0$ (never both
# active); orthogonal ones give $h(\pi/2) = 1$, the square of $\mathbb{E}\,\mathrm{ReLU} = 1/\sqrt{2\pi}$.
#
# With a sign $+$ for every column of the student and $-$ for every column of the teacher, the loss is one sum over
# all pairs out of the $2d$ columns:
#
# $$
# L(W) = \frac{1}{2\pi} \sum_{p,\,q} \pm \|p\|\|q\|\, h(\theta_{pq}) .
# $$


# %%
def loss_as_written(W, W_star):
    """The sum over pairs of columns, term by term."""
    eye = torch.eye(len(W), dtype=W.dtype)
    columns = torch.cat([eye + W, eye + W_star], dim=1)
    signed_norm = columns.norm(dim=0) * torch.tensor([1.0] * len(W) + [-1.0] * len(W), dtype=W.dtype)
    unit = columns / columns.norm(dim=0)
    theta = (unit.T @ unit).clamp(-1, 1).acos()
    return signed_norm @ (theta.sin() + (math.pi - theta) * theta.cos()) @ signed_norm / (2 * math.pi)


# %% [markdown]
# No inputs are sampled any more: the loss is a function of lengths and angles. Two doubts remain.
#
# *Is it the right function?* We draw pairs of weights at distances $\|W - W^*\|_F$ from small to large and fresh inputs for each pair, average
# $(f - f^*)^2$, and count how many standard errors lie between the average and the closed form.
#
# *Does it survive the computer?* Near the teacher the sum is a small difference of large terms. `src.model.population` therefore rewrites it
# in terms of the small quantities themselves: $W - W^*$, the differences of the lengths and those of the directions. We compare both versions
# with the plain sum evaluated to 60 digits.


# %% tags=["hide-input"]
def loss_in_60_digits(W, W_star):
    with mpmath.workdps(60):
        n, columns = len(W), []
        for V in (W, W_star):
            columns += [[mpmath.mpf(V[k, j].item()) + (k == j) for k in range(n)] for j in range(n)]
        norms = [mpmath.sqrt(mpmath.fdot(c, c)) for c in columns]
        total = mpmath.mpf(0)
        for p in range(2 * n):
            for q in range(p + 1):
                cos = min(1, mpmath.fdot(columns[p], columns[q]) / (norms[p] * norms[q])) if p != q else mpmath.mpf(1)
                theta = mpmath.acos(cos)
                h = mpmath.sin(theta) + (mpmath.pi - theta) * cos
                total += (1 if p == q else 2) * (1 if (p < n) == (q < n) else -1) * norms[p] * norms[q] * h
        return float(total / (2 * mpmath.pi))


W_star = weights.with_norms(d, 0.3, 0.6 * 0.3 * d**0.5, generator)
direction = weights.with_norms(d, 1.0, 0.6 * d**0.5, generator)
direction /= direction.norm()
eye = torch.eye(d, dtype=torch.float64)

sampled_distances, ratio, error, z = np.geomspace(1e-3, 10, 9), [], [], []
for distance in sampled_distances:
    W = W_star + distance * direction
    x = torch.randn(samples, d, generator=generator, dtype=torch.float64)
    squares = (network(x, eye + W) - network(x, eye + W_star)).square()
    exact, standard_error = population.loss(W, W_star), squares.std() / samples**0.5
    ratio.append((squares.mean() / exact).item())
    error.append((standard_error / exact).item())
    z.append(((squares.mean() - exact) / standard_error).item())

n_exact = min(d, 10)
exact_distances, direct, rewritten = np.geomspace(1e-7, 1, 8), [], []
small_star, small_direction = (
    W_star[:n_exact, :n_exact],
    direction[:n_exact, :n_exact] / direction[:n_exact, :n_exact].norm(),
)
for distance in exact_distances:
    W = small_star + distance * small_direction
    reference = loss_in_60_digits(W, small_star)
    direct.append(abs(loss_as_written(W, small_star).item() / reference - 1))
    rewritten.append(abs(population.loss(W, small_star).item() / reference - 1))

# %% mystnb={"figure": {"caption": "Left: the average of $(f - f^*)^2$ over sampled inputs, divided by the closed form; bars are two standard errors. Right: relative error against 60-digit arithmetic. The plain sum loses all its digits close to the teacher, the rewritten one keeps them.", "name": "fig-loss-checked"}, "image": {"alt": "Left panel: ratios of sampled to exact loss scatter around one within their error bars at every distance. Right panel, both axes logarithmic: the relative error of the plain sum rises above one as the distance falls to ten to the minus seven; that of the rewritten sum stays below ten to the minus eight."}} tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
left.errorbar(sampled_distances, ratio, yerr=2 * np.array(error), fmt="o", capsize=3, ms=4)
left.axhline(1, color="black", lw=1)
left.set(
    xscale="log",
    xlabel=r"distance $\|W - W^*\|_F$",
    ylabel="sampled / exact loss",
    title=f"Samples agree ($d = {d}$, {samples:,} inputs each)",
)
floor = 1e-17  # where a relative error of exactly zero is drawn
right.loglog(
    exact_distances, np.maximum(direct, floor), "o-", color=figures.COLOURS["vermillion"], label="the sum as written"
)
right.loglog(exact_distances, np.maximum(rewritten, floor), "s-", label="src.population, rewritten")
right.set(
    xlabel=r"distance $\|W - W^*\|_F$",
    ylabel="relative error of the loss",
    title=f"Digits near the teacher ($d = {n_exact}$)",
)
right.legend()
plt.show()

# %% tags=["nbval-check-output"]
comparisons = len(z)
largest_z = max(abs(value) for value in z)
allowed_z = stats.norm.isf(0.001 / 2 / comparisons)  # all of them exceed it with probability at most 0.001
near_error = max(e for e, distance in zip(rewritten, exact_distances) if distance >= 0.99e-5)
claims.report(
    "eq-1-2",
    verdict=verdicts.HOLDS if largest_z < allowed_z and near_error < 1e-6 else verdicts.FAILS,
    measured=f"closed form against samples: largest |z| = {largest_z:.2f} in {comparisons} comparisons "
    f"({allowed_z:.2f} allowed); relative error from distance 1e-5 up at most {near_error:.0e}",
    spread=f"{samples} inputs per comparison; standard error {100 * min(error):.2f} to {100 * max(error):.2f} % of the loss",
)

# %% [markdown]
# ## Which weights give loss zero?
#
# The sum over units does not care for their order. Let $P$ be a permutation matrix; then $(I + W^*)P$ has the columns of $I + W^*$
# in another order, and a student with $I + W = (I + W^*) P$ computes the teacher's function. In terms of $W$ it sits at
# $W = (I + W^*)P - I$.

# %% tags=["hide-input"]
swap = [1, 0, *range(2, d)]
swapped = (eye + W_star)[:, swap] - eye
display(
    Markdown(
        f"For the teacher of the last figure ($d = {d}$, $\\|W^*\\|_2 = 0.3$) exchanging the first two columns of $I + W^*$ gives a student with loss "
        f"{population.loss(swapped, W_star).item():.1e}, where rounding alone allows about {2e-16 * (d**2 / 2 / math.pi):.0e}. "
        f"It lies at distance $\\|W - W^*\\|_F$ = {(swapped - W_star).norm().item():.3f} and has spectral norm $\\|W\\|_2$ = "
        f"{torch.linalg.matrix_norm(swapped, 2).item():.3f}. Exchanging the columns of $W^*$ and leaving those of $I$ gives loss "
        f"{population.loss(W_star[:, swap], W_star).item():.2e}: another function."
    )
)

# %% [markdown]
# So the link does not make the minimum unique among all matrices: the $d!$ copies are there, with or without it. What it does is to
# tell them apart by their *place*. One copy lies within $\|W^*\|_2$ of the identity. All others need a spectral norm of about $2$, because a column near $e_i$
# must become a column near $e_k$. Inside the region of small weights the minimum is the only one ([chapter 3](03_landscape)
# takes up that claim), and training starts there. A vanilla network that starts at small random weights starts in the middle between all
# copies.
#
# ## The landscape, as far as a plane can show it
#
# Figure 2 of the paper is a sketch: near the identity it is easy, near the origin $O$ it seems hard, beyond that unknown. Let us compute
# it. We take the plane of all $I + W = \alpha I + \beta P$, with $P$ the cyclic shift of the columns. It contains the origin, the
# identity, and the shifted identity, next to which a copy of the teacher lies. From every point of a grid we run gradient descent with
# the exact gradient, in all $d^2$ dimensions, and colour the point by where it ends.
# The teacher has a small random $W^*$ and lies slightly off the plane.
#
# A plane is a thin slice. We therefore also start at random: the same Gaussian noise, once around the identity and once around the origin.

# %% tags=["hide-input"]
eta = 3 / (d_slice + 2)  # the largest curvature at the identity, about d / 2 + 1, allows 4 / (d + 2)
at_rest_below = 1e-6  # the norm of the gradient
eye = torch.eye(d_slice, dtype=torch.float64)
shift = eye.roll(1, dims=1)
W_star = weights.with_norms(d_slice, 0.3, 0.6 * 0.3 * d_slice**0.5, generator)
teacher, shifted_teacher = eye + W_star, (eye + W_star) @ shift
TEACHER, SHIFTED, OTHER, AT_REST, MOVING = range(5)


def destination(A):
    """Where gradient descent from I + W = A [n, d, d] ends: one label for each start."""
    W = A - eye
    moving = torch.arange(len(W))
    for _ in range(steps):
        gradient = population.gradient(W[moving], W_star)
        W[moving] -= eta * gradient
        moving = moving[gradient.norm(dim=(-2, -1)) > at_rest_below]
        if len(moving) == 0:
            break

    def distance(target):
        return (eye + W - target).norm(dim=(-2, -1))

    label = torch.where(population.gradient(W, W_star).norm(dim=(-2, -1)) > at_rest_below, MOVING, AT_REST)
    label[population.loss(W, W_star) < 1e-5] = OTHER
    label[distance(shifted_teacher) < 0.05] = SHIFTED
    label[distance(teacher) < 0.05] = TEACHER
    return label.numpy()


low, high = -1.2, 1.8
ticks = (
    low + (high - low) * (torch.arange(grid, dtype=torch.float64) + 0.5) / grid
)  # centres of cells: never the origin


def plane(alpha, beta):
    alpha, beta = torch.meshgrid(alpha, beta, indexing="xy")
    return alpha[..., None, None] * eye + beta[..., None, None] * shift


plane_starts = plane(ticks, ticks).flatten(0, 1)
plane_label = destination(plane_starts)
from_identity = torch.linalg.matrix_norm(plane_starts - eye, 2).numpy()
missed = from_identity[plane_label != TEACHER]
safe_radius = missed.min() if len(missed) else from_identity.max()

noise_norms = [0.1, 0.5, 1.0, 1.5]
noise = torch.randn(starts, d_slice, d_slice, generator=generator, dtype=torch.float64)
noise /= torch.linalg.matrix_norm(noise, 2)[:, None, None]
random_label = {
    centre: destination(torch.cat([at + norm * noise for norm in noise_norms])).reshape(len(noise_norms), starts)
    for centre, at in (("I", eye), ("O", 0 * eye))
}

fine = torch.linspace(low, high, 4 * grid + 1, dtype=torch.float64) + 1e-6  # a hair beside the origin
heights = population.loss(plane(fine, fine) - eye, W_star)

# %% mystnb={"figure": {"caption": "Figure 2 of the paper, computed. Left: the exact loss on the plane $I + W = \\alpha I + \\beta P$ through the origin O, the identity I and its shifted copy P. Middle: where gradient descent from each point of the plane ends. Right: random starts, the same noise around I and around O; its spectral norm is below the bars.", "name": "fig-landscape"}, "image": {"alt": "Left: contours of the loss with two valleys, at the identity and at the shifted identity, and a ridge through the origin. Middle: starts nearer to the identity end at the teacher, starts nearer to the shifted identity at the teacher's shifted copy, and starts with negative coefficients mostly elsewhere. Right: stacked bars; around the identity nearly all random starts reach the teacher, around the origin hardly any."}} tags=["hide-input"]
kinds = {
    TEACHER: ("at the teacher $I + W^*$", figures.COLOURS["blue"]),
    SHIFTED: ("at its shifted copy", figures.COLOURS["sky"]),
    OTHER: ("at another copy", figures.COLOURS["orange"]),
    AT_REST: ("at rest, loss above zero", "#4d4d4d"),
    MOVING: (f"still moving ({steps} steps)", "#b0b0b0"),
}
colours = [kinds[k][1] for k in range(5)]
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.9))
filled = left.contourf(fine, fine, heights.log10().clamp_min(-1.5), levels=16)
fig.colorbar(filled, ax=left, label=r"$\log_{10} L$", shrink=0.8)
middle.pcolormesh(
    ticks,
    ticks,
    plane_label.reshape(grid, grid),
    cmap=ListedColormap(colours),
    norm=BoundaryNorm(np.arange(-0.5, 5), 5),
)
for ax in (left, middle):
    for (a, b), text in {(0, 0): "O", (1, 0): "I", (0, 1): "P"}.items():
        ax.plot(a, b, "o", color="white", mec="black", ms=5)
        ax.annotate(text, (a, b), xytext=(5, 4), textcoords="offset points", color="white", weight="bold")
    ax.set(xlabel=r"$\alpha$", ylabel=r"$\beta$", aspect="equal")
    ax.grid(False)
left.set_title("The loss on a plane")
middle.set_title("Where descent ends")
names = [f"{centre}\n{norm}" for norm in noise_norms for centre in ("I", "O")]
bottom = np.zeros(len(names))
for kind, (text, colour) in kinds.items():
    share = np.array([(random_label[c][k] == kind).mean() for k in range(len(noise_norms)) for c in ("I", "O")])
    right.bar(names, 100 * share, bottom=bottom, color=colour, label=text)
    bottom += 100 * share
right.set(
    title=f"Random starts ({starts} each)",
    ylabel="share of starts (%)",
    xlabel="centre, and spectral norm of the noise",
)
fig.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=5)
plt.show()

# %% tags=["nbval-check-output"]
easy = [norm for norm, label in zip(noise_norms, random_label["I"]) if (label == TEACHER).all()]
near_origin = random_label["O"]
reached, at_rest = (near_origin == TEACHER).mean(), (near_origin == AT_REST).mean()
near_identity = np.concatenate([label for norm, label in zip(noise_norms, random_label["I"]) if norm <= 0.5])
shows_the_sketch = (near_identity == TEACHER).all() and safe_radius > 0.5 and reached < 0.5 and at_rest > 0
claims.report(
    "fig-2",
    verdict=verdicts.ILLUSTRATED if shows_the_sketch else verdicts.FAILS,
    measured=f"random starts that reach the teacher: {100 * (near_identity == TEACHER).mean():.0f} % around I (norm up to 0.5), "
    f"{100 * reached:.0f} % around O, where {100 * at_rest:.0f} % come to rest with a loss above zero",
    spread=f"{starts} starts per norm and centre, d = {d_slice}",
    note="A plane and random starts of one teacher in a small dimension; the paper draws no particular function.",
)

# %% tags=["hide-input"]
display(
    Markdown(
        f"On the plane every start of the grid with $\\|W\\|_2$ below {safe_radius:.2f} reaches the teacher. Random starts around the identity all "
        f"do so up to the norms {', '.join(map(str, easy)) or '(none)'}. Around the origin {100 * reached:.0f} % arrive at the teacher, "
        f"{100 * ((near_origin == OTHER) | (near_origin == SHIFTED)).mean():.0f} % at one of its {math.factorial(d_slice) - 1:,} copies, which "
        f"compute the same function, {100 * at_rest:.0f} % come to rest at points with a loss above zero, and "
        f"{100 * (near_origin == MOVING).mean():.0f} % are still moving after {steps} steps."
    )
)

# %% [markdown]
# Two kinds of failure must be kept apart. A start that ends at *another copy* has learned the function; it only misses the weights
# $W^*$ by which the paper measures distance. A start that comes *to rest with a loss above zero*
# has not learned the function, and gradient descent has nothing left to follow (the norm of its gradient is below $10^{-6}$). That such points exist is known: {cite:t}`safran2018spurious` prove for
# networks of this kind, with orthonormal teachers of 6 to 20 units, that there are local minima that are not global. The sketch is right in that neither failure
# occurs near the identity, in these runs.
#
# ## Deviations
#
# - The paper prints no closed form of the loss. The one used here follows from the same calculation as its Lemma 2.1.
# - Figures 1 and 2 of the paper are sketches. Ours are drawn from weights and runs, in a small dimension that is written on
#   them. "Unknown", the outermost region of Figure 2, is shown as computed for one teacher.
# - The paper says of the link that it makes the global minimum unique. With the parametrisation as it stands, every column
#   permutation of $I + W^*$ is a global minimum. The claim needs the restriction to small $W$.
#
# ## Try
#
# - `make run CHAPTER=01 P="d_slice=4"`: fewer units. Expect fewer starts at rest above zero around the origin; the proof of
#   the local minima begins at six units.
# - `make run CHAPTER=01 P="steps=200"`: a tenth of the patience. Expect most starts around the origin to be still on their way, and those around the
#   identity to be there already.
# - `make run CHAPTER=01 P="samples=1000000"`: expect error bars about a third as long on the left of the loss figure, and the ratio still at one.
