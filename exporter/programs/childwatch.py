"""How the end of a child process is noticed: by a pidfd, without a thread for each."""

import asyncio
import os
import sys
import threading


def watch_by_pidfd(loop: asyncio.AbstractEventLoop) -> None:
    """Python 3.12 does this by itself; 3.11 would spend a thread on each child."""
    if sys.version_info >= (3, 12) or threading.current_thread() is not threading.main_thread():
        return
    watcher = asyncio.get_child_watcher()
    if isinstance(watcher, asyncio.ThreadedChildWatcher):
        try:
            os.close(os.pidfd_open(os.getpid()))
        except OSError:
            return  # an old kernel, or a sandbox
        watcher = asyncio.PidfdChildWatcher()
        asyncio.set_child_watcher(watcher)
    if not watcher.is_active():
        watcher.attach_loop(loop)
