"""The models: tokenizer, shipped weights, `load`, and the recipe they came from."""
