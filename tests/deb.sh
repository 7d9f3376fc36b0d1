#!/usr/bin/env bash
# Proves the package that deploy/debian/build.sh made: installed without a network in a Debian 12 of its own, run, scraped,
# upgraded, removed and purged. Root and apt are needed. LINTIAN= leaves Debian's own check out.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/base.sh

readonly program=pgbackrest-exporter units=/usr/lib/systemd/system
exporter=

cleanup() {
    local status=$?
    [ -z "$exporter" ] || { kill -KILL "$(cat "$work/pid")" && wait "$exporter"; } 2>/dev/null || true
    rm -rf --one-file-system "$work" || true
    exit "$status"
}

# inside COMMAND …: in the root, with processes of its own; without a network unless NETWORK=1.
inside() {
    unshare --mount --pid --fork --kill-child=KILL $([ -n "${NETWORK:-}" ] || echo --net) sh -euc '
        root=$1 pidfile=$2
        shift 2
        read -r pid _ </proc/self/stat && echo "$pid" >"$pidfile"
        mount -t proc proc "$root/proc"
        mount --bind /dev "$root/dev"
        exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"
    ' sh "$root" "${pidfile:-/dev/null}" "$@"
}

make_root() {
    root=$work/root
    mkdir "$root"
    tar --extract --numeric-owner --file "$tarball" --directory "$root"
    # This package's pages are looked for.
    rm -f "$root/etc/dpkg/dpkg.cfg.d/slim"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    say "what it depends on: python3, postgresql-common, procps, systemd; and pgbackrest"
    { NETWORK=1 inside apt-get update && NETWORK=1 inside apt-get install --yes --no-install-recommends \
        python3 postgresql-common procps systemd pgbackrest; } >"$work/apt.log" 2>&1 ||
        { tail -20 "$work/apt.log" >&2; die "apt-get failed in the root"; }
}

# All that a package could leave; dpkg and ld.so keep books of their own, and systemd-analyze what it has looked at.
files() {
    (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./tmp -o -path ./run/systemd/systemd-units-load -o -path ./proc \) -prune \
        -o ! -name 'ld.so.cache' -print | sort)
}

prove_install() {
    cp "$deb" "$root/package.deb"
    inside dpkg --install /package.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; die "it does not install"; }
    rm "$root/package.deb"
    [ "$(inside $program --version)" = "$program $version" ] || die "--version says: $(inside $program --version)"
    inside $program --help | grep restore-test >/dev/null || die "--help does not know its commands"
    for command in run backup restore-test status collect; do
        inside $program $command --help >/dev/null || die "$command --help fails"
    done
    ok "installed without a network, --version and --help of all commands"
    [ "$(inside stat -c '%U:%G %a' /var/lib/$program)" = "postgres:postgres 2770" ] || die "the folder of records is not as tmpfiles.d says"
    [ -n "$(find "$root/usr/lib/$program" -name '*.pyc' | head -1)" ] || die "nothing is compiled"
    zcat "$root/usr/share/man/man1/$program.1.gz" | grep -F "$program $version" >/dev/null || die "the man page is not there"
    for file in alerts/pgbackrest.rules.yml alerts/runbooks/PgbackrestBackupOverdue.md dashboards/pgbackrest-overview.json \
        postgresql/exporter-role.sql systemd/drop-ins/sudo.conf docs/configuration.md; do
        [ -s "$root/usr/share/$program/$file" ] || die "/usr/share/$program/$file is not there"
    done
    ok "folder of records, compiled modules, man page, rules, boards, runbooks, role"
}

prove_units() {
    local found
    mapfile -t found < <(cd "$root$units" && find . -maxdepth 1 -name 'pgbackrest-*' -type f -printf '%P\n' | sed 's/@\./@main./')
    inside systemd-analyze verify --man=no "${found[@]}" >"$work/verify.log" 2>&1 || { cat "$work/verify.log" >&2; die "systemd-analyze refuses the units"; }
    [ ! -s "$work/verify.log" ] || { cat "$work/verify.log" >&2; die "systemd-analyze complains"; }
    [ -L "$root/etc/systemd/system/multi-user.target.wants/$program.service" ] || die "the service is not enabled"
    ! grep -rq /opt/ "$root$units"/pgbackrest-* || die "a unit names /opt"
    ok "systemd-analyze verify of ${#found[@]} units; the service is enabled"
}

# Runs what the unit runs, as whom it says: there is no systemd that could.
start() {
    local words
    words=$(sed -n 's/^ExecStart=\(.*\) \$ARGS$/\1/p' "$root$units/$program.service")
    port=$(free_port)
    NETWORK=1 pidfile=$work/pid inside setpriv --reuid="$(sed -n 's/^User=//p' "$root$units/$program.service")" --regid=postgres \
        --init-groups $words "--web.listen-address=127.0.0.1:$port" >"$work/exporter.log" 2>&1 &
    exporter=$!
    for _ in $(seq 300); do
        get /-/ready >/dev/null 2>&1 && return
        kill -0 "$exporter" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/exporter.log" >&2
    die "the exporter did not become ready"
}

stop() {
    local status=0
    kill -TERM "$(cat "$work/pid")"
    wait "$exporter" || status=$?
    exporter=
    [ "$status" = 0 ] || { cat "$work/exporter.log" >&2; die "SIGTERM ended it with $status"; }
}

prove_scrape() {
    mv "$root/etc/pgbackrest.conf" "$work/theirs"
    printf '[global]\nrepo1-path=/var/lib/pgbackrest\n\n[main]\npg1-path=/var/lib/postgresql/15/main\n' >"$root/etc/pgbackrest.conf"
    start
    get /metrics >"$work/metrics" || die "/metrics does not answer"
    for line in 'pgbackrest_exporter_collector_success{collector="info",stanza=""} 1' 'pgbackrest_stanza_ok{stanza="main"} 0'; do
        sed 's/ \([01]\)\.0$/ \1/' "$work/metrics" | grep -xF "$line" >/dev/null || { cat "$work/metrics" >&2; die "/metrics has no line: $line"; }
    done
    stop
    inside setpriv --reuid=postgres --regid=postgres --init-groups $program status >"$work/status" && die "status is content without a stanza"
    ok "run as the unit says: scraped ($(wc -l <"$work/metrics") lines), SIGTERM ends it with 0; status: $(head -1 "$work/status")"
    mv "$work/theirs" "$root/etc/pgbackrest.conf"
}

prove_upgrade() {
    dpkg-deb --raw-extract "$deb" "$work/next"
    sed --in-place "s/^Version: .*/&.1/" "$work/next/DEBIAN/control"
    dpkg-deb --root-owner-group -Znone --build "$work/next" "$root/package.deb" >/dev/null
    echo 'ARGS="--log.level=warn"' >>"$root/etc/default/$program"
    echo '{}' >"$root/var/lib/$program/record"
    inside dpkg --install /package.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; die "it does not upgrade"; }
    rm "$root/package.deb"
    grep -q log.level "$root/etc/default/$program" && [ -e "$root/var/lib/$program/record" ] || die "the upgrade lost flags or records"
    [ "$(inside $program --version)" = "$program $version" ] || die "after the upgrade --version says something else"
    ok "upgraded: flags and records are kept"
}

prove_purge() {
    inside dpkg --remove $program >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; die "it does not go"; }
    [ ! -e "$root/usr/lib/$program" ] || die "left by remove: $(find "$root/usr/lib/$program" | head -5)"
    [ -e "$root/etc/default/$program" ] && [ -e "$root/var/lib/$program/record" ] || die "remove took flags or records"
    inside dpkg --purge $program >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log" >&2; die "it is not purged"; }
    files >"$work/after"
    diff "$work/before" "$work/after" || die "purge left, or took, what is shown above"
    ok "removed: flags and records stay; purged: nothing is left"
}

work=$(TMPDIR=${TMPDIR:-/var/tmp} mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT TERM
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' exporter/__init__.py)
deb=$(find dist -name "${program}_$version+py311_$(dpkg --print-architecture).deb")
[ -n "$deb" ] || die "dist/ has no package for Python 3.11: make deb, with Debian 12's python3"
install_tools curl ${LINTIAN-lintian}
if [ -n "${LINTIAN-lintian}" ]; then
    lintian --allow-root --fail-on error,warning "$deb" || die "lintian complains"
    ok "lintian: no error and no warning"
fi
make_base
exec 9>&-
make_root
files >"$work/before"
prove_install
prove_units
prove_scrape
prove_upgrade
prove_purge
say "deb: $passed checks passed; $((($(stat -c %s "$deb") + 524288) / 1048576)) MB, $(dpkg-deb --field "$deb" Installed-Size) kB installed"
