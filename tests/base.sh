# A root of Debian 12 to build and to try in: sourced by tests/image.sh and tests/deb.sh, which set $work first.
#
# debootstrap makes it from the mirror that this machine's apt uses; it is kept in ${XDG_CACHE_HOME:-~/.cache} and made
# anew after BASE_MAX_AGE=7 days.
# shellcheck shell=bash

readonly suite=bookworm
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pgbackrest-exporter
readonly cache tarball=$cache/base-$suite.tar
began=$SECONDS passed=0

say() { printf '[%3ds] %s\n' $((SECONDS - began)) "$*"; }
die() { printf '%s: %s\n' "$0" "$*" >&2; exit 1; }
ok() { passed=$((passed + 1)); say "ok: $*"; }

# install_tools PROGRAM …: each is a Debian package of the same name.
install_tools() {
    local missing=() tool
    [ "$(id -u)" = 0 ] || die "needs root for debootstrap; run: sudo $0"
    for tool in debootstrap "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
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

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

get() { curl --silent --show-error --fail --noproxy '*' --max-time 5 "http://127.0.0.1:$port$1"; }
