"""strait inspect: what is in a store's files, whole, damaged and wrong."""
import glob
import os
import re
import shutil
import signal
import subprocess

from program import KEYSPACE, STRAIT, ProgramTest, main, run

LOAD = (KEYSPACE + 'CREATE TABLE k.t (id int, at int, v text, PRIMARY KEY (id, at));'
        + ''.join("INSERT INTO k.t (id, at, v) VALUES (%d, %d, 'value %d');" % (i % 7, i, i) for i in range(300))
        + 'DELETE FROM k.t WHERE id = 3 AND at = 3;')


def flush(store):
    """A server that ends writes what was only in its log and in memory to SSTables."""
    with subprocess.Popen([STRAIT, 'serve', '--dir', store, '--listen', '127.0.0.1:0'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as server:
        server.stdout.readline()  # it answers
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


class Inspect(ProgramTest):
    def setUp(self):
        super().setUp()
        self.store = self.path('s')
        self.run_well('exec', '--dir', self.store, text=LOAD)  # everything is in the log
        self.logs = glob.glob(os.path.join(self.store, 'log', '*.log'))
        for log in self.logs:
            shutil.copy(log, self.folder)
        flush(self.store)
        self.table = max(glob.glob(os.path.join(self.store, 'table', '*.sst')), key=os.path.getsize)

    def damage(self, path, at, name):
        with open(path, 'rb') as file:
            data = bytearray(file.read())
        data[at] ^= 0xff
        with open(self.path(name), 'wb') as file:
            file.write(data)
        return self.path(name)

    def test_a_folder_shows_identity_tables_and_files(self):
        text = self.run_well('inspect', self.store)
        self.assertRegex(text, r'^store [0-9a-f-]{36}\n')
        self.assertIn('property "keyspace/k"', text)
        rows = sum(int(count) for count in re.findall(r'(\d+) rows', text))
        self.assertEqual(rows, 300)  # one of them is a tombstone

    def test_a_log_segment_shows_its_blocks_and_records(self):
        records = 0
        for log in glob.glob(self.path('log-*.log')):
            text = self.run_well('inspect', log)
            self.assertRegex(text, r'^store [0-9a-f]{16} stream \d+ segment \d+\n')
            records += len(re.findall(r'(?m)^  record @', text))
        self.assertGreaterEqual(records, 301)

    def test_an_sstable_shows_statistics_frames_and_partitions_and_its_rows_when_asked(self):
        text = self.run_well('inspect', self.table)
        for part in ('root (', 'statistics:', 'frames:', 'partitions:'):
            self.assertIn(part, text)
        self.assertNotIn('DAMAGED', text)
        self.assertNotIn("'value 10'", text)
        everything = ''.join(self.run_well('inspect', '--rows', path) for path in glob.glob(os.path.join(self.store, 'table', '*.sst')))
        for i in range(300):
            self.assertEqual("'value %d'" % i in everything, i != 3, i)

    def test_nothing_is_modified_and_a_store_in_use_may_be_looked_at(self):
        def times():
            return {path: os.stat(path).st_mtime_ns for path in glob.glob(os.path.join(self.store, '**'), recursive=True)}
        before = times()
        self.run_well('inspect', '--rows', self.store, self.table, *glob.glob(os.path.join(self.store, 'log', '*.log')))
        self.assertEqual(times(), before)

    def test_a_damaged_block_of_rows_is_pointed_out(self):
        damaged = self.damage(self.table, 4096 + 60, 'table-1.sst')
        self.assertIn('DAMAGED', self.run_well('inspect', damaged))
        done = run('inspect', '--rows', damaged)
        self.assertEqual(done.returncode, 0)

    def test_a_damaged_log_block_is_pointed_out_and_the_others_are_shown(self):
        log = next(path for path in glob.glob(self.path('log-*.log')) if 'record @' in self.run_well('inspect', path))
        text = self.run_well('inspect', '--kind', 'log', self.damage(log, 4096 + 100, 'damaged'))
        self.assertIn('checksum fails', text)

    def test_a_file_that_was_cut_is_corrupt(self):
        with open(self.table, 'rb') as file:
            data = file.read()
        for keep in (0, 1, 4095, len(data) // 2):
            with open(self.path('table-2.sst'), 'wb') as file:
                file.write(data[:keep])
            self.assertIn('table-2.sst: corrupt', self.run_badly('inspect', self.path('table-2.sst')), keep)

    def test_what_is_no_store_is_refused(self):
        for path, message in ((self.path('nope'), 'No such file'), (self.folder, 'not a store'),
                              (os.path.join(self.store, 'STORE'), 'what is it?'),
                              (self.write('table-3.sst', 'hello ' * 2000), 'corrupt')):
            self.assertIn(message, self.run_badly('inspect', path))

    def test_the_others_are_shown_when_one_cannot_be(self):
        done = run('inspect', self.path('nope'), self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'property "keyspace/k"', done.stdout)

    def test_the_kind_of_a_renamed_file_can_be_said(self):
        shutil.copy(self.table, self.path('renamed'))
        self.assertIn('what is it?', self.run_badly('inspect', self.path('renamed')))
        self.assertIn('statistics:', self.run_well('inspect', '--kind', 'sstable', self.path('renamed')))
        self.assertIn("no kind 'xml'", self.run_badly('inspect', '--kind', 'xml', self.store, status=2))

    def test_without_a_path_it_is_wrong_usage(self):
        self.assertIn('usage: strait inspect', self.run_badly('inspect', status=2))


if __name__ == '__main__':
    main()
