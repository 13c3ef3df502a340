"""Deliberate: the one package behind the notebooks of the course."""
