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
from utils.evaluate.conditions import plain
from utils.evaluate.metrics import bootstrap_interval
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.studies import rl
from utils.evaluate.studies.reward_model import trained
from utils.evaluate.training_data import training_requests
from utils.models.load import load
from utils.models.tokenizer import split_completion
from utils.show.figure import OKABE_ITO, show
from utils.show.widgets_14 import RunSlider, describe_look, draw_run
from utils.teach.checks import check, use
from utils.world.replies import action_of

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
# itself. The result, `start`, has all five forms of answer. It is bad at
# choosing among them.
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
    [
        Example(q, s.tokens)
        for q, s in zip(questions, samples, strict=True)
    ],
    PAD,
)
right = torch.tensor(
    [r.action() == action_of(t) for r, t in zip(tests, said, strict=True)]
)
for i in range(4):
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
        ax.plot(
            exact, values[:, i], line, color=OKABE_ITO[color], label=name
        )
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
# noise and the two others don't. Far away k3 loses its advantage: it holds
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
ax.plot(tried, scatter, color=OKABE_ITO["blue"])
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
# The direction stays, the noise goes. Without a baseline every sampled word
# is pushed up, only some harder than others.
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
print(f"{'exact gradient':16}" + "".join(f"{g:8.3f}" for g in true_gradient))
for name, b in by_word.items():
    mean, _ = mean_and_noise(b)
    print(f"{name:16}" + "".join(f"{g:8.3f}" for g in mean))

# %% [markdown]
# The first two rows are exact. With the third the policy learns to say
# *less* of its best word, and the fourth takes the signal away with the noise.
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
    print(f"rewards {row.tolist()}\n    advantages {numbers}")

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
    ax.plot(ratios, losses, color=OKABE_ITO["blue"])
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
ROLLOUTS, UPDATES, PROMPTS, K = 14, 2, 8, 8
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
    for step, index in enumerate(tqdm(order, total=ROLLOUTS), start=1):
        prompts = [asked_ids[i] for i in index for _ in range(K)]
        drawn = sample(policy, prompts, seed=1000 * seed + step)
        examples = [
            Example(q, s.tokens) for q, s in zip(prompts, drawn, strict=True)
        ]
        rewards = grade(reward_model, examples, PAD).reshape(-1, K)
        advantages = group_advantages(rewards).flatten()
        with torch.no_grad():
            old, mask = token_logprobs(policy, examples, PAD)
            fixed, _ = token_logprobs(reference, examples, PAD)
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
