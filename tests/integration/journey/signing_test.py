#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Keys of persons: in OpenSSH's own ssh-agent, and in files with a passphrase.

Usage: signing_test.py HOLDFAST HOLDFASTD
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import agent
import gateway
from gateway import BAD_INPUT, CONFIGURATION, DEFECT, DONE, NOT_PERMITTED, TRY_AGAIN


class SigningTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.agent = agent.Agent(folder.name)
        cls.addClassCleanup(cls.agent.stop)
        for name in ("counsel", "principal"):
            cls.agent.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f",
                          str(cls.folder / name))
            cls.agent.run("ssh-add", "-q", str(cls.folder / name))
            os.remove(cls.folder / name)  # Now the agent alone has it.
        cls.world = gateway.Gateway.create(cls.folder / "world", records=20,
                                           edit=cls.enrol_agent_keys)
        cls.addClassCleanup(cls.world.kill)
        cls.world.start()
        cls.world.write_profile("counsel-1", cls.world.port, name="in-agent",
                                signing_agent=cls.public("counsel"))
        path = cls.world.path("home/profiles/in-agent")
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True)
                                if not line.startswith("signing_key")))

    @classmethod
    def public(cls, name):
        return cls.bare.cli(None, "identity", "show", cls.folder / f"{name}.pub").object["public_key"]

    @classmethod
    def enrol_agent_keys(cls, text):
        """Gives counsel-1 the agent's key in place of the file's."""
        cls.bare = gateway.Gateway(cls.folder / "world")
        old = cls.bare.cli(None, "identity", "show", "keys/counsel-1.pub").object["public_key"]
        assert text.count(old) == 1
        return text.replace(old, cls.public("counsel"))

    def hold(self, who, name, *options, want=DONE, environment=None, stdin=None):
        self.world.write("order.pdf", "the court's order")
        return self.world.cli(who, "hold", "place", "--id", name, "--matter", "1:26-cv-00001",
                              "--court", "D.D.C.", "--order-reference", "Dkt. 42", "--document",
                              "order.pdf", "--everything", "--yes", *options, want=want,
                              environment=environment, stdin=stdin)

    def test_an_agent_signs_and_the_gateway_takes_it(self):
        with_agent = self.agent.environment
        listed = self.world.cli(None, "identity", "agent", environment=with_agent)
        self.assertEqual([key["comment"] for key in listed.objects], ["counsel", "principal"])
        doctor = self.world.cli("in-agent", "doctor", environment=with_agent)
        self.assertTrue(all(check["ok"] for check in doctor.objects), doctor)
        self.hold("in-agent", "hold-agent", environment=with_agent)
        listed = self.world.cli("counsel-2", "hold", "list").objects
        self.assertIn(("hold-agent", "counsel-1"), [(h["id"], h["placed_by"]) for h in listed])

    def test_an_agent_that_is_locked_or_gone_signs_nothing(self):
        ask = self.folder / "askpass"
        ask.write_text("#!/bin/sh\necho locked\n")
        ask.chmod(0o700)
        asking = {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        self.agent.run("ssh-add", "-x", environment=asking)
        try:
            self.hold("in-agent", "hold-locked", want=CONFIGURATION,
                      environment=self.agent.environment)
        finally:
            self.agent.run("ssh-add", "-X", environment=asking)
        self.hold("in-agent", "hold-gone", want=TRY_AGAIN,
                  environment={"SSH_AUTH_SOCK": str(self.folder / "nobody")})
        self.hold("in-agent", "hold-none", want=TRY_AGAIN, environment={"SSH_AUTH_SOCK": ""})

    def test_the_owner_of_a_key_in_an_agent_may_decline(self):
        ask = self.folder / "decline"
        ask.write_text("#!/bin/sh\nexit 1\n")
        ask.chmod(0o700)
        (self.folder / "declining").mkdir()
        # The agent itself asks its owner.
        asking = agent.Agent(self.folder / "declining",
                             {"SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"})
        self.addCleanup(asking.stop)
        asking.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "asks"))
        asking.run("ssh-add", "-q", "-c", str(self.folder / "asks"))
        self.world.write_profile("counsel-2", self.world.port, name="asks",
                                 signing_agent=self.public("asks"))
        path = self.world.path("home/profiles/asks")
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True)
                                if not line.startswith("signing_key")))
        self.hold("asks", "hold-declined", want=NOT_PERMITTED, environment=asking.environment)

    def test_a_principal_signs_the_agreement_with_an_agent(self):
        text = self.world.read("agreement.txt")
        old = self.world.cli(None, "identity", "show",
                             "keys/principal-source.pub").object["public_key"]
        self.world.write("agent.txt", text.replace(old, self.public("principal")))
        signed = self.world.cli(None, "agreement", "sign", "agent.txt", "--agent",
                                self.public("principal"), "--out", "agent.dsse",
                                environment=self.agent.environment)
        self.assertEqual(signed.object["signatures"], 1)
        self.world.cli(None, "agreement", "sign", "agent.txt", "--key", "keys/principal-requester",
                       "--out", "agent.dsse")
        self.world.cli(None, "agreement", "verify", "agent.dsse")
        self.world.cli(None, "agreement", "sign", "agent.txt", "--out", "agent.dsse",
                       want=BAD_INPUT)

    def test_a_profile_names_one_key(self):
        self.world.write_profile("counsel-2", self.world.port, name="both",
                                 signing_agent=self.public("counsel"))
        refused = self.world.cli("both", "order", "context", want=CONFIGURATION)
        self.assertIn("both signing_key and signing_agent", refused.object["message"])

    def test_a_key_file_with_a_passphrase_signs(self):
        key = self.world.path("keys/sealed")
        key.write_bytes(self.world.path("keys/counsel-2").read_bytes())
        key.chmod(0o600)
        self.world.write("words", "correct horse\n")
        self.world.cli(None, "identity", "change-passphrase", "keys/sealed",
                       "--new-passphrase-file", "words")
        self.assertIn("argon2id-xchacha20poly1305", key.read_text())
        self.world.write_profile("counsel-2", self.world.port, name="sealed",
                                 signing_key="../../keys/sealed")
        self.hold("sealed", "hold-stdin", stdin="correct horse\n")
        self.hold("sealed", "hold-wrong", stdin="correct cow\n", want=DEFECT)
        self.hold("sealed", "hold-empty", want=BAD_INPUT)
        read, write = os.pipe()
        os.write(write, b"correct horse\n")
        os.close(write)
        command = [gateway.Programs.holdfast, "--json", "--quiet", "--profile", "sealed",
                   "--passphrase-fd", str(read), "hold", "lift", "hold-stdin", "--reason", "vacated",
                   "--yes"]
        done = subprocess.run(command, pass_fds=(read,), cwd=self.world.folder, timeout=120,
                              capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "HOLDFAST_HOME": str(self.world.path("home"))})
        os.close(read)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(json.loads(done.stdout)["schema"], "holdfast.cli.v1.OrderReceipt")

    def test_a_terminal_shows_no_passphrase(self):
        """New, again, and old ones typed on a terminal: none of them is echoed."""
        terminal = gateway.Terminal(
            [gateway.Programs.holdfast, "identity", "create", "--out", "keys/typed"],
            self.world.folder, dict(os.environ))
        for prompt in ("New passphrase: ", "again: "):
            terminal.answer(prompt, "correct horse")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertNotIn("horse", terminal.shown)
        self.world.write("words", "correct horse\n")
        self.world.cli(None, "identity", "change-passphrase", "keys/typed", "--passphrase-file",
                       "words", "--new-passphrase-file", "words")


if __name__ == "__main__":
    gateway.main()
