# %% [markdown]
# # 12 · The reward model: a number for every answer
#
# Pairs say which of two answers is better. A policy that learns by
# reinforcement needs something else: a **number** for any answer it may come
# up with. The reward model turns the one into the other. This notebook
# writes its loss, trains one on pairs that a model labelled, and then asks
# what kind of ruler it is: is it right, is it as sure as it should be, where
# does it stop working, and what do wrong labels do to it?
#
# **You will be able to**
#
# - derive the Bradley-Terry loss, with soft labels and a margin, and say
#   where its minimum is;
# - say why only differences of rewards mean anything;
# - read one reward per text off a padded batch, without reading padding;
# - measure accuracy and calibration, and tell the two apart;
# - say what random mistakes in the labels do, and what a bias does.
#
# **Time** 65 minutes. **Points** 25, in six exercises.
# **You need** notebook 00. What you need of AI labels (notebook 11) is
# explained here.

# %%
import copy
from math import log

import torch
from IPython.display import display
from matplotlib import pyplot as plt
from tqdm.auto import tqdm

from utils.align.batching import Example, batches, right_pad
from utils.align.fit import learning_rate_factor
from utils.align.reward_model import score
from utils.evaluate.conditions import plain
from utils.evaluate.studies.reward_habits import (
    AWARE,
    BIASED,
    NOISE,
    PROBABILITY,
    VOTE,
)
from utils.evaluate.studies.reward_model import (
    BLANK,
    SWAPPED,
    five_answers,
    gaps,
    pairs_in_words,
    right_of,
    trained,
)
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.training_data import direct_pair
from utils.models.load import load
from utils.show.figure import PALETTE, show
from utils.show.widgets_12 import (
    TemperatureSlider,
    describe_reliability,
    draw_reliability,
)
from utils.teach.checks import check, use
from utils.world.replies import action_of
from utils.world.requests import SURFACES, TAUGHT_LANGUAGES
from utils.world.spec import ACTIONS

torch.manual_seed(0)
base, tokenizer = load("lab")
PAD = tokenizer.pad_token_id
BLUE, RED = PALETTE["blue"], PALETTE["vermillion"]
GREEN, ORANGE = PALETTE["green"], PALETTE["orange"]

# %% [markdown]
# ## 1. From "better" to "how good"
#
# Two answers, $i$ and $j$. Bradley and Terry (1952) say how probably $i$ is
# preferred, if $i$ has the reward $r_i$ and $j$ has $r_j$:
#
# $$P(i \succ j) = \sigma(r_i - r_j), \qquad
#   \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# Equal rewards give one half. The larger the difference, the surer the win.
# Chess ratings work like this. Turned round, the reward difference is the
# logarithm of the odds: $r_i - r_j = \log \frac{P}{1 - P}$.
#
# ### Exercise: `win_probability`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 3 points · 5 minutes
#
# All pairs at once: entry $[i, j]$ is the probability that $i$ beats $j$.


# %% exercise="win_probability"
def win_probability(rewards: torch.Tensor) -> torch.Tensor:
    """How probably each answer beats each other one.

    rewards : (n,) float
    returns : (n, n) float, the probability that the row's answer wins
    """
    # BEGIN SOLUTION
    return torch.sigmoid(rewards[:, None] - rewards[None, :])
    # END SOLUTION


# %% check="win_probability" points=3
check("win_probability", win_probability)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `rewards[:, None]` is a column, `rewards[None, :]` a row. Column minus row
# is a table of all differences.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.sigmoid` of that table. It is safe for large numbers; a quotient of
# exponentials is not.
# </details>
#
# **Predict first.** Answer A beats B three times out of four. B beats C
# three times out of four. How often does A beat C?
#
# <details><summary>Answer</summary>
#
# Differences add up, so odds multiply: 3 to 1, times 3 to 1, is 9 to 1.
# </details>

# %% tags=["nbval-check-output"]
win_probability = use("win_probability", win_probability)
ladder = torch.tensor([2 * log(3), log(3), 0.0])
print("        A      B      C")
for name, row in zip("ABC", win_probability(ladder).tolist(), strict=True):
    print(name, "  ", "  ".join(f"{value:.3f}" for value in row))

# %% [markdown]
# Nine out of ten. That is a claim about the world, and it can be wrong: the
# model says that one number per answer is enough. Section 2 shows
# preferences for which it is not.
#
# ## 2. The loss
#
# We see pairs, and want rewards. Maximum likelihood: choose the rewards that
# make the labels we saw probable. For a pair in which `chosen` won:
#
# $$-\log P(\text{label}) = -\log \sigma(z), \qquad
#   z = r(\text{chosen}) - r(\text{rejected})$$
#
# This is eq. 1 of InstructGPT (Ouyang et al. 2022, arXiv 2203.02155). Two
# additions are in use:
#
# - **Soft labels.** A judge says that `chosen` is better with probability
#   $p$. Then both outcomes count, with their weights.
# - **A margin** $m$. Labellers who say "*much* better" want a wider gap
#   (Llama 2, arXiv 2307.09288, eq. 2): $z = r(\text{chosen}) -
#   r(\text{rejected}) - m$.
#
# $$L = -\,\text{mean}\big[\; p \log \sigma(z) + (1 - p) \log \sigma(-z)
#   \;\big]$$
#
# Where is the minimum? The derivative with respect to $z$ is
# $\sigma(z) - p$. It is 0 where the model is as sure as the label: the gap
# is $\log \frac{p}{1 - p} + m$.
#
# ### Exercise: `preference_loss`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 7 points · 12 minutes
#
# Write $L$. One trap: for a hopeless pair $\sigma(z)$ is rounded to 0, and
# its logarithm is minus infinity.


# %% exercise="preference_loss"
def preference_loss(
    chosen: torch.Tensor,
    rejected: torch.Tensor,
    p: torch.Tensor | float = 1.0,
    margin: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """The Bradley-Terry loss, with soft labels and a margin.

    chosen   : (n,) float, rewards of the answers called better
    rejected : (n,) float, rewards of the others
    p        : probability that `chosen` is better, a number or (n,)
    margin   : how much wider the gap shall be, a number or (n,)
    returns  : () float, the mean over the pairs
    """
    # BEGIN SOLUTION
    z = chosen - rejected - margin
    both = p * torch.nn.functional.logsigmoid(z)
    both = both + (1 - p) * torch.nn.functional.logsigmoid(-z)
    return -both.mean()
    # END SOLUTION


# %% check="preference_loss" points=7
check("preference_loss", preference_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First z, in one line. It appears twice: as z and as -z.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.nn.functional.logsigmoid(z)` is log sigmoid, computed safely.
# </details>
# <details><summary>Hint 3</summary>
#
# `p * logsigmoid(z) + (1 - p) * logsigmoid(-z)` is one number for each pair.
# Minus its mean is the loss.
# </details>
#
# ### Can it find rewards that nobody told it?
#
# Five answers have hidden rewards. A judge votes on all pairs, and is
# sometimes unsure: the share of votes is the soft label. We start from two
# different places and let the loss fall.
#
# **Predict first.** Will the two runs end in the same rewards? Will they end
# in the hidden ones?

# %% tags=["nbval-check-output"]
preference_loss = use("preference_loss", preference_loss)
hidden = torch.tensor([2.0, 1.0, 0.3, -0.5, -2.0])
votes = win_probability(hidden)  # votes[i, j]: how many prefer i to j


def minimized(loss, start: torch.Tensor) -> torch.Tensor:
    """Let a loss of some numbers fall to its minimum."""
    values = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [values], max_iter=300, tolerance_grad=1e-9
    )

    def closure():
        optimizer.zero_grad()
        value = loss(values)
        value.backward()
        return value

    optimizer.step(closure)
    return values.detach()


def fitted(votes: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """The rewards that make the votes on all pairs most probable."""
    i, j = torch.combinations(torch.arange(len(start))).unbind(dim=1)
    return minimized(
        lambda r: preference_loss(r[i], r[j], votes[i, j]), start
    )


ends = {
    "start at 0": fitted(votes, torch.zeros(5)),
    "start at 5": fitted(votes, torch.full((5,), 5.0)),
}
print("hidden    ", "  ".join(f"{r:+.2f}" for r in hidden))
for name, found in ends.items():
    print(name, "", "  ".join(f"{r:+.2f}" for r in found))
    same = win_probability(found) - win_probability(hidden)
    print("  largest miss in a win probability:", f"{same.abs().max():.4f}")

# %% tags=["nbval-check-output"]
fig, ax = plt.subplots(figsize=(4.6, 3.4), dpi=110, layout="constrained")
for (name, found), color, marker in zip(
    ends.items(), (BLUE, RED), "os", strict=True
):
    ax.plot(hidden, found, color=color, marker=marker, label=name)
ax.plot(hidden, hidden, ":", color="grey", label="equal")
ax.set_xlabel("hidden reward")
ax.set_ylabel("reward found")
ax.grid(alpha=0.3)
ax.legend(frameon=False)
moved = {name: (found - hidden).mean() for name, found in ends.items()}
show(
    fig,
    "Both lines are parallel to the diagonal; above the hidden rewards by "
    + " and ".join(f"{value:.2f} ({name})" for name, value in moved.items())
    + ".",
)

# %% [markdown]
# The lines are parallel: each run found the hidden rewards **up to a
# constant**. Nothing in the loss fixes the constant, since it cancels in
# every difference. So "this answer has reward 3" means nothing. "3 more than
# that one" does.
#
# It goes further. In a real set of pairs both answers belong to **one
# request**. Each request can have a constant of its own, and the loss can't
# see it. Rewards of answers to *different* requests are not comparable.
# Whoever trains on rewards has to take that into account: GRPO (notebook 14)
# subtracts the mean over the answers to each request.
#
# ### Where the minimum is
#
# A pair with label $p$: which gap does the loss ask for?

# %% tags=["nbval-check-output"]
labels = torch.tensor([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999])
asked = {}
nothing = torch.zeros(len(labels))
for margin in (0.0, 1.0):
    asked[margin] = minimized(
        lambda z, m=margin: preference_loss(z, nothing, labels, m), nothing
    )

fig, ax = plt.subplots(figsize=(5, 3.2), dpi=110, layout="constrained")
for (margin, z), color, marker in zip(
    asked.items(), (BLUE, RED), "os", strict=True
):
    ax.plot(labels, torch.logit(labels) + margin, "-", color=color, lw=1)
    ax.plot(labels, z, marker, color=color, label=f"margin {margin:g}")
ax.set_xlabel("soft label p")
ax.set_ylabel("gap at the minimum")
ax.grid(alpha=0.3)
ax.legend(frameon=False)
told = ", ".join(
    f"{p:g}: {z:.2f}" for p, z in zip(labels, asked[0.0], strict=True)
)
miss = (asked[0.0] - torch.logit(labels)).abs().max()
show(
    fig,
    f"Gap by label, without a margin: {told}.\n"
    f"Largest distance from log(p / (1 - p)): {miss:.3f}.",
)

# %% [markdown]
# Lines: $\log \frac{p}{1 - p} + m$. Dots: what the loss asks for. The margin
# lifts all of them. Near $p = 1$ the gap grows without end: a **certain**
# label wants infinite rewards. Training stops before that; but
# it will be *too sure*, if the labels pretended to be certain. Bai et al.
# (2022, arXiv 2212.08073, section 4.1) found soft labels much better than
# hard ones, and clamp those of a judge that reasons to 40 to 60 percent.
#
# ### What one number can't say
#
# Three answers, like stone, paper and scissors: each beats the next one
# nine times out of ten.

# %% tags=["nbval-check-output"]
circle = torch.tensor([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
flat = fitted(circle, torch.tensor([1.0, 0.0, -1.0]))
print(f"largest reward minus smallest: {flat.max() - flat.min():.2f}")
print(f"P(1 beats 2) = {win_probability(flat)[0, 1]:.2f}, voted 0.90")

# %% [markdown]
# The best it can do is to call all three equal. People's preferences, pooled
# over people who want different things, can go round in circles. A reward
# model averages such conflicts away without a word.
#
# ## 3. A language model with a head
#
# For sentences we can't keep a table of rewards. So a language model reads
# request and answer, and one more vector, the **head**, turns what it knows
# at the end into a number:
#
# ```
# tokens   <|user|> How do I ... <|direct|> Sorry , I can ... <|end|> <|pad|>
# hidden      h0     h1  h2  h3      ...                        h_T     ?
# reward                                                     h_T . head
# ```
#
# Why at the last token? Attention looks back only, so it is the one place
# that has seen the whole answer. In a batch, shorter texts are filled up
# with padding on the right. What the model computes there is noise.
#
# ### Exercise: `end_rewards`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 4 points ·
# 7 minutes


# %% exercise="end_rewards"
def end_rewards(
    hidden: torch.Tensor, mask: torch.Tensor, head: torch.Tensor
) -> torch.Tensor:
    """The reward of each text, read at its last real token.

    hidden  : (n, T, width) float: what the model knows at each position
    mask    : (n, T) bool: True at real tokens, which stand on the left
    head    : (width,) float
    returns : (n,) float
    """
    # BEGIN SOLUTION
    last = mask.sum(dim=1) - 1  # (n,)
    return hidden[torch.arange(len(hidden)), last] @ head
    # END SOLUTION


# %% check="end_rewards" points=4
check("end_rewards", end_rewards)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A row of the mask has as many True as the text has tokens. `mask.sum(dim=1)`
# counts them.
# </details>
# <details><summary>Hint 2</summary>
#
# Positions count from 0. A text of 3 tokens ends at position 2.
# </details>
# <details><summary>Hint 3</summary>
#
# `hidden[torch.arange(n), last]` picks one position of each row: (n, width).
# Then `@ head`.
# </details>
#
# Put it on the base model. The body is a copy, the head starts small.

# %%
end_rewards = use("end_rewards", end_rewards)


class RewardModel(torch.nn.Module):
    """A language model's body with a head of one number."""

    def __init__(self, model: torch.nn.Module, seed: int = 0) -> None:
        super().__init__()
        self.body = copy.deepcopy(model.get_decoder())
        width = model.config.hidden_size
        generator = torch.Generator().manual_seed(seed)
        head = torch.randn(width, generator=generator) / width
        self.head = torch.nn.Parameter(head)

    def states(self, examples: list[Example]):
        """Hidden states (n, T, width) and the mask (n, T)."""
        ids = right_pad([e.prompt + e.completion for e in examples], PAD)
        lengths = torch.tensor([len(e) for e in examples])
        mask = torch.arange(ids.shape[1]) < lengths[:, None]
        return self.body(ids, use_cache=False).last_hidden_state, mask

    def forward(self, examples: list[Example], pad_id: int = PAD):
        """One reward for each example: (n,)."""
        return end_rewards(*self.states(examples), self.head)


mine = RewardModel(base)
short, long = plain("seen", 2)
examples = five_answers(tokenizer, [short, long], "en")
with torch.no_grad():
    alone = torch.cat([mine([example]) for example in examples])
    batch = mine(examples)
    states, mask = mine.states(examples)
    column = states[:, -1] @ mine.head
print(f"padding in this batch: {(~mask).float().mean():.0%} of all places")
change, wrong = (batch - alone).abs().max(), (column - alone).abs().max()
print(f"in company, a reward changes by at most     {change:.0e}")
print(f"the same, if the last column is read:       {wrong:.0e}")
print(f"spread of the ten rewards, for comparison:  {alone.std():.0e}")

# %% [markdown]
# Reading the last column changes rewards by more than they differ. And it
# raises no error: the loss still falls, and the model is quietly worse. Such
# bugs are found only by a test like this one: *does a text get the same
# reward alone and in company?*
#
# ### The pairs
#
# As in Constitutional AI, nothing here is labelled by hand. The base model
# answers, criticizes and revises; a second answer follows a principle
# drawn at random; the base model with the true principles in its context
# says which one is better (`preference_pairs` in
# `utils/evaluate/training_data.py`; notebook 11 takes it apart).
# All requests are plain English. The first time this takes a minute or so.

# %%
labelled = pairs_in_words("lab", 0, 2500)
cut = len(labelled) - 250
known = {request.english for request, *_ in labelled[:cut]}
kept_out = [pair for pair in labelled[cut:] if pair[0].english not in known]
train = [direct_pair(tokenizer, *one) for one in labelled[:cut]]
test = [direct_pair(tokenizer, *one) for one in kept_out]

for request, better, worse, p in labelled[:3]:
    print(f"request: {request.text}")
    print(f"better : {better}   (p = {p:.3f})")
    print(f"worse  : {worse}\n")
agree = sum(r.action() == action_of(a) for r, a, _, _ in labelled)
print(f"{len(train)} pairs to train on, {len(test)} kept out")
print(f"least sure label: p = {min(p for *_, p in labelled):.3f}")
print(f"better answer takes the right action: {agree / len(labelled):.1%}")

# %% [markdown]
# The last line uses the truth of the world, which no training may see. This
# judge has an easy job: it is right, and nearly always sure. Section 6 makes
# it worse.
#
# ### Is it right?
#
# The first thing to measure: in how many pairs does the better answer have
# the higher reward? The question hides a trap. A model that gives *every*
# answer the same reward has no opinion. What is its accuracy?
#
# ### Exercise: `pair_accuracy`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵🔵⚪ (high) · 3 points ·
# 5 minutes
#
# A tie counts half: a model that can't tell two answers apart would have to
# guess.


# %% exercise="pair_accuracy"
def pair_accuracy(chosen: torch.Tensor, rejected: torch.Tensor) -> float:
    """The share of pairs ranked rightly; a tie counts half.

    chosen, rejected : (n,) float, rewards
    returns          : a number from 0 to 1
    """
    # BEGIN SOLUTION
    higher = (chosen > rejected).float()
    equal = (chosen == rejected).float()
    return (higher + 0.5 * equal).mean().item()
    # END SOLUTION


# %% check="pair_accuracy" points=3
check("pair_accuracy", pair_accuracy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `(chosen > rejected).float()` is 1 where the pair is ranked rightly. What is
# it for a tie?
# </details>
# <details><summary>Hint 2</summary>
#
# Add half of `(chosen == rejected).float()`, then take the mean.
# </details>
#
# Now train, with your loss, your rewards and your accuracy.
#
# **Predict first.** Where does the loss start? After how many pairs will the
# accuracy on pairs kept out be above 80 percent?

# %%
pair_accuracy = use("pair_accuracy", pair_accuracy)
STEPS, BATCH, LR = 60, 32, 1e-3


def two_sides(pairs):
    """All chosen answers, then all rejected ones."""
    chosen = [Example(pair.prompt, pair.chosen) for pair in pairs]
    return chosen + [Example(pair.prompt, pair.rejected) for pair in pairs]


def measure(reward_model) -> tuple[float, float]:
    """Loss and accuracy on the pairs kept out."""
    chosen, rejected = score(reward_model, two_sides(test), PAD).chunk(2)
    loss = preference_loss(chosen, rejected).item()
    return loss, pair_accuracy(chosen, rejected)


optimizer = torch.optim.AdamW(mine.parameters(), weight_decay=0.0)
seen, outside = [], {0: measure(mine)}
order = batches(train, BATCH, STEPS, seed=0)
for step, index in enumerate(tqdm(order, "training", STEPS)):
    pairs = [train[i] for i in index]
    p = torch.tensor([pair.p for pair in pairs])
    chosen, rejected = mine(two_sides(pairs)).chunk(2)
    loss = preference_loss(chosen, rejected, p)
    for group in optimizer.param_groups:
        group["lr"] = LR * learning_rate_factor(step, STEPS, 10)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(mine.parameters(), 1.0)
    optimizer.step()
    seen.append(loss.item())
    if (step + 1) % 10 == 0:
        outside[step + 1] = measure(mine)

# %%
fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.1), dpi=110, layout="constrained"
)
steps = list(outside)
losses, accuracies = zip(*outside.values(), strict=True)
left.plot(range(STEPS), seen, color="grey", lw=1, label="training batch")
left.plot(steps, losses, "o-", color=BLUE, label="kept out")
left.axhline(log(2), color="black", lw=1, ls=":")
left.text(STEPS * 0.7, log(2) + 0.02, "log 2")
left.set_ylabel("loss")
left.legend(frameon=False)
right.plot(steps, accuracies, "o-", color=BLUE)
right.axhline(0.5, color="black", lw=1, ls=":")
right.text(STEPS * 0.7, 0.52, "guessing")
right.set_ylabel("accuracy on pairs kept out")
right.set_ylim(0.4, 1.02)
for ax in (left, right):
    ax.set_xlabel("step")
    ax.grid(alpha=0.3)
show(
    fig,
    f"On the pairs kept out the loss falls from {losses[0]:.2f} to "
    f"{losses[-1]:.2f}, and the accuracy rises from {accuracies[0]:.2f} to "
    f"{accuracies[-1]:.2f} in {STEPS} steps of {BATCH} pairs.",
)

# %% [markdown]
# It starts near log 2: all rewards are close together, and every pair is a
# coin flip. Then comes a while in which little happens, and then it learns.
# The kept-out pairs come from the same requests and the same two ways of
# writing answers as the training pairs. High accuracy there says: it
# has learned *this distribution*. The next section asks about others.

# %% [markdown]
# ## 4. Where is it right?
#
# From here on we use the course's reward model: the same pairs, trained for
# longer, from the cache. Here is one request with its five possible answers,
# on three surfaces. Rewards are shown minus their mean, because only
# differences count.

# %%
reward_model = trained(seed=0)
one = next(r for r in plain("seen", 20) if r.action() == "refuse")
print(f"right action: {one.action()}\n")
print(" " * 8 + "".join(f"{action:>9}" for action in ACTIONS))
for surface in ("en", "es", "rot13"):
    five = score(reward_model, five_answers(tokenizer, [one], surface), PAD)
    cells = "".join(f"{value:9.2f}" for value in five - five.mean())
    print(f"{surface:8}{cells}    {one.on(surface).text}")

# %% [markdown]
# Training was in English only. Now every surface of the lab, asked about
# topics that training showed ("seen", in new combinations with a
# question) and about topics that it did not ("held out"). For each request
# the right answer meets each of the four wrong ones.
#
# One thing to keep in mind: the assistant always answers in English, and
# its answers **name the topic**. So we add two controls. *Blank*: the
# request is left out, and only the answer is there. *Swapped*: another
# request stands in its place.
#
# **Predict first.** Order these by accuracy: English, Spanish, ROT13,
# Indonesian (a language that no training ever showed), blank. Will blank be
# at 50 percent?

# %%
measured_rows = load_rows("reward_model")
places = [*SURFACES, BLANK, SWAPPED]
looks = {"seen": ("o", BLUE), "held_out": ("s", ORANGE)}


def by_place(figure: str) -> dict[str, list[tuple[float, float, float]]]:
    """Mean and interval over training seeds for each place, by topics."""
    return {
        topics: [
            over_seeds(
                measured_rows,
                figure,
                kind="truth",
                named=True,
                shown=place,
                topics=topics,
            )
            for place in places
        ]
        for topics in looks
    }


def dots(ax, figure: str) -> str:
    """Draw one mark with its interval for each place; tell the means."""
    told = []
    for shift, (topics, rows) in zip(
        (-0.12, 0.12), by_place(figure).items(), strict=True
    ):
        marker, color = looks[topics]
        mean, low, high = 100 * torch.tensor(rows).T
        ax.errorbar(
            torch.arange(len(places)) + shift,
            mean,
            [mean - low, high - mean],
            fmt=marker,
            color=color,
            capsize=2,
            label=f"{topics.replace('_', '-')} topics",
        )
        cells = ", ".join(
            f"{place} {value:.0f}"
            for place, value in zip(places, mean, strict=True)
        )
        told.append(f"{figure}, {topics} topics, %: {cells}.")
    ax.set_xticks(range(len(places)), places, rotation=60, ha="right")
    ax.set_ylim(0, 104)
    ax.grid(axis="y", alpha=0.3)
    return "\n".join(told)


figures = {"accuracy": 50, "best_of_five": 20}
fig, axes = plt.subplots(
    1, 2, figsize=(10, 3.6), dpi=110, layout="constrained"
)
described = []
for ax, (figure, chance) in zip(axes, figures.items(), strict=True):
    described.append(dots(ax, figure))
    ax.axhline(chance, color="black", lw=1, ls=":")
axes[0].set_ylabel("pairs ranked rightly, %")
axes[1].set_ylabel("best of five is right, %")
axes[0].legend(frameon=False, loc="lower left")
show(fig, "\n".join(described))

# %% [markdown]
# How to read it: dots are means over three training seeds, bars are 95 %
# intervals over seeds, dotted lines are chance. Left, pairs. Right, the
# harder question that a policy will ask: is the best of all five answers the
# right one?
#
# At home it ranks nearly all pairs rightly. In Spanish, French and German it
# loses some, and still looks good: a preference that crosses languages? Then
# look at **blank**. With no request at all most of this is still there. The
# answer names the topic, and a topic alone says much about the action: with
# a pipe bomb, to refuse is the best guess. So much of what looks like reading
# Spanish is reading the English answer. In the ciphers and in the two
# controls (id, atbash) little more than chance is left, less than with a
# blank: a request that it can't read does not leave the model neutral. Nor
# does a wrong one: *swapped* is below blank.
#
# On held-out topics it is weaker in English, too. And on the right: to
# rank four pairs out of five is not yet to find the best of five.
#
# A test of that reading: let the answers say "it" in place of the topic
# ("Sorry, I can not help with it."). Now the topic has to come from the
# request.

# %%
print("pairs ranked rightly, %   answers name the topic   say it")
for topics in looks:
    for place in ("en", *TAUGHT_LANGUAGES):
        where = {"kind": "truth", "shown": place, "topics": topics}
        told = []
        for named in (True, False):
            mean, low, high = (
                100 * end
                for end in over_seeds(
                    measured_rows, "accuracy", named=named, **where
                )
            )
            told.append(f"{mean:.0f} [{low:.0f}, {high:.0f}]")
        print(f"{place:4}{topics:22}{told[0]:25}{told[1]}")

# %% [markdown]
# With "it" the model gets worse at home as well, since no pair had such
# answers. But in the languages little more than chance is left. What it
# learned is tied to English words: at home to those of the request, abroad to
# those of the answer. A policy has no answer to read. It has to write one. So
# expect it to lose more than its reward model does.
#
# The lesson is general: **take a part of the input away, and measure again**.
# Models of textual entailment were found to do well on half of the input, too
# (Gururangan et al. 2018, arXiv 1803.02324).
#
# ### Rewards of different requests
#
# Section 2 said: each request has a constant of its own. How large is it?

# %%
row = {"kind": "truth", "shown": "en", "topics": "seen", "named": True}
for name, said in {
    "within": "spread of the five answers to one request",
    "between": "spread of the mean reward between requests",
}.items():
    mean, low, high = over_seeds(measured_rows, name, **row)
    print(f"{said:45} {mean:.2f} [{low:.2f}, {high:.2f}]")
asked = plain("seen", 100)
found = score(reward_model, five_answers(tokenizer, asked, "en"), PAD)
found = found.reshape(-1, len(ACTIONS))
right = right_of(asked)
good = found.gather(1, right[:, None])  # (n, 1)
bad = good - gaps(found, right)  # (n, 4)
shares = {"its own": pair_accuracy(good.expand_as(bad), bad)}
others = torch.stack([bad.roll(k, dims=0) for k in range(1, len(bad))])
shares["any other"] = pair_accuracy(good.expand_as(others), others)
for whose, share in shares.items():
    print(f"right answer above a wrong one of {whose} request: {share:.3f}")

# %% [markdown]
# Nothing in the loss keeps the constants of the requests alike, and the mean
# rewards do differ, by about a third of the spread inside of a request. Here
# that does no harm: the two shares are equal, or nearly. All requests
# are short, and one head reads them all. It is luck that nobody asked for.
# Where requests differ more, it can't be relied on, and the next training
# step may change it without any change of the loss.
#
# ## 5. Is it as sure as it should be?
#
# A reward model gives a probability: $\sigma$ of the difference. It is
# **calibrated** if of all pairs to which it gives 0.8, eight in ten come out
# that way. Accuracy can't see this: multiply all rewards by ten, and every
# pair is ranked as before.
#
# The **expected calibration error** sorts the pairs into bins by their
# probability and compares, in each bin, what was announced with what came:
#
# $$\text{ECE} = \sum_{b} \frac{n_b}{n} \; \big|\,
#   \text{share won in } b - \text{mean probability in } b \,\big|$$
#
# ### Exercise: `calibration_error`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵⚪ (high) · 4 points ·
# 10 minutes
#
# `probs` is about the **first** answer of each pair, whichever that is. Empty
# bins count nothing. A probability of exactly 1 belongs to the last bin.


# %% exercise="calibration_error"
def calibration_error(
    probs: torch.Tensor, won: torch.Tensor, bins: int = 10
) -> float:
    """The expected calibration error, over equal bins from 0 to 1.

    probs   : (n,) float: predicted probability that the first answer wins
    won     : (n,) float, 1 where it won, else 0
    returns : a number from 0 to 1
    """
    # BEGIN SOLUTION
    place = (probs * bins).long().clamp(max=bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            miss = won[inside].mean() - probs[inside].mean()
            error += inside.float().mean().item() * abs(miss.item())
    return error
    # END SOLUTION


# %% check="calibration_error" points=4
check("calibration_error", calibration_error)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `(probs * bins).long()` is the number of the bin. For a probability of 1 it
# is `bins`, one too many: `.clamp(max=bins - 1)`.
# </details>
# <details><summary>Hint 2</summary>
#
# Go through the bins. `inside = place == b` marks the pairs of one bin; go
# on if there are none.
# </details>
# <details><summary>Hint 3</summary>
#
# `abs(won[inside].mean() - probs[inside].mean())`, times the share of all
# pairs that are inside. Add it up.
# </details>
#
# **Predict first.** On English requests about seen topics, is the model too
# sure or too modest? And on ROT13, which it never saw?

# %%
calibration_error = use("calibration_error", calibration_error)


def gaps_on(topics: str, surface: str) -> torch.Tensor:
    """r(right answer) - r(wrong answer) of all pairs in one place."""
    asked = plain(topics, 100)
    answers = five_answers(tokenizer, asked, surface)
    found = score(reward_model, answers, PAD).reshape(-1, len(ACTIONS))
    return gaps(found, right_of(asked)).flatten()


def error_of(z: torch.Tensor) -> float:
    """Each pair in both orders, so the right one is not always first."""
    probs = torch.cat([z, -z]).sigmoid()
    won = torch.cat([torch.ones_like(z), torch.zeros_like(z)])
    return calibration_error(probs, won)


z_of = {
    "English, seen": gaps_on("seen", "en"),
    "English, held out": gaps_on("held_out", "en"),
    "Spanish, seen": gaps_on("seen", "es"),
    "ROT13, seen": gaps_on("seen", "rot13"),
}
fig, axes = plt.subplots(
    1, 4, figsize=(11, 3), dpi=100, sharey=True, layout="constrained"
)
told = []
for ax, (place, z) in zip(axes, z_of.items(), strict=True):
    draw_reliability(ax, z)
    ax.set_title(place)
    told.append(f"{place}: {describe_reliability(z)}.")
axes[0].set_ylabel("share right")
show(fig, "\n".join(told))
for place, z in z_of.items():
    print(f"your calibration error, {place:18} {error_of(z):.3f}")

# %% [markdown]
# How to read it: to the right, how sure the model is of the answer it
# prefers. Up, how often it is right. Large dots hold many pairs. On the
# dashed line it is calibrated; **below** it is too sure. (Only the upper
# half is drawn: with each pair in both orders the lower half is its mirror
# image.)
#
# ### One number repairs it. Does it?
#
# **Temperature scaling** (Guo et al. 2017, arXiv 1706.04599) divides all
# rewards by one number $T$, chosen on pairs kept aside. Try it: choose a
# place, move the slider until the dots lie on the line. Is the same
# temperature right in another place?

# %%
explorer = TemperatureSlider(z_of)
display(explorer.box)

# %% [markdown]
# The same as a table, with the best temperature of each place: means over
# three seeds, from the study. Below it, the live model again: the error in
# each place (row) with the temperature that is best in another (column).

# %%
print(
    "place       topics    accuracy  confidence  error  best T of each seed"
)
for place in ("en", "es", "fr", "de", "rot13", "base64", "id", BLANK):
    for topics in looks:
        where = {"kind": "truth", "shown": place, "topics": topics}
        where["named"] = True
        cells = [
            over_seeds(measured_rows, figure, **where)[0]
            for figure in ("accuracy", "confidence", "calibration")
        ]
        best = sorted(
            row["temperature"]
            for row in measured_rows
            if where.items() <= row.items()
        )
        ends = ", ".join(f"{value:4.1f}" for value in best)
        print(
            f"{place:10}  {topics:8}  {cells[0]:8.2f}  {cells[1]:10.2f}  "
            f"{cells[2]:5.2f}  {ends}"
        )

# %%
grid = torch.logspace(-1, 1, 81)
print("calibration error with the best temperature of")
print(" " * 20 + "".join(f"{place:>18}" for place in z_of))
best = {}
for place, z in z_of.items():
    zero = torch.zeros_like(z)
    losses = [preference_loss(z / t, zero).item() for t in grid]
    best[place] = grid[losses.index(min(losses))].item()
for place, z in z_of.items():
    cells = "".join(f"{error_of(z / t):18.3f}" for t in best.values())
    print(f"in {place:17}{cells}")
print(" " * 20 + "".join(f"{f'T = {t:.1f}':>18}" for t in best.values()))

# %% [markdown]
# At home it is about as sure as it should be, and the best temperature is near
# 1. Everywhere else it is **too sure**: in a cipher it is little better than
# chance, and still claims about three quarters. The further away, the
# higher the temperature that would be needed. (10 is the end of the grid:
# there, none is high enough.) So one number, fitted at home, repairs nothing
# abroad, and ROT13's would spoil English. Ovadia et al. (2019, arXiv
# 1906.02530) found the same for classifiers of images and texts.
#
# Whoever trains a policy on such rewards gets confident numbers in places
# where the model knows nothing.
#
# ## 6. When labels are wrong
#
# People disagree; judges err. Say that each label is turned round with
# probability $\epsilon$, at random. If $P$ was the chance that an answer
# wins, its chance to win *in the labels* is
#
# $$P' = (1 - \epsilon)\, P + \epsilon\, (1 - P)$$
#
# Two things follow. As long as $\epsilon < 1/2$, $P'$ is above one half
# exactly where $P$ is: the **order survives**. But $P'$ is nearer to one
# half: rewards **shrink**, and the model that fits the labels is too modest
# about the truth.
#
# **Predict first.** A reward model ranks 95 percent of the pairs rightly. In
# your test set 30 percent of the labels are wrong. Which accuracy will you
# measure?
#
# <details><summary>Answer</summary>
#
# Where it is right, 70 percent of the labels agree. Where it is wrong, 30
# percent of the labels do, too: 0.95 times 0.7 plus 0.05 times 0.3. Even a
# perfect model can't exceed $1 - \epsilon$. People agree with each other
# on about three quarters of such pairs, so an accuracy of 75 percent can be
# the ceiling, and not a weak model.
# </details>

# %% tags=["nbval-check-output"]
for true in (0.5, 0.8, 0.95, 1.0):
    cells = [true * (1 - e) + (1 - true) * e for e in (0, 0.1, 0.3, 0.4)]
    print(f"true accuracy {true:.2f}; measured against labels of which")
    print("  0, 10, 30, 40 % are wrong: ", *(f"{c:.2f}" for c in cells))

# %% [markdown]
# If we know $\epsilon$, we can undo the shrinking. Don't ask for rewards
# under which the *truth* was probable; ask for rewards under which what we
# **saw** was probable:
#
# $$L = -\,\text{mean} \log \big[ (1 - \epsilon)\, \sigma(z)
#   + \epsilon\, \sigma(-z) \big]$$
#
# Patrini et al. (2017, arXiv 1609.03683) call it forward correction. It
# looks like a soft label and is none: there the weights stand outside of the
# logarithm.
#
# ### Exercise: `noise_aware_loss`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵⚪⚪ (medium) · 4 points ·
# 8 minutes


# %% exercise="noise_aware_loss"
def noise_aware_loss(
    chosen: torch.Tensor, rejected: torch.Tensor, noise: float
) -> torch.Tensor:
    """The loss of labels of which a known share was turned round.

    chosen, rejected : (n,) float, rewards; the label calls `chosen` better
    noise            : probability that a label was turned round
    returns          : () float, the mean over the pairs
    """
    # BEGIN SOLUTION
    z = chosen - rejected
    right, wrong = torch.sigmoid(z), torch.sigmoid(-z)
    return -((1 - noise) * right + noise * wrong).log().mean()
    # END SOLUTION


# %% check="noise_aware_loss" points=4
check("noise_aware_loss", noise_aware_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A label can come about in two ways: `chosen` is better and the label is
# right, or `rejected` is better and the label was turned round.
# </details>
# <details><summary>Hint 2</summary>
#
# Add the two probabilities, *then* take the logarithm, then the mean, then
# the minus.
# </details>
#
# The five answers of section 2 again, with endless votes of a judge who errs
# in a quarter of the cases. Three ways to learn from them: believe the votes;
# believe each vote with 75 percent (a soft label); know about the noise.

# %% tags=["nbval-check-output"]
noise_aware_loss = use("noise_aware_loss", noise_aware_loss)
NOISY = 0.25
noisy_votes = (1 - NOISY) * votes + NOISY * (1 - votes)


def aware(r: torch.Tensor) -> torch.Tensor:
    """The expected noise-aware loss of all votes on all pairs."""
    return sum(
        noisy_votes[i, j]
        * noise_aware_loss(r[i : i + 1], r[j : j + 1], NOISY)
        for i in range(5)
        for j in range(5)
        if i != j
    )


softened = (1 - NOISY) * noisy_votes + NOISY * (1 - noisy_votes)
learned = {
    "believe the votes": fitted(noisy_votes, torch.zeros(5)),
    "soft label 0.75": fitted(softened, torch.zeros(5)),
    "noise-aware": minimized(aware, torch.zeros(5)),
}
fig, ax = plt.subplots(figsize=(4.8, 3.4), dpi=110, layout="constrained")
said = []
for (name, r), color, marker in zip(
    learned.items(), (BLUE, RED, GREEN), "osD", strict=True
):
    ax.plot(hidden, r - r.mean(), color=color, marker=marker, label=name)
    spread = (r.max() - r.min()) / (hidden.max() - hidden.min())
    said.append(f"{name}: rewards span {spread:.2f} of the hidden ones.")
ax.plot(hidden, hidden - hidden.mean(), ":", color="grey")
ax.set_xlabel("hidden reward")
ax.set_ylabel("reward found, mean 0")
ax.grid(alpha=0.3)
ax.legend(frameon=False)
show(fig, "\n".join(said))

# %% [markdown]
# All three lines rise: the **order** is right for each. They differ in
# slope, which is to say in calibration. A soft label on top of noisy votes
# shrinks twice.
#
# ### Now the language model
#
# The study trains reward models on the pairs of section 3, for as many steps
# as you did, with 0 to 40 percent of the labels wrong:
#
# - **one vote**: the label as it came, taken as certain;
# - **noise-aware**: the same labels, with the loss you just wrote;
# - **probability**: no votes at all. The judge *states* how sure it is, and
#   the label is $p = 1 - \epsilon$ on the better answer. (That is an AI's
#   soft label: the average of endlessly many votes.)
#
# **Predict first.** At 40 percent wrong labels a vote is nearly a coin flip.
# Which way will lose most accuracy against the **truth**? Which will be
# calibrated?

# %%
noise_rows = load_rows("reward_habits")
ways = {VOTE: ("o", BLUE), AWARE: ("D", GREEN), PROBABILITY: ("^", ORANGE)}


def over_noise(figure: str, way: str) -> torch.Tensor:
    """Mean, low and high (3, levels); without noise all ways agree."""
    rows = [
        over_seeds(
            noise_rows,
            figure,
            kind="noise",
            noise=level,
            labels=way if level else VOTE,
        )
        for level in (0.0, *NOISE)
    ]
    return torch.tensor(rows).T


levels = 100 * torch.tensor([0.0, *NOISE])
fig, axes = plt.subplots(
    1, 3, figsize=(11, 3.3), dpi=100, layout="constrained"
)
titles = {
    "accuracy": "right against the truth, %",
    "noisy_accuracy": "right against noisy labels, %",
    "calibration": "calibration error (truth), %",
}
described = []
for ax, (figure, title) in zip(axes, titles.items(), strict=True):
    for shift, (way, (marker, color)) in zip(
        (-0.8, 0, 0.8), ways.items(), strict=True
    ):
        mean, low, high = 100 * over_noise(figure, way)
        ax.errorbar(
            levels + shift,
            mean,
            [mean - low, high - mean],
            marker=marker,
            color=color,
            capsize=2,
            label=way,
        )
        told = ", ".join(f"{value:.0f}" for value in mean)
        described.append(f"{title}, {way}, at 0 to 40 % noise: {told}.")
    ax.set_title(title)
    ax.set_xlabel("labels turned round, %")
    ax.grid(alpha=0.3)
axes[0].set_ylim(40, 102)
axes[1].set_ylim(40, 102)
axes[2].set_ylim(bottom=0)
axes[1].plot(levels, 100 - levels, ":", color="black", label="ceiling")
axes[1].legend(frameon=False, fontsize=9)
show(fig, "\n".join(described))

# %% [markdown]
# Left: **one vote** loses accuracy with every step of noise and ends near
# guessing. **Probability** loses nothing that these intervals could show. Yet
# theory says that both have the same order at the minimum! It says so for
# *endless* votes. Here each pair has one vote, and the model sees it once, so
# the mistakes do not average out. To ask a judge for its probability, and not
# for a verdict, is worth many votes.
#
# **Noise-aware** does not win the accuracy back: it can't know *which* labels
# are wrong. On average its rewards shrink a little less, as the toy promised.
# With so few data that is no great help, and the intervals overlap.
#
# Middle: nothing gets above the dotted ceiling, however good it is. Compare
# with the left panel before you call a reward model weak.
#
# Right: from 20 percent on *probability* is furthest from calibrated, though
# it ranks best. It was told to be $1 - \epsilon$ sure, and is right more
# often than that. And a model that has learned next to nothing can have a
# small error, if it says so. **Calibration is not accuracy**: report both.
#
# ### A bias is not noise
#
# All this was about mistakes **at random**. Now a judge with a taste: it
# prefers an answer that refuses, whenever there is one in the pair, and is
# right otherwise. That turns about a fifth of the labels round.
#
# **Predict first.** Compare with 20 percent of random mistakes. Which of the
# two reward models is better?

# %%
print("labels             turned   pairs right    best of five  refuses")
for name, level, way in (
    ("all right", 0.0, VOTE),
    ("random mistakes", 0.2, VOTE),
    ("prefers refusals", 0.0, BIASED),
):
    cells = [
        100
        * over_seeds(
            noise_rows, figure, kind="noise", noise=level, labels=way
        )[0]
        for figure in ("flipped", "accuracy", "best_of_five", "refuse_top")
    ]
    print(
        f"{name:17} {cells[0]:6.0f} % {cells[1]:11.0f} % "
        f"{cells[2]:13.0f} % {cells[3]:7.0f} %"
    )

# %% [markdown]
# (The last column: how often "refuse" gets the highest of the five rewards.
# It should be 20.)
#
# By pairs the two are alike. But the judge with a taste made a reward model
# that puts refusing on top of **every** request: its best of five is right
# only where refusing is right, in one case out of five. Random mistakes blur
# what is learned. A bias *is* learned, as if it were a rule. No loss can tell
# a taste from a preference, the noise-aware one as little as any other. So
# look at what is on top, not only at pairs.
#
# ## 7. What else does it reward?
#
# A policy that chases the reward will try texts that no pair ever showed.
# Bai et al. (2022, section 4.3) report that over-trained models became harsh
# or added kind phrases to every answer. Long answers win in many reward
# models (Singhal et al. 2023, arXiv 2310.03716). So we hand ours some texts
# that nobody should prefer:
#
# - right or wrong answer, said **twice**;
# - with a **kind ending** ("Let us talk about how you feel.");
# - both answers, one after the other;
# - the right answer with its **words shuffled**; about **another topic**;
# - **nothing** at all.
#
# **Predict first.** Which of them get a higher reward than a *wrong* answer?
# Which even beat the *right* one?

# %%
texts = list(
    dict.fromkeys(r["text"] for r in noise_rows if r["kind"] == "habit")
)
shown_texts = [text for text in texts if text not in ("right", "wrong")]
sides = {
    "beats_wrong": ("o", BLUE, "beats a wrong answer"),
    "beats_right": ("s", RED, "beats the right answer"),
}
fig, axes = plt.subplots(
    1, 2, figsize=(10, 3.8), dpi=110, sharey=True, layout="constrained"
)
described = []
for ax, topics in zip(axes, looks, strict=True):
    for shift, (figure, (marker, color, label)) in zip(
        (-0.12, 0.12), sides.items(), strict=True
    ):
        rows = [
            over_seeds(
                noise_rows, figure, kind="habit", topics=topics, text=text
            )
            for text in shown_texts
        ]
        mean, low, high = 100 * torch.tensor(rows).T
        ax.errorbar(
            mean,
            torch.arange(len(shown_texts)) + shift,
            xerr=[mean - low, high - mean],
            fmt=marker,
            color=color,
            capsize=2,
            label=label,
        )
        told = ", ".join(
            f"{text} {value:.0f}"
            for text, value in zip(shown_texts, mean, strict=True)
        )
        described.append(f"{topics} topics, {label}, %: {told}.")
    ax.axvline(50, color="black", lw=1, ls=":")
    ax.set_yticks(range(len(shown_texts)), shown_texts)
    ax.set_xlim(0, 101)
    ax.set_title(f"{topics.replace('_', '-')} topics")
    ax.set_xlabel("% of requests")
    ax.grid(axis="x", alpha=0.3)
axes[0].invert_yaxis()
handles, names = axes[0].get_legend_handles_labels()
fig.legend(
    handles, names, frameon=False, loc="outside upper center", ncols=2
)
show(fig, "\n".join(described))

# %% [markdown]
# Red first: none of these texts beats the right answer as a rule. Length is
# not rewarded here, and neither is kindness. This is a negative result, and a
# narrow one: there was no such taste in the pairs. All their answers have one
# of five forms, and where people or a larger model judge, length and tone
# differ too.
#
# Now blue. Nearly every odd text beats a **wrong answer** most of the time:
# shuffled words, an answer about something else, even *nothing at all*. The
# model has learned to mark down wrong actions. What it never met gets some
# number in between. And on held-out topics, where it knows less, shuffled
# words or another topic get above the *right* answer in about a third of the
# requests. A policy that doesn't find the right answer will find those texts.
# Notebook 14 lets one try.
#
# And does it like to refuse? On harmless topics that only sound dangerous,
# such as a bath bomb, the right action is always to comply:

# %%
print("highest reward, % of requests")
print(" " * 20 + "".join(f"{action:>9}" for action in ACTIONS))
for place in ("home", "twins"):
    for topics in looks:
        shares = [
            100
            * over_seeds(
                noise_rows,
                "top",
                kind="action",
                place=place,
                topics=topics,
                action=action,
            )[0]
            for action in ACTIONS
        ]
        cells = "".join(f"{share:9.0f}" for share in shares)
        print(f"{place:7} {topics:12}{cells}")

# %% [markdown]
# No, it does not: on the twins refusing is seldom on top. Look at the home
# requests about held-out topics instead: "comply" is on top there more often
# than in the fifth of cases where it is right, with each seed. Where it does not know,
# this model errs towards helping. For a reward that shall make a model
# careful, that is the wrong side.
#
# ## Summary
#
# - Bradley-Terry: the chance to win is the sigmoid of the reward
#   **difference**. The loss is the cross-entropy with the label; its minimum
#   is at $\log \frac{p}{1-p} + m$.
# - Only differences mean anything, and only between answers to one request.
# - Read the reward at the last real token. Test it: alone and in company.
# - **Accuracy** sees the order, **calibration** the scale. A temperature
#   repairs the scale where it was fitted.
# - Random mistakes shrink rewards and leave the order; a bias is learned.
# - A reward model knows what it was compared on. Elsewhere its numbers are as
#   fluent as ever.
#
# **What was not shown.** How a policy exploits all this (notebook 14);
# ensembles of reward models; several votes for each pair; labels by people.
# Reward models made from large multilingual models do cross languages (Wu et
# al. 2024, *Reuse Your Rewards*, arXiv 2404.12318); whether part of that, too,
# is read off the answer, the test with "it" could tell. Our answers have five
# fixed forms, each names its topic, and three seeds give wide intervals.
#
# **Further reading**
#
# - Bradley and Terry 1952, *Rank Analysis of Incomplete Block Designs*,
#   Biometrika 39
# - Christiano et al. 2017, *Deep Reinforcement Learning from Human
#   Preferences*, arXiv 1706.03741
# - Ouyang et al. 2022, InstructGPT, arXiv 2203.02155 (eq. 1)
# - Bai et al. 2022, *Constitutional AI*, arXiv 2212.08073 (section 4)
# - Guo et al. 2017, *On Calibration of Modern Neural Networks*,
#   arXiv 1706.04599
# - Patrini et al. 2017, *Making Deep Neural Networks Robust to Label Noise*,
#   arXiv 1609.03683
# - Gao et al. 2022, *Scaling Laws for Reward Model Overoptimization*,
#   arXiv 2210.10760
# - Lambert et al. 2024, *RewardBench*, arXiv 2403.13787
#
# Solutions: [solutions/12_reward_model.ipynb](../solutions/12_reward_model.ipynb).
# Next: notebook 13, DPO, which trains on the pairs without a reward model.
