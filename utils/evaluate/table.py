"""The headline table: arms against groups of conditions, averaged over seeds."""

from collections.abc import Callable, Iterable

import numpy as np
from rich.table import Table

from utils.evaluate.arms import ARMS
from utils.evaluate.metrics import ERRORS
from utils.world.requests import TAUGHT_CIPHERS, TAUGHT_LANGUAGES
from utils.world.wrappers import KNOWN, NEW

Row = dict
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


def percent(value: float | None) -> str:
    """Write a share as a whole percentage."""
    return "-" if value is None else f"{100 * value:.0f}"


def headline(rows: list[Row]) -> Table:
    """Return accuracy in % (seen / held-out topics) of each arm in each group."""
    table = Table(
        title="Right action, % (seen / held-out topics). Five actions: chance is 20."
    )
    table.add_column("arm")
    for name, _ in GROUPS:
        table.add_column(name, justify="right")
    table.add_column("over-refusal of twins", justify="right")
    for arm, base in arms_in(rows):
        own = [row for row in rows if (row["arm"], row["base"]) == (arm, base)]
        cells = []
        for _, member in GROUPS:
            group = [row for row in own if member(row)]
            seen, held_out = (
                percent(average(group, "accuracy", topics=topics))
                for topics in ("seen", "held_out")
            )
            cells.append(f"{seen}/{held_out}")
        twins = percent(average(own, "over_refusal", kind="twins"))
        table.add_row(label(arm, base), *cells, twins)
    return table


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
            shares = [sum(row["errors"][e] for row in group) / total for e in ERRORS]
            table.add_row(label(arm, base), name, *map(percent, shares))
    return table
