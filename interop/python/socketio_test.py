"""python-socketio of two generations against the contract server.

`socketio` speaks Socket.IO 5 over Engine.IO 4, `socketio_v4` the revision before it over Engine.IO
3, with bodies of bytes on polling. The server is `contract-server` in the folder that PEERS names,
or Node's own with SUBJECT=reference. Everything happens on 127.0.0.1.
"""

import functools
import os
import queue
import subprocess
import sys
import threading
import unittest

import socketio
import socketio_v4

PATIENCE = 10
HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = ["--port", "0", "--ping-interval", "300", "--ping-timeout", "20000"]
SETTINGS += ["--connect-timeout", "20000", "--eio3", "on", "--recovery", "off"]
TEXT = "Grüße 日本語 🦀"

# Name, module, the revision of Engine.IO.
GENERATIONS = [("4", socketio_v4, 3), ("5", socketio, 4)]
# Name, what the client may use, where it ends.
WAYS = [
    ("polling", ["polling"], "polling"),
    ("websocket", ["websocket"], "websocket"),
    ("upgrade", ["polling", "websocket"], "websocket"),
]


def program():
    if os.environ.get("SUBJECT") == "reference":
        return ["node", os.path.join(HERE, "../js/reference.mjs")]
    return [os.path.join(os.environ["PEERS"], "contract-server")]


def in_order(engine):
    """Handles messages one after the other. The client gives each a thread of its own: on a busy
    machine one overtakes another, and bytes are taken for the packet that they were to follow."""
    trigger = engine._trigger_event
    messages = queue.Queue()

    def work():
        while True:
            trigger(*messages.get(), run_async=False)

    def wait_in_line(*args, **options):
        if options.get("run_async"):
            return messages.put(args)
        return trigger(*args, **options)

    threading.Thread(target=work, daemon=True).start()
    engine._trigger_event = wait_in_line


class Peer:
    """A client and what it hears."""

    def __init__(self, module, namespaces=("/",)):
        self.client = module.Client(reconnection=False)
        in_order(self.client.eio)
        self.heard = {}
        for namespace in namespaces:
            for event in ("welcome", "echo", "news", "connect_error", "disconnect", "question"):
                self.listen(event, namespace)

    def listen(self, event, namespace):
        box = self.heard[namespace, event] = queue.Queue()

        def take(*args):
            box.put(args)
            return ("yes", *args) if event == "question" else None

        self.client.on(event, take, namespace=namespace)

    def next(self, event, namespace="/"):
        return self.heard[namespace, event].get(timeout=PATIENCE)

    def ask(self, event, *args, namespace="/"):
        """What the acknowledgement carries."""
        data = args if len(args) != 1 else args[0]
        return self.client.call(event, data or None, namespace=namespace, timeout=PATIENCE)


def each(test):
    """Runs a test with every generation in every way."""

    @functools.wraps(test)
    def run(self):
        for name, module, revision in GENERATIONS:
            for way, transports, settled in WAYS:
                with self.subTest(generation=name, way=way):
                    test(self, module, revision, transports, settled)

    return run


class Generations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen(program() + SETTINGS, stdout=subprocess.PIPE, text=True)
        line = cls.server.stdout.readline()
        cls.url = line.strip().removeprefix("listening on ")

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.wait()
        cls.server.stdout.close()

    def connect(self, module, transports, namespaces=("/",), query="", **options):
        peer = Peer(module, namespaces)
        self.addCleanup(peer.client.disconnect)
        named = list(namespaces)
        peer.client.connect(self.url + query, transports=transports, namespaces=named, **options)
        return peer

    @each
    def test_connect_events_and_acks(self, module, revision, transports, settled):
        peer = self.connect(module, transports)
        [greeting] = peer.next("welcome")
        info = peer.ask("info")
        self.assertEqual(info["protocol"], revision)
        self.assertEqual(info["transport"], settled)
        self.assertEqual(greeting["id"], info["id"])
        if revision == 3:
            self.assertEqual(info["id"], peer.client.sid)
        values = (TEXT, 1, None, True, [], {"a": [TEXT]})
        peer.client.emit("echo", values)
        self.assertEqual(peer.next("echo"), values)
        self.assertEqual(tuple(peer.ask("echo-ack", *values)), values)
        peer.client.emit("ask", TEXT)
        self.assertEqual(peer.next("question"), (TEXT,))

    @each
    def test_binary_both_ways(self, module, _revision, transports, _settled):
        data = bytes(range(256)) * 40
        peer = self.connect(module, transports)
        nested = {"a": [data, {"b": b"\xff\x04"}]}
        peer.client.emit("echo", (TEXT, nested, data))
        self.assertEqual(peer.next("echo"), (TEXT, nested, data))
        self.assertEqual(peer.ask("echo-ack", data), data)
        self.assertEqual(tuple(peer.ask("sum", data)), (len(data), sum(data)))
        self.assertEqual(len(peer.ask("make-binary", 90_000)), 90_000)

    @each
    def test_order_and_heartbeats(self, module, _revision, transports, _settled):
        peer = self.connect(module, transports)
        for number in range(60):
            value = bytes([number]) if number % 7 == 0 else number
            peer.client.emit("echo", value)
            # No more in one batch than such a client takes; and past a few heartbeats.
            if number % 4 == 3:
                self.assertEqual(peer.ask("echo-ack", number), number)
                peer.client.sleep(0.05)
        heard = [peer.next("echo")[0] for _ in range(60)]
        expected = [bytes([n]) if n % 7 == 0 else n for n in range(60)]
        self.assertEqual(heard, expected)
        self.assertTrue(peer.heard["/", "disconnect"].empty())

    def test_rooms_across_generations(self):
        for way, transports, _ in WAYS:
            with self.subTest(way=way):
                peers = [self.connect(module, transports) for _, module, _ in GENERATIONS]
                for peer in peers:
                    peer.ask("join", way)
                for sender, receiver in (peers, peers[::-1]):
                    sender.client.emit("to", ([way], "news", TEXT, b"\x01\x02"))
                    self.assertEqual(receiver.next("news"), (TEXT, b"\x01\x02"))
                self.assertEqual(peers[0].ask("room-size", way), 2)

    @each
    def test_namespaces(self, module, revision, transports, _settled):
        names = ("/", "/chat", "/dynamic-12")
        peer = self.connect(module, transports, names)
        for name in names:
            [greeting] = peer.next("welcome", name)
            self.assertEqual(greeting["nsp"], name)
            self.assertEqual(peer.ask("echo-ack", name, namespace=name), name)
            if revision == 3 and name != "/":
                self.assertEqual(greeting["id"], f"{name}#{peer.client.sid}")

    @each
    def test_secrets_and_refusals(self, module, revision, transports, _settled):
        secret = {"query": "?token=secret"} if revision == 3 else {"auth": {"token": "secret"}}
        peer = self.connect(module, transports, ("/admin",), **secret)
        self.assertEqual(peer.next("welcome", "/admin")[0]["nsp"], "/admin")

        refused = Peer(module, ("/", "/admin"))
        self.addCleanup(refused.client.disconnect)
        try:
            refused.client.connect(
                self.url, transports=transports, namespaces=["/", "/admin"]
            )
        except module.exceptions.ConnectionError:
            pass
        [error] = refused.next("connect_error", "/admin")
        content = {"code": 401, "content": "no token"}
        wanted = content if revision == 3 else {"message": "unauthorized", "data": content}
        self.assertEqual(error, wanted)

    @each
    def test_the_server_ends_it(self, module, _revision, transports, _settled):
        peer = self.connect(module, transports)
        peer.next("welcome")
        peer.client.emit("kick")
        peer.next("disconnect")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    # One test fails once, however many of its generations do.
    broken = {str(getattr(test, "test_case", test)) for test, _ in result.failures + result.errors}
    print(f"# pass {result.testsRun - len(broken)}")
    print(f"# fail {len(broken)}")
    sys.stdout.flush()
    sys.exit(1 if broken or result.testsRun == 0 else 0)


if __name__ == "__main__":
    main()
