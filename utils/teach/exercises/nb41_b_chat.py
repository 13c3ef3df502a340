"""Exercise of notebook 41, part 2: a training example in a model's own chat format."""

from collections.abc import Callable
from functools import cache

from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast

from utils.teach.exercise import Exercise, Mistake, Mutant, Part, expect

NOTEBOOK = "41_in_the_wild"
Ids = list[int]


def chat_example(tokenizer, question: str, answer: str) -> tuple[Ids, Ids]:
    """What a chat model reads, and what it has to learn to say.

    tokenizer : of a chat model, with a chat template
    returns   : (ids of the prompt, ids of the completion); the prompt is all up to
                the place where the model begins to speak, the completion is the answer
                and the token that ends the turn. The loss is on the completion alone
    """
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_dict=False,
    )
    answer_ids = tokenizer.encode(answer, add_special_tokens=False)
    return prompt, [*answer_ids, tokenizer.eos_token_id]


def _prompt(tokenizer, question: str, **options) -> Ids:
    chat = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(chat, **{"return_dict": False} | options)


def _whole(tokenizer, question: str, answer: str) -> Ids:
    chat = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return tokenizer.apply_chat_template(chat, return_dict=False)


def _no_header(tokenizer, question, answer):
    _, completion = chat_example(tokenizer, question, answer)
    return _prompt(tokenizer, question), completion


def _header_learned(tokenizer, question, answer):
    prompt, completion = chat_example(tokenizer, question, answer)
    short = _prompt(tokenizer, question)
    return short, prompt[len(short) :] + completion


def _no_end(tokenizer, question, answer):
    prompt, completion = chat_example(tokenizer, question, answer)
    return prompt, completion[:-1]


def _pad_for_end(tokenizer, question, answer):
    prompt, completion = chat_example(tokenizer, question, answer)
    return prompt, [*completion[:-1], tokenizer.pad_token_id]


def _doubled(tokenizer, question, answer):
    _, completion = chat_example(tokenizer, question, answer)
    text = _prompt(tokenizer, question, add_generation_prompt=True, tokenize=False)
    return tokenizer.encode(text), completion


def _start_within(tokenizer, question, answer):
    prompt, _ = chat_example(tokenizer, question, answer)
    return prompt, [*tokenizer.encode(answer), tokenizer.eos_token_id]


def _answer_shown(tokenizer, question, answer):
    _, completion = chat_example(tokenizer, question, answer)
    return _whole(tokenizer, question, answer), completion


def _cut(tokenizer, question, answer):
    text = _prompt(tokenizer, question, add_generation_prompt=True, tokenize=False)
    both = text + answer + tokenizer.eos_token
    n = len(tokenizer.encode(text, add_special_tokens=False))
    ids = tokenizer.encode(both, add_special_tokens=False)
    return ids[:n], ids[n:]


def _rest_of_template(tokenizer, question, answer):
    prompt, _ = chat_example(tokenizer, question, answer)
    whole = _whole(tokenizer, question, answer)
    short = tokenizer.decode(prompt)
    rest = tokenizer.decode(whole).removeprefix(short)
    return prompt, tokenizer.encode(rest, add_special_tokens=False)


def _no_template(tokenizer, question, answer):
    _, completion = chat_example(tokenizer, question, answer)
    return tokenizer.encode(question), completion


def _all_learned(tokenizer, question, answer):
    prompt, completion = chat_example(tokenizer, question, answer)
    return prompt, prompt + completion


CHAT_MUTANTS = {
    "no header": Mutant(
        _no_header,
        "The prompt ends with the user's turn, so the model would speak where nobody "
        "has the floor. Ask for the generation prompt.",
    ),
    "header learned": Mutant(
        _header_learned,
        "The header of the assistant's turn is in the completion: the model learns to "
        "write it, and later finds it already there. It belongs to the prompt.",
    ),
    "no end": Mutant(
        _no_end,
        "The completion has no end. A model that never saw one in training does not "
        "stop.",
    ),
    "pad for end": Mutant(
        _pad_for_end,
        "The last token is the padding token. Turns end with eos_token_id; padding is "
        "what nobody reads.",
    ),
    "doubled": Mutant(
        _doubled,
        "The text begins twice. The template writes the beginning token itself, and "
        "encoding its text adds another one.",
    ),
    "start within": Mutant(
        _start_within,
        "The answer starts with the token that begins a text, because `encode` adds "
        "special tokens unless it is told not to.",
    ),
    "answer shown": Mutant(
        _answer_shown,
        "The prompt holds the answer already. The model learns to repeat what it "
        "reads, and at the test there is nothing to repeat.",
    ),
    "cut": Mutant(
        _cut,
        "You encoded prompt and answer as one text and cut it. Tokens can grow across "
        "the seam, so the cut is at another place. Encode the two apart.",
    ),
    "rest of the template": Mutant(
        _rest_of_template,
        "Something follows the end of the turn. Sampling stops at the end token: what "
        "comes after it is learned in vain.",
    ),
    "no template": Mutant(
        _no_template,
        "The question stands there bare. A chat model was taught in its own format, "
        "with a role before every turn: use the chat template.",
    ),
    "all learned": Mutant(
        _all_learned,
        "The prompt is in the completion as well, so the model learns to write "
        "questions. The loss is for the answer alone.",
    ),
}

LIKE_SMOLLM2 = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}"
    "<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
LIKE_LLAMA_2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[ {{ m['content'] }} ]"
    "{% else %}{{ m['content'] }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}>{% endif %}"
)


@cache
def _tokenizer(template: str, end: str, begins: bool) -> PreTrainedTokenizerFast:
    """A tokenizer of letters; a line break grows together with an I behind it."""
    letters = [chr(i) for i in range(32, 127)] + ["\n"]
    specials = ["<s>", "<|pad|>", "<|user|>", "<|assistant|>", end]
    vocabulary = {t: i for i, t in enumerate([*specials, *letters, "\nI", ">I"])}
    core = Tokenizer(models.BPE(vocabulary, [("\n", "I"), (">", "I")]))
    core.add_special_tokens(specials)
    if begins:
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token=end,
        pad_token="<|pad|>",
        chat_template=template,
    )


FORMATS = {
    "first": (LIKE_SMOLLM2, "<|end|>", True),
    "second": (LIKE_LLAMA_2, "</s>", False),
}


def _pair(got) -> tuple[Ids, Ids]:
    expect(got is not None, "Return the ids of the prompt and of the completion.")
    try:
        prompt, completion = got
    except (TypeError, ValueError):
        raise Mistake("Return two lists of ids: prompt and completion.") from None
    for ids in (prompt, completion):
        expect(
            not hasattr(ids, "keys"),
            "The chat template gave a dictionary. With return_dict=False it gives ids.",
        )
        expect(not isinstance(ids, str), "Return ids, not texts.")
    return [*map(int, prompt)], [*map(int, completion)]


def _same(form: str, half: int | None, question: str, answer_text: str) -> Callable:
    """Make a test of one half of what is returned, or of both (None)."""

    def test(answer) -> None:
        tokenizer = _tokenizer(*FORMATS[form])
        case = (tokenizer, question, answer_text)
        got, want = _pair(answer(*case)), _pair(chat_example(*case))
        for i in (0, 1) if half is None else (half,):
            if got[i] != want[i]:
                right, said = (tokenizer.decode(ids[i]) for ids in (want, got))
                raise Mistake(
                    _likely(case, got, i),
                    f"The {('prompt', 'completion')[i]}: expected {right!r}, and got "
                    f"{said!r} ({len(want[i])} and {len(got[i])} tokens).",
                )

    return test


def _likely(case: tuple, got: tuple[Ids, Ids], half: int) -> str:
    """Name the mistake that explains both halves, or else the one that is wrong."""
    wrong = [(_pair(mutant(*case)), text) for mutant, text in CHAT_MUTANTS.values()]
    for pair, text in wrong:
        if pair == got:
            return text
    return next((text for pair, text in wrong if pair[half] == got[half]), "")


EXERCISES = [
    Exercise(
        name="chat_example",
        notebook=NOTEBOOK,
        reference=chat_example,
        parts=[
            Part(
                "prompt: all up to where the model speaks",
                _same("first", 0, "Is it safe?", "I can't say."),
                2,
            ),
            Part(
                "completion: the answer and the end of the turn",
                _same("first", 1, "Is it safe?", "No."),
                2,
            ),
            Part(
                "where tokens could grow across the seam",
                _same("first", None, "Why?", "It is hot."),
            ),
            Part(
                "another model's format",
                _same("second", None, "How?", "I'd ask."),
                2,
            ),
        ],
        mutants=CHAT_MUTANTS,
    ),
]
