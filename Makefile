# Two commands for everybody: `make sandbox` and `make test`. Both install into .venv what they need, and only once.
PYTHON ?= python3
ARGS ?=
# Tests run in so many processes, each file in one.
JOBS ?= 2

BIN := .venv/bin
# The installation is keyed on what it was made from. With the developers' packages everything else is there too.
KEY := $(shell { cat pyproject.toml requirements.lock; echo $(CURDIR); } | cksum | cut -d' ' -f1)
RUN := .venv/.installed-$(KEY)
DEV := .venv/.installed-dev-$(KEY)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

.PHONY: help sandbox test test-ray lint docs bench screenshots browser clean
.SUFFIXES:

help:
	@echo "make sandbox      try Hearth in a chat page on this machine (ARGS='--port 0 --no-open')"
	@echo "make test         linters, types and all tests (ARGS='tests/shared -k store' for some of them)"
	@echo "make test-ray     the tests on a Ray cluster of this machine, which take a minute more, and its packages"
	@echo "make lint         linters and types alone"
	@echo "make docs         build the documentation site in build/site; make test checks it, too"
	@echo "make bench        measure speed and memory; writes docs/benchmarks.md"
	@echo "make screenshots  take the pictures in docs/screenshots anew"
	@echo "make clean        remove what was built and installed here; data/ stays"

# Ctrl-C reaches Hearth itself, since nothing stands between it and the terminal.
sandbox: $(RUN)
	@exec $(BIN)/hearth sandbox $(ARGS)

# The processes share the cores: libraries' own threads would wait for each other, and take twice as long.
test: lint browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-ray: $(DEV)
	$(PIP) --editable '.[dev,ray,ray-dev]'
	$(BIN)/python -m pytest tests/bot/test_ray_engine.py tests/shared/test_remote_store.py $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive bot plugins schedules shared
	$(BIN)/python .ci/audit

docs: $(DEV)
	$(BIN)/python -m mkdocs build --strict
	@echo "Open build/site/index.html"

bench: $(DEV)
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(DEV) browser
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

# Debian's Chromium brings the libraries that it needs; without it the tests in a browser are skipped and say so.
browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; \
	else echo "No Chromium here: the tests in a browser are skipped (Debian: apt-get install chromium)."; fi

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Hearth needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing); name another: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No virtual environment could be made (Debian: apt-get install python3-venv)." >&2; exit 1; }

$(RUN): | $(BIN)/python
	@echo "Installing Hearth into .venv; the first time takes some minutes."
	$(PIP) --editable .
	@rm -f .venv/.installed-* && touch $@

$(DEV): | $(BIN)/python
	@echo "Installing Hearth and its developers' tools into .venv; the first time takes some minutes."
	@grep -oE '^[a-z0-9.-]+==[^ ]+' requirements.lock > .venv/locked.txt
	$(PIP) --constraint .venv/locked.txt --editable '.[dev]'
	@rm -f .venv/.installed-* && touch $@ $(RUN)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
