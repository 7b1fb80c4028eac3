"""Locks of records and fields, which threads may share, without a lock in each.

What is done most often asks first whether there are other threads: that costs a tenth of a lock.
"""

from __future__ import annotations

import os
from _thread import RLock
from _thread import _count as other_threads

__all__ = ["lock_of", "other_threads"]

_locks = [RLock() for _ in range(64)]


def lock_of(thing: object) -> RLock:
    """The lock of a record or field; others may have the same."""
    return _locks[(id(thing) >> 6) % len(_locks)]


def _renew() -> None:
    _locks[:] = [RLock() for _ in _locks]


# Another thread may have had one, and is not there in a process that was forked off.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
