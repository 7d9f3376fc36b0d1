#!/usr/bin/env bash
# Builds dist/pgbackrest-exporter_VERSION+pyXY_ARCH.deb for this machine's kind and its Python: see docs/install.md.
#
# The package holds a Python environment of its own, with the packages that requirements.txt pins by hash: nothing is
# downloaded when it is installed. It needs the very Python that it was built by (Debian 12: 3.11), hence +py311.
# PYTHON_OF_VENV is one that has pip and hatchling; DEBFULLNAME and DEBEMAIL name whoever answers for the package.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly name=pgbackrest-exporter here=deploy/debian python=${PYTHON_OF_VENV:-.venv/bin/python}
readonly root=build/deb/root home=usr/lib/$name share=usr/share/$name doc=usr/share/doc/$name
minor=$("$python" -c 'import sys; print(sys.version_info.minor)')
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' exporter/__init__.py)+py3$minor
arch=$(dpkg --print-architecture)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
maintainer="${DEBFULLNAME:-the pgbackrest-exporter authors} <${DEBEMAIL:-nobody@localhost.localdomain}>"
readonly minor version arch epoch maintainer packages=$root/$home/lib/python3.$minor/site-packages
export SOURCE_DATE_EPOCH=$epoch

put() { # put MODE FILE PLACE
    install -D --mode "$1" "$2" "$root/$3"
}

# As `python3 -m venv --without-pip` makes it, but for a place that is not there yet.
environment() {
    mkdir -p "$root/$home/bin" "$packages" build/deb/wheel
    ln -s ../../../bin/python3 "$root/$home/bin/python3"
    printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.%s\n' "$minor" >"$root/$home/pyvenv.cfg"
    pip wheel --no-index --no-deps --no-build-isolation --wheel-dir build/deb/wheel .
    pip install --target "$packages" --no-compile --only-binary :all: --require-hashes --requirement requirements.txt
    # Scripts: made for the Python of the build.
    rm -r "$packages/bin"
    pip install --target "$packages" --no-compile --no-index --no-deps build/deb/wheel/*.whl
    # The rest is for people who develop.
    rm -rf "$packages/bin" "$packages"/*/tests "$packages"/*/*.{pyx,pxd,c,h}
    find "$packages" -type f -exec chmod 644 {} +
    cat >build/deb/script <<END
#!/$home/bin/python3 -I
import sys

from exporter.__main__ import main

sys.exit(main())
END
    put 755 build/deb/script $home/bin/$name
    mkdir -p "$root/usr/bin"
    ln -s ../lib/$name/bin/$name "$root/usr/bin/$name"
}

pip() { "$python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }

units() {
    local unit
    (cd deploy/systemd && find . \( -name '*.service' -o -name '*.socket' -o -name '*.timer' -o -path '*.service.d/*' \) -type f -printf '%P\n') |
        while read -r unit; do
            # The comments tell how they are copied from a checkout; here they are in their place, and so is the program.
            sed "s|/opt/$name/bin/$name|/usr/bin/$name|g; /^#   /d" "deploy/systemd/$unit" >build/deb/unit
            put 644 build/deb/unit "usr/lib/systemd/system/$unit"
        done
    put 644 deploy/systemd/$name.tmpfiles.conf usr/lib/tmpfiles.d/$name.conf
    put 644 $here/defaults etc/default/$name
}

# Rules with their runbooks, boards, roles and hooks: what other programs are given.
shared() {
    local file
    find alerts dashboards docs deploy/{hooks,patroni,postgresql,systemd/drop-ins} deploy/systemd/$name.sysusers.conf -path dashboards/build -prune -o \
        -type f ! -name '*.png' ! -name kustomization.yaml -print | while read -r file; do
        put "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$share/${file#deploy/}"
    done
}

documents() {
    local date page
    date=$(date --utc --rfc-email --date "@$epoch")
    put 644 deploy/patroni/repository/exporter.yml $doc/examples/exporter.yml
    { cat $here/copyright; "$python" $here/licences.py "$packages" "/$home/lib/python3.$minor/site-packages"; } >build/deb/copyright
    put 644 build/deb/copyright $doc/copyright
    printf '%s (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' $name "$version" \
        "What is new stands in CHANGELOG.md.gz beside this file." "$maintainer" "$date" >build/deb/changelog
    put 644 build/deb/changelog $doc/changelog
    put 644 CHANGELOG.md $doc/CHANGELOG.md
    sed "s/@VERSION@/$version/; s/@DATE@/$(date --utc --date "@$epoch" +%F)/" $here/$name.1 >build/deb/page
    put 644 build/deb/page usr/share/man/man1/$name.1
    gzip -9n "$root/$doc/changelog" "$root/$doc/CHANGELOG.md" "$root/usr/share/man/man1/$name.1"
    for page in run backup restore-test status collect; do
        ln -s $name.1.gz "$root/usr/share/man/man1/$name-$page.1.gz"
    done
    put 644 $here/lintian-overrides usr/share/lintian/overrides/$name
}

control() {
    local script
    mkdir -p "$root/DEBIAN"
    sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@MAINTAINER@/$maintainer/
        s/@SIZE@/$(du -sk --apparent-size "$root" | cut -f1)/
        s/@PYTHON@/python3 (>= 3.$minor), python3 (<< 3.$((minor + 1)))/" $here/control >"$root/DEBIAN/control"
    for script in postinst prerm postrm; do install --mode 755 "$here/$script" "$root/DEBIAN/$script"; done
    install --mode 644 $here/conffiles "$root/DEBIAN/conffiles"
    (cd "$root" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
        >"$root/DEBIAN/md5sums"
}

rm -rf build/deb
umask 022
environment
units
shared
documents
control
mkdir -p dist
find "$root" -newermt "@$epoch" -exec touch --no-dereference --date "@$epoch" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "dist/${name}_${version}_$arch.deb" >/dev/null
echo "dist/${name}_${version}_$arch.deb"
