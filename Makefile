# make quickstart    install, train on the sample inside the package, report the test errors
# make compare       three architectures and two baselines side by side, on the same sample
# make test          lint, types and all tests
# make slow          tests that take minutes
# make docs          README.md, docs/ and notebooks/ as a site: build/site/index.html
# make pictures      the quick study again: its page in docs/, its picture in the README; needs Chromium
# make notebooks     execute the notebooks, and save what they print and draw
# make slurm         jobs on a SLURM of one machine; as root, who installs it where it is missing
PYTHON ?= python3.11
VENV := .venv
RUN := runs/quickstart/$(shell date +%Y-%m-%d_%H-%M-%S)
INSTALLED := $(VENV)/installed
# some containers forbid it, and each command would compile all that it imports again, for ten seconds
unexport PYTHONDONTWRITEBYTECODE

.PHONY: quickstart compare test slow notebooks docs pictures slurm install clean

quickstart: $(INSTALLED)
	$(VENV)/bin/python -m potbench fit --config configs/quickstart.yaml --run_dir $(RUN)
	$(VENV)/bin/python -m potbench test $(RUN)

compare: $(INSTALLED)
	$(VENV)/bin/python -m potbench compare configs/studies/quick.yaml

test: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

slow: $(INSTALLED)
	$(VENV)/bin/python -m pytest -m slow

docs: $(VENV)/docs_installed
	$(VENV)/bin/python -m sphinx -q --fail-on-warning --keep-going -c docs . build/site

pictures: compare
	$(VENV)/bin/python -m docs.quick_report runs/studies/quick/report/report.html

notebooks: $(VENV)/notebooks_installed
	$(VENV)/bin/python notebooks/execute.py

slurm: $(INSTALLED)
	$(VENV)/bin/python -m pytest -m slurm

install: $(INSTALLED)

# only a change of what is required installs anew; Python compiles what is imported, which is a part of it
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --no-compile -c constraints.txt -e ".[dev]"
	touch $(INSTALLED)

$(VENV)/docs_installed: $(INSTALLED)
	$(VENV)/bin/python -m pip install --no-compile -c constraints.txt -e ".[docs]"
	touch $(VENV)/docs_installed

$(VENV)/notebooks_installed: $(INSTALLED)
	$(VENV)/bin/python -m pip install --no-compile -c constraints.txt -e ".[notebooks]"
	touch $(VENV)/notebooks_installed

clean:
	rm -rf $(VENV) build/site docs/api
