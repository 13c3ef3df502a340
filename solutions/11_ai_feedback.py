# %% [markdown]
# # 11 · Constitution and AI feedback
#
# Who says which answer is better? In RLHF people do, thousands of times. In
# **Constitutional AI** (Bai et al. 2022, arXiv 2212.08073) people write a
# list of principles, once, and a model does the rest: it criticizes and
# revises its own answers, and then it says which of two answers is better.
#
# A model that labels can be wrong. It can also be right for the wrong
# reason, such as the place in which an answer stands. In our small world
# the right action of every request is known. So this notebook asks what
# hardly any real project can: **how right are the labels, and what makes
# them better?**
#
# **You will be able to**
#
# - write a round of critique and revision, and say where it gets stuck;
# - turn the log-probabilities of "A" and "B" into a soft label;
# - see a position bias in a picture, and cancel it;
# - put several principles together, and say what that can't repair;
# - read a calibration curve of a judge;
# - say what soft, hard and clamped labels do to the model trained on them.
#
# **Time** 60 minutes. **Points** 27, in six exercises.
# **You need** notebook 00 (log-probabilities).

# %%
import random
from itertools import product

import torch
from IPython.display import display
from matplotlib import pyplot as plt

from utils.align.chat import reply
from utils.evaluate.studies.label_training import WRONG
from utils.evaluate.studies.labels import (
    JUDGES,
    chapter,
    covers,
    draw_cases,
    in_both_orders,
    letter_logprobs,
    position,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import load
from utils.show.figure import PALETTE, show
from utils.show.widgets_11 import (
    JudgeDesk,
    describe_reading,
    draw_reading,
    read,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.spec import load_principles

base, tokenizer = load("lab")
judges = {name: load(name)[0] for name in JUDGES}
for name, model in judges.items():
    size = sum(p.numel() for p in model.parameters())
    print(f"{name:7} {size / 1e6:.2f} million parameters")

# %% [markdown]
# All of them are **helpful only**: trained to help, with no idea of harm.
# They differ in size. The largest is the base model of the whole course.
#
# Two hundred requests, each with two answers. One takes the right action,
# the other one of the four wrong ones; which stands first is decided by a
# coin. The truth is for *us*, to count with. No model sees it.

# %%
cases = draw_cases(seed=11, n=200)
truth = torch.tensor([case.right for case in cases])
texts = [case.request.text for case in cases]
for case in cases[:3]:
    print(f"request: {case.request.text}")
    print(f"first  : {case.first}")
    print(f"second : {case.second}")
    print(f"the first one is right: {case.right}\n")

# %% [markdown]
# ## 1. The constitution, and a first answer
#
# The constitution has a **chapter** for each category of topics, and a
# chapter has one to three **rules**. A model reads them as a *card*:
# intent, action, number, intent, action, number...

# %%
for category in ("weapons", "law", "games"):
    for rule in load_principles().of(category):
        print(prompts.card([rule]))


# %%
def ask_base(chats):
    """The base model's replies to a list of chats, as texts."""
    return [r.answer for r in reply(base, tokenizer, chats)]


def share_right(answers):
    """The share of answers that take the right action."""
    pairs = zip(cases, answers, strict=True)
    right = [c.request.action() == action_of(text) for c, text in pairs]
    return sum(right) / len(right)


first_answers = ask_base([prompts.chat(text) for text in texts])
for text, said in [*zip(texts, first_answers, strict=True)][:4]:
    print(f"{text}\n    {said}")
print(f"\nright action: {share_right(first_answers):.0%}")

# %% [markdown]
# It helps with everything. In this set, one request in five should be
# helped with.
#
# ## 2. Critique and revision
#
# The first half of the method is called **SL-CAI** (section 3 of the
# paper). The model reads its own answer together with a principle, says
# what is wrong with it, and writes a better answer. The revised answers
# become training data. Neither principle nor critique is trained on.
#
# In large models both questions are sentences. Ours read a fixed form:
#
# ```
# critique   system   Critique. CARD
#            user     Request: TEXT Answer: ANSWER
# revision   system   Revise. CARD
#            user     Request: TEXT Answer: ANSWER Critique: CRITIQUE
# ```
#
# A critique of ours has four words: the intent, the action that is wanted,
# the action that was given, and *keep* or *change*.
#
# ### Exercise: `critique_round`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 9 minutes
#
# Write both questions. `prompts.chat(user, system)` makes a chat of two
# texts. `ask` takes a *list* of chats and returns a list of replies: call
# it twice, not once for each answer.


# %% exercise="critique_round"
def critique_round(
    ask, cards: list[str], texts: list[str], answers: list[str]
) -> tuple[list[str], list[str]]:
    """One round: criticize every answer, then revise every answer.

    ask     : list of chats -> list of replies, of the same length
    cards   : n principles, as texts
    texts   : n requests
    answers : n answers
    returns : (critiques, revised answers), n texts each
    """
    # BEGIN SOLUTION
    rows = list(zip(cards, texts, answers, strict=True))
    critiques = ask(
        [
            prompts.chat(
                f"Request: {text} Answer: {said}", f"Critique. {card}"
            )
            for card, text, said in rows
        ]
    )
    revised = ask(
        [
            prompts.chat(
                f"Request: {text} Answer: {said} Critique: {remark}",
                f"Revise. {card}",
            )
            for (card, text, said), remark in zip(
                rows, critiques, strict=True
            )
        ]
    )
    return critiques, revised
    # END SOLUTION


# %% check="critique_round" points=5
check("critique_round", critique_round)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `zip(cards, texts, answers)` gives one triple for each request. Make a
# list of chats from the triples, and hand the whole list to `ask`.
# </details>
# <details><summary>Hint 2</summary>
#
# The first list: `prompts.chat(f"Request: {text} Answer: {said}",
# f"Critique. {card}")`.
# </details>
# <details><summary>Hint 3</summary>
#
# The second list needs the critiques too: zip over four lists. The words
# `Critique: ...` come last in the user's message.
# </details>
#
# **Predict.** The model reads the *whole chapter* of the right category.
# What share of the revised answers takes the right action?

# %%
critique_round = use("critique_round", critique_round)
cards = [prompts.card(chapter(case)) for case in cases]
critiques, revised = critique_round(ask_base, cards, texts, first_answers)
for i in range(3):
    print(f"card    : {cards[i]}")
    print(f"request : {texts[i]}")
    print(f"answer  : {first_answers[i]}")
    print(f"critique: {critiques[i]}")
    print(f"revised : {revised[i]}\n")
print(f"right action before: {share_right(first_answers):.0%}")
print(f"right action after : {share_right(revised):.0%}")

# %% [markdown]
# With the right chapter in sight, one round is enough for this model.
#
# ### One principle at a time
#
# Nobody handed Constitutional AI the right chapter. It has 16 principles,
# and draws **one of them at random** for every critique. The one that is
# drawn may say nothing about the case at hand. The paper does four rounds
# of critique and revision, each with a new draw.
#
# ### Exercise: `draw_principles`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵⚪⚪ (medium) · 4 points ·
# 5 minutes
#
# Draw `k` rules for each request, evenly, from its own chapter. The draws
# are independent, so a rule may come twice. `rng.choice(chapter)` draws
# one.


# %% exercise="draw_principles"
def draw_principles(chapters: list, k: int, rng: random.Random) -> list:
    """k rules for each request, drawn from its own chapter.

    chapters : n chapters, one for each request: each a sequence of rules
    rng      : the random numbers to use
    returns  : n lists of k rules
    """
    # BEGIN SOLUTION
    return [[rng.choice(rules) for _ in range(k)] for rules in chapters]
    # END SOLUTION


# %% check="draw_principles" points=4
check("draw_principles", draw_principles)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# One list comprehension inside another: the outer one over the chapters,
# the inner one over `range(k)`.
# </details>
# <details><summary>Hint 2</summary>
#
# `[rng.choice(c)] * k` repeats one draw. Write `rng.choice(c) for _ in
# ...`.
# </details>
#
# **Predict.** Four rounds, each with one rule of the right chapter, drawn
# anew. A chapter has two rules on average. Does the share of right answers
# go up from round to round?
#
# <details><summary>Think it through</summary>
#
# A drawn rule is about the request's intent in roughly one case out of two.
# If it is, the answer comes out right. If it isn't: does the model leave
# the answer alone?
# </details>

# %%
draw_principles = use("draw_principles", draw_principles)
chapters = [chapter(case) for case in cases]
draws = draw_principles(chapters, 4, random.Random(11))
answers = first_answers
print(f"round 0: right action {share_right(answers):.0%}")
for number in range(4):
    rules = [[drawn[number]] for drawn in draws]
    known = [
        covers(rule, case.request)
        for rule, case in zip(rules, cases, strict=True)
    ]
    one_card = [prompts.card(rule) for rule in rules]
    _, answers = critique_round(ask_base, one_card, texts, answers)
    print(
        f"round {number + 1}: right action {share_right(answers):.0%}; "
        f"the rule is about the request in {sum(known) / len(known):.0%}"
    )

# %% [markdown]
# The two columns of percent nearly agree. The answer is right when the
# *last* rule that was drawn is about the request. A round with the wrong
# rule undoes what a round with the right rule has done. More rounds don't
# help: each one forgets the one before.
#
# The same over three seeds, and by size of the model. (From `python -m
# utils.evaluate.study revisions`; other seeds are other requests and other
# draws. Error bars are 95 % intervals over the seeds.)

# %%
revisions = load_rows("revisions")
KINDS = {
    "chapter": ("blue", "o", "-", "the whole chapter"),
    "one rule": ("vermillion", "s", "--", "one rule of it"),
    "any rule": ("black", "^", ":", "any rule"),
}


def percent(rows, figure="accuracy", **wanted):
    """Mean and the two lengths of its error bar, in per cent."""
    mean, low, high = (100 * x for x in over_seeds(rows, figure, **wanted))
    return mean, mean - low, high - mean


def bars(ax, x, points, **look):
    """Draw means with their intervals at places x."""
    means, below, above = zip(*points, strict=True)
    ax.errorbar(x, means, [below, above], capsize=3, **look)


fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 3.4), dpi=110, sharey=True, layout="constrained"
)
said = []
for kind, (color, marker, line, label) in KINDS.items():
    points = [
        percent(revisions, judge="lab", principles=kind, round=n)
        for n in range(5)
    ]
    look = {"color": PALETTE[color], "marker": marker, "ls": line}
    bars(axes[0], range(5), points, label=label, **look)
    numbers = ", ".join(f"{mean:.0f}" for mean, _, _ in points)
    said.append(f"lab, {label}, rounds 0 to 4: {numbers} %.")
    points = [
        percent(revisions, judge=name, principles=kind, round=1)
        for name in JUDGES
    ]
    bars(axes[1], range(len(JUDGES)), points, **look)
    numbers = ", ".join(
        f"{name} {mean:.0f}"
        for name, (mean, _, _) in zip(JUDGES, points, strict=True)
    )
    said.append(f"one round, {label}: {numbers} %.")
points = [
    percent(revisions, judge=name, principles="chapter, no critique")
    for name in JUDGES
]
look = {"color": PALETTE["sky"], "marker": "D", "ls": ""}
bars(
    axes[1],
    [place + 0.08 for place in range(len(JUDGES))],
    points,
    label="chapter, no critique",
    **look,
)
numbers = ", ".join(
    f"{name} {mean:.0f}"
    for name, (mean, _, _) in zip(JUDGES, points, strict=True)
)
said.append(
    f"answered under the chapter at once, no critique: {numbers} %."
)
axes[0].set_xticks(range(5))
axes[0].set_xlabel("round")
axes[0].set_ylabel("right action, %")
axes[0].set_title("lab, round by round")
axes[1].set_xticks(range(len(JUDGES)), JUDGES)
axes[1].set_title("one round, by size")
for ax in axes:
    ax.set_ylim(0, 105)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8, loc=(0.5, 0.62))
show(fig, "\n".join(said))

gained = percent(
    revisions, "gained", judge="lab", principles="one rule", round=3
)
lost = percent(
    revisions, "lost", judge="lab", principles="one rule", round=3
)
print(
    f"lab, one rule, round 3: {gained[0]:.0f} % of the answers became "
    f"right, {lost[0]:.0f} % became wrong."
)

# %% [markdown]
# Left: with one rule at a time, the curve jumps once and then stays. From
# the second round on, as many answers are lost as are gained. "Any rule" is
# drawn from the whole constitution; it is nearly always about something
# else, and the model follows it all the same.
#
# Right: what the size does. The diamonds are answers written under the
# chapter at once, without a critique. The paper finds that critiques help
# small models and hardly matter for large ones (its Figure 7). We can't
# confirm that: all our models are at the ceiling either way.
#
# So a revision needs a principle that fits. Let us see whether *labels* do
# better with principles that may not fit.
#
# ## 3. A label from two log-probabilities
#
# The second half (section 4) makes **preference labels**. The model reads a
# principle, a request and two answers, and is asked which one is better:
#
# ```
# system   Compare. CARD
# user     Request: TEXT A: FIRST B: SECOND Better?
# ```
#
# We don't let it write. We read off the log-probabilities of the next token
# for the two letters. What they say is a **soft label**: how probable it is
# that A is better, for a judge that says one of the two.
#
# ### Exercise: `letter_label`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) · 4 points ·
# 5 minutes
#
# $$p = \frac{p(\text{A})}{p(\text{A}) + p(\text{B})}$$
#
# You get logarithms. They can be far below zero, and then `exp` gives 0.


# %% exercise="letter_label"
def letter_label(logprobs: torch.Tensor) -> torch.Tensor:
    """The probability of A, for a judge that says A or B.

    logprobs : (..., 2) float: log p(A) and log p(B) of the next token
    returns  : (...) float
    """
    # BEGIN SOLUTION
    return logprobs.softmax(dim=-1)[..., 0]
    # END SOLUTION


# %% check="letter_label" points=4
check("letter_label", letter_label)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A softmax takes the exponential of numbers and divides by the sum. It is
# careful about very small ones.
# </details>
# <details><summary>Hint 2</summary>
#
# `logprobs.softmax(dim=-1)` has the shape of `logprobs`. Take column 0 of
# its last dimension: `[..., 0]`. (The sigmoid of the difference is the
# same.)
# </details>
#
# First the judge reads the whole chapter, then one rule of it (the first of
# the four that you drew).
#
# **Predict.** How often is the label right in each case? And how often is
# it *sure*, which is to say above 0.9 or below 0.1?

# %%
letter_label = use("letter_label", letter_label)
one_rule = [[drawn[0]] for drawn in draws]
said_of = {
    "chapter": in_both_orders(base, tokenizer, chapters, cases),
    "one rule": in_both_orders(base, tokenizer, one_rule, cases),
}  # (cases, orders, letters) each


def right_share(p):
    """The share of pairs in which the label names the right answer."""
    return ((p > 0.5) == truth).float().mean().item()


for name, logprobs in said_of.items():
    p = letter_label(logprobs[:, 0])  # the first answer stands in place A
    sure = ((p > 0.9) | (p < 0.1)).float()
    wrong = ((p > 0.5) != truth).float()
    print(
        f"{name:8}: right {right_share(p):.0%}, sure {sure.mean():.0%}, "
        f"sure and wrong {(sure * wrong).mean():.0%}"
    )

# %% [markdown]
# With the whole chapter the judge is right and sure. That would be a dull
# notebook, and an untypical judge: real principles are long and vague, and
# real judges err. So from now on we mostly look at the judge that reads
# **one rule**. It has a real handicap, and it does what real judges do: it
# is sure of a good part of its mistakes.
#
# ## 4. Does the place decide?
#
# The same question in two orders: as given, and with the answers exchanged.
# A judge that only looks at the answers turns its letter round as well. Its
# log-odds $\log p(A) - \log p(B)$ change sign.
#
# Each dot below is a pair of answers. Right: the judge says A when the
# first answer is A. Up: it says A when the second one is A. **A judge
# without a bias has all its dots on the falling line.** In the grey fields
# it says the same letter both times: there the place decides, not the
# answer.


# %%
def position_picture(ax, logprobs, title, limit):
    """Draw the log-odds of A in both orders, up to a limit."""
    odds = (logprobs[..., 0] - logprobs[..., 1]).float()  # (cases, orders)
    for x, y, letter in (
        (0, 0, "A both times"),
        (-limit, -limit, "B both times"),
    ):
        ax.add_patch(plt.Rectangle((x, y), limit, limit, fc="#E8E8E8"))
        at = (x + 0.04 * limit, y + 0.88 * limit)
        ax.text(*at, letter, fontsize=9)
    better = (odds[:, 0] - odds[:, 1] > 0) == truth
    for mask, marker, color, label in (
        (better, "o", PALETTE["blue"], "right over both orders"),
        (~better, "x", PALETTE["vermillion"], "wrong"),
    ):
        look = {"marker": marker, "color": color, "label": label}
        ax.scatter(odds[mask, 0], odds[mask, 1], s=18, **look)
    ax.plot([-limit, limit], [limit, -limit], color="black", lw=1)
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    ax.set_aspect("equal")
    ax.set_title(title)
    ax.set_xlabel("log-odds of A, first answer in A")
    found = position(odds[:, 0], odds[:, 1])
    return (
        f"{title}: the place decides in {found['turns']:.0%} of the pairs; "
        f"it adds {found['bias']:+.2f} to the log-odds of A,\n    the "
        f"answers typically move them by {found['strength']:.2f}."
    )


small = JUDGES[-1]
of_small = in_both_orders(judges[small], tokenizer, chapters, cases)
pictures = [
    (said_of["chapter"], "lab, whole chapter", 18),
    (said_of["one rule"], "lab, one rule", 18),
    (of_small, f"{small}, whole chapter", 0.8),
]
fig, axes = plt.subplots(
    1, 3, figsize=(11, 4), dpi=100, layout="constrained"
)
said = [
    position_picture(ax, *picture)
    for ax, picture in zip(axes, pictures, strict=True)
]
axes[0].set_ylabel("log-odds of A, second answer in A")
axes[0].legend(frameon=False, fontsize=9, loc="lower left")
show(fig, "\n".join(said))

# %% [markdown]
# Left: two clouds, far out on the line. What counts is the answers. Middle:
# some pairs are still out there, those that the rule is about. The others
# have moved in, and many of them lie in the grey fields.
# **A judge that doesn't know goes by the place.** Right: the smallest judge
# with the whole chapter, under a magnifying glass (look at the axes). It
# has hardly an opinion. The little that there is comes from the place,
# nearly always.
#
# ### Exercise: `cancel_order`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) · 4 points ·
# 6 minutes
#
# Lee et al. (2023, arXiv 2309.00267, section 2.1) ask in both orders and
# take the mean. `forward` is P(A) with the first answer in place A.
# `backward` is P(A) with the first answer in place **B**. Return the
# probability that the *first* answer is better: the mean of what both
# orders say about it.


# %% exercise="cancel_order"
def cancel_order(
    forward: torch.Tensor, backward: torch.Tensor
) -> torch.Tensor:
    """The probability that the first answer is better, from both orders.

    forward  : (...) float: P(A), the first answer in place A
    backward : (...) float: P(A), the first answer in place B
    returns  : (...) float
    """
    # BEGIN SOLUTION
    return (forward + 1 - backward) / 2
    # END SOLUTION


# %% check="cancel_order" points=4
check("cancel_order", cancel_order)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# In the second order, P(A) speaks for the *second* answer. What is left for
# the first one is 1 - P(A).
# </details>
# <details><summary>Hint 2</summary>
#
# Add what both orders say about the first answer, and halve it.
# </details>
#
# Suppose that the place adds a number $b$ to the log-odds of A, and the
# answers add $s$. Then $p = \frac12[\sigma(s+b) + \sigma(s-b)]$. For every
# $b$ this is above one half exactly when $s > 0$. So a bias can't turn the
# winner any more, however large it is. What it still does is to make the
# label *unsure*: for a large $b$, $p$ is close to one half. That is honest.
#
# **Predict.** What changes more, the share of right labels or the share of
# labels that are sure and wrong?

# %%
cancel_order = use("cancel_order", cancel_order)
for name, logprobs in said_of.items():
    a = letter_label(logprobs)  # (cases, orders)
    both = cancel_order(a[:, 0], a[:, 1])
    for orders, p in (("one order", a[:, 0]), ("both", both)):
        sure = (p > 0.9) | (p < 0.1)
        wrong = sure & ((p > 0.5) != truth)
        print(
            f"{name:8}, {orders:9}: right {right_share(p):.0%}, "
            f"sure and wrong {wrong.float().mean():.0%}"
        )

# %% [markdown]
# Over three seeds and for all judges (from
# `python -m utils.evaluate.study labels`):

# %%
labels = load_rows("labels")
ORDERS = {"one order": ("orange", "s"), "both orders": ("blue", "o")}
fig, axes = plt.subplots(
    2, 2, figsize=(9.5, 5.4), dpi=100, sharex=True, layout="constrained"
)
FIGURES = {"accuracy": "right labels, %", "sure_wrong": "sure and wrong, %"}
said = []
for (row, (figure, title)), (column, kind) in product(
    enumerate(FIGURES.items()), enumerate(("chapter", "one rule"))
):
    ax = axes[row, column]
    for shift, (orders, (color, marker)) in zip(
        (-0.08, 0.08), ORDERS.items(), strict=True
    ):
        points = [
            percent(
                labels, figure, judge=name, principles=kind, orders=orders
            )
            for name in JUDGES
        ]
        at = [place + shift for place in range(len(JUDGES))]
        look = {"color": PALETTE[color], "marker": marker, "ls": ""}
        bars(ax, at, points, label=orders, **look)
        numbers = ", ".join(
            f"{name} {mean:.0f}"
            for name, (mean, _, _) in zip(JUDGES, points, strict=True)
        )
        said.append(f"{title} {kind}, {orders}: {numbers}.")
    ax.set_ylabel(title)
    ax.set_ylim(*((40, 105) if row == 0 else (-2, 45)))
    ax.set_xticks(range(len(JUDGES)), JUDGES)
    ax.grid(axis="y", alpha=0.3)
axes[0, 0].set_title("the whole chapter")
axes[0, 1].set_title("one rule of it")
axes[0, 0].legend(frameon=False)
show(fig, "\n".join(said))

# %% [markdown]
# The large judge with one rule: both orders make its labels hardly more
# often right, but clearly less often sure and wrong. They can't do more:
# where the rule is about something else, there is no opinion to be
# uncovered.
#
# The two small judges stay near one half, even with the whole chapter. The
# smallest has no opinion that any order could uncover. The middle one has a
# faint one: in a single order the place drowns it, and both orders together
# bring out a little of it. (Neither is ever sure. That is to their credit.)
# The
# cards of the models say the same: look for `compare` in
# `utils/models/weights/lab_xs/card.json`. Section 6 comes back to them.

# %%
for name, covered in product(JUDGES, (True, False)):
    wanted = {"judge": name, "principles": "one rule", "covered": covered}
    right = percent(labels, **wanted)[0]
    turns = percent(labels, "turns", **wanted)[0]
    about = "is" if covered else "is not"
    print(
        f"{name:7} the rule {about:6} about the request: "
        f"right {right:.0f} %, the place decides in {turns:.0f} %"
    )

# %% [markdown]
# Look at the second line. Where the rule is not about the request, the
# large judge is right in *less* than half of the pairs. The right action
# can't be read off such a rule, but a wrong one can, and that is what it
# then prefers. Going by the wrong rule is worse than guessing.
#
# ### A controlled experiment
#
# How large must a bias be to do harm? Take the best judge (lab, whole
# chapter) and disturb it on purpose: add a **bias** for place A to its
# log-odds, or **noise** from a normal distribution, or both. The amount is
# given in units of the judge's own log-odds, so 1 means "as strong as the
# opinion itself".
#
# Asking in two orders costs twice as much. A fair rival asks twice in the
# *same* order: fresh noise, the same bias.
#
# **Predict.** Against which of the three disturbances does the rival do as
# well as both orders?

# %%
fig, axes = plt.subplots(
    1, 3, figsize=(10.5, 3.3), dpi=100, sharey=True, layout="constrained"
)
AMOUNTS = sorted({row["amount"] for row in labels if "amount" in row})
LINES = {
    "one order": ("orange", "s", ":"),
    "one order, twice": ("green", "^", "--"),
    "both orders": ("blue", "o", "-"),
}
said = []
for ax, kind in zip(axes, ("bias", "noise", "bias and noise"), strict=True):
    for orders, (color, marker, line) in LINES.items():
        points = [
            percent(labels, disturbance=kind, amount=amount, asked=orders)
            for amount in AMOUNTS
        ]
        look = {"color": PALETTE[color], "marker": marker, "ls": line}
        bars(ax, AMOUNTS, points, label=orders, **look)
        middle = points[AMOUNTS.index(1.0)][0]
        said.append(f"{kind}, amount 1, {orders}: right {middle:.0f} %.")
    ax.set_title(kind)
    ax.set_xlabel("amount")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("right labels, %")
axes[0].set_ylim(40, 104)
axes[0].legend(frameon=False, fontsize=9)
show(fig, "\n".join(said))

# %% [markdown]
# Against a pure bias only the second order helps, and it helps completely.
# Against pure noise it is only a second reading, no better than asking the
# same question twice. With both, the second order wins over the second
# reading.
#
# ## 5. Several principles
#
# One rule may miss the point. So ask under several, and put the answers
# together. The paper reports that its preference model became more robust
# when its labels came from an ensemble of 16 principles instead of one.
#
# ### Exercise: `ensemble_label`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 9 minutes
#
# From raw log-probabilities to labels, in one function. For each pair and
# each principle: `letter_label`, then `cancel_order`; then the mean over
# principles.


# %% exercise="ensemble_label"
def ensemble_label(logprobs: torch.Tensor) -> torch.Tensor:
    """One soft label for each pair, from k principles in both orders.

    logprobs : (n, k, 2, 2) float: pairs, principles, orders, letters A, B.
               Order 0 has the first answer in place A, order 1 in place B
    returns  : (n,) float: probability that the first answer is better
    """
    # BEGIN SOLUTION
    a = letter_label(logprobs)  # (n, k, orders)
    each = cancel_order(a[..., 0], a[..., 1])  # (n, k)
    return each.mean(dim=1)
    # END SOLUTION


# %% check="ensemble_label" points=5
check("ensemble_label", ensemble_label)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `letter_label` works on the last dimension, whatever comes before it. What
# shape does it return here?
# </details>
# <details><summary>Hint 2</summary>
#
# (n, k, 2): P(A) in each order. `a[..., 0]` is `forward`, `a[..., 1]` is
# `backward`.
# </details>
# <details><summary>Hint 3</summary>
#
# `cancel_order` gives (n, k). The mean over `dim=1` gives (n,).
# </details>
#
# There are other ways to put opinions together. Let each principle have one
# **vote** (a hard label). Or average **log-odds** instead of probabilities.
#
# **Predict.** Which of the three is best, and which is worst? Think of one
# principle that fits and is sure, and two that don't fit and waver.

# %%
ensemble_label = use("ensemble_label", ensemble_label)
spoken = torch.stack(
    [
        in_both_orders(base, tokenizer, [[d[i]] for d in draws], cases)
        for i in range(3)
    ],
    dim=1,
)  # (cases, principles, orders, letters)
a = letter_label(spoken)
each = cancel_order(a[..., 0], a[..., 1])
odds = spoken[..., 0] - spoken[..., 1]  # (cases, principles, orders)
ways = {
    "votes": (each > 0.5).float().mean(dim=1),
    "probabilities": ensemble_label(spoken),
    "log-odds": (odds[..., 0] - odds[..., 1]).mean(dim=1),
}
print(f"one principle    : right {right_share(each[:, 0]):.0%}")
for name, p in ways.items():
    middle = 0.0 if name == "log-odds" else 0.5
    hits = ((p > middle) == truth).float().mean()
    print(f"3, {name:14}: right {hits:.0%}")

# %%
SIZES = sorted({row["k"] for row in labels if "k" in row})
WAYS = {
    "log-odds": ("green", "^", "--"),
    "probabilities": ("blue", "o", "-"),
    "votes": ("orange", "s", ":"),
}
fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 3.4), dpi=100, sharey=True, layout="constrained"
)
told = []
for ax, kind in zip(axes, ("one rule", "any rule"), strict=True):
    for way, (color, marker, line) in WAYS.items():
        points = [
            percent(labels, judge="lab", principles=kind, ensemble=way, k=k)
            for k in SIZES
        ]
        look = {"color": PALETTE[color], "marker": marker, "ls": line}
        bars(ax, SIZES, points, label=way, **look)
        numbers = ", ".join(f"{mean:.0f}" for mean, _, _ in points)
        told.append(f"{kind}, {way}: {numbers} % for k = {SIZES}.")
    ax.set_xticks(SIZES)
    ax.set_xlabel("principles in the ensemble")
    ax.grid(alpha=0.3)
full = percent(
    labels, judge="lab", principles="chapter", orders="both orders"
)
axes[0].axhline(full[0], color="grey", lw=1)
axes[0].set_title("rules of the right chapter")
axes[1].set_title("rules of the whole constitution")
axes[0].set_ylabel("right labels, %")
axes[0].set_ylim(40, 104)
axes[1].legend(frameon=False)
told.append(f"Grey line: the whole chapter at once, {full[0]:.0f} %.")
show(fig, "\n".join(told))

# %% [markdown]
# Left: soft labels are what makes an ensemble work. A principle that fits
# is sure, one that doesn't wavers; in a mean of probabilities the sure one
# counts for more. In log-odds it counts for still more. In a vote all are
# equal, and the ensemble hardly gains. The chapter in one context is better
# than any ensemble of its parts.
#
# Right: with rules of the whole constitution nothing helps. The judge
# follows whatever rule it reads, also one about something else, and is
# often sure of it. **An ensemble takes away the luck of the draw. It can't
# supply the principle that hardly any of its members holds.**

# %% [markdown]
# ## 6. Does a label mean what it says?
#
# Of all pairs with a label near 0.8, the first answer should be better in
# eight out of ten. Such a judge is **calibrated**. To see it, sort the
# labels into bins, and compare the mean label of each bin with the share of
# truth in it.
#
# ### Exercise: `reliability`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 9 minutes
#
# Bin $b$ holds the labels with $b/\text{bins} \le p < (b+1)/\text{bins}$.
# The last bin holds $p = 1$, too. An empty bin has no mean: leave nan
# there.


# %% exercise="reliability"
def reliability(
    p: torch.Tensor, truth: torch.Tensor, bins: int = 10
) -> torch.Tensor:
    """What labels say, and how often it is true.

    p       : (n,) float: probability that the first answer is better
    truth   : (n,) bool: whether it is
    returns : (bins, 3) float: number of labels, their mean, and the share
              of True among their truths; nan and nan in an empty bin
    """
    # BEGIN SOLUTION
    index = (p * bins).long().clamp(max=bins - 1)
    member = index == torch.arange(bins)[:, None]  # (bins, n)
    count = member.sum(dim=1).float()
    mean = (member * p).sum(dim=1) / count
    share = (member * truth).sum(dim=1) / count
    return torch.stack([count, mean, share], dim=1)
    # END SOLUTION


# %% check="reliability" points=5
check("reliability", reliability)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `(p * bins).long()` is the number of the bin. For p = 1 it is one too
# many: `.clamp(max=bins - 1)`.
# </details>
# <details><summary>Hint 2</summary>
#
# For one bin: `own = index == b`, then `own.sum()`, `p[own].mean()` and
# `truth[own].float().mean()`. The mean of nothing is nan by itself.
# </details>
# <details><summary>Hint 3</summary>
#
# `torch.stack([count, mean, share], dim=1)` makes three columns of three
# rows.
# </details>

# %%
reliability = use("reliability", reliability)
one = letter_label(said_of["one rule"])
for name, p in {
    "one order": one[:, 0],
    "both orders": cancel_order(one[:, 0], one[:, 1]),
}.items():
    print(f"lab, one rule, {name}\n  labels  mean  true")
    for count, mean, share in reliability(p, truth, 5).tolist():
        print(f"  {count:6.0f}  {mean:4.2f}  {share:4.2f}")

# %% [markdown]
# Two hundred pairs are few for five bins. The figure has the pairs of three
# seeds, and ten bins. The larger a mark, the more labels it stands for.
# Bins with fewer than 15 labels are left out.


# %%
def merged_bins(**wanted):
    """Bins over all seeds: mean label, share of truth, and count."""
    found = {}
    for row in labels:
        if all(row.get(key) == value for key, value in wanted.items()):
            found.setdefault(row["bin"], []).append(row)
    for _, rows in sorted(found.items()):
        n = sum(row["n"] for row in rows)
        if n < 15:
            continue  # too few to draw a share of
        mean = sum(row["n"] * row["mean"] for row in rows) / n
        yield mean, sum(row["n"] * row["right"] for row in rows) / n, n


METHODS = {
    "one order": ("orange", "s", ":"),
    "both orders": ("blue", "o", "-"),
    "reasoned": ("purple", "v", "--"),
}
fig, axes = plt.subplots(
    1, len(JUDGES), figsize=(11, 3.9), dpi=100, sharey=True,
    layout="constrained",
)  # fmt: skip
told = []
for ax, name in zip(axes, JUDGES, strict=True):
    ax.plot([0, 1], [0, 1], color="grey", lw=1)
    for method, (color, marker, line) in METHODS.items():
        wanted = {"judge": name, "principles": "one rule"}
        points = [*merged_bins(calibration=method, **wanted)]
        mean, share, n = zip(*points, strict=True)
        ax.plot(mean, share, ls=line, color=PALETTE[color], lw=1)
        sizes = [10 + 150 * count / sum(n) for count in n]
        look = {"marker": marker, "color": PALETTE[color]}
        ax.scatter(mean, share, sizes, label=method, **look)
        off = sum(c * abs(m - s) for m, s, c in points) / sum(n)
        told.append(
            f"{name}, {method}: mean distance to the line {off:.2f}."
        )
    ax.set_title(name)
    ax.set_xlabel("mean label")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("share of truth")
axes[0].legend(frameon=False, fontsize=9)
show(fig, "\n".join(told))

# %% [markdown]
# A calibrated judge follows the grey line. A curve that is flatter than the
# line belongs to a judge that is **too sure**: it says 0.99 and is right
# less often than that. The large judge is. Where it says something between
# 0.1 and 0.9, its curve is nearly flat: such a label tells hardly anything.
# Two orders move labels away from the ends, because a judge that
# contradicts itself lands near one half. That brings it closer to the line
# on the whole.
#
# The small judges, asked for letters in both orders, sit on the line, at
# one half. **Calibrated is not yet useful**: "I don't know" is always true.
#
# ### And if the judge thinks first?
#
# The purple marks are **reasoned** labels. The judge first writes for each
# answer what the rule asks for, what the answer does, and "yes" or "no".
# The label is made of the two probabilities of "yes". In the paper, chain
# of thought makes judges better, large ones most, and their labels nearly 0
# or 1.
#
# **Predict.** The small judges could not choose a letter. Will they do
# better when they write first?

# %%
for kind, name in product(("chapter", "one rule"), JUDGES):
    wanted = {"judge": name, "principles": kind}
    right, amiss = (
        [
            percent(labels, figure, orders=way, **wanted)[0]
            for way in ("both orders", "reasoned")
        ]
        for figure in ("accuracy", "sure_wrong")
    )
    print(
        f"{kind:8}, {name:6}: letters {right[0]:3.0f} % right, "
        f"{amiss[0]:2.0f} % sure and wrong; "
        f"reasoned {right[1]:3.0f} %, {amiss[1]:2.0f} %"
    )

# %% [markdown]
# With the whole chapter, the small judges go from guessing to nearly always
# right: the same weights, the same card, the same answers. To choose a
# letter at once a model has to find the intent, look it up and compare two
# answers, all within one pass through its few layers. Writing lets it do
# one step at a time, and read off the page what it has found. Stage 2 of
# this course is built on that.
#
# With one rule, reasoning repairs nothing for the large judge. Where the
# card has no entry for the intent, the judge writes one down all the same,
# and then believes what it has written: more of its labels are sure and
# wrong than with two orders of letters. **Reasoning makes up for few
# layers, not for missing knowledge.**
#
# ## 7. What the labels do to a model
#
# A reward model learns from labels by the Bradley-Terry loss. With $z$ the
# difference of the two rewards and $p$ the label,
#
# $$L = -\,p \log \sigma(z) - (1 - p) \log \sigma(-z), \qquad
#   \frac{\partial L}{\partial z} = \sigma(z) - p$$
#
# The pull stops where $\sigma(z) = p$, at $z^* = \log\frac{p}{1-p}$. A
# **hard** label (p = 1) never stops pulling. A **soft** one stops at a
# finite gap. To **clamp** is to push a label into a range: 40-60 turns
# 0.999 into 0.6.

# %% tags=["nbval-check-output"]
z = torch.linspace(-4, 8, 121)
FORMS = {
    "hard, p = 1": (1.0, "black", "-"),
    "soft, p = 0.95": (0.95, "blue", "--"),
    "clamped 20-80": (0.8, "green", "-."),
    "clamped 40-60": (0.6, "vermillion", ":"),
}
fig, ax = plt.subplots(figsize=(7, 3.2), dpi=110, layout="constrained")
told = []
for name, (p, color, line) in FORMS.items():
    ax.plot(z, p - z.sigmoid(), line, color=PALETTE[color], label=name)
    best = torch.tensor(p).logit().item()
    if p < 1:
        ax.plot([best], [0], "o", color=PALETTE[color])
    stops = f"stops at z = {best:.2f}" if p < 1 else "never stops"
    told.append(f"{name}: pulls with {p - 0.5:.2f} at z = 0, {stops}.")
ax.axhline(0, color="grey", lw=1)
ax.set_xlabel("z: how much more reward the preferred answer gets")
ax.set_ylabel("pull, p - sigmoid(z)")
ax.legend(frameon=False)
ax.grid(alpha=0.3)
show(fig, "\n".join(told))

# %% [markdown]
# Dots mark where each label stops pulling. Beyond its dot, it pulls back.
#
# **Predict.** A quarter of the labels is wrong, and all of them say 0.999.
# A reward model can't tell which are wrong. What gap does it learn: 6.9,
# which every single label asks for, or something else? And with labels
# clamped to 40-60?
#
# <details><summary>Answer</summary>
#
# It learns the mean label. With a share $w$ of wrong labels the mean is
#
# $$q = (1 - w)\,p + w\,(1 - p)$$
#
# and the gap is $\log\frac{q}{1-q}$. The next cell has the numbers. So
# right and wrong labels soften *each other*, as long as the model can't
# learn single pairs by heart.
# </details>

# %% tags=["nbval-check-output"]
print(f"{WRONG:.0%} of the labels wrong")
for name, p in (("0.999", 0.999), ("20-80", 0.8), ("40-60", 0.6)):
    q = torch.tensor((1 - WRONG) * p + WRONG * (1 - p))
    print(f"  {name}: mean label {q:.2f}, expected gap {q.logit():.2f}")

# %% [markdown]
# The experiment: reward models, all trained in the same way on the same
# pairs. Only the labels differ. *One rule* is the judge of section 5 with
# one rule, in both orders. *Sure* is made up: it says 0.999, and a quarter
# of it is wrong. (From `python -m utils.evaluate.study label_training`.)

# %%
trained = load_rows("label_training")
RUNS = [("truth", "hard")] + [
    (source, form)
    for source in ("one rule", "sure")
    for form in ("hard", "soft", "clamped 20-80", "clamped 40-60")
    if (source, form) != ("sure", "hard")  # 0.999 is hard already
]
fig, axes = plt.subplots(
    1, 2, figsize=(10, 3.8), dpi=100, sharey=True, layout="constrained"
)
told = []
for ax, (figure, title, factor) in zip(
    axes,
    (("accuracy", "right on new pairs, %", 1), ("gap", "median gap", 0.01)),
    strict=True,
):
    for y, (source, form) in enumerate(RUNS):
        wanted = {"labels": source, "form": form}
        mean, below, above = (
            factor * x for x in percent(trained, figure, **wanted)
        )
        color = {"truth": "black", "one rule": "blue", "sure": "vermillion"}
        marker = {"truth": "*", "one rule": "o", "sure": "s"}
        ax.errorbar(
            mean,
            y,
            xerr=[[below], [above]],
            capsize=3,
            marker=marker[source],
            color=PALETTE[color[source]],
        )
        told.append(f"{title}, {source}, {form}: {mean:.3g}.")
    ax.set_xlabel(title)
    ax.grid(axis="x", alpha=0.3)
axes[0].set_yticks(range(len(RUNS)), [f"{s}: {f}" for s, f in RUNS])
axes[0].invert_yaxis()
show(fig, "\n".join(told))

# %% [markdown]
# What we can say, and what not:
#
# - **Soft against hard** (one rule): the soft labels give the better reward
#   model in every seed, both in right answers and in the Brier score below.
#   It is not by much: seed by seed they win, but the intervals overlap. An
#   unsure label asks for a gap near 0 instead of pulling with full force.
# - **Clamping** makes the gaps smaller, roughly as the formula says. It did
#   **not** make the reward model better. With 20-80 we can't see a
#   difference. With 40-60 it was *less* often right than with the labels as
#   they were, in every seed and for both sources. A clamp can't know which
#   label is wrong. It makes right labels weaker, too.
# - No reward model is better than its labels.
#
# Bai et al. report something else, from another place. Their labels with
# chain of thought were nearly 0 or 1. Clamped to 20-80 they worked somewhat
# better, to 40-60 better still, and without a clamp reinforcement learning
# brought out extreme answers. There the *size* of the gaps matters: it is
# the reward that the policy chases, against a fixed penalty for moving
# away. A test of ranking, like ours, doesn't see that.

# %%
for form in ("hard", "soft", "clamped 20-80", "clamped 40-60"):
    mean, low, high = over_seeds(
        trained, "brier", labels="one rule", form=form
    )
    print(
        f"one rule, {form:13}: Brier score {mean:.3f} "
        f"[{low:.3f}, {high:.3f}] (lower is better; 0.25 is a coin)"
    )

# %% [markdown]
# ## 8. Sit at the judge's desk
#
# First two readings as a figure. The same request and the same two answers;
# above, the judge reads the whole chapter, below, one rule. It is the pair
# of our two hundred in which the place weighs most: no typical case. In the
# second bar the second answer stands in place A, on the left. A judge
# without a bias turns its bar round.


# %%
def ask_judge(name, card, text, first, second):
    """Log-probabilities (orders, letters) of a judge."""
    chats = [
        prompts.compare(card, text, first, second),
        prompts.compare(card, text, second, first),
    ]
    return letter_logprobs(judges[name], tokenizer, chats)


most = (letter_label(said_of["one rule"]).sum(dim=1) - 1).abs().argmax()
shown = cases[most]
two = (shown.first, shown.second)
fig, axes = plt.subplots(
    2, 1, figsize=(7, 4.4), dpi=110, sharex=True, layout="constrained"
)
told = [f"request: {shown.request.text}"]
told += [f"first: {two[0]}", f"second: {two[1]}"]
for ax, rules in zip(axes, (chapters[most], one_rule[most]), strict=True):
    card = prompts.card(rules)
    reading = read(ask_judge("lab", card, shown.request.text, *two))
    draw_reading(ax, reading)
    ax.set_title(card, fontsize=8)
    told += [card, describe_reading(reading)]
axes[0].set_xlabel("")
handles, names = axes[1].get_legend_handles_labels()
fig.legend(handles, names, loc="outside lower center", ncols=2)
show(fig, "\n".join(told))

# %% [markdown]
# Now yours. Choose a judge, a request, what it reads, and the actions of
# the two answers.

# %%
by_action = {case.request.action(): case.request for case in cases}
desk = JudgeDesk(ask_judge, JUDGES, [shown.request, *by_action.values()])
display(desk)

# %% [markdown]
# Things to look for:
#
# - a rule that is not about the request: does the judge turn its bar round?
# - two answers with the *same* action. What should the label be, and what
#   does each order say?
# - "another chapter": is the judge unsure, as it should be?
# - the smallest judge with the whole chapter.
#
# ## Summary
#
# - **SL-CAI**: answer, critique, revision. With the right chapter one round
#   is enough here. With principles drawn at random the answer is as good as
#   the *last* draw, and more rounds don't add up.
# - A **soft label** is p(A) / (p(A) + p(B)). It costs nothing more than a
#   hard one.
# - A judge that doesn't know goes by the **place**. Asking in both orders
#   cancels that. The winner is never turned by a bias, and sure mistakes
#   become unsure ones. Against noise it is a second reading and no more.
# - **Ensembles** need soft labels: the principle that fits is sure, the
#   others waver. They can't supply a principle that hardly any of them
#   holds.
# - A label can be checked for **calibration** where the truth is known.
# - **Reasoned** labels let small judges do in writing what they can't do in
#   one pass. They don't replace a missing principle.
# - **Soft labels** train a slightly better reward model than hard ones.
#   **Clamping** makes the reward gaps small; it did not make them more
#   right.
#
# **What was not shown.** Whether AI labels differ from *people's*: our
# truth is a table. Principles as long texts, which a judge has to
# interpret. Candidates sampled from one model (section 4 of the paper):
# ours are made from the truth, one right and one wrong, so no pair is a
# tie. More than one judge of each size: seeds vary requests and draws, the
# judges stay. Our judges were pretrained to compare answers under random
# rules, so the share of right labels under a whole chapter says nothing
# about large models. What unclamped labels do to reinforcement learning,
# which is where the paper saw the harm.
#
# **Further reading**
#
# - Bai et al. 2022, *Constitutional AI: Harmlessness from AI Feedback*,
#   arXiv 2212.08073 (sections 3 and 4, Figures 4 and 7)
# - Lee et al. 2023, *RLAIF vs. RLHF: Scaling Reinforcement Learning from
#   Human Feedback with AI Feedback*, arXiv 2309.00267 (position bias, soft
#   labels, size of the labeller)
# - Zheng et al. 2023, *Judging LLM-as-a-Judge with MT-Bench and Chatbot
#   Arena*, arXiv 2306.05685 (position bias of large judges)
#
# Solutions:
# [solutions/11_ai_feedback.ipynb](../solutions/11_ai_feedback.ipynb). Next:
# notebook 12, the reward model.
