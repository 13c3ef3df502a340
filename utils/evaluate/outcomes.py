"""What single replies say: right or wrong, request by request and seed by seed.

A row of results keeps one character for each reply (`given`). Every arm and every seed
was asked the same requests, so differences can be paired, and an interval can hold
both sources of chance: other training seeds and other requests.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from utils.evaluate.conditions import conditions
from utils.world.spec import ACTIONS

Row = dict
KEYS = ("kind", "surface", "wrapper", "topics")


@cache
def right_of_conditions(n: int) -> dict[tuple[str, ...], str]:
    """Return, for each condition of n requests, the right actions as `given` has them.

    The result is keyed by the values of KEYS.
    """
    return {
        tuple(condition.keys.values()): "".join(
            str(ACTIONS.index(request.action())) for request in condition.requests
        )
        for condition in conditions(n)
    }


def right_actions(row: Row, n: int = 100) -> str:
    """Return the right actions of a row's requests, one character each.

    n is the number of requests that the conditions were drawn with. Raises ValueError
    where the row's replies are not as many as the requests of its condition.
    """
    right = right_of_conditions(n)[condition_of(row)]
    if len(right) != len(row["given"]):
        raise ValueError(
            f"The row has {len(row['given'])} replies and its condition {len(right)} "
            "requests: the results are of another world. Run `make results` again."
        )
    return right


def condition_of(row: Row) -> tuple[str, ...]:
    """Return what names the condition of a row: the values of KEYS."""
    return tuple(row[key] for key in KEYS)


def hits(row: Row) -> np.ndarray:
    """Return (n,) float: 1 for each reply with the right action, else 0."""
    pairs = zip(row["given"], right_actions(row), strict=True)
    return np.array([float(given == right) for given, right in pairs])


def outcome_matrix(
    rows: Sequence[Row], values_of: Callable[[Row], np.ndarray] = hits
) -> np.ndarray:
    """Return (seeds, requests) float: the mean outcome of each request.

    A request that was asked in several surfaces or wrappers counts once, with the mean
    over them, because a hard request is hard in all of them. `values_of` turns a row
    into one value a request, NaN to leave a request out. The seeds are in rising
    order. Raises ValueError when there are no rows, or when a seed lacks some of them.
    """
    if not rows:
        raise ValueError("There are no rows to average: check the arm and the group.")
    seeds = sorted({row["seed"] for row in rows})
    asked = {s: {condition_of(row) for row in rows if row["seed"] == s} for s in seeds}
    if any(asked[seed] != asked[seeds[0]] for seed in seeds):
        raise ValueError("Some seeds lack some of the conditions: complete them first.")
    found: dict[tuple, dict[int, list[float]]] = {}
    for row in rows:
        # Plain requests and jailbreaks ask the same requests; twins and phrasings own.
        kind = "plain" if row["kind"] == "jailbreak" else row["kind"]
        for i, value in enumerate(values_of(row)):
            by_seed = found.setdefault((kind, row["topics"], i), {})
            by_seed.setdefault(row["seed"], []).append(value)
    matrix = [[np.mean(by_seed[s]) for by_seed in found.values()] for s in seeds]
    matrix = np.array(matrix)  # (seeds, requests)
    return matrix[:, ~np.isnan(matrix).any(axis=0)]


def hierarchical_interval(
    matrix: np.ndarray, *, level: float = 0.95, draws: int = 4000, seed: int = 0
) -> tuple[float, float, float]:
    """Return the mean of (seeds, requests) outcomes and its percentile interval.

    A bootstrap in two directions: each draw takes as many seeds, and as many requests,
    as there are, with replacement, the same requests for all seeds of the draw. So the
    interval is about other seeds *and* other requests. With few seeds it is somewhat
    too narrow: S seeds drawn from S vary by (S - 1) / S of what new ones would.
    A higher level widens it. Raises ValueError for a matrix without values.
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"matrix must be (seeds, requests), not {matrix.shape}.")
    rng = np.random.default_rng(seed)
    seeds, requests = matrix.shape
    by_seed = rng.multinomial(seeds, np.full(seeds, 1 / seeds), draws) / seeds
    by_request = rng.multinomial(requests, np.full(requests, 1 / requests), draws)
    means = ((by_seed @ matrix) * by_request).sum(axis=1) / requests  # (draws,)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(matrix.mean()), float(low), float(high)


def rows_of(
    rows: Sequence[Row],
    arm: str,
    member: Callable[[Row], bool],
    base: str = "lab",
    topics: str = "",
) -> list[Row]:
    """Return an arm's rows in a group of conditions, of one split of topics or both."""
    return [
        row
        for row in rows
        if (row["arm"], row["base"]) == (arm, base)
        and member(row)
        and topics in ("", row["topics"])
    ]


def paired_difference(
    one: Sequence[Row],
    two: Sequence[Row],
    values_of: Callable[[Row], np.ndarray] = hits,
) -> tuple[float, float, float]:
    """Return mean and 95 % interval of `one` minus `two`, paired by seed and request.

    Seeds that only one of the two has are left out. Raises ValueError where the two
    were not asked the same conditions.
    """
    if {*map(condition_of, one)} != {*map(condition_of, two)}:
        raise ValueError("Compare two arms in the same conditions.")
    both = {row["seed"] for row in one} & {row["seed"] for row in two}
    first, second = (
        outcome_matrix([row for row in rows if row["seed"] in both], values_of)
        for rows in (one, two)
    )
    return hierarchical_interval(first - second)
