#!/usr/bin/env bash
# Builds the image as the Dockerfile says and proves it: scraped from outside, under any uid, on a read-only root.
#
# It needs neither a registry nor a container engine: debootstrap makes the base that the Dockerfile names, from the
# mirror that this machine's apt uses, and keeps it in ${XDG_CACHE_HOME:-~/.cache}/pgbackrest-exporter (BASE_MAX_AGE=7
# days); buildah builds. Root and apt are needed. KEEP=1 leaves the image in a folder and says where.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly suite=bookworm image=localhost/pgbackrest-exporter:test
base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pgbackrest-exporter
readonly base cache tarball=$cache/base-$suite.tar
began=$SECONDS passed=0 exporter=

say() { printf '[%3ds] %s\n' $((SECONDS - began)) "$*"; }
die() { printf 'tests/image.sh: %s\n' "$*" >&2; exit 1; }
ok() { passed=$((passed + 1)); say "ok: $*"; }

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

# What the build needs of this machine: packages, the base, and the way to its package index.

install_tools() {
    local missing=()
    [ "$(id -u)" = 0 ] || die "needs root for debootstrap and buildah; run: sudo tests/image.sh"
    for tool in buildah debootstrap curl; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || die "missing: ${missing[*]}; install them first"
    say "installing ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"; } \
        >"$work/apt.log" 2>&1 || { tail -20 "$work/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
}

# "deb URI SUITE COMPONENT" for each of this machine's sources that serves the suite (none on Ubuntu: debootstrap knows
# Debian's mirror itself).
sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$suite" '$2 ~ "^" suite && $3 == "main" { print "deb", $1, $2, $3 }' | sort --unique || true
}

make_base() {
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
    if [ -n "$(find "$tarball" -mtime "-${BASE_MAX_AGE:-7}" 2>/dev/null)" ]; then
        say "base: $tarball"
        return
    fi
    say "base: debootstrap $suite (kept for the next run)"
    local tree=$work/base mirror
    sources >"$work/sources.list"
    mirror=$(awk -v suite="$suite" '$3 == suite { print $2; exit }' "$work/sources.list")
    debootstrap --variant=minbase "$suite" "$tree" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 ||
        { tail -20 "$work/debootstrap.log" >&2; die "debootstrap failed"; }
    [ ! -s "$work/sources.list" ] || cp "$work/sources.list" "$tree/etc/apt/sources.list"
    apt-config dump --format '%f "%v";%n' Acquire::http::Proxy Acquire::https::Proxy >"$tree/etc/apt/apt.conf.d/proxy"
    # As the slim images of Debian: no documentation, not now and not with any later package.
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info lintian >"$tree/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$tree"/usr/share/{doc,man,locale,info,lintian}/* "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/var/log/*
    tar --create --numeric-owner --one-file-system --file "$tarball.new" --directory "$tree" .
    mv "$tarball.new" "$tarball"
    rm -rf --one-file-system "$tree"
}

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
    say "building $image"
    builder build --isolation chroot --network host --pull=never --format docker --signature-policy "$work/policy.json" \
        "${secrets[@]}" --tag "$image" . >"$work/build.log" 2>&1 ||
        { tail -40 "$work/build.log" >&2; die "the build failed"; }
    container=$(builder from --signature-policy "$work/policy.json" --pull=never "$image")
    rootfs=$(builder mount "$container")
    mapfile -t environment < <(config '{{range .Docker.Config.Env}}{{println .}}{{end}}' | grep .)
    mapfile -t entrypoint < <(config '{{range .Docker.Config.Entrypoint}}{{println .}}{{end}}' | grep .)
    mapfile -t healthcheck < <(config '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}' | grep .)
    say "built: $(du -sm "$rootfs" | cut -f1) MB ($(du -sm "$rootfs/opt" | cut -f1) MB of it the exporter, $(tar --list --verbose --file "$tarball" | awk '{ n += $3 } END { printf "%d", n / 1048576 }') MB the base)"
}

config() { builder inspect --type image --format "$1" "$image"; }

# Running: what an engine does with --read-only --user UID and two volumes, by hand: own mounts and processes, PID 1 is
# the entry point, no capability can be gained, and of this machine's environment nothing is seen.

contained() {
    local uid=$1
    shift
    unshare --mount --pid --fork --kill-child=KILL sh -euc '
        root=$1 uid=$2 work=$3 pidfile=$4
        shift 4
        read -r pid _ </proc/self/stat && echo "$pid" >"$pidfile"
        mount --bind "$root" "$root"
        mount --bind -o ro "$work/config" "$root/etc/pgbackrest"
        mount --bind -o ro "$work/repository" "$root/repository"
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        mount -o remount,bind,ro "$root"
        exec setpriv --no-new-privs chroot --userspec="$uid:$uid" --groups= "$root" /usr/bin/env -i "$@"
    ' sh "$rootfs" "$uid" "$work" "${pidfile:-/dev/null}" "${environment[@]}" "$@"
}

prepare_volumes() {
    mkdir -p "$work/config" "$work/repository" "$rootfs/etc/pgbackrest" "$rootfs/repository"
    printf '[global]\nrepo1-path=/repository\n\n[main]\npg1-path=/nowhere\n' >"$work/config/pgbackrest.conf"
    chmod 755 "$work" "$work/config" "$work/repository"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

get() { curl --silent --show-error --fail --noproxy '*' --max-time 5 "http://127.0.0.1:$port$1"; }

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

work=$(mktemp -d "${TMPDIR:-/var/tmp}/pgbackrest-exporter-image.XXXXXX")
trap cleanup EXIT
trap 'exit 130' INT TERM
secrets=()
install_tools
make_base
exec 9>&-
pip_secrets
build
prepare_volumes
prove_contents
prove_service "$uid"
prove_service 31337
say "image: $passed checks passed"
