"""Appends to a journal, and acknowledges each event once that is on record; run with shim.c loaded before all else."""

import os
import sys
import threading
from pathlib import Path

from mock_intake.journal import checkpoints
from mock_intake.journal.sqlite import SqliteJournal
from tests.journals import exchange

folder, events = Path(sys.argv[1]), int(sys.argv[2])
# So that the log is written back, and begun anew, again and again.
checkpoints._DUE = checkpoints._LEAST_DUE = 300 * 1024
journal = SqliteJournal(folder / "journal.db")
acknowledged = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT, 0o600)
lock = threading.Lock()


def send(sender: int) -> None:
    """Groups of several sizes, from two threads, as a server's commits are."""
    for number in range(0, events, 3):
        names = [f"{sender}-{each}" for each in range(number, number + 1 + number // 3 % 3)]
        journal.append([exchange(name, body=name.encode() * 300) for name in names])
        with lock:
            os.pwrite(acknowledged, "".join(f"{name} " for name in names).encode(), 0)


threads = [threading.Thread(target=send, args=(sender,)) for sender in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os._exit(0)
