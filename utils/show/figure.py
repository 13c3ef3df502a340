"""One look for every figure: colours, markers, and a description in words.

fig, ax = plt.subplots()
ax.plot(steps, accuracy, **style("A4"))
show(fig, "Accuracy of A4 rises from 0.50 to 1.00 within 100 steps.")
"""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito's colours without yellow, and darker: each has a contrast of 3:1 to
# white, as WCAG 2.2 asks of lines (1.4.11); their orange and sky have 2.3:1. Blue,
# green and vermillion have the 4.5:1 of text. To the colour-blind they look as
# different as the originals do (tests/test_accessible.py measures both).
PALETTE = {
    "black": "#000000",
    "orange": "#CF7A00",
    "sky": "#249CD1",
    "green": "#008156",
    "blue": "#26538A",
    "vermillion": "#B34302",
    "purple": "#C27097",
}
# Each arm keeps its colour and marker in all figures. There are more arms than
# colours, so that no two arms share a marker.
_ARMS = {
    "A0": ("black", "o"),
    "A1": ("orange", "s"),
    "A2": ("vermillion", "D"),
    "A3": ("purple", "v"),
    "A4": ("blue", "^"),
    "A5": ("green", "P"),
    "A6": ("sky", "X"),
    "A7": ("orange", "<"),
    "A8": ("sky", ">"),
    "A9": ("purple", "h"),
    "A10": ("black", "*"),
    "A11": ("green", "d"),
    "A12": ("vermillion", "p"),
}
COLORS = {arm: PALETTE[name] for arm, (name, _) in _ARMS.items()}
MARKERS = {arm: marker for arm, (_, marker) in _ARMS.items()}
# Arms that write a chain of thought have solid lines, the others dashed ones.
THINKING = frozenset({"A4", "A5", "A6", "A8", "A9", "A11", "A12"})


def style(arm: str) -> dict[str, str]:
    """Keyword arguments that make `ax.plot` draw this arm as all figures do.

    Raises KeyError for a name other than A0 to A12.
    """
    line = "-" if arm in THINKING else "--"
    return {"color": COLORS[arm], "marker": MARKERS[arm], "linestyle": line}


def show(fig: Figure, description: str) -> None:
    """Display the figure, and print `description` for those who cannot see it.

    The description says in one line what the figure shows, numbers included. It is
    stored as the image's alternative text too, which not every front end reads out.
    Raises ValueError for an empty description.
    """
    if not description.strip():
        raise ValueError("Say in one line what the figure shows.")
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is not None:
        display(fig, metadata={"image/png": {"alt": description}})
    plt.close(fig)  # or the notebook would draw it a second time
    print(description)
