# Every verb makes the environment it needs under .envs/; PYTHON and PIP may be overridden.
PYTHON ?= python3
DEV := .envs/dev/bin/python
DEMO := .envs/demo/bin/python
DOCS := .envs/docs/bin/python
BENCH := .envs/bench/bin/python

.PHONY: demo test test-system test-slow coverage lint format docs bench clean

demo: .envs/demo/ready
	$(DEMO) examples/credit_risk/demo.py

# Two at a time: most of the tests wait for processes that they have started.
test: .envs/dev/ready
	$(DEV) -m pytest -n 2 --dist loadfile

test-system: .envs/dev/ready
	$(DEV) -m pytest -m system

test-slow: .envs/dev/ready
	$(DEV) -m pytest -m slow --timeout=1800

coverage: .envs/dev/ready
	$(DEV) -m coverage erase
	$(DEV) -m coverage run -m pytest
	$(DEV) -m coverage combine -q
	$(DEV) -m coverage report

lint: .envs/dev/ready
	$(DEV) -m ruff check .
	$(DEV) -m ruff format --check .
	$(DEV) -m mypy

format: .envs/dev/ready
	$(DEV) -m ruff check --fix .
	$(DEV) -m ruff format .

docs: .envs/docs/ready
	$(DOCS) -m sphinx -W --keep-going -b html docs docs/_build/html
	$(DOCS) -m sphinx -W --keep-going -b doctest docs docs/_build/doctest

bench: .envs/bench/ready .envs/bentoml/ready
	$(BENCH) -m benchmarks

clean:
	rm -rf .envs docs/_build

.envs/dev/ready: EXTRA := test,lint
.envs/demo/ready: EXTRA := examples
.envs/docs/ready: EXTRA := docs
.envs/bench/ready: EXTRA := bench
.envs/%/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "minibento needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .envs/$*
	.envs/$*/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRA)]'
	@touch $@
# A peer of the benchmarks, whose requirements do not go together with ours.
.envs/bentoml/ready: benchmarks/bento/requirements.txt
	$(PYTHON) -m venv .envs/bentoml
	.envs/bentoml/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
