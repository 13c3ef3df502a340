"""The runs of pretraining: what is trained, how large, how long, and from where."""

from dataclasses import dataclass

from utils.models.load import TRUNK
from utils.models.mixture import BRANCH_TASKS, TRUNK_TASKS


@dataclass(frozen=True)
class Size:
    """The shape of a Llama."""

    width: int
    layers: int
    heads: int

    @property
    def feed_forward(self) -> int:
        """Width of the feed-forward layers: 8/3 of the model's, as in Llama."""
        return self.width * 8 // 3


@dataclass(frozen=True)
class Stage:
    """A run of pretraining; a branch begins with the weights of its trunk."""

    size: Size
    steps: int
    trunk: str = ""

    @property
    def tasks(self) -> dict[str, int]:
        """What it trains on, with weights."""
        return BRANCH_TASKS if self.trunk else TRUNK_TASKS


LAB, SMALL, TINY = Size(192, 4, 6), Size(96, 4, 3), Size(64, 3, 4)
LEAST = Size(48, 3, 3)
STAGES = {
    TRUNK: Stage(LAB, 6000),
    "lab": Stage(LAB, 2000, TRUNK),
    "lab_english": Stage(LAB, 2000, TRUNK),
    "trunk_s": Stage(SMALL, 6000),
    "trunk_xs": Stage(TINY, 6000),
    "trunk_xxs": Stage(LEAST, 6000),
    "lab_s": Stage(SMALL, 2000, "trunk_s"),
    "lab_xs": Stage(TINY, 2000, "trunk_xs"),
    "lab_xxs": Stage(LEAST, 2000, "trunk_xxs"),
}
