"""A Strait server that may be killed, and a raw client of it: Python's standard library only."""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

ERROR, STARTUP, READY, QUERY, RESULT = 0, 1, 2, 7, 8
PAGE_SIZE, PAGING_STATE = 0x04, 0x08
ONE = 1


class Refused(Exception):
    """An ERROR frame."""

    def __init__(self, code, message):
        super().__init__('0x%04x %s' % (code, message))
        self.code = code
        self.message = message


class Ended(Exception):
    """The connection has ended."""


def refused_start(folder, *options, before=None):
    """(status, standard error) of a server that is expected to end at once; `before` runs in its process first.
    The program is run from a folder that everybody may enter: `before` may give up the right to enter its own."""
    with tempfile.TemporaryDirectory() as public:
        os.chmod(public, 0o755)
        program = shutil.copy(os.environ['STRAIT'], public)
        done = subprocess.run([program, 'serve', '--dir', folder, '--listen', '127.0.0.1:0', *options],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before, timeout=60)
    assert not done.stdout, done.stdout
    return done.returncode, done.stderr.decode(errors='replace')


class Server:
    """A server that answers."""

    def __init__(self, folder, *options):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ['STRAIT'], 'serve', '--dir', folder, '--listen', '127.0.0.1:0', *options],
            stdout=subprocess.PIPE, stderr=self.errors)
        line = self.process.stdout.readline()
        if not line:
            status = self.wait()
            raise RuntimeError('did not start: status %s: %s' % (status, self.said))
        self.announcement = json.loads(line)

    def client(self):
        return Client(self.announcement['port'])

    def wait(self):
        """The exit status; what was said on standard error is in `said` then."""
        status = self.process.wait(60)
        self.process.stdout.close()
        self.errors.seek(0)
        self.said = self.errors.read().decode(errors='replace')
        self.errors.close()
        return status

    def end(self, number):
        """Send the signal, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        status = self.end(signal.SIGTERM)
        assert status == 0, 'ended with status %s: %s' % (status, self.said)


class Client:
    """One connection. Requests may be sent ahead of their answers."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 30)
        self.received = self.socket.makefile('rb')
        name, version = b'CQL_VERSION', b'3.0.0'
        self.send(STARTUP, 0, struct.pack('>HH', 1, len(name)) + name + struct.pack('>H', len(version)) + version)
        assert self.receive()[1] == READY

    def close(self):
        self.received.close()
        self.socket.close()

    def send(self, opcode, stream, body):
        try:
            self.socket.sendall(struct.pack('>BBhBI', 4, 0, stream, opcode, len(body)) + body)
        except OSError as error:
            raise Ended() from error

    def receive(self):
        """(stream, opcode, body)"""
        try:
            header = self.received.read(9)
            if len(header) < 9:
                raise Ended()
            _, _, stream, opcode, size = struct.unpack('>BBhBI', header)
            body = self.received.read(size)
        except OSError as error:
            raise Ended() from error
        if len(body) < size:
            raise Ended()
        return stream, opcode, body

    def answer(self):
        """The body of the next RESULT."""
        _, opcode, body = self.receive()
        if opcode == ERROR:
            raise Refused(*error_of(body))
        return body

    def query(self, text):
        text = text.encode()
        self.send(QUERY, 0, struct.pack('>I', len(text)) + text + struct.pack('>HB', ONE, 0))
        return self.answer()

    def rows(self, text, page_size=500):
        """The rows of a SELECT whose columns are int or text, as tuples of bytes or None, page after page."""
        text = text.encode()
        state = None
        while True:
            flags = PAGE_SIZE | (PAGING_STATE if state else 0)
            body = struct.pack('>I', len(text)) + text + struct.pack('>HBI', ONE, flags, page_size)
            if state:
                body += struct.pack('>I', len(state)) + state
            self.send(QUERY, 0, body)
            page, state = rows_of(self.answer())
            yield from page
            if not state:
                return


def error_of(body):
    code, size = struct.unpack_from('>IH', body)
    return code, body[6:6 + size].decode(errors='replace')


def rows_of(body):
    kind, flags, columns = struct.unpack_from('>III', body)
    assert kind == 2, 'not rows'
    at = 12
    state = None
    if flags & 2:
        size, = struct.unpack_from('>I', body, at)
        state = body[at + 4:at + 4 + size]
        at += 4 + size
    for _ in range(2):  # keyspace and table
        at += 2 + struct.unpack_from('>H', body, at)[0]
    for _ in range(columns):  # name and type
        at += 4 + struct.unpack_from('>H', body, at)[0]
    count, = struct.unpack_from('>I', body, at)
    at += 4
    rows = []
    for _ in range(count):
        row = []
        for _ in range(columns):
            size, = struct.unpack_from('>i', body, at)
            at += 4
            row.append(body[at:at + size] if size >= 0 else None)
            at += max(size, 0)
        rows.append(tuple(row))
    return rows, state


def create_table(client):
    client.query("CREATE KEYSPACE IF NOT EXISTS k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    client.query('CREATE TABLE IF NOT EXISTS k.t (p int, c int, v text, w text, PRIMARY KEY (p, c))')
    client.query('CREATE INDEX IF NOT EXISTS ON k.t (w)')


def value_of(p, c):
    """What belongs into column v of a row."""
    return '%d/%d;' % (p, c) * (1 + (p * 31 + c * 17) % 97)


def label_of(p, c):
    """What belongs into column w, which is indexed."""
    return '%d-%d' % (p, len(value_of(p, c)))


def insert_of(p, c):
    return "INSERT INTO k.t (p, c, v, w) VALUES (%d, %d, '%s', '%s')" % (p, c, value_of(p, c), label_of(p, c))


class Writer(threading.Thread):
    """Writes rows c = 0, 1, ... of partition p until the connection ends or `limit` is reached, `window` requests ahead of
    their answers. Every tenth is a logged batch of two partitions: p, and p + TWIN."""

    TWIN = 1000000

    def __init__(self, server, p, limit=10 ** 9, window=16):
        super().__init__()
        self.client = server.client()
        self.p = p
        self.limit = limit
        self.window = window
        self.acknowledged = set()
        self.sent = 0
        self.refusals = []

    def request(self, c):
        text = insert_of(self.p, c)
        if c % 10 == 0:
            text = 'BEGIN BATCH %s; %s; APPLY BATCH' % (text, insert_of(self.p + self.TWIN, c))
        text = text.encode()
        self.client.send(QUERY, c % 32768, struct.pack('>I', len(text)) + text + struct.pack('>HB', ONE, 0))

    def run(self):
        pending = {}
        try:
            while self.sent < self.limit or pending:
                while self.sent < self.limit and len(pending) < self.window:
                    pending[self.sent % 32768] = self.sent
                    self.sent += 1
                    self.request(self.sent - 1)
                stream, opcode, body = self.client.receive()
                c = pending.pop(stream)
                if opcode == RESULT:
                    self.acknowledged.add(c)
                else:
                    self.refusals.append(error_of(body))
        except Ended:
            pass
        self.client.close()


def rows_found(client, p):
    """The numbers of the rows in partition p, each of which must be whole."""
    found = set()
    for c, v, w in client.rows('SELECT c, v, w FROM k.t WHERE p = %d' % p):
        c, = struct.unpack('>i', c)
        assert v == value_of(p, c).encode(), 'row (%d, %d) has the wrong v' % (p, c)
        assert w == label_of(p, c).encode(), 'row (%d, %d) has the wrong w' % (p, c)
        assert c not in found, 'row (%d, %d) comes twice' % (p, c)
        found.add(c)
    return found


def check_index(client, p, found):
    """The index finds the rows of the table, and no others."""
    for label in sorted({label_of(p, c) for c in found})[:5]:
        rows = client.rows("SELECT p, c FROM k.t WHERE w = '%s'" % label)
        indexed = sorted(struct.unpack('>i', c)[0] for _, c in rows)
        assert indexed == sorted(c for c in found if label_of(p, c) == label), 'index of %s: %s' % (label, indexed)


def check(server, writer):
    """Every acknowledged row is there, no row is half, a batch is there in both partitions or in none, and the index
    agrees."""
    client = server.client()
    twin = writer.p + Writer.TWIN
    found = {p: rows_found(client, p) for p in (writer.p, twin)}
    for p in found:
        check_index(client, p, found[p])
    client.close()
    lost = writer.acknowledged - found[writer.p]
    assert not lost, 'acknowledged rows of partition %d are lost: %s' % (writer.p, sorted(lost)[:10])
    assert all(c < writer.sent for c in found[writer.p]), 'partition %d has rows that were never sent' % writer.p
    batches = {c for c in found[writer.p] if c % 10 == 0}
    assert batches == found[twin], 'a batch of partition %d is there in part' % writer.p
    return len(found[writer.p])
