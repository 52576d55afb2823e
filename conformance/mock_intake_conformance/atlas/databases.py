"""Databases that pipelines of the atlas run beside, as files of theirs."""

WITH_POSTGRES = """\
# Runs a command beside a PostgreSQL server of its own, which Debian's package brings.
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
# The server refuses to run as root.
root = os.geteuid() == 0
options = {"user": "postgres"} if root else {}


def server(program, *arguments):
    command = [programs / program, "-D", directory + "/data", *arguments]
    subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, check=True, **options)


with tempfile.TemporaryDirectory() as directory:
    if root:
        shutil.chown(directory, "postgres")
    server("initdb", "--auth=trust", "--username=postgres")
    server("pg_ctl", "--wait", f"--options=-p 54329 -k {directory}", f"--log={directory}/log", "start")
    try:
        done = subprocess.run(sys.argv[1:])
    finally:
        server("pg_ctl", "--wait", "--mode=immediate", "stop")
sys.exit(done.returncode)
"""
