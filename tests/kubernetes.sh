#!/usr/bin/env bash
# Tries the chart with Helm itself, and what is for the Prometheus Operator against the operator's own definitions.
#
# It needs Go: both are fetched as Go modules, Helm is built once (minutes) and kept in ${XDG_CACHE_HOME:-~/.cache}.
# UPDATE=1 writes tests/kubernetes/rendered anew, which make test compares with deploy/kubernetes where there is no Go.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly helm=helm.sh/helm/v3@v3.20.2 operator=github.com/prometheus-operator/prometheus-operator@v0.85.0
readonly tools=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pgbackrest-exporter/helm-${helm##*@}

command -v go >/dev/null || { echo "tests/kubernetes.sh: Go is missing: apt-get install golang, or see go.dev" >&2; exit 1; }
if [ ! -x "$tools/helm" ]; then
    echo "Building ${helm%@*} ${helm##*@} …"
    GOBIN=$tools go install "${helm%@*}/cmd/helm@${helm##*@}"
fi
# Outside of any module of Go, hence from /.
PROMETHEUS_OPERATOR=$(cd / && go mod download -json "$operator" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
export PROMETHEUS_OPERATOR PATH=$tools:$PATH
[ -z "${UPDATE:-}" ] || .venv/bin/python -m tests.kubernetes.render
.venv/bin/python -m pytest tests/helm tests/kubernetes
