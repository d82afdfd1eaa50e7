"""Python's websockets against our server and our client, plain and with permessage-deflate.

The programs under test are `ws-echo` and `ws-client`, found in the folder that PEERS names.
Everything happens on 127.0.0.1, on ports that the system chooses.
"""

import asyncio
import json
import os
import sys
import unittest

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)

PEERS = os.environ["PEERS"]
PATIENCE = 30

# What either side asks for; the windows are those that zlib knows.
VARIANTS = [
    {},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True},
    {"server_max_window_bits": 9},
    {"client_max_window_bits": 10},
    {
        "server_no_context_takeover": True,
        "client_no_context_takeover": True,
        "server_max_window_bits": 11,
        "client_max_window_bits": 12,
    },
]

TEXT = "What news on the Rialto? " * 400


def flags(wish):
    """A wish as our programs take it; what it does not name is kept."""
    kept = {"server_no_context_takeover": False, "client_no_context_takeover": False}
    words = []
    for name, value in (kept | wish).items():
        words += ["--" + name.replace("_", "-"), str(value).lower()]
    return words


class Peers(unittest.IsolatedAsyncioTestCase):
    """Starts our programs and ends them with the test."""

    async def start(self, name, *words):
        program = await asyncio.create_subprocess_exec(
            os.path.join(PEERS, name), *words, stdout=asyncio.subprocess.PIPE
        )

        async def end():
            if program.returncode is None:
                program.kill()
            await program.wait()

        self.addAsyncCleanup(end)
        return program

    async def line(self, program):
        line = await asyncio.wait_for(program.stdout.readline(), PATIENCE)
        return line.decode().strip()

    async def echo(self, *words):
        program = await self.start("ws-echo", *words)
        return (await self.line(program)).removeprefix("listening on ")

    async def talk(self, peer):
        """Messages of every kind come back as they were."""
        messages = [
            TEXT,
            "",
            b"",
            "short",
            "Grüße 日本語 🦀 " * 500,
            os.urandom(20_000),
            TEXT.encode() * 30,
            TEXT,
        ]
        for message in messages * 2:
            await peer.send(message)
            back = await asyncio.wait_for(peer.recv(), PATIENCE)
            self.assertEqual(type(back), type(message))
            self.assertTrue(back == message, f"{len(message)} bytes come back as they were")
        await peer.send(["one, ", "", "two"])
        self.assertEqual(await asyncio.wait_for(peer.recv(), PATIENCE), "one, two")
        await asyncio.wait_for(await peer.ping(b"there?"), PATIENCE)

    def agreed(self, peer, wish, role):
        """The extension in use keeps to what was asked for. `role` is websockets' own."""
        [extension] = peer.protocol.extensions
        self.assertIsInstance(extension, PerMessageDeflate)
        other = {"client": "server", "server": "client"}[role]
        for side, who in ((role, "local"), (other, "remote")):
            if wish.get(f"{side}_no_context_takeover"):
                self.assertTrue(getattr(extension, f"{who}_no_context_takeover"))
            bits = wish.get(f"{side}_max_window_bits")
            if bits:
                self.assertLessEqual(getattr(extension, f"{who}_max_window_bits"), bits)


class AgainstOurServer(Peers):
    async def test_plain(self):
        async with connect(await self.echo(), compression=None) as peer:
            self.assertEqual(peer.protocol.extensions, [])
            await self.talk(peer)

    async def test_as_it_comes(self):
        async with connect(await self.echo()) as peer:
            self.agreed(peer, {"server_no_context_takeover": True}, "client")
            await self.talk(peer)

    async def test_it_asks(self):
        for wish in VARIANTS:
            with self.subTest(wish):
                factory = ClientPerMessageDeflateFactory(**({"client_max_window_bits": True} | wish))
                url = await self.echo(*flags({}))
                async with connect(url, extensions=[factory], compression=None) as peer:
                    self.agreed(peer, wish, "client")
                    await self.talk(peer)

    async def test_we_ask(self):
        for wish in VARIANTS:
            with self.subTest(wish):
                async with connect(await self.echo(*flags(wish))) as peer:
                    self.agreed(peer, wish, "client")
                    await self.talk(peer)

    async def test_a_large_message(self):
        message = os.urandom(8 << 20)
        async with connect(await self.echo(), max_size=None) as peer:
            await peer.send(message)
            self.assertTrue(await asyncio.wait_for(peer.recv(), PATIENCE) == message)

    async def test_one_byte_over_the_limit(self):
        for compression in (None, "deflate"):
            url = await self.echo("--max-message", "10000")
            async with connect(url, compression=compression) as peer:
                await peer.send("x" * 10_000)
                self.assertEqual(len(await asyncio.wait_for(peer.recv(), PATIENCE)), 10_000)
                await peer.send("x" * 10_001)
                with self.assertRaises(ConnectionClosed) as caught:
                    await asyncio.wait_for(peer.recv(), PATIENCE)
                self.assertEqual(caught.exception.rcvd.code, 1009)

    async def test_subprotocol_and_close(self):
        url = await self.echo("--protocol", "chat.v2", "--protocol", "chat.v1")
        async with connect(url, subprotocols=["chat.v1", "chat.v2"]) as peer:
            self.assertEqual(peer.subprotocol, "chat.v2")
            await peer.close(4000, "auf Wiedersehen")
            self.assertEqual(peer.close_code, 4000)

    async def test_a_foreign_page_is_refused(self):
        with self.assertRaises(InvalidStatus) as caught:
            await connect(await self.echo(), origin="http://evil.example")
        self.assertEqual(caught.exception.response.status_code, 403)


class OurClient(Peers):
    async def against(self, words, then, **options):
        """Runs our client against a server of websockets; `then` is the server's end."""
        outcome = asyncio.get_running_loop().create_future()

        async def handler(peer):
            try:
                await then(peer)
                outcome.set_result(None)
            except BaseException as error:
                outcome.set_exception(error)
            await peer.wait_closed()

        async with serve(handler, "127.0.0.1", 0, **options) as server:
            port = server.sockets[0].getsockname()[1]
            program = await self.start("ws-client", f"ws://127.0.0.1:{port}/", *words)
            said = [json.loads(await self.line(program))]
            self.assertIn("open", said[0])
            await asyncio.wait_for(outcome, 4 * PATIENCE)
            said.append(json.loads(await self.line(program)))
            return said

    async def talk_and_close(self, peer):
        await self.talk(peer)
        await peer.close(1000, "done")

    async def test_plain(self):
        async def then(peer):
            self.assertEqual(peer.protocol.extensions, [])
            await self.talk_and_close(peer)

        [_, end] = await self.against([], then, compression=None)
        self.assertEqual(end, {"close": {"code": 1000, "reason": "done"}})

    async def test_as_it_comes(self):
        async def then(peer):
            self.agreed(peer, {"server_no_context_takeover": True}, "server")
            await self.talk_and_close(peer)

        await self.against([], then)

    async def test_we_ask(self):
        for wish in VARIANTS:
            with self.subTest(wish):

                async def then(peer):
                    self.agreed(peer, wish, "server")
                    await self.talk_and_close(peer)

                await self.against(flags(wish), then)

    async def test_it_asks(self):
        for wish in VARIANTS:
            with self.subTest(wish):

                async def then(peer):
                    self.agreed(peer, wish, "server")
                    await self.talk_and_close(peer)

                factory = ServerPerMessageDeflateFactory(**wish)
                await self.against(flags({}), then, extensions=[factory], compression=None)

    async def test_subprotocol(self):
        async def then(peer):
            self.assertEqual(peer.subprotocol, "chat.v1")
            await self.talk_and_close(peer)

        [opened, _] = await self.against(["--protocol", "chat.v1"], then, subprotocols=["chat.v1"])
        self.assertEqual(opened, {"open": {"protocol": "chat.v1"}})


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"# pass {result.testsRun - failed - len(result.skipped)}")
    print(f"# fail {failed}")
    print(f"# skipped {len(result.skipped)}")
    sys.stdout.flush()
    sys.exit(1 if failed or result.testsRun == 0 else 0)


if __name__ == "__main__":
    main()
