"""Alignment algorithms, one per file, each to be read beside its paper."""
