# build, test and look after recon. `make test` is what CI runs.

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GREMLINS := github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
NFPM     := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.44.1
SBOM     := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOFUMPT  := mvdan.cc/gofumpt@v0.9.2
BIN      := $(CURDIR)/bin
FUZZTIME ?= 10m
SEEDS    ?= 1000
LEFTOVERS := $(if $(filter Linux,$(shell uname)),go run ./.ci/leftovers)

.PHONY: build test lint fmt bench fuzz golden mutants stats chaos accuracy docs deps fresh clean

build: ## bin/recon
	CGO_ENABLED=0 go build -trimpath -o $(BIN)/recon ./cmd/recon

.PHONY: packages
packages: $(BIN)/nfpm $(BIN)/cyclonedx-gomod ## .deb, archives, SBOMs and sums in bin/packages; tried, and built a second time
	.ci/packages
	go test ./cmd/recon -run '^TestPackage' -v -count=1 -timeout 30m -package $(BIN)/packages

$(BIN)/nfpm:
	GOBIN=$(BIN) go install $(NFPM)

$(BIN)/cyclonedx-gomod:
	GOBIN=$(BIN) go install $(SBOM)

deps: ## what the tests use beside Go, where it can be installed
	@.ci/deps

test: deps ## every test, with the race detector; none may leave anything behind
	PATH="$(BIN):$$PATH" $(LEFTOVERS) go test -race -p 3 -parallel 8 -timeout 30m ./... ./.ci/leftovers ./.ci/stats

fresh: ## both commands of the README, on a machine that has make, git, gcc and Go alone
	@.ci/fresh

lint: $(BIN)/golangci-lint ## the linters
	$(BIN)/golangci-lint run ./...

$(BIN)/golangci-lint:
	GOBIN=$(BIN) go install $(GOLANGCI)

fmt: $(BIN)/golangci-lint ## lay the code out
	$(BIN)/golangci-lint fmt ./...

bench: ## figures, each beside its bound
	go test -run '^$$' -bench . -benchmem -benchtime 3x ./...

fuzz: ## every fuzz target for FUZZTIME
	@.ci/fuzz $(FUZZTIME)

chaos: ## kill one recon, one of two, or the daemon that works, SEEDS times; import 200 generated worlds; every row 1,000 times
	go test -run 'TestChaos|TestTwoOnOneLedger|TestTwoDaemons|TestKilledDaemon|TestImportThenPlanIsEmpty|TestEveryRow' -timeout 8h ./cmd/recon -chaos.seeds $(SEEDS) -shared.seeds $(SEEDS) -daemon.kills $(SEEDS) -quiet.seeds 200 -rapid.checks 1000

.PHONY: attack
attack: ## hostile input in its long form
	go test ./reconcile -run '^TestMutatedPlans$$' -v -timeout 1h -plan.mutants 10000
	go test ./inventory/factcheck -run 'TestFix|TestMetamorphic' -v -timeout 1h -facts.trees 1000
	go test ./providers/docker -run '^TestSwapRaces$$' -v -timeout 1h -swap.races 200
	go test ./cmd/recon -run '^(TestHostileSources|TestObeys)$$' -v -timeout 1h -hostile.long

accuracy: ## how much of what a person asks the written files answer, and how rightly
	RECON_ACCURACY=full go test ./cmd/recon/internal/runs -run '^TestAccuracy' -v -count=1 -timeout 20m

mutants: $(BIN)/gremlins ## change the program in small ways and count what the tests notice; PKG=reconcile for one package
	go run ./.ci/mutants $(BIN)/gremlins $(PKG)

$(BIN)/gremlins:
	GOBIN=$(BIN) go install $(GREMLINS)

golden: ## write the golden files anew; look at the diff before you commit it
	go test ./inventory ./cmd/recon -update

docs: golden ## the generated reference pages are golden files

stats: ## what keeps the code livable, in figures; a report, not a gate
	@go run ./.ci/stats

clean:
	rm -rf $(BIN)
