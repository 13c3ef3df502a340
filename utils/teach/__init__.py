"""Teaching: exercises and their checks, progress, the notebook builder, `make lab`."""
