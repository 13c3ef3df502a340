"""Arms, conditions, metrics, intervals, and the experiment that puts them together."""
