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
# # Overparameterization: a wide network hardly moves
#
# ```{admonition} In this chapter
# :class: note
# **The question.** With enough hidden units gradient descent fits any labels. Du, Zhai, Póczos and Singh prove it: how wide is enough, how fast does it learn, and what happens to the weights?
#
# **What you will see.** The matrix that decides all of it, in closed form, and exactly when it is singular. A proof with constants. The rate promised, the rate measured, and that of infinite width. How far units move and how often their signs change, over two decades of width, beside predictions made before the run.
#
# **What you need.** Eigenvalues and Gaussian vectors. Nothing of this book's theorem, of which this one is the opposite: there is no teacher, and no weight finds a place of its own.
# ```
#
# Of the source {cite:p}`du2019gradient` only the introduction could be read to the letter (arXiv's second version), and of the rest the text without most displayed formulas. The statements below are the text's. The rate $1 - \eta\lambda_0/2$ is as later papers quote it. Widths, step size and constants of the experiments are
# ours.

# %% tags=["parameters"]
n: int = 20  # inputs of the trainings whose rates and movements are compared
d: int = 10  # their dimension
widths: list = [100, 316, 1000, 3162, 10000]  # hidden units
steps: int = 300  # steps of these trainings, at the step size 1/λ_max
seeds: int = 5  # trainings of each width, each with data of its own
few: list = [2, 5, 20]  # numbers of inputs: which width works for them
starts: int = 3  # trainings at a width that the theorem asks for
side: int = 100  # inputs and dimension of the live version of the figures
epochs: int = 100  # their steps, at 0.3/λ_max
record: bool = False  # store the runs of the three figures in their full size
seed: int = 0  # every random choice

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(), n=range(2, 201), d=range(2, 1001), widths=checks.each(range(10, 100_001)), steps=range(20, 10_001), seeds=range(5, 101),
    few=checks.each(range(2, 101)), starts=range(1, 1001), side=range(2, 1001), epochs=range(20, 1001), record=bool, seed=range(2**31),
)
parameters.require(len(widths) > 1 and sorted(set(widths)) == widths, f"'widths' must increase, two or more; got {widths}")

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number, power
from src.companions import lazy_theorem, overparameterization, wide_networks
from src.runs import recorded

figures.use()
generator = torch.Generator().manual_seed(seed)
all_seeds = list(range(seed, seed + seeds))
blue, red, green, *_, black = COLOUR = list(figures.COLOURS.values())

# %% [markdown]
# ## Two networks, one problem
#
# The network has [$m$](#notation-local) hidden units, of which only the weights $w_k \in \mathbb{R}^d$ learn; $\epsilon_k = \pm 1$ are fixed signs:
#
# $$
# F(x) = \frac{1}{\sqrt m} \sum_{k=1}^m \epsilon_k\, \mathrm{ReLU}(w_k \cdot x), \qquad w_k \sim N(0, I) \text{ at the start.}
# $$
#
# {numref}`fig-du-plane` has seven inputs on the circle with random labels. A narrow and a wide network learn them, by gradient descent on half the squared error. Both end with a function through the labels. Look at the arrows: in the narrow network the weights went far, in the wide one they hardly moved.

# %%
planes = {}
for m in (40, 1000):  # both get the same labels
    again = torch.Generator().manual_seed(seed)
    planes[m] = wide_networks.in_plane(7, m, 2000, again)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.3))
turn = np.linspace(0, 2 * np.pi, 400)
circle = torch.from_numpy(np.stack((np.cos(turn), np.sin(turn)), 1))
for (m, plane), panel, colour, style, how in zip(planes.items(), axes, (red, blue), ("--", "-"), ("go far", "hardly move")):
    shown = slice(0, 120)
    moved = plane.after - plane.before
    panel.quiver(*plane.before[shown].T, *moved[shown].T, angles="xy", scale_units="xy", scale=1, color=colour, width=0.006)
    panel.plot(*plane.before[shown].T, ".", color="grey", ms=3)
    panel.set(title=f"{m:,} units {how}", xlim=(-5, 5), ylim=(-5, 5), xlabel="first weight", ylabel="second weight", aspect="equal")
    axes[2].plot(turn, plane.output(circle), style, color=colour, label=f"{m:,} units")
axes[2].plot(2 * np.pi / len(plane.y) * np.arange(len(plane.y)), plane.y, "o", color=black)
axes[2].set(title="Both fit the data", xlabel="angle of the input (radian)", ylabel="output")
axes[2].legend()
figures.show("fig-du-plane", figure)

# %% [markdown]
# ```{glue:figure} fig-du-plane
# :name: fig-du-plane
# :alt: Two clouds of points in the plane. In the left one arrows lead from many points to places far away, in the right one the arrows are hardly longer than the points. A third panel has two curves over the angle, each through seven dots.
#
# Weights in the plane at the start (dots) and the way that they went (arrows; in the wide network 120 of them are drawn). Right: both networks after training, and the labels.
# ```
#
# ## The matrix that decides
#
# Whether and how fast the network learns hangs on one matrix. A unit is *active* at $x_i$ if $w_k \cdot x_i \ge 0$. Let [$\|x_i\| = 1$](#notation-norms). As the weights follow the negative gradient, the outputs change at the rate $H(W)\, r$. Here $r_i = y_i - F(x_i)$ is the residual, and $H(W)_{ij}$ is $x_i \cdot x_j$ times the
# share of units that are active at both inputs. At a random start its mean is
#
# $$\begin{aligned}
# H_{ij} &= x_i \cdot x_j\; \mathbb{E}\, 1[w \cdot x_i \ge 0]\, 1[w \cdot x_j \ge 0] \\
#   &= x_i \cdot x_j\, \frac{\pi - \theta_{ij}}{2\pi}, \qquad \theta_{ij} = \arccos(x_i \cdot x_j), \end{aligned}$$
#
# since two half-spaces overlap in a wedge of the angle $\pi - \theta_{ij}$. The source writes $H^\infty$. The least eigenvalue of $H$ is called $\lambda_0$.
#
# ```{prf:theorem} Du et al., inputs that are not parallel
# :label: thm-du-positive
# :nonumber:
#
# If no two inputs are parallel, then $\lambda_0 > 0$.
# ```
#
# The condition is sufficient. Opposite inputs $x$ and $-x$ are parallel too, and most sets with such pairs are harmless:
#
# ```{prf:theorem} When $H$ is singular
# :label: thm-du-singular
# :nonumber:
#
# $\lambda_0 > 0$ if and only if no two inputs are equal and the inputs whose opposites are inputs too (one of each pair) are linearly independent.
# ```
#
# ```{prf:proof}
# $H$ is the Gram matrix of the functions $w \mapsto x_i\, 1[w \cdot x_i \ge 0]$. So $c^\top H c = 0$ says that $\Phi(w) = \sum_i c_i x_i\, 1[w \cdot x_i \ge 0]$ vanishes for almost all $w$. Let the inputs differ, and let $w$ cross the plane $w \cdot x_i = 0$ away from the other inputs' planes. $\Phi$ jumps by $c_i x_i$ there, if $-x_i$ is no input. Then $c_i = 0$: this is the source's
# theorem. If $x_j = -x_i$, it jumps by $c_i x_i - c_j x_j = (c_i + c_j) x_i$, so $c_j = -c_i$, and on both sides of the plane the two terms sum to $c_i x_i$, as $\mathrm{ReLU}(x) - \mathrm{ReLU}(-x) = x$. What remains is $\Phi = \sum c_i x_i$ with one term a pair. Equal inputs make equal rows.
# ```
#
# So in $\mathbb{R}^d$ up to $d$ opposite pairs are allowed. Two inputs have $\lambda_0 = \tfrac12 - |\cos\theta|\,(\pi - \theta)/2\pi$, about $\theta/2\pi$ for a small angle. {numref}`fig-du-least` shows this on the left: opposite inputs are as good as orthogonal ones, and no $\lambda_0$ is larger, as the mean of all
# eigenvalues is $\tfrac12$. On the right three opposite pairs become harmless as soon as their axes leave a common plane.

# %%
axis = np.linspace(0, np.pi, 181)
two = [overparameterization.least_of_two(theta) for theta in axis]
tilts = axis[axis <= np.pi / 2]
three = [overparameterization.least(overparameterization.three_pairs(t))
         for t in tilts]
sets = overparameterization.sets(d + 1, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.plot(np.degrees(axis), two, label=r"$\lambda_0$")
left.plot(np.degrees(tilts), tilts / (2 * np.pi), color="grey", ls=":", label=r"$\theta/2\pi$")
left.set(title="Close inputs: a small eigenvalue", xlabel=r"angle $\theta$ (degrees)", ylabel=r"$\lambda_0$")
left.legend()
right.plot(np.degrees(tilts), three, color=green)
right.set(title="In a plane: eigenvalue zero", xlabel="third axis above the plane of the others (degrees)", ylabel=r"$\lambda_0$")
figures.show("fig-du-least", figure)

# %% [markdown]
# ```{glue:figure} fig-du-least
# :name: fig-du-least
# :alt: Left, a curve that leaves zero along a dotted line, rises above it to one half at 90 degrees, dips and is one half again at 180 degrees. Right, a curve that rises from zero with a horizontal tangent to one quarter at 90 degrees.
#
# The least eigenvalue of $H$. Left: two inputs; equal ones are forbidden, opposite ones are not. Right: three opposite pairs $\pm x$, singular where their axes lie in one plane.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
rows = "".join(
    f"| {one.name} | {one.n} | {one.parallel} | {one.predicted} | {one.found} | {number(one.least) if not one.found else '0'} |\n" for one in sets.each
)
display(Markdown(
    f"Sets of inputs in {d + 1} dimensions:\n\n| inputs | n | parallel pairs | null space, predicted | found | $\\lambda_0$ |\n|---|---|---|---|---|---|\n{rows}"
))
apart, harmless = ([one for one in sets.each if (one.parallel > 0) == joined and not one.found] for joined in (False, True))
claims.report(
    "du-positive", verdict=sets.positive, evidence=verdicts.PROVED,
    measured=f"λ₀ ≥ {power(min(one.least for one in apart))} in {len(apart)} sets without parallel inputs, the smallest for two that are almost parallel",
    spread="proved; exact for these sets", numbers={one.name: one.least for one in apart},
    note="By the jumps of a sum of indicator functions.",
)
claims.report(
    "du-parallel", verdict=sets.beyond, evidence=verdicts.PROVED,
    measured=f"the null space is the predicted one in {sum(one.found == one.predicted for one in sets.each)} of {len(sets.each)} sets; {len(harmless)} with parallel inputs have λ₀ > 0",
    spread="proved; exact for these sets", numbers={one.name: one.found for one in sets.each},
    note="Sufficient, not necessary: equal inputs are forbidden, opposite pairs x, −x only if their axes are linearly dependent.",
)

# %% [markdown]
# ## The theorem, with constants
#
# The theorem says that a wide enough network keeps a matrix close to $H$ all the way, so that the error vanishes at a rate that $\lambda_0$ gives.
#
# ```{prf:theorem} Du et al., convergence
# :label: thm-du-rate
# :nonumber:
#
# Let $\|x_i\| = 1$, $|y_i| \le C$, and $m = \Omega\big(n^6/(\lambda_0^4 p^3)\big)$. With probability at least $1 - p$ over the start the gradient flow, and gradient descent with $\eta = O(\lambda_0/n^2)$, make the error vanish at a linear rate; for descent $\|r\|^2$ falls at least by the factor $1 - \eta\lambda_0/2$ in every step. All $w_k$ stay within a radius of order $p\,\lambda_0/n^2$ of their start.
# ```
#
# The source's letter for [$p$](#notation-local) is $\delta$. The orders hide constants. Here is a proof that names them, for $\eta \le 1/n$ and with the probability $1 - 3p$:
#
# $$\begin{aligned}
# \rho &= \frac{\sqrt{2\pi}}{16}\, \frac{p\,\lambda_0}{n^2}, \\
# m &\ge \frac{8192}{9\pi} \Big(C^2 + \frac12\Big) \frac{n^6}{\lambda_0^4 p^3} \quad\text{(the flow: } 512/\pi\text{)} . \end{aligned}$$
#
# ```{prf:proof}
# *The start.* Three events may fail, with probability $p$ each. (1) $\mathbb{E}\|H(W_0) - H\|_F^2 \le n^2/4m$, so that by Chebyshev's inequality $\|H(W_0) - H\|_2 \le \lambda_0/4$. (2) $\mathbb{E}\|r\|^2 = \|y\|^2 + n/2$, as the signs are independent of the weights: by Markov's inequality $\|r_0\|^2 \le n(C^2 + \tfrac12)/p$. (3) Let $b$ be the sum over $i$ of the share of units with $|w_k(0) \cdot x_i| \le \rho$.
# The density of $w \cdot x_i$ is below $1/\sqrt{2\pi}$, so $\mathbb{E}\,b \le 2n\rho/\sqrt{2\pi}$, and $b \le \lambda_0/8n$.
#
# *While all weights are within $\rho$,* only units counted in $b$ can differ in activity from the start. So $\|H(W) - H(W_0)\|_2 \le 2nb \le \lambda_0/4$, and the least eigenvalue of $H(W)$ is at least $\lambda_0/2$. The largest is at most its trace, hence at most $n$.
#
# *The flow* has $\dot r = -H(W)\,r$, so $\|r\|^2 \le e^{-\lambda_0 t}\|r_0\|^2$. (Where units rest on a plane, their activity is a number between $0$ and $1$, and nothing changes.) *A step of descent* makes $r - \eta H(W)\,r$ and a remainder from units that change in it, each of which moves by at most $\eta\sqrt{n/m}\,\|r\|$; so the remainder is at most $\eta\sqrt n\, b\,\|r\| \le
# \tfrac18 \eta\lambda_0\|r\|$. Hence $\|r\|$ falls by $1 - \tfrac38 \eta\lambda_0$, and its square by $1 - \tfrac12 \eta\lambda_0$ or more.
#
# *Nobody leaves.* A weight moves by $\sqrt{n/m}$ times the sum $\eta \sum_t \|r_t\| \le 8\|r_0\|/3\lambda_0$ at most (the flow: $2\|r_0\|/\lambda_0$). With the stated $m$ that is $\rho$.
# ```
#
# The step size may thus be as large as $1/n$. `theorem` evaluates the three inequalities at every step of a training. It also trains a network on one input at the width asked, with $p = 1/5$ and $C = 1$.

# %%
evidence = {
    flow: lazy_theorem.theorem(6, 200, 100, 1.0, 0.2, starts, generator, flow)
    for flow in (False, True)}

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
near, flow = evidence.values()
seen = {
    kind: f"the proof's inequalities have at most {number(max(shown.kernel, shown.remainder, shown.movement))} of their right sides, and its width closes it to {shown.closes:.3f}; at the asked width {shown.regime.width:,} a share {shown.regime.faster:.2f} of the starts keeps the rate"
    for kind, shown in evidence.items()
}
promise = f"proved; at least {near.promise:.1f} is promised, n = one input"
claims.report(
    "du-flow", verdict=flow.rate, evidence=verdicts.PROVED, measured=seen[True], spread=promise,
    numbers={"movement": flow.movement, "width": flow.regime.width, "kept": flow.regime.faster},
    note="With constants: the error falls as e to the power −λ₀t, or faster.",
)
claims.report(
    "du-descent", verdict=near.rate, evidence=verdicts.PROVED, measured=seen[False], spread=promise,
    numbers={"movement": near.movement, "width": near.regime.width, "kept": near.regime.faster},
    note="With constants, and for all η ≤ 1/n, which is more than a multiple of λ₀/n².",
)
claims.report(
    "du-near", verdict=near.near, evidence=verdicts.PROVED,
    measured=f"at the asked width a share {near.regime.inside:.2f} of the starts has no weight outside the radius, and {near.regime.curved:.2f} keep half of λ₀ as the least eigenvalue of H(W)",
    spread=promise, numbers={"inside": near.regime.inside, "curved": near.regime.curved}, note=f"The radius is {4 * overparameterization.radius(1, 0.5, 0.5):.3f} p λ₀/n².",
)

# %% [markdown]
# ## Promised, measured, exact
#
# How much faster than promised does a network learn? If the Gram matrix stayed $H$, each part of the residual along an eigenvector would shrink by $1 - \eta\lambda$ in a step, and late $\|r\|^2$ by $(1 - \eta\lambda_0)^2$: the exact rate of infinite width. A finite network should end with $(1 - \eta\lambda)^2$ for the least eigenvalue $\lambda$ of $H(W)$ at its end. We train all widths on random inputs on the sphere
# and labels from $N(0, 1)$. The step [$\eta$](#notation-eta) is the inverse of the largest eigenvalue of $H$, beyond what the theorem allows. In {numref}`fig-du-rates`, compare the lines on the left with the dotted promise, and see on the right that all three measured ratios come down to the dashed limit.

# %%
family = wide_networks.family(n, d, widths, all_seeds, steps, 1.0)
small = {k: wide_networks.family(k, d, [1, 4, 16, 64, 256, 1024],
                                 all_seeds, 200, 1.0, draws=2)
         for k in few}
close = {theta: wide_networks.close_pair(theta, widths, all_seeds)
         for theta in (0.8, 0.4)}  # radian

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.7))
t, squares = np.arange(steps + 1), family.curve("squares")[0]
for k, colour, style in ((0, red, "-."), (-1, blue, "-")):
    left.semilogy(t, squares[k], style, color=colour, label=f"{widths[k]:,} units")
for name, rate, style in (("promised", family.promised, ":"), ("infinite width", family.limit, "--")):
    left.semilogy(t, squares[-1, 0] * rate[0, 0] ** t, color="grey", ls=style, label=name)
left.set(title="Both beat the promise", xlabel="step", ylabel=r"squared error $\|r\|^2$", ylim=(1e-30, None))
for name, values, marker, colour in (("worst step", family.worst, "v", red), ("late", family.late, "o", blue), ("of $H(W)$ at the end", family.at_end, "x", black)):
    right.semilogx(widths, values.mean(0), marker, color=colour, label=name)
right.axhline(family.promised.mean(), color="grey", ls=":", label="promised")
right.axhline(family.limit.mean(), color="grey", ls="--", label="infinite width")
right.set(title="Wider networks come nearer to the limit", xlabel="width $m$", ylabel=r"$\|r\|^2$ after a step / before it")
for panel in (left, right):
    panel.legend()
figures.show("fig-du-rates", figure)

# %% [markdown]
# ```{glue:figure} fig-du-rates
# :name: fig-du-rates
# :alt: Left, squared errors fall as straight lines on a logarithmic axis until rounding, both steeper than the dotted promised line, the wider one along the dashed line of infinite width. Right, ratios over the width: triangles, dots and crosses fall towards the dashed line, far below the dotted one.
#
# Left: squared errors, the rate promised (dotted) and that of infinite width (dashed). Right: means over the seeds of the worst ratio of two successive errors, the late one, and the one that the end's Gram matrix gives.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {m:,} | {family.promised.mean():.4f} | {family.worst[:, k].mean():.4f} | {family.late[:, k].mean():.4f} | {family.at_end[:, k].mean():.4f} | {family.limit.mean():.4f} | {number(100 * family.restless[:, k].mean(), 2)} % |\n"
    for k, m in enumerate(widths)
)
first = f"| width | promised | worst step | late | of $H(W)$ at the end | infinite width | restless |\n|---|---|---|---|---|---|---|\n{rows}"
rows = ""
for k, one in small.items():
    lambda_0 = one.lambda_0.mean()
    asked, ours = overparameterization.asked_width(k, lambda_0, 0.1), overparameterization.sufficient_width(k, lambda_0, 0.1, 2.0)
    rows += f"| {k} | {number(lambda_0)} | {number(asked)} | {number(ours)} | {number(one.works) if np.isnan(one.works) else f'{one.works:,.0f}'} |\n"
second = f"| inputs | $\\lambda_0$ | asked, constant 1 | asked, our constant | worked |\n|---|---|---|---|---|\n{rows}"
third = f"| angle | $\\lambda_0$ | {' | '.join(f'{m:,} units' for m in widths)} |\n|---|---|{'---|' * len(widths)}\n" + "".join(
    f"| {theta} | {number(one.lambda_0[0])} | {' | '.join(f'{x:.3f}' for x in one.ends[..., 1].mean(0) / one.lambda_0[0])} |\n" for theta, one in close.items()
)
display(Markdown(
    f"{first}\n*Worked* in the next table is the least of the widths tried ({', '.join(f'{m:,}' for m in one.widths.tolist())}) from which on all {seeds} seeds fall as promised in every step; asked is for $p = 1/10$, ours for $|y_i| \\le 2$.\n\n{second}\n\n"
    f"Two inputs at a small angle, labels $1$ and $-1$; the least eigenvalue of $H(W)$ at the end in units of $\\lambda_0$:\n\n{third}"
))

# %% [markdown]
# The promise is kept with a wide margin, at widths nowhere near those asked. One thing the exact rate does not tell: some units never come to rest. They sit on the plane $w_k \cdot x_i = 0$ of an input; one step makes them active there, the next inactive. The table calls *restless* the pairs of unit and input that still change
# in the last steps. While there are some, the late rate is a little slower than that of $H(W)$.
#
# Why the fourth power of $\lambda_0$? It is not only the proof's weakness. Two inputs at a small angle $\theta$ have $\lambda_0 \approx \theta/2\pi$. Only the units whose plane runs between them, a share $\theta/\pi$, can tell them apart. To learn the labels $1$ and $-1$ these must move by about $1/(\lambda_0 \sqrt m)$, or
# $2\pi/(\theta\sqrt m)$, and they leave the wedge of width $\theta$ unless $m \gg 4\pi^2/\theta^4$. When they do, the least eigenvalue falls, as in the last table.
#
# ## How little: constants predicted before the run
#
# How far do the weights go? If $H$ is known, this can be said before the training. To first order a weight moves by $m^{-1/2}\, \epsilon_k \sum_i c_i x_i$, the sum over inputs at which it is active, with $c = \eta \sum_t r_t = H^{-1} r_0$ once the training is over. So
#
# $$
# \|W_T - W_0\|_F^2 \to c^\top H c = r_0^\top H^{-1} r_0 ,
# $$
#
# whatever the width, while $\|W_0\|_F$ is about $\sqrt{md}$. The largest movement of one unit falls like $m^{-1/2}$, but for the growing number of units among which it is the largest. Changes of sign are rare for the same reason: only a unit within about $m^{-1/2}$ of a plane can change, and near the plane the density is
# $1/\sqrt{2\pi}$. `predict` follows such units through the residuals $(I - \eta H)^t r_0$. (To take the share as $\mathbb{E}|w_k(T) \cdot x - w_k(0) \cdot x|/\sqrt{2\pi}$ would overrate it: a unit that is pushed back after it crossed stays on the plane.) In {numref}`fig-du-lazy` the dots should lie on the lines.

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
NAMES = {"largest": "largest movement of a unit", "together": r"$\|W_T - W_0\|_F$", "flips": "share of changed signs"}
titles = "A unit moves less", "All units together do not", "Fewer signs change"
for panel, (key, name), title, colour in zip(axes, NAMES.items(), titles, COLOUR):
    for row in family.end(key):
        panel.loglog(widths, row, ".", color=colour, alpha=0.6)
    predicted = family.end(key) / family.of_predicted(key)
    panel.loglog(widths, predicted.mean(0), color="grey", label="predicted")
    panel.set(title=title, xlabel="width $m$", ylabel=name)
    panel.set_ylim(*((1, 100) if key == "together" else (None, None)))
    panel.legend()
figures.show("fig-du-lazy", figure)

# %% [markdown]
# ```{glue:figure} fig-du-lazy
# :name: fig-du-lazy
# :alt: Three panels with logarithmic axes. Dots of the largest movement and of the share of changed signs fall with slope minus one half along a grey line; dots of the Frobenius norm stay level on a grey line.
#
# What training has changed at its end, for every seed (dots), and the mean of what was predicted from the starts (lines).
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = ""
for key, name in NAMES.items():
    fit, share = wide_networks.exponent(family.widths, family.end(key)), family.of_predicted(key)
    rows += f"| {name} | {number(family.end(key)[:, 0].mean())} | {number(family.end(key)[:, -1].mean())} | {number(fit.mean)} ({number(fit.low)} to {number(fit.high)}) | {share[:, 0].mean():.3f} | {share[:, -1].mean():.3f} |\n"
display(Markdown(
    f"| | {widths[0]:,} units | {widths[-1]:,} units | exponent (95 % interval) | of the prediction, {widths[0]:,} | {widths[-1]:,} |\n|---|---|---|---|---|---|\n{rows}\n"
    f"Means over {seeds} seeds; intervals from Student's $t$."
))

# %% [markdown]
# ## The three figures
#
# The source trains networks of several widths on $n = d = 1000$ inputs from the unit sphere with labels from $N(0, 1)$ for 100 epochs. It shows the training error, the share of changed patterns and the largest movement of a weight vector. We repeat these figures at a smaller size with this page, and at full size where there is
# a recording. One epoch is one step, of $0.3$ over the largest eigenvalue of $H$. In {numref}`fig-du-three`, see that the error hardly depends on the width, while both changes are smaller in wider networks.

# %%
settings = {"widths": widths, "steps": epochs, "pace": 0.3,
            "precision": "float32", "draws": 20}
if record:
    wide_networks.record(all_seeds, n=1000, d=1000, **settings)
live = wide_networks.family(n=side, d=side, seeds=all_seeds, **settings)
stored = wide_networks.recording()
full = live if stored is None else wide_networks.Family(**stored.arrays)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.5))
STYLES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
PANELS = {
    "squares": ("Every width learns alike", "squared error"),
    "flips": ("Wider: fewer changes", "changed patterns (%)"),
    "largest": ("Wider: shorter ways", "largest movement of a unit"),
}
for panel, (key, (title, name)) in zip(axes, PANELS.items()):
    for k, (m, colour, style) in enumerate(zip(full.widths.tolist(), COLOUR, STYLES)):
        curves = full.curve(key)[:, k] * (100 if key == "flips" else 1)
        panel.semilogy(np.arange(1, curves.shape[1]), curves[:, 1:].mean(0), ls=style, color=colour, label=f"{m:,} units")
    panel.set(title=title, xlabel="epoch", ylabel=name)
    panel.legend()
figures.show("fig-du-three", figure)

# %% [markdown]
# ```{glue:figure} fig-du-three
# :name: fig-du-three
# :alt: Three panels over a hundred epochs. The squared errors of all widths fall as nearly the same straight line on a logarithmic axis; the share of changed patterns and the largest movement rise at first and stay level, the lower the wider the network.
#
# The source's three figures: squared error, share of pairs of unit and input whose activity has changed, largest $\|w_k(t) - w_k(0)\|$; means over the seeds. The recorded runs if there are any, else the live ones.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
shown = wide_networks.Figures.of(full)
how, size = (verdicts.SAMPLED, f"n = d = {side}, live") if stored is None else (verdicts.RECORDED, recorded.caption(stored))
spread = f"{len(full.eta)} seeds, {len(full.widths)} widths"
claims.report(
    "du-fig-error", verdict=shown.error, evidence=how,
    measured=f"in every epoch of every run at most {shown.worst.max():.3f} of the squared error is left, where {shown.promised.min():.3f} is promised; at the end, {power(full.left.max())} or less",
    spread=spread, numbers={"worst": float(shown.worst.max()), "promised": float(shown.promised.min())}, note=size,
)
fits = {key: wide_networks.exponent(full.widths, full.end(key)) for key in ("flips", "largest")}
means = {key: full.end(key).mean(0) for key in fits}
seen = {
    key: f"{number(means[key][0])} with {full.widths[0]:,} units, {number(means[key][-1])} with {full.widths[-1]:,}, like m to the power {number(fit.mean)}; {full.of_predicted(key)[:, -1].mean():.3f} of what was predicted for the widest"
    for key, fit in fits.items()
}
spreads = {key: f"exponent from {number(fit.low)} to {number(fit.high)} (95 %); {spread}" for key, fit in fits.items()}
claims.report(
    "du-fig-patterns", verdict=shown.patterns, evidence=how, measured=f"share of changed patterns {seen['flips']}", spread=spreads["flips"],
    numbers={"narrow": means["flips"][0], "wide": means["flips"][-1], "exponent": fits["flips"].mean}, note=size,
)
claims.report(
    "du-fig-distance", verdict=shown.distance, evidence=how, measured=f"largest movement {seen['largest']}", spread=spreads["largest"],
    numbers={"narrow": means["largest"][0], "wide": means["largest"][-1], "exponent": fits["largest"].mean}, note=size,
)

# %% [markdown]
# Two cases at the edge. A network without hidden units, $m = 0$, has nothing to train and is refused, and so are inputs that are not of length one. Parallel inputs are allowed, to show what they do: two equal inputs with different labels leave an error that no width removes, in the direction of the null space.
#
# ## Summary
#
# - $H$ has a closed form. It is singular only if two inputs are equal or the axes of opposite pairs are linearly dependent; the source's condition is sufficient.
# - The theorem holds, with constants and a proof of half a page, also for step sizes up to $1/n$.
# - It asks for astronomic widths, and a few dozen units keep its promise; the rate of a wide network is $(1 - \eta\lambda_0)^2$, far better than promised.
# - In a wide network $\|W_T - W_0\|_F$ does not depend on the width, and a single unit's movement and the share of changed signs fall like $m^{-1/2}$, with constants known before the run.
# - The fit is found next to any start. In this book's theorem a start next to the identity moves to a particular teacher.
#
# ## Exercises
#
# ```{exercise} Three pairs in the plane
# :label: ex-du-pairs
#
# Let the inputs be $\pm x_1, \pm x_2, \pm x_3$ in the plane, the axes $60°$ apart. Which labels can no network of any width learn?
# ```
#
# ```{solution} ex-du-pairs
# :class: dropdown
#
# $x_1 - x_2 + x_3 = 0$ for the axes at $0°$, $60°$ and $120°$. Hence $c = (1, -1, 1)$ on the $x_i$ and $-c$ on the $-x_i$ spans the null space of $H$. For every network $F(x) - F(-x)$ is linear in $x$, so $F(x_1) - F(-x_1) - F(x_2) + F(-x_2) + F(x_3) - F(-x_3) = 0$ always. Labels with another sum cannot be learned. Labels $c$, for which it would be $6$, leave all of their squared error.
# ```
#
# ```{exercise} How far in all
# :label: ex-du-movement
#
# What is the mean of $\|W_T - W_0\|_F^2$ over starts, in the limit of large width, for a single input with the label $y$?
# ```
#
# ```{solution} ex-du-movement
# :class: dropdown
#
# $r_0^\top H^{-1} r_0$ with $H = \tfrac12$ and $r_0 = y - F(x)$. The output at the start has mean zero and variance $\tfrac12$, so the mean is $2y^2 + 1$. `expected_movement` does it for any inputs: $y^\top H^{-1} y + \operatorname{tr}(H^{-1} S)$, where $S$ is the covariance of the outputs at the start.
# ```
#
# ## Try
#
# - `make run CHAPTER=19 P="n=40"`: more inputs, a smaller $\lambda_0$, and larger widths before the constants are met.
# - `make run CHAPTER=19 P="side=300"`: the three figures, larger.
