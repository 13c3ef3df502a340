"""Exercise of notebook 34: floating-point operations of a request and of training."""

from utils.teach.exercise import Exercise, Mutant, Part, expect_close, outcomes

NOTEBOOK = "34_scale_and_compute"


def flops(
    blocks: int,
    table: int,
    read: int,
    written: int,
    samples: int = 1,
    training: bool = False,
) -> int:
    """Floating-point operations of one request, or of one training example.

    blocks   : parameters of all layers, without the embedding table
    table    : parameters of the embedding table, which is the output layer, too
    read     : tokens of the prompt; read once for all samples
    written  : tokens of thought and answer together, in one sample
    samples  : completions of this prompt
    training : True: a step forward and backward, not a forward pass alone
    returns  : 2 (6 in training) for each parameter and token; the table counts for
               written tokens only, because looking a token up costs nothing
    """
    behind = samples * written
    return (6 if training else 2) * (blocks * (read + behind) + table * behind)


def _always_two(blocks, table, read, written, samples=1, training=False):
    return flops(blocks, table, read, written, samples)


def _always_six(blocks, table, read, written, samples=1, training=False):
    return flops(blocks, table, read, written, samples, True)


def _only_backward(blocks, table, read, written, samples=1, training=False):
    whole = flops(blocks, table, read, written, samples, training)
    return whole * 4 // 6 if training else whole


def _read_again(blocks, table, read, written, samples=1, training=False):
    return samples * flops(blocks, table, read, written, 1, training)


def _looked_up(blocks, table, read, written, samples=1, training=False):
    return flops(blocks + table, 0, read, written, samples, training)


def _no_table(blocks, table, read, written, samples=1, training=False):
    return flops(blocks, 0, read, written, samples, training)


def _prompt_free(blocks, table, read, written, samples=1, training=False):
    return flops(blocks, table, 0, written, samples, training)


def _one_sample(blocks, table, read, written, samples=1, training=False):
    return flops(blocks, table, read, written, 1, training)


FLOPS = {
    "read again": Mutant(
        _read_again,
        "The prompt is counted for each sample. It is read once, and its keys and "
        "values are copied.",
    ),
    "one sample": Mutant(
        _one_sample, "The number of samples makes no difference. Each one is written."
    ),
    "looked up": Mutant(
        _looked_up,
        "The table is counted for the prompt as well. Looking a token up is no "
        "product; only the output layer, at written tokens, is.",
    ),
    "no table": Mutant(
        _no_table,
        "The output layer is missing. It is a small part of a large model, and half "
        "of our smallest one.",
    ),
    "prompt free": Mutant(
        _prompt_free, "Reading costs, too: each token of the prompt passes all layers."
    ),
    "always two": Mutant(
        _always_two,
        "Training is as dear as a forward pass here. Backward costs twice as much "
        "again: 6 in all.",
    ),
    "always six": Mutant(
        _always_six,
        "An answer costs as much as a training step here. Without a backward pass it "
        "is 2 for each parameter and token.",
    ),
    "only backward": Mutant(
        _only_backward,
        "This is the backward pass alone. Training needs the forward pass before it: "
        "2 + 4 = 6.",
    ),
}


def _compare(answer, want: int, *args, **kwargs) -> None:
    expect_close(answer(*args, **kwargs), want, outcomes(FLOPS, *args, **kwargs))


def _by_hand(answer) -> None:
    """Ten parameters and a table of four: 5 tokens pass the layers, 2 are scored."""
    _compare(answer, 2 * (10 * 5 + 4 * 2), 10, 4, 3, 2)


def _read_only(answer) -> None:
    _compare(answer, 2 * 10 * 7, 10, 4, 7, 0)


def _many(answer) -> None:
    """Three samples: 3 + 3 * 2 tokens pass, 6 are scored."""
    _compare(answer, 2 * (10 * 9 + 4 * 6), 10, 4, 3, 2, samples=3)


def _trained(answer) -> None:
    _compare(answer, 6 * (10 * 5 + 4 * 2), 10, 4, 3, 2, training=True)


EXERCISES = [
    Exercise(
        name="flops",
        notebook=NOTEBOOK,
        reference=flops,
        parts=[
            Part("a prompt of 3 tokens and 2 written ones, by hand", _by_hand),
            Part("a prompt that is only read", _read_only),
            Part("three samples of one prompt", _many),
            Part("a training step", _trained),
        ],
        mutants=FLOPS,
    ),
]
