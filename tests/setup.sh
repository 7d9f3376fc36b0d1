#!/usr/bin/env bash
# Installs what a make target needs: tests/setup.sh demo|cluster|test|deb|bench|soak|fuzz|chaos
#
# Debian packages by apt-get when we are root (otherwise it says which are missing, and the command), Python packages by
# hash into .venv and node's by hash beside the tests that need them, again only when the requirements change. No service
# is started and no database cluster is created.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly purpose=${1:?say what for: demo, cluster, test, deb, bench, soak, fuzz or chaos}
readonly python=${PYTHON:-python3}
readonly services=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.d
log=$(mktemp)

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# Two calls at once would both make .venv.
exec 9<"$PWD"
flock 9

# What is missing is asked of the machine, not of dpkg: PostgreSQL and pgBackRest may come from elsewhere.

has_postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || { has pg_config && [ -x "$(pg_config --bindir)/initdb" ]; }
}

missing_packages() {
    has "$python" || echo python3
    "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "$(basename "$python")-venv"
    case $purpose in
    demo | cluster | test | soak | chaos)
        has_postgresql || echo postgresql
        has pgbackrest || echo pgbackrest
        ;;&
    cluster | test)
        has etcd || echo etcd-server
        has patroni || echo patroni
        PATH=$PATH:/usr/sbin has mkfs.ext4 || echo e2fsprogs
        ;;&
    test)
        has prometheus && has promtool || echo prometheus
        has prometheus-alertmanager && has amtool || echo prometheus-alertmanager
        has systemd-analyze || echo systemd
        has node || echo nodejs
        has npm || echo npm
        ;;
    chaos)
        has faketime || echo faketime
        ;;
    bench)
        has_postgresql || echo postgresql
        has pgbackrest || echo pgbackrest
        has prometheus && has promtool || echo prometheus
        PATH=$PATH:/usr/sbin has nginx || echo nginx-light
        ;;
    esac
}

install_packages() {
    has apt-get || die "missing: $*; install them, then try again"
    [ "$(id -u)" = 0 ] || die "missing: $*; run: sudo apt-get update && sudo apt-get install --no-install-recommends $*"
    echo "Installing $* …"
    trap forget_policies EXIT
    # Debian starts services and creates a cluster when it installs a server; the lab wants neither.
    if [ ! -e $services ]; then
        printf '#!/bin/sh\nexit 101\n' >$services
        chmod 755 $services
        own_services=1
    fi
    mkdir -p $clusters
    echo 'create_main_cluster = false' >$clusters/pgbackrest-lab.conf
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install --yes --no-install-recommends "$@"; } >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "apt-get could not install $*"; }
}

forget_policies() {
    [ -z "${own_services:-}" ] || rm -f $services
    rm -f $clusters/pgbackrest-lab.conf "$log"
    rmdir --ignore-fail-on-non-empty -p $clusters 2>/dev/null || true
}

# The stamp is the sum of all that decides what stands in .venv.
stamp() { { pwd; "$python" -VV; cat "$@"; } | sha256sum | cut -d ' ' -f 1; }

install_requirements() {
    local file=$1 mark
    mark=.venv/installed-$(stamp "$file")
    [ ! -e "$mark" ] || return 0
    echo "Installing the Python packages of $file …"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$file" >"$log" 2>&1 ||
        { rm -rf .venv; tail -n 20 "$log" >&2; die "pip could not install $file"; }
    touch "$mark"
}

make_venv() {
    local mark
    mark=.venv/made-$(stamp requirements.txt requirements-test.txt)
    if [ ! -e "$mark" ]; then
        rm -rf .venv
        "$python" -m venv .venv >"$log" 2>&1 || { cat "$log" >&2; die "$python -m venv failed"; }
        touch "$mark"
    fi
    case $purpose in
    demo) install_requirements requirements.txt ;;
    deb) install_requirements requirements-build.txt ;;
    *) install_requirements requirements-test.txt ;; # all of requirements.txt stands in it, too
    esac
    [ "$purpose" != fuzz ] || install_requirements requirements-fuzz.txt
}

# Grafana's packages, for the tests of the boards; the stamp stands beside them, so that it goes with them.
install_node_packages() {
    local folder=tests/dashboards/grafana mark
    mark=$folder/node_modules/installed-$(cat $folder/package-lock.json $folder/.npmrc | sha256sum | cut -d ' ' -f 1)
    [ ! -e "$mark" ] || return 0
    echo "Installing the node packages of $folder/package-lock.json …"
    (cd $folder && npm ci --loglevel=error) >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "npm could not install them"; }
    touch "$mark"
}

trap 'rm -f "$log"' EXIT
[ "$python" = python3 ] || has "$python" || die "PYTHON=$python: there is no such program"
mapfile -t missing < <(missing_packages)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or newer is needed, $python is $("$python" -V | cut -d ' ' -f 2); name another: make $purpose PYTHON=/path/to/python3.12"
make_venv
case $purpose in
test) install_node_packages ;;
esac
