#!/usr/bin/env bash
# All tests, in two lanes side by side: those of real clusters and restores mostly wait for servers, the others compute.
# Both run to their end; the exit code is 0 only if both passed. With arguments: one pytest with these.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly pytest=(.venv/bin/python -m pytest) interrupted=2
readonly servers=(tests/restore tests/cluster)
[ $# = 0 ] || exec "${pytest[@]}" "$@"

# All of pyproject.toml's that the other lane does not have.
mapfile -t others < <(.venv/bin/python - "${servers[@]}" <<'END'
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    paths = tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]
print("\n".join(path for path in paths if path not in sys.argv))
END
)
words=$(mktemp)
trap 'rm -f "$words"' EXIT
set -m # else the lane in the background would ignore SIGINT, and so would the programs that its tests interrupt
"${pytest[@]}" "${servers[@]}" >"$words" 2>&1 &
lane=$!

"${pytest[@]}" "${others[@]}"
code=$?
[ $code != $interrupted ] || kill -INT -- -$lane
echo "… and ${servers[*]}:"
wait $lane || code=$?
cat "$words"
exit $code
