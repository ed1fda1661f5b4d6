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
# # What the identity is good for
#
# ```{admonition} In this chapter
# :class: note
#
# **The question.** The theory adds the identity to a single layer, where residual networks add it to every second one. Does a link over one layer help a deep
# network as well?
#
# **What you will see.** Three networks of 56 layers that differ in their identity links alone: what happens to gradients in them before training, how narrow
# versions learn in a few seconds, and their test errors on CIFAR-10 beside those of Table 1.
#
# **What you need.** Convolution, batch normalisation, and {doc}`the model <01_model>` of this book.
# ```

# %% tags=["parameters"]
epochs: int = 8  # of the runs on CIFAR-10 in the table; He et al.: 164
schedule: str = "one-cycle"  # of their step size; or "steps", as He et al.
step: float = 0.2  # their largest step size; He et al.: 0.1
momentum: float = 0.9  # of their SGD
weight_decay: float = 1.0e-4  # of their SGD
batch: int = 128  # their images per step
precision: str = "bfloat16"  # of their convolutions: "float32" or "bfloat16"
seeds: list = [0, 1, 2, 3, 4]  # of these runs
run_missing: bool = False  # train those not recorded yet: hours on a CPU
folder: str = ""  # of their recordings; empty for data/recorded
depth: int = 9  # blocks in each of three groups of the networks trained here
width: int = 8  # channels of their first group; those of Table 1 have 16
live_epochs: int = 2  # passes of these networks over the digits
starts: int = 3  # random starts of the networks whose gradients are measured
device: str = "auto"  # "auto", "cpu" or "cuda", for the runs on CIFAR-10
seed: int = 0  # of everything else
record: bool = False  # store the comparison of float32 with bfloat16

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    epochs=range(1, 10**4), schedule=("one-cycle", "steps"), step=checks.between(0, 100),
    momentum=checks.between(0, 1), weight_decay=checks.between(0, 1), batch=range(2, 50001),
    precision=("float32", "bfloat16"), seeds=checks.each(range(2**30)), run_missing=bool, folder=str,
    depth=range(1, 30), width=range(1, 65), live_epochs=range(1, 1001), starts=range(1, 101),
    device=("auto", "cpu", "cuda"), seed=range(2**30), record=bool,
)
parameters.require(len(set(seeds)) == len(seeds), f"'seeds' must differ from each other; got {seeds}")

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display
from scipy import stats

from src import verdicts
from src.book.typeset import number
from src.experiments import deep, gaps, links, networks, table_1
from src.runs import recorded

figures.use()
ROWS = table_1.ROWS  # the three networks: ResNet, single skip, vanilla
SKIP = {name: row.skip for name, row in ROWS.items()}
COLOUR = dict(zip(ROWS, (figures.COLOURS[c] for c in ("blue", "orange", "vermillion")), strict=True))
STYLE = {"ResNet": "-", "single skip": "--", "vanilla": "-."}

# %% [markdown]
# ## Three networks from one description
#
# He, Zhang, Ren and Sun build their network for CIFAR-10 from 27 blocks of two layers {cite:p}`he2016deep`. A layer is a convolution and a batch
# normalisation; section 5.1 of {cite:t}`li2017convergence` compares their network, which adds the identity once a block, with one that adds it after every
# layer and one that never does. {numref}`fig-blocks` is drawn from the code of the networks: torch traces a block, and every box and arc is a node of the
# trace.

# %%
blocks = {k: networks.Block(16, 16, 1, skip) for k, skip in SKIP.items()}
chains = {name: links.chain(block) for name, block in blocks.items()}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
grey, red = "#5b6770", figures.COLOURS["vermillion"]
arc = {"arrowstyle": "->", "color": red, "lw": 1.6, "connectionstyle": "arc3,rad=-0.34"}
fig, axes = plt.subplots(3, 1, figsize=(7.4, 4.2))
for ax, (name, operations) in zip(axes, chains.items(), strict=True):
    for x, (label, link) in enumerate(operations):
        box = {"boxstyle": "round,pad=0.3", "fc": "#eef3f7", "ec": grey} if label not in ("in", "out") else None
        if link is not None:
            box = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": red}
            ax.annotate("", (x, 0.28), (link + 0.5, 0.0), arrowprops=arc)
        if x:
            ax.annotate("", (x - 0.3, 0), (x - 0.7, 0), arrowprops={"arrowstyle": "-", "color": grey})
        ax.text(x, 0, label.replace(" ", "\n"), ha="center", va="center", fontsize=9, bbox=box)
    ax.set(xlim=(-0.6, 9.6), ylim=(-0.5, 1.2), title=f"{name}: skip = {SKIP[name]}")
    ax.axis("off")
figures.show("fig-blocks", fig)

# %% [markdown]
# ```{glue:figure} fig-blocks
# :name: fig-blocks
# :alt: Three chains of operations: convolution, batch norm, ReLU, convolution, batch norm, ReLU. In the first an arc leads from the input to an addition before the last ReLU. In the second, arcs jump over each of the two layers. The third has no arcs.
#
# One block of each network, traced from the code. The middle one is the paper's Figure 6, twice in a row: its identity jumps over a single layer.
# ```
#
# Write $\ell$ for a layer, a $3 \times 3$ convolution and a batch normalisation, and $h$ for what enters it. The block of He et al. is
#
# $$
# h \mapsto \mathrm{ReLU}\big(h + \ell_2(\mathrm{ReLU}(\ell_1(h)))\big),
# $$
#
# and 27 of them, one layer before and a linear one behind make 56 layers. The single-skip network has $h \mapsto \mathrm{ReLU}(h + \ell(h))$ throughout,
# which for a fully connected $\ell$ without batch normalisation is the layer of equation (1), [$f$](#notation-f). In `src.experiments.networks` the three are
# one class, and `skip`, the number of layers that a link jumps over, is 2, 1 or 0. The first layer has no link in any of them: its input has three channels
# and its output sixteen. Where a group of blocks halves the image and doubles the channels, the link takes every second pixel and pads the channels with
# zeros. The paper leaves both open.

# %%
full = {k: table_1.NETWORKS[row.network](None) for k, row in ROWS.items()}
drawn = links.links(*full.values())
sizes = {name: links.size(net) for name, net in full.items()}

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "\n".join(
    f"| {name} | {sizes[name].layers} | {len(over)} | {', '.join(map(str, sorted(set(over)))) or '–'} "
    f"| {sizes[name].parameters:,} | {sizes[name].operations / 1e6:.1f} million |"
    for name, over in zip(ROWS, drawn)
)
text = f"""
| | layers | identity links | over … layers | parameters | multiply-adds an image |
|---|---|---|---|---|---|
{rows}

The parameters of the three have {"the same names and shapes" if drawn.same_parameters else "DIFFERENT names or shapes"}: the weights of one can be
loaded into another."""
display(Markdown(text))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
over = "one layer" if set(drawn.single) == {1} else list(drawn.single)
claims.report(
    "fig-6", verdict=drawn.verdict, evidence=verdicts.EXACT,
    measured=f"{len(drawn.single)} links, each over {over}; He et al.'s network has {len(drawn.residual)}, over {', '.join(map(str, sorted(set(drawn.residual))))} layers",
    spread="exact",
    numbers={"links over one": len(drawn.single), "links of ResNet": len(drawn.residual), "links of vanilla": len(drawn.vanilla)},
    note="Drawn from a trace of the code that is trained.",
)

# %% [markdown]
# ## Why 56 plain layers are hard
#
# Not because the signal dies: batch normalisation gives the output of every $\ell$ variance one. It is the gradient that suffers. We send a batch of digits through each network at random weights and
# look behind every block. In the right panel of {numref}`fig-through-depth`, compare the line without links with the two others.

# %%
digits = deep.digits()
images = digits.x[:128], digits.y[:128]
behind = {k: deep.profiles(SKIP[k], seed, starts, *images) for k in SKIP}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.4))
layer = 1 + 2 * np.arange(28)
for name, profile in behind.items():
    for ax, values in zip(axes, (profile[:, 0], profile[:, 1] / profile[:, 1, -1:]), strict=True):
        ax.plot(layer, np.exp(np.log(values).mean(0)), STYLE[name], color=COLOUR[name], label=name)
        ax.fill_between(layer, values.min(0), values.max(0), color=COLOUR[name], alpha=0.25, lw=0)
axes[1].plot(layer, deep.GROWTH ** (55 - layer), ":", color="black", lw=1.2, label="plain, computed")
axes[0].set(title="Links let activations grow", ylabel="root mean square", ylim=(0, None))
axes[1].set(title="Links keep gradients even", ylabel="gradient norm / that behind block 27", yscale="log")
for ax in axes:
    ax.set(xlabel="layer (1 is next to the image)")
    ax.legend()
figures.show("fig-through-depth", fig)

# %% [markdown]
# ```{glue:figure} fig-through-depth
# :name: fig-through-depth
# :alt: Two plots against the number of layers, 1 to 55. Left, activations: constant for vanilla, growing step by step in each of the three groups for the networks with links. Right, gradient norm on a logarithmic scale: for vanilla it grows steadily towards the input by several powers of ten, somewhat less steeply than the dotted line; for the networks with links it is nearly level.
#
# Random weights, digits of 14 × 14 pixels, 56 layers of full width; the band is the range over the starts. Left: activations behind each block. Right: norm
# of the loss's gradient there, relative to the last block. The dotted line has the slope of equation {eq}`gradient-growth`.
# ```
#
# A short computation says how much. Take a plain layer $h \mapsto \mathrm{ReLU}(\mathrm{BN}(Vh))$, where the entries of $V$ are independent, and $\nu$ is
# their variance times the number of inputs. The images' activations are nearly uncorrelated, as they become after many random layers. Before ReLU each unit
# is about standard normal, so behind ReLU it varies from image to image with variance
#
# $$
# \tfrac12 - \tfrac1{2\pi} = \tfrac{\pi - 1}{2\pi} .
# $$
#
# The next product has variance $\nu (\pi - 1)/2\pi$, and batch normalisation divides by its root. On the way back, the squared norm of the gradient is
# multiplied by $\tfrac12$ at ReLU (half of the units are on), by $2\pi / (\nu (\pi - 1))$ at the normalisation and by $\nu$ at $V^\top$. Together, each layer
# towards the input multiplies the gradient's norm by
#
# $$
# \sqrt{\frac{\pi}{\pi - 1}} \approx 1.21 .
# $$ (gradient-growth)
#
# Over 54 layers that is a factor of $(\pi/(\pi - 1))^{27}$, printed below, and one step size has to suit the first layer and the last. Mean-field theory says in general that batch normalisation makes
# gradients grow exponentially with the depth, whatever the weights' scale {cite:p}`yang2019mean`. With links the sum $h + \ell(h)$ grows in variance while $\ell(h)$ keeps variance one. So each
# further layer changes it less, and the growth is that of a power of the depth. For deep *linear* networks Hardt and Ma prove that with links of this kind, and small weights, no critical point is
# left but the global minimum {cite:p}`hardt2017identity`.

# %%
generator = torch.Generator().manual_seed(seed)
wide = deep.plain_growth(generator)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
gradients = {name: profile[:, 1] for name, profile in behind.items()}
ratio = {name: norms[:, 0] / norms[:, -1] for name, norms in gradients.items()}
rows = "\n".join(
    f"| {name} | {deep.growth(norms):.3f} | {ratio[name].min():,.0f} to {ratio[name].max():,.0f} |"
    for name, norms in gradients.items()
)
text = f"""
| | growth of the gradient a layer, fitted | first block over last |
|---|---|---|
{rows}
| 54 plain layers, fully connected, 512 wide | {wide:.3f} | |
| plain layers, computed | {deep.GROWTH:.3f} | {deep.GROWTH**54:,.0f} |

{starts} random start{"s" if starts > 1 else ""}, batches of 128 digits."""
display(Markdown(text))

# %% [markdown]
# The computation supposes wide, fully connected layers and uncorrelated images. The networks have 16 to 64 channels, convolutions, and groups in which the image shrinks: there the rate is lower, and
# the growth still exponential.
#
# ## Training narrow versions
#
# Differences at the start need not matter in the end: batch normalisation makes a layer's weights indifferent to their scale, and SGD can go a long way. So we train: the same 56 layers with fewer
# channels, on digits instead of photographs, in a few seconds. In {numref}`fig-narrow`, see how far the vanilla network stays behind the two others.

# %%
shape = {"depth": depth, "width": width, "epochs": live_epochs}
narrow = {k: deep.learn(SKIP[k], digits, seed, **shape) for k in SKIP}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.3))
for (name, curves), marker in zip(narrow.items(), "os^", strict=True):
    style = {"color": COLOUR[name], "marker": marker, "ms": 5, "label": name}
    axes[0].plot(curves.epoch[1:], curves.loss[1:], **style)
    axes[1].plot(curves.epoch, 100 * curves.errors["test"], **style)
axes[0].set(title=f"{6 * depth + 2} layers, {width} to {4 * width} channels", ylabel="training loss (nats)")
axes[1].set(title="The same networks tested", ylabel="test error (%)", ylim=(0, 100))
for ax in axes:
    ax.set(xlabel="epoch")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
figures.show("fig-narrow", fig)

# %% [markdown]
# ```{glue:figure} fig-narrow
# :name: fig-narrow
# :alt: Two plots against epochs. Training loss and test error of the networks with identity links fall quickly, those of the vanilla network more slowly or hardly.
#
# Narrow versions with the given numbers of layers and channels on the embedded digits, one seed each. Left: training loss, the mean over each epoch. Right:
# test error after it.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
found = ", ".join(f"{name} {100 * curves.errors['test'][-1]:.1f} %" for name, curves in narrow.items())
text = f"""Test error after {live_epochs} epochs on {len(digits.y):,} digits: {found}. One seed, an easy task, narrow networks: this shows what the
links do for the first steps, not Table 1."""
display(Markdown(text))

# %% [markdown]
# (table-1-runs)=
# ## Table 1
#
# The paper trains its three networks on CIFAR-10 {cite:p}`krizhevsky2009learning` "default" and averages five runs. It names neither optimiser nor schedule
# nor the treatment of images. The default for these networks is that of He et al., and 6.97 % is the error they print for their ResNet-56: SGD with momentum
# 0.9, weight decay $10^{-4}$ and batches of 128; step size 0.1, divided by 10 after 32,000 and 48,000 of 64,000 steps; images padded by four pixels, cropped
# at random, flipped or not. That is the recipe `he` of `src.experiments.table_1`; it counts whole epochs, 64,124 steps, and trains on all 50,000 images. It
# wants a GPU. The recipe `short` differs in three things: 8 epochs instead of 164, a step size that rises to 0.2 and falls again in one cycle, and a CPU.
# Each network and each seed is a run and a recording of its own.
#
# Is our ResNet-56 theirs? `src.experiments.published_weights.evaluate` puts published weights into it, which others trained, and takes the test error. Get the file with `curl -LO
# https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/resnet56-4bfd9763.th`, then run `python -m src.experiments.published_weights resnet56-4bfd9763.th`. It prints the
# error that it finds beside the one that the weights' author lists; the two agree only if layers, links and batch normalisation are the same.
#
# Both recipes form the convolutions in bfloat16, which keeps eight bits of each factor; weights, batch normalisation's means and the optimiser stay in
# float32, and test errors are taken in float32. (Recordings that do not say so took them in bfloat16, where the largest logit may not be the only one; they
# are counted below.) Whether the result suffers is seen where a run is short enough to be repeated: the narrow ResNet from above, the same seeds in both
# precisions. It is checked for this one network only, not for those with other links.

# %%
if record:
    size = {"depth": depth, "width": width}
    deep.record_precisions(digits, seed, **size)
precisions = recorded.load(deep.PRECISIONS)
single, half = 100 * precisions.arrays["test_error"]  # float32, bfloat16

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
interval = stats.ttest_rel(half, single).confidence_interval()
text = f"""Test error of the narrow ResNet after {precisions.provenance["parameters"]["epochs"]} epochs: {single.mean():.2f} ± {single.std(ddof=1):.2f} % in
float32, {half.mean():.2f} ± {half.std(ddof=1):.2f} % with bfloat16; bfloat16 costs {(half - single).mean():+.2f} points, 95 % interval of the difference by
seeds {number(interval.low, 2)} to {number(interval.high, 2)}. {recorded.caption(precisions)}
{"Each evaluated in the precision of its training." if table_1.evaluated_otherwise([precisions]) else "Evaluated in float32."}"""
display(Markdown(text))

# %% [markdown]
# {numref}`fig-table-1` and the table below it show the recorded runs of the recipe in the parameters, and beside them those of the recipe `he`: see in which order the lines end, and how far from the
# dotted ones.

# %%
settings = schedule, precision, step, momentum, weight_decay, batch
recipe = table_1.Recipe(epochs, *settings)
place = {"folder": folder or None, "device": device}
runs = table_1.collect(seeds, recipe, train=run_missing, **place)
errors = table_1.errors(runs)
he = table_1.RECIPES["he"]
order = gaps.order(errors, he=recipe == he)
in_full = table_1.collect(table_1.SEEDS, he, folder=folder or None)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
panels = {f"{epochs} epochs, {schedule} schedule": runs, f"He et al.: {he.epochs} epochs": in_full}
fig, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), sharey=True)
for ax, (title, found) in zip(axes, panels.items()):
    for name, row in ROWS.items():
        for k, r in enumerate(found[name].values()):
            ax.plot(100 * r.arrays["test_error"], STYLE[name], color=COLOUR[name], alpha=0.85, label=None if k else name)
        ax.axhline(row.error, color=COLOUR[name], ls=":", lw=1.2)
    ax.set(title=title, xlabel="epoch", yscale="log")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if any(found.values()):
        ax.legend()
axes[0].set_yticks([5, 10, 20, 50, 90], ["5", "10", "20", "50", "90"])
axes[0].set_ylabel("test error (%)")
axes[0].minorticks_off()
figures.show("fig-table-1", fig)

# %% [markdown]
# ```{glue:figure} fig-table-1
# :name: fig-table-1
# :alt: Two panels of test error against epochs for the recorded runs of the 56-layer networks, with three dotted lines at the paper's errors of 6.97, 9.01 and 12.04 per cent. Left a short training, in which the vanilla network stays far above the others. Right the whole recipe: errors drop where the step size is divided by ten, and the lines end near the dotted ones.
#
# Test error on CIFAR-10 of the recorded runs, one line per seed: the recipe of the parameters (left) and He et al.'s (right). The dotted lines are the paper's
# errors, after a number of epochs that it does not give. An absent line is a run still to be done.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
finished = [r for found in runs.values() for r in found.values()]
rows = [f"| {name} | {row.error:.2f} % | {gaps.described(errors[name])} |" for name, row in ROWS.items()]
known = []
for ((worse, better), paper), gap, standing in zip(gaps.PAIRS.items(), order[:2], order.standings):
    ours = f"{gap.mean:.2f} points, 95 % interval {gap.low:.2f} to {gap.high:.2f}" if gap else "needs two runs of each"
    rows.append(f"| {worse} − {better} | {paper:.2f} points | {ours} |")
    known.append(f"the gap between {worse} and {better} {standing}")
last = "No run of this recipe is recorded."
if finished:
    seconds = np.median(np.concatenate([r.arrays["seconds"][1:] for r in finished]))
    last = f"{len(finished)} runs, {seconds:.3g} s an epoch (median, other work beside it included). "
    last += f"The last: {recorded.caption(max(finished, key=lambda r: r.provenance['date']))} "
    last += f"{table_1.evaluated_otherwise(finished)} of them evaluated in the precision of the training, the others in float32."
text = f"""
| | the paper | this recipe: {epochs} epochs |
|---|---|---|
{chr(10).join(rows)}

Test error after the last epoch, mean ± standard deviation; intervals after Welch. {last}

After {epochs} epochs {" and ".join(known)}, by 95 % intervals."""
display(Markdown(text))

# %% [markdown]
# What can be read from this table depends on its rows. Two errors of one run each may differ by the luck of a seed; with two runs or more of each, Welch's
# interval says how far the gap is known. And the gaps of a short training are other numbers than those after 164 epochs: a network that is slow at first may
# end well.
#
# ## The verdict
#
# The claim is decided by five runs of each network with the recipe `he`, and by nothing shorter. The order alone would be too little: a vanilla network that
# does not train at all comes last as well. So sizes count, with a factor of two allowed. The claim holds if both gaps are above zero by their 95 % intervals
# and between half and twice the paper's; it fails if an interval lies wholly outside these bounds. Until then it is open.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
missing = table_1.missing(he, folder or None)
total = len(ROWS) * len(table_1.SEEDS)
more = f" `python -m src.experiments.table_1 he` runs the other {len(missing)}." if missing else ""
ends = {name: values for name, values in table_1.errors(in_full).items() if len(values)}
rows = "\n".join(f"| {name} | {ROWS[name].error:.2f} % | {gaps.described(values)} |" for name, values in ends.items())
table = f"| | the paper | He et al.'s recipe: {he.epochs} epochs |\n|---|---|---|\n{rows}" if ends else ""
sources = [recorded.caption(r) for found in in_full.values() for r in found.values()]
display(Markdown(f"Of the recipe's {total} runs, {total - len(missing)} are recorded.{more}\n\n{table}\n\n{' '.join(dict.fromkeys(sources))}"))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
known = {name: values for name, values in errors.items() if len(values)}
measured = ", ".join(f"{name} {values.mean():.2f} %" for name, values in known.items())
spread = "; ".join(
    f"{name}: {f'± {values.std(ddof=1):.2f}, ' if len(values) > 1 else ''}n = {len(values)}"
    for name, values in known.items()
)
whole = ", ".join(f"{name} {values.mean():.2f} % (n = {len(values)})" for name, values in ends.items())
why = f"Five runs of each network with He et al.'s recipe decide; {total - len(missing)} of the {total} exist. Shorter runs do not."
claims.report(
    "table-1", verdict=order.verdict, evidence=verdicts.RECORDED,
    measured=(f"after {he.epochs} epochs: {whole}; " if ends and recipe != he else "")
    + (f"after {epochs} epochs: {measured}" if known else "no run of this recipe is recorded"),
    spread=spread or "no runs",
    numbers={f"error of {name} (%)": values.mean() for name, values in known.items()} | {"runs": len(finished)}
    | {f"error of {name} in full (%)": values.mean() for name, values in ends.items()},
    note="The recipe is He et al.'s, as the text says only default." if order.decisive else why,
)

# %% [markdown]
# ## Summary
#
# - One class gives the three networks of Table 1; they have the same parameters and differ in their identity links alone.
# - At random weights the gradient of a plain layer grows by a factor of up to 1.21 a layer towards the input, by several powers of ten over 56 layers.
# - Links make the growth a power of the depth; a link over one layer does so as well as one over two.
# - In a training of a few epochs the order is ResNet, single skip, vanilla, as in Table 1, but with far larger gaps: the vanilla network has hardly begun.
# - The paper does not say how it trained. Five runs of each network with He et al.'s recipe decide; until they exist Table 1 is open.
#
# ## Exercises
#
# ```{exercise} Who is to blame
# :label: ex-identity-growth
#
# By what factor does the gradient's norm grow in a plain layer without its ReLU, and with $|t|$ in place of $\mathrm{ReLU}(t)$? What makes it grow?
# ```
#
# ```{solution} ex-identity-growth
# :class: dropdown
#
# Without ReLU the activations keep variance one and all of the gradient passes: the factor is 1. With $|t|$ all of it passes as well, but the activations
# vary from image to image with variance $1 - 2/\pi$ only, which the next normalisation blows up: the factor is $(1 - 2/\pi)^{-1/2} \approx 1.66$ as long as
# the images are uncorrelated (over many layers of width 512 a run gives a little less). It is the part of the activations that all images share, the mean,
# that makes the gradient grow: normalisation removes it from the signal and magnifies the rest.
# ```
#
# ```{exercise} How many runs
# :label: ex-identity-runs
#
# Two networks are run $n$ times each, and their errors have the same standard deviation. How many standard deviations must their means lie apart for Welch's
# 95 % interval to stay above zero, if $n = 2$, and if $n = 5$?
# ```
#
# ```{solution} ex-identity-runs
# :class: dropdown
#
# The difference of the means has $\sqrt{2/n}$ standard deviations, and the interval reaches a quantile of Student's distribution with $2n - 2$ degrees of
# freedom times that: $4.30 \cdot 1 = 4.3$ for two runs, $2.31 \cdot 0.63 = 1.5$ for five. The paper's five runs can tell much smaller gaps from luck than two
# can.
# ```
#
# ## Try
#
# - Fewer layers: `make run CHAPTER=10 P="depth=2"`. At 14 layers the vanilla network keeps up.
# - Longer: `make run CHAPTER=10 P="live_epochs=10"`. About a minute; see whether the vanilla network catches up.
# - The runs that Table 1 wants: `python -m src.experiments.table_1 he` on a machine with a GPU, in as many sittings as it takes (each run goes on where it
#   stopped), then `papermill chapters/10_identity_mapping.ipynb out.ipynb -f chapters/parameters/paper/10_identity_mapping.yaml`.
