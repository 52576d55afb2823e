"""Appends to a journal, and acknowledges each event once that is on record; run with shim.c loaded before all else.

A third argument, ``forget``: then all is forgotten, as on a disk that has no room (the file is written anew), and as
much is appended again. The beginning and the end of that are acknowledged too.
"""

import os
import sys
import threading
from pathlib import Path

from mock_intake.journal import checkpoints, reserve
from mock_intake.journal.sqlite import SqliteJournal
from tests.journals import exchange

folder, events = Path(sys.argv[1]), int(sys.argv[2])
# So that the log is written back, and begun anew, again and again.
checkpoints._DUE = checkpoints._LEAST_DUE = 300 * 1024
journal = SqliteJournal(folder / "journal.db")
acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT, 0o600)
lock = threading.Lock()


def acknowledge(*names: str) -> None:
    with lock:
        os.pwrite(acknowledged, "".join(f"{name} " for name in names).encode(), 0)


def send(sender: str) -> None:
    """Groups of several sizes, from two threads, as a server's commits are."""
    for number in range(0, events, 3):
        names = [f"{sender}-{each}" for each in range(number, number + 1 + number // 3 % 3)]
        journal.append([exchange(name, body=name.encode() * 300) for name in names])
        acknowledge(*names)


def send_all(*senders: str) -> None:
    threads = [threading.Thread(target=send, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


send_all("0", "1")
if sys.argv[3:] == ["forget"]:
    # Whatever the disk of this machine has free, it is taken for short: what is free in the file is given back to it.
    reserve._SHORT = sys.maxsize
    acknowledge("forgetting")
    journal.forget()
    acknowledge("forgotten")
    send_all("2", "3")
os._exit(0)
