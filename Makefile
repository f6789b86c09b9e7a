# Set-up needs Python 3.11 to 3.13 with venv; uv is used where it is there or can be installed, pip otherwise.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export MLFLOW_DISABLE_TELEMETRY := true
export MPLBACKEND := Agg

.PHONY: help setup demo test test-long check lint format types docs model pins clean screenshots fuzz chaos serve-load soak bench bench-extra bench-morning bench-scoring bench-quick

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(STAMP) ## install into .venv

$(STAMP): pyproject.toml pins.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"blockrisk needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}; run make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then installer="uv pip install --python $(BIN)/python"; \
	elif $(BIN)/python -m pip install --quiet uv 2>/dev/null; then installer="$(BIN)/uv pip install --python $(BIN)/python"; \
	else installer="$(BIN)/python -m pip install"; fi; \
	echo "$$installer -c pins.txt -e .[dev,spark]"; $$installer --quiet -c pins.txt -e '.[dev,spark]'
	mkdir -p .dev && ln -sfn .. .dev/blockrisk
	touch $(STAMP)

demo: setup ## simulate cards, train, score, and print the ten riskiest
	$(BIN)/blockrisk demo

test: setup ## the tests that take under five minutes
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long'

test-long: setup ## the long tests only
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## rewrite the sources in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup
	MYPYPATH=.dev $(BIN)/mypy -p blockrisk.features -p blockrisk.models -p blockrisk.serving -p blockrisk.training

check: lint types test ## lint, format, types and tests: what must pass before a commit

docs: setup ## write the generated pages
	$(BIN)/python -m blockrisk.features.page docs

fuzz: setup ## read 20,000 malformed files, and write the figures into docs/RELIABILITY.md (about half an hour)
	PYTHONPATH=tests $(BIN)/python tests/fuzz.py docs/RELIABILITY.md --files 20000

chaos: setup ## kill commands 1,000 times, fill disks, take rights away; figures go into docs/RELIABILITY.md (an hour or two; make demo first)
	PYTHONPATH=tests $(BIN)/python tests/chaos.py docs/RELIABILITY.md --kills 1000

serve-load: setup ## let 100 clients ask the server for a minute; figures go into docs/RELIABILITY.md (make demo first)
	PYTHONPATH=tests $(BIN)/python tests/clients.py docs/RELIABILITY.md

soak: setup ## run 365 mornings in a small world; figures go into docs/RELIABILITY.md (an hour or two)
	PYTHONPATH=tests $(BIN)/python tests/soak.py docs/RELIABILITY.md

screenshots: setup ## take the pictures of the README from demo/data (needs Chromium and a font with Chinese; make demo first)
	$(BIN)/python tests/screenshots.py demo docs

model: setup ## measure the model anew on five simulated worlds, and write docs/MODEL.md (about two hours)
	$(BIN)/python -m pip install --quiet -c pins.txt -e '.[bench]' || $(BIN)/uv pip install --python $(BIN)/python --quiet -e '.[bench]'
	for seed in 1 2 3 4 5; do \
	  test -d worlds/seed$$seed || $(BIN)/blockrisk simulate worlds/seed$$seed --cards 2500 --days 180 --seed $$seed || exit 1; \
	  $(BIN)/blockrisk backtest worlds/seed$$seed --out backtests/seed$$seed --replace --no-mlflow || exit 1; \
	done
	$(BIN)/python benchmarks/policy_shift.py backtests/policy_shift.json docs/model/policy_shift.md
	$(BIN)/python benchmarks/advice.py docs/model/advice.md
	$(BIN)/python -m blockrisk.training.model_page docs backtests/seed1 backtests/seed2 backtests/seed3 backtests/seed4 backtests/seed5

bench-extra: setup
	@$(BIN)/python -c 'import polars' 2>/dev/null || $(BIN)/python -m pip install --quiet 'polars>=1.20' || $(BIN)/uv pip install --python $(BIN)/python --quiet 'polars>=1.20'

bench: bench-extra ## measure the feature engine beside Polars and pandas on 1, 10, 19 and 100 million calls, and write docs/BENCHMARKS.md
	$(BIN)/python benchmarks/run.py --sizes 1,10,19,100 --rounds 3 --page docs/BENCHMARKS.md
	$(MAKE) bench-morning bench-scoring

bench-scoring: setup ## measure scoring with the demo's model, and write it into docs/SCALE.md
	test -d demo/model || $(BIN)/blockrisk demo
	$(BIN)/python benchmarks/scoring.py demo --page docs/SCALE.md

bench-morning: setup ## measure a new morning with a store beside the same from scratch, and write it into docs/SCALE.md
	$(BIN)/python benchmarks/morning.py --rounds 3 --page docs/SCALE.md

bench-quick: bench-extra ## the same on one million calls, printed only (under two minutes)
	$(BIN)/python benchmarks/run.py --sizes 1 --rounds 1

pins: ## resolve the pinned versions again (needs uv)
	uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header --extra dev --extra spark pyproject.toml -o pins.txt

clean: ## remove what the targets made
	rm -rf $(VENV) .dev demo .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
