"""How ``mock-intake run`` ends: by real signals, from supervisors and from terminals, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from mock_intake.system.temporary import temporary_directory
from tests.commands import MOCK_INTAKE, clean_environment, start_command
from tests.processes import of_session
from tests.signalling import Moment, signalled

# Sends events with nothing but the standard library, and says so.
SENDING = """
import os, signal, sys, time, urllib.request
def send(body):
    headers = {"Authorization": "Bearer " + os.environ["DD_API_KEY"], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(os.environ["DD_SITE"] + "/api/v1/lineage", body, headers))
send(b"{}")
"""
SENT = "print('sent', flush=True)\n"
WAITING = f"{SENDING}{SENT}time.sleep(60)\n"
# Ends in its own way, which takes a while, and has an event to send on that way.
TIDY = f"""{SENDING}
def end(number, frame):
    time.sleep(0.5)
    send(b'{{"again": %d}}' % number)
    sys.exit(5)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
{SENT}
while True: time.sleep(60)
"""
STUBBORN = f"""{SENDING}
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
{SENT}time.sleep(60)
"""
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Running:
    """A ``mock-intake run`` that is under way, in a session of its own: its command has said ``sent``."""

    def __init__(self, home: Path, command: Sequence[str], said: str) -> None:
        self.home = home
        self.process = start_command(
            command,
            forked=False,
            cwd=home,
            env=clean_environment(HOME=str(home), TMPDIR=str(home)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert not said or self.process.stdout.readline() == said

    @property
    def others(self) -> list[int]:
        """What runs in its session beside it."""
        return [number for number in of_session(self.process.pid) if number != self.process.pid]

    def end(self) -> tuple[int, str]:
        """Waits for the end, of whatever holds the pipes too; the exit code, and what was told."""
        _, told = self.process.communicate(timeout=20)
        return self.process.returncode, told

    def is_all_gone(self) -> bool:
        """Whether nothing is left, neither processes nor files."""
        return are_gone(self.process.pid) and list(self.home.glob("mock-intake-*")) == []


def are_gone(session: int) -> bool:
    """Whether no process of a session is left; what was killed may take a moment to go."""
    until = time.monotonic() + 10
    while of_session(session) and time.monotonic() < until:
        time.sleep(0.02)
    return of_session(session) == {}


def end_session(leader: int) -> None:
    for number in of_session(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def begin(*command: str, around: Sequence[str] = (), options: Sequence[str] = (), said: str = "sent\n") -> Running:
        started.append(Running(tmp_path, [*around, MOCK_INTAKE, "run", "--allow-none", *options, "--", *command], said))
        return started[-1]

    yield begin
    for running in started:
        end_session(running.process.pid)
        running.process.communicate()


# Where there is no terminal


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_to_run_alone_ends_the_command_and_the_summary_is_printed(
    number: signal.Signals, start: Callable[..., Running]
) -> None:
    """As a supervisor sends it, who knows no other process."""
    running = start(sys.executable, "-c", WAITING)
    assert len(running.others) == 1
    running.process.send_signal(number)
    code, told = running.end()
    assert code == 128 + number
    assert "1 event taken" in told
    assert f"The command ended with exit code {code} ({number.name})." in told
    assert running.is_all_gone()


def test_a_signal_to_the_whole_group_comes_to_the_command_once(start: Callable[..., Running]) -> None:
    running = start(sys.executable, "-c", TIDY)
    os.killpg(running.process.pid, signal.SIGINT)
    code, told = running.end()
    assert code == 5, "it has ended in its own way, and was waited for"
    assert "2 events taken" in told
    assert running.is_all_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_the_command_has_started_ends_with_it_and_may_send_until_then(
    number: signal.Signals, start: Callable[..., Running], tmp_path: Path
) -> None:
    """The shell ends at once, the program behind it takes its time and has an event to send."""
    (tmp_path / "tidy.py").write_text(TIDY)
    running = start("sh", "-c", f"'{sys.executable}' tidy.py; true")
    assert len(running.others) == 2
    running.process.send_signal(number)
    code, told = running.end()
    assert code == 128 + number
    assert "2 events taken" in told
    assert running.is_all_gone()


def test_what_the_command_has_started_and_does_not_end_is_killed(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    running = start("sh", "-c", f"'{sys.executable}' stubborn.py; true")
    running.process.send_signal(signal.SIGTERM)
    code, told = running.end()
    assert code == 128 + signal.SIGTERM
    assert "did not end, and was killed" in told
    assert running.is_all_gone()


def test_a_command_that_ignores_signals_is_waited_for_until_a_second_one(start: Callable[..., Running]) -> None:
    running = start(sys.executable, "-c", STUBBORN)
    running.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(1)
    running.process.send_signal(signal.SIGTERM)
    code, told = running.end()
    assert code == 128 + signal.SIGKILL
    assert "1 event taken" in told
    assert "The command did not end, and was killed." in told
    assert running.is_all_gone()


@pytest.mark.parametrize(("number", "options"), [(signal.SIGTERM, ["--grace", "0.5"]), (signal.SIGHUP, [])])
def test_a_command_that_ignores_a_signal_is_killed_after_its_grace_or_soon_where_its_terminal_is_gone(
    number: signal.Signals, options: list[str], start: Callable[..., Running]
) -> None:
    running = start(sys.executable, "-c", STUBBORN, options=options)
    running.process.send_signal(number)
    code, told = running.end()
    assert code == 128 + signal.SIGKILL
    assert "1 event taken" in told
    assert running.is_all_gone()


def test_the_command_does_not_outlive_a_run_that_is_killed_and_the_next_one_cleans_up(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    """What lies there from others, or from those who run still, stays."""
    running = start(sys.executable, "-c", "import time; time.sleep(60)", options=["--path", "proxy"], said="")
    until = time.monotonic() + 20
    while not (running.others and any(tmp_path.glob("mock-intake-*/trusted/ca.pem"))) and time.monotonic() < until:
        time.sleep(0.01)
    (tmp_path / "mock-intake-of-somebody-else").mkdir()
    with temporary_of(tmp_path) as in_use:
        running.process.kill()
        running.process.wait(10)
        assert are_gone(running.process.pid)
        left = set(tmp_path.glob("mock-intake-*"))
        assert len(left) == 3
        again = start("sh", "-c", "echo sent", options=["--path", "proxy"])
        assert again.end()[0] == 0
        assert {file.name for file in tmp_path.glob("mock-intake-*")} == {
            "mock-intake-of-somebody-else",
            in_use.name,
        }


@contextlib.contextmanager
def temporary_of(directory: Path) -> Iterator[Path]:
    """A temporary directory of ours in another one, in use meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(directory))
        with temporary_directory() as made:
            yield made


def test_a_signal_that_is_ignored_stays_ignored(start: Callable[..., Running]) -> None:
    """As ``nohup`` has it."""
    running = start(sys.executable, "-c", WAITING, around=["sh", "-c", 'trap \'\' HUP; exec "$0" "$@"'])
    running.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        running.process.wait(0.5)
    running.process.send_signal(signal.SIGTERM)
    assert running.end()[0] == 128 + signal.SIGTERM


def test_what_the_command_leaves_running_of_its_own_accord_is_left_alone(start: Callable[..., Running]) -> None:
    running = start("sh", "-c", "echo sent; sleep 60 >/dev/null 2>&1 & exit 0")
    assert running.end()[0] == 0
    assert len(running.others) == 1


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_before_the_command_has_begun_ends_it_all(number: signal.Signals, tmp_path: Path) -> None:
    """It waits for its configuration, which comes through a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "slow.toml")
    command = [MOCK_INTAKE, "run", "--path", "proxy", "--config", "slow.toml", "--", "touch", "begun"]
    environment = clean_environment(HOME=str(tmp_path), TMPDIR=str(tmp_path))
    process = start_command(command, forked=False, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    writer = os.open(tmp_path / "slow.toml", os.O_WRONLY)  # returns when it is being read
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    os.close(writer)
    assert process.returncode == 128 + number
    assert "Traceback" not in told
    assert [file.name for file in tmp_path.iterdir()] == ["slow.toml"]


def test_a_signal_while_another_is_handed_on_comes_to_the_command_too(tmp_path: Path) -> None:
    """The first comes while the command is being begun, the second while the first is taken off the list."""
    moments = [
        Moment("cli/child.py", "run", "subprocess.Popen(", signal.SIGTERM, tmp_path),
        Moment("cli/child.py", "_hand_on", "self._to_hand_on.pop(0)", signal.SIGINT, tmp_path),
    ]
    process = start_command(
        signalled(moments, "run", "--", sys.executable, "-c", "import time; time.sleep(60)"),
        env=clean_environment(HOME=str(tmp_path), TMPDIR=str(tmp_path)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, told = process.communicate(timeout=60)
    finally:
        end_session(process.pid)
        process.wait(10)
    # The second has it killed, if it lives still.
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
    assert process.returncode in [128 + number for number in ends], told
    assert f"The command ended with exit code {process.returncode}" in told
    assert "Traceback" not in told


def test_a_signal_at_any_moment_leaves_nothing_behind(tmp_path: Path) -> None:
    """While the server starts, before and behind it; the command is one that would stay."""
    command = [MOCK_INTAKE, "run", "--path", "proxy", "--", "sleep", "60"]
    environment = clean_environment(HOME=str(tmp_path), TMPDIR=str(tmp_path))
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for step in range(8):
        process = start_command(command, forked=False, cwd=tmp_path, env=environment, start_new_session=True, **pipes)
        # Python's own start-up knows no handlers yet; behind it the first thing to be seen is the CA's directory.
        until = time.monotonic() + 20
        while step % 2 and not list(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.002 * step if step % 2 else 0.1 * step)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (128 + signal.SIGTERM, -signal.SIGTERM)
        assert of_session(process.pid) == {}
        assert list(tmp_path.iterdir()) == []


# In a terminal


class Terminal:
    """A terminal in which a ``mock-intake run`` is the foreground job; closed at the end."""

    def __init__(self, home: Path, *command: str) -> None:
        self.keyboard, screen = pty.openpty()
        name = os.ttyname(screen)
        # The leader of a session gets the terminal that it opens first.
        into = ["sh", "-c", f'exec "$0" "$@" <{name} >{name} 2>&1']
        environment = clean_environment(HOME=str(home), TMPDIR=str(home))
        self.process = start_command(
            [*into, MOCK_INTAKE, "run", "--allow-none", "--", *command],
            cwd=home,
            env=environment,
            start_new_session=True,
        )
        self.shown = ""
        self._is_open = True
        self.read("sent")
        os.close(screen)  # not before: a terminal that nobody has open reads as ended

    def read(self, words: str = "") -> str:
        """What is shown until certain words, or until the end."""
        until = time.monotonic() + 20
        while (not words or words not in self.shown) and time.monotonic() < until:
            try:
                self.shown += os.read(self.keyboard, 4096).decode()
            except OSError:  # nobody has it open any more
                break
        return self.shown

    def press(self, key: bytes) -> None:
        os.write(self.keyboard, key)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self.keyboard)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def begin(*command: str) -> Terminal:
        opened.append(Terminal(tmp_path, *command))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()
        end_session(each.process.pid)
        each.process.wait(10)


def test_ctrl_c_comes_to_the_command_once_and_the_summary_is_printed(terminal: Callable[..., Terminal]) -> None:
    running = terminal(sys.executable, "-c", TIDY)
    groups = {group for _, group in of_session(running.process.pid).values()}
    assert groups == {running.process.pid}, "one job, which Ctrl-Z stops and fg continues as a whole"
    running.press(b"\x03")
    shown = running.read()
    assert running.process.wait(10) == 5
    assert "2 events taken" in shown


def test_the_command_reads_from_the_terminal(terminal: Callable[..., Terminal]) -> None:
    running = terminal("sh", "-c", "echo sent; read line; exit $line")
    running.press(b"7\n")
    running.read()
    assert running.process.wait(10) == 7


def test_a_signal_to_run_alone_ends_the_command_in_a_terminal_too(terminal: Callable[..., Terminal]) -> None:
    running = terminal(sys.executable, "-c", WAITING)
    running.process.send_signal(signal.SIGTERM)
    assert "1 event taken" in running.read()
    assert running.process.wait(10) == 128 + signal.SIGTERM


def test_a_terminal_that_is_closed_ends_everything(terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    running = terminal("sh", "-c", f"'{sys.executable}' waiting.py; true")
    running.close()
    assert running.process.wait(15) == 128 + signal.SIGHUP
    assert are_gone(running.process.pid)
    assert list(tmp_path.glob("mock-intake-*")) == []
