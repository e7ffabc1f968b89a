# make run     sets up what is missing, starts what is needed; makes, measures, publishes and loads a specialist
#              SPEC=legal/clause for another one, BUDGET=full for a long build
# make test    sets up what is missing and passes every test
# make site    writes the pages over the family: figures, versions, reviews waiting; FOLDER=... for another place
SPEC ?= support/intent
BUDGET ?= quick
# Python 3.11 that the environments are made from.
PYTHON ?= python3
export PYTHON
# Compiled modules are kept: installing does not compile, the first import does, and what never is imported never is.
unexport PYTHONDONTWRITEBYTECODE

APP := .envs/app/bin/python
TEACHER := .envs/teacher/bin/python
TEACHER_LOCK := $(if $(shell command -v nvidia-smi),teacher-gpu,teacher)
# A file's tests stay together: they share fixtures that are dear. In order: the longest are single tests in their files,
# which would come last, one alone at the end.
WORKERS := --numprocesses=2 --dist=loadfile --no-loadscope-reorder
MAKEFLAGS += --jobs=4 --no-print-directory

.PHONY: run test site setup peers weights up down status bench soak lock clean

run: setup weights
	@$(APP) -m flows.build $(SPEC) --budget $(BUDGET) || { code=$$?; [ $$code -eq 4 ] || exit $$code; }  # 4: it waits

test: setup
	@echo "Style and types (about 1 minute)"
	@$(APP) -m ruff check .
	@$(APP) -m ruff format --check .
	@$(APP) -m mypy
	@echo "Tests, the fast ones first"
	@$(APP) -m pytest $(WORKERS) -m "not real"
	@echo "Tests on real servers: vLLM, Argilla, Prefect, the hub, a browser"
	@$(APP) -m pytest $(WORKERS) -m real --durations=10

site: .envs/app/.stamp
	@$(APP) -m factory site $(FOLDER)

# Each environment is made from its lock, again when the lock has changed. All at once, and the weights meanwhile.
setup: .envs/app/.stamp .envs/argilla/.stamp .envs/teacher/.stamp
.envs/app/.stamp: requirements/app.lock
	@requirements/install.sh app app
.envs/argilla/.stamp: requirements/argilla.lock
	@requirements/install.sh argilla argilla
.envs/teacher/.stamp: requirements/$(TEACHER_LOCK).lock
	@requirements/install.sh teacher $(TEACHER_LOCK)

# What students are measured beside, by benchmarks/opponents.py alone: 1.3 GB that nothing else needs.
peers: .envs/peers/.stamp
.envs/peers/.stamp: requirements/peers.lock
	@requirements/install.sh peers peers

weights: .envs/teacher/.stamp
	@$(TEACHER) -m flows.weights $(SPEC)

up down status: .envs/app/.stamp .envs/argilla/.stamp
	@$(APP) -m factory.services all $@

bench: setup peers
	@set -e; for file in benchmarks/*.py; do echo "$$file"; PYTHONPATH=. $(APP) $$file; done

soak: setup
	@$(APP) -m pytest -s tests/stages/soak.py
	@$(APP) -m pytest -s tests/flows/soak.py
	@$(APP) -m pytest -s tests/flows/year.py
	@$(APP) -m pytest -s tests/flows/nine.py
	@$(APP) -m pytest -s tests/review/soak.py
	@$(APP) -m pytest -s tests/services/soak.py
	@FACTORY_SOAK=1 $(APP) -m pytest tests/stages/test_stages_killed.py tests/stages/test_stages_trouble.py \
	    tests/zoo/test_zoo_serve_described.py

lock:
	@requirements/lock.sh

# What was paid for (.factory: replies, answers of reviewers, models) stays.
clean:
	@[ ! -x $(APP) ] || $(APP) -m factory.services all down
	rm -rf .envs .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
