"""What the notebooks measure over several seeds: one study a file, `study(seed)`."""
