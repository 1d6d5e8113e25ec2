# SPDX-License-Identifier: Apache-2.0
"""OpenSSH's own ssh-agent, for tests that sign with it."""
import os
import pathlib
import re
import signal
import subprocess


class Agent:
    """A real ssh-agent with a socket of its own."""

    def __init__(self, folder, environment=None):
        self.socket = str(pathlib.Path(folder) / "agent")
        self.environment = {"SSH_AUTH_SOCK": self.socket}
        # It listens when this has ended, and goes on in the background.
        said = subprocess.run(["ssh-agent", "-a", self.socket], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, **(environment or {})})
        self.pid = int(re.search(r"SSH_AGENT_PID=(\d+)", said.stdout)[1])

    def run(self, *arguments, environment=None):
        subprocess.run(arguments, check=True, text=True, capture_output=True,
                       stdin=subprocess.DEVNULL,
                       env={**os.environ, **self.environment, **(environment or {})})

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
