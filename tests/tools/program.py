"""What the tests of the program `strait` share: how to run it, and a folder that is gone afterwards."""
import os
import subprocess
import sys
import tempfile
import unittest

STRAIT = os.environ['STRAIT']

KEYSPACE = "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"


def run(*arguments, text=None, **options):
    """A finished run: returncode, stdout, stderr."""
    return subprocess.run([STRAIT, *arguments], input=text.encode() if text is not None else b'', timeout=60,
                          capture_output=True, **options)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='strait-tools-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), 'w', encoding='utf-8', newline='') as file:
            file.write(text)
        return self.path(name)

    def run_well(self, *arguments, **options):
        """The standard output of a run that must succeed and complain about nothing."""
        done = run(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr.decode()), (0, ''), arguments)
        return done.stdout.decode()

    def run_badly(self, *arguments, status=1, **options):
        """The standard error of a run that must end with `status`."""
        done = run(*arguments, **options)
        self.assertEqual(done.returncode, status, done.stdout.decode() + done.stderr.decode())
        return done.stderr.decode()


def main():
    unittest.main(argv=[sys.argv[0]])
