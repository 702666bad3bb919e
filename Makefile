# What can be done here: `make help`. Needs Go, git and make; script/need gets the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 60

# One static binary, the same wherever it is built. (`make check` turns cgo on for the race detector alone.)
export CGO_ENABLED := 0

.PHONY: help build demo test check bench fuzz soak style screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/baton
	@script/need go
	go build -trimpath -buildvcs=false -ldflags '-s -w -X baton/internal/cli.Version=$(VERSION)' -o bin/baton ./cmd/baton

demo: build ## build, live through a made-up company, and serve its pages (without a terminal: only show what came of it)
	@if [ -t 1 ]; then bin/baton demo --serve; else bin/baton demo; fi

# What the tests of `make test` and `make check` use.
tests_need := go postgresql node chromium curl

test: ## run all tests, and each fuzz target briefly
	@script/need $(tests_need)
	script/test

check: ## run what a change must pass: format, vet, lint, vulnerabilities, generated files, modules, races
	@script/need $(tests_need) compiler
	script/check

bench: ## measure the promised figures, and fail if one misses its bound
	@script/need go postgresql
	script/bench

fuzz: ## run each fuzz target for FUZZTIME seconds (60)
	@script/need go
	script/fuzz $(FUZZTIME)

soak: ## run the tests for long: servers killed often, many clients, each fuzz target for a minute
	@script/need $(tests_need)
	script/soak

style: ## make the style sheet, fonts, icons and scripts of the pages anew, and the Go of their templates
	@script/need go node
	cd internal/web/style && npm ci --ignore-scripts --no-audit --no-fund && npm run --silent build
	go generate ./internal/web

# Where the pictures go, of which pages, and whether of the whole page or of what a window shows: make screenshots SHOTS=dir
# PAGES="my-leads queue" (commas do as well) WHOLE=1
SHOTS ?= .cache/shots
PAGES ?=
WHOLE ?=

screenshots: ## take a picture of every page, light and dark, wide and narrow, into SHOTS (.cache/shots)
	@script/need go chromium
	@mkdir -p '$(SHOTS)'
	BATON_SHOTS='$(abspath $(SHOTS))' BATON_PAGES='$(PAGES)' BATON_WHOLE='$(WHOLE)' go test -count 1 -timeout 20m ./internal/app -run '^TestScreenshots$$'

clean: ## remove what the other targets made
	rm -rf bin .cache
