# `make` alone lists the targets. Pass arguments with ARGS: make run ARGS="--headless".
ARGS ?=
PYTHON ?=
export PYTHON

SET_UP := sh tools/bootstrap.sh
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test check bench soak setup lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
		sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' Makefile

run: ## set up, then the demo: simulated exchange, engine, window
	@exec $(SET_UP) run -- $(BIN)/cryptobot demo $(ARGS)

test: ## set up with the real servers the tests need, then the whole suite
	@exec $(SET_UP) test -- $(BIN)/python -m pytest -n 2 --dist loadgroup --cov $(ARGS)

check: ## formatter, linter, house rules, import laws, types: no tests
	@$(SET_UP) check
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/python tools/check_house.py
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/mypy

bench: ## set up, then every benchmark; writes build/bench.json
	@exec $(SET_UP) test -- $(BIN)/python tools/bench $(ARGS)

soak: ## set up, then 100,000 simulated runs (ARGS="--runs N --seed FIRST --jobs N")
	@exec $(SET_UP) test -- $(BIN)/python tools/soak.py $(ARGS)

setup: ## only the set-up of `make run`
	@$(SET_UP) run

lock: ## resolve the dependencies anew into requirements/*.txt (ARGS=--upgrade for newer ones)
	@exec $(SET_UP) check -- $(BIN)/python tools/bootstrap_lock.py $(ARGS)

clean: ## remove the environment, caches and build results; logs and state stay
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -f .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
