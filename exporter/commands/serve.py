"""`pgbackrest-exporter` without a subcommand: flags, logging, exit codes."""

import argparse
import faulthandler
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from exporter import __version__, logs, memory
from exporter.app import Options, run
from exporter.commands import COMMANDS
from exporter.notify import Manager
from exporter.settings import Settings
from exporter.settings.file import SettingsError, effective, load
from exporter.web import listen
from exporter.web.config import WebConfigError
from exporter.web.config import load as load_web_config
from exporter.web.site import RESERVED

_PORT = ":9854"
_STDERR = 2

_DESCRIPTION = """\
Tells Prometheus what pgBackRest knows of the PostgreSQL databases that it backs up: which backups
there are, how old they are, how far the WAL archive reaches, what is wrong - and when it does not know.

Without any settings it watches the stanzas of this machine's pgbackrest.conf. Run it as the user
that owns the repository (mostly postgres): pgBackRest 2.59 and later refuse to run as root.
"""

_EPILOG = """\
examples:
  On a database or repository host, as the repository's owner, nothing to set up:
      sudo -u postgres pgbackrest-exporter
  With settings (docs/configuration.md has all of them); check them first:
      pgbackrest-exporter --config.file=/etc/pgbackrest-exporter.yml --config.check
      pgbackrest-exporter --config.file=/etc/pgbackrest-exporter.yml
  On this machine and by IPv6 loopback only, with TLS and passwords:
      pgbackrest-exporter --web.listen-address=127.0.0.1:9854 --web.listen-address=[::1]:9854 \\
                          --web.config.file=/etc/pgbackrest-exporter-web.yml

signals: SIGHUP reads the settings anew (bad ones are refused), SIGTERM and SIGINT end it with exit code 0.
exit codes: 0 ended by a signal or nothing to complain of, 1 it could not run, 2 bad flags or settings.
"""


def main(argv: Sequence[str]) -> int:
    """Serve until a signal ends it; return the exit code."""
    _open_standard_streams()
    # Where it hung, before the watchdog of systemd ends it by SIGABRT, is what its log should tell.
    faulthandler.enable(_STDERR)
    sys.stderr = logs.Stderr()
    memory.return_large_blocks()
    return _main(_parser().parse_args(argv))


def _open_standard_streams() -> None:
    """Take the places of closed ones: else our first sockets would get them, and the words meant for stderr."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _commands() -> str:
    listed = "".join(f"  {name:<14} {does}\n" for name, does in COMMANDS.items())
    return f"commands, each with its own --help:\n{listed}\n" if listed else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pgbackrest-exporter",
        description=_DESCRIPTION,
        epilog=_commands() + _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--config.file", type=Path, metavar="FILE", dest="config_file", help="settings, YAML; default: none")
    add(
        "--config.check",
        action="store_true",
        dest="config_check",
        help="check the settings and the web configuration, print the settings in force, and exit",
    )
    add(
        "--web.listen-address",
        action="append",
        metavar="ADDRESS",
        dest="listen_address",
        help=f"HOST:PORT, :PORT for all addresses, or unix:/PATH; may be repeated; default: {_PORT}",
    )
    add(
        "--web.systemd-socket",
        action="store_true",
        dest="systemd_socket",
        help="listen on the sockets that systemd hands over instead",
    )
    add(
        "--web.config.file",
        type=Path,
        metavar="FILE",
        dest="web_config_file",
        help="TLS, users and response headers, in the format of Prometheus exporters",
    )
    add(
        "--web.telemetry-path",
        default="/metrics",
        metavar="PATH",
        dest="telemetry_path",
        help="default: /metrics",
    )
    add(
        "--web.compat-path",
        metavar="PATH",
        dest="compat_path",
        help="serve there too, such as at /compat/metrics, what woblerr's pgbackrest_exporter serves, under its names:"
        " for boards and rules made for it; default: nowhere",
    )
    add(
        "--web.enable-lifecycle",
        action="store_true",
        dest="enable_lifecycle",
        help="let POST /-/reload read the settings anew",
    )
    add("--log.level", choices=logs.LEVELS, default="info", dest="log_level", help="default: info")
    add("--log.format", choices=logs.FORMATS, default="logfmt", dest="log_format", help="default: logfmt")
    add("--version", action="version", version=f"pgbackrest-exporter {__version__}")
    return parser


def _main(args: argparse.Namespace) -> int:
    logs.set_up(args.log_level, args.log_format)
    if bad := _bad_path(args):
        return _complain(2, bad)
    try:
        settings = load(args.config_file)
        if args.web_config_file is not None:
            load_web_config(args.web_config_file)
    except SettingsError as error:
        return _complain(2, *error.problems)
    except WebConfigError as error:
        return _complain(2, *error.problems)
    if args.config_check:
        print(effective(settings), end="")
        return 0
    return _serve(args, settings)


def _bad_path(args: argparse.Namespace) -> str | None:
    taken = set(RESERVED)
    for flag, path in (("telemetry", args.telemetry_path), ("compat", args.compat_path)):
        if path is None:
            continue
        if not path.startswith("/"):
            return f"--web.{flag}-path={path}: must begin with /, such as /metrics"
        if path in taken:
            return f"--web.{flag}-path={path}: is taken: choose another, such as /metrics"
        taken.add(path)
    return None


def _serve(args: argparse.Namespace, settings: Settings) -> int:
    program = settings.pgbackrest.command[0]
    if which(program) is None:
        fault = (
            "may not be executed: allow it"
            if which(program, os.F_OK)
            else "no such program on PATH: install it"
        )
        return _complain(1, f"{program}: {fault}, or say how it is called under pgbackrest.command")
    try:
        sockets = (
            listen.systemd_sockets() if args.systemd_socket else listen.bind(args.listen_address or [_PORT])
        )
    except listen.ListenError as error:
        return _complain(2 if isinstance(error, listen.BadAddressError) else 1, str(error))
    options = Options(
        config_file=args.config_file,
        web_config_file=args.web_config_file,
        telemetry_path=args.telemetry_path,
        compat_path=args.compat_path,
        enable_lifecycle=args.enable_lifecycle,
    )
    try:
        run(options, settings, sockets, Manager.of())
    except WebConfigError as error:  # changed since it was checked
        return _complain(2, *error.problems)
    sys.stderr.flush()
    # Python would take every object down first: on a busy machine that alone lasts a second.
    os._exit(0)


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        print(f"pgbackrest-exporter: {line}", file=sys.stderr)
    return code
