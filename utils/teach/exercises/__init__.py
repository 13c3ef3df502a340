"""The exercises, one module for each notebook: nb00.py, nb13.py, ...

Each module has a list EXERCISES; `utils.teach.exercise.registry` finds them all.
"""
