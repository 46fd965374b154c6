# Every target with a "##" comment is in "make help". npm scripts run on the Node 24 that package-lock.json pins.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup check typecheck lint format-check knip rules crds-check test test-unit test-conformance \
        test-integration test-chart test-cluster test-image fuzz mutation simulate demo up hosts bench crds chart chart-check docs docs-check format build image \
        control-plane cluster-tools clean

# npm writes this file at the end of every installation, so it tells whether node_modules follows the lock.
INSTALLED := node_modules/.package-lock.json
RUN := npm run --silent

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install what package-lock.json pins, if it is not there yet

$(INSTALLED): package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

check: typecheck lint format-check knip rules crds-check chart-check docs-check ## everything that needs no test to be seen wrong

typecheck: setup ## types, at their strictest
	$(RUN) typecheck

lint: setup ## oxlint, with the rules that need types
	$(RUN) lint

format-check: setup ## prettier, without changing anything
	$(RUN) format:check

knip: setup ## unused files, exports and dependencies
	$(RUN) knip

rules: setup ## import direction, ambient time and state, doc comments
	$(RUN) rules

crds-check: setup ## crds/ is what src/api generates
	$(RUN) crds:check

chart-check: setup ## the generated parts of the chart are up to date
	$(RUN) chart:check

docs-check: setup ## the generated parts of docs/concepts.md are up to date
	$(RUN) docs:check

test: control-plane cluster-tools ## all levels; the last line is "N passed, N failed"
	@$(RUN) test

test-unit: setup ## the pure core and everything else that needs no server
	$(RUN) test:unit

test-conformance: setup ## the core against the vectors of NixFleet v0.2
	$(RUN) conformance

test-integration: control-plane ## on a real API server
	$(RUN) test:integration

test-chart: control-plane ## every switch of the chart, against a real API server
	$(RUN) test:chart

test-cluster: cluster-tools ## the chart on a real kubelet, in private namespaces; needs root, skips loudly without
	$(RUN) test:cluster

test-image: cluster-tools ## the image in containers that are paused, killed and cut off; needs root, skips loudly without
	$(RUN) test:image

fuzz: setup ## hostile HTTP, bytes, artifacts, tokens and requests, for as long as FUZZ_RUNS=… says (200 in make test)
	@FUZZ_RUNS=$${FUZZ_RUNS:-5000} $(RUN) fuzz

mutation: setup ## break every line of src/core in turn; unit tests have to notice (half an hour; FILE=… for one file)
	$(RUN) mutation -- $(if $(FILE),--mutate '$(FILE)')
	@$(RUN) mutation:survivors

simulate: setup ## the whole operator without a server; SEEDS=1-5000 or MINUTES=10 for more, ARGS for flags
	@SEEDS='$(SEEDS)' MINUTES='$(MINUTES)' $(RUN) simulate -- $(ARGS)

demo: control-plane ## a release fails on one of 8 simulated hosts, its fix takes all to Converged
	@$(RUN) demo

up: control-plane ## a local control plane and the operator, in the foreground; STATE=folder keeps it
	@STATE='$(STATE)' $(RUN) up

hosts: setup ## simulated machines for an installation on a cluster; ARGS for flags, ARGS=--help explains them
	@$(RUN) hosts -- $(ARGS)

bench: control-plane ## every figure that has a goal; PARTS='heartbeats scale 300' for some of them
	$(RUN) bench -- $(PARTS)

docs: setup ## generate the tables of docs/concepts.md from src/api
	$(RUN) docs

crds: setup ## generate crds/ from src/api
	$(RUN) crds

chart: setup ## generate the chart's copy of crds/ and the table in its README
	$(RUN) chart

format: setup ## prettier, changing files
	$(RUN) format

build: setup ## bundle the operator into dist/
	$(RUN) build

image: setup ## build the Dockerfile into dist/image.tar, with no registry
	$(RUN) image

control-plane: setup ## find etcd and kube-apiserver, or build them once per machine
	@$(RUN) control-plane

cluster-tools: control-plane ## build what test-cluster and test-image run, once per machine (about 8 minutes)
	@$(RUN) cluster-tools

clean: ## remove what is generated, but not the cache in ~/.cache/nixfleet-operator
	rm -rf node_modules dist coverage reports
