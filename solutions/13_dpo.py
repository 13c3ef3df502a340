# %% [markdown]
# # 13 · DPO: learn from pairs
#
# The usual way from pairs of answers to a better policy has two steps: train
# a reward model on the pairs, then chase its reward by reinforcement
# learning. **Direct Preference Optimization** (DPO) leaves out both: it
# trains the policy on the pairs at once, with a
# loss of one line. This notebook derives that line, tests every step of the
# derivation on a vocabulary of five words, trains with it, and looks at what
# it does *not* do.
#
# **You will be able to**
#
# - derive the DPO loss from the RLHF objective, and say which way beta pushes;
# - write it, with soft labels, and test it against an exact optimum;
# - say why log-probabilities are summed and not averaged;
# - read a DPO run: why a high reward accuracy is not yet good behaviour, and
#   how a *chosen* answer can become less likely;
# - choose beta, learning rate and starting point by a sweep, and say which
#   settings cannot be told apart;
# - find out from a run's log which tokens its loss counts.
#
# **Time** 75 minutes. **Points** 33, in six exercises.
# **You need** notebook 00 (log-probability of a sequence). What you need of
# AI labels and of the Bradley-Terry model is explained here.

# %%
import copy
import random
from collections import Counter
from itertools import pairwise
from math import log

import torch
import torch.nn.functional as F
from IPython.display import display
from matplotlib import pyplot as plt
from tqdm.auto import tqdm

from utils.align.batching import (
    Example,
    Pair,
    batches,
    right_pad,
    score_completions,
    token_logprobs,
)
from utils.align.chat import reply
from utils.align.critique import critique_and_revise
from utils.align.judge import preferences
from utils.align.kl import exact_kl
from utils.evaluate.arms import ARMS, BETA, DPO_LR, arm
from utils.evaluate.conditions import plain
from utils.evaluate.metrics import bootstrap_interval, score
from utils.evaluate.studies.dpo import validation
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.training_data import (
    direct_example,
    direct_pair,
    training_requests,
)
from utils.models.load import load
from utils.models.tokenizer import encode_prompt
from utils.show.figure import PALETTE, show, style
from utils.show.widgets_13 import (
    BetaSlider,
    RunSlider,
    describe_optimum,
    describe_run,
    draw_optimum,
    draw_run,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.spec import ACTIONS, Clause, load_principles

torch.manual_seed(0)
base, tokenizer = load("lab")
PAD = tokenizer.pad_token_id

# %% [markdown]
# ## 1. Where the pairs come from
#
# No human labels anything here. Nearly as in Constitutional AI (Bai et al.
# 2022, arXiv 2212.08073, sections 3.1 and 4.1), the base model does it all:
#
# 1. it answers a request, criticizes its own answer under the
#    **constitution**, and writes a **revised** answer;
# 2. a **second candidate** is written under a principle drawn at random, so
#    it is often wrong;
# 3. the base model, with the true principles in its context, says which of
#    the two is better. The probability it gives is the **soft label** $p$.
#
# (One difference: in the paper both candidates are samples of one model, and
# the random principle guides the comparison.) The steps are in
# `utils/align/critique.py` and `judge.py`. The next cell puts them together
# for a few hundred requests. Arm A2 at the end of this notebook got many
# more, from `preference_pairs` in `utils/evaluate/training_data.py`,
# which does the same.

# %%
requests = training_requests(seed=0, n=900)
texts = [request.text for request in requests]
principles = [load_principles().of(r.topic.category) for r in requests]

# 1. Answer, criticize, revise.
first = [
    r.answer for r in reply(base, tokenizer, [*map(prompts.chat, texts)])
]
critiques, revised = critique_and_revise(
    base, tokenizer, principles, texts, first
)

# 2. A second candidate, under one random principle.
rng = random.Random(0)
asked = []
for request in requests:
    random_rule = Clause(
        1, request.topic.category, (request.intent,), rng.choice(ACTIONS)
    )
    asked.append(prompts.follow(prompts.card([random_rule]), request.text))
others = [r.answer for r in reply(base, tokenizer, asked)]

# 3. Which is better? Two equal answers teach nothing and are left out.
differ = [i for i in range(len(texts)) if revised[i] != others[i]]
labels = preferences(
    base,
    tokenizer,
    [principles[i] for i in differ],
    [texts[i] for i in differ],
    [revised[i] for i in differ],
    [others[i] for i in differ],
).tolist()
one = differ[0]
print(f"request : {texts[one]}")
print(f"first   : {first[one]}")
print(f"critique: {critiques[one]}")
print(f"revised : {revised[one]}")
print(f"other   : {others[one]}\n")
print(f"{len(requests)} requests gave {len(differ)} pairs.")

# %%
labelled = []  # (request, chosen, rejected, p)
for i, p in zip(differ, labels, strict=True):
    two = (revised[i], others[i]) if p >= 0.5 else (others[i], revised[i])
    labelled.append((requests[i], *two, max(p, 1 - p)))

for request, chosen, rejected, p in labelled[:4]:
    print(f"request : {request.text}")
    print(f"chosen  : {chosen}   (p = {p:.2f})")
    print(f"rejected: {rejected}\n")

# %% [markdown]
# How good are these labels? The Spec knows the right action, so we can count
# — but only *we* may look: no training of stage 1 sees the truth.

# %%
right = [r.action() == action_of(c) for r, c, _, _ in labelled]
wrong = [r.action() == action_of(w) for r, _, w, _ in labelled]
neither = sum(not (a or b) for a, b in zip(right, wrong, strict=True))
sure = sum(p > 0.9 for *_, p in labelled)
print(
    f"Of {len(labelled)} pairs, the chosen answer takes the right "
    f"action in {sum(right)},\nthe rejected one in {sum(wrong)}, "
    f"neither in {neither}. The judge is sure (p > 0.9) of {sure}."
)
print(f"The least sure label has p = {min(p for *_, p in labelled):.3f}.")

# %% [markdown]
# If the judge is right and sure nearly everywhere, soft labels act like hard
# ones below. Our judge has an easy job: the principles are short, and they
# stand in its context. Judges of real answers err.
#
# ## 2. From the objective to its optimum
#
# RLHF looks for the policy with the highest expected reward that does not
# move too far away from a **reference** — here the model we start from. That
# is eq. 3 of the DPO paper (Rafailov et al. 2023, arXiv 2305.18290):
#
# $$\max_\pi \; \mathbb{E}_{y \sim \pi}\,[\,r(x, y)\,]
#   - \beta \, \mathrm{KL}\big(\pi(\cdot|x) \,\|\, \pi_\text{ref}(\cdot|x)\big)$$
#
# Write out the KL and put everything under one expectation:
#
# $$\mathbb{E}_{y \sim \pi}\Big[ r - \beta \log
#   \frac{\pi(y|x)}{\pi_\text{ref}(y|x)} \Big]
#   = -\beta \; \mathbb{E}_{y \sim \pi}\Big[ \log \frac{\pi(y|x)}
#   {\pi_\text{ref}(y|x) \, e^{r(x,y)/\beta}} \Big]$$
#
# The denominator is nearly a distribution; but its sum
# $Z(x) = \sum_y \pi_\text{ref}(y|x)\, e^{r(x,y)/\beta}$ need not be 1. Divide
# by $Z$, call the result $\pi^*$, and the objective reads
# $-\beta\,\mathrm{KL}(\pi \| \pi^*) + \beta \log Z(x)$. A KL is never
# negative, and 0 only for equal distributions. So the optimum is (eq. 4)
#
# $$\pi^*(y|x) = \frac{1}{Z(x)} \; \pi_\text{ref}(y|x) \;
#   \exp\!\Big( \frac{1}{\beta}\, r(x, y) \Big)$$
#
# For a language model nobody can sum over all texts. With five possible texts
# everybody can, so we try it there first. Let an answer be its first word:

# %% tags=["nbval-check-output"]
words = ["Sure", "Sorry", "Please", "You", "First"]
reference = torch.tensor([0.70, 0.06, 0.12, 0.04, 0.08])
rewards = torch.tensor([-1.0, 2.0, 0.5, -0.5, 0.0])

for word, q, r in zip(words, reference, rewards, strict=True):
    print(f"{word:7} reference {q:.2f}   reward {r:+.1f}")

# %% [markdown]
# A helpful-only model says "Sure"; the reward, for some dangerous request,
# would rather have "Sorry".
#
# ### Exercise: `optimal_policy`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 6 points · 8 minutes
#
# Write eq. 4. One trap: $e^{r/\beta}$ overflows for a small beta. A product of
# probabilities is a sum of logarithms, and
# `softmax` takes the exponential *and* divides by $Z$, safely.


# %% exercise="optimal_policy"
def optimal_policy(
    reference: torch.Tensor, rewards: torch.Tensor, beta: float
) -> torch.Tensor:
    """The policy that maximizes E[r] - beta KL(policy || reference).

    reference : (n,) float, the probability of each text, adding up to 1
    rewards   : (n,) float, the reward of each text
    returns   : (n,) float, probabilities
    """
    # BEGIN SOLUTION
    return (reference.log() + rewards / beta).softmax(dim=-1)
    # END SOLUTION


# %% check="optimal_policy" points=6
check("optimal_policy", optimal_policy)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The logarithm of eq. 4 has three terms. Two depend on $y$; the third, log Z,
# is what makes the probabilities add up to 1.
# </details>
# <details><summary>Hint 2</summary>
#
# Add the logarithm of `reference` to `rewards / beta`.
# </details>
# <details><summary>Hint 3</summary>
#
# Then `.softmax(dim=-1)`: it takes the exponential and divides by the sum.
# </details>

# %% tags=["nbval-check-output"]
optimal_policy = use("optimal_policy", optimal_policy)

# %% [markdown]
# ### Is it really the best?
#
# The derivation says so. A test says it again: compare with 20,000 policies
# drawn at random.


# %% tags=["nbval-check-output"]
def objective(policy: torch.Tensor, beta: float) -> torch.Tensor:
    """E[r] - beta KL(policy || reference) of (..., n) policies."""
    logits = policy.clamp_min(1e-20).log()
    kl = exact_kl(logits, reference.log().expand_as(logits))
    return policy @ rewards - beta * kl


beta = 0.5
best = optimal_policy(reference, rewards, beta)
torch.manual_seed(0)
guesses = torch.distributions.Dirichlet(torch.ones(5)).sample((20_000,))
better = (objective(guesses, beta) > objective(best, beta)).sum().item()
print(f"Objective of the closed form: {objective(best, beta):.3f}")
print(f"Best of 20,000 guesses:       {objective(guesses, beta).max():.3f}")
print(f"Guesses above the closed form: {better}")

# %% [markdown]
# ### Which way does beta push?
#
# **Predict first.** You raise beta from 0.2 to 5. Does the optimal policy move
# *further away* from the reference, or does it stay *closer*? What happens to
# the expected reward?
#
# <details><summary>Answer</summary>
#
# **Closer.** beta is the price of moving. In eq. 4 it divides the reward, so a
# high beta makes $e^{r/\beta}$ nearly 1 for every text: the reference is left
# as it is, and the expected reward stays near the reference's. (At the
# start of DPO a high beta does pull harder, as section 5 shows. But it stops
# sooner: where the policy *ends* is closer.)
# </details>

# %% tags=["nbval-check-output"]
betas = [0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0]
policies = {b: optimal_policy(reference, rewards, b) for b in betas}
moved = {
    b: exact_kl(policy.log(), reference.log()).item()
    for b, policy in policies.items()
}
gained = {b: (policy @ rewards).item() for b, policy in policies.items()}

fig, (left, right_ax) = plt.subplots(
    1, 2, figsize=(9, 3.2), dpi=100, layout="constrained"
)
left.plot(betas, list(moved.values()), "o-", color=PALETTE["blue"])
left.set_ylabel("KL(optimum || reference), nats")
right_ax.plot(
    betas, list(gained.values()), "s--", color=PALETTE["vermillion"]
)
right_ax.axhline((reference @ rewards).item(), color="grey", ls=":")
right_ax.text(0.1, (reference @ rewards).item() + 0.06, "reference")
right_ax.set_ylabel("expected reward")
for ax in (left, right_ax):
    ax.set_xscale("log")
    ax.set_xlabel("beta")
    ax.grid(alpha=0.3)
falling = all(moved[a] > moved[b] for a, b in pairwise(betas))
show(
    fig,
    "From beta 0.1 to 10 the optimum's KL falls from "
    f"{moved[0.1]:.2f} to {moved[10.0]:.4f} nats\nand its expected reward "
    f"from {gained[0.1]:.2f} to {gained[10.0]:.2f} "
    f"(reference: {reference @ rewards:.2f}).\n"
    f"The KL falls at every step: {falling}.",
)

# %% [markdown]
# Left: the higher beta, the smaller the KL. Right: the price of staying close
# is reward. There is no "right" beta in the mathematics; it is a choice.
#
# The same optimum as bars. Move the slider (with the mouse, or with the arrow
# keys), or look at the three settings in the figure below it.

# %%
explorer = BetaSlider(words, reference, rewards, policies)
display(explorer.box)

# %% tags=["nbval-check-output"]
fig, axes = plt.subplots(
    1, 3, figsize=(11, 2.9), dpi=100, sharey=True, layout="constrained"
)
said = []
for ax, b in zip(axes, (0.2, 1.0, 5.0), strict=True):
    draw_optimum(ax, words, reference, policies[b])
    ax.set_title(f"beta = {b:g}")
    ax.label_outer()
    line = describe_optimum(reference, rewards, policies[b])
    said.append(f"beta = {b:g}: {line}")
axes[0].legend(frameon=False)
show(fig, "\n".join(said))

# %% [markdown]
# ## 3. The policy is a reward model
#
# Now turn eq. 4 round. Take logarithms and solve for the reward (eq. 5):
#
# $$r(x, y) = \beta \log \frac{\pi(y|x)}{\pi_\text{ref}(y|x)}
#   + \beta \log Z(x)$$
#
# Read it from left to right: *whatever* policy $\pi$ you have, there is a
# reward for which it is the optimum. The first term is called its **implicit
# reward**: how much more likely than under the reference has the text become?
# The second term nobody can compute. But it is the same for all answers to one
# request, and in a moment it will cancel.
#
# ### Exercise: `implicit_reward`
#
# Difficulty 🔴⚪⚪⚪⚪ (very easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 4 points · 5 minutes
#
# Write the first term. The arguments are **log**-probabilities already.


# %% exercise="implicit_reward"
def implicit_reward(
    policy: torch.Tensor, reference: torch.Tensor, beta: float
) -> torch.Tensor:
    """The reward for which `policy` is the optimum, up to a constant.

    policy    : any shape, float: log-probabilities under the policy
    reference : same shape: log-probabilities under the reference
    returns   : same shape
    """
    # BEGIN SOLUTION
    return beta * (policy - reference)
    # END SOLUTION


# %% check="implicit_reward" points=4
check("implicit_reward", implicit_reward)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The logarithm of a quotient is a difference of logarithms.
# </details>
# <details><summary>Hint 2</summary>
#
# A text that has become *more* likely has a positive implicit reward.
# </details>

# %% tags=["nbval-check-output"]
implicit_reward = use("implicit_reward", implicit_reward)

# %% tags=["nbval-check-output"]
beta = 0.5
optimum = optimal_policy(reference, rewards, beta)
implied = implicit_reward(optimum.log(), reference.log(), beta)
print("word     true   implicit   difference")
for word, r, guess in zip(words, rewards, implied, strict=True):
    print(f"{word:7} {r:+.2f}    {guess:+.3f}      {r - guess:+.3f}")
log_z = (reference * (rewards / beta).exp()).sum().log().item()
print(f"beta log Z = {beta * log_z:+.3f}")

# %% [markdown]
# The difference is the same number for every word: beta log Z. The optimal
# policy has kept the whole reward function, up to that one constant. (You
# have seen the number before: by the derivation of section 2 it is also the
# value of the objective at its optimum.)
#
# ## 4. The probability of a text
#
# For a language model, $\log \pi(y|x)$ is a **sum** over the tokens of the
# answer — the probability of a text is a product:
#
# $$\log \pi(y|x) = \sum_{t \,\in\, \text{completion}}
#   \log \pi(y_t \,|\, x, y_{<t})$$
#
# The tokens of the prompt are *given*, so they are not counted. Padding is not
# text, so it is not counted either. The end token is: that the answer stops
# here is part of what the model decides.
#
# ```
# tokens  <|user|> How do I ... <|direct|> Sorry , I can ... <|end|> <|pad|>
# mask       0      0   0 0         0        1   1 1  1         1       0
# ```
#
# ### Exercise: `completion_logprob`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵⚪ (high) · 5 points ·
# 6 minutes
#
# Add up the log-probabilities where the mask is True, one sum for each row.


# %% exercise="completion_logprob"
def completion_logprob(
    logprobs: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """log p(completion | prompt) of each row.

    logprobs : (n, T) float: of each token, given all tokens before it
    mask     : (n, T) bool: True at completion tokens
    returns  : (n,) float; gradients flow through it
    """
    # BEGIN SOLUTION
    return (logprobs * mask).sum(dim=1)
    # END SOLUTION


# %% check="completion_logprob" points=5
check("completion_logprob", completion_logprob)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# True counts as 1 and False as 0 when you multiply by a mask.
# </details>
# <details><summary>Hint 2</summary>
#
# `.sum(dim=1)` adds up each row. Don't divide by anything.
# </details>

# %% tags=["nbval-check-output"]
completion_logprob = use("completion_logprob", completion_logprob)

# %% [markdown]
# On one pair of section 1, token by token. (`token_logprobs` runs the
# model; its rows hold the completion tokens only.)

# %%
request, chosen, rejected, p = next(
    one for one in labelled if action_of(one[1]) != "comply"
)
print(request.text)
for name, text in (("chosen", chosen), ("rejected", rejected)):
    example = direct_example(tokenizer, request, text)
    with torch.no_grad():
        logprobs, mask = token_logprobs(base, [example], PAD)
    total = completion_logprob(logprobs, mask).item()
    print(f"\n{name}: {text}")
    for token, value in zip(
        example.completion, logprobs[0].tolist(), strict=True
    ):
        print(f"  {tokenizer.decode([token]):>14}  {value:8.3f}")
    print(f"  {'sum':>14}  {total:8.3f}")
    share = logprobs[0, 0].item() / total
    print(f"  the first word makes up {share:.0%} of the sum")

# %% [markdown]
# Look at which tokens carry the sum: a few of them, and the first word among
# them. It decides what kind of answer this is.
#
# ## 5. The loss
#
# Bradley and Terry's model (eq. 1) says how probable it is that answer $y_w$
# is preferred to $y_l$: $\sigma(r(x, y_w) - r(x, y_l))$. Put the implicit
# reward in. Both answers belong to the same request, so **log Z cancels**
# (eq. 6), and what is left can be computed:
#
# $$z = \beta \Big[ \log \frac{\pi(y_w|x)}{\pi_\text{ref}(y_w|x)}
#   - \log \frac{\pi(y_l|x)}{\pi_\text{ref}(y_l|x)} \Big]$$
#
# The loss is that of a reward model (eq. 7), only that the reward model is the
# policy itself. With an AI's soft label $p$ it is the cross-entropy
#
# $$L = -\,\mathbb{E}\,\big[\; p \log \sigma(z) + (1 - p) \log \sigma(-z)
#   \;\big]$$
#
# and $p = 1$ gives the paper's eq. 7 back.
#
# ### Exercise: `dpo_loss`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 9 points · 12 minutes
#
# All four log-probabilities are sums over a completion, one number for each
# pair. `p` is a number, or one number for each pair. Use `F.logsigmoid`.


# %% exercise="dpo_loss"
def dpo_loss(
    policy_chosen: torch.Tensor,
    policy_rejected: torch.Tensor,
    reference_chosen: torch.Tensor,
    reference_rejected: torch.Tensor,
    beta: float,
    p: torch.Tensor | float = 1.0,
) -> torch.Tensor:
    """The DPO loss for hard (p = 1) or soft labels, mean over the pairs.

    four log-probabilities : (n,) float
    p                      : number or (n,): P(chosen is the better one)
    returns                : () float
    """
    # BEGIN SOLUTION
    chosen = beta * (policy_chosen - reference_chosen)
    rejected = beta * (policy_rejected - reference_rejected)
    z = chosen - rejected
    return -(p * F.logsigmoid(z) + (1 - p) * F.logsigmoid(-z)).mean()
    # END SOLUTION


# %% check="dpo_loss" points=9
check("dpo_loss", dpo_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# z is the implicit reward of the chosen text minus that of the rejected one.
# You have written `implicit_reward` already.
# </details>
# <details><summary>Hint 2</summary>
#
# Multiply `F.logsigmoid(z)` by p and `F.logsigmoid(-z)` by 1 - p, and add.
# </details>
# <details><summary>Hint 3</summary>
#
# Put a minus in front and take `.mean()` over the pairs.
# </details>

# %% tags=["nbval-check-output"]
dpo_loss = use("dpo_loss", dpo_loss)

# %% [markdown]
# **Predict first.** At the very start the policy *is* the reference. What is
# the loss then — for any pairs, any beta and any labels?
#
# <details><summary>Answer</summary>
#
# Every z is 0 and sigmoid(0) = 1/2, so the loss is log 2 ≈ 0.693. A DPO run
# that starts elsewhere has a bug: another reference, dropout, or a mask that
# differs between the two. (The same wrong mask on both sides goes unnoticed.)
# </details>

# %% tags=["nbval-check-output"]
chosen, rejected = -10 * torch.rand(2, 100)
for b in (0.1, 1.0):
    for p in (1.0, 0.7):
        start = dpo_loss(chosen, rejected, chosen, rejected, b, p)
        print(f"beta {b}, p {p}: loss at the start {start:.4f}")
print(f"log 2 = {log(2):.4f}")

# %% [markdown]
# ### How hard does a pair pull?
#
# The paper differentiates the loss (section 4, "What does the DPO update
# do?"). By the chain rule, for a certain label,
#
# $$\nabla L = -\,\beta\,\mathbb{E}\Big[\;
#   \underbrace{\sigma(-z)}_{\text{weight}} \;
#   \big( \underbrace{\nabla \log \pi(y_w|x)}_{\text{more of the chosen}}
#   - \underbrace{\nabla \log \pi(y_l|x)}_{\text{less of the rejected}} \big)
#   \;\Big]$$
#
# so the weight says how wrong the implicit reward still is about the pair.
#
# ### Exercise: `gradient_weight`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵⚪⚪ (medium) ·
# 4 points · 8 minutes
#
# Write the weight for a soft label: minus the derivative of one pair's
# loss by z. You need one fact: the derivative of $\log \sigma(z)$ is
# $\sigma(-z)$.


# %% exercise="gradient_weight"
def gradient_weight(
    z: torch.Tensor, p: torch.Tensor | float = 1.0
) -> torch.Tensor:
    """How hard a pair pulls: minus the slope of its loss in z.

    z       : (n,) float: implicit reward of chosen minus rejected
    p       : number or (n,): P(chosen is the better one)
    returns : (n,) float
    """
    # BEGIN SOLUTION
    return p * torch.sigmoid(-z) - (1 - p) * torch.sigmoid(z)
    # END SOLUTION


# %% check="gradient_weight" points=4
check("gradient_weight", gradient_weight)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First p = 1. The loss of the pair is minus log sigmoid(z); so minus its slope
# is sigmoid(-z).
# </details>
# <details><summary>Hint 2</summary>
#
# In log sigmoid(-z) the inner derivative is -1. That half pulls the other way.
# </details>
# <details><summary>Hint 3</summary>
#
# p sigmoid(-z) minus (1 - p) sigmoid(z). It is the same as p - sigmoid(z).
# </details>

# %% tags=["nbval-check-output"]
gradient_weight = use("gradient_weight", gradient_weight)

# %% tags=["nbval-check-output"]
z = torch.linspace(-6, 6, 121)
fig, ax = plt.subplots(figsize=(6.5, 3.2), dpi=100, layout="constrained")
looks = [
    (1.0, PALETTE["blue"], "-"),
    (0.9, PALETTE["vermillion"], "--"),
    (0.6, PALETTE["green"], ":"),
]
for p, color, line in looks:
    ax.plot(z, gradient_weight(z, p), line, color=color, label=f"p = {p:g}")
ax.axhline(0, color="grey", lw=1)
ax.set_xlabel("margin z = beta (change of chosen - change of rejected)")
ax.set_ylabel("weight of the pair")
ax.legend(frameon=False)
ax.grid(alpha=0.3)
stops = [log(p / (1 - p)) for p in (0.9, 0.6)]
show(
    fig,
    "The weight falls from 1 to 0 as z rises for p = 1. A label p = 0.9 "
    f"pulls until z = {stops[0]:.2f},\na label p = 0.6 until z = "
    f"{stops[1]:.2f}; "
    "beyond that they pull back.",
)

# %% [markdown]
# Three things to read off:
#
# - A pair that is ordered wrongly (left) pulls hardest. Learned pairs let go.
# - A certain label never pulls back: nothing in the *loss* stops z from
#   growing for ever. Only a vanishing weight and the end of training do.
# - A soft label has a goal: $z = \log \frac{p}{1-p}$. Soft labels also
#   regularize.
#
# Note where beta sits: $z = \beta \times$ (a change in log-probabilities,
# in nats). To reach the same z, a policy with a **high** beta needs a
# **small** change. So here too a high beta keeps the policy close.
#
# ## 6. Sum or mean? An experiment
#
# Long answers have lower log-probabilities. It is tempting to divide by the
# number of tokens. Does it matter? The derivation needs the log-probability of
# the *text*, which is the sum. Let us see what happens without it.
#
# We learn a free policy over the five answers with your `dpo_loss`, from all
# pairs, labelled by the true reward (Bradley-Terry). Eq. 4 says where it has
# to end. The "mean" version divides each log-probability by its length, and
# multiplies beta by the average length to be fair. The lab's own answers are
# about equally long; real ones are not, so we pretend: help takes many words,
# a refusal few.

# %% tags=["nbval-check-output"]
lengths = torch.tensor([40, 4, 12, 20, 6])  # tokens of each answer
one, two = torch.combinations(torch.arange(5)).unbind(dim=1)  # all 10 pairs
soft = torch.sigmoid(rewards[one] - rewards[two])


def learn(beta: float, divide_by: torch.Tensor) -> torch.Tensor:
    """Minimize the DPO loss over a free policy: (n,) probabilities."""
    logits = reference.log().clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=500)
    start = reference.log() / divide_by

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        now = logits.log_softmax(dim=-1) / divide_by
        loss = dpo_loss(
            now[one], now[two], start[one], start[two], beta, soft
        )
        loss.backward()
        return loss

    optimizer.step(closure)
    return logits.detach().softmax(dim=-1)


beta = 1.0
target = optimal_policy(reference, rewards, beta)
by_sum = learn(beta, torch.ones(5))
by_mean = learn(beta * lengths.float().mean().item(), lengths)
print("answer   tokens   target   by sum   by mean")
for row in zip(words, lengths, target, by_sum, by_mean, strict=True):
    print("{:7} {:7}   {:6.2f}   {:6.2f}   {:7.2f}".format(*row))
for name, found in (("sum", by_sum), ("mean", by_mean)):
    share = (found - target).abs().sum().item() / 2
    print(
        f"By {name}: {100 * share:.0f} % of the probability is misplaced."
    )

# %% tags=["nbval-check-output"]
fig, ax = plt.subplots(figsize=(7.5, 3), dpi=100, layout="constrained")
looks = [
    (target, "optimum (eq. 4)", "black", ""),
    (by_sum, "learned by sum", PALETTE["sky"], "//"),
    (by_mean, "learned by mean", PALETTE["orange"], ".."),
]
for shift, (probs, name, color, hatch) in zip(
    (-0.27, 0, 0.27), looks, strict=True
):
    at = [i + shift for i in range(5)]
    ax.bar(at, probs.tolist(), 0.27, label=name, color=color, hatch=hatch)
ax.set_xticks(
    range(5),
    [f"{w}\n{n} tokens" for w, n in zip(words, lengths, strict=True)],
)
ax.set_ylabel("probability")
ax.legend(frameon=False)
worst = int((by_mean - target).abs().argmax())
show(
    fig,
    "The sum reaches the optimum; the mean does not. Largest error of the "
    f"mean: {words[worst]!r}, {by_mean[worst]:.2f} instead of "
    f"{target[worst]:.2f}.",
)

# %% [markdown]
# With the mean, the change of an answer's log-probability is what its reward
# asks for *times its length* (over the average length), up to what makes the
# probabilities add up to 1. So the short refusal, with the highest reward,
# gains too little, and what it does not gain stays with the others. Length
# has leaked into the preferences. (Methods that normalize by length on
# purpose, such as SimPO, arXiv 2405.14734, give up this closed form and
# choose another objective.)
#
# ## 7. Train it
#
# Now the lab model. We start from the **base**, helpful only: it complies with
# everything. The last pairs are kept out of training, except those whose
# request occurs in training as well. Everything below is measured on them, or
# on test requests in English that no pair is about.
#
# The reference never changes, so its log-probabilities are computed once.

# %%
pairs = [direct_pair(tokenizer, *one) for one in labelled]
KEPT = 150
known = {request.text for request, *_ in labelled[:-KEPT]}
train = pairs[:-KEPT]
test = [
    pair
    for pair, (request, *_) in zip(
        pairs[-KEPT:], labelled[-KEPT:], strict=True
    )
    if request.text not in known
]


def halves(pairs: list[Pair]) -> tuple[list[Example], list[Example]]:
    """Prompts with their chosen and with their rejected completions."""
    return (
        [Example(pair.prompt, pair.chosen) for pair in pairs],
        [Example(pair.prompt, pair.rejected) for pair in pairs],
    )


def scores(model, pairs: list[Pair]) -> torch.Tensor:
    """(2, n) log-probabilities: of the chosen and the rejected texts."""
    return torch.stack(
        [score_completions(model, half, PAD) for half in halves(pairs)]
    )


reference_train, reference_test = scores(base, train), scores(base, test)
p_train = torch.tensor([pair.p for pair in train])
p_test = torch.tensor([pair.p for pair in test])
print(f"{len(train)} pairs to train on, {len(test)} to measure on")

# %% [markdown]
# What to watch. On the training pairs, the mean **train loss** since the last
# look; it starts at log 2. On the pairs kept out:
#
# - **loss**, which starts at log 2 too, and may rise;
# - **reward accuracy**: the share of pairs with z > 0, the number that DPO
#   libraries log;
# - **log-probability** of the chosen and of the rejected answers;
#
# and on 40 test requests in English: **greedy accuracy**, the share of the
# model's own answers that take the right action, and how far the first word's
# distribution has moved, as an exact KL.

# %%
home = plain("seen", 40)
home_chats = [prompts.chat(request.text) for request in home]
home_ids = [encode_prompt(tokenizer, c, thinking=False) for c in home_chats]


@torch.no_grad()
def first_word(model) -> torch.Tensor:
    """Logits of the first word of each answer at home: (40, vocab)."""
    ends = torch.tensor([len(ids) - 1 for ids in home_ids])
    logits = model(right_pad(home_ids, PAD)).logits  # (40, seq, vocab)
    return logits[torch.arange(len(ends)), ends]


def measure(policy, beta: float) -> dict[str, float]:
    """What a learner of DPO should look at, rounded."""
    now = scores(policy, test)
    z = beta * ((now - reference_test)[0] - (now - reference_test)[1])
    kl = exact_kl(first_word(policy), first_word(base)).mean()
    said = reply(policy, tokenizer, home_chats, max_new_tokens=24)
    return {
        "loss": dpo_loss(*now, *reference_test, beta, p_test).item(),
        "margin": z.mean().item(),
        "reward accuracy": (z > 0).float().mean().item(),
        "greedy accuracy": score(home, said)["accuracy"],
        "chosen": now[0].mean().item(),
        "rejected": now[1].mean().item(),
        "KL": kl.item(),
    }


# %% [markdown]
# The training loop, whole. Nothing is hidden: your `completion_logprob`, your
# `dpo_loss`, and Adam. (`train_dpo` in `utils/align/dpo.py` does the same, and
# lets the learning rate fall towards the end.)

# %%
STEPS, EVERY, LEARNING_RATE = 60, 10, 3e-4


def train_live(beta: float) -> tuple[torch.nn.Module, dict[int, dict]]:
    """DPO from the base model; returns the policy and what was measured."""
    policy = copy.deepcopy(base)
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=LEARNING_RATE, weight_decay=0.0
    )
    better, worse = halves(train)
    history = {0: measure(policy, beta) | {"train loss": log(2)}}
    losses = []
    order = batches(train, batch_size=32, steps=STEPS, seed=0)
    for step, index in enumerate(tqdm(order, "training", STEPS), start=1):
        for group in optimizer.param_groups:  # a short warm-up
            group["lr"] = LEARNING_RATE * min(1, step / 10)
        # One forward pass: the chosen texts first, then the rejected ones.
        both = [better[i] for i in index] + [worse[i] for i in index]
        logprobs, mask = token_logprobs(policy, both, PAD)  # (64, T)
        chosen, rejected = completion_logprob(logprobs, mask).chunk(2)
        fixed = reference_train[:, index]  # (2, 32)
        loss = dpo_loss(chosen, rejected, *fixed, beta, p_train[index])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % EVERY == 0:
            recent = sum(losses[-EVERY:]) / EVERY
            history[step] = measure(policy, beta) | {"train loss": recent}
    return policy, history


# %% [markdown]
# **Predict first.** Two runs of 60 steps, beta 0.1 and beta 1, equal in
# everything else.
#
# 1. Whose loss on the pairs kept out jumps about more?
# 2. Which one ends further away from the base?
# 3. What rises first: the reward accuracy, or the greedy accuracy?
#
# <details><summary>Think it through</summary>
#
# 1. beta 1. z is beta times the change, so the same change of the policy
#    moves z ten times as far: down the loss for a pair that went the right
#    way, and up it for a pair that went the wrong way.
# 2. beta 0.1: its pairs go on pulling until the change is ten times as large.
# 3. The reward accuracy needs the smallest change in the right direction.
#    The greedy answer changes only when another word becomes the most likely
#    one.
# </details>

# %%
runs = {beta: train_live(beta) for beta in (0.1, 1.0)}
for beta, (_, history) in runs.items():
    print(f"beta = {beta}")
    print("step" + "".join(f"{name.split()[0]:>9}" for name in history[0]))
    for step, row in history.items():
        print(f"{step:4}" + "".join(f"{v:9.2f}" for v in row.values()))
    print()
print("reward: reward accuracy; greedy: greedy accuracy; train: train loss")

# %%
fig, axes = plt.subplots(
    2, 2, figsize=(9, 5.4), dpi=100, layout="constrained"
)
axes = axes.flatten()
looks = {
    0.1: (PALETTE["blue"], "o"),
    1.0: (PALETTE["vermillion"], "s"),
}


def line(ax, beta: float, name: str, dash: str = "-") -> None:
    """Draw one measured quantity of one run."""
    history, (color, marker) = runs[beta][1], looks[beta]
    values = [row[name] for row in history.values()]
    label = f"{name.split()[0]}, beta {beta:g}"
    ax.plot(
        list(history), values, dash, color=color, marker=marker, label=label
    )


for beta in runs:
    line(axes[0], beta, "loss")
    line(axes[1], beta, "reward accuracy")
    line(axes[1], beta, "greedy accuracy", ":")
    line(axes[2], beta, "chosen")
    line(axes[2], beta, "rejected", ":")
    line(axes[3], beta, "KL")
axes[0].axhline(log(2), color="grey", lw=1)
axes[1].set_ylim(0, 1.03)
titles = [
    "loss on the pairs kept out",
    "accuracy",
    "log-probability, nats",
    "KL of the first word",
]
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title)
    ax.set_xlabel("step")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8)
said = []
for beta, (_, history) in runs.items():
    begin, end = history[0], history[STEPS]
    said.append(
        f"beta {beta:g}: loss {begin['loss']:.2f} to {end['loss']:.2f}, "
        f"reward accuracy at the end {end['reward accuracy']:.2f}, greedy "
        f"{begin['greedy accuracy']:.2f} to {end['greedy accuracy']:.2f}, "
        f"KL {end['KL']:.2f}."
    )
show(fig, "\n".join(said))

for beta, (_, history) in runs.items():
    step = max(history, key=lambda n: history[n]["reward accuracy"])
    row, start = history[step], history[0]
    print(
        f"beta {beta:g}: best reward accuracy "
        f"{row['reward accuracy']:.2f}, "
        f"at step {step}. The greedy accuracy was "
        f"{row['greedy accuracy']:.2f} then "
        f"(base: {start['greedy accuracy']:.2f})."
    )

# %% [markdown]
# How to read it. Top left: both losses start at log 2 (grey). Top right: solid
# lines are what libraries log, dotted lines are what a user gets. (At step 0
# every z is exactly 0, which does not count as right.) Bottom left: only the
# *difference* of solid and dotted matters to the loss, so watch whether the
# solid lines really rise. Bottom right: how far the policy has moved.
#
# ### High reward accuracy is not yet good behaviour
#
# What do the models say now?

# %%
answered = {"base": base} | {
    f"beta {beta:g}": policy for beta, (policy, _) in runs.items()
}
for name, model in answered.items():
    said = reply(model, tokenizer, home_chats, max_new_tokens=24)
    counts = Counter(action_of(r.answer) for r in said).most_common()
    print(f"{name:9}", ", ".join(f"{a} {n}" for a, n in counts))
    print(f"          such as: {said[0].answer}")

# %% [markdown]
# z > 0 says: *compared with the reference*, the chosen answer has gained on
# the rejected one. It does not say that the model would now give it. To be
# given, the chosen answer has to beat *every* other text. The rejected one is
# only one of them.
#
# Each dot below is a held-out pair. To the right: the base prefers the chosen
# answer. Up: the trained policy does. Dots above the diagonal count for the
# reward accuracy. Only dots above the horizontal line are ranked rightly.

# %%
fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 4), dpi=100, sharey=True, layout="constrained"
)
before = (reference_test[0] - reference_test[1]).numpy()
said = []
for ax, (beta, (policy, _)) in zip(axes, runs.items(), strict=True):
    now = scores(policy, test)
    after = (now[0] - now[1]).numpy()
    gained, ranked = after > before, after > 0
    for mask, marker, color, name in [
        (gained & ranked, "o", PALETTE["blue"], "z > 0, ranked rightly"),
        (
            gained & ~ranked,
            "x",
            PALETTE["vermillion"],
            "z > 0, ranked wrongly",
        ),
        (~gained, "s", "grey", "z < 0"),
    ]:
        look = {"color": color, "marker": marker, "label": name}
        ax.scatter(before[mask], after[mask], s=25, **look)
    ends = [before.min(), before.max()]
    ax.plot(ends, ends, "--", color="grey", lw=1)
    ax.axhline(0, color="black", lw=1)
    ax.set_title(f"beta = {beta:g}")
    ax.set_xlabel("base: log p(chosen) - log p(rejected)")
    said.append(
        f"beta {beta:g}: z > 0 in {gained.sum()} of {len(gained)} pairs, "
        f"ranked rightly {ranked.sum()} (base: {(before > 0).sum()})."
    )
axes[0].set_ylabel("policy: log p(chosen) - log p(rejected)")
axes[0].legend(frameon=False, fontsize=8)
show(fig, "\n".join(said))

# %% [markdown]
# Crosses are right for the reward accuracy, and the model still prefers the
# rejected answer. But a dot above the line is no behaviour yet, either:
# compare the number ranked rightly with the greedy accuracy. Where many are
# ranked rightly and few answers are right, a third text has won. Section 9
# shows how that happens.
#
# How far away is the goal? Take the typical pair that the base orders wrongly.

# %%
gap = -torch.tensor(before[before < 0]).median().item()
print(f"The base prefers the rejected answer by {gap:.1f} nats (median).")
for beta in runs:
    z = torch.tensor([beta * gap])
    rest, pull = dpo_loss(z, 0 * z, 0 * z, 0 * z, 1.0), gradient_weight(z)
    print(
        f"beta {beta:g}: when the order turns, z = {z.item():.1f}, "
        f"the loss is down to {rest.item():.1e}\n"
        f"          and the pair pulls with {pull.item():.1e} "
        "(0.5 at first)."
    )

# %% [markdown]
# So the order of a pair turns only when z has reached beta times the gap.
# With a high beta the loss is nearly 0 by then, and the pair has long stopped
# pulling. With a low beta the order can turn: compare the pairs ranked
# rightly with the base's. This is no accident of our small model: Chen et al.
# (2024, arXiv
# 2405.19534) find that DPO rarely turns the order of a pair that its reference
# has wrong, for this reason.
#
# Two lessons. **Never report reward accuracy as if it were behaviour**: sample
# answers and look. And **start close to the goal**: arm A2 first does
# supervised training on the revised answers. Constitutional AI does so too, to
# spare reinforcement learning the search.
#
# ## 8. Every setting, measured
#
# Two runs are anecdotes. The next figures come from `results/dpo.json`: four
# betas, three learning rates, **two starting points**, three training seeds,
# 100 steps each on some two thousand pairs. (To measure it again takes about
# an hour: `python -m utils.evaluate.study dpo`.) The starting points:
#
# - **base**: the helpful-only model, as in section 7;
# - **after SFT**: the same model after supervised training on the *revised*
#   answers of section 1, as Constitutional AI does it.
#
# The reference is the starting point, in both cases. Measured are pairs kept
# out of training, and 200 validation requests: nothing was trained on them, and
# none is in the test of the arms.
#
# ### Beta, and the KL that it allows
#
# **Predict first.** In section 2 the exact optimum's KL fell as beta rose. That
# was the *end* of training. These runs stop after 100 steps. Will their KL fall
# with beta, too?

# %%
measured = load_rows("dpo")
BETAS = sorted({row["beta"] for row in measured})
RATES = sorted({row["lr"] for row in measured})
starts = {"base": "from the base", "sft": "after SFT"}
RATE_LOOKS = [
    ("blue", "o", "-"),
    ("vermillion", "s", "--"),
    ("green", "^", ":"),
]


def draw_by_beta(ax, figure, start, scale=1.0, least=-float("inf")):
    """Draw a figure over beta, a line for each lr; return it in words.

    Values are multiplied by `scale`; no interval begins below `least`.
    """
    said = []
    for rate, (color, marker, dash) in zip(RATES, RATE_LOOKS, strict=True):
        ends = [
            over_seeds(measured, figure, start=start, lr=rate, beta=beta)
            for beta in BETAS
        ]
        mean, low, high = scale * torch.tensor(ends).T
        low = low.clamp_min(least).minimum(mean)
        ax.errorbar(
            BETAS,
            mean,
            torch.stack([mean - low, high - mean]),
            marker=marker,
            linestyle=dash,
            color=PALETTE[color],
            label=f"lr {rate:g}",
            capsize=3,
        )
        values = ", ".join(
            f"{round(x, 2) + 0.0:.2f}" for x in mean.tolist()
        )
        said.append(f"    lr {rate:g}: {values}")
    ax.set_xscale("log")
    ax.set_xticks(BETAS, [f"{beta:g}" for beta in BETAS])
    ax.minorticks_off()
    ax.set_xlabel("beta")
    ax.set_title(starts[start])
    ax.grid(alpha=0.3)
    return f"{starts[start]}\n" + "\n".join(said)


fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 3.4), dpi=100, layout="constrained"
)
said = [
    draw_by_beta(ax, "kl", start, least=0)
    for ax, start in zip(axes, starts, strict=True)
]
for ax in axes:
    ax.set_yscale("symlog", linthresh=0.01)  # linear below 0.01
    ax.set_ylim(-0.002, 30)
axes[0].set_ylabel("KL(policy || reference), nats")
axes[0].legend(frameon=False)
show(
    fig,
    f"KL for beta {', '.join(f'{beta:g}' for beta in BETAS)}, mean of "
    "three seeds.\n" + "\n".join(said),
)

# %% [markdown]
# Bars are 95 % intervals over training seeds, cut off at 0. They are wide, for
# three seeds are few. (The scale is logarithmic above 0.01.)
#
# After SFT the mean KL falls as beta rises, at every learning rate. But look at
# how far apart the three lines are where beta is low. **A run that stops early
# is held back by its learning rate as well as by beta.** So a beta without its
# learning rate and number of steps says little.
#
# From the base nearly all runs lie at zero, whatever beta is. This KL is
# estimated from what the *policy* says: the mean of log policy - log reference
# over its own samples. A KL of 0 beside a reward accuracy well above one
# half means: it has moved only texts that it never says.
#
# ### From the base, against after SFT
#
# Each point below is a setting (mean of three seeds). To the right: what a
# library logs. Up: what a user gets.
#
# **Predict first.** Where do the runs from the base lie?

# %%
fig, ax = plt.subplots(figsize=(6.5, 3.8), dpi=100, layout="constrained")
faces = {
    "base": (PALETTE["black"], "o"),
    "sft": (PALETTE["vermillion"], "D"),
}
said = []
for start, title in starts.items():
    points = [
        [
            100 * over_seeds(measured, figure, start=start, beta=b, lr=r)[0]
            for figure in ("reward_accuracy", "accuracy", "answers_changed")
        ]
        for b in BETAS
        for r in RATES
    ]
    x, y, changed = zip(*points, strict=True)
    color, marker = faces[start]
    ax.scatter(x, y, color=color, marker=marker, label=title, alpha=0.7)
    before = over_seeds(measured, "accuracy_before", start=start)[0]
    ax.axhline(100 * before, color=color, lw=1, ls=":")
    said.append(
        f"{title}: reward accuracy {min(x):.0f} to {max(x):.0f} %, right "
        f"action {min(y):.0f} to {max(y):.0f} % (before DPO "
        f"{100 * before:.0f}),\n    action changed in "
        f"{min(changed):.0f} to {max(changed):.0f} % of the answers."
    )
ax.set_xlabel("reward accuracy on pairs kept out, %")
ax.set_ylabel("right action, greedy, %")
ax.set_ylim(0, 104)
ax.grid(alpha=0.3)
ax.legend(frameon=False)
show(fig, "\n".join(said))

# %% [markdown]
# Black: the log looks better than chance, and the answers stay where they
# were (dotted line). Red: the log looks perfect, and again the answers stay
# where they were, or become worse. The two have opposite reasons.
#
# - *From the base* the right answer is too far away. The gap of section 7 is
#   many nats, and 100 steps close only a part of it.
# - *After SFT* the right answer is there already. The only thing left to gain
#   z by is to make the rejected answer even less likely than it is. Nobody
#   would have heard it anyway.
#
# This is how a nearly perfect reward accuracy goes together with greedy
# answers that do not change. The points far below the dotted line are runs
# with the largest step size and a low beta: what lets a run go far, lets it
# go too far.
#
# Move beta yourself. The left bars say what the run did; the right panel,
# where its KL (red) lies among the four betas. Below it, a static example.

# %%
display(RunSlider(measured, start="base", lr=5e-5).box)

# %%
fig, axes = plt.subplots(
    2, 2, figsize=(8.5, 5.2), dpi=100, layout="constrained"
)
said = []
for row, start in zip(axes, starts, strict=True):
    run = {"start": start, "beta": 0.1, "lr": 5e-5}
    draw_run(row, measured, **run)
    row[0].set_title(f"{starts[start]}, beta 0.1")
    said.append(describe_run(measured, **run))
show(fig, "\n".join(said))

# %% [markdown]
# ### The sweep behind arm A2
#
# The runs after SFT are also the sweep from which the settings of arm A2 were
# taken. A sweep is honest when it says three things: how many settings were
# tried, on what they were compared, and how many of them cannot be told apart.
# The requests must not be those of the test: else the winner is partly chosen
# for its luck there. The last line counts how many are in both.

# %%
print("after SFT, right action in % [95 % interval over training seeds]\n")
print("   beta" + "".join(f"{f'lr {rate:g}':>22}" for rate in RATES))
table = {
    (b, r): over_seeds(measured, "accuracy", start="sft", beta=b, lr=r)
    for b in BETAS
    for r in RATES
}
for b in BETAS:
    cells = []
    for r in RATES:
        mean, low, high = (100 * end for end in table[b, r])
        mark = "*" if (b, r) == (BETA, DPO_LR) else " "
        cells.append(f"{mark}{mean:5.1f} [{low:5.1f}, {high:5.1f}]")
    print(f"{b:7g}" + "".join(f"{cell:>22}" for cell in cells))
print("\n* the setting of arm A2")
in_test = {request.english for request in plain("seen", 100)}
in_sweep = {request.english for request in validation()}
print(
    f"\n{len(in_sweep & in_test)} of {len(in_test)} test requests are "
    f"among the {len(in_sweep)} different ones of the sweep."
)

# %% [markdown]
# An interval for each cell is the wrong tool for comparing two cells: all
# settings share a seed's SFT model and pairs. So compare by **differences
# within a seed**.

# %%
highest = max(mean for mean, _, _ in table.values())
best = [key for key, (mean, _, _) in table.items() if mean > highest - 1e-9]


def by_seed(b: float, r: float) -> dict[int, float]:
    """Right action of one setting after SFT, for each seed."""
    return {
        row["seed"]: row["accuracy"]
        for row in measured
        if (row["start"], row["beta"], row["lr"]) == ("sft", b, r)
    }


top, as_good = by_seed(*best[0]), []
for b, r in table:
    rows = [
        {"seed": seed, "lost": top[seed] - value}
        for seed, value in by_seed(b, r).items()
    ]
    if over_seeds(rows, "lost")[1] <= 0:
        as_good.append((b, r))
for b, r in best:
    print(f"Highest mean: beta {b:g}, lr {r:g}.")
print(
    f"Not clearly worse than it: {len(as_good)} of {len(table)} settings."
)
print("A2's setting is among them:", (BETA, DPO_LR) in as_good)

gained = {
    (b, r): over_seeds(
        [
            row | {"gain": 100 * (row["accuracy"] - row["accuracy_before"])}
            for row in measured
        ],
        "gain",
        start="sft",
        beta=b,
        lr=r,
    )
    for b, r in table
}
better = [key for key, (_, low, _) in gained.items() if low > 0]
worse = [key for key, (_, _, high) in gained.items() if high < 0]
before = over_seeds(measured, "accuracy_before", start="sft")[0]
print(f"\nSFT alone: {100 * before:.1f} %.")
print(f"Settings clearly better than SFT alone: {len(better)}.")
print(f"Settings clearly worse than SFT alone : {len(worse)}.")
mean, low, high = gained[BETA, DPO_LR]
print(f"A2's setting: {mean:+.1f} points [{low:+.1f}, {high:+.1f}].")

# %% [markdown]
# Read this as you would read it in a paper of somebody else.
#
# - Two of twelve settings share the highest mean. A2 uses the one of them that
#   moves the model less. Many more of the table cannot be told apart from it,
#   with three seeds.
# - It is a *corner* of the table: the highest beta with the smallest step size,
#   and no other setting moves the model less. So the sweep does not show that
#   DPO helps; its best advice is to do little.
# - No setting is clearly better than SFT alone. **What A2 can do at home, it
#   has learned from SFT on revisions.** DPO widens the margins, and margins are
#   not what we measure at home. Elsewhere it could still matter: section 11
#   and stage 3 look there.
#
# Odd intervals are no mistake in the arithmetic. One that ends above 100 %: one
# seed broke and another did not, and a t-interval of three such numbers knows
# no limit. One of no width: three seeds agreed on 200 requests, by chance.
#
# ## 9. When the chosen answer becomes less likely
#
# The loss wants a difference to grow. It can grow while *both* answers lose,
# if the rejected one loses faster. Where does the probability go? To
# answers that nobody compared. Razin et al. (2024, arXiv 2410.08847) call it
# **likelihood displacement**.
#
# The smallest example has three words and a hidden state of two numbers. The
# logit of a word is the product of its vector and the hidden state, as in the
# last layer of every language model. "Please" (chosen) and "Sorry" (rejected)
# have similar vectors. DPO moves the hidden state along their *difference*.
#
# **Predict first.** "Sure" is in no pair. What happens to it?
#
# <details><summary>Think it through</summary>
#
# The gradient moves the hidden state along (0.5, 0), the difference of the two
# vectors. How much does each logit gain from a step in that direction? The
# first numbers of the three vectors tell: 0.5, 0 and 2.
# </details>

# %% tags=["nbval-check-output"]
three = ["Please", "Sorry", "Sure"]
vectors = torch.tensor([[0.5, 1.0], [0.0, 1.0], [2.0, 0.0]])
hidden = torch.tensor([0.0, 1.0], requires_grad=True)
before_3 = (vectors @ hidden).log_softmax(dim=-1).detach()
path = []
for _ in range(61):
    now = (vectors @ hidden).log_softmax(dim=-1)
    loss = dpo_loss(now[:1], now[1:2], before_3[:1], before_3[1:2], 1.0)
    path.append([loss.item(), *now.exp().tolist()])
    (slope,) = torch.autograd.grad(loss, hidden)
    hidden = (hidden - 0.3 * slope).detach().requires_grad_()
path = torch.tensor(path)

fig, (left, middle) = plt.subplots(
    1, 2, figsize=(9, 3), dpi=100, layout="constrained"
)
left.plot(path[:, 0], color="black")
left.set_title("loss")
looks = [
    (PALETTE["blue"], "-"),
    (PALETTE["vermillion"], "--"),
    (PALETTE["green"], ":"),
]
roles = ["chosen", "rejected", "in no pair"]
for i, (color, line) in enumerate(looks):
    middle.plot(
        path[:, i + 1], line, color=color, label=f"{three[i]} ({roles[i]})"
    )
middle.set_title("probability")
middle.legend(frameon=False)
for ax in (left, middle):
    ax.set_xlabel("step")
    ax.grid(alpha=0.3)
ends = ", ".join(
    f"{three[i]} {path[0, i + 1]:.2f} to {path[-1, i + 1]:.2f}"
    for i in range(3)
)
won = (path[-1, 1] / path[0, 1] > path[-1, 2] / path[0, 2]).item()
show(
    fig,
    f"The loss falls from {path[0, 0]:.2f} to {path[-1, 0]:.2f}; chosen "
    f"gained on rejected: {won}.\nProbabilities: {ends}.",
)

# %% [markdown]
# A perfect run by its log: the loss falls, and the chosen answer gains on the
# rejected one. And the model now says "Sure". Nobody asked for it: "Sure" lies
# in the direction in which "Please" differs from "Sorry".
#
# And in our runs? Count the pairs kept out whose chosen answer is less likely
# than before.

# %%
for beta, (policy, _) in runs.items():
    change = scores(policy, test) - reference_test  # (2, pairs)
    fell = change[0] < 0
    said = (
        f"beta {beta:g}: the chosen answer became less likely in "
        f"{fell.sum().item()} of {len(fell)} pairs"
    )
    if fell.any():
        both = (change[:, fell] < 0).all(dim=0).sum().item()
        said += f", in {both} of them the rejected one did too"
    print(said + ".")
    print(
        f"          mean change: chosen {change[0].mean():+.2f}, rejected "
        f"{change[1].mean():+.2f} nats."
    )

# %% [markdown]
# And in the runs of section 8, after SFT? Left, the share of pairs whose chosen
# answer became less likely. Right, by how much, in the mean.

# %%
fig, (left, middle) = plt.subplots(
    1, 2, figsize=(9.5, 3.2), dpi=100, layout="constrained"
)
fell = draw_by_beta(left, "chosen_fell", "sft", scale=100)
moved_by = draw_by_beta(middle, "chosen_change", "sft")
left.set_title("chosen answers that lost, %")
left.set_ylim(0, 100)
middle.set_title("mean change of the chosen answer, nats")
middle.axhline(0, color="black", lw=1)
left.legend(frameon=False)
lost = [
    over_seeds(measured, "rejected_change", start="sft", lr=r, beta=b)[0]
    for r in RATES
    for b in BETAS
]
show(
    fig,
    f"For beta {', '.join(f'{beta:g}' for beta in BETAS)}. Share that "
    f"lost, {fell}\nMean change of the chosen answer, {moved_by}\n"
    f"The rejected answer lost {-max(lost):.0f} to {-min(lost):.0f} nats "
    "meanwhile.",
)

# %% [markdown]
# About half of the chosen answers lost, in runs whose reward accuracy is
# nearly perfect. Mostly they lost next to nothing, for SFT had made them
# nearly certain. With the largest step size and a low beta they lost for
# real: those are the runs far below the line in section 8.
#
# The share is the number to watch: nothing in the loss keeps it small.
# Remedies in use: pairs whose answers really differ, a term that holds
# the chosen text up (`sft_weight` in `utils/align/dpo.py`; RPO, arXiv
# 2404.19733), and more supervised training first.
#
# ## 10. Broken lab
#
# Four colleagues have trained the same model on the same pairs with the same
# settings. You get their logs, their answers and their checkpoints, but not
# their code. One of the four runs is right. The others count the wrong
# tokens.
#
# How does that happen? A mask marks the places where completion tokens *stand*.
# A model's output at a place is about the *next* token. So somewhere the two
# have to be shifted by one against each other. Forget it, or do it twice, and
# the mask is off by one. Nothing crashes. The loss starts at log 2, because
# policy and reference are wrong in the same way.
#
# ```
# tokens   <|user|> ... <|direct|> Sorry , I can ... . <|end|> <|pad|> <|pad|>
# right       0     0      0         1   1 1  1      1    1       0       0
# late        0     0      0         0   1 1  1      1    1       1       0
# early       0     0      1         1   1 1  1      1    0       0       0
# padding     0     0      0         1   1 1  1      1    1       1       1
# ```
#
# (The runs start early in SFT on revisions, where many answers are still wrong.
# They come from `results/faults.json`, written by
# `python -m utils.evaluate.study faults`.)
#
# ### What they logged

# %%
faults = load_rows("faults")
order = ["early", "right", "padding", "late"]
random.Random(13).shuffle(order)  # no peeking
teams = dict(zip("ABCD", order, strict=True))
first_seed = {row["mask"]: row for row in faults if row["seed"] == 0}
runs_of = {team: first_seed[mask] for team, mask in teams.items()}

fig, (left, middle) = plt.subplots(
    1, 2, figsize=(9, 3.2), dpi=100, layout="constrained"
)
team_looks = dict(
    zip(
        "ABCD",
        zip(
            [PALETTE[c] for c in ("black", "blue", "orange", "purple")],
            "os^D",
            ["-", "--", "-.", ":"],
            strict=True,
        ),
        strict=True,
    )
)
said = []
for team, row in runs_of.items():
    color, marker, dash = team_looks[team]
    look = {"color": color, "marker": marker, "linestyle": dash}
    loss, hits = row["log"]["loss"], row["log"]["accuracy"]
    steps = [10 * (i + 1) for i in range(len(loss))]
    left.plot(steps, loss, label=team, **look)
    middle.plot(steps, hits, label=team, **look)
    said.append(
        f"{team}: loss {loss[0]:.2f} to {loss[-1]:.2f}, reward accuracy "
        f"{hits[0]:.2f} to {hits[-1]:.2f}; on pairs kept out "
        f"{row['reward_accuracy']:.2f}."
    )
left.axhline(log(2), color="grey", lw=1)
left.set_title("loss, as logged")
middle.set_title("reward accuracy, as logged")
for ax in (left, middle):
    ax.set_xlabel("step")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
show(fig, "\n".join(said))

# %% [markdown]
# **Would you stop one of them?** All four losses fall, all four reward
# accuracies rise, and on pairs kept out each is far above one half. Two
# curves lie on top of each other. Are these two healthy, then?
#
# ### What their models say

# %%
for i in range(1, 6):
    asked_for, old, _ = runs_of["A"]["samples"][i]
    print(f"request: {asked_for}\nbefore : {old}")
    for team, row in runs_of.items():
        print(f"{team}      : {row['samples'][i][2]}")
    print()

# %% [markdown]
# **Predict first.** Compare each team's answers with those before. For each
# team, write down whether it is healthy. If not, which tokens does its loss
# not see?
#
# ### Where the margin comes from
#
# The margin z adds up changes of single tokens. So compare checkpoint and
# reference token by token. The bars show by how much *more* a place gained in
# the chosen texts than in the rejected ones, in nats, over 150 pairs kept out:
# the prompt's last token, the completion's first, all between, `<|end|>`, and
# the token behind it. A run's z is made of the places that it counts.

# %%
fig, axes = plt.subplots(
    1, 4, figsize=(10, 3), dpi=100, sharey=True, layout="constrained"
)
spots = ["before", "first", "between", "end", "behind"]
said = []
for ax, (team, row) in zip(axes, runs_of.items(), strict=True):
    values = [
        row["moved"][spot][0] - row["moved"][spot][1] for spot in spots
    ]
    ax.bar(range(len(spots)), values, color=team_looks[team][0])
    ax.axhline(0, color="black", lw=1)
    ax.set_xticks(range(len(spots)), spots, rotation=60)
    ax.set_title(team)
    ax.grid(axis="y", alpha=0.3)
    said.append(f"{team}: " + ", ".join(f"{x + 0.0:+.1f}" for x in values))
axes[0].set_ylabel("chosen minus rejected, nats")
show(fig, f"Gain {', '.join(spots)}.\n" + "\n".join(said))

# %% [markdown]
# Which place *should* carry the margin? Section 4 said it: the first word, which
# decides what kind of answer this is. A bar in a place that is no text at all
# is a run that has found another way to win.
#
# The figure gives a suspicion, no proof. `early` is the hard case. Which two
# places does it exchange, and do these two move in *any* run?
#
# ### Exercise: `find_fault`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 5 points · 12 minutes
#
# Turn the suspicion into a test. A library logs the *sum* of the changes that
# it counted, such as TRL's `rewards/chosen` over beta. You have the change of
# *every* token. So build all four masks, add up, and say which of them comes
# nearest to the log over all texts. Logs are rounded, so none fits exactly.


# %% exercise="find_fault"
def find_fault(
    logged: torch.Tensor,
    change: torch.Tensor,
    start: torch.Tensor,
    end: torch.Tensor,
) -> str:
    """Tell from a log which tokens a run counts.

    logged  : (n,) float: change of each completion's log-probability,
              as the run logged it
    change  : (n, T) float: change of each token's, with prompt and padding
    start   : (n,) int: place of the first completion token
    end     : (n,) int: place behind the last one, which is <|end|>
    returns : "right", "late", "early" or "padding"
    """
    # BEGIN SOLUTION
    place = torch.arange(change.shape[1])  # (T,)
    start, end = start[:, None], end[:, None]  # (n, 1)
    masks = {  # (n, T) each
        "right": (place >= start) & (place < end),
        "late": (place >= start + 1) & (place < end + 1),
        "early": (place >= start - 1) & (place < end - 1),
        "padding": place >= start,
    }
    errors = {
        name: ((change * mask).sum(dim=1) - logged).abs().sum().item()
        for name, mask in masks.items()
    }
    return min(errors, key=errors.get)
    # END SOLUTION


# %% check="find_fault" points=5
check("find_fault", find_fault)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Let `place = torch.arange(change.shape[1])`, of shape (T,), and compare it with
# `start[:, None]`, of shape (n, 1). The comparison has shape (n, T).
# </details>
# <details><summary>Hint 2</summary>
#
# The right mask is `(place >= start) & (place < end)`. The masks off by one add
# or subtract 1 on both sides. The last one has no upper end.
# </details>
# <details><summary>Hint 3</summary>
#
# For each mask, `((change * mask).sum(dim=1) - logged).abs().sum()`. Return the
# name with the smallest of these four.
# </details>
#
# Now look back at what you wrote down, and compare.

# %%
find_fault = use("find_fault", find_fault)
for team, row in runs_of.items():
    audit = {k: torch.tensor(v) for k, v in row["audit"].items()}
    print(f"{team}: the log fits the mask {find_fault(**audit)!r}")

# %% [markdown]
# And what did the faults cost? The same four masks over three training seeds.
# *By its log* is the reward accuracy on pairs kept out, with the run's own mask;
# *truly*, the same with the right mask.

# %%
begin = 100 * over_seeds(faults, "accuracy_before")[0]
print(f"right action before DPO: {begin:.0f} %; after it, in %:\n")
print("mask       reward accuracy          right action")
print("         by its log    truly")
cost = {}
for mask in ("right", "early", "late", "padding"):
    cost[mask] = {
        figure: [100 * x for x in over_seeds(faults, figure, mask=mask)]
        for figure in (
            "reward_accuracy",
            "true_reward_accuracy",
            "accuracy",
        )
    }
    by_log, true, acts = cost[mask].values()
    print(
        f"{mask:9}   {by_log[0]:5.0f}       {true[0]:5.0f}      "
        f"{acts[0]:3.0f} [{acts[1]:3.0f}, {acts[2]:3.0f}]"
    )

# %% [markdown]
# - **late** has learned nothing about the answers: truly, it is at chance. It
#   has found out that it may win with the token *behind* the end. There is
#   nothing to read there, but its loss counts it. In every seed its right
#   action is lower than before, and its log is far above one half.
# - **padding** has learned both. A part of its margin is made of padding, and on
#   the answers themselves it is behind the right run.
# - **early** cannot be told from the right run, by log, samples or score. The
#   prompt's last token is the same in both texts, so it cancels in z; and
#   after the last full stop `<|end|>` was certain before training. A fault
#   can be harmless on *these* data. Where a model has to learn when to stop, it
#   would not be. Only the audit finds it.
# - **right** did not clearly raise the right action either. Section 8 said why
#   one should not expect it to.
#
# Samples alone would not have convicted anybody: the right run says odd things,
# too. What does it: **ask where the margin comes from, and add up yourself what
# the log claims.**
#
# ## 11. The finished arm
#
# Arm **A2** is stage 1 as a whole: supervised training on the revised
# answers, then DPO on the AI-labelled pairs, in plain English. It comes from
# the cache; the first time, training takes a few minutes.
#
# Two conditions: the same 60 requests at **home** (English), and in
# **Spanish**. The base reads Spanish well: it was pretrained to put Spanish
# requests into English. What it never got is an aligned example in Spanish.
#
# **Predict first.** Will A2 act as rightly in Spanish as in English? Write down
# two numbers, in percent, before you run the cell.

# %%
asked = plain("seen", 60)
conditions = {
    "English": asked,
    "Spanish": [request.on("es") for request in asked],
}
results, hits = {}, {}
for name in ("A0", "A1", "A2"):
    model, _, _ = arm(name)
    for place, batch in conditions.items():
        said = reply(
            model,
            tokenizer,
            [prompts.chat(request.text) for request in batch],
            max_new_tokens=24,
        )
        results[name, place] = score(batch, said)
        hits[name, place] = torch.tensor(
            [r.action() == action_of(s.answer)
             for r, s in zip(batch, said, strict=True)]
        ).float()  # fmt: skip

for (name, place), row in results.items():
    low, high = (100 * end for end in row["interval"])
    print(
        f"{name} {ARMS[name].title:25} {place}: right action "
        f"{100 * row['accuracy']:.0f} % [{low:.0f}, {high:.0f}],\n"
        f"    complied with {100 * row['unsafe']:.0f} % of the requests "
        "that must not be complied with"
    )

# %%
fig, ax = plt.subplots(figsize=(6, 3.2), dpi=100, layout="constrained")
for shift, name in ((-0.08, "A0"), (0, "A1"), (0.08, "A2")):
    rows = [results[name, place] for place in conditions]
    values = [100 * row["accuracy"] for row in rows]
    errors = [
        [100 * (row["accuracy"] - row["interval"][0]) for row in rows],
        [100 * (row["interval"][1] - row["accuracy"]) for row in rows],
    ]
    at = [place + shift for place in range(2)]
    label = f"{name} {ARMS[name].title}"
    ax.errorbar(at, values, errors, capsize=3, label=label, **style(name))
ax.axhline(20, color="grey", lw=1, ls=":")
ax.text(0.5, 13, "chance", color="dimgrey", ha="center")
ax.set_xticks(range(2), list(conditions))
ax.set_xlim(-0.4, 1.4)
ax.set_ylim(0, 104)
ax.set_ylabel("right action, %")
ax.grid(axis="y", alpha=0.3)
ax.legend(frameon=False)
described = []
for name in ("A1", "A2"):
    lost = (hits[name, "English"] - hits[name, "Spanish"]).numpy()
    low, high = bootstrap_interval(lost)
    described.append(
        f"{name}, English minus Spanish, same requests: "
        f"{100 * lost.mean():+.0f} points, "
        f"95 % interval [{100 * low:.0f}, {100 * high:.0f}]."
    )
show(fig, "\n".join(described))

# %% [markdown]
# The lines under the figure are the first hint of stage 3. If an interval lies
# above 0, something learned at home has not travelled, though the model can
# read the language. A1 imitates answers and sees no pairs. If it loses as much
# as A2, the loss is not special to pairs: both were taught *which answer* goes
# with *which request*, and neither was taught the rule. Stage 2 asks what
# changes when the model learns the rule and applies it in words, and stage 3
# measures both far from home.
#
# ## Summary
#
# - The RLHF objective has an exact optimum: the reference times
#   exp(r / beta), divided by Z. A **higher beta stays closer** to the reference.
# - Turned round, every policy is a reward model: beta times the log-ratio.
# - Bradley-Terry on that implicit reward is DPO. Z cancels, because both
#   answers belong to one request. At the start the loss is log 2.
# - Log-probabilities are **summed**. A mean lets length into the preferences.
# - **Reward accuracy is not behaviour.** It compares with the reference. It is
#   near its ceiling where answers are right before DPO begins, and above
#   chance where they never change.
# - The loss wants a difference: the chosen answer may lose as well, and a third
#   one may win.
# - In our sweep no setting beats the one that moves least, and none is clearly
#   better at home than SFT on revisions alone.
# - A healthy log proves little. Audit which tokens a loss counts, by adding
#   them up yourself.
#
# **What was not shown.** Pairs sampled anew from the policy during training
# (online DPO); other shapes of the loss (IPO, KTO); longer runs than 100 steps;
# pairs as hard as real ones, on which SFT leaves something to do; what happens
# on topics that alignment never saw (notebook 31). The two live runs
# start from the base model and take 60 steps, to make the path visible: they
# are not what DPO can reach at its best. Three seeds tell large effects from
# none, and nothing finer. Five actions with fixed openings are far simpler than
# real answers.
#
# **Further reading**
#
# - Rafailov et al. 2023, *Direct Preference Optimization: Your Language Model
#   is Secretly a Reward Model*, arXiv 2305.18290
# - Bai et al. 2022, *Constitutional AI: Harmlessness from AI Feedback*,
#   arXiv 2212.08073
# - Chen et al. 2024, *Preference Learning Algorithms Do Not Learn Preference
#   Rankings*, arXiv 2405.19534
# - Razin et al. 2024, *Unintentional Unalignment: Likelihood Displacement in
#   Direct Preference Optimization*, arXiv 2410.08847
# - Pal et al. 2024, *Smaug: Fixing Failure Modes of Preference Optimisation
#   with DPO-Positive*, arXiv 2402.13228
#
# Solutions: [solutions/13_dpo.ipynb](../solutions/13_dpo.ipynb).
# Next: notebook 14, RL from AI feedback.
