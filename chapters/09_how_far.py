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
# # How far does it really hold?
#
# ```{admonition} In this chapter
# :class: note
#
# **The question.** The theorem asks for weights of spectral norm below a small $\gamma$. From how far away does the exact gradient still lead to the teacher?
#
# **What you will see.** A map over $\gamma$ and $d$ of the share of starts from which descent reaches $W^*$, for Gaussian pairs, pairs with a flat spectrum and pairs built to fail. Two pairs that provably fail. One does so from
# $\gamma = 1/2$ on, in every dimension. The other, which the map misses, loses a column on the way; the $\gamma$ from which on it does so tends to $1/3$ as $d$ grows. And what is left to conjecture.
#
# **What you need.** The gradient (chapter 2) and the one-point ratio (chapter 7).
# ```
#
# The paper makes no statement about this, so nothing here enters the ledger.

# %% tags=["parameters"]
dims: list = [5, 10]  # input dimensions, increasing
gammas: list = [0.1, 0.3, 0.45, 0.6, 1.0]  # norm of W0 and of W*, increasing
runs: int = 8  # pairs of each kind at each gamma and d
t_end: float = 100.0  # a run has t_end / step steps at most
search_starts: int = 5  # starts of the search for the worst pair
search_steps: int = 40  # steps of that search
seed: int = 0  # seed of every random draw
record: bool = False  # store this run in data/recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(),
    dims=parameters.increasing(range(5, 301)),
    gammas=parameters.increasing(checks.between(0, 10)),
    runs=range(1, 1001),
    t_end=checks.between(0, 10000),
    search_starts=range(1, 1001),
    search_steps=range(1, 10001),
    seed=range(2**31),
    record=bool,
)

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src.book.typeset import number
from src.runs import recorded
from src.theory import arrivals, bounds, how_far, minima, vanishing

figures.use()
BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = figures.COLOURS.values()
KINDS, OUTCOMES = how_far.KINDS, how_far.OUTCOMES

# %% [markdown]
# ## The runs
#
# To see how far the theorem's conclusion reaches, we try it: many pairs, larger and larger, in several dimensions. The start [$W_0$ and the teacher $W^*$](#notation-w) of a pair have the same spectral norm
# [$\gamma$](#notation-gamma) $= \|W_0\|_2 = \|W^*\|_2$. There are three kinds of pairs:
#
# * **Gaussian**: two independent Gaussian matrices, rescaled.
# * **flat**: $\gamma$ times two independent random orthogonal matrices.
# * **adversarial**: built to fail. $W_0 = -W^*$ for a random orthogonal matrix, $\pm I$, $\pm J/d$ with [$J = uu^\top$](#notation-j), a skew matrix with flat spectrum and a diagonal of signs; the opposite turns $-aI \pm bK$ of
#   chapter 7, with the skew [$K$](#notation-k); the three-cycle of {prf:ref}`thm-three-cycle` below; and the pair with the smallest [one-point ratio](#notation-q) that `search.minimize` finds at $d = 5$, with no condition on the
#   potential, padded with zeros. By symmetry alone such a pair may sit on a ridge, where the flow stays and no real run would. A random push of a thousandth of $\gamma$ prevents that.
#
# From each start we follow the exact [gradient](#notation-loss) with step $1.5/(d/2 + 2)$; the denominator is a little more than the largest curvature at the identity. The step is shortened where the loss would grow, or a column of $I + W$ would move by more than half its length. Five things can happen:
#
# * the run **reaches the teacher**: the [distance](#notation-m) falls to a hundredth of its start;
# * the gradient vanishes at a **permuted copy** of the teacher (chapter 1);
# * it vanishes **elsewhere**, with positive loss;
# * a **column reaches zero**, where the gradient does not exist;
# * or the run is **still moving** at the end.

# %%
generator = torch.Generator().manual_seed(seed)
size = {"dims": dims, "gammas": gammas, "runs": runs, "t_end": t_end}
size |= {"search_starts": search_starts, "search_steps": search_steps}
if record:
    how_far.record(seed, **size)
    how_far.record(seed, name="how_far_large", **arrivals.LARGE)
live = how_far.make_map(**size, seed=seed)
stored = [recorded.load(name) for name in ("how_far", "how_far_large")]
shown, large = (how_far.Map(**one.arrays) for one in stored)
maps = shown, large, live
outer = {d: torch.linalg.matrix_norm(arrivals.spurious_pair(d)[0], 2)
         for one in maps for d in one.dims.tolist() if d >= 6}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
phase_two, phase_one = bounds.PHASE_TWO_SPECTRAL, math.sqrt(bounds.G_LIMIT / bounds.phase_one_potential(1.0))
figure, axes = plt.subplots(3, len(KINDS), figsize=(8.6, 6.6), sharex=True)
widest = 1.2 * max(one.gammas[-1] for one in maps)
for row, one, origin in zip(axes, maps, ("recorded", "recorded", "live, reduced")):
    inner = np.sqrt(one.gammas[1:] * one.gammas[:-1])
    edges = np.concatenate([[one.gammas[0] / 1.2], inner, [one.gammas[-1] * 1.15]])
    for ax, kind, share in zip(row, KINDS, one.share):
        mesh = ax.pcolormesh(edges, np.arange(len(one.dims) + 1), share, vmin=0, vmax=1, rasterized=True)
        for x, style in ((phase_two, "--"), (phase_one, "--"), (1 / 3, ":"), (0.5, ":")):
            ax.axvline(x, color=RED, ls=style, lw=1.5)
        ax.text(0.95 * phase_one, len(one.dims) / 2, "theorem", color=RED, rotation=90, va="center", ha="right")
        ax.set(xscale="log", xlim=(0.008, widest), title=kind)
        ax.set_yticks(np.arange(len(one.dims)) + 0.5, one.dims)
        for height, d in enumerate(one.dims.tolist()):
            ax.plot(outer.get(d, math.nan), height + 0.5, "X", color="white", mec="black", ms=8)
        ax.grid(False)
    row[0].set_ylabel(f"d ({origin},\n{one.outcomes.shape[-1]} runs a cell)")
for ax in axes[-1]:
    ax.set_xlabel("γ = ‖W₀‖₂ = ‖W*‖₂")
figure.colorbar(mesh, ax=axes, label="share that reaches W*", shrink=0.8)
figure.suptitle("Descent reaches the teacher from much farther than the theorem's γ", x=0.01, ha="left", fontsize=11)
figures.show("fig-how-far", figure)

# %% [markdown]
# ```{glue:figure} fig-how-far
# :name: fig-how-far
# :alt: Nine heat maps over gamma, on a logarithmic axis, and d. All cells at small gamma are at share one. Adversarial pairs begin to fail near one half, random ones only at larger gamma. The theorem's lines lie far to the left of every cell that fails.
#
# Share of the runs that reach the teacher, over the common spectral norm of start and teacher and over the dimension; coloured where runs were made. Top and middle: recorded, in small and in large dimensions; bottom: the reduced map, computed with
# this page. Crosses: from there on a start may itself be a local minimum with positive loss. Dashed lines: the two norms for which the theorem's constants fit, 1/100 and 0.0225. Dotted: 1/2, from which on the three-cycle provably stays away, and 1/3, above which a pair that is not on
# this map fails in high dimension.
# ```
#
# ## What the map shows
#
# {numref}`fig-how-far` shows a region of arrival that is far larger than the theorem's. The crosses are its outer edge, whatever the pairs: the minima that {cite:t}`safran2018spurious` found for $W^* = 0$ (chapter 3), with student and
# teacher turned alike by about 45° so that both are as near to $I$ as they can be. With $d$ their $\gamma$ tends to $2\sin 22.5° = 0.765$. Its inner edge lies where the worst *of these* pairs begin to fail; a worse pair follows below. How do the runs beyond the edge end? In
# {numref}`fig-how-they-end`, see where the full bars stop, and what takes their place.

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, len(KINDS), figsize=(8.6, 3.4), sharey=True)
norms = shown.gammas[::2]
for ax, kind, outcomes in zip(axes, KINDS, shown.outcomes[:, :, ::2]):
    base = np.zeros(len(norms))
    for k, (name, colour, hatch) in enumerate(zip(OUTCOMES, (BLUE, ORANGE, BLACK, SKY, RED), ("", "///", "", "...", "xxx"))):
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0.3, "label": name}
        part = (outcomes == k).mean((0, -1))
        ax.fill_between(np.arange(len(base)), base, base + part, step="mid", **look)
        base += part
    some = np.arange(0, len(base), max(1, len(base) // 12))
    ax.set_xticks(some, [f"{x:g}" for x in norms[some]], rotation=90, fontsize=9)
    ax.set(title=kind, xlabel="γ")
    ax.grid(False)
axes[0].set_ylabel("share of the recorded runs")
figure.suptitle("At larger γ more and more runs miss the teacher", x=0.01, ha="left", fontsize=11)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
figures.show("fig-how-they-end", figure)

# %% [markdown]
# ```{glue:figure} fig-how-they-end
# :name: fig-how-they-end
# :alt: Three panels of stacked bars over gamma. For small gamma all bars are full with runs that reach the teacher. Beyond, permuted copies, rests with positive loss and runs that still move take their place.
#
# How the recorded runs end at every second norm, all dimensions together. Left and middle: random pairs. Right: adversarial pairs.
# ```
#
# Is a rest with positive loss a minimum or a saddle? The smallest eigenvalue of the Hessian tells. We make the runs that came to rest at the smallest $\gamma$ once more and compute it.

# %%
room = arrivals.room(maps)
first = next(k for k in (0, 1) if room.elsewhere in maps[k].gammas)
made_by = stored[first].provenance
rests = arrivals.rests(maps[first], made_by["parameters"], room.elsewhere,
                       made_by["seeds"][0])

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
table = "| smallest γ on the grids with a run that | " + " | ".join(KINDS) + " |\n|---|---|---|---|\n"
for text, which in (
    ("comes to rest elsewhere", (how_far.COPY, how_far.REST)),
    ("is still moving at the end", (how_far.MOVING,)),
):
    found = [arrivals.smallest_gamma(maps, which, [k]) for k in range(len(KINDS))]
    table += f"| {text} | " + " | ".join(f"$\\gamma = {x:g}$" if x < math.inf else "none" for x in found) + " |\n"
kinds = ", ".join(f"${number(minima.lowest_curvature(W, W_star))}$ ($d = {d}$)" for d, W, W_star, _ in rests)
text = (
    f"**How much room the theorem leaves.** At every $\\gamma < {room.not_home:g}$ on the two grids all {room.safe} runs of these families reach $W^*$, in every dimension. The smallest $\\gamma$ with a run that does "
    f"not is **{room.not_home:g}**: {room.not_home / phase_two:.0f} times the $\\gamma = {phase_two:g}$ that Phase II is given, and {room.not_home / phase_one:.0f} times the {phase_one:.4f} that $197\\gamma^2 \\le 0.1$ "
    f"allows. For all pairs and all dimensions it can be no more than {1 / 3 / phase_two:.0f} times, as the vanishing column below shows.\n\n{table}\n"
    f"The {len(rests)} recorded rests at $\\gamma = {room.elsewhere:g}$ have lowest curvature {kinds}: positive is a strict local minimum, not a saddle. "
    f"Of the {room.wrong_way} runs whose first gradient points away from $W^*$, {room.wrong_way_home} arrive. {' '.join(map(recorded.caption, stored))}"
)
display(Markdown(text))

# %% [markdown]
# ## A start that cannot arrive
#
# Some starts cannot arrive, because the teacher has copies that are as good: permuting the columns of $I + W^*$ changes the weights but not the function (chapter 1). How close to $I$ can such a copy be?
#
# ```{prf:lemma} No copy within $\sqrt3/2$
# :label: lem-no-copy
#
# Let $\|Y - I\|_2 \le \gamma$ and $\|YP - I\|_2 \le \gamma$ for a [permutation](#notation-permutation) $P \ne I$. Then $\gamma \ge \sqrt3/2$, and equality is attained.
# ```
#
# ```{prf:proof}
# Take an eigenvector, $Py = e^{i\varphi} y$ with $\|y\| = 1$. Then $\|Yy - y\| \le \gamma$ and $\|Yy - e^{-i\varphi}y\| \le \gamma$, hence $2\sin\frac{\varphi}{2} \le 2\gamma$. A cycle of even length has
# an eigenvalue with $\varphi = \pi$, one of odd length $m$ has $\varphi = \pi(1 - \frac1m)$. The smallest of these is $\frac{2\pi}3$, of a cycle of length three. There it is attained: $Y$ turns the plane
# $x_1 + x_2 + x_3 = 0$ by $-60°$ and shrinks it by one half, and its copy turns it by $+60°$.
# ```
#
# A start can fail at smaller norms, where the lemma allows no copy: it is enough that it lies on the copy's side of a ridge. Let $\Pi$ project on the plane $x_1 + x_2 + x_3 = 0$ of the first three coordinates, let $C$ shift
# these coordinates cyclically, and let $K = (C - C^\top)/\sqrt3$, a quarter turn of the plane. (For $d = 3$ it is the skew $K$ of the other chapters.)
#
# ```{prf:theorem} The three-cycle
# :label: thm-three-cycle
#
# Let $d \ge 3$, $\frac12 \le \gamma < 1$ and
#
# $$
# \begin{aligned}
# W^* &= -\gamma^2\, \Pi - \gamma\sqrt{1 - \gamma^2}\, K, \\
# W_0 &= -\gamma^2\, \Pi + \gamma\sqrt{1 - \gamma^2}\, K.
# \end{aligned}
# $$
#
# Both have norm $\gamma$, and the gradient flow from $W_0$ does not reach $W^*$.
# ```
#
# ````{prf:proof}
# On the plane, read as $\mathbb C$, $Y = I + W^*$ multiplies by $\cos\theta\, e^{-i\theta}$ and $I + W_0$ by $\cos\theta\, e^{i\theta}$, where $\sin\theta = \gamma$. The loss does not change when student
# and teacher are turned together, nor when the columns of either are permuted. Two such maps of the student's $X = I + W$ leave the teacher where it is:
#
# * $X \mapsto CXC^\top$ also leaves the start where it is, and therefore its whole path. So $X$ acts on the plane as multiplication by some $z(t) \in \mathbb C$.
# * $X \mapsto Q S X S C^{\pm1}$, with $S$ the exchange of coordinates 1 and 2 and $Q$ the turn that brings $SYS$ back to $Y$. On the matrices of the first item it does one thing only: it reflects $z$ in
#   the line through $0$ at $60°$ from the teacher's direction $e^{-i\theta}$.
#
# The flow commutes with both, so it cannot cross that line. The teacher is on one side. The start, at an angle $2\theta$ from it, is on the line when $\gamma = \frac12$ and on the other side when
# $\frac12 < \gamma < 1$, as $2\theta < 180°$. Rows and columns beyond the third are untouched by the argument. (It ends where a column becomes zero and the flow is not defined.)
# ````
#
# Three checks by computation:
#
# * the three-cycle exactly as in the proof, with no push, on both sides of $\frac12$, by descent and by the gradient flow (`flow.integrate`), which knows nothing of step sizes;
# * random and adversarial pairs at a $\gamma$ where some fail, by both;
# * the live runs that rest with positive loss: minimum or saddle?

# %%
norms = (0.45, 0.49, 0.51, 0.6)
cycles = how_far.turned_cycles(dims[0], norms)
three = arrivals.two_ways(*cycles, t_end)
worst = how_far.worst_pair(gammas[-1], search_starts, search_steps, seed)
flat = how_far.pairs("flat", dims[0], 0.7, runs, worst, generator)
hard = how_far.pairs("adversarial", dims[0], 0.7, runs, worst, generator)
mixed = arrivals.two_ways(*torch.cat([flat, hard], 1), t_end)
at_rest = [rest for gamma in gammas
           for rest in arrivals.rests(live, size, gamma, seed)]
lowest = [minima.lowest_curvature(W, W_star)
          for _, W, W_star, _ in at_rest[:12]]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
table = "| three-cycle, $\\gamma$ | by descent | flow: last distance / first | flow: distance from a copy |\n|---|---|---|---|\n"
for gamma, k, left, copy in zip(norms, three.by_descent, three.left, three.copies):
    table += f"| {gamma} | {OUTCOMES[k]} | {left:.3f} | {copy:.3f} |\n"
home = int((mixed.by_descent == how_far.HOME).sum())
vanished = int(mixed.left.isnan().sum())
text = (
    f"{table}\nAt $\\gamma = 0.7$, $d = {dims[0]}$, {home} of {2 * runs} random and adversarial runs arrive by descent; descent and flow agree on {mixed.agree}, and {vanished} flows meet a column of length zero. Live runs at rest with positive loss: {len(at_rest)}; looked at: "
    f"{len(lowest)}; at a point with positive curvature in every direction: {sum(x > 0 for x in lowest)}."
)
display(Markdown(text))

# %% [markdown]
# ## A column that vanishes
#
# There is a second way to fail. Where a column of $I + W$ is zero the loss is not smooth, and the flow has no direction. Can the flow come there from small weights? In Phase I the potential [$g$](#notation-g) changes all columns
# of the student by nearly the same length, until their mean length is the teacher's. So make all columns but one too long, by as much as the norm allows, and that one as short as it allows:
#
# ```{prf:theorem} A column that vanishes
# :label: thm-vanishing
#
# Let $\frac13 < \gamma < 1$, $W_0 = \gamma\,(I - 2e_1e_1^\top)$ and $W^* = -\gamma I$, both of norm $\gamma$. If $d$ is large enough, the gradient flow from $W_0$ comes within a time of order $1/d$ to a
# point where the first column of $I + W$ is zero.
# ```
#
# ````{prf:proof}
# Let $\ell_j = \|a_j\|$; by symmetry $\ell_2 = \dots = \ell_d$. Fix a $C$ and look at times $t \le C/d$ at which no column has vanished yet. As long as $\|I + W\|_2$ is bounded and
# $\frac{1 - \gamma}2 \le \ell_2 \le 2$, Lemma 2.1 says, with $\varphi(c) = c \arcsin c + \sqrt{1 - c^2} - 1$ and the cosines $c_{ij}$, $c^*_{ij}$ of $a_i$, $b_i$ with $a_j$, that
#
# $$
# \begin{aligned}
# \pi\,\dot\ell_j = \langle R_j, \bar a_j\rangle = g & + \tfrac\pi2 \langle Mu, \bar a_j\rangle \\
# & + \textstyle\sum_i \big(\|b_i\|\varphi(c^*_{ij}) - \|a_i\|\varphi(c_{ij})\big) .
# \end{aligned}
# $$
#
# Here $|\langle Mu, \bar a_j\rangle| \le \|M\|_2\sqrt d$. As $0 \le \varphi(c) \le c^2$, the sum is bounded: $\sum_i \|a_i\| c_{ij}^2$ is at most $\ell_1 + \|I + W\|_2^2/\ell_2$, and the other half at
# most $1 - \gamma$. So $\pi\,\dot\ell_j = g + O(\sqrt d)$, for every $j$ and *whatever the direction of* $a_1$. Summed up, $\pi\dot g = -d\,(g + O(\sqrt d))$. With $g(0) = -2\gamma(d - 1)$,
#
# $$ \ell_j(t) = \ell_j(0) - 2\gamma\,(1 - e^{-dt/\pi}) + O(d^{-1/2}) . $$
#
# What was assumed follows: $\ell_2$ stays between $1 - \gamma$ and $1 + \gamma$ up to $O(d^{-1/2})$. And $\|R\|_2 \le c_0\,d\,(1 + \|I + W\|_2)$ for a constant $c_0$ as long as the lengths are bounded,
# because the matrices of angles have entries of at most $\pi$; so $\|I + W\|_2$ grows by a bounded factor within $t \le C/d$. But $\ell_1(C/d)$ would be $1 - 3\gamma + 2\gamma e^{-C/\pi} + O(d^{-1/2})$,
# which is negative for large $C$ and $d$. The column has vanished before.
# ````
#
# The proof looks at lengths only, so that every start close to $W_0$ shares its fate: an open set of starts. How large must $d$ be? The flow commutes with permutations of the coordinates $2, \dots, d$, so that five variables
# describe it exactly (`vanishing`). We bisect for the $\gamma$ from which on the column vanishes. In {numref}`fig-vanishing`, see on the left which curves meet zero, and on the right where the onset goes as $d$ grows.

# %%
dimensions = [10, 20, 60, 200, 1000, 10**6]
onsets = [vanishing.onset(d) for d in dimensions]
norms = (0.33, 0.35, 0.36, 0.4)
paths = [vanishing.follow(60, gamma, 1.0) for gamma in norms]
size = (search_starts, search_steps // 2 + 1, 60, generator)
hunted = vanishing.hunt(10, 0.44, *size)
known = ((20, 0.43), (60, 0.38))
jumps = [vanishing.jump(d, x, t_end, generator) for d, x in known]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6))
for gamma, path, colour in zip(norms, paths, (BLUE, SKY, ORANGE, RED)):
    left.plot(path.t, path.first, color=colour, label=f"γ = {gamma:g}")
    if path.vanishes:
        left.plot(path.t[-1], 0, "x", color=colour, ms=8, clip_on=False)
left.set(xlim=(0, 1), ylim=(0, None), title="Too short a column vanishes in Phase I", xlabel="time t", ylabel="length of the first column")
left.legend()
right.semilogx(dimensions, onsets, "o-", color=RED)
for level, name in ((1 / 3, "1/3"), (0.5, "1/2: the three-cycle")):
    right.axhline(level, color=BLACK, ls=":")
    right.text(dimensions[-1], level + 0.004, name, ha="right", fontsize=9)
right.set(title="The γ it takes falls towards 1/3", xlabel="input dimension d", ylabel="γ = ‖W₀‖₂ = ‖W*‖₂")
figures.show("fig-vanishing", figure)

# %% [markdown]
# ```{glue:figure} fig-vanishing
# :name: fig-vanishing
# :alt: Left: the length of the first column over time. For the two smaller norms it falls, turns and recovers; for the two larger ones it falls to zero, marked by a cross. Right: the onset over the dimension falls from a little below one half towards one third.
#
# Left: the length of the first column under the exact flow at $d = 60$, until it is zero (cross). Right: the norm $\gamma$ from which on it reaches zero, over the dimension, with the limit $1/3$ of
# {prf:ref}`thm-vanishing` and the $1/2$ of {prf:ref}`thm-three-cycle`.
# ```
#
# So the map promises too much: below its first failure there are starts that fail, and in high dimension down to $\frac13$. Two questions follow. Are there worse starts? `vanishing.hunt` follows the gradient of the shortest
# length on the way, in $W_0$ and $W^*$ at once, from several starts. And a descent in steps of fixed length jumps over the point where the column is zero; where does it land?

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
table = "| $d$ | " + " | ".join(f"{d:,}" for d in dimensions) + " |\n" + "|---" * (len(dimensions) + 1) + "|\n"
table += "| a column vanishes from $\\gamma =$ | " + " | ".join(f"{x:.4f}" for x in onsets) + " |\n"
found = arrivals.two_ways(hunted.W[None], hunted.W_star[None], 20.0)
landed = "; ".join(
    f"at $d = {x.d}$, $\\gamma = {x.gamma:g}$ (watched: {OUTCOMES[x.watched]}; in fixed steps: {OUTCOMES[x.outcome]}) at loss {number(x.loss, 2)} and lowest curvature {number(x.curvature)}, its first column pointing the other way"
    f" ({number(x.first, 2)} $e_1$)"
    for x in jumps
)
text = (
    f"{table}\nAt $d = 10$ and $\\gamma = {hunted.gamma:g}$, below this pair's onset {number(onsets[0])}, the best pair of the search ends, by descent: {OUTCOMES[found.by_descent.item()]}; by the flow: "
    f"{'a column reaches zero' if found.left.isnan().all() else 'no column reaches zero'}. \n\n"
    f"In fixed steps, after a push of a thousandth of $\\gamma$, descent ends {landed}. Where it rests and the curvature is positive, that is a strict local minimum."
)
display(Markdown(text))

# %% [markdown]
# ## What is left to conjecture
#
# No proof reaches from the theorem's norms to $\frac13$. Two statements agree with all runs so far.
#
# ```{prf:conjecture} One radius for all dimensions
# :label: con-radius
#
# *(Not proved.)* There is one $\gamma_* > 0$ for all dimensions such that the gradient flow reaches $W^*$ whenever $\|W_0\|_2, \|W^*\|_2 < \gamma_*$, with no condition on the potential. By
# {prf:ref}`thm-vanishing`, $\gamma_* \le \frac13$.
# ```
#
# ```{prf:conjecture} Gaussian pairs of norm one
# :label: con-gaussian
#
# *(Not proved.)* For Gaussian pairs of norm one, the share that reaches $W^*$ tends to one as $d$ grows.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
every_d = [d for one in maps for d in one.dims]
far = [x for x in (0.7, 1.0, 1.4) if x in large.gammas and x in shown.gammas]
share = [100 * one.share[0][:, np.isin(one.gammas, far)] for one in (shown, large)]  # of Gaussian pairs, [d, gamma]
table = (
    "| Gaussian pairs that arrive, % | "
    + " | ".join(f"$d = {d}$" for d in (*shown.dims, *large.dims))
    + " |\n"
    + "|---" * (len(shown.dims) + len(large.dims) + 1)
    + "|\n"
)
for x, numbers in zip(far, np.concatenate(share).T):
    table += f"| $\\gamma = {x:g}$ | " + " | ".join(f"{y:.0f}" for y in numbers) + " |\n"
text = (
    f"*Evidence for the first.* All {room.safe} runs with $\\gamma \\le {room.last_safe:g}$ arrive ({room.safe_adversarial} of them from adversarial pairs, $d$ from {min(every_d)} to {max(every_d)}), so that the families of the map "
    f"alone would have suggested a $\\gamma_*$ near {room.not_home:g}; a single pair that was thought of later brings it down to a third. A start that fails is easy to miss: few pairs were tried at each $\\gamma$.\n\n"
    f"*Evidence for the second*, out of {shown.outcomes.shape[-1]} recorded runs each up to $d = {shown.dims[-1]}$, {large.outcomes.shape[-1]} above; these are few runs:\n\n{table}"
)
display(Markdown(text))

# %% [markdown]
# The standard initialisation has $\|W_0\|_2 \approx 2$, four times the $\frac12$ of the three-cycle. It converges all the same in high dimension (chapter 8). That is a fact about random starts and smaller teachers, not about a
# region around $I$.
#
# ## Deviations
#
# * The paper has no such map; the choice of pairs, of sizes and of what counts as arriving (a hundredth of the first distance) is ours.
# * Descent with steps of $1.5/(d/2 + 2)$ or less stands for the flow, and the exact gradient for SGD: what noise does is not on this map.
# * A run that is still moving counts as not arrived. Near a ridge, and for large $\gamma$, some would arrive later.
# * "Every run" is every run made here. Only the statements about permuted copies, the three-cycle and the vanishing column are proved.
#
# ## Summary
#
# - On the map every start reaches its teacher until $\gamma$ comes near $1/2$, in every dimension tried, whether the first gradient points home or not; but a map shows only the pairs that are on it.
# - A pair that is not on it fails from smaller norms on: Phase I shortens one column to nothing, in high dimension from every $\gamma > 1/3$ on, and the gradient does not exist there.
# - The theorem's constants fit at $\gamma = 1/100$: the region of arrival may be some thirty times wider, and no more.
# - At $\gamma = 1/2$ a symmetry keeps the three-cycle on its side of a ridge, in every dimension from 3 on; a teacher and its permuted copy cannot both lie closer to $I$ than $\sqrt3/2$.
# - Gaussian pairs do better than the worst ones, and the better the larger $d$; that they always arrive in the limit is a conjecture.
#
# ## Exercises
#
# ```{exercise} On the ridge
# :label: ex-how-far-ridge
#
# Start the three-cycle at $\gamma = \frac12$ exactly. Where does the flow go, and would a run with noise end there?
# ```
#
# ```{solution} ex-how-far-ridge
# :class: dropdown
#
# The start lies on the line that is its own mirror image, so the path stays on it and the teacher is not on it. Descent at $d = 3$ comes to rest with loss 0.037, at 0.99 of its first distance. The
# smallest eigenvalue of the Hessian there is $-0.09$: a saddle, which any push leaves, to the teacher or to its mirror image, a permuted copy.
# ```
#
# ```{exercise} Longer cycles
# :label: ex-how-far-cycles
#
# How near to $I$ can a teacher and its copy be if $P$ is a cycle of five columns? And if it exchanges two columns?
# ```
#
# ```{solution} ex-how-far-cycles
# :class: dropdown
#
# By the lemma's proof $\gamma \ge \sin\frac\varphi2$ with the largest $\varphi$ of $P$. For five columns $\varphi = \frac{4\pi}5$ and $\gamma \ge \cos 18° = 0.951$. For an exchange $\varphi = \pi$ and
# $\gamma \ge 1$: the teacher would have to be singular. The nearest copies are those of three-cycles.
# ```
#
# ## Try
#
# * `make run CHAPTER=09 P="dims=[5] gammas=[0.46,0.48,0.5,0.52] runs=32"`: close to one half. Expect three-cycles that are still moving near the ridge, and arrivals elsewhere.
# * `make run CHAPTER=09 P="gammas=[1.0,1.4] dims=[5,10,20]"`: one and beyond. Expect more Gaussian pairs to arrive as $d$ grows.
# * `make run CHAPTER=09 P="gammas=[0.7,1.0] t_end=300.0"`: more time. Expect fewer runs that still move, and more copies.
