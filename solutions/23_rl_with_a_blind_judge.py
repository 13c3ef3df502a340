# %% [markdown]
# # 23 · RL with a blind judge
#
# The second stage of Deliberative Alignment is RL. The model thinks, answers,
# and a judge pays. The judge reads the Spec, the request and the **answer**.
# It doesn't read the thought. Why hide the very thing that the method is
# about? And is a judge that reads the thought a better one?
#
# A judge can be fooled, too. You will measure how often, and by which tricks.
# One of them was found by RL itself.
#
# **After this notebook you can**
#
# * write the reward of a judge that sees no thought, and list what leaks,
# * say beforehand whether RL has anything to learn from a model's samples,
# * notice when right answers stand on wrong thoughts,
# * measure an attack on a judge, and say why more readings may not help,
# * tell four faults of an RL run apart, by its log.
#
# **Time:** about 65 minutes. **Points:** 25 in 5 exercises.
#
# **You need:** notebook 14 (GRPO: groups, advantages, KL) and 22 (thoughts
# that quote the Spec). The start of RL is trained in a minute if the cache
# doesn't have it yet.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import HTML, display

from utils.align.chat import limits
from utils.align.grpo import train_grpo
from utils.align.judge import shuffled_card, verdicts
from utils.evaluate.conditions import plain
from utils.evaluate.studies import blind, judge_hacks
from utils.evaluate.study import load_rows, over_seeds
from utils.evaluate.training_data import training_requests
from utils.models.load import load
from utils.models.tokenizer import split_completion
from utils.show.figure import OKABE_ITO, show
from utils.show.widgets_23 import (
    ThoughtViewer,
    describe,
    look_html,
    samples_text,
)
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.spec import load_spec

torch.manual_seed(0)
spec = load_spec()
judge_model, tokenizer = load("lab")
start, _ = blind.started("lab", seed=0)
asked = training_requests(seed=500)  # fresh ones, not those of the start
tests = plain("seen", 60)  # in no training

# %% [markdown]
# ## 1. What the judge may see
#
# | | judge reads | used for |
# | --- | --- | --- |
# | filter before SFT (section 2.2 of the paper, notebook 21) | Spec, request, **thought**, answer | which examples to keep |
# | reward of RL (section 2.4) | Spec, request, answer | what becomes likelier |
#
# Guan et al. 2024 (arXiv 2412.16339) give the reason in a sentence: "We avoid
# applying direct optimization pressure on the CoT during RL to enable the
# underlying model to reduce the chance of encouraging deceptive CoTs."
#
# A filter picks among texts that were written anyway. A *reward* makes texts.
# If thoughts earn money, the model learns to write thoughts that earn money.
# They need not be the thoughts that lead to the answer.
#
# The base model is the judge. It has the clauses in its context. The policy
# is `start`: a short SFT, stopped long before it was done.

# %%
group_of = 8
one = next(i for i, r in enumerate(asked) if r.action() == "refuse")
question = blind.encode(tokenizer, asked)[one]
group = blind.write(start, tokenizer, [question] * group_of, seed=1)
completions = [
    tokenizer.decode(sample.tokens, skip_special_tokens=False)
    for sample in group
]
print("request:", asked[one].text)
print("clause :", asked[one].clause(), "\n")
for text in completions[:3]:
    print(text, "\n")

# %% [markdown]
# Three samples, each as one text: thought, mark, answer, end. Compare the
# quoted clauses with the true one. The words are often right; the *number*
# is often made up. This start has learned the form of a thought, and most of
# the table by heart is still missing.
#
# ### Exercise: `blind_reward`
#
# Difficulty 🔴🔴⚪⚪⚪ (easy) · importance 🔵🔵🔵🔵🔵 (very high) · 5 points ·
# 10 minutes
#
# Take each completion apart and hand the judge what it may see. A sample that
# was cut off has no `<|end|>`, and perhaps no answer at all. It earns 0: or
# the model would learn not to stop.


# %% exercise="blind_reward"
def blind_reward(card, request, completions, judge) -> list[float]:
    """Rewards of a group of samples, from a judge that sees no thought.

    card        : str, the Spec's clauses for this request
    request     : str, what the user asked
    completions : list of str, "thought<|answer|>answer<|end|>"; one that
                  was cut off has no <|end|>, perhaps no <|answer|>
    judge       : judge(card, request, answer) says how well an answer
                  fits, from 0 to 1; all three are str
    returns     : a reward for each completion; 0 for one that was cut off
    """
    # BEGIN SOLUTION
    rewards = []
    for text in completions:
        _, mark, rest = text.partition("<|answer|>")
        answer, end, _ = rest.partition("<|end|>")
        if mark and end:
            rewards.append(judge(card, request, answer.strip()))
        else:
            rewards.append(0.0)
    return rewards
    # END SOLUTION


# %% check="blind_reward" points=5
check("blind_reward", blind_reward)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `text.partition("<|answer|>")` gives what is before, the mark (or an empty
# text), and what is behind.
# </details>
# <details><summary>Hint 2</summary>
#
# Do the same with `"<|end|>"` on what is behind. Both marks must have been
# found; strip blanks off the answer.
# </details>
# <details><summary>Hint 3</summary>
#
# Every completion needs a reward, in its place: append 0.0 for one that was
# cut off, and don't ask the judge about it.
# </details>

# %%
blind_reward = use("blind_reward", blind_reward)


def judge(card, request, answer) -> float:
    """The base model's probability of "yes, it fits"."""
    chat = prompts.judge(card, request, answer)
    return grade_chats([chat])[0]


def grade_chats(chats) -> list[float]:
    """Put judge's questions to the base model."""
    from utils.align.chat import reply
    from utils.align.judge import probability_of_yes

    said = reply(judge_model, tokenizer, chats, max_new_tokens=12)
    return [
        probability_of_yes(r.answer, r.logprobs[-2])
        if r.finished and r.answer
        else 0.0
        for r in said
    ]


card = shuffled_card(spec.of(asked[one].topic.category), "23")
rewards = blind_reward(card, asked[one].text, completions, judge)
print("request:", asked[one].text, " the judge's card:", card)
for reward, sample in zip(rewards, group, strict=True):
    print(f"{reward:.2f}  {split_completion(tokenizer, sample.tokens)[1]}")
