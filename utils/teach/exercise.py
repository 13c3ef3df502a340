"""What an exercise is: its reference, the parts of its check, and known mistakes."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Mistake(Exception):
    """Raised by a part of a check: a sentence for the learner, and then the numbers."""

    def __init__(self, sentence: str, numbers: str = "") -> None:
        super().__init__(f"{sentence} {numbers}".strip())
        self.sentence, self.numbers = sentence, numbers


class Mutant(NamedTuple):
    """A wrong answer that learners write, and the sentence that names the mistake."""

    answer: Any
    message: str


@dataclass(frozen=True)
class Part:
    """One line of a check: what it says, and a test that raises when that is untrue.

    `test` takes the learner's answer and raises `Mistake` (best by `expect` or
    `expect_close`). Give most points to the parts that a lazy answer cannot pass.
    """

    says: str
    test: Callable[[Any], None]
    points: float = 1


@dataclass(frozen=True)
class Exercise:
    """An exercise of one notebook.

    name      : the function (or value) that the learner writes
    notebook  : stem of the notebook, such as "00_lab"
    reference : a right answer; later cells fall back to it
    parts     : the check, in the order in which they are printed
    mutants   : at least four wrong answers; each must lose points with its message
    """

    name: str
    notebook: str
    reference: Any
    parts: list[Part]
    mutants: dict[str, Mutant]

    @property
    def points(self) -> float:
        """All points of this exercise: the sum over its parts."""
        return sum(part.points for part in self.parts)


def expect(condition: bool, sentence: str) -> None:
    """Raise `Mistake(sentence)` unless `condition` holds."""
    if not condition:
        raise Mistake(sentence)


def expect_close(
    got: Any, want: Any, mistakes: Iterable[tuple[str, Any]] = (), atol: float = 1e-4
) -> None:
    """Raise `Mistake` unless `got` equals `want` in shape and, to `atol`, in value.

    got, want : numbers, lists, arrays or tensors
    mistakes  : (sentence, wrong value) pairs, most likely first; the first one that
                equals `got` is named before any numbers. `outcomes` makes them
    atol      : larger accepts more rounding; keep it below the mistakes' effect
    """
    if got is None:
        raise Mistake("Your function returned None. Is its `return` line missing?")
    have, target = _tensor(got), _tensor(want)
    if have is None:
        raise Mistake(f"Expected numbers, and got a {type(got).__name__}.")
    if _same(have, target, atol):
        return
    raise Mistake(_likely(have, mistakes, atol), _numbers(have, target))


def outcomes(mutants: dict[str, Mutant], *args, **kwargs) -> Iterator[tuple[str, Any]]:
    """What each function of `mutants` returns for these inputs, for `expect_close`."""
    for answer, message in mutants.values():
        try:
            yield message, answer(*args, **kwargs)
        except Exception:  # a mutant that fails on these inputs explains nothing here
            continue


@cache
def registry() -> dict[str, Exercise]:
    """Every exercise in `utils.teach.exercises`, by name, in notebook order."""
    package = importlib.import_module("utils.teach.exercises")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    found: dict[str, Exercise] = {}
    for name in names:
        module = importlib.import_module(f"{package.__name__}.{name}")
        for exercise in module.EXERCISES:
            if exercise.name in found:
                raise ValueError(f"Two exercises are called {exercise.name!r}.")
            found[exercise.name] = exercise
    return found


def _tensor(value: Any) -> Tensor | None:
    try:
        return torch.as_tensor(value).detach().to(torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def _same(got: Tensor, want: Tensor, atol: float) -> bool:
    return got.shape == want.shape and torch.allclose(got, want, rtol=1e-4, atol=atol)


def _likely(got: Tensor, mistakes: Iterable[tuple[str, Any]], atol: float) -> str:
    for sentence, wrong in mistakes:
        value = _tensor(wrong)
        if value is not None and _same(got, value, atol):
            return sentence
    return ""


def _numbers(got: Tensor, want: Tensor) -> str:
    if got.shape != want.shape:
        return f"Expected shape {tuple(want.shape)}, and got {tuple(got.shape)}."
    if not torch.isfinite(got).all() and torch.isfinite(want).all():
        return f"Some values are not finite: {_few(got)}. Expected {_few(want)}."
    return f"Expected {_few(want)}, and got {_few(got)}."


def _few(values: Tensor, most: int = 6) -> str:
    flat = values.flatten().tolist()
    shown = ", ".join(f"{value:.4g}" for value in flat[:most])
    if values.dim() == 0:
        return shown
    return f"[{shown}{', ...' if len(flat) > most else ''}]"
