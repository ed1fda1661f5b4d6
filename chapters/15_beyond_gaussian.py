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
# # Beyond Gaussian inputs
#
# ```{admonition} In this chapter
# **The question.** Everything so far assumed inputs $x \sim N(0, I)$. Section 6 says that nearly the same holds for $N(0, \Sigma)$ with
# $\Sigma$ close to $I$, and for rotation-invariant inputs. With which constants, how close, and does every part of the statement carry over?
#
# **What you will see.** An exact gradient for every $\Sigma$. A proof of the statement for small $\|\Sigma - I\|_2$, with numbers, and the one
# quantity that has to be redefined for it to be true. How far from $I$ one can go before the gradient points away from the
# teacher. Rotation-invariant inputs with the same flow and three times the noise.
#
# **What you need.** {doc}`02_population_gradient` for the gradient, {doc}`07_phase_two` for the one-point ratio, {doc}`12_dynamics` for
# the two phases and the noise of SGD.
# ```

# %% tags=["parameters"]
d_check: int = 10  # input dimension of the sampled gradients
samples: int = 200000  # inputs for each sampled gradient
d_search: int = 12  # dimension of the search for the smallest one-point ratio
gammas: list = [0.1, 0.3]  # bounds on the spectral norms of W and W* in that search
starts: int = 5  # starts of the search for each covariance
steps: int = 60  # steps of the search
d_printed: int = 400  # dimension of the pair that meets the printed condition and fails
d_phases: int = 67  # dimension of the two phases: a prime congruent to 3 modulo 4
d_teacher: int = 20  # dimension of the runs of section 5.2
runs: int = 2  # random starts of section 5.2 for each covariance
t_end: float = 40.0  # time t = eta * iterations up to which they are followed
d_noise: int = 60  # dimension of the SGD runs, a multiple of 30
seeds: int = 8  # SGD runs for each law and step size
seed: int = 0  # of every random draw

# %% tags=["hide-input"]
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display
from scipy import stats
from scipy.optimize import brentq

from src import checks, verdicts
from src.book import claims, figures, parameters
from src.dynamics import linearised, sgd
from src.model import correlated, landscape, population, weights
from src.theory import bounds, minima, search

parameters.check(
    globals(),
    d_check=range(3, 101),
    samples=range(2000, 10**8),
    d_search=range(4, 61),
    gammas=checks.each(checks.between(0, 0.5)),
    starts=range(1, 1001),
    steps=range(1, 10001),
    d_printed=range(4, 2001),
    d_phases=range(7, 1000),
    d_teacher=range(4, 201),
    runs=range(1, 101),
    t_end=checks.between(0, 1e4),
    d_noise=range(30, 301, 30),
    seeds=range(2, 101),
    seed=range(2**31),
)
figures.use()
if d_phases < 200:
    torch.set_num_threads(1)  # with small matrices a second thread costs more time than it saves
generator = torch.Generator().manual_seed(seed)
COLOUR = list(figures.COLOURS.values())


def identity(d):
    return torch.eye(d, dtype=torch.float64)


# %% [markdown]
# ## Correlated inputs are standard inputs seen through $S$
#
# Let $x \sim N(0, \Sigma)$ and let $S = \Sigma^{1/2}$ be the symmetric positive root. Then $x = Sz$ with $z \sim N(0, I)$, and
#
# $$
# (I + W)^\top x = \big(S (I + W)\big)^\top z .
# $$
#
# The network with weights $W$ does to $x$ what the network with columns $S a_j$ does to $z$. The loss is therefore the old one at a
# different pair, and the gradient follows by the chain rule:
#
# $$
# L_\Sigma(W) = L(W'), \qquad \nabla L_\Sigma(W) = S\, \nabla L(W'), \qquad
# W' = S(I + W) - I, \quad W^{*\prime} = S(I + W^*) - I .
# $$
#
# `src.model.correlated` is these lines. Two witnesses who do not know them: automatic differentiation of the arc-cosine kernels of
# $a_i^\top \Sigma\, a_j$, which needs no root of $\Sigma$; and sampled inputs, drawn with the Cholesky factor instead of $S$.


# %%
def loss_by_kernels(W, W_star, Sigma):
    """The loss from the products of all columns; a pair i = j has angle zero and is kept out of arccos."""
    columns = torch.cat([identity(len(W)) + W, identity(len(W)) + W_star], dim=1)
    products = columns.mT @ Sigma @ columns
    sign = torch.cat([torch.ones(len(W)), -torch.ones(len(W))]).double()
    i, j = torch.triu_indices(len(sign), len(sign), offset=1)
    lengths = (products[i, i] * products[j, j]).sqrt()
    theta = torch.arccos(products[i, j] / lengths)
    pairs = sign[i] * sign[j] * lengths * (theta.sin() + (math.pi - theta) * theta.cos())
    return products.diagonal().sum() / 2 + pairs.sum() / math.pi


def sampled(W, W_star, draw):
    """Twenty independent sampled gradients, [20, d, d], from the inputs that draw(n) returns."""
    batches = []
    for _ in range(20):
        x = draw(samples // 20)
        hidden = x @ (identity(len(W)) + W)
        residual = hidden.relu().sum(1) - (x @ (identity(len(W)) + W_star)).relu().sum(1)
        batches.append(2 / len(x) * x.mT @ (residual[:, None] * (hidden > 0)))
    return torch.stack(batches)


def share(batches, G):
    """The factor c for which c G fits the sampled gradients, and its standard error."""
    factors = (batches * G).sum((-2, -1)) / G.square().sum()
    return factors.mean().item(), factors.std().item() / len(factors) ** 0.5


def normal(n, d=d_check):
    return torch.randn(n, d, generator=generator, dtype=torch.float64)


W_star, W = (weights.with_norms(d_check, 0.4, 0.24 * d_check**0.5, generator) for _ in range(2))
R = identity(d_check) + 0.3 * normal(d_check)
Sigma = R @ R.mT / 2
variable = W.clone().requires_grad_()
(by_autograd,) = torch.autograd.grad(loss_by_kernels(variable, W_star, Sigma), variable)
exact = correlated.gradient(W, W_star, Sigma)
autograd_error = ((exact - by_autograd).norm() / by_autograd.norm()).item()
root = torch.linalg.cholesky(Sigma)
by_sampling = sampled(W, W_star, lambda n: normal(n) @ root.mT)
candidates = {
    "with $S$ (exact)": exact,
    "$S$ forgotten in front": population.gradient(*correlated.standardised(W, W_star, Sigma)),
    r"$\Sigma$ for $S$": correlated.gradient(W, W_star, Sigma @ Sigma),
    r"$\Sigma$ ignored": population.gradient(W, W_star),
}
mean, error = by_sampling.mean(0), by_sampling.std(0) / 20**0.5
distances = {name: (mean - G).norm().item() for name, G in candidates.items()}
noise = error.norm().item()  # the distance that sampling alone explains, in root mean square
gradient_right = autograd_error < 1e-9 and distances["with $S$ (exact)"] < 2 * noise
lines = "".join(f"| {name} | {value:.3f} |\n" for name, value in distances.items())
display(
    Markdown(
        f"At $d = {d_check}$, $\\|\\Sigma - I\\|_2 = {torch.linalg.matrix_norm(Sigma - identity(d_check), 2):.2f}$: automatic "
        f"differentiation agrees to {autograd_error:.0e}. The sampled gradient has a standard error of {noise:.3f} (Frobenius norm), "
        f"and lies this far from\n\n| formula | distance |\n|---|---|\n{lines}"
    )
)

# %% [markdown]
# ## What carries over by proof
#
# In the inner product that drives the proof, $S$ moves from one factor to the other:
#
# $$
# \langle -\nabla L_\Sigma(W),\, W^* - W \rangle = \langle -\nabla L(W'),\, S (W^* - W) \rangle
#   = \langle -\nabla L(W'),\, W^{*\prime} - W' \rangle .
# $$
#
# That is exactly the inner product of the standard model at $(W', W^{*\prime})$. And $\|S(W^* - W)\|_F^2 \ge \lambda_{\min}(\Sigma) \|W^* - W\|_F^2$.
# So a bound $\delta(\gamma)$ on the one-point ratio for Gaussian inputs turns into one for $\Sigma$:
#
# ```{prf:proposition} Theorem 3.3 for correlated inputs
# :label: correlated-one-point
# Let $\|\Sigma - I\|_2 \le \delta < 1$ and $\|W\|_2, \|W^*\|_2 \le \gamma$. If the potential
# $g_\Sigma = \sum_i \|S b_i\| - \|S a_i\|$ is at most $0.1$, the one-point ratio for $x \sim N(0, \Sigma)$ is at least
# $(1 - \delta)\, \rho(\gamma')$, where $\gamma' = \sqrt{1 + \delta}\,\gamma + 1 - \sqrt{1 - \delta}$ and $\rho(\gamma')$ is a lower bound for
# standard inputs at norm $\gamma'$.
# ```
#
# ```{prf:proof}
# $W' = SW + (S - I)$ has norm at most $\sqrt{1 + \delta}\,\gamma + 1 - \sqrt{1 - \delta}$, and so has $W^{*\prime}$. The potential of this pair is
# $g_\Sigma$. Apply the bound there, and the two relations above.
# ```
#
# {doc}`07_phase_two` proves such a $\rho$ for every dimension at once (`bounds.one_point_ratio`). So "slightly worse constants" can be given numbers.


# %%
def proved(delta, gamma):
    """The proposition's lower bound on the ratio, at the printed scale."""
    return (1 - delta) * bounds.one_point_ratio(math.sqrt(1 + delta) * gamma + 1 - math.sqrt(1 - delta), bounds.G_LIMIT)


printed_gamma, printed_ratio = 0.01, 0.03  # Theorem 3.3's constants
proved_delta = brentq(lambda delta: proved(delta, printed_gamma) - printed_ratio, 0, 0.1)
display(
    Markdown(
        f"At the norm for which chapter 5 proves Theorem 3.3, $\\gamma = {printed_gamma}$: the bound falls from {proved(0, printed_gamma):.3f} "
        f"at $\\Sigma = I$ to {proved(0.01, printed_gamma):.3f} at $\\delta = 0.01$, and stays above the printed {printed_ratio} up to "
        f"$\\delta = {proved_delta:.4f}$, in every dimension."
    )
)

# %% [markdown]
# ## The potential must be seen through $S$
#
# The proposition changes one word of the theorem. The paper's $g = \sum_i \|b_i\| - \|a_i\|$ measures the columns as they are; what enters the proof
# is their length as the inputs see it. Is the difference real? To first order $g = \operatorname{tr}(W^* - W)$ and
# $g_\Sigma \approx \sum_i (\Sigma (W^* - W))_{ii} / \sqrt{\Sigma_{ii}}$ (at $W = W^* = 0$). If variances differ, $x_1, \dots, x_d$ having $1 \pm \delta$ in turn, a diagonal part
# $t\,\mathrm{diag}(\pm 1)$ of $W$ moves $g_\Sigma$ by about $-t\,\delta\,d / 2$ and leaves $g$ where it was.
# With $d$ large this is no small correction. So take the start of section 5.3, which points the wrong way most where its potential is a quarter of
# $\|W\|_F^2$; set its trace so that $g \le 0.1$, as the theorem demands; and put the missing potential into the diagonal part.

# %%
alternating = torch.ones(d_printed, dtype=torch.float64)
alternating[1::2] = -1
skew, no_teacher = weights.flat_skew(d_printed, generator), torch.zeros(d_printed, d_printed, dtype=torch.float64)
across_ones = identity(d_printed) - 1 / d_printed


def hidden_potential(t, gamma):
    """Weights with g just below 0.1 whose diagonal part t diag(1, -1, 1, ...) the potential g does not see."""

    def weights(a):
        return math.sqrt(gamma**2 - t**2) * skew - a * across_ones + t * torch.diag(alternating)

    return weights(brentq(lambda a: landscape.potential(weights(a), no_teacher).item() - 0.999 * bounds.G_LIMIT, -0.2, 0.2))


def printed_scale(W, W_star, Sigma):
    """The one-point ratio for x ~ N(0, Sigma) at the printed scale, pi times the true one."""
    inner = landscape.inner_product(*correlated.standardised(W, W_star, Sigma))
    return math.pi * inner / (W_star - W).square().sum((-2, -1))


hidden_delta, tilts = 0.1, np.linspace(-0.14, 0, 8)
hidden_Sigma = identity(d_printed) + hidden_delta * torch.diag(alternating)
hidden = []
for t in tilts:
    V = hidden_potential(t, 0.3)
    pair = correlated.standardised(V, no_teacher, hidden_Sigma)
    hidden.append(
        [
            landscape.potential(V, no_teacher).item(),
            landscape.potential(*pair).item(),
            math.pi * landscape.one_point_ratio(V, no_teacher).item(),
            printed_scale(V, no_teacher, hidden_Sigma).item(),
            torch.linalg.matrix_norm(V, 2).item(),
        ]
    )
hidden = np.array(hidden)
counter = hidden[hidden[:, 3].argmin()]

# %% mystnb={"figure": {"caption": "Weights with $g \\le 0.1$ throughout, $W^* = 0$, and a growing diagonal part $t\\,\\mathrm{diag}(1, -1, 1, \\dots)$. Left: the two potentials. Right: the one-point ratio for standard inputs and for inputs whose variances alternate between 1.1 and 0.9.", "name": "fig-11-potential"}, "image": {"alt": "Left: over the size of the diagonal part, g stays at 0.1 while the potential seen through S grows to several units. Right: the ratio for standard inputs grows slowly and stays positive; the ratio for the alternating variances falls from about 0.3 to below zero."}} tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot(-tilts, hidden[:, 0], label="$g$, as printed")
left.plot(-tilts, hidden[:, 1], label=r"$g_\Sigma$, seen through $S$")
left.set(xlabel="size of the diagonal part, $-t$", ylabel="potential", title="The printed potential sees nothing")
left.legend()
right.plot(-tilts, hidden[:, 2], label=r"$\Sigma = I$")
right.plot(-tilts, hidden[:, 3], label=rf"variances $1 \pm {hidden_delta}$")
right.axhline(0, color="black", lw=0.8)
right.set(xlabel="size of the diagonal part, $-t$", ylabel="one-point ratio, printed scale", title=f"The gradient turns away (d = {d_printed})")
right.legend()
plt.show()

# %% tags=["hide-input"]
display(
    Markdown(
        f"At $d = {d_printed}$, $\\|\\Sigma - I\\|_2 = {hidden_delta}$ and $\\|W\\|_2 = {counter[4]:.2f}$ the printed potential is {counter[0]:.3f}, that seen through "
        f"$S$ {counter[1]:.2f}, and the ratio {counter[3]:.3f} (at $\\Sigma = I$: {counter[2]:.3f}). So with Definition 2.2 as printed "
        + (
            "the statement does not carry over: a condition on $g$ no longer keeps the gradient from pointing the wrong way, and the effect grows with $d$."
            if counter[3] < 0 and counter[0] <= bounds.G_LIMIT
            else "no failure shows at this dimension."
        )
        + " With $g_\\Sigma$ in its place the proposition holds. The repair costs nothing, since it is $g_\\Sigma$ that Phase I drives to zero (below)."
    )
)

# %% [markdown]
# ## How far from the identity?
#
# The proposition proves little more than three per cent. What is true? We search for the smallest ratio, with $\|W\|_2, \|W^*\|_2 \le \gamma$ and
# $g_\Sigma \le 0.1$, from the structured and random starts of {doc}`07_phase_two`, for covariances $\Sigma = I + \delta P$ of five kinds, all with $\|P\|_2 = 1$:
#
# - **rotated**: $P = Q\,\mathrm{diag}(\pm 1)\,Q^\top$ with a random rotation $Q$: half the variances are $1 + \delta$, half $1 - \delta$, in random directions;
# - **scales**: the same without the rotation, inputs of two sizes;
# - **pairs**: $x_1, x_2$ have correlation $\delta$, and so have $x_3, x_4$, and so on;
# - **common up** and **common down**: $P = \pm uu^\top / d$, more or less variance for the mean of all inputs.
#
# A multiple of the identity needs no search: $L_{cI} = c\,L$, and the ratio gets the factor $c$.


# %%
def directions(d):
    """The symmetric matrices P of spectral norm one."""
    halves = torch.ones(d, dtype=torch.float64)
    halves[d // 2 :] = -1
    Q = weights.with_norms(d, 1.0, d**0.5, generator)
    pairs = torch.zeros(d, d, dtype=torch.float64)
    even = torch.arange(0, d - 1, 2)
    pairs[even, even + 1] = pairs[even + 1, even] = 1
    ones = torch.full((d, d), 1 / d, dtype=torch.float64)
    return {
        "rotated": Q * halves @ Q.mT,
        "scales": torch.diag(halves),
        "pairs": pairs,
        "common up": ones,
        "common down": -ones,
    }


searched = (0.1, 0.3, 0.5, 0.7, 0.9)
P = torch.stack(list(directions(d_search).values()))
names = list(directions(4))
covariances = identity(d_search) + torch.tensor(searched, dtype=torch.float64)[:, None, None, None] * P
covariances = torch.cat([identity(d_search)[None], covariances.flatten(0, 1)])
each_start = covariances.repeat_interleave(starts, 0)


def smallest_ratios(gamma, potential):
    """The smallest ratio found for each covariance, [delta, kind], under potential(W, W*, standardised pair) <= 0.1."""

    def objective(W, W_star):
        """The ratio, with a penalty that keeps the potential below its limit; a pair above it never counts."""
        pair = correlated.standardised(W, W_star, each_start)
        g = potential((W, W_star), pair)
        ratio = math.pi * landscape.inner_product(*pair) / (W_star - W).square().sum((-2, -1))
        return ratio + (g - 0.999 * bounds.G_LIMIT).clamp(min=0) + 100 * (g > bounds.G_LIMIT)

    V, V_star, _ = search.starts(d_search, gamma, starts, generator)
    tile = (len(covariances), 1, 1)
    values = search.minimize(
        V.repeat(tile), V_star.repeat(tile), gamma, g_max=math.inf, steps=steps, objective=objective
    ).values
    best = values.view(len(covariances), starts).amin(1)
    return np.vstack([np.full(len(names), best[0]), best[1:].view(len(searched), len(names))])


found = {gamma: smallest_ratios(gamma, lambda given, seen: landscape.potential(*seen)) for gamma in gammas}
found_printed = smallest_ratios(gammas[-1], lambda given, seen: landscape.potential(*given))


def crossing(curve, level):
    """The smallest delta at which the piecewise linear curve falls to the level; nan if it does not."""
    grid = (0.0, *searched)
    for k in range(len(searched)):
        if curve[k] > level >= curve[k + 1]:
            return grid[k] + (grid[k + 1] - grid[k]) * (curve[k] - level) / (curve[k] - curve[k + 1])
    return 0.0 if curve[0] <= level else math.nan


worst = {rf"$\gamma = {gamma}$": values.min(1) for gamma, values in found.items()}
worst[rf"$\gamma = {gammas[-1]}$, with $g$ as printed"] = found_printed.min(1)
reaches = {name: (crossing(curve, printed_ratio), crossing(curve, 0)) for name, curve in worst.items()}

# %% mystnb={"figure": {"caption": "Smallest one-point ratio found, at the printed scale, Left: under $g_\\Sigma \\le 0.1$ at the largest $\\gamma$, for each kind of covariance. Right: the worst kind for each $\\gamma$, and with the printed condition $g \\le 0.1$ instead. Dashed: Theorem 3.3's 0.03. A search finds upper bounds; the true minimum may be lower.", "name": "fig-11-ratio"}, "image": {"alt": "Left: the ratio over delta from 0 to 0.9; common up and common down stay nearly level, while rotated, scales and pairs fall between 0.7 and 0.9. Right: the worst ratio over delta for two values of gamma; the one for the smaller gamma stays higher; with the printed potential the curve falls through zero already at a moderate delta."}} tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
grid = (0.0, *searched)
for k, (name, marker) in enumerate(zip(names, "os^Dv")):
    left.plot(grid, found[gammas[-1]][:, k], marker=marker, ms=4, label=name)
left.legend()
left.set(xlabel=r"$\delta = \|\Sigma - I\|_2$", ylabel="smallest ratio found, printed scale", title=rf"Uneven variances cost most ($\gamma = {gammas[-1]}$)")
for name, curve in worst.items():
    right.plot(grid, curve, "o-", ms=4, label=name)
right.set(xlabel=r"$\delta = \|\Sigma - I\|_2$", title=f"The worst kind, for each norm (d = {d_search})")
right.legend()
for ax in (left, right):
    ax.axhline(printed_ratio, color="black", ls="--", lw=0.9)
    ax.set_ylim(max(-0.6, ax.get_ylim()[0]), None)
plt.show()

# %% tags=["hide-input"]


def delta_text(value):
    return "not up to 0.9" if math.isnan(value) else f"{value:.1f}"


rows = "".join(f"| {name} | {worst[name][0]:.3f} | {delta_text(a)} | {delta_text(b)} |\n" for name, (a, b) in reaches.items())
display(Markdown(f"| search | ratio at $\\Sigma = I$ | falls below {printed_ratio} at $\\delta =$ | falls below 0 at $\\delta =$ |\n|---|---|---|---|\n{rows}"))

# %% [markdown]
# As far as this search can see, the small constant of the paper may be large, as long as the potential is the right one.
#
# ## The two phases of section 5.3
#
# In the coordinates $W'$ the flow $\dot W = -\nabla L_\Sigma(W)$ reads $\dot W' = -\Sigma\, \nabla L(W')$: the old flow with a preconditioner. Its
# speed changes, by factors between $\lambda_{\min}(\Sigma)$ and $\lambda_{\max}(\Sigma)$, and nothing else. In particular the fast modes
# $W'u$ of {doc}`12_dynamics` now relax at rates $\tfrac d2$ times the eigenvalues of $\Sigma$, and $g_\Sigma$ goes down with them. We start from
# the wrong-way weights of section 5.3, at a reduced dimension, and follow gradient descent with the exact gradient.


# %%
def descend(W, W_star, Sigma, eta, iterations, record):
    """Exact gradient descent for N(0, Sigma), in the coordinates W': a list of (W', W*') at the recorded iterations."""
    V, V_star = correlated.standardised(W, W_star, Sigma)
    points = []
    for k in range(iterations + 1):
        if k in record:
            points.append(V)
        V = V - eta * Sigma @ population.gradient(V, V_star)
    return points, V_star


phase_deltas = (0.0, 0.3, 0.6, 0.9)
frobenius = 0.35 * d_phases**0.5
wrong = weights.wrong_way_start(d_phases, frobenius, -0.75 * frobenius**2)
phase_P = directions(d_phases)["rotated"]
phase_Sigma = identity(d_phases) + torch.tensor(phase_deltas, dtype=torch.float64)[:, None, None] * phase_P
phase_root = torch.linalg.cholesky(torch.linalg.inv(phase_Sigma)).mT  # |S^-1 X|_F = |R X|_F with R^T R the inverse of Sigma
fast_eta, slow_eta = 0.05 / d_phases, 0.8 / d_phases
curves = {}
for phase, eta, iterations in (("I", fast_eta, 120), ("II", slow_eta, 8 * d_phases)):
    record = range(0, iterations + 1, 1 if phase == "I" else 8)
    points, V_star = descend(wrong, torch.zeros_like(wrong), phase_Sigma, eta, iterations, record)
    curves[phase] = {
        "t": eta * np.array(record),
        "inner": torch.stack([landscape.inner_product(V, V_star) for V in points]),
        "potential": torch.stack([landscape.potential(V, V_star) for V in points]),
        "distance": torch.stack([(phase_root @ (V - V_star)).norm(dim=(-2, -1)) for V in points]),
    }
turned = [
    curves["I"]["t"][np.flatnonzero(curves["I"]["inner"][:, k] > 0)[0]] * d_phases if (curves["I"]["inner"][:, k] > 0).any() else math.nan
    for k in range(len(phase_deltas))
]

# %% mystnb={"figure": {"caption": "Section 5.3 for correlated inputs (rotated kind), from the same wrong-way start with $W^* = 0$: exact gradient descent at reduced dimension. Left and middle: Phase I. Right: the distance to the teacher in Phase II.", "name": "fig-11-phases"}, "image": {"alt": "Left: the inner product starts below zero for small delta and turns positive within a short time. Middle: the potential seen through S falls to zero at the same time. Right: the distance falls, more slowly for larger delta."}} tags=["hide-input"]
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 3.4))
for k, delta in enumerate(phase_deltas):
    label = rf"$\delta = {delta}$"
    left.plot(curves["I"]["t"] * d_phases, curves["I"]["inner"][:, k], label=label)
    middle.plot(curves["I"]["t"] * d_phases, curves["I"]["potential"][:, k], label=label)
    right.plot(curves["II"]["t"], curves["II"]["distance"][:, k], label=label)
left.axhline(0, color="black", lw=0.8)
left.set(xlabel="time $t \\cdot d$", ylabel=r"inner product (true scale)", title="It turns the right way ...")
middle.set(xlabel="time $t \\cdot d$", ylabel=r"$g_\Sigma$", title=r"... as $g_\Sigma$ dies out")
right.set(xlabel="time $t$", ylabel=r"$\|W - W^*\|_F$", title=f"Phase II, slower (d = {d_phases})")
left.legend()
plt.show()

# %% [markdown]
# Near the teacher nothing can go wrong for any positive-definite $\Sigma$: the Hessian there is $2\,\mathbb{E}\,\mathrm{vec}(X)\mathrm{vec}(X)^\top$ with $X = x\,\mathbf 1(x > 0)^\top$
# (at $W^* = 0$), and only $M = 0$ gives $\langle M, X\rangle = 0$ for all inputs, because in each orthant the columns of $M$ that are switched on must add up to zero. What
# $\Sigma$ can do is make it slow.
#
# ## Does descent still reach the teacher?
#
# The experiment of section 5.2 at a reduced dimension: a teacher with $\|W^*\|_2 = 0.6$ and starts with the same spectral norm, all five kinds of
# covariance, up to $\delta = 0.99$. A run counts as arrived when its distance has fallen to one twentieth. Runs that have not arrived
# by the end of the time are continued with L-BFGS to see where they would end: at the teacher, or somewhere else.

# %%
fig7_deltas = (0.0, 0.3, 0.6, 0.9, 0.99)
size = (d_teacher / 100) ** 0.5
teacher = weights.with_norms(d_teacher, 0.6, 5.7 * size, generator)
start = torch.stack([weights.with_norms(d_teacher, 0.6, 5.0 * size, generator) for _ in range(runs)])
grid_Sigma = identity(d_teacher) + torch.tensor(fig7_deltas, dtype=torch.float64)[None, :, None, None] * torch.stack(
    list(directions(d_teacher).values())
)[:, None]
grid_Sigma = grid_Sigma[:, :, None]  # [kind, delta, run, d, d]
eta = 0.95 / d_teacher
iterations = max(1, round(t_end / eta))
points, V_star = descend(start, teacher, grid_Sigma, eta, iterations, {iterations})
V, V_star = torch.broadcast_tensors(points[0], V_star)
inverse_root = torch.linalg.cholesky(torch.linalg.inv(grid_Sigma)).mT
remaining = (inverse_root @ (V - V_star)).norm(dim=(-2, -1)) / (start - teacher).norm(dim=(-2, -1))
arrived = remaining < 0.05
elsewhere, loss_elsewhere = torch.zeros_like(arrived), [0.0]
for index in (~arrived).nonzero().tolist():
    index = tuple(index)
    end = minima.descend(V[index], V_star[index], 500)
    elsewhere[index] = (end - V_star[index]).norm() > 1e-3
    if elsewhere[index]:
        loss_elsewhere.append(population.loss(end, V_star[index]).item())
not_arrived_from = {
    name: next((delta for k, delta in enumerate(fig7_deltas) if not arrived[i, k].all()), math.nan) for i, name in enumerate(names)
}

# %% mystnb={"figure": {"caption": "Exact gradient descent from random starts towards a random teacher of norm 0.6: what is left of the distance when the time is over. Mean over the starts. Below the dashed line a run counts as arrived.", "name": "fig-11-teacher"}, "image": {"alt": "Remaining distance on a logarithmic axis over delta from 0 to 0.99: for all five kinds it grows with delta; rotated, scales and pairs rise first, common down later, common up not at all."}} tags=["hide-input"]
fig, ax = plt.subplots()
for i, (name, marker) in enumerate(zip(names, "os^Dv")):
    ax.semilogy(fig7_deltas, remaining[i].mean(1), marker=marker, ms=4, label=name)
ax.axhline(0.05, color="black", ls="--", lw=0.9)
ax.set(xlabel=r"$\delta = \|\Sigma - I\|_2$", ylabel=rf"distance at $t = {t_end:g}$ / at the start", title=f"The further from the identity, the slower (d = {d_teacher})")
ax.legend()
plt.show()

# %% tags=["hide-input"]
late = {name: delta for name, delta in not_arrived_from.items() if not math.isnan(delta)}
display(
    Markdown(
        f"Of {arrived.numel()} runs {int(arrived.sum())} have arrived by $t = {t_end:g}$. The first to miss: "
        + (", ".join(f"{name} at $\\delta = {delta}$" for name, delta in late.items()) or "none")
        + f". Continued with L-BFGS, {int((~arrived & ~elsewhere).sum())} of the {int((~arrived).sum())} others end at the teacher and "
        f"{int(elsewhere.sum())} elsewhere"
        + (
            f" (at $\\delta \\ge {fig7_deltas[elsewhere.any(2).any(0).nonzero()[0].item()]}$, with a loss of at most {max(loss_elsewhere):.0e}"
            + (": there the teacher's columns stand in another order)." if max(loss_elsewhere) < 1e-8 else ").")
            if elsewhere.any()
            else "."
        )
        + " L-BFGS takes long steps, so where it ends is not proof of where the flow would."
    )
)

# %% [markdown]
# ## Rotation-invariant inputs: one number changes
#
# Let $x = r\,\omega$ with a uniformly random direction $\omega$ and an independent length $r$. The loss averages
# $(f(x, W) - f(x, W^*))^2$, and $f$ is homogeneous: $f(r\omega) = r f(\omega)$. So
#
# $$
# L_r(W) = \mathbb{E}\,r^2 \cdot \mathbb{E}\,(f(\omega, W) - f(\omega, W^*))^2 = \frac{\mathbb{E}\,r^2}{d}\, L(W),
# $$
#
# the Gaussian being the case $\mathbb{E}\,r^2 = d$. In the proof of Lemma 2.1 ({doc}`02_population_gradient`) the length enters through
# $\mathbb{E}\,r^2$ of the two coordinates in the plane of $p$ and $q$, and nowhere else. All angles, the potential, the ratio's sign and the path
# of the flow are the same; only the clock runs at $\mathbb{E}\,r^2 / d$. We sample gradients for inputs on the sphere of radius $\sqrt d$ (factor 1) and for
# Student's multivariate $t$ with $\nu = 5$, a Gaussian vector times $\sqrt{\nu / \chi^2_\nu}$ (factor $\nu / (\nu - 2) = 5/3$).

# %%
nu = 5


def sphere(n, d):
    x = normal(n, d)
    return d**0.5 * x / x.norm(dim=1, keepdim=True)


def student(n, d):
    return normal(n, d) * (nu / normal(n, nu).square().sum(1, keepdim=True)).sqrt()


G = population.gradient(W, W_star)
laws = {"sphere": (sphere, 1.0), "Gaussian": (normal, 1.0), f"Student, ν = {nu}": (student, nu / (nu - 2))}
radial = {}
for name, (draw, factor) in laws.items():
    batches = sampled(W, W_star, lambda n, draw=draw: draw(n, d_check))
    c, c_error = share(batches, G)
    rest = batches.mean(0) - c * G
    radial[name] = (factor, c, c_error, (rest.norm() / (batches.std(0) / 20**0.5).norm()).item())
rows = "".join(f"| {name} | {f:.4f} | {c:.4f} ± {e:.4f} | {rest:.2f} |\n" for name, (f, c, e, rest) in radial.items())
# 99.9 % of Student's t with 19 degrees of freedom lie within this many standard errors.
radial_right = all(abs(c - f) < stats.t.isf(0.0005, 19) * e and rest < 2 for f, c, e, rest in radial.values())
display(
    Markdown(
        "| inputs | predicted factor | sampled gradient / Gaussian gradient | what is not along it, in standard errors |\n|---|---|---|---|\n" + rows
    )
)

# %% [markdown]
# ## What the length does change: noise
#
# A sample's gradient is of second degree in $x$, so its variance needs $\mathbb{E}\,r^4$. Let the inputs be scaled to $\mathbb{E}\,r^2 = d$, so that
# all laws have the same flow. For the Gaussian $\mathbb{E}\,r^4 = d(d + 2)$. Hence the noise term in the recursion of {doc}`12_dynamics` gets the
# factor
#
# $$
# \kappa = \frac{\mathbb{E}\,r^4}{d(d + 2)} \cdot \frac{d^2}{(\mathbb{E}\,r^2)^2} = \frac{d\,\mathbb{E}\,r^4}{(d + 2)\,(\mathbb{E}\,r^2)^2} .
# $$
#
# On the sphere $\kappa = d / (d + 2)$; for Student's $t$ it is $(\nu - 2)/(\nu - 4) = 3$ at $\nu = 5$. In the recursion $\kappa$ and the batch size $B$ enter
# only through $\kappa / B$: inputs with $\kappa = 3$ behave like Gaussian ones with a third of the batch, and the largest stable step $2B / (\kappa d^2)$ is a
# third as long. That is a prediction for the *mean* square. Whether single runs follow it is another question when the fourth moment is
# carried by rare, very long inputs.

# %%
batch = d_noise // 2
kappas = {"sphere": d_noise / (d_noise + 2), "Gaussian": 1.0, f"Student, ν = {nu}": (nu - 2) / (nu - 4)}
levels = {"sphere": (0.6, 1.2), "Gaussian": (0.6, 1.2), f"Student, ν = {nu}": (0.3, 0.6)}
begin, finish = 2.0, 7.0  # times between which the decay is fitted
slow = weights.flat_skew(d_noise, generator).float()
slow *= 0.01 * d_noise**0.5 / slow.norm()
decays, paths = {}, {}
for name, (draw, factor) in laws.items():
    for level in levels[name]:
        step_size = level * batch / d_noise**2
        count = round(finish / step_size)
        # Each run goes through a random half of the inputs, in an order of its own, and meets none twice.
        x = (draw(2 * count * batch, d_noise) / factor**0.5).float()
        run = sgd.train(
            slow, torch.zeros_like(slow), eta=step_size, batch=batch, steps=count, seeds=range(seed, seed + seeds), samples=x,
            record_at=np.linspace(0, count, 37).astype(int), allow_unstable=True,
        )
        squares, window = run.distance.square(), (run.t >= begin) & (run.t <= finish)
        fits = [-np.polyfit(run.t[window], squares[window, k].log(), 1)[0] for k in range(seeds)]
        mean_square = -np.polyfit(run.t[window], squares[window].mean(1).log(), 1)[0]
        predicted = linearised.sgd_decay(step_size, round(batch / kappas[name]), d_noise)
        decays[name, level] = np.mean(fits), np.std(fits, ddof=1) / seeds**0.5, mean_square, predicted
        paths[name, level] = run.t, squares

# %% mystnb={"figure": {"caption": "SGD near the teacher with three rotation-invariant inputs of equal covariance, so that the flow (grey) is the same. Left: squared distance of each run at the noise level 0.6. Right: decay rate over the noise level; dots: mean over runs with standard error; crosses: decay of the runs' mean square; lines: the recursion with the factor $\\kappa$, and $B/\\kappa$ rounded to a whole number.", "name": "fig-11-noise"}, "image": {"alt": "Left: squared distances falling on a logarithmic axis; sphere and Gaussian runs form narrow bands near the flow, Student runs scatter and fall more slowly, with jumps upwards. Right: decay rate against noise level; the predicted line for Student's t falls about three times as steeply as those for sphere and Gaussian, which nearly coincide; dots for sphere and Gaussian lie near their lines."}} tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
flow_rate = 2 * linearised.families(d_noise)[-1].rate
for k, (name, marker) in enumerate(zip(laws, "so^")):
    ts, squares = paths[name, 0.6]
    left.semilogy(ts, (squares / squares[0]).numpy(), color=COLOUR[k], lw=0.8, alpha=0.7)
    left.plot([], [], color=COLOUR[k], label=name)
    grid = np.linspace(0.02, 1.9 / kappas[name], 50)
    etas, size = grid * batch / d_noise**2, round(batch / kappas[name])
    stable = etas < linearised.largest_stable_step(size, d_noise)
    right.plot(grid[stable], [linearised.sgd_decay(e, size, d_noise) for e in etas[stable]], color=COLOUR[k], label=f"{name}: κ = {kappas[name]:.2f}")
    values = np.array([decays[name, level] for level in levels[name]])
    right.errorbar(levels[name], values[:, 0], yerr=values[:, 1], fmt=marker, color=COLOUR[k], capsize=3)
    right.plot(levels[name], values[:, 2], "x", color=COLOUR[k], ms=8)
left.plot(ts, np.exp(-flow_rate * ts), color="grey", ls="--", label="flow")
right.axhline(flow_rate, color="grey", ls="--", lw=0.9)
left.set(xlabel="time $t = \\eta \\cdot$ steps", ylabel=r"$\|W - W^*\|_F^2$ / its start", title="Same flow, different noise")
right.set(xlabel="noise level $\\eta d^2 / B$", ylabel="decay rate of the square per unit $t$", title=f"Long tails cost step size (d = {d_noise}, B = {batch})")
left.legend()
right.legend(fontsize=8)
plt.show()

# %% tags=["hide-input"]
rows = "".join(
    f"| {name} | {level} | {predicted:.3f} | {mean:.3f} ± {error:.3f} | {mean_square:.3f} |\n"
    for (name, level), (mean, error, mean_square, predicted) in decays.items()
)
thin = max(abs(decays[name, level][0] / decays[name, level][3] - 1) for name in ("sphere", "Gaussian") for level in levels[name])
heavy = f"Student, ν = {nu}"
excess = [(decays[heavy, level][0] - decays[heavy, level][3]) / decays[heavy, level][1] for level in levels[heavy]]
display(
    Markdown(
        f"| inputs | noise level | predicted | mean of the runs | their mean square |\n|---|---|---|---|---|\n{rows}\n"
        f"On the sphere and for the Gaussian the measured rates are within {100 * thin:.0f} % of the prediction, which neglects terms of relative order $1/d$. "
        f"For Student's $t$ a typical run deviates from the mean-square prediction by {', '.join(f'{e:+.1f}' for e in excess)} standard errors at the noise levels "
        f"{', '.join(map(str, levels[heavy]))} (positive: it decays faster)."
    )
)

# %% [markdown]
# For Student's $t$ the mean square and the typical run are different things. The mean is an average over runs that includes rare, violent ones: a single
# input of great length multiplies the distance. With few runs one does not see them, and an estimate of the mean square from the runs is then too
# optimistic; since $\mathbb{E}\,r^8 = \infty$ for $\nu = 5$, it has no standard error either. The mean square is what a guarantee in expectation is about.
#
# ## Verdict

# %% tags=["nbval-check-output", "hide-input"]
early = [k for k, delta in enumerate(fig7_deltas) if delta <= 0.3]
phases_right = bool((curves["II"]["distance"][-1] < curves["II"]["distance"][0]).all() and not any(math.isnan(t) for t in turned))
proof_right = proved_delta > 0.01 and gradient_right
printed_fails = bool(counter[3] < 0 and counter[0] <= bounds.G_LIMIT)
all_right = proof_right and radial_right and phases_right and bool(arrived[:, early].all())
claims.report(
    "sec-6",
    verdict=(verdicts.CORRECTED if printed_fails else verdicts.HOLDS) if all_right else verdicts.FAILS,
    measured=f"ratio > 0.03 proved for ‖Σ − I‖₂ ≤ {proved_delta:.3f} (γ = 0.01, every d); the worst ratio found falls below 0.03 at δ = "
    + ", ".join(f"{delta_text(a)} ({name.replace('$', '').replace(chr(92) + 'gamma', 'γ')})" for name, (a, _) in reaches.items())
    + f"; runs towards a teacher are late from δ = {min(late.values(), default=math.nan):.1f} on; "
    + "radial factors "
    + ", ".join(f"{c:.3f} ({f:.3f} predicted)" for f, c, _, _ in radial.values()),
    spread=f"proof exact; search an upper bound, d = {d_search}, {starts} starts; factors " + ", ".join(f"±{e:.3f}" for _, _, e, _ in radial.values()),
    note=f"With the potential of Definition 2.2 as printed the Gaussian case fails (ratio {counter[3]:.2f} at d = {d_printed}, ‖Σ − I‖₂ = {hidden_delta}, g = {counter[0]:.2f}); "
    "it holds with the columns' lengths measured through the square root of Σ." if printed_fails else "",
)

# %% [markdown]
# ## Deviations
#
# - The paper gives section 6 without proof and without numbers. The proposition above is ours, and so is the choice of $g_\Sigma$. Its $\rho$ is the bound
#   proved in {doc}`07_phase_two`, so the proved $\delta$ is that of a proof and not of nature.
# - The searched ratios are upper bounds on the smallest ratio, at a small dimension. In larger dimensions it is smaller, already at $\Sigma = I$.
# - The experiments of sections 5.2 and 5.3 are rerun at reduced dimension, with the exact gradient in place of SGD.
# - The third class that section 6 names, distributions for which the expectation can be computed, leaves nothing to test without an example.
#
# ## Try
#
# - `make run CHAPTER=15 P="d_search=20 starts=20 steps=200"`: a better search, some minutes. The crossings move to smaller $\delta$.
# - `make run CHAPTER=15 P="d_printed=100"`: too small a dimension for the printed potential to fail at $\delta = 0.1$; the verdict changes with it.
# - `make run CHAPTER=15 P="t_end=400"`: ten times as long, and more of the late runs arrive.
