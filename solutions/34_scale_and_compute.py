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
from collections import Counter
from functools import lru_cache
from itertools import product
from math import comb, prod

import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from scipy.optimize import curve_fit
from scipy.special import expit
from tqdm.auto import tqdm

from utils.align.chat import reply
from utils.evaluate.arms import ARMS, arm
from utils.evaluate.conditions import plain
from utils.evaluate.outcomes import hierarchical_interval, outcome_matrix
from utils.evaluate.studies.interventions import STEPS
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import load
from utils.show.figure import OKABE_ITO, show, style
from utils.show.widgets_34 import (
    SampleExplorer,
    Sampled,
    describe,
    draw_shares,
    draw_votes,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.data import SPLITS
from utils.world.replies import action_of
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS, load_spec

# %% [markdown]
# **Two arms, live.** With seed 0 the cells below take A1 (answers) and A4
# (deliberate) from the cache. Another seed, or another arm of `ARMS`, trains
# afresh, two to three minutes for an arm that is only imitated. Change it,
# run the cell, and go on: sections 4 and 5 then use your models.

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
# the histogram of "the probability that the model solves the task" instead
# of one mean, and says that there is "always a huge gap between
# demonstrating you solved X on some clean academic benchmark, vs. needing to
# do so 'in the wild'".
#
# **"A sigmoid for each task, a straight line for the average"**, against the
# logarithm of compute. It is often told as his. We did not find it in his
# words. What we found: a comment on LessWrong that models the success of o1
# as an s-curve over difficulty and finds the averaged best-of-n curve
# "roughly linear in log N", and Ye et al. (arXiv 2510.25791), who fit
# accuracy against log training steps with a logistic of three parameters.
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
    """FLOPs of training up to a look: tokens that had a loss, and others."""
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
# ## 3. Four sizes
#
# The base models have the same recipe: data, steps, tokenizer. Only width
# and depth differ. How capable is each one before alignment? These are its
# gates, measured after pretraining and kept in its card.

# %%
GATES = {
    "languages": "restates requests in es, fr, de",
    "ciphers": "restates requests in five ciphers",
    "spec_following": "acts by clauses in its context",
    "recall": "category of a topic, in a thought",
    "compare": "tells the better of two answers",
    "reasoning_at_home": "harmless reasoning, English",
    "reasoning_abroad": "harmless reasoning, elsewhere",
}
cards = {base: card_of(base)["gates"] for base in BASES}
print(f"{'':34}" + "".join(f"{base:>9}" for base in BASES))
for gate, what in GATES.items():
    cells = "".join(f"{cards[base][gate]:9.0%}" for base in BASES)
    print(f"{what:34}{cells}")
