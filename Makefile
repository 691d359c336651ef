# every target sets up what it needs in .venv
VENV := .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: demo test install lint types bench bench-recipes bench-speed bench-peers chromium clean

demo: $(VENV)/.installed  ## train on the embedded digits and draw samples
	run=runs/demo-$$(date +%Y%m%d-%H%M%S) && \
	$(BIN)/sparring train digits --minutes 4 --out $$run && \
	$(BIN)/sparring sample $$run --seeds 0-63 --out demo.png
	@echo "now look at demo.png"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

test: $(VENV)/.developed chromium  ## all tests and doctests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

chromium:  # opens the pages of sparring report in the tests
	@command -v chromium >/dev/null || { sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	$$sudo apt-get update --quiet && $$sudo apt-get install --yes --quiet --no-install-recommends chromium; }

lint: $(VENV)/.developed  ## style, formatting, and the arrows between the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.developed  ## strict enough to trust
	$(BIN)/pyright

bench: bench-peers bench-recipes  ## all measurements of the docs: hours

bench-recipes: $(VENV)/.developed  ## the bars of every recipe
	$(BIN)/python -m benchmarks.recipes

bench-speed: $(VENV)/.developed  ## images a second, beside a bare loop and the tutorial's; AGAINST=REV adds a revision
	$(BIN)/python -m benchmarks.speed $(if $(AGAINST),--against $(AGAINST))

bench-peers: $(VENV)/.developed  ## the default recipe against the DCGAN tutorial
	$(BIN)/python -m benchmarks.peers

clean:
	rm -rf $(VENV) build dist *.egg-info src/*.egg-info
