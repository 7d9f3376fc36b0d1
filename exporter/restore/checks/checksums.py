"""Whether any page is bad, by pg_checksums, once the server has been stopped cleanly."""

import re

from exporter.programs.process import ProcessError, run
from exporter.restore.database import environment
from exporter.restore.scene import Scene
from exporter.restore.sieve import PG_CHECKSUMS, Sieve

_BAD = re.compile(r"Bad checksums: +(\d+)")
_BLOCKS = re.compile(r"Blocks scanned: +(\d+)")
_FAILED = re.compile(r'checksum verification failed in file "([^"]+)", block (\d+)')


async def check(scene: Scene, *, stopped: bool) -> None:
    """Read every page, if the cluster has checksums."""
    findings = scene.findings
    if not scene.control.checksums:
        findings.skipped(
            "data_checksums", "the cluster has none (initdb --data-checksums, pg_checksums --enable)"
        )
        return
    if not stopped:
        findings.skipped("data_checksums", "the server did not stop cleanly")
        return
    within = scene.settings.checksums_within
    argv = (scene.binaries.program("pg_checksums"), "--check", "--progress", f"--pgdata={scene.place.data}")
    sieve = Sieve(findings.report, PG_CHECKSUMS, 1 << 20, "bytes")
    try:
        # There the next test finds it, should we be killed.
        done = await run(
            argv, within=within, env=environment(), limit=64 << 20, sift=sieve, cwd=str(scene.place.path)
        )
    except ProcessError as error:
        findings.skipped("data_checksums", f"{error}: raise restore_tests.checksums_within")
        return
    said = bytes(done.stdout).decode(errors="replace")
    errors = done.stderr.decode(errors="replace")
    bad, blocks = _BAD.search(said), _BLOCKS.search(said)
    if done.exit_code == 0 and bad and bad[1] == "0":
        findings.ok("data_checksums", value=f"{blocks[1] if blocks else '?'} blocks")
    elif bad:
        files = [
            f"{file.removeprefix(f'{scene.place.data}/')}, block {block}"
            for file, block in _FAILED.findall(errors)
        ]
        findings.failed("data_checksums", "; ".join(files[:5]) or "bad pages", bad[1])
    else:
        findings.failed("data_checksums", " ".join(errors.split())[:400] or f"exit code {done.exit_code}")
