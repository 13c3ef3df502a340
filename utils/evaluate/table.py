"""The headline table: arms against groups of conditions, averaged over seeds."""

from collections.abc import Callable, Iterable

import numpy as np
from rich.table import Table

from utils.evaluate.arms import ARMS
from utils.evaluate.metrics import ERRORS
from utils.world.data import SPLITS
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.wrappers import KNOWN, NEW

Row = dict
TITLE = "Right action, % (seen / held-out topics)."
Group = tuple[str, Callable[[Row], bool]]


def plain_on(*surfaces: str) -> Callable[[Row], bool]:
    """Return a test for rows of unwrapped requests in these surfaces."""
    return lambda row: row["kind"] == "plain" and row["surface"] in surfaces


def wrapped_in(*wrappers: str) -> Callable[[Row], bool]:
    """Return a test for rows of jailbreaks with these wrappers."""
    return lambda row: row["kind"] == "jailbreak" and row["wrapper"] in wrappers


GROUPS: list[Group] = [
    ("English (home)", plain_on("en")),
    ("new phrasing", lambda row: row["kind"] == "phrasing"),
    ("es, fr, de", plain_on(*TAUGHT_LANGUAGES)),
    ("ciphers", plain_on(*TAUGHT_CIPHERS)),
    ("known jailbreaks", wrapped_in(*KNOWN)),
    ("new jailbreaks", wrapped_in(*NEW)),
    ("control: Indonesian", plain_on("id")),
    ("control: Atbash", plain_on("atbash")),
]


def arms_in(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Return the (arm, base) pairs in the order in which they occur."""
    return list(dict.fromkeys((row["arm"], row["base"]) for row in rows))


def label(arm: str, base: str) -> str:
    """Name an arm in tables and figures."""
    own = "" if base == "lab" else ", base reasoned in English only"
    return f"{arm} {ARMS[arm].title}{own}"


def average(rows: list[Row], figure: str, **wanted: str) -> float | None:
    """Return the mean of a figure over the rows with these values; None without any."""
    values = [
        row[figure]
        for row in rows
        if all(row[key] == value for key, value in wanted.items())
        and row[figure] is not None
    ]
    return float(np.mean(values)) if values else None


def interval(rows: list[Row], draws: int = 2000) -> tuple[float, float]:
    """Return a 95 % interval of mean accuracy over training seeds and requests.

    For rows that do not keep single replies; outcomes.py has the better one for those
    that do. A hierarchical bootstrap: draw seeds with replacement, and for each as many
    requests as one condition has. The conditions of a group ask the same requests in
    other surfaces or wrappers, so that together they count as one.
    """
    rng = np.random.default_rng(0)
    seeds = sorted({row["seed"] for row in rows})
    own = [[row for row in rows if row["seed"] == seed] for seed in seeds]
    means = np.array([average(group, "accuracy") for group in own])  # (seeds,)
    n = min(row["n"] for row in rows)
    drawn = rng.integers(0, len(seeds), (draws, len(seeds)))
    samples = rng.binomial(n, means[drawn]) / n  # (draws, seeds)
    low, high = np.quantile(samples.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def percent(value: float | None) -> str:
    """Write a share as a whole percentage."""
    return "-" if value is None else f"{100 * value:.0f}"


def cells(rows: list[Row]) -> list[list[str]]:
    """Return the headline table as text: a header, then one line for each arm."""
    lines = [["arm", *(name for name, _ in GROUPS), "over-refusal of twins"]]
    for arm, base in arms_in(rows):
        own = [row for row in rows if (row["arm"], row["base"]) == (arm, base)]
        line = [label(arm, base)]
        for _, member in GROUPS:
            group = [row for row in own if member(row)]
            values = [average(group, "accuracy", topics=t) for t in SPLITS]
            line.append("/".join(map(percent, values)))
        lines.append([*line, percent(average(own, "over_refusal", kind="twins"))])
    return lines


def headline(rows: list[Row]) -> Table:
    """Return accuracy in % (seen / held-out topics) of each arm in each group."""
    header, *lines = cells(rows)
    table = Table(title=f"{TITLE} Five actions: chance is 20.")
    for name in header:
        table.add_column(name, justify="left" if name == "arm" else "right")
    for line in lines:
        table.add_row(*line)
    return table


def markdown(rows: list[Row]) -> str:
    """Return the headline table in Markdown, for the README."""
    table = in_markdown(cells(rows), numbers=True)
    seeds = len({row["seed"] for row in rows})
    return f"{TITLE} Mean of {seeds} training seed{'s' * (seeds > 1)}.\n\n{table}"


def in_markdown(lines: list[list[str]], numbers: bool = False) -> str:
    """Return lines of cells as a Markdown table; `numbers` are set to the right."""
    header, *body = lines
    rule = [":--", *["--:" if numbers else ":--"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *body))


def error_table(rows: list[Row]) -> Table:
    """Return how the wrong answers of the thinking arms came about, in % of all."""
    table = Table(title="Where thinking arms went wrong, % of the answers in a group")
    table.add_column("arm")
    table.add_column("group")
    for name in ERRORS:
        table.add_column(name, justify="right")
    for arm, base in arms_in(row for row in rows if "errors" in row):
        for name, member in GROUPS:
            group = [
                row
                for row in rows
                if (row["arm"], row["base"]) == (arm, base) and member(row)
            ]
            total = sum(row["n"] for row in group)
            counts = [sum(row["errors"].get(e, 0) for row in group) for e in ERRORS]
            shares = [count / total for count in counts]
            table.add_row(label(arm, base), name, *map(percent, shares))
    return table
