#!/usr/bin/env bash
# Builds both images as the Dockerfile says and proves them: the exporter's is scraped from outside, under any uid, on a
# read-only root; that for restore tests restores a stanza. What they are made of is printed (build/*.cdx.json: all of it).
#
# It needs neither a registry nor a container engine: debootstrap makes the base that the Dockerfile names, from the
# mirror that this machine's apt uses, and keeps it in ${XDG_CACHE_HOME:-~/.cache}/pgbackrest-exporter (BASE_MAX_AGE=7
# days); buildah builds. Root and apt are needed. KEEP=1 leaves them in a folder and says where.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly image=localhost/pgbackrest-exporter
volumes=
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
readonly base
exporter=
. tests/base.sh

cleanup() {
    local status=$?
    # PID 1 of the container takes all of it along.
    [ -z "$exporter" ] || { kill -KILL "$(cat "$work/pid")" && wait "$exporter"; } 2>/dev/null || true
    if [ -n "${work:-}" ] && [ -z "${KEEP:-}" ]; then
        rm -rf --one-file-system "$work" || true
    elif [ -n "${work:-}" ]; then
        echo "kept: buildah --storage-driver vfs --root $work/root --runroot $work/run images"
    fi
    exit "$status"
}

# What the build needs of this machine: the way to its package index.

# The build reaches the package index as this machine's pip does; as secrets, so that no layer keeps a trace of it.
pip_secrets() {
    local key name value ca=
    echo "[global]" >"$work/pip.conf"
    for key in index-url extra-index-url trusted-host proxy default-timeout cert; do
        name=PIP_$(tr a-z- A-Z_ <<<"$key")
        value=${!name:-$(python3 -m pip config get "global.$key" 2>/dev/null || true)}
        if [ "$key" = cert ]; then ca=$value; elif [ -n "$value" ]; then echo "$key = $value" >>"$work/pip.conf"; fi
    done
    ca=${ca:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
    if [ -r "$ca" ]; then
        echo "cert = /run/secrets/ca.crt" >>"$work/pip.conf"
        secrets+=(--secret "id=ca.crt,src=$ca")
    fi
    secrets+=(--secret "id=pip.conf,src=$work/pip.conf")
}

# Building.

builder() { buildah --storage-driver vfs --root "$work/root" --runroot "$work/run" "$@"; }

build() {
    local container
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
    say "importing the base as $base"
    container=$(builder from --signature-policy "$work/policy.json" scratch)
    builder add --quiet "$container" "$tarball" / >/dev/null
    builder commit --quiet --rm --signature-policy "$work/policy.json" --format docker "$container" "$base" >/dev/null
    make_image exporter -f Dockerfile
    # Of the first, which is there already: a stage that is built twice costs a minute.
    sed -n "s|^FROM exporter AS restore-test|FROM $image:exporter|; /^FROM .*:exporter/,/^FROM exporter\$/{/^FROM exporter\$/d; p}" Dockerfile \
        >"$work/Dockerfile"
    make_image restore-test -f "$work/Dockerfile"
}

make_image() {
    local name=$1
    shift
    say "building $name"
    # The second Dockerfile has no such target: it is one.
    [ "$name" != exporter ] || set -- "$@" --target exporter
    builder build --isolation chroot --network host --pull=never --format docker --signature-policy "$work/policy.json" \
        "${secrets[@]}" --tag "$image:$name" "$@" . >"$work/build.log" 2>&1 ||
        { tail -40 "$work/build.log" >&2; die "the build of $name failed"; }
}

# enter IMAGE: what follows is about this one.
enter() {
    local container name=$1
    chosen=$image:$name
    container=$(builder from --signature-policy "$work/policy.json" --pull=never "$chosen")
    rootfs=$(builder mount "$container")
    mapfile -t environment < <(config '{{range .Docker.Config.Env}}{{println .}}{{end}}' | grep .)
    mapfile -t entrypoint < <(config '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' | grep .)
    mapfile -t healthcheck < <(config '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | grep .)
    builder push --quiet --signature-policy "$work/policy.json" "$chosen" "oci:$work/oci-$name" >/dev/null
    local compressed
    compressed=$(du -sm "$work/oci-$name" | cut -f1)
    [ "$compressed" -le 150 ] || die "$name is $compressed MB compressed, of 150"
    ok "$name: $compressed MB compressed, $(du -sm "$rootfs" | cut -f1) MB unpacked ($(du -sm "$rootfs/opt" | cut -f1) MB of it the exporter)"
    mkdir -p build
    .venv/bin/python -m tests.bom "$rootfs" "build/$name.cdx.json" || die "no list of what $name is made of"
}

config() { builder inspect --type image --format "$1" "$chosen"; }

# Running: what an engine does with --read-only --user UID and two volumes, by hand: own mounts and processes, PID 1 is
# the entry point, no capability can be gained, and of this machine's environment nothing is seen.

contained() {
    local uid=$1
    shift
    unshare --mount --pid --fork --kill-child=KILL sh -euc '
        root=$1 uid=$2 work=$3 pidfile=$4 writable=$5 volumes=$6
        shift 6
        read -r pid _ </proc/self/stat && echo "$pid" >"$pidfile"
        mount --bind "$root" "$root"
        mount --bind -o ro "$work/config" "$root/etc/pgbackrest"
        mount --bind "$work/repository" "$root/repository"
        [ -n "$writable" ] || mount -o remount,bind,ro "$root/repository"
        for each in $volumes; do mount --bind "$work/$each" "$root/$each"; done
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount -t tmpfs -o mode=1777,size=64m shm "$root/dev/shm"
        mount -o remount,bind,ro "$root"
        exec setpriv --no-new-privs chroot --userspec="$uid:$uid" --groups= "$root" /usr/bin/env -i "$@"
    ' sh "$rootfs" "$uid" "$work" "${pidfile:-/dev/null}" "${writable:-}" "${volumes:-}" "${environment[@]}" "$@"
}

prepare_volumes() {
    mkdir -p "$work/config" "$work/repository" "$rootfs/etc/pgbackrest" "$rootfs/repository"
    printf '[global]\nrepo1-path=/repository\n\n[main]\npg1-path=/nowhere\n' >"$work/config/pgbackrest.conf"
    chmod 755 "$work" "$work/config" "$work/repository"
}

start() {
    port=$(free_port)
    rm -f "$work/pid"
    pidfile=$work/pid contained "$1" "${entrypoint[@]}" "--web.listen-address=127.0.0.1:$port" >"$work/exporter.log" 2>&1 &
    exporter=$!
    for _ in $(seq 100); do
        get /-/ready >/dev/null 2>&1 && return
        kill -0 "$exporter" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/exporter.log" >&2
    die "the exporter in the image did not become ready"
}

stop() {
    local status=0
    kill -TERM "$(cat "$work/pid")"
    wait "$exporter" || status=$?
    exporter=
    [ "$status" = 0 ] || { cat "$work/exporter.log" >&2; die "SIGTERM ended the exporter with $status instead of 0"; }
}

# Proving.

prove_contents() {
    local user version tool left
    user=$(config '{{.Docker.Config.User}}')
    [[ $user =~ ^[1-9][0-9]*:[1-9][0-9]*$ ]] || die "USER $user: must be numeric and not root, else runAsNonRoot refuses it"
    uid=${user%%:*}
    [ "$(contained "$uid" id -u)" = "$uid" ] || die "the container's uid is not $uid"
    ok "runs as uid $uid"
    [ "$(config '{{range $port, $_ := .Docker.Config.ExposedPorts}}{{$port}}{{end}}')" = 9854/tcp ] || die "EXPOSE is not 9854"
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' exporter/__init__.py)
    [ "$(config '{{index .Docker.Config.Labels "org.opencontainers.image.version"}}')" = "$version" ] ||
        die "the version label is not $version"
    ok "port and version label"
    contained "$uid" pgbackrest version >"$work/version" || die "pgbackrest does not run in the image"
    ok "$(cat "$work/version")"
    contained "$uid" pgbackrest-exporter --version >"$work/version" 2>&1 && grep -qF "$version" "$work/version" ||
        die "--version says: $(cat "$work/version")"
    ok "$(head -1 "$work/version")"
    for tool in pip pip3 cc gcc make; do
        ! contained "$uid" sh -c "command -v $tool" >/dev/null || die "$tool is in the image"
    done
    ! contained "$uid" python3 -m pip --version >/dev/null 2>&1 || die "pip is in the image"
    left=$(cd "$rootfs" && find root home tmp run/secrets var/cache/apt var/lib/apt/lists etc/pip.conf etc/pgbackrest.conf src \
        -type f -size +0 ! -name '.bashrc' ! -name '.profile' 2>/dev/null || true)
    [ -z "$left" ] || die "left over in the image: $left"
    left=$(find "$rootfs" -xdev -type f -perm /6000 -path "*/opt/*")
    [ -z "$left" ] || die "setuid files: $left"
    ok "no pip, compiler, cache or secret left over"
}

prove_service() {
    start "$1"
    local first
    first=$(tr '\0' ' ' <"/proc/$(cat "$work/pid")/cmdline")
    [[ $first == *tini* ]] || die "PID 1 is not tini but $first"
    get /-/healthy >/dev/null || die "/-/healthy does not answer"
    get /metrics >"$work/scrape" || die "/metrics does not answer"
    sed 's/ \([01]\)\.0$/ \1/' "$work/scrape" >"$work/metrics"
    for line in 'pgbackrest_exporter_collector_success{collector="info",stanza=""} 1' 'pgbackrest_stanza_ok{stanza="main"} 0'; do
        grep -qxF "$line" "$work/metrics" ||
            { cat "$work/metrics" "$work/exporter.log" >&2; die "/metrics has no line: $line"; }
    done
    [ "${healthcheck[0]}" = CMD ] || die "there is no health check: ${healthcheck[*]}"
    contained "$1" "${healthcheck[@]:1:2}" "${healthcheck[3]//9854/$port}" || die "the health check finds a healthy exporter ill"
    stop
    ! contained "$1" "${healthcheck[@]:1:2}" "${healthcheck[3]//9854/$port}" 2>/dev/null ||
        die "the health check finds a stopped exporter healthy"
    ok "uid $1, read-only root, no HOME: scraped ($(wc -l <"$work/metrics") lines), health check, SIGTERM ends it with 0"
}

# A small stanza, made with the programs that are in the image, and then a test of it as a CronJob runs it: the repository
# cannot be written, nor can anything but the three volumes.
prove_restore() {
    volumes='scratch tmp var/lib/pgbackrest-exporter'
    for each in $volumes; do
        mkdir -p "$work/$each" "$rootfs/$each"
        chown "$uid:$uid" "$work/$each"
    done
    chown "$uid:$uid" "$work/repository"
    printf '%s\n' '[global]' repo1-path=/repository lock-path=/tmp/pgbackrest log-level-file=off start-fast=y \
        '[main]' pg1-path=/scratch/pg pg1-socket-path=/scratch pg1-user=postgres >"$work/config/pgbackrest.conf"
    # In a cluster they are volumes of their own, here they are folders of one disk.
    echo 'restore_tests: {allow_repository_filesystem: true}' >"$work/config/exporter.yml"
    writable=1 contained "$uid" sh -euc '
        PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
        initdb --pgdata=/scratch/pg --username=postgres --data-checksums --locale=en_US.UTF-8 --encoding=UTF8
        printf "%s\n" archive_mode=on "archive_command='"'pgbackrest --stanza=main archive-push %p'"'" \
            "listen_addresses='"''"'" "unix_socket_directories='"'/scratch'"'" >>/scratch/pg/postgresql.conf
        pg_ctl --pgdata=/scratch/pg --wait --log=/scratch/log start
        pgbackrest --stanza=main stanza-create
        psql --host=/scratch --username=postgres --dbname=postgres --command="create table t as select generate_series(1, 1000) as n"
        pgbackrest --stanza=main --type=full backup
        pg_ctl --pgdata=/scratch/pg --wait stop
        rm -r /scratch/pg
    ' >"$work/stanza.log" 2>&1 || { cat "$work/stanza.log" >&2; die "no stanza can be made with the image's programs"; }
    contained "$uid" "${entrypoint[@]}" restore-test --config.file=/etc/pgbackrest/exporter.yml \
        --stanza=main --to=/scratch/test >"$work/restore.log" 2>&1 ||
        { cat "$work/restore.log" >&2; die "the restore test does not prove a sound backup"; }
    [ -n "$(find "$work/var/lib/pgbackrest-exporter" -name '*.json')" ] || die "the restore test left no record"
    [ -z "$(find "$work/scratch" -name PG_VERSION)" ] || die "the restore test left the restored cluster"
    ok "restored and proven: $(tail -1 "$work/restore.log")"
    volumes=
}

work=$(TMPDIR=${TMPDIR:-/var/tmp} mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT TERM
secrets=()
install_tools buildah curl
make_base
exec 9>&-
pip_secrets
build
enter exporter
prepare_volumes
prove_contents
prove_service "$uid"
prove_service 31337
enter restore-test
prepare_volumes
prove_contents
prove_restore
say "image: $passed checks passed"
