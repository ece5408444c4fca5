# Needed: Go, git and make. The tools below are installed into bin/tools when first used.

MODULES  := $(patsubst %/go.mod,%,$(wildcard pkg/go.mod services/*/go.mod test/go.mod test/*/go.mod))
PACKAGES := $(MODULES:%=./%/...)
COMMANDS := $(addprefix ./,$(wildcard services/*/cmd/*))
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Pinned; the version is part of the path, so a new one is installed by itself.
GOLANGCI_LINT := bin/tools/golangci-lint/v2.15.0/golangci-lint
GOTESTSUM     := bin/tools/gotestsum/v1.13.0/gotestsum
GOVULNCHECK   := bin/tools/govulncheck/v1.8.0/govulncheck

# All but the tests share one set of flags, and so one build cache.
STATIC   := CGO_ENABLED=0 GOFLAGS="$$(go env GOFLAGS) -trimpath"
GO_BUILD := $(STATIC) go build -ldflags '-X github.com/gatehouse-id/gatehouse/pkg/app.version=$(VERSION)' -o bin/

# The race detector needs a C compiler; Go turns cgo off where there is none.
RACE      = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race $(TRANSLATED))
# SQLite is C translated to Go. To watch each of its memory accesses, and its pointer
# arithmetic, takes longer than all the rest; what calls it is watched as ever.
TRANSLATED := $(foreach p,modernc.org/sqlite/lib modernc.org/libc,'-gcflags=$(p)=-race=false -d=checkptr=0')
# Tests that start programs or a browser, or read files. The race detector would slow
# them down for little: what of ours runs in their process, the others have watched.
WATCHED   := $(filter-out ./test/%,$(PACKAGES)) $(addprefix ./test/,$(addsuffix /...,contract flow internal property))
UNWATCHED := $(filter-out $(WATCHED),$(shell find test -name node_modules -prune -o -name '*_test.go' -print | cut -d / -f 2 | sort -u | sed 's|.*|./test/&/...|'))
TESTFLAGS ?=
# How many inputs each target gets. A time such as 30s is taken too, but when it is
# over Go now and then calls the input under way a failure ("context deadline exceeded").
FUZZTIME  ?= 50000x
# Empty: random changes, which no coverage guides, by programs that need not be
# compiled anew for it.
GUIDED    ?= -fuzz=.

.DEFAULT_GOAL := help
.PHONY: help build images e2e rules run test test-events test-nowork lint fmt generate verify bench drills fuzz vuln tidy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build every service, and all of them in one as bin/gatehouse
	$(GO_BUILD) $(COMMANDS)

run: ## build bin/gatehouse and start it for development
	$(GO_BUILD) ./services/standalone/cmd/gatehouse
	exec bin/gatehouse serve --dev

test: $(GOTESTSUM) ## run the tests of all modules; skipped ones are listed at the end
	@[ -n "$(RACE)" ] || echo "Without the race detector: it needs a C compiler."
	@command -v consul >/dev/null || echo "Without a real Consul: none on PATH, a test double stands in."
	@$(GOTESTSUM) --format=pkgname-and-test-fails --format-hide-empty-pkg --raw-command -- $(MAKE) --no-print-directory -s test-events

test-events:
	go test -json $(RACE) -timeout=20m $(TESTFLAGS) $(WATCHED); watched=$$?; \
	$(STATIC) go test -json -timeout=20m $(TESTFLAGS) $(UNWATCHED) && exit $$watched

e2e: ## run the main job against a deployment that runs already; docs/compose.md says how
	GATEHOUSE_E2E_URL=$${GATEHOUSE_E2E_URL:-http://localhost:8080} GATEHOUSE_E2E_MAILPIT=$${GATEHOUSE_E2E_MAILPIT:-http://localhost:8025} \
	GATEHOUSE_E2E_COMMAND="$${GATEHOUSE_E2E_COMMAND:-docker compose run --rm --no-TTY --no-deps cli}" \
		go test -count=1 -v -run '^(TestMainJob|TestJourney)$$' $(TESTFLAGS) ./test/flow

images: ## build the container images, with the version of the checkout
	@for t in gateway accounts sessions mail oauth; do \
		docker build --target service --build-arg PROGRAM=$$t --build-arg VERSION=$(VERSION) -t gatehouse/$$t:$(VERSION) . || exit 1; done
	docker build --target gatehouse --build-arg VERSION=$(VERSION) -t gatehouse/gatehouse:$(VERSION) .

rules: ## test the alert rules; needs promtool, which comes with Prometheus
	promtool check rules deploy/prometheus/rules/*.yml
	promtool test rules deploy/prometheus/tests/*_test.yml

test-nowork: ## build and vet each module by itself, as its importers see it
	@for m in $(MODULES); do echo "$$m"; (cd $$m && export GOWORK=off $(STATIC) && go build -o /dev/null ./... && go vet ./...) || exit 1; done

lint: $(GOLANGCI_LINT) ## run golangci-lint
	$(STATIC) $(GOLANGCI_LINT) run $(PACKAGES)

fmt: $(GOLANGCI_LINT) ## format the code
	$(GOLANGCI_LINT) fmt $(PACKAGES)

generate: ## write what is generated: go generate in every module
	@for m in $(MODULES); do $(STATIC) go -C $$m generate ./... || exit 1; done

verify: ## check formatting, vet, go.mod files, and that generated files are up to date
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	$(STATIC) go vet $(PACKAGES)
	@for m in $(MODULES); do go -C $$m mod tidy -diff || exit 1; done
	@tree() { git status --porcelain; git diff; }; before=$$(tree); $(MAKE) --no-print-directory generate && \
		[ "$$before" = "$$(tree)" ] || { echo "generated files are out of date; run make generate"; git status --short; exit 1; }

bench: ## run the benchmarks
	go test -run='^$$' -bench=. -benchmem $(PACKAGES)

drills: ## drill bad days of a cluster with outages of full length, and print a table; takes half an hour
	$(STATIC) go test ./test/cluster -count=1 -v -timeout=2h -drill.full $(TESTFLAGS)

fuzz: ## run every fuzz target for FUZZTIME (50000x: so many inputs)
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
	grep -rlE '^func Fuzz\w+' --include='*_test.go' $(MODULES) | xargs -n 1 dirname | sort -u | while read -r package; do \
		$(STATIC) go test -c $(GUIDED) -o "$$dir/fuzz.test" "./$$package" && cd "$$package" || exit 1; \
		cache=$$(go env GOCACHE)/fuzz/$$(go list) || exit 1; \
		for target in $$(grep -hoE '^func Fuzz\w+' *_test.go | cut -d ' ' -f 2); do echo "$$package $$target"; \
			"$$dir/fuzz.test" -test.run='^$$' -test.fuzz="^$$target\$$" -test.fuzztime=$(FUZZTIME) \
				-test.fuzzcachedir="$$cache" </dev/null || exit 1; done; \
		cd "$$OLDPWD"; done

vuln: $(GOVULNCHECK) ## look for known vulnerabilities in what is used
	@for m in $(MODULES); do \
		out=$$($(GOVULNCHECK) -C $$m ./... 2>&1); code=$$?; echo "$$m: $$out"; \
		case "$$code $$out" in "0 "*) ;; \
			"1 "*"fetching vulnerabilities"*) echo "The vulnerability database is not reachable: nothing was checked."; exit 0 ;; \
			*) exit $$code ;; esac; done

tidy: ## tidy the go.mod files
	@for m in $(MODULES); do go -C $$m mod tidy || exit 1; done

clean: ## remove what was built
	rm -rf bin

$(GOLANGCI_LINT): ; GOBIN=$(abspath $(@D)) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(notdir $(@D))
$(GOTESTSUM):     ; GOBIN=$(abspath $(@D)) go install gotest.tools/gotestsum@$(notdir $(@D))
$(GOVULNCHECK):   ; GOBIN=$(abspath $(@D)) go install golang.org/x/vuln/cmd/govulncheck@$(notdir $(@D))
