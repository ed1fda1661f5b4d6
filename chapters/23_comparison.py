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
# # Side by side: lazy or not
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Seven theorems say that descent finds a global optimum, or that nothing is in its way. What does each of them ask for, what does it promise, and what do the weights do meanwhile?
#
# **What you will see.** One picture and one table, with every cell from a run of this book. Networks whose weights hardly move because they are wide, and networks whose weights go to a place of their own, at any width. And where the
# theorem of this book stands between them, which is not where one might think.
#
# **What you need.** The two phases of {doc}`08_main_theorem`. The companions have a chapter each: {doc}`18_symmetry_breaking`, {doc}`19_overparameterization`, {doc}`20_deep_overparameterization`, {doc}`21_deep_linear` and {doc}`22_in_context_descent`.
# ```

# %% tags=["parameters"]
d: int = 100  # dimension of the run in the regime of Theorem 3.1
gamma_0: float = 0.0005  # spectral norm of its student and teacher
dims: list = [5, 10, 20]  # dimensions outside that regime
norm: float = 0.5  # spectral norm there
time: float = 150.0  # step size times number of steps there
nodes: list = [5, 10, 20, 40]  # numbers of nodes of Tian
n: int = 20  # inputs with random labels, in ten dimensions
widths: list = [4, 16, 64, 256, 1024]  # of one hidden layer, all increasing
deep: list = [8, 32, 128]  # of three hidden layers
seeds: int = 3  # trainings for each of the widths of one layer
steps: int = 160  # of linear attention
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
    globals(), d=range(3, 201), gamma_0=checks.between(0, 0.01), dims=parameters.increasing(range(3, 41)), norm=checks.between(0, 0.7),
    time=checks.between(10, 1000), nodes=parameters.increasing(range(2, 1001)), n=range(2, 101), widths=parameters.increasing(range(1, 10_001)),
    deep=parameters.increasing(range(1, 1025)), seeds=range(1, 21), steps=range(50, 10_001), seed=range(2**31),
)

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display

from src.book.typeset import number
from src.companions import comparison, linear_comparison, wide_networks
from src.runs import recorded

figures.use()
COLOUR = list(figures.COLOURS.values())

# %% [markdown]
# ## One picture
#
# Every theorem gets a training by descent with exact gradients, at several widths: the number of units in a layer, which is the dimension wherever layers are square. All are measured alike. Let $V$ be the matrices that the inputs meet, $I + W$ where there is an identity link and the weights
# themselves where there is none. *Movement* is $\|V_T - V_0\|_F / \|V_0\|_F$ over all layers, with the [norm](#notation-norms) taken of all entries. A *flip* is a pair of a unit and an input at which the unit is active before the training and not after it, or the other way round. For Gaussian
# inputs the share of flips is the mean angle that the units turn by, divided by $\pi$. {numref}`fig-compare-lazy` has both: on the left, see which lines fall with the width.

# %%
rows = [
    comparison.identity([d], gamma_0, 40.0, seed),
    comparison.identity(dims, norm, time, seed),
    comparison.tian(nodes, 0.4, 0.1, 400),
    comparison.du(n, 10, widths, list(range(seed, seed + seeds)), 300),
    comparison.zou(n, 10, 3, deep, 0.05, seed),
    linear_comparison.kawaguchi(5, [5, 10, 20, 40], 400, seed),
    linear_comparison.hardt_ma(3, [3, 5, 10, 20], 300, seed),
    linear_comparison.ahn(20, [1, 2], 0.3, steps, seed),
]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
outside = "the same, outside its regime"
rows[1] = rows[1]._replace(theorem=outside, prefix="")
stored = wide_networks.recording()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 5.2))
for row, colour, marker in zip(rows, (*COLOUR, "grey"), "o*sv^DPX"):
    arrived = [one for one in row.trainings if one.reached]
    left.loglog([one.size for one in arrived], [one.moved for one in arrived], marker=marker, color=colour, label=row.theorem)
    if row.last.flips is not None:
        right.loglog([one.moved for one in arrived], [one.flips for one in arrived], marker=marker, color=colour, label=row.theorem)
if stored is not None:
    full = comparison.movements(wide_networks.Family(**stored.arrays), stored.provenance["parameters"]["d"])
    left.plot([one.size for one in full], [one.moved for one in full], "v:", mfc="none", color=COLOUR[3])
    right.plot([one.moved for one in full], [one.flips for one in full], "v:", mfc="none", color=COLOUR[3])
left.set(title="Who moves less as it widens", xlabel="width", ylabel=r"movement $\|V_T - V_0\|_F / \|V_0\|_F$")
right.set(title="Who moves less changes fewer signs", xlabel=r"movement $\|V_T - V_0\|_F / \|V_0\|_F$", ylabel="share of flips")
for panel in (left, right):
    panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))
figures.show("fig-compare-lazy", figure)

# %% [markdown]
# ```{glue:figure} fig-compare-lazy
# :name: fig-compare-lazy
# :alt: Left, movement over the width on logarithmic axes. Three lines fall, those of one wide layer, of deep wide networks and of two matrices without links. The others are level, at different heights; a single dot lies far below all. Right, share of flips over movement: the wide networks come down a line to the lower left as they get wider, while the networks with a teacher stay at the upper right, and the single dot is at the far lower left.
#
# Movement and flips, for every training that reached its goal. Left: over the width. Right: flips over movement; linear networks have none. Open triangles, where there is a recording: the wide networks of {numref}`fig-du-three` at full size, of which none was trained to its goal.
# ```
#
# Three lines fall. In a wide network every unit has to do a little only, and the wider the network, the less. That is *lazy training*: at the end the network is the linear function of its weights that it was at the start, and what is
# learned depends on where it began. Kawaguchi's two matrices do the same if their hidden layer is wide, without any activity that could flip.
#
# The others are level. With a teacher, or a matrix to be equal to, there is a place to go, and its distance has nothing to do with the width. A unit of Tian's turns from a direction that all share to one of its own, a share of flips of which
# no wide network comes near. This is *feature learning*, and convergence is proved all the same.
#
# ## One table
#
# *Width asked* takes the constants in front of the powers as $1$. *Worked* is the least of the widths tried from which on every training reached its goal. *Late rate* is the factor by which the error falls in a step near the end, as promised, as measured and as the linearised
# descent has it, $(1 - \eta\lambda)^2$ with the least positive curvature $\lambda$ at the end. The last column is read from the reports that the chapters made, and from nothing else.

# %%
known = claims.read()
reports = {}
for chapter in {claim["chapter"] for claim in known.values()}:
    path = recorded.ROOT / "chapters" / f"{chapter}.ipynb"
    for report in claims.stored(path) if path.exists() else []:
        reports[report["id"]] = report["verdict"], report["evidence"]

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
uncovered, unreported = "none: not covered", "not yet reported"


def cell(x, digits=3):
    return x if isinstance(x, str) else f"{x:,}" if isinstance(x, int) else number(x, digits)


def verdict(row):
    if not row.prefix:
        return uncovered
    found = [f"{known[id]['place']}: {said} ({how})" for id, (said, how) in reports.items() if id.startswith(row.prefix)]
    return "<br>".join(found) or unreported


lines = "".join(
    f"| {row.theorem} | {row.condition}: {cell(row.value)} | {cell(row.asked)} | {number(row.worked) if np.isnan(row.worked) else f'{row.worked:,.0f}'} | {number(row.last.moved)} | "
    f"{'none: linear' if row.last.flips is None else f'{number(100 * row.last.flips)} %'} | {cell(row.promised, 5)} | {number(row.last.late, 5)} | {number(row.exact, 5)} | {verdict(row)} |\n"
    for row in rows
)
display(Markdown(
    "| theorem | needs: measured | width asked | worked | movement | flips | late rate promised | measured | exact | in this book |\n|---|---|---|---|---|---|---|---|---|---|\n"
    + lines + "\nPower of the width that the movement follows, where two widths or more reached their goal: "
    + ", ".join(f"{row.theorem} {number(row.exponent, 2)}" for row in rows if not np.isnan(row.exponent))
    + f".\n\nMovement, flips and rates are those of the largest width. *Asked* of Du et al. is for a probability of failure of {comparison.FAILURE:g}; of Zou et al. only the abstract could be read."
))

# %% [markdown]
# **Widths.** Only theorems about networks that fit *any* labels ask for width, and what Du et al. ask for is out of all proportion to what works. Where there is a teacher of the student's own form, the number of units is given, and no more are needed. If the network is too narrow for the labels,
# descent does not arrive: the narrowest ones here did not.
#
# **Rates.** Every measured rate is at least as good as the promise, and close to the exact one, which knows the curvature at the end. Where it is below, the slowest direction has hardly been excited, or curvatures close to the least one have not died
# out yet. One-point convexity with the paper's margin of $0.03$ in the [printed scale](#notation-r) promises far less than the least curvature, $\tfrac12 - \tfrac1\pi$ at the identity, would allow. What Du et al. promise is of the right order.
#
# **Linear networks.** Kawaguchi and Ahn et al. speak of the landscape. That descent arrives, and at which rate, no statement of theirs says; the runs say that it does.
#
# ## Lazy training does not mean small movement
#
# The lowest dot of all in the picture is Theorem 3.1's. In the regime for which it is stated, $\|W_0\|_2, \|W^*\|_2 \le \gamma_0$ with a tiny [$\gamma_0$](#notation-gamma), its network moves less and flips less than any wide network here. Is it lazy, then?
#
# ```{prf:theorem} Two kinds of small
# :label: thm-compare-small
# :nonumber:
#
# *With the identity.* If $\|W_0\|_2, \|W^*\|_2 \le \gamma < 1$ and $W_T = W^*$, the movement of $V = I + W$ is at most $2\gamma/(1 - \gamma)$, and for $W_0 = \gamma Q$, $W^* = \gamma Q'$ with independent uniform orthogonal matrices it tends to
# $\sqrt{2/(1 + \gamma^2)}\;\gamma$ as $d$ grows. *Wide.* In the limit of width, the movement of a hidden layer with $m$ units in $d$ dimensions is $\sqrt{r_0^\top H^{-1} r_0/(m d)}$, with the kernel $H$ and the residual $r_0$ at the start of {doc}`19_overparameterization`.
# ```
#
# ```{prf:proof}
# $\|W^* - W_0\|_F \le 2\gamma\sqrt d$, and no singular value of $I + W_0$ is below $1 - \gamma$, so that $\|I + W_0\|_F \ge (1 - \gamma)\sqrt d$. For the orthogonal matrices $\|W^* - W_0\|_F^2 = 2\gamma^2(d - \operatorname{tr} Q^\top Q')$ and $\|I + W_0\|_F^2 = (1 + \gamma^2)d + 2\gamma
# \operatorname{tr} Q$, with traces of order one. The wide network's $\|W_T - W_0\|_F^2$ tends to $r_0^\top H^{-1} r_0$, and $\|W_0\|_F^2$ is $md$ but for a relative deviation that vanishes.
# ```
#
# So one movement is small because the problem is, by assumption, and more width does not change it. The other is small because there are many units, and more width makes it vanish. What tells them apart is not the size but where the training ends. With the identity it ends at $W^*$, from every
# start in the regime. The wide network ends next to its start, from every start.
#
# That is the price of the theorem. Its two phases are a mechanism of feature learning: the [potential](#notation-g) falls, then every step leads home. They are seen far outside its regime, in the second row of the table, where the weights move by a third of their length and every tenth pair of a
# unit and an input flips, in all dimensions alike. They are promised where the teacher hardly differs from the identity.
#
# ## What ties the companions to this paper
#
# *Tian's plane is a slice of this book's model.* With $W^* = 0$ and $W = (x - 1)I + y(J - I)$ both flows are the same but for the factor two of the loss. His saddle is what a start at zero has to pass. A start at the identity is already beyond it: it lacks the diagonal $x = y$, not by noise, but by a link.
#
# *The slowest rate is the same for every width.* At $W = W^* = 0$ the Hessian of the half loss has the least eigenvalue $(\pi - 2)/(4\pi)$ in all dimensions, which is half of $\tfrac12 - \tfrac1\pi$. The kernel of a wide network has no such floor: its $\lambda_0$ depends on the inputs, and is zero if two of them are equal.
#
# *Hardt and Ma's ball is the linear model of Phase II.* Within $\|A_i\|_2 < 1$ no gradient vanishes away from the optimum; here no gradient points away from the teacher once the potential is small. In both it is the link that puts the start inside. The linear network needs a target with a positive determinant, and then nothing in the whole ball is in its way;
# how far from the identity the network with ReLU may be is the subject of {doc}`09_how_far`.
#
# *And attention turns the link into time.* In the layers of Ahn et al. the identity carries the prompt from layer to layer, and each layer adds a step. What is learned is not a function but a descent.
#
# ## Summary
#
# - Plain descent finds the optimum of every row, if only the network is wide enough for its labels, and every promise on a rate is kept with room to spare.
# - Width is asked for only where any labels are to be fitted; what works is smaller than what Du et al. ask for by many orders.
# - Wide networks are lazy, with or without ReLU: movement and flips fall with the width.
# - With a teacher and the identity, movement does not depend on the width, and the end does not depend on the start.
# - In the regime of Theorem 3.1 its network moves less than a wide one; its two phases are seen far outside, where it moves by a third and more.
#
# ## Exercises
#
# ```{exercise} How far at most
# :label: ex-compare-most
#
# How far can a network of Theorem 3.1 move relative to its start, if all norms are at most $\tfrac1{100}$?
# ```
#
# ```{solution} ex-compare-most
# :class: dropdown
#
# By $2\gamma/(1 - \gamma) = \tfrac2{99}$, or $0.0202$: with $W_0 = -\gamma I$ and $W^* = \gamma I$ it does.
# ```
#
# ```{exercise} As still as the identity
# :label: ex-compare-width
#
# In the limit of large width, how wide must a hidden layer be that learns one input in ten dimensions with the label $1$, so that the root mean square of its movement is below $0.01$?
# ```
#
# ```{solution} ex-compare-width
# :class: dropdown
#
# For one input $H = \tfrac12$, and the mean of $r_0^\top H^{-1} r_0$ over starts is $2y^2 + 1 = 3$ (second exercise of {doc}`19_overparameterization`). From $3/(10 m) < 10^{-4}$ follows $m > 3000$. One input asks for that many units.
# ```
#
# ## Try
#
# - `make run CHAPTER=23 P="norm=0.1"`: the second row nearer to its regime. Movement is proportional to the norm.
# - `make run CHAPTER=23 P="widths=[256,1024,4096] deep=[128,512]"`: wider, and lazier.
