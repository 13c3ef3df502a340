# %% [markdown]
# # 33 · What made the difference?
#
# In notebook 31 deliberation went abroad, to other languages and into
# ciphers, and direct answers stayed at home. But "deliberation" is a bundle.
# The deliberative arm was shown the words of the Spec. It has more tokens
# to compute in. It has a thought with a certain content. Some arms had RL
# on top. The base model had learned to reason in every language. Which of
# these did it?
#
# This notebook takes the bundle apart, one ingredient at a time, with
# fourteen arms over several training seeds. Then it says in plain words
# what is supported, what is refuted, and what is open.
#
# **After this notebook you can**
#
# * compare two ways of training on the same requests and the same seeds,
# * give a difference an interval that covers *both* sources of chance, other
#   trainings and other requests,
# * turn an interval into a verdict, and tell "no difference" from "nothing
#   shown",
# * find the effect of one ingredient from pairs of arms that differ in
#   nothing else, and see where effects don't add up,
# * correct for having looked at many comparisons,
# * read a learning curve, and say when it is too short to tell.
#
# **Time:** about 70 minutes. **Points:** 28 in 6 exercises.
#
# **You need:** notebook 31 (paired bootstrap over requests, the surfaces),
# and a rough idea of what RL (14, 23) and preference pairs (13) are.
#
# Nearly all numbers come from `results/arms.json`, which `make results`
# writes (all arms, all seeds, hours). Section 2 trains or loads two arms of
# *your* choice.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from scipy import stats

from utils.align.chat import reply
from utils.evaluate import verdicts
from utils.evaluate.arms import ARMS, SFT_STEPS, arm
from utils.evaluate.conditions import plain
from utils.evaluate.outcomes import (
    hierarchical_interval,
    hits,
    outcome_matrix,
)
from utils.evaluate.study import load_rows
from utils.evaluate.table import GROUPS, plain_on
from utils.show.figure import PALETTE, show, style
from utils.show.widgets_33 import (
    Line,
    MatchUp,
    describe_match,
    draw_forest,
)
from utils.teach.checks import check, use
from utils.world.data import SPLITS
from utils.world.replies import action_of
from utils.world.spec import ACTIONS

# %% [markdown]
# ## 1. A bundle of ingredients
#
# Barak's picture of "system 2" bundles at least three things: the **text of
# the rules** in what the model learns, **tokens of computation** before the
# answer, and often **RL** instead of imitation. Each arm below is the same
# base model, trained on the same English requests, with another set of
# ingredients.

# %% tags=["nbval-check-output"]
# What an arm was given. Two arms with the same sets but for one ingredient
# make a fair comparison for that ingredient.
DESIGN = {
    "A0": set(),
    "A1": {"answers"},
    "A2": {"answers", "pairs"},
    "A3": {"answers", "RL"},
    "A4": {"answers", "thought"},
    "A5": {"answers", "thought", "RL"},
    "A6": {"RL"},
    "A7": {"answers", "text"},
    "A8": {"answers", "thought", "text"},
    "A9": {"answers", "dots"},
    "A10": {"clauses in prompt"},
    "A10s": {"summary in prompt"},
    "A11": {"answers", "thought", "RL", "judge sees"},
    "A12": {"answers", "thought", "pairs"},
}
COLUMNS = ("answers", "thought", "dots", "text", "pairs", "RL")
print(f"{'':<39}{'  '.join(COLUMNS)}")
for name, given in DESIGN.items():
    marks = "".join(
        f"{'x' if part in given else '.':^{len(part) + 2}}"
        for part in COLUMNS
    )
    more = ", ".join(sorted(given - set(COLUMNS)))
    print(f"{name:<5}{ARMS[name].title:<33}{marks}{more}")

# %% [markdown]
# * **answers:** SFT on right answers. **thought:** SFT on the whole thought
#   before the answer, which cites the clause.
# * **dots:** as many full stops as a thought has tokens. Room to compute,
#   nothing to read.
# * **text:** questions and answers about the text of the Spec among the
#   examples, with as many extra steps.
# * **pairs:** DPO on a better and a worse output. In A2 these are answers,
#   in A12 thought and answer.
# * **RL:** GRPO, where a judge with the Spec scores the answer. In A11 it
#   also sees which clause the thought cites.
#
# One ingredient sits in the base model, not in an arm: "lab" learned to
# reason about harmless tasks in every surface, `lab_english` in English
# only. We call A4 on that base **A4 English**. And one is a number: how
# *long* A1 was trained.
#
# **Predict.** Nine candidates. For each, does it move the share of right
# answers *abroad* by more than five points? Write "up", "down" or "same".

# %%
my_guess = {
    "text of the Spec, direct answers (A7 minus A1)": None,
    "text of the Spec, with thoughts (A8 minus A4)": None,
    "room to compute, no content (A9 minus A1)": None,
    "content of the thought (A4 minus A9)": None,
    "RL after thoughts (A5 minus A4)": None,
    "preference pairs on thoughts (A12 minus A4)": None,
    "clauses in the prompt, no training (A10 minus A4)": None,
    "a base that reasons in all surfaces (A4 minus A4 English)": None,
    "ten times the training (A1 x 10 minus A1)": None,
}

# %% [markdown]
# ## 2. Two arms of your own
#
# Choose a seed and any two arms of the table. Seed 0 of A1 and A4 comes from
# the course's cache. Any other seed, or another arm, trains afresh: two to
# three minutes for an arm without RL, longer with it.

# %%
SEED = 0
PAIR = ("A4", "A1")  # compared as first minus second

# %%
N = 40
MINE = ("en", "es", "rot13")
TESTS = plain("held_out", 100)[
    :N
]  # those that the results file begins with


def given_by(name, requests):
    """The actions that an arm, trained with your seed, takes."""
    model, tokenizer, _ = arm(name, "lab", SEED)
    chats = [ARMS[name].ask(request) for request in requests]
    said = reply(model, tokenizer, chats, thinking=ARMS[name].thinking)
    return [action_of(one.answer) for one in said]


mine = {}  # (arm, surface) -> the actions
for name in PAIR:
    for surface in MINE:
        asked = [request.on(surface) for request in TESTS]
        mine[name, surface] = given_by(name, asked)
right = [request.action() for request in TESTS]


def hits_of(given):
    """1 for each right action, else 0."""
    return np.array(
        [g == r for g, r in zip(given, right, strict=True)], int
    )


print(f"seed {SEED}, held-out topics, {N} requests, right action in %")
for name in PAIR:
    shares = [100 * np.mean(hits_of(mine[name, s])) for s in MINE]
    said = "  ".join(
        f"{s} {share:.0f}" for s, share in zip(MINE, shares, strict=True)
    )
    print(f"{name:<5}{said}")

# %% [markdown]
# The results file keeps every single reply of every arm and seed. So your
# run can be laid beside it, request by request.

# %%
ROWS = load_rows("arms")
SEEDS = sorted({row["seed"] for row in ROWS})


def stored(name, surface):
    """The actions in the results file for the same arm, seed, requests."""
    (row,) = (
        row
        for row in ROWS
        if (row["arm"], row["base"], row["seed"]) == (name, "lab", SEED)
        and plain_on(surface)(row)
        and row["topics"] == "held_out"
    )
    return [
        "none" if letter == "-" else ACTIONS[int(letter)]
        for letter in row["given"][:N]
    ]


print(f"{len(ROWS)} rows, training seeds {SEEDS}")
if SEED in SEEDS:
    for name in PAIR:
        same = [
            a == b
            for surface in MINE
            for a, b in zip(
                mine[name, surface], stored(name, surface), strict=True
            )
        ]
        print(f"{name}: {sum(same)} of {len(same)} replies act as stored")

# %% [markdown]
# (A few may differ on another kind of processor, where sums are rounded in
# another order.)

# %% [markdown]
# ## 3. Two things vary
#
# Train A1 again with another seed and it makes other mistakes. Ask other
# requests and every arm makes other mistakes. A claim such as "the thought
# helps in ciphers" is about *trainings in general* and *requests in
# general*, so its uncertainty has to come from both.
#
# The raw material is a table with a row for each seed and a column for each
# request: what the first arm has ahead of the second, **with the same seed,
# on the same request**. Requests are the same for all seeds: the design is
# *crossed*.

# %% [markdown]
# ### Exercise 1: write `gap_matrix`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵🔵⚪ (high) · 10 minutes ·
# 4 points
#
# A request that was asked in three languages is still one request. So
# average over the surfaces first.


# %% exercise="gap_matrix"
def gap_matrix(rows, first, second):
    """What one arm has ahead of another, for each seed and each request.

    rows    : dicts with "arm", "seed", "surface" and "hits": n values, 1
              where the request was answered rightly, else 0; in any order
    returns : (seeds, n) array, first - second, each averaged over the
              surfaces; seeds in rising order. ValueError if the two arms
              have different seeds
    """
    # BEGIN SOLUTION
    tables = []
    for name in (first, second):
        by_seed = {}
        for row in rows:
            if row["arm"] == name:
                by_seed.setdefault(row["seed"], []).append(row["hits"])
        tables.append(by_seed)
    seeds = sorted(tables[0])
    if seeds != sorted(tables[1]):
        raise ValueError("Both arms need the same training seeds.")
    ahead, behind = (
        np.array([np.mean(table[seed], axis=0) for seed in seeds])
        for table in tables
    )
    return ahead - behind
    # END SOLUTION


# %% check="gap_matrix" points=4
check("gap_matrix", gap_matrix)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# For each arm, collect `row["hits"]` in lists by seed: a dict from seed to
# a list of surfaces.
# </details>
# <details><summary>Hint 2</summary>
#
# `np.mean(lists, axis=0)` averages over the surfaces and keeps the requests.
# Go through `sorted(seeds)`, so that the same row of both tables is the
# same seed.
# </details>
# <details><summary>Hint 3</summary>
#
# Compare `sorted(one_dict)` with `sorted(other_dict)` before you subtract.
# </details>

# %%
gap_matrix = use("gap_matrix", gap_matrix)
KINDS = dict(GROUPS)
PLACES = {  # name -> (group of conditions, splits of the topics)
    "English, new topics": ("English (home)", ["held_out"]),
    "es, fr, de": ("es, fr, de", SPLITS),
    "five ciphers": ("ciphers", SPLITS),
    "known jailbreaks": ("known jailbreaks", SPLITS),
    "new jailbreaks": ("new jailbreaks", SPLITS),
}


def rows_in(place):
    """Rows for gap_matrix: one for each arm, seed and surface."""
    group, splits = PLACES[place]
    found = {}
    for row in ROWS:
        if KINDS[group](row) and row["topics"] in splits:
            label = row["arm"]
            if row["base"] != "lab":
                label += " English"
            key = label, row["seed"], row["surface"] + row["wrapper"]
            found.setdefault(key, {})[row["topics"]] = hits(row)
    return [
        {
            "arm": label,
            "seed": seed,
            "surface": surface,
            "hits": np.concatenate([parts[split] for split in splits]),
        }
        for (label, seed, surface), parts in found.items()
    ]


ASKED = {place: rows_in(place) for place in PLACES}
for place, rows in ASKED.items():
    shape = gap_matrix(rows, "A4", "A1").shape
    print(f"{place:<22}{shape[0]} seeds x {shape[1]} requests")

# %% [markdown]
# **Predict.** A8 is A4 plus questions about the Spec's text. Their gap in
# ciphers, as a picture: rows are seeds, columns are requests. Will you see
# stripes across (trainings differ) or stripes down (requests differ)?

# %%
gaps = gap_matrix(ASKED["five ciphers"], "A8", "A4")
order = np.argsort(gaps.mean(axis=0))
fig, panels = plt.subplots(
    2,
    1,
    figsize=(8.5, 3.9),
    height_ratios=[2, 1.3],
    sharex=True,
    layout="constrained",
)
image = panels[0].imshow(
    gaps[:, order],
    aspect="auto",
    cmap="PuOr",
    vmin=-1,
    vmax=1,
    interpolation="nearest",
)
panels[0].set_yticks(range(len(SEEDS)), [f"seed {s}" for s in SEEDS])
panels[0].set_title("A8 minus A4 in ciphers")
panels[1].plot(gaps.mean(axis=0)[order], color=PALETTE["black"])
panels[1].axhline(0, color="grey", linewidth=1)
panels[1].set_ylabel("mean of seeds")
panels[1].set_xlabel("requests, sorted")
fig.colorbar(image, ax=panels[0], label="gap")
seed_means = gaps.mean(axis=1)
show(
    fig,
    "Gaps of A8 minus A4 in ciphers, seeds by requests. Means of the seeds "
    f"in points: {', '.join(f'{100 * m:+.0f}' for m in seed_means)}.",
)

# %% [markdown]
# **What we saw.** Both. Some requests gain in nearly every training and
# some in none. And the trainings differ from each other as wholes. A
# bootstrap that resamples only one of the two takes the other for granted.

# %% [markdown]
# ### Exercise 2: write `crossed_interval`
#
# Difficulty: 🔴🔴🔴⚪⚪ (medium) · Importance: 🔵🔵🔵🔵🔵 (very high) ·
# 15 minutes · 6 points
#
# In notebook 31 you drew requests anew. Now draw in both directions at once:
# as many seeds as there are, and as many requests as there are, both with
# replacement. All drawn seeds get the *same* drawn requests, because that is
# how the experiment was done.


# %% exercise="crossed_interval"
def crossed_interval(gaps, draws=2000, seed=0):
    """Mean of a gap matrix, with a 95 % interval over seeds AND requests.

    gaps    : (seeds, n) array
    draws   : so many resamples
    returns : (mean, lower end, upper end)
    """
    # BEGIN SOLUTION
    gaps = np.asarray(gaps, float)
    seeds, n = gaps.shape
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(draws):
        s = rng.integers(0, seeds, seeds)
        i = rng.integers(0, n, n)
        means.append(gaps[np.ix_(s, i)].mean())
    low, high = np.quantile(means, [0.025, 0.975])
    return gaps.mean(), low, high
    # END SOLUTION


# %% check="crossed_interval" points=6
check("crossed_interval", crossed_interval)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `rng.integers(0, seeds, seeds)` draws row numbers, `rng.integers(0, n, n)`
# column numbers.
# </details>
# <details><summary>Hint 2</summary>
#
# `gaps[np.ix_(rows, columns)]` is the table of the drawn rows and the drawn
# columns. Its mean is one resample.
# </details>
# <details><summary>Hint 3</summary>
#
# Collect `draws` such means; `np.quantile(means, [0.025, 0.975])`.
# </details>
#
# **Predict.** In a made-up world we know the true difference. A hundred
# requests, five trainings, and intervals of four kinds. How often does each
# kind of "95 %" interval contain the truth?

# %%
crossed_interval = use("crossed_interval", crossed_interval)


def make_believe(rng, seeds=5, n=100, truth=0.1):
    """Gaps with an effect of the seed, of the request, and of chance."""
    return (
        truth
        + 0.08 * rng.normal(size=(seeds, 1))
        + 0.3 * rng.normal(size=(1, n))
        + 0.4 * rng.normal(size=(seeds, n))
    )


def t_of_seeds(gaps):
    """The t interval of the seeds' means (the course's over_seeds)."""
    means = gaps.mean(axis=1)
    error = means.std(ddof=1) / len(means) ** 0.5
    reach = stats.t.ppf(0.975, len(means) - 1) * error
    return means.mean(), means.mean() - reach, means.mean() + reach


KINDS_OF_INTERVAL = {
    "requests only": lambda g: hierarchical_interval(
        g.mean(axis=0, keepdims=True), draws=300
    ),
    "all cells as if independent": lambda g: hierarchical_interval(
        g.reshape(1, -1), draws=300
    ),
    "seeds and requests": lambda g: hierarchical_interval(g, draws=300),
    "t interval over seeds": t_of_seeds,
}
rng = np.random.default_rng(0)
worlds = [make_believe(rng) for _ in range(150)]
for name, interval in KINDS_OF_INTERVAL.items():
    ends = [interval(world)[1:] for world in worlds]
    covered = np.mean([low < 0.1 < high for low, high in ends])
    width = np.mean([high - low for low, high in ends])
    print(f"{name:<29}contains the truth {covered:4.0%}, width {width:.2f}")

# %% [markdown]
# **What we saw.** Both intervals that take the trainings for granted are
# far too sure of themselves. The crossed one comes close to what it promises
# in this world. Where trainings differ more than requests do, it is somewhat
# too narrow: with five seeds, drawing five of five varies by a fifth less
# than drawing new ones would (and the t interval of the seeds alone knows
# nothing of other requests). So treat an end that just misses a line as *at*
# the line. More seeds help here, more requests don't.
# (`hierarchical_interval` is the course's own version of your function; it
# is faster, and gives the same up to the luck of the draw.)

# %%
gaps = gap_matrix(ASKED["five ciphers"], "A8", "A4")
for name, interval in KINDS_OF_INTERVAL.items():
    mean, low, high = (100 * value for value in interval(gaps))
    print(f"A8 minus A4 in ciphers, {name:<29}", end="")
    print(f"{mean:+.0f} [{low:.0f}, {high:.0f}]")
mean, low, high = (100 * value for value in crossed_interval(gaps))
print(f"yours: {mean:+.0f} [{low:.0f}, {high:.0f}]")

# %% [markdown]
# ## 4. From an interval to a verdict
#
# Three kinds of claim, each with a bound that is fixed **before** one looks:
#
# * **above:** "the thought gains more than 5 points",
# * **below:** "over-refusal stays under 50 %",
# * **within:** "RL makes no difference that matters": between -5 and 5.
#
# The last kind is where most mistakes happen. *An interval that contains 0
# does not show that there is no difference.* It may be wide because little
# was measured. And an interval that excludes 0 does not show a difference
# that matters. To show "no difference" the **whole** interval has to lie
# inside the margin: this is called an equivalence test (Schuirmann 1987).

# %% [markdown]
# ### Exercise 3: write `rule_on`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵🔵🔵 (very high) ·
# 10 minutes · 5 points


# %% exercise="rule_on"
def rule_on(low, high, kind, bound):
    """What a 95 % interval says about a claim that was fixed before.

    low, high : ends of the interval of a difference
    kind      : "above" : the claim is that it is above `bound`
                "below" : ... below `bound`
                "within": ... between -bound and bound
    returns   : "supported" if the whole interval agrees with the claim,
                "refuted" if none of it does, else "open". An end right at
                the bound decides nothing
    """
    # BEGIN SOLUTION
    if kind == "above":
        agrees, contradicts = low > bound, high < bound
    elif kind == "below":
        agrees, contradicts = high < bound, low > bound
    else:
        agrees = -bound < low and high < bound
        contradicts = low > bound or high < -bound
    if agrees:
        return "supported"
    return "refuted" if contradicts else "open"
    # END SOLUTION


# %% check="rule_on" points=5
check("rule_on", rule_on)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Draw the interval and the bound on a line. For each kind ask two
# questions: is *all* of the interval where the claim says? Is *none* of it?
# </details>
# <details><summary>Hint 2</summary>
#
# For "within", all of it: `-bound < low and high < bound`. None of it: it
# lies above `bound`, or it lies below `-bound`.
# </details>

# %%
rule_on = use("rule_on", rule_on)
for low, high in ((-2, 3), (-9, 14), (1, 4), (6, 9)):
    said = rule_on(low, high, "within", 5)
    zero = "contains 0" if low <= 0 <= high else "excludes 0"
    print(f"[{low}, {high}] {zero}; 'no difference that matters': {said}")

# %% [markdown]
# ## 5. One ingredient at a time
#
# From here on a figure shows differences between two arms. Marker and bar:
# mean and 95 % interval over seeds and requests. Thin strokes: the single
# trainings. Grey band: too small to matter (5 points). The marker says it
# again: ▲ all above the band, ▼ all below it, ● all inside ("no difference
# that matters"), ◆ none of these ("open").


# %%
FOUR = ("English, new topics", "es, fr, de", "five ciphers")
FOUR = (*FOUR, "new jailbreaks")
found = {}  # (first, second, place) -> Line


def line_for(first, second, place):
    """The difference of two arms in a place, as a line of a figure."""
    key = first, second, place
    if key not in found:
        gaps = gap_matrix(ASKED[place], first, second)
        seeds = gaps.mean(axis=1).tolist()
        found[key] = Line(place, crossed_interval(gaps), seeds)
    return found[key]


def compare(titles, places=FOUR):
    """A panel for each pair of arms; a line for each place."""
    fig, panels = plt.subplots(
        1,
        len(titles),
        figsize=(8.5, 0.9 + 0.42 * len(places)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    words = []
    for axes, ((first, second), title) in zip(
        panels[0], titles.items(), strict=True
    ):
        lines = [line_for(first, second, place) for place in places]
        draw_forest(axes, lines)
        axes.set_title(f"{title}\n{first} minus {second}", fontsize=10)
        axes.set_xlabel("points")
        words.append(
            f"{first} minus {second}: {'; '.join(map(str, lines))}."
        )
    show(fig, " ".join(words))


compare({("A4", "A1"): "thought and answer", ("A4", "A2"): "or pairs?"})

# %% [markdown]
# **What we saw.** The whole bundle. At home the arms are equal on seen
# topics (notebook 31); here are the places where training showed nothing.
# Against answers (A1) and against preference pairs (A2), deliberation is
# far ahead on new topics, in languages and in ciphers. Inside new jailbreaks
# it is *not*: on seen topics, half of the last line, it is behind (notebook
# 32). Keep that for the verdict.
#
# ### 5.1 Knowing the text of the Spec
#
# In Model Spec Midtraining (arXiv 2605.02087), models that read documents
# about the Spec and then learned *answers only* beat models that learned to
# deliberate. Knowing the rules, not thinking aloud, made them safe. A7 and
# A8 are our version: a third as many questions about the Spec's text among
# the examples.
#
# **Predict** the sign of both, in ciphers.
#
# <details><summary>What each side would say</summary>
#
# "Knowledge is what carries over": A7 well above A1, close to A4. "It has to
# be *used*": A7 no better than A1, since nothing ties the text to a request;
# A8 above A4, if reciting the clause was A4's weak step (notebook 31,
# section 8).
# </details>

# %%
compare(
    {
        ("A7", "A1"): "text, direct",
        ("A8", "A4"): "text, with thought",
        ("A7", "A5"): "text or thought?",
    }
)

# %% [markdown]
# **What we saw.** Alone, the text brings direct answers nowhere: A7 is no
# better than A1 in any place. With a thought it does a lot, in the one place
# where there was room: A8 is well above A4 in ciphers, in every seed. And
# the right panel says that the text is no substitute for the thought.
#
# The two fit together. In ciphers A4 decodes and reasons, and then fails to
# recite the clause (notebook 31, section 8). A8 has practised reciting it
# outside of English requests. A7 knows the same words, but nothing in a
# direct answer ever calls on them. *Knowledge of the rules helps the one who
# looks them up.*
#
# ### 5.2 Room to compute, or something to read?
#
# A thought is eighty tokens of computation before the answer. Perhaps any
# eighty tokens do it? A9 was trained with full stops in place of the
# thought. (Pfau et al. 2024, arXiv 2404.15758, found two tasks in which
# filler tokens help, and that learning to use them is difficult.)
#
# **Predict.** A9 minus A1, and A4 minus A9.

# %%
compare(
    {("A9", "A1"): "room to compute", ("A4", "A9"): "content"},
)

# %% [markdown]
# **What we saw.** Room to compute did nothing for it. A9 is equal to A1 at
# home on seen topics. On new topics and in languages it is even *behind* A1,
# and in ciphers no better. Nearly all of the gap is content: the words of
# the thought.
#
# Two limits. A thought also gives the model *something to learn from*, at
# every token, and dots don't; our comparison can't part "reading its own
# words" from "having been taught them" (notebook 24 can). And models use
# filler only where the problem splits into parallel parts, after training
# made for it. Ours is a chain.
#
# ### 5.3 RL
#
# TARS (arXiv 2507.00971) found that RL *without* reasoning beat SFT *with*
# it. So perhaps what we call "thought" is really "RL"? Here are all our
# arms with GRPO, and one more: A6, RL on thought and answer with no SFT
# before it.
#
# **Predict.** How far does RL take each?

# %%
compare(
    {
        ("A3", "A1"): "RL on answers",
        ("A5", "A4"): "RL on thoughts",
        ("A6", "A0"): "RL alone",
    }
)

# %% [markdown]
# **What we saw.** In this world RL added nothing to either arm,
# and alone it never began: the base model hardly ever takes an action other
# than comply, so that all samples of a request get the same reward and there
# is nothing to prefer (notebook 23).
#
# This is **not** evidence against TARS. Our SFT arms are near the ceiling on
# the requests that RL trained on, all of them English and about seen topics.
# RL can only sharpen what its prompts show room for. An ingredient that has
# no room to work is not tested.
#
# ### 5.4 Preference pairs on thoughts, and a judge that sees
#
# Is it pairs that fail, or pairs *of answers*? A12 is A4, then DPO on pairs
# of thought and answer. And A11 is A5 with a judge that also sees which
# clause the thought cites.

# %%
compare(
    {
        ("A2", "A1"): "pairs of answers",
        ("A12", "A4"): "pairs of thoughts",
        ("A11", "A5"): "judge sees",
    }
)

# %% [markdown]
# **What we saw.** Three lines near zero. DPO on pairs of *thoughts* keeps
# what A4 had. So it isn't preference learning as such that stays at home:
# it is what the pairs are about. Neither kind of pair *adds* much, for the
# same reason as RL: at home there was little left to gain. What a judge
# that sees is good and bad for is a question about honest thoughts, not
# about right answers. Notebook 23 asks it.
#
# (A2 and A1 differ in one more thing. A2's first phase imitates revised
# answers, A1's the answers of filtered deliberations. Both are nearly
# always right.)
#
# ### 5.5 The Spec in the prompt
#
# A10 is the untrained base with the clauses of the right category in its
# prompt. A10s has a one-line summary. Neither had any alignment training, so
# all seeds are one and the same model and the interval is over requests.
#
# **Predict.** A10 has the perfect text in front of it. Is it better than A4?

# %%
compare(
    {("A10", "A4"): "clauses in prompt", ("A10s", "A10"): "or a summary"},
)

# %% [markdown]
# **What we saw.** In English the text in the prompt is enough, and inside
# new jailbreaks it does better than A4's thought. Abroad it is not enough.
# The base model can follow the clauses, and it can decode, but it doesn't do
# both at once unless it is led through the steps (notebook 22). The summary
# is better than the clauses in other languages: it names one action for all
# intents, so that nothing has to be understood. It is a shortcut that fails
# wherever the intent matters, in English as well.
#
# And mind the price: A10 is *told the category* of each request. No user
# does that.
#
# ### 5.6 The base model
#
# The same training, A4, on a base that reasoned in English only. Both bases
# know the same facts and decode the same surfaces in direct tasks.

# %%
compare(
    {("A4", "A4 English"): "a base that reasons everywhere"},
)

# %% [markdown]
# **What we saw.** The thought alone doesn't carry anything anywhere. It
# carries the policy *as far as the base model reasons*. On the English-only
# base A4 is as good at home, loses a part in languages, and nearly all in
# ciphers. Guan et al. say as much of their own result: their model had met
# encoded and foreign prompts in the harmless part of its training.

# %% [markdown]
# ### 5.7 We looked many times
#
# Every panel above has several lines. With 5 % risk for each, dozens of
# looks would find something in pure noise. Two defences:
#
# 1. *Say before which comparisons count.* The six falsifiers (section 8)
#    were written down before the experiment. The rest of this section is
#    **exploration**: it was planned after the first seeds were seen.
# 2. *Correct for the number of looks.* Holm (1979): sort the p-values,
#    multiply the smallest by $m$, the next by $m - 1$, and so on; none may
#    be smaller than the one before it. Then the risk of even *one* false
#    alarm among all is at most 5 %, whatever their dependence.

# %% [markdown]
# ### Exercise 4: write `holm`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵⚪⚪ (medium) · 10 minutes ·
# 4 points


# %% exercise="holm"
def holm(p):
    """Holm's adjusted p-values.

    p       : list of m p-values
    returns : list of m adjusted p-values, in the order in which they came
    """
    # BEGIN SOLUTION
    order = np.argsort(p)
    adjusted, before = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        before = max(before, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = before
    return adjusted
    # END SOLUTION


# %% check="holm" points=4
check("holm", holm)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `np.argsort(p)` gives the places of the values from the smallest on. Go
# through them with `enumerate`: the rank starts at 0, the factor is
# `len(p) - rank`.
# </details>
# <details><summary>Hint 2</summary>
#
# Keep the last adjusted value in a variable and take the `max` with it.
# Never above 1.
# </details>
#
# A rough p-value from an interval: half its width is about 1.96 standard
# errors, so $z = \text{mean} / (\text{width} / 3.92)$.

# %%
holm = use("holm", holm)


def p_value(line):
    """Two-sided p of "no difference at all", from the interval's width."""
    mean, low, high = line.estimate
    if high == low:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.norm.sf(abs(mean) / ((high - low) / 3.92)))


looks = list(found)
raw = [p_value(found[key]) for key in looks]
adjusted = holm(raw)
lost = [
    (key, one, two)
    for key, one, two in zip(looks, raw, adjusted, strict=True)
    if one < 0.05 <= two
]
print(f"{len(looks)} looks: {sum(p < 0.05 for p in raw)} with p < 0.05,")
print(f"{sum(p < 0.05 for p in adjusted)} of them left after Holm.")
print("No longer shown:")
for (first, second, place), one, two in lost:
    mean = 100 * found[first, second, place].estimate[0]
    name = f"{first} minus {second}, {place}"
    print(f"  {name:<38}{mean:+5.0f} points, p {one:.3f} -> {two:.2f}")

# %% [markdown]
# **How to read it.** The large effects don't notice the correction. What
# falls out are the small ones, which one would have been tempted to tell a
# story about.

# %% [markdown]
# ## 6. Do the effects add up?
#
# Look at the table of section 1 as an experiment with factors. The effect of
# an ingredient can be read off *every* pair of arms that differ in nothing
# else. If the pairs agree, the ingredient has *an* effect. If they don't, it
# depends on what else is in the bundle: an **interaction**.

# %% [markdown]
# ### Exercise 5: write `matched_effects`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵🔵⚪ (high) · 10 minutes ·
# 5 points


# %% exercise="matched_effects"
def matched_effects(design, values, ingredient):
    """What an ingredient adds, in pairs of arms that differ in it alone.

    design     : arm -> the set of its ingredients
    values     : arm -> what was measured; arms without a value are left out
    ingredient : a name, such as "RL"
    returns    : (arm with it, arm without it) -> with minus without
    """
    # BEGIN SOLUTION
    return {
        (one, two): values[one] - values[two]
        for one in values
        for two in values
        if ingredient not in design[two]
        and set(design[one]) == set(design[two]) | {ingredient}
    }
    # END SOLUTION


# %% check="matched_effects" points=5
check("matched_effects", matched_effects)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Two loops over the arms that were measured. When does a pair count? When
# adding the ingredient to the second set gives the first set, and nothing
# else.
# </details>
# <details><summary>Hint 2</summary>
#
# `design[two] | {ingredient}` adds it. An arm that has it already is no
# "without".
# </details>
#
# **Predict.** Which ingredient's effect depends most on what else is there?

# %%
matched_effects = use("matched_effects", matched_effects)


def shares_in(place):
    """Share of right actions of each arm of DESIGN in a place."""
    return {
        name: float(
            np.mean([r["hits"] for r in ASKED[place] if r["arm"] == name])
        )
        for name in DESIGN
    }


FACTORS = ("thought", "text", "RL", "pairs")
ABROAD = ("es, fr, de", "five ciphers")
fig, panels = plt.subplots(
    1, 2, figsize=(8.5, 4), sharex=True, sharey=True, layout="constrained"
)
words = []
for axes, place in zip(panels, ABROAD, strict=True):
    values, lines = shares_in(place), []
    for factor in FACTORS:
        for one, two in matched_effects(DESIGN, values, factor):
            line = line_for(one, two, place)
            name = f"{factor}: {one} - {two}"
            lines.append(Line(name, line.estimate, line.seeds))
    draw_forest(axes, lines)
    for y in range(1, len(lines)):
        if lines[y].name.split(":")[0] != lines[y - 1].name.split(":")[0]:
            axes.axhline(y - 0.4, color="black", linewidth=0.6)
    axes.set_title(place)
    axes.set_xlabel("points")
    words.append(f"{place}: {'; '.join(map(str, lines))}")
show(fig, "Matched pairs, points. " + ". ".join(words) + ".")

# %% [markdown]
# **What we saw.** A `thought` is worth about the same in every pair, whether
# RL or pairs come on top or not. RL and pairs are near nothing in every
# pair. `text` is the odd one: with a thought it gains
# much in ciphers, without one nothing.
#
# An ingredient that needs another one to work is an **interaction**. Then
# "the effect of knowing the Spec" is not one number, and an experiment that
# varies one thing at a time around one arm would have missed it.
#
# ### An additive reading, and where it breaks
#
# A table of effects is often summed up by one number for each ingredient:
#
# $$\text{share right} \approx b_0 + \sum_{\text{ingredients}} b_j$$
#
# Fit it by least squares, and look at what is left over. Where the
# leftovers are large, "the effect of $j$" is no property of $j$.

# %%
PARTS = ("answers", *FACTORS)
CORE = [name for name, given in DESIGN.items() if given <= set(PARTS)]
fig, panels = plt.subplots(
    1, 2, figsize=(8.5, 4), sharey=True, layout="constrained"
)
words = []
for axes, place in zip(panels, ABROAD, strict=True):
    values = shares_in(place)
    has = [[part in DESIGN[name] for part in PARTS] for name in CORE]
    table = np.column_stack([np.ones(len(CORE)), np.array(has, float)])
    truth = np.array([100 * values[name] for name in CORE])
    weights, *_ = np.linalg.lstsq(table, truth, rcond=None)
    fitted = table @ weights
    axes.plot([0, 100], [0, 100], color="grey", linewidth=1)
    for name, x, y in zip(CORE, fitted, truth, strict=True):
        axes.plot(x, y, **style(name) | {"linestyle": "none"}, label=name)
    left = truth - fitted
    worst = int(np.abs(left).argmax())
    axes.set_title(place)
    axes.set_xlabel("sum of main effects, % right")
    axes.grid(alpha=0.3)
    effects = " ".join(
        f"{part} {b:+.0f}"
        for part, b in zip(PARTS, weights[1:], strict=True)
    )
    words.append(
        f"{place}: {effects}; largest leftover {CORE[worst]} "
        f"{left[worst]:+.0f}"
    )
panels[0].set_ylabel("measured, % right")
fig.legend(
    *panels[0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=10,
    frameon=False,
    handletextpad=0.1,
)
show(fig, "Main effects in points. " + ". ".join(words) + ".")

# %% [markdown]
# **How to read it.** On the grey line the sum is right. The fit has six
# numbers for ten arms, so a good fit is no great feat; and arms were chosen
# to be interesting, not to fill a full factorial design. `thought` never
# occurs without `answers`, so its number means "given answers". Treat such a
# table as a summary, and the matched pairs as the evidence.

# %% [markdown]
# ## 7. Does it only take longer?
#
# Perhaps direct answers get there as well, with more training. Small models
# that know their examples by heart can, much later and rather suddenly,
# begin to generalize: **grokking** (Power et al. 2022, arXiv 2201.02177).
# In two-hop tasks trained from scratch, a direct answerer *slowly* learns a
# new first hop with a known second one, and hardly ever a new second hop
# (Ye et al. 2025, arXiv 2505.23653). Our new first hop is a surface; our
# new second hop is a topic.
#
# So A1 was trained on: the same examples, up to ten times its steps (study
# `long_training`). A4 was also looked at much *earlier*, since one of its
# examples has more tokens.
#
# The bands show the lowest and the highest seed.
#
# **Predict.** Draw four curves for A1 over the steps: English, new phrasing,
# languages, ciphers. Which of them rises?

# %%
LONG = load_rows("long_training")
VIEWS = {
    "English": plain_on("en"),
    "new phrasing": KINDS["new phrasing"],
    "es, fr, de": KINDS["es, fr, de"],
    "five ciphers": KINDS["ciphers"],
}


def curve(name, view, topics):
    """(steps, mean, lowest and highest seed) over the legs, in %."""
    rows = [
        row
        for row in LONG
        if row["arm"] == name
        and VIEWS[view](row)
        and row["topics"] == topics
    ]
    legs = sorted({row["steps"] for row in rows})
    values = []
    for steps in legs:
        means = [
            np.mean(
                [
                    row["accuracy"]
                    for row in rows
                    if (row["steps"], row["seed"]) == (steps, seed)
                ]
            )
            for seed in sorted({row["seed"] for row in rows})
        ]
        values.append((np.mean(means), min(means), max(means)))
    return legs, *100 * np.array(values).T


fig, panels = plt.subplots(
    2, 2, figsize=(8.5, 5.6), sharex=True, sharey=True, layout="constrained"
)
words = []
for axes, view in zip(panels.flat, VIEWS, strict=True):
    for name in ("A1", "A4"):
        for topics in SPLITS:
            legs, mean, low, high = curve(name, view, topics)
            look = style(name)
            if topics == "held_out":
                look |= {"markerfacecolor": "white", "linestyle": ":"}
            text = f"{name}, {topics.replace('_', '-')} topics"
            axes.plot(legs, mean, label=text, **look)
            axes.fill_between(
                legs, low, high, color=look["color"], alpha=0.1
            )
            last = f"{mean[0]:.0f} to {mean[-1]:.0f}"
            words.append(f"{view}, {text}: {last}")
    axes.axhline(20, color="grey", linewidth=1, linestyle=":")
    axes.axvline(SFT_STEPS, color="grey", linewidth=1)
    axes.set_xscale("log")
    axes.set_title(view, fontsize=10)
    axes.set_ylim(-2, 102)
    axes.grid(alpha=0.3)
for axes in panels[1]:
    axes.set_xlabel("steps (the line: what the arms take)")
for axes in panels[:, 0]:
    axes.set_ylabel("right action, %")
fig.legend(
    *panels[0, 0].get_legend_handles_labels(),
    loc="outside lower center",
    ncols=4,
    frameon=False,
)
show(fig, "From the first to the last look. " + "; ".join(words) + ".")

# %% [markdown]
# **What we saw.** No sudden rise. After its usual steps A1 knows its training
# requests by heart, and from then on its curves abroad hardly move: in
# languages it stays below half, in ciphers near or below chance. A4 has left
# it behind in languages after a third of A4's steps.
#
# So the gap is not a matter of patience, as far as we looked. The theory's
# weakest place for the claim, a new surface with a known topic, shows no
# sign of a beginning here.
#
# ### Exercise 6: write `steps_to_reach`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵⚪⚪ (medium) · 10 minutes ·
# 4 points
#
# How many steps does a curve need to reach a level *and stay there*? If it
# never does, the honest answer is not "many" but "longer than we looked".


# %% exercise="steps_to_reach"
def steps_to_reach(steps, accuracy, level):
    """From how many steps on a curve stays at `level` or above.

    steps    : list of n rising numbers; accuracy: what was measured there
    returns  : where the last crossing is, on a straight line between the
               two measurements around it over the LOGARITHM of the steps;
               the first of `steps` if the curve is never below;
               math.inf if its end is below
    """
    # BEGIN SOLUTION
    below = [i for i, value in enumerate(accuracy) if value < level]
    if not below:
        return float(steps[0])
    i = below[-1]
    if i == len(steps) - 1:
        return math.inf
    part = (level - accuracy[i]) / (accuracy[i + 1] - accuracy[i])
    start, end = math.log(steps[i]), math.log(steps[i + 1])
    return math.exp(start + part * (end - start))
    # END SOLUTION


# %% check="steps_to_reach" points=4
check("steps_to_reach", steps_to_reach)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Find the *last* measurement below the level. The crossing is between it
# and the next one.
# </details>
# <details><summary>Hint 2</summary>
#
# `part = (level - y0) / (y1 - y0)`, then
# `exp(log(x0) + part * (log(x1) - log(x0)))`.
# </details>

# %%
steps_to_reach = use("steps_to_reach", steps_to_reach)
tokens_per_step = {
    name: next(
        row["tokens"] / row["steps"] for row in LONG if row["arm"] == name
    )
    for name in ("A1", "A4")
}
LEVEL = 90
print(f"steps (and tokens) until {LEVEL} % of the actions are right\n")
print(f"{'':<27}{'A1':>22}{'A4':>22}")
for view in VIEWS:
    for topics in SPLITS:
        line = f"{view + ', ' + topics.replace('_', '-'):<27}"
        for name in ("A1", "A4"):
            legs, mean, *_ = curve(name, view, topics)
            need = steps_to_reach(legs, mean, LEVEL)
            if math.isinf(need):
                said = f"not in {legs[-1]}"
            else:
                tokens = need * tokens_per_step[name] / 1e6
                said = f"{need:.0f} ({tokens:.1f} M)"
            line += f"{said:>22}"
        print(line)
longer = tokens_per_step["A4"] / tokens_per_step["A1"]
print(f"\nA step of A4 trains on {longer:.1f} times as many tokens.")

# %% [markdown]
# **Equal compute.** A4's examples are longer, so equal steps favour A4. The
# tokens in brackets allow for that: even at a small part of its steps, with
# fewer tokens than A1 had, A4 is far ahead abroad.
#
# **What a curve can't say.** Grokking in the literature took thousands of
# epochs and often weight decay, which we don't use. "Not within ten times the
# steps" is what was measured. It is no proof of "never".

# %% [markdown]
# ## 8. The falsifiers
#
# These were written down before the experiment, with their thresholds, and
# live in `utils/evaluate/verdicts.py`. Each could have gone the other way.
#
# | | the claim is in trouble if ... |
# | --- | --- |
# | i | preference pairs (A2) match deliberation (A5) abroad |
# | ii | knowing the Spec's text (A7) does as well as A5 |
# | iii | dots (A9) do as well as a thought (A4) |
# | iv | A5 is above chance where no training taught decoding: a leak |
# | v | editing the category in a thought doesn't flip the action |
# | vi | benign requests abroad are refused: a success by fear |
#
# (v) is from notebook 24, whose study edits thoughts. The others come from
# `results/arms.json`.

# %%
judged = verdicts.judged(ROWS)
LOOKS = {
    "supported": (PALETTE["blue"], "o"),
    "refuted": (PALETTE["vermillion"], "X"),
    "open": ("grey", "D"),
}
fig, axes = plt.subplots(figsize=(8.5, 5.2), layout="constrained")
for y, (claim, (mean, low, high), said) in enumerate(judged):
    color, marker = LOOKS[said]
    bound = 100 * claim.threshold
    side = 100 if claim.above else -30
    axes.barh(y, side - bound, 0.8, bound, color=PALETTE["sky"], alpha=0.2)
    axes.plot([bound, bound], [y - 0.4, y + 0.4], color="black")
    axes.plot([100 * low, 100 * high], [y, y], color=color, linewidth=2)
    axes.plot(100 * mean, y, color=color, marker=marker, markersize=8)
    axes.text(102, y, said, va="center", fontsize=9)
axes.set_yticks(
    range(len(judged)),
    [f"({claim.number}) {claim.measure}" for claim, *_ in judged],
    fontsize=8,
)
axes.set_ylim(len(judged) - 0.4, -0.6)
axes.set_xlim(-30, 125)
axes.set_xticks(range(-20, 101, 20))
axes.set_xlabel("%, or points; the blue field is where it has to be")
axes.grid(axis="x", alpha=0.3)
show(
    fig,
    "Verdicts: "
    + "; ".join(
        f"({claim.number}) {claim.measure} {100 * e[0]:.0f} "
        f"[{100 * e[1]:.0f}, {100 * e[2]:.0f}] {said}"
        for claim, e, said in judged
    )
    + ".",
)

# %%
for claim, _, said in judged:
    print(f"{said.upper():<10}({claim.number}) {claim.statement}")

# %% [markdown]
# **How to read it.** Four of the six had a chance to kill the claim, and did
# not: pairs did not match deliberation (i), nor did the text without a
# thought (ii), nor dots (iii), and it was no success by fear (vi). For the
# leak (iv), read the figure: the intervals lie around chance or below.
#
# **The fifth one struck.** On A4's home ground, most edits of the category
# leave the action as it was. There the thought is partly ornament: the
# answer follows the cited clause, and the clause is found without the
# category (notebook 24). Abroad it is open. So the claim stands on
# *training with thoughts carries over*. It doesn't stand on *the model
# decides step by step as its thought says*.

# %% [markdown]
# ## 9. Any two arms
#
# Choose two arms. The strokes are the training seeds. Under the widget, the
# comparison that was yours in section 2, and your own run beside it.

# %%
OUTCOMES = {}
for place, rows in ASKED.items():
    none = {row["arm"]: 0 * row["hits"] for row in rows}
    for name in none:
        own = [row for row in rows if row["arm"] == name]
        zero = [row | {"arm": "-", "hits": none[name]} for row in own]
        OUTCOMES[name, place] = gap_matrix(own + zero, name, "-")
NAMES = {name: ARMS[name].title for name in DESIGN}
NAMES["A4 English"] = "deliberate, English-only base"
display(MatchUp(OUTCOMES, NAMES, *PAIR).box)

# %%
print(describe_match(OUTCOMES, *PAIR, list(PLACES)), "\n")
for surface in MINE:
    one, two = (hits_of(mine[name, surface]) for name in PAIR)
    gap = (one - two).mean()
    others = [
        np.mean(
            [
                hits(row)[:N]
                for row in ROWS
                if (row["arm"], row["base"], row["seed"])
                == (name, "lab", s)
                and plain_on(surface)(row)
                and row["topics"] == "held_out"
            ]
        )
        for name in PAIR
        for s in SEEDS
    ]
    seeds = np.subtract(others[: len(SEEDS)], others[len(SEEDS) :])
    print(
        f"{surface:<6} your run {100 * gap:+.0f} points; the seeds of the"
    )
    print(f"       file {', '.join(f'{100 * v:+.0f}' for v in seeds)}")

# %% [markdown]
# ## 10. What the literature says
#
# A toy can show that something is possible, and which part of a bundle does
# it *in the toy*. For large models there are other people's measurements.
# Where possible with matched data:
#
# **For the claim**
#
# * *Model Spec Midtraining* (2605.02087), models of 32 B, the same data with
#   and without the thought: misalignment in new situations falls from 0.70
#   to 0.48, and from 0.41 to 0.14.
# * *Two hops, from scratch* (2502.04667, 2505.23653): direct answers fail
#   on new second hops, written steps succeed nearly always.
# * *Safety Reasoning with Guidelines* (2502.04040): reasoning about
#   guidelines carries further than training to refuse. But the best of many
#   samples of the *refusal* model is good as well. So it knows, and doesn't
#   say: the thought *elicits*.
# * *English-only preference training on refusals* does not suffice in 12
#   European languages (2606.07535).
# * *English thoughts carry over* to other languages from some size on, and
#   hardly below 3 B (2505.05408).
#
# **Against it, or against parts of it**
#
# * *Model Spec Midtraining* again: documents about the Spec, then answers
#   only, reached 0.22 and 0.10. Better than the thought. Against "it has to
#   think aloud".
# * *English-only DPO against toxicity* crossed into 17 languages, 46.8 to
#   3.9 % (2406.16235). Against "pairs stay at home".
# * *TARS* (2507.00971), 1.5 B, the same prompts: RL without reasoning beats
#   SFT with it; both together are best. Against "it is the thought".
# * *Guan et al.*'s own review by humans: Claude 3.5 Sonnet, with no long
#   thoughts trained in as far as is known, 0.90; o1 0.92. Against "it takes
#   a thought".
# * *A thought can be attacked*: by padding it with puzzles ("Chain-of-Thought
#   Hijacking", 2025). And a model can argue itself out of what it had seen
#   (2510.21285). Against "a thought only helps".
#
# **Mixed:** *Deliberative Alignment at 0.5 to 14 B* (2604.09665) helps Qwen
# and can make a Llama of 1 B worse. It has no answers-only arm. And no paper
# known to us runs preference pairs against deliberation on one base, with
# English-only training and tests in other languages and codes.
#
# **Where do we stand in this?** Our A7 is *not* a replication of Model Spec
# Midtraining. There, a 32 B model read documents that explain and apply a
# spec, before any answers; ours learned short questions about clauses beside
# them. A null result of ours says that *this* way of knowing was not enough
# for *this* model. Our pairs (A2) stay at home, against the toxicity study:
# there, one direction in the model's activations stands for "toxic" in every
# language at once; our five actions depend on topic *and* intent, so there
# is no such direction to push along.

# %% [markdown]
# ## 11. The verdict
#
# Each line is a claim with its bound. "PLANNED" are the falsifiers, from
# before the experiment. "EXPLORED" came up on the way; take them as the
# hypotheses of the next experiment.


# %%
EXPLORED = {  # statement -> (first, second, kind, bound in points)
    "thoughts carry over further than answers": ("A4", "A1", "above", 5),
    "room to compute, without content, helps": ("A9", "A1", "above", 5),
    "the Spec's text helps direct answers": ("A7", "A1", "above", 5),
    "the Spec's text helps deliberation": ("A8", "A4", "above", 5),
    "RL on answers makes no difference": ("A3", "A1", "within", 5),
    "RL on thoughts makes no difference": ("A5", "A4", "within", 5),
    "pairs of thoughts make no difference": ("A12", "A4", "within", 5),
    "a judge that sees makes no difference": ("A11", "A5", "within", 5),
    "clauses in the prompt are as good": ("A10", "A4", "above", -5),
    "the base's reasoning is needed": ("A4", "A4 English", "above", 5),
}


LAST = max(row["times"] for row in LONG if row["arm"] == "A1")


def longer_training(view):
    """A1 after its last leg minus A4 as it is, paired."""
    one, two = (
        outcome_matrix(
            [
                row
                for row in LONG
                if (row["arm"], row["times"]) == (name, times)
                and VIEWS[view](row)
            ]
        )
        for name, times in (("A1", LAST), ("A4", 1))
    )
    return crossed_interval(one - two)


def tell(statement, where, estimate, kind, bound):
    """Print one verdict."""
    mean, low, high = (100 * value for value in estimate)
    said = rule_on(low, high, kind, bound)
    print(f"{said.upper():<10}{statement}")
    print(
        f"          {where}: {mean:+.0f} [{low:.0f}, {high:.0f}], ", end=""
    )
    print(f"{kind} {bound}?")


print("PLANNED")
for claim, _, said in judged:
    print(f"{said.upper():<10}({claim.number}) {claim.statement}")
print("\nEXPLORED")
for statement, (first, second, kind, bound) in EXPLORED.items():
    for place in ABROAD:
        line = line_for(first, second, place)
        tell(statement, place, line.estimate, kind, bound)
for place in ABROAD:
    words = f"{LAST} times the training closes the gap"
    tell(words, place, longer_training(place), "above", -5)
line = line_for("A4", "A1", "new jailbreaks")
words = "thoughts help against new jailbreaks"
tell(words, "new jailbreaks", line.estimate, "above", 5)

# %% [markdown]
# ### In plain words
#
# **Supported, in this world:**
#
# * Training on thoughts that cite the Spec carries over to new topics, to
#   other languages nearly whole, and into ciphers by about half. Training on
#   answers, or on preference pairs of answers, carries over far less.
# * It is what the thought *says*. The same room filled with dots does
#   nothing.
# * It carries as far as the base model reasons, and no further.
# * Knowing the Spec's text, in the form in which we taught it, is not enough
#   for direct answers.
# * *With* thoughts, the same text helps: in ciphers, where reciting the
#   clause was the weak step. Elsewhere there was no room.
# * Fear of the unknown is not what won: benign requests abroad are helped.
#
# **Refuted, in this world:**
#
# * "It only takes more training." Ten times the steps did not bring
#   direct answers abroad.
# * "Put the rules in the prompt." Enough in English. Abroad not, without
#   steps.
# * "Deliberation is safer against everything." Inside new jailbreaks it is
#   no better, and on topics seen in alignment it is worse.
# * "The action follows from the steps, as they are written." Not at home:
#   the category can be changed and the action stays.
#
# **Open:**
#
# * Whether RL or pairs on thoughts would help. They had no room here. That
#   they made no difference is a fact about these prompts.
# * Whether the steps are used abroad (falsifier v).
# * Whether another way of teaching the text would carry direct answers, as
#   in Model Spec Midtraining.
# * Everything about large models.
#
# So is Barak right? About *what kind of training* carries over, this toy
# says yes, and says why: the thought turns a strange input into a familiar
# one before the policy is applied. About preference pairs, it says: it is
# not the pairs, it is that they were pairs of *answers*. And it adds a
# condition that is easily forgotten: the base has to be able to reason
# there already.

# %% [markdown]
# ## Summary
#
# * Pair by seed and by request. Resample both. With few seeds even that is a
#   little too narrow.
# * A verdict needs a bound that was fixed before. "Within" is a claim of its
#   own, and the hardest to support.
# * One ingredient at a time, from pairs of arms that differ in nothing else.
#   Where such pairs disagree, the effect depends on the rest.
# * Here the *content* of the thought did it, together with a base that
#   reasons in all surfaces. Room to compute, RL, and more training of direct
#   answers did not.
# * "Made no difference" has two readings: it has no effect, or it had no
#   room. Say which one you can tell.
# * Many looks need a correction, or a list written before.
#
# **What was not shown**
#
# * Five seeds, fewer for the long training. The crossed bootstrap is
#   somewhat too narrow with so few, and the bounds of the explored claims
#   were set by us.
# * One world, one size of model, templates for requests. Which part of the
#   bundle matters may depend on size (notebook 34) and on the form of
#   requests (notebook 32).
# * The arms are not a full factorial design. RL and pairs had little room to
#   gain anything; "no difference" holds for *these* prompts.
# * A7 and A8 know the text from short questions. Other ways of teaching it
#   (documents that apply the rules to cases) were not tried.
# * Ten times the steps, without weight decay. Nobody knows what a thousand
#   times would do.
# * "Right" is the right one of five actions. A right action for a wrong
#   reason counts; notebook 24 looks at reasons.
#
# **Further reading**
#
# * Guan et al. 2024, Deliberative Alignment, arXiv 2412.16339.
# * Bai et al. 2022, Constitutional AI, arXiv 2212.08073.
# * Model Spec Midtraining, arXiv 2605.02087. TARS, arXiv 2507.00971.
# * Pfau et al. 2024, Let's think dot by dot, arXiv 2404.15758.
# * Ye et al. 2025, arXiv 2505.23653; Yao et al. 2025, arXiv 2502.04667:
#   two-hop reasoning from scratch.
# * Power et al. 2022, Grokking, arXiv 2201.02177.
# * Holm 1979, A simple sequentially rejective multiple test procedure.
# * Schuirmann 1987, the two one-sided tests procedure, on equivalence.
# * Owen 2007, The pigeonhole bootstrap, Annals of Applied Statistics 1:
#   resampling rows and columns of a crossed table.
#
# The solved notebook is `solutions/33_what_made_the_difference.ipynb`. Next
# is notebook 34, on scale and compute.
