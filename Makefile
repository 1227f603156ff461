# `make help` says what there is. Nothing but Python 3.11, make and a package index is needed.

SHELL := /bin/sh
BIN := .venv/bin
MALGWI_MODELS ?= $(or $(MALGWI_HOME),$(HOME)/.malgwi)/models
export MALGWI_MODELS

MODEL ?= whisper-base
OUT ?= out
UV ?= uv
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.PHONY: help setup run up upgrade down test test-all check docs bench screenshots lock model clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: .venv/stamp ## set up .venv (uv where present, else python3 -m venv and pip)

.venv/stamp: pyproject.toml requirements.lock requirements-cpwer.lock tools/setup.sh
	@tools/setup.sh
	@touch $@

run: setup ## transcribe AUDIO=path, or a four-channel sample, into OUT=out
	@$(BIN)/malgwi models pull $(MODEL)
	@if [ -n "$(AUDIO)" ]; then \
		$(BIN)/malgwi transcribe "$(AUDIO)" --out "$(OUT)" --overwrite; \
	else \
		$(BIN)/malgwi models pull sample && \
		$(BIN)/malgwi transcribe "$(MALGWI_MODELS)/sample/four-channels.wav" --language en \
			--out "$(OUT)" --overwrite; \
	fi
	@echo "To keep, search and correct recordings: $(BIN)/malgwi serve, at http://127.0.0.1:8000"

up: ## start all of it in containers, and wait until they are healthy (see deploy/)
	@deploy/up.sh

upgrade: ## take the containers to IMAGE=name, and back where it does not work
	@deploy/upgrade.sh "$(IMAGE)" $(CUDA_IMAGE)

down: ## stop and remove the containers; what is kept stays
	@cd deploy && docker compose down

test: setup model ## run the tests that take less than three minutes together
	@$(BIN)/pytest -q -m "not slow" --numprocesses 2 --dist loadfile

test-all: setup model ## run every test
	@$(BIN)/pytest -q

model: setup
	@$(BIN)/malgwi models pull whisper-base && $(BIN)/malgwi models pull sample || \
		echo "Without whisper-base and the sample the tests that recognise speech are skipped." >&2

check: setup ## formatting, lint, types, layers, and that the lock files are in step
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/ops/test_tree.py

docs: setup ## check that the reference pages say what the code says
	@$(BIN)/pytest -q -k "docs or documented"

bench: setup model ## measure speed and error rates; see benchmarks/
	@$(BIN)/python -m benchmarks

screenshots: setup model ## take pictures of every page of the console, into OUT=out
	@tools/chromium.sh
	@$(BIN)/python tools/screenshots.py $(OUT)/screenshots

lock: ## renew the lock files from pyproject.toml (needs uv and a package index)
	$(UV) $(LOCK) --only-binary :all: --extra faster-whisper --extra silero --extra moonshine \
		--extra engine --extra serve --extra console --extra postgresql --extra celery --extra openai-http --extra whisper-cpp \
		--extra evaluate --group dev \
		pyproject.toml --output-file requirements.lock
	$(UV) $(LOCK) --only-binary :all: --extra faster-whisper --extra silero --extra engine --extra serve --extra client \
		--extra console --extra postgresql --extra celery --extra openai-http --extra whisper-cpp \
		--no-emit-package uvloop --no-emit-package watchfiles --no-emit-package hf-xet \
		--constraint requirements.lock pyproject.toml --output-file deploy/image/cpu.lock
	$(UV) pip install --quiet --dry-run --target out --no-deps --require-hashes --only-binary :all: \
		--python-version 3.11 --python-platform aarch64-manylinux_2_36 -r deploy/image/cpu.lock # there is one for arm64, too
	echo 'hatchling' | $(UV) $(LOCK) --only-binary :all: - --constraint requirements.lock --output-file deploy/image/build.lock
	echo 'nvidia-cublas-cu12==12.8.4.1' | $(UV) $(LOCK) --only-binary :all: - --output-file deploy/image/cuda.lock
	echo 'torch==2.10.0' | $(UV) pip compile --quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --only-binary :all: --extra transformers \
		pyproject.toml - --constraint deploy/image/cpu.lock --output-file deploy/image/torch.lock \
		$$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' deploy/image/cpu.lock | sort -u) \
		$$(printf -- '--no-emit-package %s ' hf-xet triton cuda-bindings cuda-pathfinder typer shellingham)
	sed -n 's/^cpwer = \["\(.*\)"\].*/\1/p' pyproject.toml | \
		$(UV) $(LOCK) - --constraint requirements.lock --output-file requirements-cpwer.lock

clean: ## remove .venv, caches and results; models stay
	rm -rf .venv out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
