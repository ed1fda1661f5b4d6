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
# # Deep linear networks, without and with the identity
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Without ReLU, what does a link around every layer change? Kawaguchi's theorem is about deep linear networks without links, Hardt and Ma's about those with them.
#
# **What you will see.** Every local minimum is global, with a proof for all depths and widths. Saddles with a way down that curvature shows, and, from three matrices on, saddles where it shows nothing. With links no bad critical
# point within $\|A_i\|_2 < 1$; a printed inequality that is false, and the one that is true; a sign that the links cannot change.
#
# **What you need.** Singular values and Hessians; [the landscape near the identity](03_landscape) for comparison.
# ```
#
# Of Kawaguchi's paper {cite:p}`kawaguchi2016deep` only the abstract was read, and only its four claims are judged. Of Hardt and Ma's {cite:p}`hardt2017identity`, section 2 with its proofs was read whole, in the text printed
# for ICLR. Another version of it prints another constant.

# %% tags=["parameters"]
d: int = 5  # dimension of the network with links, and of its races
depths: list = [2, 3, 4, 5]  # matrices of the networks that race
starts: list = [0.5, 0.1, 0.03]  # sizes of the weights of those without links
eta: float = 0.025  # step size of the races
steps: int = 4000  # steps of each
runs: int = 10  # descents of every network without links
draws: int = 4000  # random points at which eq. 2.3 is evaluated
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
    globals(), d=range(2, 11), depths=checks.each(range(2, 7)), starts=checks.each(checks.between(0, 1)),
    eta=checks.between(0, 0.03), steps=range(10, 10**6), runs=range(1, 1001), draws=range(10, 10**6), seed=range(2**31),
)

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number, power
from src.companions import deep_linear, linear_residual, linear_saddles, residual_optimum

figures.use()
generator = torch.Generator().manual_seed(seed)
red, green, black = (figures.COLOURS[name] for name in ("vermillion", "green", "black"))
COLOUR = list(figures.COLOURS.values())

# %% [markdown]
# ## One function, two places to start
#
# The smallest deep linear network has two weights, $f(x) = w_2 w_1 x$, and the loss $\tfrac12 (w_2 w_1 - c)^2$ for a target $c$. {numref}`fig-linear-origin` shows it for $c = 1$ and for $c = -1$. A network without links
# starts near the origin. There the gradient vanishes, and the loss is the flatter the more weights there are. A network with links is the same function, started at $(1, 1)$. The square around it, $0 < w_i < 2$, has no
# critical point but minima for $c = 1$. For $c = -1$ it has none at all, and descent from its centre ends in its corner, the origin.

# %%
axis = np.linspace(-2.2, 2.2, 111)
w_1, w_2 = np.meshgrid(axis, axis)
equal = np.linspace(-0.9, 1.25, 200)
along = {N: (equal**N - 1) ** 2 / 2 for N in (2, 3, 5)}
one = torch.ones(1, 1, dtype=torch.float64)
end = residual_optimum.from_identity(-one, 2, 0.01, 3000)[0]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
for panel, c, what in zip(axes, (1, -1), ("minima at the identity", "a way into the saddle")):
    panel.contour(w_1, w_2, (w_1 * w_2 - c) ** 2 / 2, levels=[0.1, 0.5, 1.5, 4], linewidths=0.9)
    for side in (1, -1):
        panel.plot(side * axis[axis > 0.4], side * c / axis[axis > 0.4], color=black)
    panel.add_patch(plt.Rectangle((0, 0), 2, 2, fill=False, color=green, lw=2))
    panel.plot(0, 0, "o", color=red)
    panel.plot(1, 1, "s", color=green)
    panel.set(title=f"$c = {c}$: {what}", xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
axes[1].annotate("", 1 + end.flatten(), (1, 1), arrowprops={"arrowstyle": "->", "color": green})
for (N, curve), style in zip(along.items(), ("-", "--", "-.")):
    axes[2].plot(equal, curve, style, label=f"{N} weights")
axes[2].set(title="More weights: flatter at zero", xlabel="$w$", ylabel="loss")
axes[2].legend()
figures.show("fig-linear-origin", figure)

# %% [markdown]
# ```{glue:figure} fig-linear-origin
# :name: fig-linear-origin
# :alt: Two contour plots with a saddle at the origin, marked red, and a green square of side two with its centre at (1, 1). On the left a curve of minima passes through the centre; on the right the minima lie in the other quadrants and an arrow leads from the centre to the origin. A third panel shows the loss along equal weights, ever flatter at zero with more weights.
#
# The loss of two weights, for two targets. Black: the minima. Red: the origin, a saddle. Green: the identity, and the square around it; the arrow is a descent from the identity. Right: the loss along equal weights, for $c = 1$.
# ```
#
# ## Without links: the four claims
#
# Let $W_1, \dots, W_N$ be matrices of any widths, $W_k$ of shape $h_k \times h_{k-1}$, and for inputs $X \neq 0$ and outputs $Y$, one in every column,
#
# $$
# L(W_1, \dots, W_N) = \tfrac12 \|W_N \cdots W_1 X - Y\|_F^2 .
# $$
#
# ```{prf:theorem} Kawaguchi, the claims of the abstract for linear networks
# :label: thm-kawaguchi
# :nonumber:
#
# For the squared loss of deep linear networks with any depth and any widths: (1) the function is neither convex nor concave; (2) every local minimum is a global minimum; (3) every critical point that is not a global minimum is a
# saddle point; (4) with more than three layers there are bad saddle points, where the Hessian has no negative eigenvalue, and with three layers there are none.
# ```
#
# Layers count the input and the output: three layers are two matrices, $N = 2$. Later papers quote conditions of the theorem, so from secondary sources: $X X^\top$ and $X Y^\top$ of full rank, not more outputs than inputs, and
# distinct eigenvalues of $Y X^\top (X X^\top)^{-1} X Y^\top$. The proofs below need none of them.
#
# Replace $W_1$ by its product with a matrix so that the rows of $X$ become orthonormal; for an $X$ of lower rank, drop the directions that no input has. With $C = Y X^\top$ in these coordinates, $Z = W_N \cdots W_1$, $G = Z - C$
# and the partial products $U_k = W_N \cdots W_{k+1}$ and $V_k = W_k \cdots W_1$, the loss is $\tfrac12 \|G\|_F^2$ and a constant, and its gradient in $W_k$ is $U_k^\top G V_{k-1}^\top$. Let $C = \sum_i \sigma_i p_i q_i^\top$ with
# falling singular values, and $r$ the smallest width, input and output included. The least loss is that of the sum's first $r$ terms (Eckart and Young).
#
# First, for **two matrices every critical point with more than the least loss has negative curvature**.
#
# ```{prf:proof}
# In directions $F_1$, $F_2$ the second derivative of $L$ is $\|F_2 W_1 + W_2 F_1\|_F^2 + 2 \langle G, F_2 F_1\rangle$.
#
# *There is a unit vector $e$ with $W_2 e = 0$* (or $e^\top W_1 = 0$, by the same argument). Take $F_1 = e v^\top$ and $F_2 = \epsilon z e^\top$: the derivative is $\epsilon^2 \|e^\top W_1\|^2 \|z\|^2 + 2\epsilon\, z^\top G v$. If
# $G \neq 0$ it is negative for some $v$, $z$ and small $\epsilon$. If $G = 0$ the loss is the least of all.
#
# *Otherwise both have rank $h_1 = r$.* The gradients give $Z = \Pi C$ with the orthogonal projection $\Pi$ on the range of $W_2$, and that this range is invariant under $C C^\top$. So $Z = \sum_{i \in S} \sigma_i p_i q_i^\top$
# for a set $S$ of $r$ indices (with suitable $p_i$ where singular values are equal). If these are not the largest singular values, some $i \in S$ and $j \notin S$ have $\sigma_i < \sigma_j$. With $W_2^+ p_i = c$, take $F_1 =
# \sigma_j c\, q_j^\top$ and $F_2 = p_j (W_2^\top p_i)^\top$: then $F_2 W_1 = \sigma_i p_j q_i^\top$, $W_2 F_1 = \sigma_j p_i q_j^\top$ and $F_2 F_1 = \sigma_j p_j q_j^\top$, and the derivative is $\sigma_i^2 + \sigma_j^2 - 2
# \sigma_j^2 < 0$.
# ```
#
# Second, with **any number of matrices every local minimum is global**.
#
# ```{prf:proof}
# *Let $Z$ have rank $r$*, and $h_k = r$. A small change of $U_k$ is one of $W_N$ alone and a small change of $V_k$ one of $W_1$ alone, because the matrices between have full rank. So $(U_k, V_k)$ is a local minimum of two
# matrices, hence global. (For $k = 0$ or $k = N$ all changes of $Z$ are possible, and $G = 0$.)
#
# *Let $Z$ have lower rank*, and let $k$ be the first index with $\operatorname{rank} V_k < r$. For $j = k, \dots, N - 1$ there is a unit vector $\omega_j$ with $\omega_j^\top V_j = 0$. Adding $\zeta_j \omega_j^\top$ to $W_{j+1}$
# changes no $V_j$, so the loss stays the same, and for small $\zeta_j$ we are still at a local minimum: the gradient in $W_k$ vanishes for all of them. Its part with every $\zeta_j$ in it is
#
# $$
# \omega_k\, (\omega_{k+1}^\top \zeta_k) \cdots (\omega_{N-1}^\top \zeta_{N-2})\, \zeta_{N-1}^\top G V_{k-1}^\top,
# $$
#
# hence $G V_{k-1}^\top = 0$. If $k = 1$, this is $G = 0$. If not, some $\xi$ has $V_{k-1} \xi \neq 0 = V_k \xi$, and $W_1 (I + \epsilon\, \xi
# v^\top)$ instead of $W_1$ leaves $V_k$ and $Z$ as they are. The same conclusion there says $G v\, (V_{k-1} \xi)^\top = 0$, for every $v$. So $G = 0$.
# ```
#
# The other claims are short. *Saddles:* the sum of all second derivatives is $\sum_k \|U_k\|_F^2 \|V_{k-1}\|_F^2 \ge 0$, so that $L$ is subharmonic and has no local maximum. *Not convex:* with the signs of $W_1$ and $W_2$ changed
# a global minimum stays one, and half-way there is the loss at zero. (Here and below, $C \neq 0$.) *Not concave:* along $W_N$ the loss is a parabola. *Bad saddles*, in three lines: for $N \ge 3$ all second derivatives at zero
# have a factor $0$; $L(\epsilon F_1, \dots, \epsilon F_N) - L(0) = -\epsilon^N \langle C, F_N \cdots F_1\rangle + \tfrac12 \epsilon^{2N} \|F_N \cdots F_1\|_F^2$; the first term takes either sign. More of them: where $Z$ keeps the
# $m < r$ largest terms and the hidden layers hold nothing else, two matrices have negative curvature, and three or more have none. (Not every point with $Z = 0$ is so bad: at $(0, W_2, 0)$ the least eigenvalue is $-\sigma_1
# \|W_2\|_2$.)
#
# A computation checks all of it. For three designs, one of which meets the quoted conditions, `examine_all` makes a critical point for every set of terms that $Z$ can keep, with random matrices between, and takes its exact
# Hessian.

# %%
designs = linear_saddles.designs(generator)
networks = [[2], [3], [2, 3], [3, 3, 3]]  # hidden widths
points = linear_saddles.examine_all(designs, networks, generator)
shape = linear_saddles.not_convex(designs, networks, generator)
landings = deep_linear.Landings(tuple(
    deep_linear.land(name, X, Y, hidden, runs, generator)
    for name, (X, Y) in designs.items()
    for hidden in ([2], [2, 3], [4, 4, 4])))

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
first = next(iter(designs))
rows = ""
for kept, name in {(): "none: all weights are zero", (0,): "the first", (1,): "the second", (0, 1): "the first two", (0, 2): "the first and the third"}.items():
    pair = [next(p for p in points.each if (p.network, p.matrices, p.kept) == (first, N, kept)) for N in (2, 3)]
    least = " | ".join(number(p.least) if p.curved else "0" for p in pair)
    rows += f"| {name} | {'global minimum' if pair[0].best else 'saddle'} | {least} |\n"
display(Markdown("| terms of $C$ that $Z$ keeps | it is a | least eigenvalue, two matrices | three matrices |\n|---|---|---|---|\n" + rows))

# %% [markdown]
# The table has the network of smallest width two for the first design. A saddle of two matrices always shows its way down in the curvature. With three it does so only where $Z$ has kept a smaller term and left out a larger one.
# Descents from random weights confirm the second claim; each was disturbed at its end and went on, so that it does not rest at a saddle.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
strict = [p for p in points.others if p.matrices == 2]
rested = sum(len(landing.at_rest) for landing in landings.each)
reached = sum(landing.reached for landing in landings.each)
claims.report("kawaguchi-non-convex", verdict=shape.verdict, evidence=verdicts.PROVED,
    measured=f"half-way between two global minima the loss is higher by {number(shape.hump)} or more, half-way along the last matrix lower than the chord by {number(shape.sag)} or more",
    spread=f"proved; the least of {len(designs) * len(networks)} networks, in units of the loss at zero", numbers=shape._asdict(),
    note="Proved for Y Xᵀ ≠ 0, at any depth from two matrices on, and any widths.",
)
claims.report("kawaguchi-minima", verdict=landings.verdict, evidence=verdicts.PROVED,
    measured=f"{reached} of {rested} descents that came to rest are at the least loss, which has a closed form",
    spread=f"proved; {runs} descents in each of {len(landings.each)} networks", numbers={"reached": reached, "at rest": rested},
    note="Proved for all depths and widths, also for an X of lower rank and for more outputs than inputs.",
)
claims.report("kawaguchi-saddles", verdict=points.saddles, evidence=verdicts.PROVED,
    measured=f"each of {len(points.others)} critical points that are no global minimum has lower and higher points close to it; the loss falls by {power(min(p.fall for p in points.others))} or more",
    spread=f"proved; gradients up to {power(max(p.slope for p in points.each))}", numbers={"points": len(points.others)},
    note="No local maximum, as the loss is subharmonic; no local minimum by the second claim.",
)
claims.report("kawaguchi-strict", verdict=points.strict, evidence=verdicts.PROVED,
    measured=f"{sum(p.curved for p in strict)} of {len(strict)} saddles of two matrices have negative curvature, {number(max(p.least for p in strict))} or less",
    spread="proved; exact Hessians", numbers={"curved": sum(p.curved for p in strict), "of": len(strict), "least": max(p.least for p in strict)},
    note="Equal singular values and a singular X Xᵀ are allowed.",
)
claims.report("kawaguchi-bad", verdict=points.bad, evidence=verdicts.PROVED,
    measured=f"{len(points.flat)} saddles of three and four matrices without negative curvature, one of them at zero in every network; the least eigenvalue differs from zero by {power(max(abs(p.least) for p in points.flat))} at most",
    spread="proved; exact Hessians", numbers={"flat": len(points.flat)},
    note="At zero the Hessian vanishes; the others keep the largest terms of C, fewer than the widths allow.",
)

# %% [markdown]
# ## How long a saddle holds
#
# Near a bad saddle descent is slow, however lucky the direction. For $N$ equal weights $w$ and the target one, the flow is $\dot w = w^{N-1}(1 - w^N)$. From a small start $w_0$ it needs about $\log(1/w_0)$ for two weights
# and $w_0^{2-N}/(N-2)$ for more. A start ten times smaller costs a constant time more for two weights, ten times the time for three, and a hundred times for four: these are the slopes in the left panel of
# {numref}`fig-linear-escape`. In the right panel gradient descent with step size [$\eta$](#notation-eta) learns a target $R$ of dimension $d$ with positive determinant, from Gaussian weights of several sizes and from the
# identity. The steps of the staircases are the bad saddles of the table: $Z$ takes up the largest terms, one after the other.

# %%
sizes = np.logspace(-3, -0.5, 26)
times = {N: [deep_linear.escape_time(N, w) for w in sizes] for N in (2, 3, 4)}
R = residual_optimum.target(d, 0.7, 1, generator)
races = {N: residual_optimum.race(R, N, starts, eta, steps, generator)
         for N in depths}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
styles = ("-", "--", "-.", (0, (6, 1, 1, 1, 1, 1)))
for (N, curve), colour, style in zip(times.items(), COLOUR, styles):
    left.loglog(sizes, curve, ls=style, color=colour, label=f"{N} weights")
    left.loglog(sizes, -np.log(sizes) if N == 2 else sizes ** (2.0 - N) / (N - 2), color=colour, ls=":", lw=1)
left.set(title="Deeper: far slower from a small start", xlabel="start $w_0$", ylabel="time until half of the target")
middle = depths[(len(depths) - 1) // 2]
names = ["with links, from zero", *(f"without, size {start}" for start in starts)]
for curve, name, colour, style in zip(races[middle].T, names, COLOUR, styles):
    right.loglog(np.arange(1, steps + 1), curve[1:], ls=style, color=colour, label=name)
right.set(title=f"Plateaus without links ({middle} matrices, $d = {d}$)", xlabel="step", ylabel=r"squared error $\|Z - R\|_F^2$", ylim=(1e-9, None))
left.legend()
right.legend()
figures.show("fig-linear-escape", figure)

# %% [markdown]
# ```{glue:figure} fig-linear-escape
# :name: fig-linear-escape
# :alt: Left, times on logarithmic axes that rise as the start gets smaller, hardly for two weights, with slope one for three and slope two for four. Right, the squared distance against the step; the curve with links falls at once, the others stay level for longer the smaller their start.
#
# Left: the time that the flow from equal weights needs until their product is half the target; dotted, the laws for small starts. Right: gradient descent of matrices towards a target with positive determinant.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {N} | " + " | ".join(f"{n:,.0f}" if n < np.inf else f"not in {steps:,}" for n in deep_linear.steps_to(curves, 1e-6).tolist()) + " |\n"
    for N, curves in races.items()
)
display(Markdown(f"Steps until $\\|Z - R\\|_F^2$ is {power(1e-6)}:\n\n| matrices | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n" + rows))

# %% [markdown]
# ## With links: nothing bad within the unit ball
#
# Hardt and Ma learn $y = Rx + \text{noise}$ from inputs with covariance [$\Sigma$](#notation-sigma). From here on the letters are the source's, but for $G$: $A_1, \dots, A_\ell$ are the layers' weights, $R$ is the map to be
# learned, $\gamma$ the largest $|\log \sigma|$ of its singular values, and $\tau$ a radius. With $G = (I + A_\ell) \cdots (I + A_1) - R$ the risk is $f(A) = \|G \Sigma^{1/2}\|_F^2$ and a constant, without the factor $\tfrac12$ of
# $L$. [Norms](#notation-norms) $\|A_i\|_2$ are spectral.
#
# ```{prf:theorem} Hardt and Ma, Theorems 2.1 and 2.2, eq. 2.3
# :label: thm-hardt-ma
# :nonumber:
#
# Let $\ell \ge 3\gamma$. Then there is a global optimum of $f$ with $\max_i \|A_i\|_2 \le 2(\sqrt\pi + \sqrt{3\gamma})^2 / \ell$. For every $\tau < 1$, a critical point of $f$ with $\max_i \|A_i\|_2 \le \tau$ is a global minimum,
# and all $A$ with $\max_i \|A_i\|_2 \le \tau$ satisfy
#
# $$
# \|\nabla f(A)\|_F^2 \ge 4\ell\,(1 - \tau)^{\ell - 1}\, \sigma_{\min}(\Sigma)^2\, \big(f(A) - \min f\big).
# $$
# ```
#
# The gradient in $A_i$ is $2\, U_i^\top G \Sigma\, V_{i-1}^\top$ with the products of the factors $I + A_j$ before and behind. No factor has a singular value below $1 - \tau$. Multiplying by such a matrix shrinks no Frobenius
# norm by more than the factor $1 - \tau$, and there are $\ell - 1$ of them:
#
# $$
# \|\nabla f(A)\|_F^2 \ge 4\ell\,(1 - \tau)^{2(\ell - 1)}\, \|G\Sigma\|_F^2 .
# $$
#
# If the gradient vanishes, so does $G \Sigma$, and then $f$ is at its minimum. That proves Theorem 2.2, also for a singular $\Sigma$. It cannot do without $\tau < 1$: at $A_1 = A_2 = -I$ every gradient is zero.
#
# As printed, eq. 2.3 squares norms, but not $(1 - \tau)^{\ell - 1}$. And it replaces $\|G\Sigma\|_F^2$ by $\sigma_{\min}(\Sigma)^2 (f - \min f)$, though $f - \min f = \operatorname{tr}(G \Sigma G^\top)$ has one $\Sigma$ in it
# already: the left side scales like $\Sigma^2$, the printed right side like $\Sigma^3$. Since $\|G \Sigma\|_F^2 = \operatorname{tr}(G \Sigma^2 G^\top) \ge \sigma_{\min}(\Sigma) \operatorname{tr}(G \Sigma G^\top)$, what follows is
#
# $$
# \|\nabla f(A)\|_F^2 \ge 4\ell\,(1 - \tau)^{2\ell - 2}\, \sigma_{\min}(\Sigma)\, \big(f(A) - \min f\big) ,
# $$
#
# with equality where $A_i = -\tau I$ and $\Sigma$ is a multiple of $I$. In one dimension with two layers $A_i = -\tfrac12$, $\Sigma = 1$ and $R = 2$, the printed bound is missed by a factor of two. Either repair alone is not
# enough.

# %%
cases = [(1, 2), (2, 3), (3, 4)]  # dimension and depth
bounds = [linear_residual.inequality(dim, depth, draws, generator)
          for dim, depth in cases]
slope = min(bounds, key=lambda bound: bound.corrected)
inside = linear_residual.no_critical(3, 3, draws, generator)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report("hardt-ma-critical", verdict=inside.verdict, evidence=verdicts.PROVED,
    measured=f"inside the ball the gradient's square is at least {number(min(inside.regular, inside.singular))} of what the proof bounds it by",
    spread=f"proved; least of {draws:,} random points with an invertible and as many with a singular Σ", numbers={"edge": inside.slope},
    note=f"At τ = 1 it would fail: there, at A₁ = A₂ = −I, the gradient is {number(inside.slope)} and the excess {number(inside.excess)}.",
)
claims.report("hardt-ma-gradient", verdict=slope.verdict, evidence=verdicts.PROVED,
    measured=f"the left side is {number(slope.printed)} of the right as printed, and at least {slope.corrected:.4f} of it as corrected",
    spread=f"proved; the first exact, the second the least of {len(cases) * draws:,} random points", numbers={"printed": slope.printed, "power": slope.power, "scale": slope.scale, "attained": slope.attained},
    note=f"Correction: the power 2ℓ − 2 of 1 − τ, and the first power of the least eigenvalue of Σ; equality is attained. With one of the two changes it is {number(slope.power)} and {number(slope.scale)}.",
)

# %% [markdown]
# ## What links cannot change: the sign of the determinant
#
# Theorem 2.1 has no condition on $R$ but $\ell \ge 3\gamma$. Take a reflection, $R = \operatorname{diag}(1, \dots, 1, -1)$, with $\gamma = 0$. Where all $\|A_i\|_2 < 1$, every $I + A_i$ is joined to $I$ by invertible matrices
# $I + \mu A_i$, $0 \le \mu \le 1$, so the product has a positive determinant and is not $R$. An optimum has a norm above one, at every depth, while the printed bound $2\pi/\ell$ falls below one. What is more, on the way from the
# product to $R$ there is a singular matrix: for $\Sigma = I$ the risk stays $\sigma_{\min}(R)^2$ above its minimum throughout the ball, and by Theorem 2.2 the ball has no critical point at all. The proof in the source takes an
# orthogonal matrix for a product of rotations, which is true when its determinant is one.
#
# For $\det R > 0$ Theorem 2.1 is true.
#
# ```{prf:proof}
# Let $R = QH$ with a rotation $Q$ and a positive definite $H$, and let $\beta$ be the printed bound. Use $q$ factors $Q^{1/q}$, at the distance $2 \sin(\pi/2q)$ from $I$ at most, and $p = \ell - q$ factors $H^{1/p}$, at
# $e^{\gamma/p} - 1$ at most.
#
# *Let $\ell \ge 6$.* Take $q = \lceil \pi/\beta \rceil$, which is at most $\lceil \ell/2 \rceil$ as $\beta \ge 2\pi/\ell$; then $2 \sin(\pi/2q) \le \pi/q \le \beta$. And $p \ge \lfloor \ell/2 \rfloor \ge \tfrac37 \ell$, so that
# $\gamma/p \le \tfrac79$ and $e^{\gamma/p} - 1 \le (e - 1)\gamma/p \le 6\gamma/\ell \le \beta$.
#
# *Smaller depths:* $q = 1, 1, 2, 3$ for $\ell = 2, 3, 4, 5$ has $2 \sin(\pi/2q) \le 2\pi/\ell \le \beta$. There $\gamma/p \le \ell/(3p)$, so that $e^{\gamma/p} - 1 < \tfrac43 < 2\pi/\ell$ up to $\ell = 4$, and $e^{\gamma/2} - 1
# \le \tfrac65\gamma \le \beta$ for $\ell = 5$. For $\ell = 1$, $\|R - I\|_2 \le 1 + e^{1/3} < 2\pi \le \beta$.
# ```
#
# `small_optimum` builds these layers. Descent from $A = 0$ shows the difference: for a symmetric positive definite $R$ it ends at $A_i = R^{1/\ell} - I$, and for the reflection it creeps towards the singular matrices.

# %%
near = residual_optimum.optimum(4, [0.0, 0.5, 2.0], 2, generator)
mirror = torch.diag(torch.tensor([1.0] * (d - 1) + [-1.0]).double())
U, S, Vh = torch.linalg.svd(R)
stretch = Vh.mT * S @ Vh  # symmetric and positive definite
targets = {"symmetric positive definite": stretch, "reflection": mirror}
descents = {(name, n): residual_optimum.from_identity(M, n, 0.01, 1500)
            for name, M in targets.items() for n in (3, 6, 12)}

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {name} | {depth} | {number(excess[-1])} | {number(linear_residual.largest_norm(A))} |\n"
    for (name, depth), (A, excess) in descents.items()
)
display(Markdown("| $R$ | layers | risk above its minimum | largest norm |\n|---|---|---|---|\n" + rows))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report("hardt-ma-optimum", verdict=near.verdict, evidence=verdicts.PROVED,
    measured=f"for a reflection an optimum needs a norm above 1, and the printed bound is {number(near.printed)}; with a positive determinant the layers built here stay within {number(near.norm)} of the bound",
    spread=f"proved; the largest over random targets and depths, whose product is R to {power(near.error)}", numbers={"printed": near.printed, "of the bound": near.norm},
    note="Correction: for det R > 0. The proof takes every orthogonal matrix for a product of rotations.",
)

# %% [markdown]
# ## What ReLU changes
#
# Kawaguchi's second claim is lost with a single unit. Let $f(x) = w_2\, \mathrm{ReLU}(w_1 x)$ learn the outputs $1$ and $-2$ at the inputs $1$ and $-1$. Where $w_1 > 0$ the unit answers to the first input only, and its best
# loss is $2$, reached along $w_1 w_2 = 1$. Where $w_1 < 0$ it answers to the second, and its best loss is $\tfrac12$. The points of the first curve, dashed in the right panel of {numref}`fig-relu-valleys`, are local minima
# and not global. A linear unit, in the left panel, has to serve both inputs. It has one least loss, here $\tfrac14$, and its other critical point is the saddle at zero.

# %%
outputs = (1.0, -2.0)
valleys = linear_saddles.valleys(outputs)
surfaces = {relu: linear_saddles.unit_loss(w_1, w_2, outputs, relu)
            for relu in (False, True)}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.6))
for panel, (relu, surface) in zip(axes, surfaces.items()):
    drawn = panel.contourf(w_1, w_2, surface, levels=np.linspace(0, 5, 21), extend="max")
    panel.grid(False)
    panel.set(title="With ReLU: two values" if relu else "Linear: one value of all minima", xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
positive = np.linspace(0.46, 2.2, 60)
axes[1].plot(positive, outputs[0] / positive, color=red, lw=2.2, ls="--", label=f"loss {valleys.right:g}")
axes[1].plot(-positive[20:], outputs[1] / positive[20:], color=green, lw=2.2, label=f"loss {valleys.left:g}")
axes[1].set(xlim=(axis[0], axis[-1]), ylim=(axis[0], axis[-1]))
axes[1].legend(loc="upper left", frameon=True, framealpha=0.9)
figure.colorbar(drawn, ax=axes, label="loss")
figures.show("fig-relu-valleys", figure)

# %% [markdown]
# ```{glue:figure} fig-relu-valleys
# :name: fig-relu-valleys
# :alt: Two maps of the loss over two weights. On the left two dark valleys, mirror images through the origin. On the right a dark valley at the lower left, and at the upper right a lighter one, which is separated from it by a plateau.
#
# The loss of one unit, linear and with ReLU, for two inputs. Red, dashed: local minima that are not global. Green: the global minima.
# ```
#
# What ReLU does to networks with links is the subject of this book. The edge of Hardt and Ma's ball has its counterpart: for two units, the saddle half-way to an exchange of the columns has $\|W\|_2 = 1$ and a singular $I + W$
# (the last exercise of [chapter 3](03_landscape)). But there is no proof up to that edge, and that chapter finds minima that are not global farther out, where the linear network has none.
#
# ## Summary
#
# - Kawaguchi's four claims hold, by proofs of a page for all depths and widths, and without the conditions that are quoted for them.
# - With two matrices every saddle has negative curvature; with more, zero and all best approximations of too small a rank are saddles whose Hessian shows no way down.
# - A small start costs a logarithm with two matrices and a power with more; from the identity there is nothing to escape from.
# - With links and $\|A_i\|_2 < 1$ no bad critical point is left. The printed lower bound on the gradient is false by two slips; its correction is attained.
# - An optimum is near the identity only if $\det R > 0$; otherwise descent from the identity stops before the singular matrices.
#
# ## Exercises
#
# ```{exercise} Which saddles are bad?
# :label: ex-linear-bad
#
# Let $C$ have three different singular values and let three matrices have the smallest width two. Which critical points have no negative curvature?
# ```
#
# ```{solution} ex-linear-bad
# :class: dropdown
#
# At the critical points that `critical_point` makes, $Z$ keeps a set $S$ of at most two terms. Only the first and the last matrix can leave the directions that $Z$ uses, and together they see a network of two matrices and width
# $|S|$. So there is negative curvature unless $S$ holds the largest terms: no term, the first, or the first two. The last is the global minimum, and two bad saddles remain, among six saddles.
# ```
#
# ```{exercise} Ten times smaller
# :label: ex-linear-escape
#
# By how much does the time to half of the target grow when the start of all weights falls from $0.1$ to $0.01$, for two, three and four weights?
# ```
#
# ```{solution} ex-linear-escape
# :class: dropdown
#
# For two weights $z = w^2$ obeys $\dot z = 2z(1 - z)$, so the time is $\tfrac12 \log\big((1 - w_0^2)/w_0^2\big)$: from $2.298$ to $4.605$, the logarithm of ten more. For three weights `escape_time` gives $9.145$ and $99.15$, for
# four $49.73$ and $4999.7$.
# ```
#
# ```{exercise} How near is near?
# :label: ex-residual-norm
#
# In one dimension with $R = 2$, what is the smallest largest norm of an optimum with $\ell$ layers, and from which depth on is the bound of Theorem 2.1 below one?
# ```
#
# ```{solution} ex-residual-norm
# :class: dropdown
#
# The factors $1 + a_i$ multiply to $2$, so that the largest is at least $2^{1/\ell}$: the norm $2^{1/\ell} - 1$ is attained with equal layers, and is about $\log 2/\ell$. The bound is $20.67/\ell$, below one from $\ell = 21$ on,
# thirty times what is needed.
# ```
#
# ## Try
#
# - `make run CHAPTER=21 P="depths=[5] steps=20000"`: a race of five matrices, in which only the links arrive soon.
