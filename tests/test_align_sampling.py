"""Sampling: exact log-probabilities, invariances, and every setting."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from utils.align import sampling
from utils.align.batching import Example, token_logprobs
from utils.align.llama_cache import supports
from utils.align.sampling import Sample, _Rules, choose, generate, keep_nucleus

END, PAD = 1, 0
PROMPTS = [
    [5, 6, 7],
    [8],
    [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
    [5, 6, 7],
    [20, 21, 22, 23, 24],
    [30],
    [31, 32],
    [5, 6, 8],
]


@pytest.fixture
def gpt2():
    """A model that is not a Llama, so that the plain path runs."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=40, n_embd=32, n_layer=2, n_head=4, n_positions=128,
        initializer_range=0.25, eos_token_id=END, bos_token_id=None,
    )  # fmt: skip
    return GPT2LMHeadModel(config).eval()


@pytest.fixture(params=["lean", "plain", "gpt2"])
def model(request, make_llama, gpt2, monkeypatch):
    """A Llama through `llama_cache`, the same through its own forward, and GPT-2."""
    if request.param == "gpt2":
        return gpt2
    if request.param == "plain":
        monkeypatch.setattr(sampling, "supports", lambda model: False)
    llama = make_llama()
    assert supports(llama)
    return llama


def sample(model, prompts=PROMPTS, seed=0, **settings) -> list[Sample]:
    settings = {"max_new_tokens": 24, "end_id": END, "pad_id": PAD} | settings
    generator = torch.Generator().manual_seed(seed)
    return generate(model, prompts, generator=generator, **settings)


def assert_exact(model, prompts, samples):
    """Reported log-probabilities are those of a plain forward pass."""
    for prompt, done in zip(prompts, samples, strict=True):
        expected, _ = token_logprobs(model, [Example(prompt, done.tokens)], PAD)
        found = torch.tensor([done.logprobs])
        torch.testing.assert_close(found, expected.detach(), rtol=0, atol=1e-4)


def test_logprobs_equal_the_plain_forward_pass(model):
    prompts = PROMPTS * 3
    samples = sample(model, prompts)
    assert_exact(model, prompts, samples)
    lengths = {len(s.tokens) for s in samples}
    assert len(lengths) > 2, "rows must end at different times for this to test much"
    for done in samples:
        assert done.finished == (done.tokens[-1] == END)
        assert done.finished or len(done.tokens) == 24
        assert END not in done.tokens[:-1]


def test_logprobs_stay_those_of_the_model_itself(model):
    settings = {"temperature": 0.5, "top_p": 0.8, "banned": [3, 4], "end_after": 7}
    assert_exact(model, PROMPTS, sample(model, **settings))


def test_batch_size_and_padding_make_no_difference(model):
    whole = sample(model)
    for batch_size in (1, 3):
        parts = sample(model, batch_size=batch_size)
        assert [s.tokens for s in parts] == [s.tokens for s in whole]


def test_lean_and_plain_paths_agree_on_llamas_of_several_shapes(
    make_llama, monkeypatch
):
    shapes = [
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1, "attention_bias": True, "mlp_bias": True},
        {"tie_word_embeddings": True, "rms_norm_eps": 1e-3},
        {"head_dim": 16},
        {"rope_parameters": {"rope_type": "linear", "factor": 2, "rope_theta": 1e4}},
    ]
    for changes in shapes:
        llama = make_llama(**changes)
        with torch.no_grad():  # biases and norm weights that are not 0 and 1
            for parameter in llama.parameters():
                if parameter.dim() == 1:
                    parameter += 0.3 * torch.randn_like(parameter)
        assert supports(llama)
        lean = sample(llama, max_new_tokens=70)  # more than one block of the cache
        assert_exact(llama, PROMPTS, lean)
        with monkeypatch.context() as patch:
            patch.setattr(sampling, "supports", lambda model: False)
            plain = sample(llama, max_new_tokens=70)
        assert [s.tokens for s in lean] == [s.tokens for s in plain]


def test_lean_path_is_refused_where_it_would_be_wrong(make_llama, gpt2):
    class LowRank(torch.nn.Linear):
        """Stands for an adapter that replaces a linear layer."""

    adapted, hooked = make_llama(), make_llama()
    adapted.model.layers[0].mlp.up_proj = LowRank(32, 48, bias=False)
    hooked.model.layers[1].register_forward_hook(lambda *_: None)
    changing = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    for model in (
        gpt2,
        adapted,
        hooked,
        make_llama().half(),
        make_llama(hidden_act="gelu"),
        make_llama(rope_parameters=changing),
    ):
        assert not supports(model)


def test_greedy_equals_transformers(model):
    samples = sample(model, temperature=0)
    for prompt, done in zip(PROMPTS, samples, strict=True):
        expected = model.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False, max_new_tokens=24, eos_token_id=END, pad_token_id=PAD,
        )  # fmt: skip
        assert done.tokens == expected[0, len(prompt) :].tolist()


def test_seeds(llama):
    assert sample(llama, seed=1) == sample(llama, seed=1)
    assert sample(llama, seed=1) != sample(llama, seed=2)
    torch.manual_seed(5)
    first = generate(llama, PROMPTS, max_new_tokens=9, end_id=END, pad_id=PAD)
    torch.manual_seed(5)
    assert first == generate(llama, PROMPTS, max_new_tokens=9, end_id=END, pad_id=PAD)


def test_equal_prompts_get_different_samples(llama):
    samples = sample(llama, prompts=[[5, 6]] * 20)
    assert len({tuple(s.tokens) for s in samples}) > 10


def test_samples_follow_the_models_distribution(llama):
    n = 4000
    samples = sample(llama, prompts=[[5, 6, 7]] * n, max_new_tokens=1, batch_size=n)
    counts = torch.bincount(torch.tensor([s.tokens[0] for s in samples]), minlength=40)
    expected = llama(torch.tensor([[5, 6, 7]])).logits[0, -1].softmax(-1).detach()
    error = (counts / n - expected).abs()
    assert (error < 5 * (expected * (1 - expected) / n).sqrt() + 1e-3).all()
    assert expected.max() > 0.1, "a uniform model would make this test weak"


def test_banned_tokens_never_appear(model):
    banned = [END, *range(10, 40)]
    samples = sample(model, banned=banned)
    assert all(set(s.tokens).isdisjoint(banned) for s in samples)
    assert not any(s.finished for s in samples)
    greedy = sample(model, banned=banned, temperature=0)
    assert all(set(s.tokens).isdisjoint(banned) for s in greedy)


def test_end_after(model):
    banned = range(4, 40)  # only 0 .. 3 are left, so that both events are common
    samples = sample(model, banned=banned, end_after=2, prompts=PROMPTS * 4)
    ended = [s for s in samples if s.finished]
    assert ended
    assert all(2 in s.tokens for s in ended)
    free = sample(model, banned=banned, prompts=PROMPTS * 4)
    assert any(s.finished and 2 not in s.tokens for s in free)


def rules(**changes) -> _Rules:
    settings = {
        "max_new_tokens": 1, "end_id": END, "temperature": 1.0,
        "top_p": 1.0, "banned": [], "end_after": None,
    }  # fmt: skip
    return _Rules(**settings | changes)


def frequencies(probabilities: list[float], **changes) -> list[float]:
    """How often `choose` takes each token, over an even grid of uniforms."""
    n = 10_000
    logprobs = torch.tensor([probabilities]).log().expand(n, -1)
    uniforms = torch.arange(n) / n
    locked = torch.zeros(n, dtype=torch.bool)
    tokens = choose(logprobs, uniforms, locked, rules(**changes))
    return (torch.bincount(tokens, minlength=len(probabilities)) / n).tolist()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [0.1, 0.5, 0.1, 0.3]),
        ({"top_p": 0.5}, [0, 1, 0, 0]),
        ({"top_p": 0.6}, [0, 0.625, 0, 0.375]),
        ({"top_p": 0.01}, [0, 1, 0, 0]),
        ({"banned": [1]}, [0.2, 0, 0.2, 0.6]),
        ({"banned": [1], "top_p": 0.6}, [0, 0, 0, 1]),
        ({"temperature": 0.5}, [1 / 36, 25 / 36, 1 / 36, 9 / 36]),
        ({"temperature": 0}, [0, 1, 0, 0]),
    ],
)
def test_choose_on_a_known_distribution(changes, expected):
    assert frequencies([0.1, 0.5, 0.1, 0.3], **changes) == pytest.approx(
        expected, abs=2e-4
    )


def test_a_token_without_weight_is_never_chosen():
    """Not even where rounding carries the random point to the very end."""
    for banned in ([0, 1], [2, 3], [0, 3]):
        logprobs = torch.full((2, 4), 0.25).log()
        extremes = torch.tensor([0.0, 1.0])
        locked = torch.zeros(2, dtype=torch.bool)
        tokens = choose(logprobs, extremes, locked, rules(banned=banned))
        assert set(tokens.tolist()) <= {0, 1, 2, 3} - set(banned)


def test_nucleus_keeps_the_smallest_sufficient_set():
    kept = keep_nucleus(torch.tensor([[0.125, 0.5, 0.25, 0.125]]), top_p=0.75)
    assert kept.tolist() == [[0, 0.5, 0.25, 0]]


def test_no_prompts(llama):
    assert sample(llama, prompts=[]) == []


def test_max_new_tokens_is_reached_and_not_exceeded(llama):
    assert [len(s.tokens) for s in sample(llama, max_new_tokens=1)] == [1] * 8


def test_the_model_is_left_as_it_was(llama):
    before = {name: p.clone() for name, p in llama.named_parameters()}
    llama.train()
    sample(llama)
    assert llama.training
    for name, parameter in llama.named_parameters():
        assert torch.equal(before[name], parameter)
        assert parameter.grad is None and parameter.requires_grad


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": [[3], []]}, "prompt is empty"),
        ({"max_new_tokens": 126}, "context of 128"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"banned": [40]}, "from 0 to 39"),
        ({"banned": range(40)}, "Every token is banned"),
        ({"end_after": END}, "end_after"),
        ({"end_after": 5, "banned": [5]}, "end_after"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(llama, changes, message):
    with pytest.raises(ValueError, match=message) as error:
        sample(llama, **changes)
    assert str(error.value).count(". ") == 0
