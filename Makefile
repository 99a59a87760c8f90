# The verbs of this repository. Everything runs with Go alone; what needs PostgreSQL, Chromium or node
# says in one line that it was skipped, unless REQUIRE_ALL=1.
export CGO_ENABLED = 0
TAGS = nodynamic

.PHONY: run demo build test lint bench e2e generate fuzz

build: ; go build -tags $(TAGS) -trimpath -ldflags="-s -w" -o bin/rochdale ./cmd/rochdale
run:   ; go run -tags $(TAGS) ./cmd/rochdale serve
demo:  ; go run -tags $(TAGS) ./cmd/rochdale demo
test:  ; go test -tags $(TAGS) ./...
e2e:   build ; go test -tags "$(TAGS) e2e" -count=1 -timeout 15m ./e2e/...
bench: build ; go run -tags $(TAGS) ./bench
lint:
	@test -z "$$(gofmt -l cmd internal e2e bench)" || { gofmt -l cmd internal e2e bench; echo "run gofmt -w on these"; exit 1; }
	go vet -tags $(TAGS) ./...
	go vet -tags "$(TAGS) e2e" ./e2e/...
	@if command -v golangci-lint >/dev/null; then golangci-lint run --build-tags $(TAGS) ./...; \
	elif [ -n "$$REQUIRE_LINT" ]; then go tool -modfile=tools/go.mod golangci-lint run --build-tags $(TAGS) ./...; \
	else echo "lint: golangci-lint is not installed; gofmt and go vet have run"; fi
generate:
	go tool -modfile=tools/go.mod templ generate -path internal
	go generate ./internal/kit/...
	for page in cli config schema api; do go run -tags $(TAGS) ./cmd/rochdale docs $$page > docs/$$page.md || exit 1; done
fuzz:
	@for t in $$(grep -rlE '^func Fuzz' --include=*_test.go internal | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z]+' $$t/*_test.go | sed 's/func //'); do \
	    echo "$$t $$f"; go test -tags $(TAGS) -run '^$$' -fuzz "^$$f$$" -fuzztime 20s ./$$t || exit 1; done; done
