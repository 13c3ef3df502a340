# %% [markdown]
# # 34 · Scale and compute: who gains more?
#
# Every number so far came from one base model, one length of training and
# one answer to each request. A claim about methods should say what happens
# when these change. Perhaps deliberation needs a capable base model. Perhaps
# the direct arm only needs more samples, or more steps.
#
# So here compute is spent in three ways: on a **larger base model**, on
# **more work for each answer** (samples, votes, a longer thought), and on
# **more training**. Each time we ask who gains.
#
# **After this notebook you can**
#
# * count the floating-point operations of training and of an answer,
# * compare two gains with an interval that knows about seeds and requests,
# * look behind a mean: how success is spread over requests, and what that
#   says about voting,
# * compute what a majority vote of n samples is worth, exactly,
# * fit a sigmoid to each task and a line to their average, and judge by the
#   residuals,
# * tell "no scaling" from "no room to scale".
#
# **Time:** about 65 minutes. **Points:** 28 in 6 exercises.
#
# **You need:** notebooks 22 and 31. The two models that answer live come from
# the course's cache; the larger measurements come from results files, which
# `python -m utils.evaluate.study NAME` writes.

# %%
import json
from collections import Counter
from functools import cache
from itertools import product
from math import comb, prod

import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from scipy.optimize import curve_fit
from scipy.special import expit

from utils.align.chat import reply
from utils.evaluate.arms import ARMS, arm
from utils.evaluate.conditions import plain
from utils.evaluate.outcomes import hierarchical_interval, outcome_matrix
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import WEIGHTS, load
from utils.show.figure import PALETTE, show, style
from utils.show.widgets_34 import (
    Sampled,
    SampleExplorer,
    describe,
    draw_shares,
    draw_votes,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS, load_spec

# %% [markdown]
# **Two arms, live.** With seed 0 the cells below take A1 (answers) and A4
# (deliberate) from the cache. Another seed, or another arm of `ARMS`, trains
# afresh, two to three minutes for an arm that is only imitated. Change it,
# run the cell, and go on: the live samples of section 4 are then your models'.

# %%
SEED = 0
PAIR = ("A1", "A4")
models = {name: arm(name, "lab", SEED)[:2] for name in PAIR}
print(", ".join(f"{name}: {ARMS[name].title}" for name in PAIR))

# %% [markdown]
# ## 1. Who is said to gain?
#
# Three statements are about. It is worth knowing who said what.
#
# **"A more capable model gains more from deliberation."** Guan et al. 2024
# (arXiv 2412.16339, Table 1) have o1-preview and then o1. Against jailbreaks
# (StrongREJECT) the score rose from 0.66 to 0.88. It looks like capability.
# But the reward that knows the Spec came in between, for o1 only, and on
# harmless requests that sound bad (XSTest) the score *fell*, from 0.976 to
# 0.93. Two things changed at once, and no direct arm was measured beside.
#
# **"Look at the histogram."** Boaz Barak, in comments on LessWrong, asks for
# the histogram of the "probability that the model solves the task at that
# level of quality", and says that there is "always a huge gap between
# demonstrating you solved X on some clean academic benchmark, vs. needing to
# do so 'in the wild'".
#
# **"A sigmoid for each task, a straight line for the average"**, against the
# logarithm of compute. It is often told as his. We did not find it in his
# words. What we found: a comment on LessWrong that models the success of o1
# as an s-curve over difficulty and finds the averaged best-of-n curve
# "roughly linear in log N", and arXiv 2510.25791, which fits accuracy
# against log training steps with a logistic of three parameters.
#
# Each of the three can be measured in our world. Each can also fail there.
#
# ## 2. What does it cost?
#
# Compute is counted in floating-point operations (FLOPs). Two rules of thumb
# (Kaplan et al. 2020, arXiv 2001.08361), with N parameters and D tokens:
#
# ```
#   an answer    2 N for each token     a multiplication and an addition
#                                       for each parameter
#   training     6 N for each token     2 forward, 4 backward
# ```
#
# N leaves the embedding table out, because to look a token up is no product.
# In a large model that hardly matters. In ours it does, and the table has a
# second job: it is the **output layer**, too, which gives each of 2277 tokens
# its score. That *is* a product. It is done for every token that is written,
# and for none that is only read.

# %%
scale = load_rows("scale")
BASES = list(dict.fromkeys(row["base"] for row in scale))  # largest first
SIZES = {}
print(f"{'base':9}{'layers':>12}{'table':>10}{'in all':>11}")
for base in BASES:
    weights, tokenizer = load(base)
    table = weights.get_input_embeddings().weight.numel()
    SIZES[base] = weights.num_parameters() - table, table
    blocks = SIZES[base][0]
    print(f"{base:9}{blocks:12,}{table:10,}{blocks + table:11,}")

# %% [markdown]
# ### Exercise 1: write `flops`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 8 minutes ·
# 4 points
#
# Several samples of one prompt share its reading: the keys and values are
# computed once and copied.


# %% exercise="flops"
def flops(blocks, table, read, written, samples=1, training=False):
    """Floating-point operations of one request, or of one example.

    blocks   : parameters of all layers, without the embedding table
    table    : parameters of the embedding table = output layer
    read     : tokens of the prompt; read once for all samples
    written  : tokens of thought and answer together, in one sample
    samples  : completions of this prompt
    training : True: forward and backward, not a forward pass alone
    returns  : 2 (6 in training) for each parameter and token; the
               table counts for written tokens only
    """
    # BEGIN SOLUTION
    behind = samples * written
    each = 6 if training else 2
    return each * (blocks * (read + behind) + table * behind)
    # END SOLUTION


# %% check="flops" points=4
check("flops", flops)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How many tokens pass the layers? All that is read, and all that is written.
# </details>
# <details><summary>Hint 2</summary>
#
# How many pass the output layer? Those that are written: `samples * written`.
# </details>
#
# **Predict.** An answer of A1 has about eleven tokens; A4 writes about four
# times as many. How much dearer is an answer of A4? And how many of A4's
# answers does its *training* cost, roughly: a hundred, ten thousand, a
# million?

# %%
flops = use("flops", flops)
samples = [r for r in load_rows("compute") if r["kind"] == "samples"]
steps = load_rows("training_compute")


def tokens(figure, **wanted):
    """Mean of a token count over the seeds, in plain English."""
    home = {"surface": "en", "wrapper": "", "topics": "seen"}
    return over_seeds(samples, figure, **home, **wanted)[0]


def trained(row):
    """FLOPs of training up to a look: learned tokens, and others."""
    others = row["read"] - row["learned"]
    return flops(*SIZES[row["base"]], others, row["learned"], training=True)


print("one request in English; the whole training (400 steps)")
for name in ("A1", "A4"):
    read = tokens("prompt", arm=name, base="lab")
    written = tokens("written", arm=name, base="lab")
    ask = flops(*SIZES["lab"], read, written)
    last = [r for r in steps if r["arm"] == name and r["step"] == 400]
    learn = np.mean([trained(row) for row in last])
    print(
        f"{name}: reads {read:.0f}, writes {written:.0f} tokens, "
        f"{ask / 1e6:.0f} MFLOP; training {learn / 1e12:.1f} TFLOP, "
        f"as much as {learn / ask:,.0f} answers"
    )

# %% [markdown]
# The long thought makes an answer a few times dearer. (Less than the tokens
# say, because both have to read the request.) Training costs as much as tens
# of thousands of answers: whoever answers more than that pays more for the
# answers than for the training. We left attention out: in texts of a hundred
# tokens it is small.
#
# ## 3. Larger base models
#
# The base models have the same recipe: data, steps, tokenizer. Only width
# and depth differ. How capable is each one before alignment? These are its
# gates, measured after pretraining and kept in its card.

# %%
GATES = {
    "languages": "restates es, fr, de (the worst)",
    "ciphers": "restates ciphers (the worst)",
    "spec_following": "finds the clause, in four questions",
    "judge": "judges an answer by clauses",
    "recall": "looks up pairs of words",
    "reasoning_at_home": "harmless tasks, thinking, English",
    "reasoning_abroad": "the same in other surfaces",
}
cards = {
    base: json.loads((WEIGHTS / base / "card.json").read_text())["gates"]
    for base in BASES
}
print(f"{'':36}" + "".join(f"{base:>9}" for base in BASES))
for gate, what in GATES.items():
    cells = "".join(f"{cards[base][gate]:9.0%}" for base in BASES)
    print(f"{what:36}{cells}")

# %% [markdown]
# All four *read*: languages, ciphers, a clause in the context. What grows
# with size is reasoning in several steps: a thought of which every word has
# to be right. So capability in this notebook means **carrying a chain of
# thought to its end**, not knowing more. That should help the arm that
# thinks. It is the best case for the first statement.
#
# There is a trap. Each arm is taught by its own base model, which writes the
# deliberations and judges them. A small model is not only a weak pupil but
# also a **weak teacher**. So each size has two students here: one taught by
# itself, as in the rest of the course, and one taught by the largest model,
# with the same recipe.

# %%
print("what the teachers wrote about 2500 requests; mean over the seeds")
print(f"{'teacher':10}{'kept':>7}{'right':>9}{'flawless thoughts':>20}")
teachers = [row for row in scale if row["kind"] == "teacher"]
for base in BASES:
    kept, right, whole = (
        over_seeds(teachers, figure, base=base)[0]
        for figure in ("kept", "right_share", "flawless")
    )
    print(f"{base:10}{kept:7.0f}{right:9.1%}{whole:20.1%}")

# %% [markdown]
# What a teacher keeps is right, at every size: it is asked in single steps
# (notebook 21), and each step is a skill that every size has. But the
# smallest model is a poor **judge** (see its gate above), and throws out
# nearly two thirds of its own good data. Its students learn from a third of
# the examples. So at the smallest size the trap is real: watch whether the
# two students differ there.
#
# **Predict.** Draw it before you run the cell: right actions against the
# number of parameters, for A1 and for A4, at home on seen topics, at home on
# held-out topics, in the three languages and in the ciphers. Where do the
# two lines come apart?

# %%
PLACES = {
    "English, seen": lambda r: (
        r["surface"] == "en" and not r["wrapper"] and r["topics"] == "seen"
    ),
    "English, held out": lambda r: (
        r["surface"] == "en"
        and not r["wrapper"]
        and r["topics"] == "held_out"
    ),
    "es, fr, de": lambda r: r["surface"] in TAUGHT_LANGUAGES,
    "five ciphers": lambda r: r["surface"] in TAUGHT_CIPHERS,
    "new jailbreaks": lambda r: r["wrapper"] != "",
    "controls": lambda r: r["surface"] in ("id", "atbash"),
}


def hits_of(row, given="given"):
    """(requests,) 1 for each right action of a row, else 0."""
    pairs = zip(row[given], row["right"], strict=True)
    return np.array([float(a == b) for a, b in pairs])


def hits_in(place, name, base, teacher="itself"):
    """(seeds, requests) success of a student in a place."""
    found = [
        row
        for row in scale
        if row["kind"] != "teacher"
        and (row["arm"], row["base"], row["teacher"])
        == (name, base, teacher)
        and PLACES[place](row)
    ]
    return outcome_matrix(found, hits_of)


PARAMETERS = [sum(SIZES[base]) for base in BASES]
fig, axes = plt.subplots(
    2,
    2,
    figsize=(9, 6),
    dpi=90,
    sharex=True,
    sharey=True,
    layout="constrained",
)
told = []
for ax, place in zip(axes.flat, PLACES, strict=False):
    for name in ("A1", "A4"):
        for teacher in ("itself", "largest"):
            found = 100 * np.array(
                [
                    hierarchical_interval(
                        hits_in(place, name, base, teacher)
                    )
                    for base in BASES
                ]
            )
            own = teacher == "itself"
            shift = 0.97 if own else 1.03
            ax.errorbar(
                shift * np.array(PARAMETERS),
                found[:, 0],
                [found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]],
                capsize=3,
                label=f"{name}, taught by {'itself' if own else 'lab'}",
                mfc=None if own else "white",
                alpha=1 if own else 0.7,
                **style(name),
            )
            if own:
                marks = ", ".join(f"{mean:.0f}" for mean in found[:, 0])
                told.append(f"{place}, {name}: {marks} %")
    ax.axhline(20, color="grey", linewidth=1, linestyle=":")
    ax.set_title(place, fontsize=10)
    ax.set_xscale("log")
    ax.set_xticks(PARAMETERS, [f"{n / 1e6:.2f} M" for n in PARAMETERS])
    ax.minorticks_off()
    ax.set_ylim(-3, 104)
    ax.grid(alpha=0.3)
for ax in axes[:, 0]:
    ax.set_ylabel("right action, %")
for ax in axes[1]:
    ax.set_xlabel("parameters of the base model")
lines, names = axes[0, 0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=4, fontsize=8)
show(
    fig,
    f"Right action by size ({', '.join(BASES)}), taught by itself.\n"
    + "\n".join(told),
)

# %% [markdown]
# How to read it: filled marks are taught by their own base model, hollow ones
# by the largest one, lab.
#
# * **English, seen topics.** Both arms at the ceiling, but for the smallest
#   base when it teaches itself. No scaling can be seen above that, and none
#   *could* be: the test has no room.
# * **English, held-out topics.** Taught by the largest, A4 is near the ceiling
#   at every size. A1 is far below it, and gets nearer with size.
# * **es, fr, de.** A4 climbs in steps, far above A1 all the way. A1 moves
#   little.
# * **Ciphers.** A4 is near chance on the two smallest bases and well over half
#   on the two largest. A1 is at chance or below, at every size. (Chance is
#   not zero: whoever complies with everything is right in 20 %.)
# * **The teacher** matters at the smallest size, a lot, and hardly above it.
#   (The two largest write the same data, word for word. So their pupils of
#   the same size are the same.)
#
# Four places, four answers. A sentence such as "deliberation scales better"
# needs to say where.
#
# What goes wrong in A4's thoughts on a small base?

# %%
ERRORS = {
    "decoded wrongly": "decoded wrongly",
    "did not deliberate": "broke off",
    "reasoned wrongly": "reasoned wrongly",
}
print("A4 taught by lab: wrong answers by their class, % of all")
print(f"{'':15}{'base':9}" + "".join(f"{v:>18}" for v in ERRORS.values()))
for place in ("es, fr, de", "five ciphers"):
    for base in BASES:
        found = [
            row
            for row in scale
            if row["kind"] != "teacher"
            and (row["arm"], row["base"]) == ("A4", base)
            and row["teacher"] == "largest"
            and PLACES[place](row)
        ]
        total = sum(row["n"] for row in found)
        shares = [
            sum(r["errors"][e] for r in found) / total for e in ERRORS
        ]
        cells = "".join(f"{share:18.0%}" for share in shares)
        print(f"{place:15}{base:9}{cells}")

# %% [markdown]
# Mostly not the reading. On all but the smallest base the thought restates
# nearly every request rightly, in ciphers as well. Then the chain breaks: a
# step is missing or out of form, or the clause is the wrong one. That is what
# the gates said before alignment: capability, here, is to get from step to
# step.
#
# ### Exercise 2: write `extra_gain`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 12 minutes · 5 points
#
# "Gains more" is a difference of two differences:
#
# ```
#     (A4 large - A4 small)  -  (A1 large - A1 small)
# ```
#
# It needs an interval of its own: two overlapping bars in a figure say
# nothing about it. Chance comes in by two doors, the training seed and the
# choice of requests. All four numbers share both, so draw them **once for
# all four**. What a hard request does to all of them then cancels.


# %% exercise="extra_gain"
def extra_gain(
    deep_large, deep_small, flat_large, flat_small, draws=2000, seed=0
):
    """How much more does deliberation gain from a larger model?

    deep_*, flat_* : (seeds, requests) success of the deliberative and
                     of the direct arm, on the larger and the smaller
                     base; the same seeds and requests everywhere;
                     ValueError for other shapes
    draws          : resamples; each draws seeds with replacement, and
                     requests with replacement, the same for all four
    returns        : (mean, lower end, upper end), 95 %, of
                     (deep_large - deep_small)
                     - (flat_large - flat_small)
    """
    # BEGIN SOLUTION
    four = [
        np.asarray(array, float)
        for array in (deep_large, deep_small, flat_large, flat_small)
    ]
    if len({array.shape for array in four}) > 1:
        raise ValueError("All four need the same seeds and requests.")
    extra = (four[0] - four[1]) - (four[2] - four[3])
    seeds, requests = extra.shape
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        rows = rng.integers(0, seeds, seeds)
        columns = rng.integers(0, requests, requests)
        means.append(extra[rows][:, columns].mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return float(extra.mean()), float(low), float(high)
    # END SOLUTION


# %% check="extra_gain" points=5
check("extra_gain", extra_gain)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Because all four are resampled alike, you can form the contrast first, one
# number for each seed and request, and resample that.
# </details>
# <details><summary>Hint 2</summary>
#
# `extra[rows][:, columns]` takes whole seeds and whole requests, with
# repetitions. Drawing single cells would make 300 independent cases out of
# three seeds.
# </details>
#
# **Predict.** From the smallest to the largest base model: in which places
# does A4 gain more than A1? Can it, at home on seen topics?
#
# <details><summary>Answer</summary>
#
# Where a line is at 100 % on both ends, it gains nothing, whatever the model
# can do. Look for the places with room.
# </details>

# %%
extra_gain = use("extra_gain", extra_gain)
ENDS = BASES[0], BASES[-1]
gains = {}
print(f"gain from {ENDS[1]} to {ENDS[0]}, in points [95 % interval]")
for teacher in ("itself", "largest"):
    print(f"\ntaught by {'itself' if teacher == 'itself' else 'lab'}")
    print(f"{'':20}{'A1':>6}{'A4':>6}   A4 gains more by")
    for place in PLACES:
        four = [
            hits_in(place, name, base, teacher)
            for name in ("A4", "A1")
            for base in ENDS
        ]
        gains[teacher, place] = extra_gain(*four)
        deep, flat = (
            100 * (four[i].mean() - four[i + 1].mean()) for i in (0, 2)
        )
        mean, low, high = (100 * v for v in gains[teacher, place])
        print(
            f"{place:20}{flat:+6.0f}{deep:+6.0f}   {mean:+.0f} "
            f"[{low:+.0f}, {high:+.0f}]"
        )

# %% [markdown]
# So who gains more?
#
# * In the **languages** and in **ciphers** it is deliberation, whoever is the
#   teacher. Part of it, in the languages, was the teacher.
# * In **new jailbreaks** it is the *direct* arm, whoever is the teacher. These
#   attacks are restated as part of the request (notebook 32), and a larger
#   model still restates most of the worst of them. The first statement of
#   section 1 was about jailbreaks. In this toy it comes out the other way.
# * On **held-out topics in English** the sign of the mean depends on the
#   teacher. With its own, deliberation seems to gain more; with the same
#   teacher for all, the direct arm does. Neither is shown. But a study that
#   had not asked about the teacher might have told the wrong story.
# * On **seen topics** and in the **controls** no difference is shown: ceiling
#   and floor.
#
# Mind one more thing. Points are not the only scale. From 96 to 99 % takes
# away three quarters of the errors, from 60 to 80 % only half. An
# interaction between two lines that start at different heights can come and
# go with the scale of the axis. It is safest where one line stays flat, as
# A1's does in ciphers.

# %%
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3.6), dpi=90, sharey=True, layout="constrained"
)
LOOKS = {
    "English, seen": ("black", "o", "-"),
    "English, held out": ("blue", "^", "-"),
    "es, fr, de": ("green", "s", "--"),
    "five ciphers": ("vermillion", "D", "-."),
    "new jailbreaks": ("purple", "v", ":"),
}
told = []
for ax, teacher in zip(axes, ("itself", "largest"), strict=True):
    for k, (place, (color, marker, line)) in enumerate(LOOKS.items()):
        found = 100 * np.array(
            [
                hierarchical_interval(
                    hits_in(place, "A4", base, teacher)
                    - hits_in(place, "A1", base, teacher)
                )
                for base in BASES
            ]
        )
        ax.errorbar(
            (0.94 + 0.03 * k) * np.array(PARAMETERS),
            found[:, 0],
            [found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]],
            color=PALETTE[color],
            marker=marker,
            linestyle=line,
            capsize=3,
            label=place,
        )
        marks = ", ".join(f"{mean:+.0f}" for mean in found[:, 0])
        told.append(f"{place}, taught by {teacher}: {marks}")
    ax.axhline(0, color="grey", linewidth=1)
    ax.set_xscale("log")
    ax.set_xticks(PARAMETERS, [f"{n / 1e6:.2f} M" for n in PARAMETERS])
    ax.minorticks_off()
    ax.set_title(f"taught by {'itself' if ax is axes[0] else 'lab'}")
    ax.set_xlabel("parameters of the base model")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("A4 minus A1, points")
lines, names = axes[0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=5, fontsize=8)
show(
    fig,
    f"A4 minus A1 in points by size ({', '.join(BASES)}).\n"
    + "\n".join(told),
)

# %% [markdown]
# How to read it: a line that rises means that deliberation gains more from
# size. It rises in the languages and in ciphers, in jumps and not steadily:
# one base model of a size is a sample of one. It falls in new jailbreaks. On
# held-out topics it falls from the second size on, as A4 is at its ceiling
# and A1 catches up.
#
# ## 4. Behind the mean
#
# Now the models stay as they are, and each request is answered many times.
# At temperature 1 a model that is unsure answers now so, now so. Two models
# may both be right in 60 % of all samples, and be very different:
#
# ```
#   one coin for all     every request is right in 60 % of its samples
#   all or nothing       60 % of the requests always, the others never
# ```
#
# For a user they differ, and for what compute can buy as well: asking the
# second model again is of no use at all.

# %%
SAMPLED = 8
PLACE = "rot13"
asked = [request.on(PLACE) for request in plain("held_out", 30)]
chats = [prompts.chat(request.text) for request in asked]
live = {}
for name, (model, tokenizer) in models.items():
    said = reply(
        model,
        tokenizer,
        [chat for chat in chats for _ in range(SAMPLED)],
        thinking=ARMS[name].thinking,
        temperature=1.0,
        seed=SEED,
    )
    given = [action_of(one.answer) for one in said]
    live[name] = [
        Counter(given[SAMPLED * i : SAMPLED * (i + 1)])
        for i in range(len(asked))
    ]
print(f"{SAMPLED} samples of each request in {PLACE}; the first requests")
for i, request in enumerate(asked[:4]):
    print(f"{request.english}   ->   {request.action()}")
    for name in PAIR:
        drawn = live[name][i].most_common()
        print(f"    {name}: " + ", ".join(f"{n} {a}" for a, n in drawn))

# %% [markdown]
# ### Exercise 3: write `spread_of_items`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵⚪ (high) · 12 minutes ·
# 5 points
#
# One number for "how different are the requests": **rho**, from 0 (one coin
# for all) to 1 (all or nothing). It is a variance between requests, divided
# by the largest one that the mean allows, mean · (1 - mean).
#
# The trap: with eight samples each, one coin for all does *not* give equal
# shares. Chance spreads them. So chance has to be taken off:
#
# ```
#   variance of p        = mean (1 - mean) - average of p (1 - p)
#   p (1 - p), unbiased  = share (1 - share) n / (n - 1)
# ```


# %% exercise="spread_of_items"
def spread_of_items(hits, n):
    """Mean success, and how much requests differ in it.

    hits    : (requests,) right samples of each request, 0 to n
    n       : samples of each request, at least 2
    returns : (mean, rho)
              mean : share of right samples
              rho  : variance of the success probability between
                     requests / (mean (1 - mean)), with the chance in
                     the samples taken off; 0.0 if mean is 0 or 1.
                     Chance can make it a little negative: leave it
    """
    # BEGIN SOLUTION
    shares = np.asarray(hits, float) / n
    mean = shares.mean()
    most = mean * (1 - mean)
    if most == 0:
        return float(mean), 0.0
    noise = np.mean(shares * (1 - shares)) * n / (n - 1)
    return float(mean), float((most - noise) / most)
    # END SOLUTION


# %% check="spread_of_items" points=5
check("spread_of_items", spread_of_items)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `shares = np.asarray(hits) / n` has one entry for each request. Its mean is
# the first number.
# </details>
# <details><summary>Hint 2</summary>
#
# `shares.var()` is too large: it holds the chance in the samples. Use the
# first formula above; the second one gives its last term.
# </details>
# <details><summary>Hint 3</summary>
#
# rho = 1 - average of p (1 - p) / (mean (1 - mean)).
# </details>

# %%
spread_of_items = use("spread_of_items", spread_of_items)
for name in PAIR:
    hits = [
        counted[request.action()]
        for counted, request in zip(live[name], asked, strict=True)
    ]
    mean, rho = spread_of_items(hits, SAMPLED)
    print(f"{name}, live: mean {mean:.0%}, rho {rho:.2f}")

# %% [markdown]
# **Predict.** At home, in Spanish, in a cipher, in a jailbreak: where is the
# histogram a single peak, where does it have two, at both ends?

# %%
SPOTS = {
    "English": ("en", ""),
    "Spanish": ("es", ""),
    "rot13": ("rot13", ""),
    "base64": ("base64", ""),
    "jailbreak": ("en", "hurry"),
}
RUNS = [
    ("A1", "lab"),
    ("A4", "lab"),
    ("A1", "lab_xs"),
    ("A4", "lab_xs"),
]
NUMBERS = (1, 2, 4, 8, 16)
DRAWN = len(samples[0]["samples"][0])  # samples of each request


def sampled(name, base, spot):
    """seed -> [(samples of a request, its right action)], as characters."""
    surface, wrapper = SPOTS[spot]
    found = {}
    for row in samples:
        where = row["arm"], row["base"], row["surface"], row["wrapper"]
        if where == (name, base, surface, wrapper):
            pairs = zip(row["samples"], row["right"], strict=True)
            found.setdefault(row["seed"], []).extend(pairs)
    return found


spread = []
for name, base in RUNS:
    for spot in SPOTS:
        for seed, items in sampled(name, base, spot).items():
            hits = [drawn.count(right) for drawn, right in items]
            mean, rho = spread_of_items(hits, DRAWN)
            keys = {"arm": name, "base": base, "spot": spot, "seed": seed}
            spread.append(keys | {"mean": mean, "rho": rho, "hits": hits})


def shares_in(name, base, spot):
    """Share of right samples of each request, the seeds together."""
    return np.concatenate(
        [
            np.array(row["hits"]) / DRAWN
            for row in spread
            if (row["arm"], row["base"], row["spot"]) == (name, base, spot)
        ]
    )


fig, axes = plt.subplots(
    2,
    5,
    figsize=(11, 4.4),
    dpi=90,
    sharex=True,
    sharey=True,
    layout="constrained",
)
told = []
for line, name in zip(axes, ("A1", "A4"), strict=True):
    for ax, spot in zip(line, SPOTS, strict=True):
        shares = shares_in(name, "lab", spot)
        draw_shares(ax, Sampled(name, shares, {}, {}))
        ax.set_title(f"{name}, {spot}", fontsize=10)
        ax.label_outer()
        where = {"arm": name, "base": "lab", "spot": spot}
        mean, rho = (
            over_seeds(spread, f, **where)[0] for f in ("mean", "rho")
        )
        told.append(
            f"{name}, {spot}: mean {mean:.0%}, rho {rho:.2f}, never right "
            f"{np.mean(shares == 0):.0%}, always {np.mean(shares == 1):.0%}"
        )
show(
    fig,
    f"Share of right samples of {DRAWN}, request by request (dashed: mean)."
    + "\n"
    + "\n".join(told),
)

# %% [markdown]
# How to read it: a bar at the right end counts requests that every sample gets
# right, at the left end those that none does.
#
# * **A4 at home and in Spanish** is one peak at 1.
# * **A1 in Spanish** is a U: some requests always right, more never. It is not
#   unsure, it is wrong. In **ciphers** it is a pile at 0.
# * **A4 in ciphers** is nearly flat, with requests everywhere in between. It
#   often has the right answer among its samples, and doesn't find it each
#   time.
# * In the **jailbreak** both arms have requests at both ends.
#
# So the histogram of a mean abroad is not the one at home, shifted. And the
# two arms fail in different ways: by a wrong rule, and by an unsteady chain.
#
# A handy model of such histograms is the **Beta distribution**. From mean
# and rho come its two parameters; where both are below 1, it is U-shaped:
#
# ```
#   a = mean (1/rho - 1)      b = (1 - mean) (1/rho - 1)
# ```

# %%
print(f"{'':22}{'a':>7}{'b':>7}   shape")
for name in ("A1", "A4"):
    for spot in SPOTS:
        where = {"arm": name, "base": "lab", "spot": spot}
        mean, rho = (
            over_seeds(spread, f, **where)[0] for f in ("mean", "rho")
        )
        if not 0.01 < mean < 0.99 or rho <= 0:
            print(f"{name}, {spot:18}{'-':>7}{'-':>7}   all alike")
            continue
        a, b = mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1)
        if min(a, b) > 0.6 and max(a, b) < 1.5:
            shape = "nearly flat"
        elif max(a, b) < 1:
            shape = "U"
        else:
            shape = "one peak at 1" if b < 1 else "one peak at 0"
        print(f"{name}, {spot:18}{a:7.2f}{b:7.2f}   {shape}")

# %% [markdown]
# Two numbers for sixty requests are a summary, and a rough one. But they say
# what a mean can't: where a further sample of the same request is news, and
# where it repeats the last one.
#
# ## 5. Votes, and any-of-n
#
# Two ways to spend n samples. **Any of n** (pass@n, notebook 22) counts a
# request as solved if one sample is right. It needs somebody who knows which
# one: a verifier. A **majority vote** needs nobody.
#
# ### Exercise 4: write `vote_accuracy`
#
# Difficulty 🔴🔴🔴🔴⚪ (hard) · importance 🔵🔵🔵⚪⚪ (medium) · 15 minutes ·
# 6 points
#
# Sixteen samples are stored for each request. What is a vote of *n* of them
# worth? One could draw n at random, many times, and count. But it can be
# done exactly. Suppose the actions came up `counts = [2, 1]` times. The ways
# to draw n samples of which `v[a]` have action a are
#
# ```
#   comb(counts[0], v[0]) · comb(counts[1], v[1]) · ...
# ```
#
# out of `comb(N, n)`. Go through all `v` that add up to n. The most frequent
# action wins; a tie of k actions is decided by chance, 1/k each.


# %% exercise="vote_accuracy"
def vote_accuracy(counts, right, n):
    """How likely a majority vote of n samples is right, exactly.

    counts  : how often each action was sampled, N in all
    right   : index of the right action
    n       : samples that vote, drawn from the N without replacement
    returns : probability in [0, 1]; most votes win, also without an
              absolute majority; ties are decided by chance
    """
    # BEGIN SOLUTION
    total = 0.0
    for votes in product(*(range(min(c, n) + 1) for c in counts)):
        if sum(votes) != n:
            continue
        ways = prod(map(comb, counts, votes))
        best = max(votes)
        if votes[right] == best:
            total += ways / votes.count(best)
    return total / comb(sum(counts), n)
    # END SOLUTION


# %% check="vote_accuracy" points=6
check("vote_accuracy", vote_accuracy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `itertools.product(*(range(c + 1) for c in counts))` gives all tuples of
# votes. Skip those that don't add up to n.
# </details>
# <details><summary>Hint 2</summary>
#
# `votes.count(max(votes))` is the number of actions in the tie, 1 if there is
# none.
# </details>
# <details><summary>Hint 3</summary>
#
# Add up ways times (1/k if the right action is among the k best, else 0), and
# divide by `comb(sum(counts), n)`.
# </details>

# %%
vote_accuracy = use("vote_accuracy", vote_accuracy)
rng = np.random.default_rng(0)
counts, labels = [7, 5, 4], np.repeat([0, 1, 2], [7, 5, 4])
print("counts 7, 5, 4; the first action is right")
for n in NUMBERS[:4]:
    won = 0.0
    for _ in range(4000):
        votes = np.bincount(rng.permutation(labels)[:n], minlength=3)
        won += (votes[0] == votes.max()) / (votes == votes.max()).sum()
    exact = vote_accuracy(counts, 0, n)
    print(f"vote of {n:2}: {exact:.3f}   4000 simulated: {won / 4000:.3f}")

# %% [markdown]
# Two samples are worth no more than one: they agree, or they tie. From there
# on a vote gains where the right action is the most frequent one, and loses
# where another one is.
#
# **Predict.** In which places will sixteen votes beat one sample, for A1 and
# for A4? Look at the histograms again.

# %%
CODES = [*map(str, range(len(ACTIONS))), "-"]  # "-" is none of the five


@cache
def vote_of(drawn, right, n):
    """Accuracy of a vote among samples that are given as characters."""
    counts = [drawn.count(code) for code in CODES]
    return vote_accuracy(counts, CODES.index(right), n)


def any_of(drawn, right, n):
    """Chance that one of n samples at least is right."""
    wrong = len(drawn) - drawn.count(right)
    return 1 - comb(wrong, n) / comb(len(drawn), n)


def matrix_of(value, name, base, spot, n):
    """(seeds, requests) value of n samples."""
    found = sampled(name, base, spot)
    return np.array(
        [
            [
                value("".join(sorted(d)), right, n)
                for d, right in found[seed]
            ]
            for seed in sorted(found)
        ]
    )


VOTES = {
    (*run, spot, n): matrix_of(vote_of, *run, spot, n)
    for run in RUNS
    for spot in SPOTS
    for n in NUMBERS
}
ANY = {key: matrix_of(any_of, *key) for key in VOTES}
fig, axes = plt.subplots(
    1, 5, figsize=(11, 3.2), dpi=90, sharey=True, layout="constrained"
)
told = []
for ax, spot in zip(axes, SPOTS, strict=True):
    for name in ("A1", "A4"):
        found = 100 * np.array(
            [
                hierarchical_interval(VOTES[name, "lab", spot, n])
                for n in NUMBERS
            ]
        )
        ax.errorbar(
            NUMBERS,
            found[:, 0],
            [found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]],
            capsize=2,
            label=f"{name}, vote",
            **style(name),
        )
        best = [100 * ANY[name, "lab", spot, n].mean() for n in NUMBERS]
        faint = style(name) | {"marker": "x", "linestyle": ":"}
        ax.plot(NUMBERS, best, label=f"{name}, any of n", **faint)
        told.append(
            f"{spot}, {name}: vote {found[0, 0]:.0f} to "
            f"{found[-1, 0]:.0f}, "
            f"any of n up to {best[-1]:.0f} %"
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(NUMBERS, [str(n) for n in NUMBERS])
    ax.set_title(spot, fontsize=10)
    ax.set_xlabel("samples")
    ax.set_ylim(-3, 104)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("right, %")
lines, names = axes[0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=4)
show(fig, f"From 1 to {NUMBERS[-1]} samples.\n" + "\n".join(told))

# %%
gain_of_votes = {}
print("right, %                 greedy  one  16 votes   gain of the votes")
for name, base in RUNS:
    for spot in SPOTS:
        one, many = (VOTES[name, base, spot, n] for n in (1, NUMBERS[-1]))
        found = hierarchical_interval(many - one)
        gain_of_votes[name, base, spot] = found
        rows = [
            row
            for row in samples
            if (row["arm"], row["base"]) == (name, base)
            and (row["surface"], row["wrapper"]) == SPOTS[spot]
        ]
        greedy = np.mean([hits_of(row, "greedy").mean() for row in rows])
        mean, low, high = (100 * value for value in found)
        print(
            f"{name} on {base:7}{spot:11}{100 * greedy:7.0f}"
            f"{100 * one.mean():5.0f}{100 * many.mean():10.0f}   "
            f"{mean:+.0f} [{low:+.0f}, {high:+.0f}]"
        )

# %% [markdown]
# * **A1 gains nothing abroad.** Where it is wrong, most of its samples are
#   wrong in the same way, and win the vote. Votes repair chance, not error.
# * **A4 gains where its samples disagree**, most of all in the ciphers on the
#   large base. Part of that only undoes the noise of temperature 1: compare
#   with the greedy answer, which costs one sample.
# * **In the jailbreak** votes bring A4 a few points, and no more than the greedy
#   answer has for the price of one.
# * **A vote can lose.** A4 on the small base gets worse by voting in base64:
#   there the most frequent action is a wrong one.
# * **Any of n** rises nearly to the top for A4 in ciphers. Be careful with it:
#   with five actions, sixteen blind guesses hit the right one in 97 % of all
#   cases. Any-of-n says something where answers are many. Here a vote is the
#   honest measure.
#
# ### At equal compute
#
# A vote of A1 costs a fraction of a vote of A4. Is it fair to compare at
# equal n? Here is the same against FLOPs, with the smaller base beside. The
# cheap model with many votes, or the dear one with few?

# %%
FRONT = ("English", "Spanish", "rot13", "jailbreak")
fig, axes = plt.subplots(
    1, 4, figsize=(11, 3.3), dpi=90, sharey=True, layout="constrained"
)
told = []
for ax, spot in zip(axes, FRONT, strict=True):
    for name, base in RUNS:
        surface, wrapper = SPOTS[spot]
        where = {"surface": surface, "wrapper": wrapper}
        where |= {"arm": name, "base": base}
        read, written = (
            over_seeds(samples, figure, **where)[0]
            for figure in ("prompt", "written")
        )
        cost = [flops(*SIZES[base], read, written, n) for n in NUMBERS]
        right = [100 * VOTES[name, base, spot, n].mean() for n in NUMBERS]
        look = style(name)
        ax.plot(
            cost,
            right,
            label=f"{name} on {base}",
            mfc="white" if base != "lab" else look["color"],
            markersize=6,
            **look,
        )
        told.append(
            f"{spot}, {name} on {base}: {right[0]:.0f} % for "
            f"{cost[0] / 1e6:.0f} MFLOP, {right[-1]:.0f} % for "
            f"{cost[-1] / 1e6:.0f}"
        )
    ax.set_xscale("log")
    ax.set_title(spot, fontsize=10)
    ax.set_xlabel("FLOPs of a request")
    ax.set_ylim(-3, 104)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("vote right, %")
lines, names = axes[0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=4)
show(fig, "Votes of 1, 2, 4, 8, 16 samples.\n" + "\n".join(told))

# %% [markdown]
# Up and to the left is better. In Spanish and in rot13 the order is: one answer
# of A4 on the large base beats sixteen votes of A1, which cost more, and
# sixteen votes of A4 on the small base, which cost more as well. More samples
# do not make up for a missing skill. In the jailbreak A1 is ahead, at a lower
# price.
#
# ### See it for yourself

# %%
cells = {
    (f"{name} on {base}", spot): Sampled(
        name,
        shares_in(name, base, spot),
        {n: VOTES[name, base, spot, n].mean() for n in NUMBERS},
        {n: ANY[name, base, spot, n].mean() for n in NUMBERS},
    )
    for name, base in RUNS
    for spot in SPOTS
}
explorer = SampleExplorer(cells)
display(explorer.box)

# %%
cell = cells["A4 on lab", "rot13"]
fig, axes = plt.subplots(
    1, 2, figsize=(7.2, 2.8), dpi=90, layout="constrained"
)
draw_shares(axes[0], cell)
draw_votes(axes[1], cell, 8)
axes[1].legend(frameon=False, fontsize=8)
show(fig, describe("rot13", cell, 8))

# %% [markdown]
# ## 6. Length of thought
#
# The other way to spend compute on an answer: think longer. Or to save it:
# think less. A4's own thought is cut behind k of its six steps, and the
# answer is forced (notebook 24). A4 never saw a short thought in training,
# and may answer nothing sensible. So the answer is read in two ways: as it
# **writes** it, and as a **choice** of the five actions, by the probability
# of their first words. The first asks what happens, the second what the
# model already knows.
#
# **Predict.** After which step does it know, in English? In Spanish? And
# what does A1 know, which has no step at all?

# %%
cuts = [r for r in load_rows("compute") if r["kind"] == "cut"]
COUNTS = range(len(STEPS) + 1)


def share_of(rows, key):
    """(mean, low, high) of right actions, in %, of rows of one place."""
    # outcome_matrix tells conditions apart by their kind, too
    rows = [row | {"kind": "plain"} for row in rows]
    matrix = outcome_matrix(rows, lambda row: hits_of(row, key))
    return 100 * np.array(hierarchical_interval(matrix))


def in_spot(rows, spot, **wanted):
    """Rows of one of SPOTS with these values."""
    where = dict(zip(("surface", "wrapper"), SPOTS[spot], strict=True))
    wanted = where | wanted
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]


READINGS = {
    "as it writes": ("given", "sky", "v", ":"),
    "choice of five": ("chosen", "blue", "^", "-"),
}
fig, axes = plt.subplots(
    1, 5, figsize=(12, 3.4), dpi=90, sharey=True, layout="constrained"
)
told = []
for ax, spot in zip(axes, SPOTS, strict=True):
    own = in_spot(cuts, spot, arm="A4", base="lab")
    for reading, (key, color, marker, line) in READINGS.items():
        found = np.array(
            [
                share_of([r for r in own if r["steps"] == k], key)
                for k in COUNTS
            ]
        )
        ax.errorbar(
            COUNTS,
            found[:, 0],
            [found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]],
            color=PALETTE[color],
            marker=marker,
            linestyle=line,
            capsize=2,
            label=f"A4, {reading}",
        )
        marks = ", ".join(f"{mean:.0f}" for mean in found[:, 0])
        told.append(f"{spot}, {reading}: {marks}")
    direct = share_of(
        in_spot(samples, spot, arm="A1", base="lab"), "greedy"
    )
    ax.plot(0, direct[0], label="A1", markersize=8, **style("A1"))
    told.append(f"{spot}, A1: {direct[0]:.0f}")
    ax.axhline(20, color="grey", linewidth=1, linestyle="--")
    ax.set_title(spot, fontsize=10)
    ax.set_xlabel("steps of thought")
    ax.set_ylim(-3, 104)
    ax.grid(alpha=0.3)
axes[0].set_ylabel("right action, %")
lines, names = axes[0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=3)
show(
    fig,
    f"Right action in %, thought cut behind {', '.join(map(str, COUNTS))} "
    "steps; A1 has none.\n" + "\n".join(told),
)

# %%
print("tokens of the thought up to each step, English")
home = in_spot(cuts, "English", arm="A4", base="lab")
for k, step in enumerate(STEPS, start=1):
    print(f"{step:9}{over_seeds(home, 'thought', steps=k)[0]:5.0f}")

# %% [markdown]
# How to read it: from left to right A4 may think one step more.
#
# As it *writes*, a cut thought is followed by no answer at all, mostly: it was
# never trained to answer there. But the *choice* says more. Up to the intent
# it is at chance. Behind the clause it is right in about half (in English and
# Spanish), behind the action as often as with the whole thought. So the
# answer is **read off the last step**. It is not decided early and then told
# (notebook 24 says the same by edits).
#
# That makes the length of thought a bad dial in this toy: four of its six
# steps buy nothing until the last two have come. Whoever wants a shorter
# thought has to train for it. A1 is the extreme case: trained without any
# thought, it answers far better in English and Spanish than A4 does with its
# thought cut to nothing.
#
# ## 7. More training
#
# Last: the same two arms, watched while they are trained. A **task** here is
# a clause of the Spec: a handful of requests that this clause decides. Each
# look asks about all clauses. Success at one task, against the logarithm of
# compute, is said to be a sigmoid: nothing, a rise, a ceiling.
#
# ### Exercise 5: write `fit_task`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵⚪⚪ (medium) · 12 minutes ·
# 5 points
#
# Fit it with `scipy.optimize.curve_fit`, by least squares. Three things go
# wrong in such fits: the logarithm is forgotten; without **bounds** a flat
# task sends the midpoint to infinity, or the curve turns round; and without
# a **starting point** near the data the search stops somewhere flat.


# %% exercise="fit_task"
def fit_task(compute, share):
    """Fit a sigmoid in log compute to the success at one task.

        share = ceiling expit(steepness (ln compute - ln midpoint))

    compute : (n,) positive, rising
    share   : (n,) success in [0, 1]
    returns : (midpoint, steepness, ceiling)
              midpoint  : compute at half of the ceiling, in the unit
                          of `compute`; bounds: a tenth of the least to
                          ten times the most
              steepness : for each factor e; bounds: 0.1 to 20
              ceiling   : bounds: 0 to 1
    """
    # BEGIN SOLUTION
    x, y = np.log(compute), np.asarray(share, float)

    def curve(x, middle, steepness, ceiling):
        return ceiling * expit(steepness * (x - middle))

    top = max(float(y.max()), 0.01)
    start = (x[int(np.argmax(y >= top / 2))], 2.0, top)
    room = np.log(10)
    bounds = ([x[0] - room, 0.1, 0.0], [x[-1] + room, 20.0, 1.0])
    found, _ = curve_fit(curve, x, y, start, bounds=bounds)
    return float(np.exp(found[0])), float(found[1]), float(found[2])
    # END SOLUTION


# %% check="fit_task" points=5
check("fit_task", fit_task)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Fit in `x = np.log(compute)`. The middle of the curve is then a logarithm
# too: return `np.exp` of it.
# </details>
# <details><summary>Hint 2</summary>
#
# `curve_fit(curve, x, y, start, bounds=(lower, upper))` returns the best
# values first. `lower` and `upper` are lists, one entry a parameter.
# </details>
# <details><summary>Hint 3</summary>
#
# A good start: the x at which y first reaches half of its maximum, steepness
# 2, and the maximum of y (0.01 at least, as the start has to lie inside the
# bounds).
# </details>

# %%
fit_task = use("fit_task", fit_task)
HOME = "en", "held_out"
TRIALS = sum(len(row["hits"]["1"]) for row in steps) // len(
    {(r["arm"], r["step"], r["surface"], r["topics"]) for r in steps}
)
print(f"{TRIALS} answers for each task and look, the seeds together")


def courses(name, where=HOME):
    """(compute (looks,), clause -> (looks,) success), all seeds."""
    surface, topics = where
    found = {}
    for row in steps:
        keys = row["arm"], row["surface"], row["topics"]
        if keys == (name, surface, topics) and row["step"]:
            found.setdefault(row["step"], []).append(row)
    looks = sorted(found)
    compute = [np.mean([trained(r) for r in found[k]]) for k in looks]
    success = {}
    for clause in load_spec().clauses:
        key = str(clause.number)
        success[clause] = np.array(
            [
                np.mean([int(h) for r in found[k] for h in r["hits"][key]])
                for k in looks
            ]
        )
    return np.array(compute), success


def noise_of(shares):
    """Variance of a share of TRIALS answers by chance alone, on average."""
    shares = np.asarray(shares)
    return np.mean(shares * (1 - shares)) / TRIALS


def predicted(fit, compute):
    """The shares that a fit (midpoint, steepness, ceiling) predicts."""
    midpoint, steepness, ceiling = fit
    return ceiling * expit(steepness * np.log(compute / midpoint))


fits = {}
fig, axes = plt.subplots(
    1,
    2,
    figsize=(10, 3.8),
    dpi=90,
    sharex=True,
    sharey=True,
    layout="constrained",
)
told = []
for ax, name in zip(axes, ("A1", "A4"), strict=True):
    compute, success = courses(name)
    smooth = np.geomspace(compute[0], compute[-1], 100)
    for clause, share in success.items():
        if clause.action == "comply":
            continue
        fit = fits[name, clause] = fit_task(compute, share)
        ax.plot(
            smooth,
            100 * predicted(fit, smooth),
            color=style(name)["color"],
            linewidth=0.9,
            alpha=0.6,
        )
        ax.plot(
            compute, 100 * share, ".", color=style(name)["color"], alpha=0.4
        )
    others = [s for c, s in success.items() if c.action != "comply"]
    benign = [s for c, s in success.items() if c.action == "comply"]
    for group, color, line, marker, label in (
        (others, "black", "-", "o", "mean of these tasks"),
        (benign, "green", "--", "s", "mean of the comply tasks"),
    ):
        mean = 100 * np.mean(group, axis=0)
        ax.plot(
            compute,
            mean,
            color=PALETTE[color],
            linestyle=line,
            marker=marker,
            linewidth=2,
            label=label,
        )
        marks = ", ".join(f"{value:.0f}" for value in mean)
        told.append(f"{name}, {label}: {marks}")
    ax.set_xscale("log")
    ax.set_title(f"{name} {ARMS[name].title}")
    ax.set_xlabel("FLOPs of training")
    ax.set_ylim(-3, 104)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="upper left")
axes[0].set_ylabel("right action, held-out topics, %")
show(
    fig,
    "Thin: tasks that need another action than comply, each with its "
    "sigmoid. Means over the looks:\n" + "\n".join(told),
)

# %% [markdown]
# How to read it: a thin curve is one task, points are its shares.
#
# * **A4's tasks** rise one after the other, from near 0 to near 100. A sigmoid
#   is a fair sketch of each.
# * **A1's** are not so orderly. In its first steps it gives one action to all
#   requests, then another. The task of that action looks solved, and is not.
#   Later each task stops at a height of its own, some at half.
# * **Comply tasks** have no sigmoid from nothing to be fitted: before training
#   the base complies with everything (that look, at step 0, has no place on a
#   logarithmic axis). The first steps destroy this, then it comes back for
#   the right requests. Success at a task can go down first.
#
# ### Exercise 6: write `line_against_log`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 7 minutes ·
# 3 points
#
# "Near linear" is a statement about what is left over. A high r² alone
# proves little: any rising curve has one. **Residuals** that are first
# negative, then positive, then negative are a bend that r² doesn't see.


# %% exercise="line_against_log"
def line_against_log(compute, average):
    """Fit a straight line in log compute, by least squares.

    compute : (n,) positive
    average : (n,) success, averaged over tasks
    returns : (slope, residuals, r2)
              slope     : gain for ten times the compute
              residuals : (n,) measured minus line
              r2        : share of the variance that the line explains
    """
    # BEGIN SOLUTION
    x, y = np.log10(compute), np.asarray(average, float)
    slope, level = np.polyfit(x, y, 1)
    residuals = y - (slope * x + level)
    r2 = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    return float(slope), residuals, float(r2)
    # END SOLUTION


# %% check="line_against_log" points=3
check("line_against_log", line_against_log)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `slope, level = np.polyfit(np.log10(compute), average, 1)`
# </details>
# <details><summary>Hint 2</summary>
#
# r² = 1 - (sum of squared residuals) / (sum of squared distances from the
# mean).
# </details>
#
# **When would the average be a line?** Each task is a sigmoid with its own
# midpoint. If all midpoints are alike, the average is the same sigmoid. If
# they are spread evenly over a range that is much wider than one sigmoid,
# then at each moment about as many tasks are rising: a line, but for the
# ends. First with made-up tasks:

# %%
line_against_log = use("line_against_log", line_against_log)
made_up = np.geomspace(1, 1000, 12)
WIDE = 81 ** (1 / 2.5)  # factor from 10 % to 90 % of the ceiling
print("made-up tasks of steepness 2.5: each one rises from 10 % to 90 %")
print(f"within a factor of {WIDE:.1f}")
for spread_by in (1, 3, 30, 300):
    middles = np.geomspace(31.6 / spread_by**0.5, 31.6 * spread_by**0.5, 40)
    tasks = [predicted((middle, 2.5, 1.0), made_up) for middle in middles]
    average = np.mean(tasks, axis=0)
    _, left, r2 = line_against_log(made_up, average)
    print(
        f"midpoints within a factor of {spread_by:3}: r2 {r2:.3f}, "
        f"largest residual {100 * abs(left).max():.0f} points"
    )

# %% [markdown]
# Now the measured ones. Beside the line, the average gets a sigmoid of its
# own. If the sigmoid leaves clearly less over, the average is no line.

# %%
WHERE = {
    "English, seen": ("en", "seen"),
    "English, held out": ("en", "held_out"),
    "Spanish, held out": ("es", "held_out"),
}
fig, axes = plt.subplots(
    2, 3, figsize=(11, 5), dpi=90, sharex=True, layout="constrained"
)
told, verdicts = [], {}
for column, (place, where) in zip(axes.T, WHERE.items(), strict=True):
    for name in ("A1", "A4"):
        compute, success = courses(name, where)
        shares = [s for c, s in success.items() if c.action != "comply"]
        average = np.mean(shares, axis=0)
        slope, left, r2 = line_against_log(compute, average)
        fit = fit_task(compute, average)
        rest = average - predicted(fit, compute)
        line, bend = (100 * np.sqrt(np.mean(v**2)) for v in (left, rest))
        chance = 100 * np.sqrt(noise_of(shares) / len(shares))
        verdicts[place, name] = line, bend, chance
        column[0].plot(compute, 100 * average, label=name, **style(name))
        column[0].plot(
            compute,
            100 * (average - left),
            color="dimgrey",
            linewidth=1,
            linestyle=style(name)["linestyle"],
        )
        column[1].plot(compute, 100 * left, label=name, **style(name))
        told.append(
            f"{place}, {name}: line {100 * slope:+.0f} points a tenfold, "
            f"r2 {r2:.2f}; left over (root mean square) by the line "
            f"{line:.0f}, by one sigmoid {bend:.0f}, by chance alone about "
            f"{chance:.0f} points"
        )
    column[0].set_title(place, fontsize=10)
    column[0].set_ylim(-10, 104)
    column[1].axhline(0, color="grey", linewidth=1)
    column[1].set_ylim(-45, 45)
    column[1].set_xlabel("FLOPs of training")
    for ax in column:
        ax.set_xscale("log")
        ax.grid(alpha=0.3)
axes[0, 0].set_ylabel("mean of tasks, %")
axes[1, 0].set_ylabel("minus line, points")
axes[0, 0].legend(fontsize=9)
show(fig, "Average of the tasks, its line, residuals.\n" + "\n".join(told))

# %%
print("the sigmoids of single tasks, English, held-out topics")
for name in ("A1", "A4"):
    compute, success = courses(name)
    own = {c: f for (n, c), f in fits.items() if n == name}
    learned = {c: f for c, f in own.items() if f[2] >= 0.5}
    middles = [f[0] for f in learned.values()]
    inner = np.quantile(middles, [0.1, 0.9])
    width = np.median([81 ** (1 / f[1]) for f in learned.values()])
    left = [success[c] - predicted(f, compute) for c, f in own.items()]
    shares = np.array([success[c] for c in own])
    chance = np.sqrt(noise_of(shares))
    lines = [line_against_log(compute, success[c])[1] for c in own]
    print(
        f"{name}: {len(learned)} of {len(own)} tasks reach a ceiling of "
        f"50 %\n"
        f"    midpoints (10th to 90th percentile) within a factor of "
        f"{inner[1] / inner[0]:.1f}\n"
        f"    one task rises from 10 to 90 % within a factor of "
        f"{width:.1f} (median)\n"
        f"    left over, root mean square: sigmoid "
        f"{100 * np.sqrt(np.mean(np.square(left))):.0f}, line "
        f"{100 * np.sqrt(np.mean(np.square(lines))):.0f} points, "
        f"chance alone about {100 * chance:.0f}"
    )

# %% [markdown]
# Does "a sigmoid for each task, a line for the average" hold here? In parts.
#
# * **A sigmoid for each task**: for A4 it leaves less over than a line does, but
#   about twice what chance would. For A1 it hardly beats the line, and the
#   median width is larger than the whole range that was measured: such a fit
#   describes nothing.
# * **A line for the average**: no. r2 is above 0.9 for A4, and the residuals
#   show what it hides: a shelf, a steep rise, a ceiling. They are several
#   times what chance leaves. One sigmoid does not fit much better.
# * **Why not?** The midpoints of A4's tasks lie within a factor that is smaller
#   than the width of a single rise. The tasks are learned together, not one
#   after the other. By the made-up tasks above that gives a bent average. It
#   would take tasks of very different difficulty, and ours have one recipe.
# * **Spanish, A1**: the line is nearly level. No amount of training in English
#   that we tried brings the direct arm there. That is a flat curve with room
#   to rise, unlike the ones at a ceiling.
#
# "Chance" counts the answers only. Seeds that learn a task at different steps
# add to it, so that part of the twofold may be theirs.
#
# ## 8. The verdicts
#
# A statement about a difference is *supported* with its whole interval above
# 0, *refuted* with all of it below, and *open* otherwise. A statement about a
# form is refuted where it leaves over more than twice what chance would.

# %%
CLAIMS = [
    (f"deliberation gains more from size, {place}, {taught}", found)
    for place in ("es, fr, de", "five ciphers", "new jailbreaks")
    for taught, found in (
        ("taught by itself", gains["itself", place]),
        ("taught by lab", gains["largest", place]),
    )
]
for spot in ("English", "Spanish", "rot13", "base64", "jailbreak"):
    gap = VOTES["A4", "lab", spot, 1] - VOTES["A1", "lab", spot, 16]
    CLAIMS.append(
        (
            f"one A4 beats a vote of 16 A1, {spot}",
            hierarchical_interval(gap),
        )
    )
for spot in ("rot13", "base64", "jailbreak"):
    CLAIMS.append(
        (f"a vote of 16 helps A4, {spot}", gain_of_votes["A4", "lab", spot])
    )
for text, found in CLAIMS:
    mean, low, high = (100 * value for value in found)
    said = "supported" if low > 0 else "refuted" if high < 0 else "open"
    print(f"{said:10}{text}: {mean:+.0f} [{low:+.0f}, {high:+.0f}]")
for (place, name), (line, bend, chance) in verdicts.items():
    for form, left in (("a line", line), ("one sigmoid", bend)):
        said = "refuted" if left > 2 * chance else "open"
        print(
            f"{said:10}the average of {name}'s tasks is {form}, {place}: "
            f"leaves {left:.0f}, chance {chance:.0f}"
        )

# %% [markdown]
# ## Summary
#
# * Compute is 2 N for a token that is answered and 6 N for one that is learned;
#   in small models the output layer counts, in all models the thought does.
# * Who gains from a larger base model depends on the place: deliberation in
#   languages and ciphers, the direct arm in new jailbreaks, nobody at a
#   ceiling. "Scales better" without a place says little.
# * A small base is also a small teacher. At the smallest size that alone moved
#   scores by tens of points, and turned the sign of a mean. Teach all sizes
#   with the same data before you compare them.
# * A mean hides whether a model is unsure or wrong. Votes repair the first and
#   not the second. The direct arm abroad is wrong; deliberation in ciphers is
#   unsure.
# * Sixteen cheap votes cost more than one thought, and are worth less, but for
#   a jailbreak in which the thought itself is the weakness.
# * A thought can't be shortened after training: the answer is read off its
#   last step.
# * r2 is no proof of a line. Look at the residuals, and at what chance would
#   leave.
#
# **What was not shown**
#
# * Base models between 0.2 and 2.2 million parameters, one of each size. A
#   trend over four models that differ in width *and* depth is no law.
# * Three training seeds. Intervals over so few seeds are rough.
# * More data, or a larger teacher than any student. And training on for
#   longer: notebook 33 does that for the direct arm.
# * RL. In Guan et al. the gain between o1-preview and o1 came with RL; here
#   both arms are imitated.
# * A vote of whole answers. Ours have five actions; free text has no
#   majority.
#
# **Further reading**
#
# * Guan et al. 2024, Deliberative Alignment, arXiv 2412.16339 (Table 1;
#   Figure 13 has inference compute).
# * Kaplan et al. 2020, Scaling laws for neural language models,
#   arXiv 2001.08361: 6 N D, and what N leaves out.
# * Wang et al. 2022, Self-consistency improves chain of thought reasoning,
#   arXiv 2203.11171: votes over thoughts.
# * Chen et al. 2021, arXiv 2107.03374: the unbiased pass@k.
# * Schaeffer et al. 2023, Are emergent abilities of large language models a
#   mirage?, arXiv 2304.15004: what the choice of metric does to a curve.
# * arXiv 2510.25791: accuracy against log training steps, a logistic of three
#   parameters.
#
# The solved notebook is `solutions/34_scale_and_compute.ipynb`. Next is
# notebook 41, where a real language model takes the place of ours.
