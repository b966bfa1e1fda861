"""Ending a server, and starting one where it cannot be."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from cql_server import Refused, Server, Writer, check, create_table, insert_of, refused_start

NOBODY = 65534


def as_nobody():
    """Root may write anywhere."""
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def inspect(path):
    return subprocess.run([os.environ['STRAIT'], 'inspect', path], stdout=subprocess.PIPE, check=True, text=True).stdout


def records_to_replay(folder):
    """How many records of the log the next start would apply."""
    floors = {}
    for stream, segment, offset in re.findall(r'log stream (\d+) is replayed from segment (\d+), offset (\d+)', inspect(folder)):
        floor = int(segment), int(offset)
        floors[int(stream)] = min(floor, floors.get(int(stream), floor))
    count = 0
    for name in os.listdir(os.path.join(folder, 'log')):
        stream, segment = map(int, re.fullmatch(r'log-(\d+)-(\d+)\.log', name).groups())
        for offset in re.findall(r'record @(\d+)', inspect(os.path.join(folder, 'log', name))):
            count += (segment, int(offset)) >= floors.get(stream, (0, 0))
    return count


class Stop(unittest.TestCase):
    def setUp(self):
        self.parent = tempfile.mkdtemp(prefix='strait-stop-', dir='/var/tmp')
        os.chmod(self.parent, 0o755)
        self.addCleanup(shutil.rmtree, self.parent)
        self.folder = os.path.join(self.parent, 'store')

    def start(self, *options):
        server = Server(self.folder, *options)
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        return server

    def test_sigterm_flushes_everything_and_leaves_nothing_to_replay(self):
        for durability in 'periodic', 'durable', 'none':
            for number in signal.SIGTERM, signal.SIGINT:
                with self.subTest(durability=durability, signal=number):
                    shutil.rmtree(self.folder, ignore_errors=True)
                    server = self.start('--durability', durability)
                    client = server.client()
                    create_table(client)
                    writer = Writer(server, 1, limit=500)
                    writer.run()
                    self.assertEqual(500, len(writer.acknowledged))
                    self.assertEqual(0, server.end(number), server.said)
                    client.close()
                    self.assertEqual(0, records_to_replay(self.folder))
                    server = self.start()
                    self.assertEqual(500, check(server, writer))
                    server.stop()

    def test_kill_leaves_something_to_replay(self):
        server = self.start('--durability', 'durable')
        client = server.client()
        create_table(client)
        client.query(insert_of(1, 1))
        client.close()
        server.kill()
        self.assertGreater(records_to_replay(self.folder), 0)

    def test_sigterm_under_load_keeps_what_was_acknowledged(self):
        server = self.start('--memtable-mib', '1')
        client = server.client()
        create_table(client)
        client.close()
        writers = [Writer(server, p) for p in range(4)]
        for writer in writers:
            writer.start()
        time.sleep(0.2)
        server.stop()
        for writer in writers:
            writer.join()
        server = self.start()
        for writer in writers:
            check(server, writer)
        server.stop()

    def test_second_process_is_refused_and_the_first_goes_on(self):
        server = self.start()
        client = server.client()
        create_table(client)
        status, said = refused_start(self.folder)
        self.assertEqual(1, status)
        self.assertIn('another process has this store open', said)
        client.query(insert_of(1, 1))
        self.assertEqual(1, len(list(client.rows('SELECT c FROM k.t WHERE p = 1'))))
        client.close()
        server.stop()
        self.start().stop()

    def test_folder_with_other_files_is_left_alone(self):
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, 'notes.txt'), 'w', encoding='ascii') as file:
            file.write('mine')
        status, said = refused_start(self.folder)
        self.assertEqual(1, status)
        self.assertIn('holds other files', said)
        self.assertEqual(['notes.txt'], os.listdir(self.folder))

    def test_file_is_no_folder(self):
        with open(self.folder, 'w', encoding='ascii') as file:
            file.write('mine')
        status, said = refused_start(self.folder)
        self.assertEqual(1, status)
        self.assertIn('Not a directory', said)

    def test_parent_that_is_missing_is_named(self):
        status, said = refused_start(os.path.join(self.parent, 'missing', 'store'))
        self.assertEqual(1, status)
        self.assertIn('No such file or directory', said)

    def test_folder_that_may_not_be_written_is_refused(self):
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o555)
        status, said = refused_start(self.folder, before=as_nobody)
        self.assertEqual(1, status)
        self.assertIn('Permission denied', said)
        self.assertEqual([], os.listdir(self.folder))

    def test_store_of_another_user_is_refused(self):
        self.start().stop()
        if os.getuid() != 0:
            os.chmod(self.folder, 0)
            self.addCleanup(os.chmod, self.folder, 0o700)
        status, said = refused_start(self.folder, before=as_nobody)
        self.assertEqual(1, status)
        self.assertIn('Permission denied', said)

    def test_port_in_use_is_refused(self):
        server = self.start()
        status, said = refused_start(os.path.join(self.parent, 'other'), '--listen',
                                     '127.0.0.1:%d' % server.announcement['port'])
        self.assertEqual(1, status)
        self.assertIn('Address already in use', said)
        server.stop()

    def test_damaged_identity_is_refused(self):
        server = self.start()
        client = server.client()
        create_table(client)
        client.close()
        server.stop()
        with open(os.path.join(self.folder, 'STORE'), 'r+b') as file:
            file.seek(20)
            byte = file.read(1)
            file.seek(20)
            file.write(bytes([byte[0] ^ 1]))
        status, said = refused_start(self.folder)
        self.assertEqual(1, status)
        self.assertIn('damaged', said)

    def test_refusals_of_statements_are_no_reason_to_end(self):
        server = self.start()
        client = server.client()
        for _ in range(3):
            with self.assertRaises(Refused):
                client.query('SELECT * FROM nowhere.nothing')
        client.close()
        server.stop()


if __name__ == '__main__':
    unittest.main()
