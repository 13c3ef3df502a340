"""Fixtures that several test files share."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

PAD, END = 0, 1


@pytest.fixture
def make_llama():
    """Build tiny random Llamas: `make_llama(seed=0, **config)`.

    The weights are large, so that the next-token distributions are far from uniform
    and a wrong position, mask or head order shows.
    """

    def build(seed: int = 0, **changes) -> LlamaForCausalLM:
        settings = {
            "vocab_size": 40,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 128,
            "initializer_range": 0.25,
            "pad_token_id": PAD,
            "eos_token_id": END,
            "bos_token_id": None,
        }
        torch.manual_seed(seed)
        return LlamaForCausalLM(LlamaConfig(**settings | changes)).eval()

    return build


@pytest.fixture
def llama(make_llama) -> LlamaForCausalLM:
    """One tiny random Llama of 40 tokens; 0 is padding and 1 the end token."""
    return make_llama()


@pytest.fixture
def trl_tokenizer():
    """A tokenizer of 40 words `t0` .. `t39`: TRL's trainers can't be built without."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {f"t{i}": i for i in range(40)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="t0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="t0", eos_token="t1"
    )


@pytest.fixture
def trl_settings(tmp_path) -> dict:
    """What keeps a TRL trainer small, on the CPU, in fp32 and silent."""
    return {
        "output_dir": str(tmp_path),
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
    }


@pytest.fixture(autouse=True)
def readable_widgets(request):
    """Look at what a widget's test has shown: colours, tables, names of controls."""
    yield
    if request.path.name.startswith("test_widgets_"):
        from tests.widgets import problems

        assert problems() == []
