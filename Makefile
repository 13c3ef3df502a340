# `make help` lists what there is. Nothing is installed outside .venv.
# Windows without make: the three commands at the top of scripts/install.sh.

PYTHON ?=
ARGS ?=
VENV := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help lab test classroom grade run results build lint

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 8
	@echo 'PYTHON=/path/to/python3.12 chooses the Python, ARGS="..." is passed on:'
	@echo '  make lab ARGS="--no-browser --port 8899"   make test ARGS="-k dpo"'

# The mark is newer than both lists of packages when nothing is left to install. It
# goes when the environment's Python has been moved or upgraded away.
$(shell [ ! -e .venv/installed ] || $(VENV) -c "" 2>/dev/null || rm -f .venv/installed)

.venv/installed: pyproject.toml constraints.txt
	@sh scripts/install.sh "$(PYTHON)"

.venv/classroom: .venv/installed
	@sh scripts/classroom.sh

lab: .venv/installed ## install what is missing and open the course in JupyterLab
	@$(VENV) -m utils.teach.start $(ARGS)

test: .venv/installed ## install what is missing and run every test
	@$(VENV) -m utils.models.smollm2
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(VENV) -m pytest -n 2 --dist loadfile $(ARGS)

classroom: .venv/classroom ## test with a browser, nbgrader and JupyterHub
	$(VENV) -m pytest tests/classroom $(ARGS)

grade: .venv/installed ## grade submissions: make grade ARGS="folder --out grades"
	@$(VENV) -m utils.teach.grade $(ARGS)

run: .venv/installed ## run the three stages without notebooks and print the table
	$(VENV) -m utils.evaluate.run $(ARGS)

results: .venv/installed ## train and test every arm for five seeds: results/, figure, README
	$(VENV) -m utils.evaluate.run --all $(ARGS)
	$(VENV) -m utils.show.headline

build: .venv/installed ## rebuild the notebooks from solutions/*.py
	$(VENV) -m utils.teach.builder $(ARGS)

lint: .venv/installed ## check style, and that notebooks and sources agree
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m utils.teach.builder --check
