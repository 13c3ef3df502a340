"""The README's figure and tables: ``python -m utils.show.headline``.

They show the arms of the headline (QUICK) and the verdicts, from results/arms.json.
"""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.evaluate import verdicts
from utils.evaluate.outcomes import hierarchical_interval, outcome_matrix
from utils.evaluate.run import QUICK, RESULTS
from utils.evaluate.study import load_rows
from utils.evaluate.table import (
    GROUPS,
    arms_in,
    average,
    in_markdown,
    label,
    markdown,
    percent,
)
from utils.files import ROOT, replacing, write_atomic
from utils.show.figure import style

Row = dict
README = ROOT / "README.md"
MARKS = "<!-- {}: written by `make results` -->", "<!-- end of {} -->"


def draw(rows: list[Row]) -> Figure:
    """Draw each arm's accuracy in each group, with 95 % hierarchical intervals.

    The intervals are over seeds and requests. Above are seen topics, below topics
    held out of alignment. The control base has open markers in the colour of its arm.
    """
    figure, panels = plt.subplots(
        2, 1, figsize=(9.5, 7.2), dpi=130, sharex=True, layout="constrained"
    )
    names = {"seen": "topics seen in alignment", "held_out": "held-out topics"}
    for axes, (topics, name) in zip(panels, names.items(), strict=True):
        draw_topics(axes, rows, topics)
        axes.set_title(name, fontsize=10)
    panels[-1].set_xticks(
        range(len(GROUPS)), [name.replace(" ", "\n", 1) for name, _ in GROUPS]
    )
    figure.suptitle("Aligned in plain English only, then tested elsewhere")
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def draw_topics(axes: Axes, rows: list[Row], topics: str) -> None:
    """Draw every arm on one split of the topics."""
    pairs = arms_in(rows)
    for shift, (arm, base) in enumerate(pairs):
        own = [
            row
            for row in rows
            if (row["arm"], row["base"], row["topics"]) == (arm, base, topics)
        ]
        groups = [[row for row in own if member(row)] for _, member in GROUPS]
        found = [hierarchical_interval(outcome_matrix(group)) for group in groups]
        means = [100 * mean for mean, _, _ in found]
        errors = [
            [100 * max(0, mean - low) for mean, low, _ in found],
            [100 * max(0, high - mean) for mean, _, high in found],
        ]
        places = [g + (shift - (len(pairs) - 1) / 2) * 0.11 for g in range(len(GROUPS))]
        look = style(arm) | {"linestyle": "none", "label": label(arm, base)}
        if base != "lab":
            look |= {"markerfacecolor": "white"}
        axes.errorbar(places, means, yerr=errors, capsize=2, markersize=7, **look)
    axes.axhline(20, color="grey", linewidth=1, linestyle=":")
    axes.text(-0.62, 22, "chance", color="dimgrey", fontsize=8)
    axes.set_xlim(-0.65, len(GROUPS) - 0.4)
    axes.set_ylabel("right action, %")
    axes.set_ylim(-3, 104)
    axes.grid(axis="y", alpha=0.3)


def describe(rows: list[Row], topics: str = "held_out") -> str:
    """Say in one line what the figure shows."""
    parts = []
    for arm, base in arms_in(rows):
        own = [
            row
            for row in rows
            if (row["arm"], row["base"], row["topics"]) == (arm, base, topics)
        ]
        values = [
            percent(average([r for r in own if member(r)], "accuracy"))
            for _, member in GROUPS
        ]
        parts.append(f"{label(arm, base)}: {' '.join(values)}")
    names = ", ".join(name for name, _ in GROUPS)
    return f"Right action in % ({names}). " + "; ".join(parts) + "."


def into_readme(text: str, name: str, table: str) -> str:
    """Return the README's text with a table between the two marks of that name.

    Raises ValueError unless each mark is there exactly once.
    """
    first, last = (mark.format(name) for mark in MARKS)
    if any(text.count(mark) != 1 for mark in (first, last)):
        raise ValueError(
            f"README.md needs the lines {first} and {last} once each: "
            "put them back around the table."
        )
    before, _, rest = text.partition(first)
    _, _, after = rest.partition(last)
    return f"{before}{first}\n{table}\n{last}{after}"


def tables(rows: list[Row]) -> dict[str, str]:
    """Return the README's tables by name, in Markdown, from the rows of all arms."""
    return {
        "headline": markdown(headline_rows(rows)),
        "verdicts": in_markdown(verdicts.cells(rows)),
    }


def headline_rows(rows: list[Row]) -> list[Row]:
    """Return the rows of the arms that the headline shows, in its order."""
    return [row for run in QUICK for row in rows if (row["arm"], row["base"]) == run]


def main() -> None:
    """Draw the figure, put the tables into the README, print the description."""
    rows = load_rows("arms")
    with replacing(RESULTS / "arms.png") as part:
        draw(headline_rows(rows)).savefig(part)
    text = README.read_text(encoding="utf-8")
    for name, table in tables(rows).items():
        text = into_readme(text, name, table)
    write_atomic(README, text.encode())
    print(describe(headline_rows(rows)))


if __name__ == "__main__":
    main()
