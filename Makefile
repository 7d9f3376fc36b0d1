# Every target prepares what it needs by itself: see tests/setup.sh. `make` alone explains.

PYTHON ?= python3
export PYTHON
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo cluster test lint format bench majors image deb kubernetes soak fuzz chaos requirements clean

help:
	@echo 'make demo          a real PostgreSQL with pgBackRest, thrown away afterwards, and the exporter watching it'
	@echo 'make demo ONCE=1   the same, but print what it sees and end'
	@echo 'make cluster       three Patroni nodes, a repository host and S3 from deploy/patroni, to play with; ONCE=1 as above'
	@echo 'make test          everything: lint, types, unit, process and end-to-end tests'
	@echo 'make lint          ruff and mypy alone'
	@echo 'make format        let ruff rewrite the sources'
	@echo 'make bench         speed and size, beside nginx serving the same bytes; ARGS=--help says more'
	@echo 'make majors        what is asked of PostgreSQL, tried on 12 to 18, which npm fetches'
	@echo 'make soak          an hour of faults at random, in which nothing may leak or lie; MINUTES=30'
	@echo 'make fuzz          every reader of foreign bytes, led by coverage; ARGS="--seconds=600 --target=info"'
	@echo 'make chaos         kill -9, a full disk, clocks that jump, 1,000 connections, PostgreSQL and Patroni that flap'
	@echo 'make image         build the container images and prove them (root)'
	@echo 'make deb           build the Debian package; TRY=1 also proves it in a Debian 12 of its own (root)'
	@echo 'make kubernetes    try the Helm chart with Helm itself, which Go builds'
	@echo 'make requirements  lock the newest versions of the Python packages, with hashes'
	@echo 'make setup         only install what the tests need'
	@echo 'make clean         remove what the targets left in this folder'
	@echo
	@echo 'As root, missing Debian packages are installed; otherwise the command for it is printed.'
	@echo 'PYTHON=python3.12 chooses an interpreter (3.11 or newer). ARGS="-k wal" is handed to pytest or to the bench.'

setup:
	@tests/setup.sh test

demo:
	@tests/setup.sh demo
	@.venv/bin/python -m tests.lab.demo $(if $(ONCE),--once)

cluster:
	@tests/setup.sh cluster
	@.venv/bin/python -m tests.cluster.play $(if $(ONCE),--once)

test: lint
	@tests/all.sh $(ARGS)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench:
	@tests/setup.sh bench
	.venv/bin/python -m tests.bench $(ARGS)
	.venv/bin/python -m tests.bench.restore
	.venv/bin/python -m tests.bench.boards

majors: setup
	tests/majors.sh $(ARGS)

image: setup
	tests/image.sh

deb:
	@tests/setup.sh deb
	deploy/debian/build.sh
	$(if $(TRY),tests/deb.sh)

kubernetes: setup
	tests/kubernetes.sh

MINUTES ?= 60
soak:
	@tests/setup.sh soak
	.venv/bin/python -m tests.soak --minutes $(MINUTES) $(ARGS)

fuzz:
	@tests/setup.sh fuzz
	.venv/bin/python -m tests.fuzz $(ARGS)

chaos:
	@tests/setup.sh chaos
	.venv/bin/python -m tests.chaos $(ARGS)

# No host of an index stands in the files: pip asks its own.
LOCK := build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make requirements'
requirements: setup
	.venv/bin/python -m pip install --quiet --upgrade --target build/uv uv
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group test --constraints requirements.txt --output-file requirements-test.txt
	$(LOCK) --group build --constraints requirements-test.txt --output-file requirements-build.txt
	$(LOCK) --group fuzz --output-file requirements-fuzz.txt

clean:
	rm -rf .venv build dist tests/dashboards/grafana/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find exporter dashboards tests -name __pycache__ -prune -exec rm -rf {} +
