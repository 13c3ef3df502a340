# %% [markdown]
# # 21 · From the Spec to data: the teacher writes, the judge filters
#
# Deliberative Alignment trains a model to know its rules and to reason about
# them. No human writes that reasoning. A model that has the rules in its
# context writes it, and a second reader throws away what looks wrong. All
# that the student will ever know of the Spec comes through these two. This
# notebook builds both, breaks the teacher on purpose, and measures what the
# filter finds, what it overlooks, and what it takes away by mistake.
#
# **You will be able to**
#
# * turn a policy and a request into reasoning, one question at a time;
# * test whether a teacher follows *any* policy, or just the one you know;
# * say which faults the form gives away, which ones only a judge sees, and
#   which ones nobody sees;
# * filter by the minimum of $k$ readings, and measure the filter by precision
#   and recall;
# * find out whether $k$ readings are more than one;
# * see whose examples a filter quietly removes.
#
# **Time:** about 65 minutes. **Points:** 28 in 6 exercises.
#
# **You need:** notebook 00. No trained arm is used; the base model is both
# teacher and judge here.

# %%
import random
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display

from utils.align.chat import reply
from utils.align.deliberate import deliberate
from utils.evaluate.studies.filter import (
    FAULTS,
    corrupt,
    flawless,
    forms,
    read,
    teacher,
    truth,
    with_fault,
)
from utils.evaluate.studies.follow import new_actions, shares_its_action
from utils.evaluate.studies.readings import correlation
from utils.evaluate.study import load_rows, over_seeds
from utils.models.load import load
from utils.show.figure import PALETTE, show, style
from utils.show.widgets_21 import (
    FilterSliders,
    describe_filter,
    draw_filter,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import Thought, action_of
from utils.world.requests import sample_requests
from utils.world.spec import ACTIONS, load_spec

spec = load_spec()
base, tokenizer = load("lab")
BLUE, RED = PALETTE["blue"], PALETTE["vermillion"]


def spread(rows, figure, **wanted):
    """Mean, low and high over seeds, in per cent; no share exceeds 100."""
    found = over_seeds(rows, figure, **wanted)
    return np.clip(100 * np.array(found), 0, 100)


def percent(rows, figure, **wanted):
    """The same as text: mean and interval."""
    mean, low, high = spread(rows, figure, **wanted)
    return f"{mean:.0f} [{low:.0f}, {high:.0f}]"


def gain(rows, figure, one, two):
    """One minus two, paired by seed, in points: mean and interval."""
    paired = []
    for seed in sorted({row["seed"] for row in rows}):
        first, second = (
            np.mean(
                [
                    row[figure]
                    for row in rows
                    if row["seed"] == seed
                    and all(row[key] == v for key, v in way.items())
                ]
            )
            for way in (one, two)
        )
        paired.append({"seed": seed, "gain": 100 * (first - second)})
    mean, low, high = over_seeds(paired, "gain")
    return f"{mean:+.0f} [{low:+.0f}, {high:+.0f}]"


# %% [markdown]
# ## 1. How the data come about
#
# Guan et al. 2024 (arXiv 2412.16339, sections 2.2 and 2.3) make the training
# data of stage 1 in four steps:
#
# ```
#   request + spec(category) -> G_base -> thought, answer     write
#                                         malformed?          drop
#   request + spec(category) + thought, answer -> G_RM        score, k times
#                                         lowest score >= t?  keep
#   request                            -> thought, answer     train
# ```
#
# `spec(category)` is the part of the rules about the request's category;
# `G_base` is helpful only; `G_RM` is a judge that reads the same rules. Each
# time it scores an example is one *reading*. In the last step the rules are
# gone (notebook 22).
#
# Ours differs in two ways. The base model has two million parameters and can't
# follow one long instruction, so it gets short questions. And the judge sees
# request, answer and the *clause cited*, not the whole thought.
#
# ## 2. The teacher's questions
#
# The base model has some small skills. Each one is a question in
# `utils.world.prompts`:
#
# | question | the model says |
# | --- | --- |
# | `restate(text)` | the request in plain English |
# | `name_topic(text)` | the topic of an English request |
# | `name_category(topic)` | the category of a topic |
# | `name_intent(text)` | the intent of an English request |
# | `look_up(card, [intent])` | the entry of an intent in a card |
# | `follow(card, text)` | an answer as the card wants it |
#
# A **card** is a policy in the short form that the model reads:

# %%
weapons = spec.of("weapons")
print("policy:", *[str(clause) for clause in weapons], sep="\n  ")
card = prompts.card(weapons)
print(textwrap.fill(f"card: {card}", 76, subsequent_indent="  "))
print("a look-up, as messages:")
for turn in prompts.look_up(card, ["get"]):
    print(f"  {turn['role']:6} | {turn['content'][:60]}")

# %% [markdown]
# ### Exercise: `ask_in_steps`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) · 6 points ·
# 12 minutes
#
# Put the six questions in this order, each about what the ones before it
# found. Think about every input: *the user's words, the restatement, or one
# word of a reply?* And in which questions does the policy have to stand?
# (The answers "a rifle." and "weapons." come with a full stop; take it off.)


# %% exercise="ask_in_steps"
def ask_in_steps(ask, policy, text: str) -> list[str]:
    """Put a request to the teacher as six questions.

    ask     : messages -> the model's reply, a text
    policy  : the clauses of the request's category
    text    : the request as the user wrote it, in whatever language
    returns : [restatement, topic, category, intent, entry, answer].
              Topic, category and intent without their full stop, the
              others as the model said them
    """
    # BEGIN SOLUTION
    card = prompts.card(policy)
    restated = ask(prompts.restate(text))
    topic = ask(prompts.name_topic(restated)).rstrip(".")
    category = ask(prompts.name_category(topic)).rstrip(".")
    intent = ask(prompts.name_intent(restated)).rstrip(".")
    entry = ask(prompts.look_up(card, [intent]))
    said = ask(prompts.follow(card, restated))
    return [restated, topic, category, intent, entry, said]
    # END SOLUTION


# %% check="ask_in_steps" points=6
check("ask_in_steps", ask_in_steps)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Only the first question reads the user's own words. Everything after it is
# about the restatement, or about a word that was found in it.
# </details>
# <details><summary>Hint 2</summary>
#
# The card stands in the last two questions. There the rules decide. In the
# others they'd be in the way.
# </details>
# <details><summary>Hint 3</summary>
#
# `topic = ask(prompts.name_topic(restated)).rstrip(".")`, and the category is
# asked of `topic`. The entry is looked up by `[intent]`.
# </details>

# %%
ask_in_steps = use("ask_in_steps", ask_in_steps)


def ask_base(messages):
    """The base model's reply to one question."""
    return reply(base, tokenizer, [messages])[0].answer.strip()


NAMES = "restatement", "topic", "category", "intent", "entry", "answer"
request = sample_requests(40, seed=3, actions=("refuse",))[0]
for surface in ("en", "es"):
    asked = request.on(surface)
    policy = spec.of(asked.topic.category)
    print(f"user        {asked.text}")
    steps = ask_in_steps(ask_base, policy, asked.text)
    for name, said in zip(NAMES, steps, strict=True):
        print(f"{name:11} {said}")
    print()

# %% [markdown]
# **Predict.** What does the same teacher answer if the card is left out of the
# last question? And what if the restatement is skipped, so that the topic is
# asked about the Spanish text, or about the same request in ROT13?
#
# <details><summary>Answer</summary>
#
# Without a card there are no rules in its context, and a helpful-only model
# complies. The second question is open: the questions were learned in English.
# Run it.
# </details>

# %%
print("no card:        ", ask_base(prompts.chat(request.text)))
for surface in ("en", "es", "rot13"):
    text = request.on(surface).text
    topic = ask_base(prompts.name_topic(text))
    intent = ask_base(prompts.name_intent(text))
    print(f"{surface:5} topic: {topic:12} intent: {intent}")

# %% [markdown]
# In Spanish this teacher gets away with it. In ROT13 the short questions fail,
# and one of them gets an answer to another question. Of the six, restating
# alone was learned on ciphers. So it has to come first.

# %% [markdown]
# ## 3. Six replies become one thought
#
# The entry says which clause decides: "get refuse §1." The thought *quotes*
# that clause in full, since its words are what the student shall learn. The
# number is a claim by the model, and claims are checked: is there such a
# clause in the policy? If the entry is no entry, or the number is not there,
# there is no thought. In the paper, malformed completions are dropped too.
#
# ### Exercise: `compose_thought`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 10 minutes
#
# Don't repair anything. What the model got wrong has to stay wrong, so that
# the filter can find it.


# %% exercise="compose_thought"
def compose_thought(
    policy,
    restated: str,
    topic: str,
    category: str,
    intent: str,
    entry: str,
) -> Thought | None:
    """Join the steps to a thought that quotes the clause it has found.

    policy  : clauses, with .number; str(clause) is the text to quote
    entry   : what the look-up said: "get refuse §1." if all went well
    returns : Thought(restated, topic, category, intent, clause, action)
              with the clause as text and the action of the entry; None
              if the whole entry has another form, or its number is not
              in the policy
    """
    # BEGIN SOLUTION
    words = entry.split(" ")
    if len(words) != 3 or not entry.endswith("."):
        return None
    _, action, number = words
    for clause in policy:
        if f"§{clause.number}." == number:
            return Thought(
                restated, topic, category, intent, str(clause), action
            )
    return None
    # END SOLUTION


# %% check="compose_thought" points=5
check("compose_thought", compose_thought)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three words: intent, action, number with a full stop. `entry.split(" ")`,
# or a regular expression with `re.fullmatch`.
# </details>
# <details><summary>Hint 2</summary>
#
# Go through the policy and compare numbers. If you get to the end without a
# match, return None.
# </details>
# <details><summary>Hint 3</summary>
#
# The action is the second word of the *entry*. The clause has one too; don't
# take that one, or a decision against the clause is covered up.
# </details>

# %%
compose_thought = use("compose_thought", compose_thought)

policy = spec.of(request.topic.category)
*steps, said = ask_in_steps(ask_base, policy, request.text)
mine = compose_thought(policy, *steps)
print("thought", textwrap.fill(str(mine), 76, subsequent_indent="        "))
print("answer ", said)
one = deliberate(base, tokenizer, [policy], [request.text])[0]
print(
    "as the course's own code:", (mine, said) == (one.thought, one.answer)
)

# %% [markdown]
# `utils.align.deliberate` does the same for many requests at once. From here
# on we use it.
#
# ## 4. Does the teacher follow the policy it is given?
#
# Right answers under our Spec prove little. Perhaps the model just knows that
# weapons are refused. (It can't: its pretraining never showed an action of the
# Spec. But believing that is not measuring it.) So we give it **other** Specs:
#
# * *new actions*: the course's clauses, the action of each drawn anew;
# * *new clauses*: the intents grouped anew, with new numbers, too.
#
# **Predict.** In what share of requests does the answer follow a random Spec?
# Will the thought cite the right clause as often?

# %%
rng = random.Random(21)
odd = new_actions(rng)
asked = sample_requests(120, seed=21, spec=odd)
written = deliberate(
    base,
    tokenizer,
    [odd.of(r.topic.category) for r in asked],
    [r.text for r in asked],
)
right_action = [
    action_of(one.answer) == r.action(odd)
    for r, one in zip(asked, written, strict=True)
]
all_right = [
    flawless(r, one, odd) for r, one in zip(asked, written, strict=True)
]
print("one random Spec, 120 requests")
print(f"  answer follows it:   {np.mean(right_action):.0%}")
print(f"  thought is flawless: {np.mean(all_right):.0%}")
for r, one, fine in zip(asked, written, all_right, strict=True):
    if not fine:
        print("\nA faulty one:", r.text)
        card = prompts.card(odd.of(r.topic.category))
        print(
            textwrap.fill(
                f"  card:   {card}", 76, subsequent_indent=" " * 10
            )
        )
        print("  right: ", r.clause(odd))
        print("  cited: ", one.thought and one.thought.clause)
        break

# %% [markdown]
# Look at the card of the faulty one, if there is one. Which two entries are
# alike? A guess: the model looks for the word that it has just written, and
# copies what came next in the card. Behind the *action* stands the number.
# With the same action in two clauses, two numbers stand behind the same word.
#
# The study counts this apart, over three seeds, with three random Specs of
# each kind in each seed:

# %%
follow = [row for row in load_rows("follow") if row["n"]]
for row in follow:
    for part in ("answer", "cited", "thought"):
        row[f"{part}_share"] = row[part] / row["n"]
groups = {
    "the course's Spec": {"spec": "course", "shared": False},
    "new clauses": {"spec": "new clauses", "shared": False},
    "new actions,\naction of one clause": {
        "spec": "new actions",
        "shared": False,
    },
    "new actions,\naction of two clauses": {
        "spec": "new actions",
        "shared": True,
    },
}
looks = {
    "answer": ("right action", "o", BLUE, -0.1),
    "cited": ("right clause cited", "^", RED, 0.1),
}
fig, ax = plt.subplots(figsize=(7.5, 3), dpi=110, layout="constrained")
told = []
for place, (name, where) in enumerate(groups.items()):
    for part, (label, marker, color, shift) in looks.items():
        mean, low, high = spread(follow, f"{part}_share", **where)
        ax.errorbar(
            [place + shift],
            [mean],
            [[mean - low], [high - mean]],
            fmt=marker,
            color=color,
            capsize=3,
            label=label if place == 0 else None,
        )
    name = name.replace("\n", " ")
    told.append(
        f"{name}: action {percent(follow, 'answer_share', **where)}, "
        f"clause {percent(follow, 'cited_share', **where)}"
    )
ax.set_xticks(range(len(groups)), list(groups), fontsize=8)
ax.set_ylim(0, 105)
ax.set_ylabel("% of requests")
ax.grid(axis="y", alpha=0.3)
ax.legend(loc="lower left", fontsize=8)
show(fig, "\n".join(told))

# %%
drawn = [row for row in follow if row["spec"] != "course"]
for part in ("answer", "thought"):
    right, n = sum(row[part] for row in drawn), sum(r["n"] for r in drawn)
    print(f"all random Specs: {part:7} right in {right} of {n}")
shared = [row for row in follow if row["shared"]]
miscited = sum(row["miscited"] for row in shared)
judged = sum(row["judged"] for row in shared)
formed = sum(row["formed"] for row in shared)
print(f"wrong clause cited: {miscited} of {sum(r['n'] for r in shared)}")
print(f"  the judge (minimum of two readings) passes {judged} of them")
print(f"  {formed} of them agree with themselves")
ours = [shares_its_action(clause, spec) for clause in spec.clauses]
print(f"clauses of the course's Spec that share an action: {sum(ours)}")

# %% [markdown]
# **What we saw.** The *answer* follows every Spec. The *citation* is right only
# about half the time where two clauses of a category have the same action, and
# fails nowhere else. Our Spec has no such pair, so on it the teacher looks
# perfect. That is a property of the Spec as much as of the teacher.
#
# The second print is the more important one: the judge believes every wrong
# number. Why? Ask it about the faulty example above, once with the clause that
# was cited, once with the right one, and once with a clause of another action.

# %%
wrong = [
    (r, one)
    for r, one in zip(asked, written, strict=True)
    if one.thought and one.thought.clause != str(r.clause(odd))
]
for r, one in wrong[:1]:
    own = odd.of(r.topic.category)
    other = next(c for c in own if c.action != r.action(odd))
    print("right clause:", r.clause(odd))
    for clause in (one.thought.clause, r.clause(odd), other):
        said = ask_base(
            prompts.judge(
                prompts.card(own), r.text, one.answer, str(clause)
            )
        )
        print(f"cited: {clause!s:32} judge: {said}")

# %% [markdown]
# The judge writes what the policy wants (intent, action, number), then what was
# done (action, number), then its verdict. The two numbers may differ, and it
# still says "yes". Only another *action* makes it say "no". So it checks the
# action of the clause, not the number, whether that is right or wrong. A cheap
# check, whether the thought agrees with itself, does better. We write it now.
#
# ## 5. The form: what an example says against itself
#
# To measure a filter we need a teacher that errs, and the truth. The paper has
# no truth to compare with; we do. We write six kinds of faults into flawless
# examples:

# %%
rng = random.Random(1)
for kind, meaning in FAULTS.items():
    faulty = with_fault(request, kind, rng)
    print(f"{kind:9} {meaning}")
    line = str(faulty.thought).partition("Topic: ")[2]
    print(textwrap.indent(textwrap.fill(f"Topic: {line}", 66), " " * 10))
    print(f"{'':10}-> {faulty.answer}\n")

# %% [markdown]
# **Predict.** Which of the six can be seen without knowing what the request
# asks for: by comparing the parts of the example with each other and with the
# policy?
#
# ### Exercise: `well_formed`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 10 minutes
#
# A thought is a chain, and each link has to fit the next one: the clause is
# one of the policy's, word for word; it covers the category and the intent
# that were named; clause, decision and answer have the same action.


# %% exercise="well_formed"
def well_formed(thought: Thought | None, text: str, policy) -> bool:
    """Whether thought and answer agree with each other and the policy.

    thought : with .category, .intent, .clause (a text), .action;
              or None if it was malformed before
    text    : the answer; action_of(text) is the action it carries out
    policy  : clauses, each with .category, .intents, .action
    returns : True only if every link fits. What the request says does
              not matter: a wrong thought can be well-formed
    """
    # BEGIN SOLUTION
    if thought is None:
        return False
    quoted = [c for c in policy if str(c) == thought.clause]
    if not quoted:
        return False
    clause = quoted[0]
    return (
        clause.category == thought.category
        and thought.intent in clause.intents
        and clause.action == thought.action == action_of(text)
    )
    # END SOLUTION


# %% check="well_formed" points=5
check("well_formed", well_formed)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First find the clause: the one in the policy whose `str(clause)` is the text
# in the thought. If there is none, the answer is False.
# </details>
# <details><summary>Hint 2</summary>
#
# Then three comparisons with that clause: its category, its intents, its
# action.
# </details>
# <details><summary>Hint 3</summary>
#
# `clause.action == thought.action == action_of(text)` compares all three
# actions at once.
# </details>
#
# ## 6. Who sees what?
#
# The judge reads the policy, the request, the answer and the clause cited. It
# writes what the policy wants and what was done, then "yes" or "no". Its score
# is the probability of "yes".
#
# Judges come in three sizes here: `lab` (the base model itself), `lab_s` and
# `lab_xs`. The small ones stand for a judge whose task is hard for it. In the
# paper the policy of one category has thousands of tokens; ours is a line.
#
# **Predict.** Fill in this table in your head before you run the cell: for
# each fault, does the form show it? Does the large judge see it?

# %%
well_formed = use("well_formed", well_formed)
sight = load_rows("readings")
checkers = {
    "decision": "decision =\nanswer",
    "form": "well_formed",
    "lab": "judge lab",
    "lab_s": "judge lab_s",
    "lab_xs": "judge lab_xs",
}
kinds = ["none", *FAULTS]
grid = np.array(
    [
        [over_seeds(sight, "all", fault=k, checker=c)[0] for c in checkers]
        for k in kinds
    ]
)
fig, ax = plt.subplots(figsize=(7, 3.9), dpi=110, layout="constrained")
image = ax.imshow(
    100 * grid, vmin=0, vmax=100, cmap="cividis", aspect="auto"
)
for row, values in enumerate(grid):
    for column, value in enumerate(values):
        shade = "black" if value > 0.6 else "white"
        text = f"{100 * value:.0f}"
        ax.text(column, row, text, ha="center", va="center", color=shade)
ax.set_xticks(range(len(checkers)), list(checkers.values()), fontsize=8)
ax.set_yticks(range(len(kinds)), ["no fault", *FAULTS])
fig.colorbar(image, ax=ax, label="% that gets through")
told = [
    f"{name:9}"
    + ", ".join(
        f"{c} {100 * v:.0f}" for c, v in zip(checkers, own, strict=True)
    )
    for name, own in zip(kinds, grid, strict=True)
]
show(
    fig,
    "Per cent that gets through (judges: all of six readings).\n"
    + "\n".join(told),
)

# %% [markdown]
# Read it by rows. Dark is caught, yellow slips through.
#
# * **answer** is seen by all; **clause** by all but the simplest check.
# * **misread** agrees with itself from end to end. Only somebody who knows
#   what the request asks for can see it. The large judge does; the small
#   ones let about half of it pass.
# * **foreign** and **category** are the judges' blind spots. They don't see
#   which category was named. And a foreign clause has the right action, which
#   is all that they check (section 4). The form catches both at no cost.
# * **topic** nobody sees. It stands in the thought, and no reader compares it
#   with anything.
#
# A filter finds what it looks at. The judge here looks at answer and clause;
# the paper's looks at the whole thought. But every judge has such a last row,
# and without the truth nobody can say how long it is.
#
# ## 7. The minimum of several readings
#
# "Any single run may overlook an issue", says the paper, and takes the lowest
# of $k$ scores (the value of $k$ is not given):
#
# $$\text{score}(x) = \min_{i \le k} s_i(x), \qquad
#   \text{keep } x \iff \text{score}(x) \ge \tau$$
#
# If one reading overlooks a mistake with probability $q$, and readings are
# *independent*, then all $k$ overlook it with probability $q^k$. The price: a
# good example is lost as soon as one reading errs.
#
# ### Exercise: `keep_by_minimum`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵🔵⚪ (high) · 4 points ·
# 5 minutes


# %% exercise="keep_by_minimum"
def keep_by_minimum(scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Which examples stay: those that every reading approves of.

    scores    : (examples, k) float from 0 to 1, a column for each reading
    threshold : an example stays if its lowest score reaches this
    returns   : (examples,) bool
    """
    # BEGIN SOLUTION
    return scores.amin(dim=1) >= threshold
    # END SOLUTION


# %% check="keep_by_minimum" points=4
check("keep_by_minimum", keep_by_minimum)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Each row is an example. The minimum runs along the row, which is dimension
# 1.
# </details>
# <details><summary>Hint 2</summary>
#
# `scores.amin(dim=1)` has shape (examples,). Compare it with the threshold;
# equal is good enough. (`scores.min(dim=1)` returns two things, the values and
# their places: then take `.values`.)
# </details>
#
# ## 8. Precision and recall
#
# Two numbers judge a filter. **Precision**: how much of what was kept is good?
# It is what the student will learn from. **Recall**: how much of what is good
# was kept? It is what the teacher's work was worth.
#
# $$\text{precision} = \frac{|\text{kept and good}|}{|\text{kept}|}, \qquad
#   \text{recall} = \frac{|\text{kept and good}|}{|\text{good}|}$$
#
# ### Exercise: `precision_recall`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 4 points · 6 minutes
#
# One case needs a decision: a share of nothing. Who keeps nothing has kept
# nothing wrong, so let it be 1.0, in both.


# %% exercise="precision_recall"
def precision_recall(
    kept: torch.Tensor, good: torch.Tensor
) -> tuple[float, float]:
    """How much of what is kept is good, how much of what is good is kept.

    kept, good : (examples,) bool
    returns    : (precision, recall); a share of nothing is 1.0
    """
    # BEGIN SOLUTION
    both = (kept & good).sum().item()
    kept_n, good_n = kept.sum().item(), good.sum().item()
    precision = both / kept_n if kept_n else 1.0
    recall = both / good_n if good_n else 1.0
    return precision, recall
    # END SOLUTION


# %% check="precision_recall" points=4
check("precision_recall", precision_recall)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `kept & good` marks the examples that are both. `.sum().item()` counts.
# </details>
# <details><summary>Hint 2</summary>
#
# The same number stands above both lines. Below: all kept ones, all good
# ones. Look out for a division by 0.
# </details>
#
# Now a noisy teacher: 40 % of its examples have a fault, of all six kinds.
# The form check goes first, as in the paper. Then the *weak* judge reads
# each example that is left six times.

# %%
keep_by_minimum = use("keep_by_minimum", keep_by_minimum)
precision_recall = use("precision_recall", precision_recall)

clean = teacher(seed=21, n=240)  # requests with deliberations
noisy = corrupt(clean, 0.4, seed=21)
usable = [
    (request, one)
    for request, one in noisy
    if well_formed(one.thought, one.answer, spec.of(request.topic.category))
]
good = truth(usable)
weak = load("lab_xs")[0]
scores = read(weak, tokenizer, usable, k=6)  # (examples, 6)

everything = torch.ones(len(noisy), dtype=torch.bool)
before, _ = precision_recall(everything, truth(noisy))
formed, kept_good = precision_recall(forms(noisy), truth(noisy))
print(f"teacher's data: {len(noisy)} examples, precision {before:.2f}")
print(
    f"well-formed:    {len(usable)} examples, precision {formed:.2f}, "
    f"recall {kept_good:.2f}"
)
for rule, k in (("minimum", 1), ("minimum", 6), ("mean", 6)):
    said = describe_filter(scores, good, rule, k, 0.5)
    print(textwrap.fill(said, 76, subsequent_indent="  "))

# %% [markdown]
# **Predict**, before you move the sliders: what does a higher threshold do to
# precision and to recall? What does a higher $k$ do, with the minimum, and
# with the mean? Is there a setting that catches all faults?
#
# <details><summary>Answer</summary>
#
# A higher threshold keeps less, so recall can only fall. Precision mostly
# rises, but need not. With the minimum, $k$ works in the same direction. With
# the mean, more readings make a verdict steadier, not stricter. And no
# setting catches what the judge doesn't look at: a wrong *topic* gets the
# same score as no fault at all.
# </details>

# %%
display(FilterSliders(scores, good).box)

# %% [markdown]
# Filled marks are kept, hollow ones dropped. Three settings as a figure:

# %%
fig, axes = plt.subplots(
    3, 1, figsize=(7, 6.6), dpi=110, layout="constrained"
)
told = []
for ax, setting in zip(
    axes,
    (("minimum", 1, 0.5), ("minimum", 6, 0.5), ("minimum", 6, 0.99)),
    strict=True,
):
    draw_filter(ax, scores, good, *setting)
    said = describe_filter(scores, good, *setting)
    told.append(textwrap.fill(said, 76, subsequent_indent="  "))
show(fig, "\n".join(told))

# %% [markdown]
# The faulty marks on the right, among the good ones, are the misread ones that
# the weak judge believes, and the wrong topics. After the form check it finds
# next to nothing more in this run at the usual threshold. A threshold near 1 does
# raise precision, and pays for it with most of the good examples.
#
# ### All levels of noise, three seeds
#
# The study repeats this with 0, 5, 20 and 40 % faulty examples, and with a
# teacher that errs by itself, at temperature 2 ("hot"). Precision of what is
# left, with intervals over seeds:

# %%
filters = load_rows("filter")
nobody = {"judge": "", "rule": "", "k": 0, "threshold": 0.0}
six = {"rule": "minimum", "k": 6, "threshold": 0.5}
ways = {
    "no filter": ({"form": False} | nobody, "black", "o"),
    "form": ({"form": True} | nobody, "orange", "s"),
    "judge lab": ({"form": False, "judge": "lab"} | six, "sky", "v"),
    "form + judge lab_xs": (
        {"form": True, "judge": "lab_xs"} | six,
        "purple",
        "D",
    ),
    "form + judge lab": ({"form": True, "judge": "lab"} | six, "blue", "^"),
}
levels = [0.05, 0.2, 0.4, "hot"]
fig, ax = plt.subplots(figsize=(7, 3.4), dpi=110, layout="constrained")
for shift, (name, (way, color, marker)) in enumerate(ways.items()):
    found = [spread(filters, "precision", level=v, **way) for v in levels]
    means, lows, highs = np.array(found).T
    ax.errorbar(
        np.arange(len(levels)) + 0.09 * (shift - 2),
        means,
        [means - lows, highs - means],
        fmt=marker,
        color=PALETTE[color],
        capsize=2,
        label=name,
    )
ax.set_xticks(range(len(levels)), ["5 %", "20 %", "40 %", "hot"])
ax.set_xlabel("faulty examples of the teacher")
ax.set_ylabel("precision, %")
ax.grid(axis="y", alpha=0.3)
ax.legend(fontsize=8, loc="lower left")
told = [
    f"{level}: "
    + "; ".join(
        f"{name} {percent(filters, 'precision', level=level, **way)}"
        for name, (way, _, _) in ways.items()
    )
    for level in levels
]
show(fig, "\n".join(textwrap.fill(line, 76) for line in told))

# %%
print("form + judge lab minus no filter, precision in points")
full, none = ways["form + judge lab"][0], ways["no filter"][0]
for level in levels:
    at = {"level": level}
    points = gain(filters, "precision", full | at, none | at)
    recall = percent(filters, "recall", **full, **at)
    print(f"{level!s:5} {points}   recall {recall}")

# %% [markdown]
# **What we saw.** Form and judge together raise precision at every level, and
# the large judge loses next to nothing for it. Neither of the two does it
# alone: they see different faults. What remains is the last row of the table
# in section 6. The teacher that errs by itself is the best case for the form
# and the worst for the judge: its slips break the chain, or they are about
# the request's words.
#
# ## 9. Are six readings more than one?
#
# Ours differ in the order of the policy's entries, and one model reads them
# all. (The paper's judge reasons before it scores. We take it that its runs
# differ because that reasoning is sampled.)
#
# **Predict.** The weak judge overlooks about half of the misread examples.
# By $q^k$, six readings should overlook a few in a hundred. How many will they
# overlook?

# %%
cases = {
    (judge, kind): {"checker": judge, "fault": kind}
    for judge, kind in (
        ("lab_s", "misread"),
        ("lab_xs", "misread"),
        ("lab_s", "foreign"),
    )
}
fig, ax = plt.subplots(figsize=(7, 3), dpi=110, layout="constrained")
told = []
looks = {
    "one reading, q": ("black", "o"),
    "six, measured": ("blue", "^"),
    "six, if independent: q^6": ("orange", "s"),
}
for place, ((judge, kind), where) in enumerate(cases.items()):
    one = over_seeds(sight, "single", **where)[0]
    values = (
        spread(sight, "single", **where),
        spread(sight, "all", **where),
        np.full(3, 100 * one**6),  # no interval: it is calculated
    )
    for (label, (color, marker)), (mean, low, high), shift in zip(
        looks.items(), values, (-0.1, 0, 0.1), strict=True
    ):
        ax.errorbar(
            place + shift,
            mean,
            [[mean - low], [high - mean]],
            fmt=marker,
            color=PALETTE[color],
            markersize=8,
            capsize=3,
            label=label if place == 0 else None,
        )
    told.append(
        f"{judge}, {kind}: q {percent(sight, 'single', **where)}, "
        f"six {percent(sight, 'all', **where)}, q^6 {100 * one**6:.1f}"
    )
names = [f"{judge}\n{kind}" for judge, kind in cases]
ax.set_xticks(range(len(cases)), names)
ax.set_ylabel("faulty ones\nthat get through, %")
ax.set_ylim(-4, 104)
ax.grid(axis="y", alpha=0.3)
ax.legend(fontsize=8, loc="center right", bbox_to_anchor=(0.88, 0.55))
show(fig, "\n".join(told))

# %%
link = correlation(scores[~good] >= 0.5)
print(f"live: two readings of the {int((~good).sum())} faulty examples: ")
print("  correlation", "undefined" if link is None else f"{link:.2f}", "\n")


def row_of(label, *cells):
    """One line of a table."""
    print(f"{label:24}" + "".join(f"{cell:15}" for cell in cells))


row_of("misread, % that pass", "one reading", "two", "six")
for checker, label in (
    ("lab_s", "lab_s, order"),
    ("lab_s sampled", "lab_s, sampled"),
    ("lab_xs", "lab_xs, order"),
    ("lab_xs sampled", "lab_xs, sampled"),
    ("lab_s + lab_xs", "one of each"),
):
    rules = ("single", "pair", "all")
    if checker == "lab_s + lab_xs":  # two readings is all there is
        rules = ("single", "pair")
    where = {"checker": checker, "fault": "misread"}
    row_of(label, *[percent(sight, rule, **where) for rule in rules])
    agree = over_seeds(sight, "agreement", **where)[0]
    fine = percent(sight, rules[-1], checker=checker, fault="none")
    print(f"    correlation {agree:.2f}; good ones that pass all: {fine}")

# %% [markdown]
# **What we saw.** With another order of the entries, six readings overlook
# nearly as much as one. They agree almost perfectly, in their mistakes as
# well: the judge does not err *because* of the order. $q^k$ was never a
# promise; it is the best case, and we are at the other end.
#
# Two things make readings differ more:
#
# * **Sampling.** It does little for `lab_s`, which is wrong and *sure*. For
#   `lab_xs`, which is unsure, six readings overlook about half of what one
#   does. But they lose a fifth of the good examples as well: the minimum
#   can't tell a doubt from a slip.
# * **Another judge.** One reading of each of two models overlooks less than
#   two of either, and costs the same. Even so their mistakes are correlated:
#   they were trained on the same tasks.
#
# A rule to take away: **before you pay for $k$ readings, measure how much they
# agree on examples that you know to be wrong.**
#
# ## 10. Who is quietly removed?
#
# Recall is an average. If the judge doubts some kind of good answer more than
# others, the minimum takes it out of the data, and no table of totals shows
# it. The worry for a policy that both refuses and complies: strict readers
# drop *comply*, and the student learns to refuse too much. (Guan et al. report
# more over-refusal with safety training in an ablation, their Figure 14; they
# don't look into the filter.)
#
# ### Exercise: `kept_by_action`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 4 points ·
# 8 minutes
#
# Faulty examples *should* go. So look at the good ones alone, one action at a
# time.


# %% exercise="kept_by_action"
def kept_by_action(
    kept: torch.Tensor, good: torch.Tensor, actions: list[str]
) -> dict[str, float]:
    """For each action, the share of its good examples that is kept.

    kept, good : (examples,) bool
    actions    : the right action of each example
    returns    : action -> share, for each action with good examples
    """
    # BEGIN SOLUTION
    stays = {}
    for keep, fine, action in zip(
        kept.tolist(), good.tolist(), actions, strict=True
    ):
        if fine:
            stays.setdefault(action, []).append(keep)
    return {action: sum(own) / len(own) for action, own in stays.items()}
    # END SOLUTION


# %% check="kept_by_action" points=4
check("kept_by_action", kept_by_action)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Leave out the examples that are not good. Group the rest by action.
# </details>
# <details><summary>Hint 2</summary>
#
# Divide by the good examples *of the same action*. An action that lost all of
# its good examples gets 0.0; one that had none is left out.
# </details>
#
# **Predict.** Which of the five actions loses most under the weak judge? What
# will the minimum of six do to it, compared with one reading?

# %%
kept_by_action = use("kept_by_action", kept_by_action)
actions = [request.action() for request, _ in usable]
for k in (1, 6):
    kept = keep_by_minimum(scores[:, :k], 0.5)
    shares = kept_by_action(kept, good, actions)
    row = ", ".join(f"{a} {shares[a]:.2f}" for a in ACTIONS if a in shares)
    print(f"live, minimum of {k}, good ones kept: {row}")
lost = (~keep_by_minimum(scores, 0.5) & good).tolist()
for (request, _), gone in zip(usable, lost, strict=True):
    if gone:
        print(f"  lost: {request.clause()}, intent {request.intent}")

# %%
fig, ax = plt.subplots(figsize=(7, 3), dpi=110, layout="constrained")
looks = {
    "lab, minimum of 6": ("lab", "minimum", 6, "blue", "^"),
    "lab_xs, one reading": ("lab_xs", "minimum", 1, "black", "o"),
    "lab_xs, minimum of 6": ("lab_xs", "minimum", 6, "vermillion", "D"),
    "lab_xs, mean of 6": ("lab_xs", "mean", 6, "orange", "s"),
}
told = []
for shift, (label, (judge, rule, k, color, marker)) in enumerate(
    looks.items()
):
    way = {"judge": judge, "rule": rule, "k": k, "threshold": 0.5}
    way |= {"form": False, "level": 0.0}
    found = [spread(filters, f"keeps_{a}", **way) for a in ACTIONS]
    means, lows, highs = np.array(found).T
    ax.errorbar(
        np.arange(len(ACTIONS)) + 0.1 * (shift - 1.5),
        means,
        [means - lows, highs - means],
        fmt=marker,
        color=PALETTE[color],
        capsize=2,
        label=label,
    )
    told.append(
        f"{label}: "
        + ", ".join(
            f"{a} {percent(filters, f'keeps_{a}', **way)}" for a in ACTIONS
        )
    )
ax.set_xticks(range(len(ACTIONS)), ACTIONS)
ax.set_ylabel("good examples kept, %")
ax.set_ylim(top=103)
ax.grid(axis="y", alpha=0.3)
ax.legend(fontsize=8)
show(fig, "\n".join(textwrap.fill(line, 76) for line in told))

# %% [markdown]
# **What we saw.** The large judge removes nobody. The weak one takes good
# examples from nearly one action alone, *support*; in the live run all of them
# are decided by the same clause. The minimum of six can only take more than one
# reading does; the mean takes fewer. It is not the action that the worry was
# about. (Why this one? It is the only answer that does not name the topic.
# Whether that is the cause, we did not test.) Three seeds leave a wide
# interval, but *support* is the lowest in each of them.
#
# So the lesson is not "the filter leads to over-refusal", and not "it
# doesn't". It is: look at the rates for each kind of answer, for *your* judge,
# before you train.
#
# ## 11. What is the filter worth?
#
# Data are a means. So train students: on the answers alone (as arm A1 is) and
# on thought and answer (as arm A4 is), from a teacher without faults, from one
# with 40 % faults, and from the same one after form and judge. All take the
# same number of steps, a quarter of what the arms get, on a third of
# the requests. The tests are English requests that nobody trained on, about
# topics that were seen in training and about held-out ones.
#
# **Predict.** Which of the two kinds of student is hurt more by faulty data?
# Will it show in the greedy answer, or only when the student samples?
#
# <details><summary>Answer</summary>
#
# A fault in the thought with a right answer doesn't reach the student of
# answers at all; so its data are better than the teacher's precision says.
# Faults at random don't pull in one direction: the most likely answer can stay
# right while its probability falls. Sampling at temperature 1 shows that.
# </details>

# %%
students = load_rows("filter_training")
data = {
    "clean": {"level": 0.0, "filtered": False},
    "40 % faulty": {"level": 0.4, "filtered": False},
    "40 %, filtered": {"level": 0.4, "filtered": True},
}
for name, where in data.items():
    print(
        f"{name:15} precision {percent(students, 'precision', **where)} %, "
        f"right answers {percent(students, 'right_answers', **where)} %"
    )
fig, axes = plt.subplots(
    1, 2, figsize=(8.5, 3.3), dpi=110, sharey=True, layout="constrained"
)
told = []
for ax, figure in zip(axes, ("greedy", "sampled"), strict=True):
    for arm, thinking in (("A1", False), ("A4", True)):
        for topics, line in (("seen", "-"), ("held_out", ":")):
            where = {"thinking": thinking, "topics": topics}
            found = [
                spread(students, figure, **where, **own)
                for own in data.values()
            ]
            means, lows, highs = np.array(found).T
            shift = 0.06 * (2 * thinking + (topics == "seen") - 1.5)
            ax.errorbar(
                np.arange(len(data)) + shift,
                means,
                [means - lows, highs - means],
                capsize=2,
                label=f"like {arm}, {topics.replace('_', '-')}",
                **style(arm) | {"linestyle": line},
            )
            told.append(
                f"{figure}, like {arm}, {topics}: "
                + ", ".join(
                    f"{name} {percent(students, figure, **where, **own)}"
                    for name, own in data.items()
                )
            )
    ax.set_xticks(range(len(data)), list(data), fontsize=8)
    ax.set_title(f"{figure} answers")
    ax.set_ylim(0, 104)
    ax.grid(axis="y", alpha=0.3)
axes[0].set_ylabel("right action, %")
axes[1].legend(fontsize=7, loc="lower left")
show(fig, "\n".join(textwrap.fill(line, 76) for line in told))

# %%
print("sampled answers, both topic splits, points, interval over seeds")
pure, faulty, filtered = data.values()
for arm, thinking in (("A1", False), ("A4", True)):
    mode = {"thinking": thinking}
    for label, one, two in (
        ("clean minus faulty", pure, faulty),
        ("filtered minus faulty", filtered, faulty),
        ("clean minus filtered", pure, filtered),
    ):
        points = gain(students, "sampled", one | mode, two | mode)
        print(f"like {arm}: {label:22} {points}")
for name, own in data.items():
    clause = percent(students, "clause", thinking=True, **own)
    print(
        f"like A4: right clause in the greedy thought, {name:15} {clause} %"
    )

# %% [markdown]
# **What we saw.** Faulty data cost both kinds of student. When they sample, the
# student of thoughts loses about twice as much as the other: faults anywhere
# in the chain reach it, and only wrong answers reach the other. Its greedy
# answers hide about half of that. The filter gives it back, as far as three seeds can
# tell, though it leaves a third fewer examples, about one in ten of them still
# faulty. (Between filtered and clean data the interval holds 0, and it is
# wide: a loss as large as that of the student of answers is possible.)
#
# Two cautions. These students are trained briefly, so that there is room to
# see a difference; none is as good as its arm. And the share of right clauses
# hardly tells the data apart: at this stage the number is not yet known by
# heart, whatever the data.
#
# ## Summary
#
# * The teacher is the base model with the policy in its context. It answers
#   six small questions; the replies make up a thought that quotes a clause.
# * A teacher is tested with *other* Specs than the one you care about. Ours
#   follows them all in its answers. In its citations it fails where two
#   clauses share an action; and the judge, the same model, doesn't notice.
# * The form costs nothing and sees what the judge can't: a chain that
#   contradicts itself. The judge sees what the form can't: a chain that fits
#   and is wrong from the start. Some faults nobody sees.
# * The minimum of $k$ is worth as much as the readings differ. In another
#   order they hardly do; sampled, they do if the judge is unsure, and then good
#   examples are lost, too. $q^k$ is the best case.
# * Precision and recall say how good a filter is; the rates for each action
#   say whom it removes.
#
# **What was not shown.** A judge that reads the whole thought, as the paper's
# does. Judges that are better than the teacher: ours is the same
# model or smaller. Faults that are systematic, such as one clause that the
# teacher always misreads; those don't average out. How the filter's
# threshold would be chosen without the truth: by a sample that somebody
# checks by hand.
#
# **Further reading**
#
# * Guan et al. 2024, Deliberative Alignment, arXiv 2412.16339 (sections 2.2
#   and 2.3; Figure 14).
# * Bai et al. 2022, Constitutional AI, arXiv 2212.08073: labels of a model in
#   place of a filter.
# * Snell, Klein and Zhong 2022, Learning by Distilling Context,
#   arXiv 2209.15189: what is done with such data.
#
# The solved notebook is `solutions/21_from_spec_to_data.ipynb`. Next:
# notebook 22, learning the Spec.
