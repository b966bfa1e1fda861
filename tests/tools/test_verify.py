"""strait verify and strait scrub: whole, damaged and unreadable files of a store that nobody has open."""
import glob
import os
import re
import shutil
import signal
import subprocess

from program import KEYSPACE, STRAIT, ProgramTest, main, run

ROWS = 4000
LOAD = (KEYSPACE + 'CREATE TABLE k.t (id int, at int, v text, PRIMARY KEY (id, at));'
        + ''.join("INSERT INTO k.t (id, at, v) VALUES (%d, %d, 'value %d of many');" % (i % 7, i, i * 7919)
                  for i in range(ROWS)))


def serve_once(store):
    """A server that ends writes what was only in its log and in memory to SSTables."""
    with subprocess.Popen([STRAIT, 'serve', '--dir', store, '--listen', '127.0.0.1:0', '--shards', '1'],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        server.stdout.readline()
        server.send_signal(signal.SIGTERM)
    assert server.returncode == 0


class Verify(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.template = os.path.join('/tmp', 'strait-verify-%d' % os.getpid())
        serve_once(cls.template)  # makes it, with one shard
        done = run('exec', '--dir', cls.template, text=LOAD)
        assert done.returncode == 0, done.stderr
        serve_once(cls.template)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.template)

    def setUp(self):
        super().setUp()
        self.store = self.path('s')
        shutil.copytree(self.template, self.store)
        self.table = max(glob.glob(os.path.join(self.store, 'table', '*.sst')), key=os.path.getsize)

    def damage(self, at, path=None, what=b'\xff\x00\xff\x00'):
        with open(path or self.table, 'r+b') as file:
            file.seek(at)
            file.write(what)

    def frame(self, kind, index=0):
        """Where a frame of the table stands."""
        text = run('inspect', self.table).stdout.decode()
        found = re.findall(r'(?m)^\s*(\d+)\s+%s\b' % kind, text)
        return int(found[index])

    def rows(self):
        return self.run_well('exec', '--dir', self.store, '--format', 'csv', 'SELECT COUNT(*) FROM k.t').split()[1]

    def files(self):
        return {path: os.stat(path).st_mtime_ns for path in glob.glob(os.path.join(self.store, '**'), recursive=True)
                if not path.endswith('/LOCK')}

    def test_of_a_whole_store_every_file_is_named_with_its_table_and_nothing_changes(self):
        before = self.files()
        text = self.run_well('verify', self.store)
        self.assertEqual(self.files(), before)
        found = re.findall(r'(?m)^table/table-\d+\.sst  k\.t  (\d+) rows, \d+ partitions, \d+ bytes: whole$', text)
        self.assertEqual(sum(map(int, found)), ROWS)
        self.assertIn('0 damaged', text)
        self.assertNotIn('whole', self.run_well('verify', '--quiet', self.store))

    def test_scrub_leaves_a_whole_store_as_it_is(self):
        tables = set(glob.glob(os.path.join(self.store, 'table', '*')))
        self.assertIn('0 damaged', self.run_well('scrub', self.store))
        self.assertEqual(set(glob.glob(os.path.join(self.store, 'table', '*'))), tables)
        self.assertEqual(self.rows(), str(ROWS))

    def test_a_damaged_block_costs_its_rows_which_are_told_with_their_token(self):
        self.damage(self.frame('rows', 3) + 100)
        done = run('verify', self.store)
        text = done.stdout.decode()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(text, r'k\.t  %d rows, 7 partitions, \d+ bytes: DAMAGED: corrupt' % ROWS)
        lost = sum(map(int, re.findall(r'lost: (\d+) rows of the partition with token -?\d+', text)))
        self.assertGreater(lost, 0)
        self.assertIn('%d of %d rows can be read' % (ROWS - lost, ROWS), text)

        done = run('scrub', '--quiet', self.store)
        self.assertEqual(done.returncode, 1)  # something is lost
        self.assertIn('made anew; a copy of the damaged file is in lost/', done.stdout.decode())
        self.assertEqual(os.listdir(os.path.join(self.store, 'lost')), [os.path.basename(self.table)])
        self.assertIn('0 damaged', self.run_well('verify', self.store))
        self.assertEqual(self.rows(), str(ROWS - lost))

    def test_a_damaged_directory_page_is_restored_and_nothing_is_lost(self):
        self.damage(self.frame('directory page') + 60)
        done = run('verify', self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('restored: 1 pages of the directory', done.stdout.decode())
        done = run('scrub', self.store)
        self.assertEqual(done.returncode, 0, done.stdout.decode())  # whole now, and nothing lost
        self.assertIn('0 rows lost', done.stdout.decode())
        self.run_well('verify', self.store)
        self.assertEqual(self.rows(), str(ROWS))

    def test_a_page_that_cannot_be_restored_is_told_with_the_tokens_of_its_partitions(self):
        self.damage(self.frame('directory page') + 60)
        self.damage(self.frame('parity') + 200)
        done = run('verify', self.store)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(), r'lost: 7 partitions with tokens -?\d+ to -?\d+, with the page')
        refused = run('exec', '--dir', self.store, 'SELECT COUNT(*) FROM k.t')
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b'a file of the store is damaged', refused.stderr)

    def test_a_file_that_cannot_be_opened_is_told_and_scrub_wants_leave_to_set_it_aside(self):
        self.damage(0, what=b'\0' * 4096)
        self.damage(os.path.getsize(self.table) - 4096, what=b'\0' * 4096)
        done = run('verify', self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('it cannot be opened', done.stdout.decode())
        self.assertTrue(os.path.exists(self.table))
        self.assertIn('damaged beyond', self.run_badly('scrub', self.store))
        done = run('scrub', '--set-aside-damaged-tables', self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('%d rows lost' % ROWS, done.stdout.decode())
        self.assertTrue(os.path.exists(os.path.join(self.store, 'lost', os.path.basename(self.table))))
        self.assertIn('0 files', self.run_well('verify', self.store))

    def test_one_damaged_root_or_filter_is_damage_that_loses_nothing(self):
        for at in (0, os.path.getsize(self.table) - 4096, self.frame('filter') + 40):
            with open(self.table, 'rb') as file:
                whole = file.read()
            self.damage(at)
            self.assertEqual(run('verify', self.store).returncode, 1, at)
            with open(self.table, 'wb') as file:
                file.write(whole)
        self.damage(0)
        self.assertEqual(run('scrub', self.store).returncode, 0)
        self.assertEqual(self.rows(), str(ROWS))

    def test_what_a_snapshot_holds_is_checked_and_stays(self):
        self.run_well('exec', '--dir', self.store, "INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('k', 'a')")
        self.assertIn('k.t and a snapshot', self.run_well('verify', self.store))
        self.run_well('exec', '--dir', self.store, 'TRUNCATE k.t')
        self.assertIn("a snapshot's copy", self.run_well('verify', self.store))
        self.damage(self.frame('rows', 2) + 100)
        done = run('scrub', self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('it stays as it is', done.stdout.decode())
        self.run_well('exec', '--dir', self.store, "DELETE FROM strait.snapshots WHERE keyspace_name = 'k' AND name = 'a'")
        self.assertIn('0 files', self.run_well('verify', self.store))

    def test_what_is_made_anew_beside_a_snapshot_is_counted_and_the_snapshot_stays_damaged(self):
        self.run_well('exec', '--dir', self.store, "INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('k', 'a')")
        self.damage(self.frame('directory page') + 60)  # which loses nothing
        done = run('scrub', self.store)
        self.assertEqual(done.returncode, 1)
        text = done.stdout.decode()
        self.assertIn('a snapshot keeps the damaged one', text)
        self.assertIn('1 damaged, 1 of these made anew; 0 rows lost', text)
        self.assertIn('1 of those made anew stay damaged in snapshots', text)
        self.assertEqual(self.rows(), str(ROWS))
        self.assertEqual(run('verify', self.store).returncode, 1)
        self.run_well('exec', '--dir', self.store, "DELETE FROM strait.snapshots WHERE keyspace_name = 'k' AND name = 'a'")
        self.run_well('verify', self.store)

    def test_the_log_is_checked_too(self):
        store = self.path('logged')
        self.run_well('exec', '--dir', store, text=LOAD)
        self.assertIn('commit log: ', self.run_well('verify', store))
        log = max(glob.glob(os.path.join(store, 'log', '*.log')), key=os.path.getmtime)
        for path in glob.glob(os.path.join(store, 'log', '*.log')):
            if b'record @' in run('inspect', path).stdout:
                log = path
        self.damage(8192 + 100, log)
        done = run('verify', store)
        self.assertEqual(done.returncode, 1)
        self.assertIn('DAMAGED', done.stdout.decode())
        self.assertIn('strait scrub --accept-log-damage', done.stdout.decode())
        self.assertIn('--accept-log-damage', self.run_badly('scrub', store))
        self.assertEqual(run('scrub', '--accept-log-damage', store).returncode, 1)
        self.run_well('verify', store)

    def test_a_store_in_use_is_busy(self):
        with subprocess.Popen([STRAIT, 'serve', '--dir', self.store, '--listen', '127.0.0.1:0'], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as server:
            server.stdout.readline()
            for command in ('verify', 'scrub'):
                self.assertIn('another process has this store open', self.run_badly(command, self.store))
            server.send_signal(signal.SIGTERM)

    def test_what_is_no_store_is_refused_and_the_others_are_checked(self):
        done = run('verify', self.path('nope'), self.store)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'there is no store', done.stderr)
        self.assertIn(b'0 damaged', done.stdout)
        self.assertFalse(os.path.exists(self.path('nope')))
        self.assertIn('is not a store', self.run_badly('scrub', self.path(self.write('file', '') and '')))

    def test_wrong_usage(self):
        self.assertIn('usage: strait verify', self.run_badly('verify', status=2))
        self.assertIn('usage: strait scrub', self.run_badly('scrub', '--io', 'tape', self.store, status=2))
        self.assertIn('usage: strait verify', self.run_badly('verify', '--accept-log-damage', self.store, status=2))


if __name__ == '__main__':
    main()
