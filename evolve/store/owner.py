"""Owner of a lock: the process that holds it, recorded in the file of the lock."""

from __future__ import annotations

import getpass
import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dsl.printable import make_printable

MAX_BYTES = 4096


@dataclass(frozen=True)
class Owner:
    """Process that holds a lock.

    Attributes:
        pid: its number.
        host: name of its machine.
        user: name of its user; empty if it is unknown.
        since: time of the lock.
        started: time at which the process began, in units of the system; empty if it is unknown.
            It tells the process from a later one with its number.
    """

    pid: int
    host: str
    user: str
    since: datetime
    started: str

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self.host == socket.gethostname()

    @property
    def may_live(self) -> bool:
        """Whether it may exist: it does, or it is on another machine."""
        return not self.is_local or (
            _exists(self.pid) and self.started in ("", _read_start(self.pid))
        )


def identify_process(now: datetime) -> Owner:
    """Return this process as the owner of a lock since now."""
    user = ""
    with suppress(OSError, KeyError, ImportError):  # a container may have no names of users
        user = getpass.getuser()
    return Owner(os.getpid(), socket.gethostname(), user, now, _read_start(os.getpid()))


def describe_owner(owner: Owner, now: datetime) -> str:
    """Describe an owner and the age of its lock, such as `process 7 on x since 14:02 (1 hour)`."""
    since, age = owner.since.astimezone(), now - owner.since
    day = "" if since.date() == now.astimezone().date() else f"{since:%Y-%m-%d} "
    user = f" of {make_printable(owner.user)}" if owner.user else ""
    who = f"process {owner.pid}{user} on {make_printable(owner.host)}"
    return f"{who} since {day}{since:%H:%M} ({_format_age(age)})"


def read_owner(handle: int) -> Owner | None:
    """Read the owner from the file of a lock; None if it has none."""
    from pydantic import TypeAdapter, ValidationError  # slow, and few locks have an owner

    try:
        os.lseek(handle, 0, os.SEEK_SET)
        return TypeAdapter(Owner).validate_json(os.read(handle, MAX_BYTES))
    except (OSError, ValidationError):
        return None


def write_owner(handle: int, owner: Owner | None) -> None:
    """Write the owner into the file of a lock, or remove it; a full disk leaves it empty."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        if owner is not None:
            document = {**asdict(owner), "since": owner.since.isoformat(timespec="seconds")}
            os.pwrite(handle, (json.dumps(document) + "\n").encode(), 0)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _read_start(pid: int) -> str:
    """Return the time since the boot at which a process began; empty where it is unknown."""
    with suppress(OSError, IndexError, UnicodeError), Path(f"/proc/{pid}/stat").open("rb") as file:
        return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    return ""


def _format_age(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
