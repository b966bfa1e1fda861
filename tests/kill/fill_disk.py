"""A disk that fills up under the load: writers are told, readers are served, and it goes on when there is room again.

    fill_disk.py BODY

The disk is a small tmpfs, which root may mount, and everybody in a user namespace of his own.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from cql_server import Refused, Server, Writer, check, create_table, insert_of

SKIPPED = 77  # what CTest takes for "cannot be run here"
OVERLOADED = 0x1001
DISK_BYTES = 96 << 20
FILLER_BYTES = 40 << 20
PARTITIONS = 16


@contextlib.contextmanager
def small_disk():
    """A folder on a small disk; None where mounting is refused."""
    folder = tempfile.mkdtemp(prefix='strait-space-', dir='/var/tmp')
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=%d' % DISK_BYTES, 'tmpfs', folder],
                             stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(['umount', '-l', folder], check=True)
        shutil.rmtree(folder)


def write(client, c):
    client.query("INSERT INTO k.big (p, c, v) VALUES (%d, %d, '%s')" % (c % PARTITIONS, c, os.urandom(8000).hex()))


def write_until_refused(client):
    """How many rows were acknowledged, and the refusal."""
    for c in range(1000000):
        try:
            write(client, c)
        except Refused as refusal:
            return c, refusal
    raise AssertionError('the disk never filled up')


def write_until_taken(client, c):
    """There is room again: it is used soon."""
    end = time.monotonic() + 30
    while True:
        try:
            return write(client, c)
        except Refused as refusal:
            assert refusal.code == OVERLOADED, refusal
            assert time.monotonic() < end, refusal
        time.sleep(0.02)


def run(disk, body):
    store, filler = os.path.join(disk, 'store'), os.path.join(disk, 'filler')
    options = ['--io', body, '--durability', 'durable', '--memtable-mib', '4']
    with open(filler, 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, FILLER_BYTES)
    server = Server(store, *options)
    client = server.client()
    create_table(client)
    client.query('CREATE TABLE k.big (p int, c int, v text, PRIMARY KEY (p, c))')
    early = Writer(server, 1, limit=50)
    early.run()

    count, refusal = write_until_refused(client)
    assert refusal.code == OVERLOADED and 'disk full' in refusal.message, refusal
    assert check(server, early) == 50
    assert sum(1 for _ in client.rows('SELECT c FROM k.big WHERE p = 3')) >= count // PARTITIONS

    os.unlink(filler)
    for c in range(count, count + 200):
        write_until_taken(client, c)
    time.sleep(1)  # what found no room in the background is tried again
    client.close()
    server.stop()

    server = Server(store, *options)
    assert check(server, early) == 50
    client = server.client()
    found = {c for p in range(PARTITIONS) for c, in client.rows('SELECT c FROM k.big WHERE p = %d' % p)}
    assert len(found) == count + 200, '%d rows of %d' % (len(found), count + 200)
    client.close()
    server.stop()
    print('%d rows were taken before the disk was full, 200 after' % count)


def main():
    with small_disk() as disk:
        if disk:
            run(disk, sys.argv[1])
            return 0
    if 'STRAIT_SPACE_NAMESPACE' not in os.environ:
        environment = dict(os.environ, STRAIT_SPACE_NAMESPACE='1')
        inside = subprocess.run(['unshare', '--map-root-user', '--mount', sys.executable, *sys.argv], env=environment,
                                check=False)
        return inside.returncode
    print('this machine lets nobody mount a small disk')
    return SKIPPED


if __name__ == '__main__':
    sys.exit(main())
