"""The lab tokenizer: whole words of the world, and letters for everything else.

"crossbow" is one token. Its ROT13 form "pebffobj" is in no vocabulary, so it falls to
a word mark and eight letters. Any other character falls to bytes: nothing is lost.
"""

import re
from functools import lru_cache
from string import ascii_letters, ascii_lowercase, digits

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from utils.world.data import load_templates, load_topics
from utils.world.replies import ANSWERS
from utils.world.spec import ACTIONS, MAX_CLAUSE
from utils.world.wrappers import WRAPPERS

PAD, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"
THINK, ANSWER, DIRECT, END = "<|think|>", "<|answer|>", "<|direct|>", "<|end|>"
SPECIAL = (PAD, SYSTEM, USER, ASSISTANT, THINK, ANSWER, DIRECT, END)
TAUGHT = ("en", "es", "fr", "de")
NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen twenty"
).split()
# What the prompts, thoughts and harmless tasks say besides requests and answers.
PHRASES = """
Restate in English. Name the topic. Name the intent. Name the category of. Look up.
Follow. Judge. Compare. Critique. Revise. Request: Answer: Cited: Critique: A: B:
Better? Topic: Category: Intent: Clause: Action: yes no keep change What category is
Which kind of thing is Sort this: Where does belong? Is there a category for
Count the words. Give the last word. Give the key word. Spell the last word.
Say it backwards. Repeat it. Question or statement? Does it say Text: Count: Last: Key:
Letters: Backwards: Again: Kind: Search: Found: Plan: answer question statement and
Which word is number Word: Number
"""
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}{{ '<|direct|>' }}{% endif %}"
    "{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}"
    "{{ '<|assistant|>' + ('<|think|>' if thinking else '<|direct|>') }}"
    "{% endif %}"
)


def pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Split at blanks (kept as a leading mark), then set punctuation apart."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always"),
            pre_tokenizers.Split(Regex(r"[^\w▁§]"), "isolated"),
        ]
    )


def world_texts() -> list[str]:
    """Return the texts whose words get a token of their own.

    The control language is left out on purpose: its words fall to letters.
    """
    texts = [" ".join(PHRASES.split()), " ".join(NUMBERS), " ".join(ACTIONS)]
    texts += [" ".join(ascii_lowercase)]
    texts += [" ".join(f"§{n}" for n in range(1, MAX_CLAUSE + 1))]
    for language in TAUGHT:
        texts += [topic.text[language] for topic in load_topics()]
        texts += [t.text[language].replace("{x}", " ") for t in load_templates()]
    texts += [topic.category for topic in load_topics()]
    texts += [template.intent for template in load_templates()]
    texts += [text.replace("{x}", " ") for text in ANSWERS.values()]
    return texts + [text for pair in WRAPPERS.values() for text in pair]


def vocabulary() -> dict[str, int]:
    """Return token -> id: special tokens, bytes, letters, then sorted words."""
    split = pre_tokenizer()
    pieces = {p for text in world_texts() for p, _ in split.pre_tokenize_str(text)}
    characters = {c for piece in pieces for c in piece} | set(ascii_letters + digits)
    whole_bytes = [f"<0x{value:02X}>" for value in range(256)]
    tokens = [*SPECIAL, *whole_bytes, *sorted(characters), *sorted(pieces)]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


@lru_cache
def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer for the world as its tables are now."""
    core = Tokenizer(
        models.BPE(vocabulary(), [], byte_fallback=True, ignore_merges=True)
    )
    core.pre_tokenizer = pre_tokenizer()
    core.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    core.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def encode_prompt(tokenizer, messages: list[dict], thinking: bool) -> list[int]:
    """Return the token ids of a chat up to where the assistant's text begins.

    The mode token is part of the prompt: `thinking=True` ends it with <|think|>,
    False with <|direct|>. So no completion can change its mode.
    """
    text = "".join(f"<|{m['role']}|>{m['content']}" for m in messages)
    mode = THINK if thinking else DIRECT
    return tokenizer.encode(text + ASSISTANT + mode, add_special_tokens=False)


def encode_completion(tokenizer, answer: str, thought: str = "") -> list[int]:
    """Return the ids of `thought<|answer|>answer<|end|>`, or `answer<|end|>`."""
    text = f"{thought}{ANSWER}{answer}{END}" if thought else f"{answer}{END}"
    return tokenizer.encode(text, add_special_tokens=False)


def split_completion(tokenizer, tokens: list[int]) -> tuple[str, str]:
    """Return (thought, answer) of sampled ids; the thought is "" in direct mode."""
    text = tokenizer.decode(tokens, skip_special_tokens=False)
    text = re.sub(r"<\|(?:end|pad)\|>.*", "", text, flags=re.S)
    thought, mark, answer = text.partition(ANSWER)
    return (thought.strip(), answer.strip()) if mark else ("", text.strip())
