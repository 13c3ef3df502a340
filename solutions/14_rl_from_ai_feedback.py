# %% [markdown]
# # 14 · RL from AI feedback: chase a reward, and know when to stop
#
# Notebook 12 made a **reward model** out of AI labels. This notebook chases
# its reward. The policy writes answers, the reward model grades them, and
# what got a better grade becomes likelier. Nobody shows the policy a right
# answer, and nobody tells it a rule.
#
# A reward model is a stand-in for what we want. Push hard enough, and the two
# part: the reward goes up while the answers get worse. So half of this
# notebook is about *how to notice*.
#
# **You will be able to**
#
# - estimate how far a policy has moved, three ways, and say which is biased;
# - write the policy gradient with a baseline, and say why it stays right;
# - write GRPO: advantages within a group, a clipped loss, a KL penalty;
# - draw true score against proxy, and read over-optimization off the curve;
# - find a fault in a run whose log looks healthy.
#
# **Time** 65 minutes. **Points** 27, in five exercises.
# **You need** notebook 00 (log-probability, sampling). Notebooks 12 and 13
# help; what you need of them is said again here.

# %%
import copy
import json
from collections import Counter
from itertools import product

import torch
from IPython.display import display
from matplotlib import pyplot as plt
from tqdm.auto import tqdm

from utils.align.batching import Example, batches, token_logprobs
from utils.align.chat import limits
from utils.align.kl import exact_kl
from utils.align.reward_model import score as grade
from utils.align.sampling import generate
from utils.evaluate.arms import ARMS
from utils.evaluate.conditions import plain
from utils.evaluate.run import RESULTS
from utils.evaluate.studies import rl
from utils.evaluate.studies.reward_model import trained
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.table import average, interval, plain_on
from utils.evaluate.training_data import training_requests
from utils.models.load import load
from utils.models.tokenizer import encode_completion, split_completion
from utils.show.figure import PALETTE, show
from utils.show.widgets_14 import RunSlider, describe_look, draw_run
from utils.teach.checks import check, use
from utils.world.replies import action_of, answer
from utils.world.spec import ACTIONS, load_principles

torch.manual_seed(0)
base, tokenizer = load("lab")
start, _ = rl.started("lab", seed=0)
reward_model = trained("lab", seed=0)
PAD = tokenizer.pad_token_id

# %% [markdown]
# ## 1. Where we start, and what we chase
#
# The base model complies with everything: it would hardly ever *try* another
# answer, and what is never tried can't be rewarded. So, as in Constitutional
# AI (Bai et al. 2022, arXiv 2212.08073, section 4.2), a little supervised
# training comes first, on a few hundred answers that the base model revised
# itself. The result, `start`, has all five forms of answer, and often takes
# the wrong one.
#
# The reward model was trained on pairs that the base model labelled, with the
# principles in its context. It sees a request and an answer, and says one
# number. No principle stands in *its* context.

# %%
tests = plain("seen", 100)  # in English, and in no training
questions = rl.encode(tokenizer, tests)
MODE = limits(tokenizer, thinking=False) | {"max_new_tokens": rl.LONGEST}


def sample(policy, prompts, seed=0):
    """One answer to each prompt, at temperature 1."""
    generator = torch.Generator().manual_seed(seed)
    return generate(policy, prompts, generator=generator, **MODE)


def texts_of(samples) -> list[str]:
    """Samples as texts."""
    return [split_completion(tokenizer, s.tokens)[1] for s in samples]


samples = sample(start, questions)
said = texts_of(samples)
grades = grade(
    reward_model,
    [Example(q, s.tokens) for q, s in zip(questions, samples, strict=True)],
    PAD,
)
right = torch.tensor(
    [r.action() == action_of(t) for r, t in zip(tests, said, strict=True)]
)
order = [r.action() for r in tests]
for i in map(order.index, ACTIONS):  # the first request for each action
    print(f"request: {tests[i].text}")
    print(f"answer : {said[i]}")
    print(f"reward : {grades[i]:+.2f}   right action: {right[i].item()}\n")
print(f"Right action in {right.sum()} of {len(right)}; five actions: 20 %")
print(f"mean reward of right answers {grades[right].mean():+.2f}, "
      f"of wrong ones {grades[~right].mean():+.2f}")  # fmt: skip

# %% [markdown]
# Two numbers will go through the whole notebook. The **proxy** is the reward
# model's grade: training sees it. The **truth** is whether the answer takes
# the action that the Spec asks for: only we see it, on requests that no
# training showed.
#
# The objective is that of notebook 13. With the start as the **reference**,
#
# $$\max_\pi \; \mathbb{E}_{y \sim \pi}\,[\,r(x, y)\,]
#   - \beta \, \mathrm{KL}\big(\pi(\cdot|x) \,\|\, \pi_\text{ref}(\cdot|x)\big)$$
#
# ## 2. How far has the policy moved?
#
# The KL is a mean over *all* texts,
# $\mathbb{E}_{y \sim \pi} [\log \pi(y) - \log \pi_\text{ref}(y)]$. We only
# have samples. Schulman (2020, "Approximating KL Divergence") compares three
# estimates from one sample $y \sim \pi$. With
# $l = \log \pi(y) - \log \pi_\text{ref}(y)$,
#
# $$k_1 = l \qquad k_2 = \tfrac{1}{2}\, l^2 \qquad k_3 = e^{-l} - 1 + l$$
#
# - $k_1$ is the definition itself. Its mean is right. But the KL is never
#   negative, and $k_1$ is, for every text that became rarer.
# - $k_2$ is never negative. Its mean is not the KL.
# - $k_3$ adds something to $k_1$ whose mean is 0:
#   $\mathbb{E}_\pi[\pi_\text{ref}/\pi] - 1 = 0$. So its mean is right. And it
#   is never negative, because $e^{-l} \ge 1 - l$.
#
# ### Exercise: `kl_estimates`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 5 points · 8 minutes
#
# Write the three, for each sample. The arguments are **log**-probabilities.


# %% exercise="kl_estimates"
def kl_estimates(
    policy: torch.Tensor, reference: torch.Tensor
) -> torch.Tensor:
    """Three estimates of KL(policy || reference) from each sample.

    policy    : (n,) or any shape, float: log-probabilities of the samples,
                which were drawn from the policy
    reference : same shape: their log-probabilities under the reference
    returns   : (3, n): k1, k2 and k3
    """
    # BEGIN SOLUTION
    ratio = policy - reference
    k3 = torch.expm1(-ratio) + ratio
    return torch.stack([ratio, ratio.square() / 2, k3])
    # END SOLUTION


# %% check="kl_estimates" points=5
check("kl_estimates", kl_estimates)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First l: policy minus reference. Each of the three is a function of l alone.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.expm1(x)` is exp(x) - 1, and exact for a tiny x.
# </details>
# <details><summary>Hint 3</summary>
#
# `torch.stack([k1, k2, k3])` puts the three into one tensor.
# </details>

# %% tags=["nbval-check-output"]
kl_estimates = use("kl_estimates", kl_estimates)

# %% [markdown]
# **Predict first.** An answer is one of five words. We let the policy walk
# away from the reference. Near the reference, which estimate has the least
# noise? And far away: is k2 too high or too low?
#
# With five words no sampling is needed: mean and spread of each estimate are
# sums of five terms.

# %% tags=["nbval-check-output"]
words = ["Sure", "Sorry", "Please", "You", "First"]
far = torch.tensor([-2.0, 2.0, 0.5, -1.0, 0.0])
origin = torch.tensor([0.70, 0.06, 0.12, 0.04, 0.08]).log()
walk = [0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.25, 1.5]
exact, means, spreads = [], [], []
for length in walk:
    now = (origin + length * far).log_softmax(dim=-1)
    each, p = kl_estimates(now, origin), now.exp()  # (3, 5) and (5,)
    mean = each @ p
    exact.append(exact_kl(now, origin).item())
    means.append(mean)
    spreads.append(((each - mean[:, None]).square() @ p).sqrt())
exact = torch.tensor(exact)
bias = torch.stack(means) / exact[:, None]  # 1 is right
noise = torch.stack(spreads) / exact[:, None]

fig, axes = plt.subplots(
    1, 2, figsize=(9.5, 3.3), dpi=110, layout="constrained"
)
looks = [("k1", "blue", "o-"), ("k2", "orange", "s--"),
         ("k3", "vermillion", "^:")]  # fmt: skip
for ax, values in zip(axes, (bias, noise), strict=True):
    for i, (name, color, line) in enumerate(looks):
        ax.plot(exact, values[:, i], line, color=PALETTE[color], label=name)
    ax.set_xscale("log")
    ax.set_xlabel("exact KL(policy || reference), nats (log scale)")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("mean of the estimate / exact")
axes[1].set_ylabel("spread of one sample / exact")
axes[1].set_yscale("log")
axes[0].legend(frameon=False)
show(
    fig,
    f"At {exact[0]:.3f} nats: means over exact k1 {bias[0, 0]:.2f}, k2 "
    f"{bias[0, 1]:.2f}, k3 {bias[0, 2]:.2f};\nspread over exact k1 "
    f"{noise[0, 0]:.1f}, k2 {noise[0, 1]:.1f}, k3 {noise[0, 2]:.1f}. "
    f"At {exact[-1]:.2f} nats: means k1 {bias[-1, 0]:.2f}, k2 "
    f"{bias[-1, 1]:.2f}, k3 {bias[-1, 2]:.2f};\nspread k1 "
    f"{noise[-1, 0]:.1f}, k2 {noise[-1, 1]:.1f}, k3 {noise[-1, 2]:.1f}.",
)

# %% [markdown]
# Left: k1 and k3 are right at every distance. k2 is right only near the
# reference. Right: near the reference, where training begins, k1 drowns in
# noise and the two others don't. Far away k3 loses this lead: it holds
# $\pi_\text{ref} / \pi$, which explodes for a text that the policy gave up.
#
# GRPO takes k3 (DeepSeekMath, Shao et al. 2024, arXiv 2402.03300, eq. 4), at
# every *token*. The KL of a whole answer is the sum over its tokens.
#
# ## 3. The policy gradient
#
# Now the reward. We can't differentiate the reward model through words that
# were sampled. **REINFORCE** (Williams 1992) needs no such derivative:
#
# $$\nabla\, \mathbb{E}_{a \sim \pi}[\,r(a)\,]
#   = \mathbb{E}_{a \sim \pi}\big[\, (r(a) - b)\; \nabla \log \pi(a) \,\big]$$
#
# Try something; if it went better than $b$, make it likelier. The
# **baseline** $b$ may be any number, because
# $\mathbb{E}[\nabla \log \pi] = \nabla \sum_a \pi(a) = \nabla 1 = 0$.
#
# For a softmax over words, the derivative of $\log \pi(a)$ by the logits is
# $\text{one-hot}(a) - \pi$.
#
# ### Exercise: `reinforce_gradient`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 5 points · 10 minutes
#
# Estimate the gradient from m sampled words. No autograd is needed.


# %% exercise="reinforce_gradient"
def reinforce_gradient(
    logits: torch.Tensor,
    actions: torch.Tensor,
    rewards: torch.Tensor,
    baseline: torch.Tensor | float,
) -> torch.Tensor:
    """Estimate the gradient of the expected reward by the logits.

    logits   : (n,) float: the policy over n words, before the softmax
    actions  : (m,) int: the words that were sampled
    rewards  : (m,) float: what they got
    baseline : number or (m,) float
    returns  : (n,) float: the mean over the samples
    """
    # BEGIN SOLUTION
    p = logits.softmax(dim=-1)
    score = torch.eye(len(logits))[actions] - p  # (m, n)
    return ((rewards - baseline)[:, None] * score).mean(dim=0)
    # END SOLUTION


# %% check="reinforce_gradient" points=5
check("reinforce_gradient", reinforce_gradient)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `torch.eye(n)[actions]` is a row of zeros with a single 1 for each sample:
# (m, n). Subtract the probabilities from every row.
# </details>
# <details><summary>Hint 2</summary>
#
# `(rewards - baseline)[:, None]` is a column; it multiplies each row by its
# own number.
# </details>
# <details><summary>Hint 3</summary>
#
# Take `.mean(dim=0)`, over the samples.
# </details>

# %% tags=["nbval-check-output"]
reinforce_gradient = use("reinforce_gradient", reinforce_gradient)

# %% [markdown]
# **Predict first.** All rewards lie between 4 and 7. What does a baseline of
# 5 change: the direction of the mean gradient, or how much single samples
# scatter about it?

# %% tags=["nbval-check-output"]
logits, rewards = origin, torch.tensor([4.0, 7.0, 5.5, 4.5, 5.0])
p = logits.softmax(dim=-1)
true_gradient = p * (rewards - p @ rewards)


def mean_and_noise(baseline) -> tuple[torch.Tensor, float]:
    """Exact mean of a one-sample estimate, and its root-mean-square error.

    baseline : a number, or (5,): one for each word
    """
    per_word = torch.as_tensor(baseline).expand(5)
    each = torch.stack(
        [
            reinforce_gradient(
                logits, torch.tensor([a]), rewards[a : a + 1], per_word[a]
            )
            for a in range(5)
        ]
    )  # (5 words, 5 logits)
    mean = p @ each
    return mean, (p @ (each - mean).square().sum(dim=1)).sqrt().item()


tried = torch.linspace(0, 9, 37)
scatter = [mean_and_noise(b)[1] for b in tried]
error = max(
    (mean_and_noise(b)[0] - true_gradient).abs().max().item() for b in tried
)
fig, ax = plt.subplots(figsize=(6.3, 3.2), dpi=110, layout="constrained")
ax.plot(tried, scatter, color=PALETTE["blue"])
ax.axvline((p @ rewards).item(), color="grey", ls="--")
ax.text((p @ rewards).item() + 0.1, max(scatter) * 0.9, "mean reward")
ax.set_xlabel("baseline b")
ax.set_ylabel("noise of one sample's gradient")
ax.set_ylim(0, None)
ax.grid(alpha=0.3)
lowest = tried[scatter.index(min(scatter))].item()
show(
    fig,
    f"The noise is {scatter[0]:.2f} with b = 0 and lowest, "
    f"{min(scatter):.2f}, with b = {lowest:.2f}; the mean reward is "
    f"{p @ rewards:.2f}.\nThe mean gradient is off by at most {error:.0e}, "
    "whatever b.",
)

# %% [markdown]
# The direction stays, most of the noise goes. Without a baseline every sampled
# word is pushed up, only some harder than others. (The very best number is
# near the mean reward, not at it: it weighs each word by the square of its
# gradient.)
#
# There is one condition: **$b$ must not depend on the action.** Take a
# baseline that knows the word, say the reward that this very word gets. Or
# half of it, but only for the word "Sorry".

# %% tags=["nbval-check-output"]
by_word = {
    "none": 0.0,
    "mean reward": (p @ rewards).item(),
    "half, for Sorry": torch.tensor([0.0, 3.5, 0.0, 0.0, 0.0]),
    "the word's own": rewards,
}
print(f"{'baseline':16}" + "".join(f"{w:>8}" for w in words))
print(
    f"{'exact gradient':16}" + "".join(f"{g:8.3f}" for g in true_gradient)
)
for name, b in by_word.items():
    mean, _ = mean_and_noise(b)
    print(f"{name:16}" + "".join(f"{g:8.3f}" for g in mean))

# %% [markdown]
# Without a baseline, and with the mean reward, the mean is exact. With "half,
# for Sorry" the policy would learn to say *less* of its best word. And the
# word's own reward takes the signal away with the noise.
#
# ## 4. The group as a baseline
#
# Where does a good $b$ come from? PPO trains a second network for it.
# **GRPO** asks the policy for $k$ answers to the same request, and compares
# each with its group (section 4.1.2 of the paper):
#
# $$A_i = \frac{r_i - \mathrm{mean}(r_1 \ldots r_k)}
#   {\mathrm{std}(r_1 \ldots r_k)}$$
#
# ### Exercise: `group_advantages`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 4 points · 6 minutes
#
# A group is a row. Add 1e-4 to the standard deviation: where all rewards are
# equal, it is 0.


# %% exercise="group_advantages"
def group_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """How much better each sample is than the others of its group.

    rewards : (groups, k) float
    returns : (groups, k) float
    """
    # BEGIN SOLUTION
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + 1e-4)
    # END SOLUTION


# %% check="group_advantages" points=4
check("group_advantages", group_advantages)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `rewards.mean(dim=1, keepdim=True)` has shape (groups, 1), so it can be
# subtracted from every column.
# </details>
# <details><summary>Hint 2</summary>
#
# `rewards.std(dim=1, keepdim=True)` likewise. Add 1e-4 before you divide.
# </details>

# %% tags=["nbval-check-output"]
group_advantages = use("group_advantages", group_advantages)

# %% [markdown]
# **A catch, and a test.** The group's mean holds the sample's own reward. So
# this baseline *does* depend on the action! How bad is it? We go through all
# groups of k words and take the exact mean. (Without the division, which
# changes each group's weight.)

# %% tags=["nbval-check-output"]
for k in (2, 3, 4):
    mean = torch.zeros(5)
    for group in product(range(5), repeat=k):
        drawn = torch.tensor(group)
        got = rewards[drawn]
        one = reinforce_gradient(logits, drawn, got, got.mean())
        mean += p[drawn].prod() * one
    ratio = mean / true_gradient
    print(
        f"k = {k}: {5**k:3} groups, mean gradient / exact gradient: "
        f"{ratio.min():.3f} to {ratio.max():.3f}"
    )

# %% [markdown]
# The same factor (k - 1) / k for every word. The gradient becomes a bit
# shorter and does not turn. A smaller step is all the harm.
#
# The division does more. Two groups, one that differs by a hair and one that
# differs widely:

# %% tags=["nbval-check-output"]
pair = torch.tensor([[0.50, 0.52, 0.50, 0.52], [0.0, 1.0, 0.0, 1.0]])
for row, advantages in zip(pair, group_advantages(pair), strict=True):
    numbers = ", ".join(f"{a:+.2f}" for a in advantages)
    given = ", ".join(f"{r:.2f}" for r in row)
    print(f"rewards    {given}\nadvantages {numbers}\n")

# %% [markdown]
# Nearly the same advantages. Where the reward model can't really tell two
# answers apart, GRPO still teaches the difference at full strength. (Dr.
# GRPO, arXiv 2503.20783, leaves the division out.) Keep this in mind for
# section 7.
#
# ## 5. The clipped loss
#
# Sampling is the expensive part, so a batch of answers serves several steps.
# After the first step the policy is no longer the one that wrote them. The
# **ratio** $\rho_t = \pi(y_t) / \pi_\text{old}(y_t)$ corrects for that, and
# clipping (from PPO, Schulman et al. 2017, arXiv 1707.06347) keeps one batch
# from moving the policy too far. With the k3 of section 2, eq. 3 of the GRPO
# paper is, as a loss,
#
# $$L = \frac{1}{n} \sum_i \frac{1}{T_i} \sum_t \Big[ \beta\, k_3
#   - \min\!\big( \rho_t A_i,\; \mathrm{clip}(\rho_t, 1 - \epsilon,
#   1 + \epsilon)\, A_i \big) \Big]$$
#
# Two distances live in it. $\epsilon$ limits the step away from the **old**
# policy, a few updates ago. $\beta$ prices the way from the **reference**,
# which never changes.
#
# ### Exercise: `grpo_loss`
#
# Difficulty 🔴🔴🔴🔴⚪ (hard) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 7 points · 15 minutes
#
# First the mean over the tokens of each completion, then the mean over
# completions. `kl_estimates(...)[2]` is k3.


# %% exercise="grpo_loss"
def grpo_loss(
    logprobs: torch.Tensor,
    old: torch.Tensor,
    reference: torch.Tensor,
    advantages: torch.Tensor,
    mask: torch.Tensor,
    clip: float,
    beta: float,
) -> torch.Tensor:
    """The loss of GRPO.

    logprobs   : (n, T) float: of the tokens, under the policy
    old        : (n, T) float: under the policy that wrote them
    reference  : (n, T) float: under the reference
    advantages : (n,) float: one for each completion
    mask       : (n, T) bool: True at tokens of the completion
    returns    : () float; gradients flow through logprobs
    """
    # BEGIN SOLUTION
    ratio = (logprobs - old).exp()
    advantage = advantages[:, None]
    clipped = ratio.clamp(1 - clip, 1 + clip) * advantage
    gain = torch.minimum(ratio * advantage, clipped)
    each = beta * kl_estimates(logprobs, reference)[2] - gain
    per_completion = (each * mask).sum(dim=1) / mask.sum(dim=1)
    return per_completion.mean()
    # END SOLUTION


# %% check="grpo_loss" points=7
check("grpo_loss", grpo_loss)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The ratio is `(logprobs - old).exp()`. `advantages[:, None]` gives every
# token of a completion the same advantage.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.minimum(a, b)` with a = ratio times advantage, and b the same with
# `ratio.clamp(1 - clip, 1 + clip)`.
# </details>
# <details><summary>Hint 3</summary>
#
# Multiply by the mask, sum each row, divide by `mask.sum(dim=1)`, and take
# the mean. The gain has a minus sign, beta times k3 has a plus sign.
# </details>

# %% tags=["nbval-check-output"]
grpo_loss = use("grpo_loss", grpo_loss)

# %% [markdown]
# **Predict first.** Where is the loss of one token flat, for a good answer
# (A = 1) and for a bad one (A = -1)? Flat means: it pulls no more.

# %% tags=["nbval-check-output"]
ratios = torch.linspace(0.3, 1.8, 151)
old = torch.zeros(1, 1)
one_token = torch.ones(1, 1, dtype=torch.bool)
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3), dpi=110, sharey=False, layout="constrained"
)
flat = {}
for ax, a in zip(axes, (1.0, -1.0), strict=True):
    losses = torch.stack(
        [
            grpo_loss(
                ratio.log().reshape(1, 1),
                old,
                old,
                torch.tensor([a]),
                one_token,
                0.2,
                0.0,
            )
            for ratio in ratios
        ]
    )
    still = losses.diff().abs() < 1e-6
    flat[a] = ratios[1:][still]
    ax.plot(ratios, losses, color=PALETTE["blue"])
    ax.axvspan(
        flat[a].min().item(), flat[a].max().item(), color="grey", alpha=0.2
    )
    ax.axvline(1, color="grey", ls=":")
    ax.set_title(f"advantage {a:+.0f}")
    ax.set_xlabel("ratio: policy / old policy")
    ax.grid(alpha=0.3)
axes[0].set_ylabel("loss of one token, beta 0")
show(
    fig,
    f"A good answer's loss is flat above {flat[1.0].min():.2f}, a bad "
    f"one's below {flat[-1.0].max():.2f}\n(grey). Towards the other side "
    "both keep their slope.",
)

# %% [markdown]
# Clipping stops what has gone far enough in the *intended* direction. It
# never stops the way back: that is what the minimum is for.
#
# ## 6. Train it
#
# Everything is there. The loop, whole: sample groups, grade them, compare
# within the group, take two steps with the clipped loss. (`train_grpo` in
# `utils/align/grpo.py` does the same.) Look for the line that makes the
# reference, and for the line that lets it stay as it is.

# %%
ROLLOUTS, UPDATES, PROMPTS, K = 14, 2, 16, 4
CLIP, LEARNING_RATE = 0.2, 3e-4
asked = training_requests(seed=500, n=800)  # fresh ones, not those of start
asked_ids = rl.encode(tokenizer, asked)


def measure(policy, reference) -> dict[str, float]:
    """Proxy, truth and distance on the test requests."""
    drawn = sample(policy, questions)
    examples = [
        Example(q, s.tokens) for q, s in zip(questions, drawn, strict=True)
    ]
    hits = [
        r.action() == action_of(t)
        for r, t in zip(tests, texts_of(drawn), strict=True)
    ]
    return {
        "proxy": grade(reward_model, examples, PAD).mean().item(),
        "truth": sum(hits) / len(hits),
        "KL": rl.distance(policy, reference, examples, PAD).mean().item(),
    }


def train_live(beta: float, seed: int = 0):
    """GRPO from `start`; returns the policy and what was measured."""
    policy, reference = copy.deepcopy(start), copy.deepcopy(start)
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=LEARNING_RATE, weight_decay=0.0
    )
    history = {0: measure(policy, reference)}
    order = batches(asked_ids, PROMPTS, ROLLOUTS, seed)
    for step, index in enumerate(tqdm(order, "RL", ROLLOUTS), start=1):
        prompts = [asked_ids[i] for i in index for _ in range(K)]
        drawn = sample(policy, prompts, seed=1000 * seed + step)
        examples = [
            Example(q, s.tokens)
            for q, s in zip(prompts, drawn, strict=True)
        ]
        rewards = grade(reward_model, examples, PAD).reshape(-1, K)
        advantages = group_advantages(rewards).flatten()
        with torch.no_grad():
            old, mask = token_logprobs(policy, examples, PAD)
            fixed, _ = token_logprobs(reference, examples, PAD)
        for group in optimizer.param_groups:  # a short warm-up
            group["lr"] = LEARNING_RATE * min(1, step / 5)
        for _ in range(UPDATES):
            now, _ = token_logprobs(policy, examples, PAD)
            loss = grpo_loss(now, old, fixed, advantages, mask, CLIP, beta)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
            optimizer.step()
        if step % (ROLLOUTS // 2) == 0:
            history[step] = measure(policy, reference)
    return policy, history


# %% [markdown]
# **Predict first.** Two runs, equal but for beta: 0 and 1.
#
# 1. Which one ends further from the start?
# 2. Which one has the higher proxy at the end? And the higher truth?
#
# <details><summary>Think it through</summary>
#
# 1. Beta is the price of moving, so beta 0. 2. Without a price nothing keeps
#    the proxy from rising, so beta 0 should win *there*. For the truth the
#    objective promises nothing. It depends on how good the reward model is in
#    the places where the policy goes.
# </details>

# %%
live = {beta: train_live(beta) for beta in (0.0, 1.0)}
for beta, (_, history) in live.items():
    print(f"beta = {beta}\nrollout    proxy   truth      KL")
    for step, row in history.items():
        print(
            f"{step:7} {row['proxy']:8.2f} {row['truth']:7.2f} "
            f"{row['KL']:7.2f}"
        )

# %% [markdown]
# Compare the last rows with the first, and the two distances with each other.
# One short run, measured on a hundred requests, is a glimpse and no finding.
# The findings below are from longer runs with three seeds.
#
# ### What has changed?
#
# For every request we know the right action. Count which action each policy
# takes.

# %%
ORDER = ["comply", "refuse", "refer", "support", "ask", "none"]
policies = {"start": start, "after RL, beta 0": live[0.0][0]}
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3.6), dpi=110, layout="constrained"
)
described = []
for ax, (name, policy) in zip(axes, policies.items(), strict=True):
    drawn = sample(policy, questions)
    pairs = Counter(
        (r.action(), action_of(t))
        for r, t in zip(tests, texts_of(drawn), strict=True)
    )
    table = [[pairs[right, got] for got in ORDER] for right in ORDER[:5]]
    ax.imshow(table, cmap="Blues", vmin=0, vmax=20)
    for y, row in enumerate(table):
        for x, n in enumerate(row):
            shade = "white" if n > 12 else "black"
            ax.text(x, y, n, ha="center", va="center", color=shade)
    ax.set_xticks(range(6), ORDER, rotation=30)
    ax.set_yticks(range(5), ORDER[:5])
    ax.set_xlabel("action taken")
    ax.set_title(name)
    hits = sum(table[i][i] for i in range(5))
    described.append(f"{name}: {hits} of {len(tests)} right")
    first = [
        Example(q, s.tokens[:1])
        for q, s in zip(questions, drawn, strict=True)
    ]
    whole = [
        Example(q, s.tokens) for q, s in zip(questions, drawn, strict=True)
    ]
    if policy is not start:
        near = rl.distance(policy, start, first, PAD).mean()
        total = rl.distance(policy, start, whole, PAD).mean()
        described.append(
            f"of its {total:.2f} nats from the start, the first word has "
            f"{near:.2f}"
        )
axes[0].set_ylabel("right action")
show(fig, "; ".join(described) + ".")

# %% [markdown]
# Right answers lie on the diagonal. What moved is the *choice of the form*:
# the first word carries a large part of the whole distance.
#
# And what was the policy told? Here is all the text that it ever read in
# training, for one request; and what the labelling model read, two steps
# away.

# %%
one = next(i for i, r in enumerate(asked) if r.action() == "refuse")
principle = load_principles().of(asked[one].topic.category)
print("the policy reads:", tokenizer.decode(asked_ids[one]))
print("the labeller reads, with two answers to compare:")
for clause in principle:
    print(f"   {', '.join(clause.intents)}: {clause.action}")
rule_words = ["refuse", "comply with", "refer on", "principle", "clause"]
named = sum(
    any(word in tokenizer.decode(ids) for word in rule_words)
    for ids in asked_ids
)
print(f"prompts of {len(asked_ids)} with a word of the rules: {named}")

# %% [markdown]
# No prompt held a rule. The constitution went into labels, the labels into
# a reward model, its reward into a choice of first words. What is left of the
# constitution after these three steps is a habit: *for requests like this,
# begin like that.* The reasons are gone, and so is the text. Stage 2 puts both
# back.
#
# ## 7. Over-optimization
#
# Gao et al. (2022, arXiv 2210.10760) trained policies on a proxy reward
# model, and graded them by a "gold" one. The proxy rises all along; the gold
# score rises, turns, and falls. They draw both over
# $\sqrt{\mathrm{KL}}$, the distance from the start.
#
# We have something better than a gold reward model: the truth. The study `rl`
# (`utils/evaluate/studies/rl.py`) follows two reward models from the same
# start, over three seeds: one trained on **many** AI-labelled pairs, one on
# **few**. Each seed begins elsewhere, so we look at the *change* since its
# start.
#
# **Predict first.** There are three values of beta. Is the same one best for
# both reward models?

# %%
rows = load_rows("rl")
STEPS = max(row["step"] for row in rows)
RUN = ("reward", "beta", "follows", "seed")
begun = {tuple(r[k] for k in RUN): r for r in rows if r["step"] == 0}
for row in rows:
    first = begun[tuple(row[k] for k in RUN)]
    for figure in ("proxy", "truth"):
        row[f"{figure} gained"] = row[figure] - first[figure]
sound = [row for row in rows if row["follows"] == 0]


def at(reward: str, beta: float, step: int, figure: str):
    """Mean and 95 % interval over the seeds."""
    return over_seeds(sound, figure, reward=reward, beta=beta, step=step)


print(f"Change after {STEPS} steps; KL to the start. Mean [95 % interval].")
print("reward beta    proxy               truth, points     KL, nats")
for reward in ("many", "few"):
    for beta in rl.BETAS:
        line = f"{reward:6} {beta:4}"
        for figure, scale, digits in (
            ("proxy gained", 1, 1),
            ("truth gained", 100, 0),
            ("kl", 1, 1),
        ):
            mean, low, high = (
                scale * x for x in at(reward, beta, STEPS, figure)
            )
            ends = f"[{low:+.{digits}f}, {high:+.{digits}f}]"
            line += f"  {mean:+5.{digits}f} {ends:13}"
        print(line)

# %%
looks = {
    0.0: ("vermillion", "s"),
    0.2: ("orange", "D"),
    1.0: ("blue", "o"),
}
steps = sorted({row["step"] for row in sound})
fig, axes = plt.subplots(
    2, 2, figsize=(9.5, 5.6), dpi=100, sharex="col", layout="constrained"
)
for column, reward in zip(axes.T, ("many", "few"), strict=True):
    for beta, (color, marker) in looks.items():
        far = [at(reward, beta, s, "kl")[0] ** 0.5 for s in steps]
        for ax, figure in zip(
            column, ("proxy gained", "truth gained"), strict=True
        ):
            middle = [at(reward, beta, s, figure)[0] for s in steps]
            ax.plot(
                far,
                middle,
                marker=marker,
                color=PALETTE[color],
                label=f"beta {beta:g}",
            )
    column[0].set_title(f"reward model of {reward} pairs")
    column[1].set_xlabel("square root of KL(policy || start)")
    column[1].set_ylim(-0.3, 0.3)
    for ax in column:
        ax.axhline(0, color="grey", lw=1)
        ax.grid(alpha=0.3)
axes[0, 0].set_ylabel("proxy: mean reward, gained")
axes[1, 0].set_ylabel("truth: right actions, gained")
axes[0, 0].legend(frameon=False)
lines = []
for reward in ("many", "few"):
    for beta in rl.BETAS:
        proxy = at(reward, beta, STEPS, "proxy gained")[0]
        truth = at(reward, beta, STEPS, "truth gained")[0]
        lines.append(
            f"{reward} pairs, beta {beta:g}: proxy {proxy:+.1f}, truth "
            f"{100 * truth:+.0f} points at the end."
        )
show(fig, "\n".join(lines))

# %% [markdown]
# How to read it: each line is a training run, the mean of three seeds. It goes
# to the right as the policy moves away from its start. Mind the two scales of
# the proxies: rewards of two models can't be compared.
#
# - **Many pairs** (left): proxy and truth rise together, with a small beta in
#   every seed. Nobody showed these answers to the policy; it found them.
# - **Few pairs** (right), beta 0: the proxy rises in every seed, and the truth
#   falls in every seed. Whoever only sees the reward would call it a success.
# - **What beta does depends on the reward.** It holds the policy back from the
#   good and from the bad. With few pairs the highest beta saves the truth.
#   With many pairs it costs part of the gain, on average. It does not make a
#   reward model better.
#
# Three seeds make wide intervals. Look at the table again: for few pairs and
# beta 0 the loss of truth is clear. For many pairs the interval of the gain
# holds 0, though every seed gained with a small beta.
#
# What do the answers look like? The same three requests, before and after
# training on the reward model of few pairs without a KL penalty.

# %%
for seed in (0, 1, 2):
    first, last = (
        next(
            row
            for row in sound
            if row["seed"] == seed
            and (row["reward"], row["beta"], row["step"]) == ("few", 0.0, s)
        )
        for s in (0, STEPS)
    )
    print(
        f"seed {seed}: proxy {first['proxy']:+.1f} > {last['proxy']:+.1f}, "
        f"truth {first['truth']:.2f} > {last['truth']:.2f}"
    )
    for i in range(3):
        print(f"   request {first['asked'][i]}")
        print(f"   before  {first['said'][i]}")
        print(f"   after   {last['said'][i]}")
    print()

# %% [markdown]
# Nothing is wrong with these sentences, but for the question. What does the
# reward model see in them? Let both reward models grade all five answers to
# each test request.

# %%
five = [
    Example(q, encode_completion(tokenizer, answer(action, r.topic.name)))
    for q, r in zip(questions, tests, strict=True)
    for action in ACTIONS
]
true_best = torch.tensor([ACTIONS.index(r.action()) for r in tests])
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3), dpi=110, sharey=True, layout="constrained"
)
described = []
for ax, (name, n) in zip(axes, rl.PAIRS.items(), strict=True):
    model = trained("lab", seed=0, n=n)
    found = grade(model, five, PAD).reshape(-1, 5)  # (requests, actions)
    found = found - found.mean()
    places = torch.arange(5)
    is_right = places == true_best[:, None]
    fair = [found[is_right[:, a], a].mean().item() for a in range(5)]
    unfair = [found[~is_right[:, a], a].mean().item() for a in range(5)]
    looks = [
        (-0.2, fair, "where it is right", "sky", ""),
        (0.2, unfair, "where it is wrong", "vermillion", "//"),
    ]
    for shift, heights, label, color, hatch in looks:
        ax.bar(
            places + shift,
            heights,
            0.4,
            label=label,
            color=PALETTE[color],
            hatch=hatch,
        )
    ax.axhline(0, color="black", lw=1)
    ax.set_xticks(places, ACTIONS)
    ax.set_title(f"{name} pairs")
    picked = (found.argmax(dim=1) == true_best).float().mean().item()
    loud = ACTIONS[max(range(5), key=lambda a: unfair[a])]
    described.append(
        f"{name} pairs: the right answer of five has the best grade for "
        f"{picked:.0%} of the requests;\n   the wrong answer with the best "
        f"grade is {loud!r} ({max(unfair):+.1f})"
    )
axes[0].set_ylabel("mean grade, centred")
axes[0].legend(frameon=False)
show(fig, ".\n".join(described) + ".")

# %% [markdown]
# The reward model of few pairs has learned two things mixed up: a little of
# which answer fits, and much of which *form* won most often among its few
# pairs. The second is true on average over the pairs and false in the single
# case. The policy finds it at once, because it is the easiest way up.
#
# The widget holds all sound runs of seed 0. Step through one with the slider,
# and read the samples; or look at the static figure below it.

# %%
recorded = {}
for row in sound:
    if row["seed"] == 0:
        name = f"reward {row['reward']}, beta {row['beta']:g}"
        recorded.setdefault(name, []).append(row)
explorer = RunSlider(recorded)
display(explorer.box)

# %% tags=["nbval-check-output"]
fig, axes = plt.subplots(
    2, 3, figsize=(9.5, 4.8), dpi=100, layout="constrained"
)
described = []
for row_axes, name in zip(
    axes, ("reward few, beta 0", "reward few, beta 1"), strict=True
):
    run = recorded[name]
    draw_run(row_axes, run, STEPS)
    row_axes[0].set_ylabel(name.split(", ")[1])
    described.append(f"{name}: {describe_look(run[-1])}")
show(fig, "\n".join(described))

# %% [markdown]
# ## 8. Without a reward model: the judge itself
#
# A reward model ages: it was trained on other answers than those the policy
# writes now. **Direct RLAIF** (Lee et al. 2023, arXiv 2309.00267, section
# 2.2.2) leaves it out. The labelling model grades every sample as it comes.
# Here the judge reads the clauses, the request and the answer, and its
# probability of "yes, it fits" is the reward (`verdicts` in
# `utils/align/judge.py`). It costs a model call for each sample.

# %%
judge = rl.by_judge(base, tokenizer, tests)
for i in (0, 1):
    four = sample(start, [questions[i]] * 4, seed=i)
    print(f"request: {tests[i].text}")
    for reward, text in zip(
        judge([i] * 4, four), texts_of(four), strict=True
    ):
        print(f"  {reward:.2f}  {text}")

# %%
fig, ax = plt.subplots(figsize=(6.3, 3.3), dpi=110, layout="constrained")
described = []
sources = {"many": ("blue", "o-"), "few": ("vermillion", "s--"),
           "judge": ("green", "^:")}  # fmt: skip
names = {"many": "reward model, many pairs",
         "few": "reward model, few pairs", "judge": "judge"}  # fmt: skip
for shift, (source, (color, line)) in enumerate(sources.items()):
    found = [at(source, 0.2, s, "truth gained") for s in steps]
    middle, low, high = zip(*found, strict=True)
    ax.errorbar(
        [s + 0.3 * (shift - 1) for s in steps],
        middle,
        [
            [m - a for m, a in zip(middle, low, strict=True)],
            [b - m for m, b in zip(middle, high, strict=True)],
        ],
        fmt=line,
        color=PALETTE[color],
        capsize=3,
        label=names[source],
    )
    described.append(
        f"{names[source]}: truth {middle[-1]:+.2f} since the start "
        f"[{low[-1]:+.2f}, {high[-1]:+.2f}]"
    )
ax.axhline(0, color="grey", lw=1)
ax.set_xlabel("step (beta 0.2)")
ax.set_ylabel("truth: right actions, gained")
ax.grid(alpha=0.3)
ax.legend(frameon=False, fontsize=9)
show(fig, ".\n".join(described) + ".")

# %% [markdown]
# The judge can't be fooled in the same way here: it reads the clause that
# decides, for each request anew, and an answer that never ends gets nothing.
# With it, too, the truth rises in every seed, and the interval at the end
# lies above 0.
# Note what this does *not* change. The judge reads the rules; the policy
# still reads a request and gets a number.
#
# The experiment of stage 3 has an arm of this kind: **A3**, which imitates
# answers (A1) and then goes on with the judge as its reward. Below it is
# next to A1 and to A2, the preference pairs of notebook 13. All were
# trained in plain English. (From `results/arms.json`, right action, topics
# of training, mean over the seeds.)
#
# **Predict.** What can RL add for A3: at home, and in other languages?

# %%
path = RESULTS / "arms.json"
arm_rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
places = {
    "English": plain_on("en"),
    "es, fr, de": plain_on("es", "fr", "de"),
}
for name in ("A1", "A3", "A2"):
    line = f"{name} {ARMS[name].title:26}"
    for place, member in places.items():
        own = [
            row
            for row in arm_rows
            if row["arm"] == name
            and row["topics"] == "seen"
            and member(row)
        ]
        low, high = interval(own)
        line += f"  {place} {100 * average(own, 'accuracy'):3.0f} %"
        line += f" [{100 * low:.0f}, {100 * high:.0f}]"
    print(line)

# %% [markdown]
# A1 is at its ceiling at home, so nearly all samples of a group get the same
# reward and their advantages are 0: there is nothing to learn from. Abroad
# nothing has been gained either. The judge would have known what is right
# there, but it was never asked: training was in English only. Stage 3 goes on
# from here.
#
# ## 9. The broken lab
#
# Two runs of a colleague: the reward model of few pairs, beta 0.2, the same
# start, the same requests. One of the two trainers has a bug. Here are the
# logs as the trainers wrote them.


# %%
def recorded_run(seed: int, follows: float) -> list[dict]:
    """The looks at one run, beta 0.2, reward model of few pairs."""
    return [
        row
        for row in rows
        if (row["reward"], row["beta"]) == ("few", 0.2)
        and (row["seed"], row["follows"]) == (seed, follows)
    ]


BUG = next(row["follows"] for row in rows if row["follows"])
run_a, run_b = recorded_run(0, 0.0), recorded_run(0, BUG)
fig, axes = plt.subplots(
    1, 2, figsize=(9, 3), dpi=110, layout="constrained"
)
described = []
for name, run, color, line in (
    ("run A", run_a, "blue", "o-"), ("run B", run_b, "purple", "D--")
):  # fmt: skip
    for ax, figure in zip(
        axes, ("logged reward", "logged kl"), strict=True
    ):
        ax.plot(
            steps,
            [row[figure] for row in run],
            line,
            color=PALETTE[color],
            label=name,
        )
        ax.set_title(figure)
        ax.set_xlabel("step")
        ax.grid(alpha=0.3)
    described.append(
        f"{name}: logged reward {run[0]['logged reward']:.2f} to "
        f"{run[-1]['logged reward']:.2f}, highest logged KL "
        f"{max(row['logged kl'] for row in run):.3f}"
    )
axes[0].legend(frameon=False)
show(fig, "; ".join(described) + ".")

# %% [markdown]
# **Predict first.** Which one would you ship, by these two plots? Then read
# what the two say.

# %%
for name, one_look in (
    ("Both runs, first look", run_a[0]),
    ("Run A, last look", run_a[-1]),
    ("Run B, last look", run_b[-1]),
):
    print(name)
    for asked_for, text in zip(
        one_look["asked"], one_look["said"], strict=True
    ):
        print(f"   {asked_for}\n   > {text}")

# %% [markdown]
# Something is odd about run B. By its logged KL it ends where it began, and
# yet no answer is the one it began with. Four suspects, and what each of them
# predicts. Take some **fixed texts**, and look at their log-probabilities
# every few steps, under the policy and under what the trainer calls its
# reference.
#
# | suspect | prediction |
# | --- | --- |
# | `"healthy"` | the reference's never change; the policy's begin there and move |
# | `"reference moves"` | the reference's change as well |
# | `"other reference"` | the two differ before the first step |
# | `"policy stands still"` | the policy's never change |
#
# Rounding changes a log-probability a little. Below 0.01 nats, call it equal.
#
# ### Exercise: `diagnose`
#
# Difficulty 🔴🔴🔴⚪⚪ (medium) · importance 🔵🔵🔵🔵🔵 (very high) ·
# 6 points · 12 minutes
#
# Write the examination. The check lets it loose on logs of small runs that it
# makes itself, sound and broken ones. Some of them have a low logged KL and
# are fine.

# %%
VERDICTS = (
    "healthy", "reference moves", "other reference", "policy stands still"
)  # fmt: skip
ROUNDING = 0.01  # nats


# %% exercise="diagnose"
def diagnose(run: dict) -> str:
    """Say what is wrong with a run, or that it is healthy.

    run["policy"]    : (looks, texts) float: log-probability of each
                       fixed text under the policy, a row for each look,
                       the first of them before the first step
    run["reference"] : (looks, texts) float: under the trainer's reference
    run["reward"], run["kl"] : (looks,) float, as the trainer logged them
    run["beta"]      : float
    returns          : one of VERDICTS
    """
    # BEGIN SOLUTION
    policy, reference = run["policy"], run["reference"]
    if (reference - reference[0]).abs().max() > ROUNDING:
        return "reference moves"
    if (policy[0] - reference[0]).abs().max() > ROUNDING:
        return "other reference"
    if (policy - policy[0]).abs().max() < ROUNDING:
        return "policy stands still"
    return "healthy"
    # END SOLUTION


# %% check="diagnose" points=6
check("diagnose", diagnose)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `reference - reference[0]` is how far each text has moved since the first
# look. The bug may set in late, and some texts become rarer: you need the
# largest absolute value over all looks and texts.
# </details>
# <details><summary>Hint 2</summary>
#
# The second suspect is found at the first look alone: `policy[0]` against
# `reference[0]`.
# </details>
# <details><summary>Hint 3</summary>
#
# Neither the reward nor the logged KL is needed. Return "healthy" if nothing
# else was found.
# </details>

# %% tags=["nbval-check-output"]
diagnose = use("diagnose", diagnose)


def log_of(run: list[dict]) -> dict:
    """The log of a recorded run, as `diagnose` reads it."""
    names = {"reward": "logged reward", "kl": "logged kl",
             "policy": "policy", "reference": "reference"}  # fmt: skip
    return {"beta": run[0]["beta"]} | {
        key: torch.tensor([row[name] for row in run])
        for key, name in names.items()
    }


for seed in (0, 1, 2):
    for name, follows in (("A", 0.0), ("B", BUG)):
        log = log_of(recorded_run(seed, follows))
        moved = (log["reference"] - log["reference"][0]).abs().max().item()
        print(
            f"seed {seed}, run {name}: {diagnose(log)} "
            f"(the reference moved by {moved:.2f} nats at most)"
        )

# %% [markdown]
# In run B the reference ran after the policy: in every step, part of the
# way. So the KL that it logged was the distance to *where the policy had been
# a moment ago*. The penalty never pulled back to the start. In real code this
# happens without a line that says so: a reference that shares its weights with
# the policy (`copy.copy` instead of `copy.deepcopy`), one whose weights the
# optimizer got too, or an adapter that stays switched on.
#
# The true distance, and the truth:

# %%
fig, axes = plt.subplots(
    1, 3, figsize=(10, 3), dpi=100, layout="constrained"
)
figures = {
    "logged kl": "KL as logged, per token",
    "kl": "KL to the start, whole answer",
    "truth gained": "truth, gained since the start",
}
described = []
for name, follows, color, line in (
    ("A", 0.0, "blue", "o-"), ("B", BUG, "purple", "D--")
):  # fmt: skip
    for ax, (figure, title) in zip(axes, figures.items(), strict=True):
        found = [
            over_seeds(
                rows,
                figure,
                reward="few",
                beta=0.2,
                follows=follows,
                step=s,
            )
            for s in steps
        ]
        middle, low, high = zip(*found, strict=True)
        ax.plot(
            steps, middle, line, color=PALETTE[color], label=f"run {name}"
        )
        ax.fill_between(steps, low, high, color=PALETTE[color], alpha=0.15)
        ax.set_title(title)
        ax.set_xlabel("step")
        ax.grid(alpha=0.3)
        if figure != "logged kl":
            described.append(
                f"run {name}, {title}: {middle[-1]:+.2f} "
                f"[{low[-1]:+.2f}, {high[-1]:+.2f}]"
            )
axes[0].legend(frameon=False)
show(fig, "At the last step, mean over seeds.\n" + "\n".join(described))

# %% [markdown]
# In every seed run B went several times as far as run A, and lost right
# actions that run A kept. The logged KL was the one number that should have
# warned, and it was the number with the bug in it. So test the instrument,
# too: keep fixed texts, log them under both models, and read samples.
#
# ## Summary
#
# - Three estimates of the KL from samples: k1 is unbiased and noisy, k2 is
#   biased far away, k3 is unbiased and never negative.
# - A baseline takes noise out of the policy gradient and leaves its mean
#   alone, **as long as it does not depend on the action**.
# - GRPO's baseline is the group. Dividing by the group's spread makes a
#   hair's difference as loud as a real one.
# - Clipping limits the step from the *old* policy. The KL penalty prices the
#   way from the *reference*.
# - RL finds right answers that nobody showed, if the reward knows them.
# - The reward is a proxy. Measure the truth next to it, at several points of
#   training, on fresh requests. **Read samples.**
# - A KL penalty is only as good as its reference: check that it is frozen.
#
# **What was not shown.** PPO with a value network; process rewards; the
# reward model trained anew on the policy's own answers, the usual remedy
# for over-optimization; ensembles of reward models; long answers. RL goes on
# for far longer elsewhere; these are a few dozen steps. The world has five
# actions with fixed openings, and the reward model has the policy's own size.
#
# **How the settings were chosen.** By looking, mostly at seeds 0 and 2, with
# the truth in sight. A start that knew even less fell into one action for all
# requests, with either reward model. A reward model of 600 requests did not
# part from the truth, one of 150 did. With twice the learning rate and half
# as many requests in a step the truth hardly rose with the good rewards, and
# fell in the same way with the bad one. So "few pairs" is a reward model that
# we picked because it fails: it shows what over-optimization looks like, not
# how often it happens.
#
# **Further reading**
#
# - Schulman 2020, *Approximating KL Divergence*,
#   http://joschu.net/blog/kl-approx.html
# - Williams 1992, *Simple Statistical Gradient-Following Algorithms for
#   Connectionist Reinforcement Learning*
# - Shao et al. 2024, *DeepSeekMath*, arXiv 2402.03300 (GRPO)
# - Gao et al. 2022, *Scaling Laws for Reward Model Overoptimization*,
#   arXiv 2210.10760
# - Lee et al. 2023, *RLAIF vs. RLHF*, arXiv 2309.00267
# - Liu et al. 2025, *Understanding R1-Zero-Like Training*, arXiv 2503.20783
#   (Dr. GRPO)
#
# Solutions:
# [solutions/14_rl_from_ai_feedback.ipynb](../solutions/14_rl_from_ai_feedback.ipynb).
# Next: stage 2, notebook 22, learning the Spec.
