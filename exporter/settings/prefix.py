"""What stands in front of `pgbackrest` in a command, and whether it leaves this machine."""

from collections.abc import Sequence
from pathlib import PurePath

# Programs that run another one on the same machine.
_HERE = frozenset(
    (
        "sudo",
        "doas",
        "runuser",
        "su",
        "setpriv",
        "env",
        "nice",
        "ionice",
        "chrt",
        "taskset",
        "timeout",
        "stdbuf",
    )
)
# Programs that reach into another machine or into a container.
_ELSEWHERE = frozenset(
    (
        "ssh",
        "kubectl",
        "oc",
        "docker",
        "podman",
        "nerdctl",
        "crictl",
        "lxc",
        "incus",
        "machinectl",
        "nsenter",
        "chroot",
    )
)


def stays_here(command: Sequence[str]) -> bool:
    """Whether *command* runs pgBackRest on this machine, so that its configuration here is the one in force."""
    names = [PurePath(word).name for word in command]
    return len(names) == 1 or (names[0] in _HERE and not _ELSEWHERE.intersection(names))
