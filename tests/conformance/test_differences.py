#!/usr/bin/env python3
"""`differences` believes only a run that ended well: a program that died half way has not shown that nothing differs."""
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
LISTED = '# why\n\n# a reason\none.cqltest | a rule | SELECT 1\n'
FINDING = 'one.cqltest:3: a rule\n  SELECT 1\n  cassandra  = 1\n  strait     = 2\n\n'


class Differences(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.folder = os.path.join(self.root, 'tests/conformance')
        os.makedirs(os.path.join(self.folder, 'corpus'))
        os.makedirs(os.path.join(self.root, 'build/tests'))
        shutil.copy(os.path.join(HERE, 'differences'), self.folder)
        self.list = os.path.join(self.folder, 'differences.txt')
        self.write(self.list, LISTED)
        self.write(os.path.join(self.folder, 'corpus/one.cqltest'), 'rule a rule\nSELECT 1\n= 1\n')

    def tearDown(self):
        shutil.rmtree(self.root)

    def write(self, path, text):
        with open(path, 'w', encoding='utf8') as f:
            f.write(text)

    def run_over(self, program, *arguments):
        """Runs over a program of the corpus that is this shell script"""
        path = os.path.join(self.root, 'build/tests/test_conformance_corpus')
        self.write(path, '#!/bin/sh\n' + program + '\n')
        os.chmod(path, 0o755)
        run = subprocess.run([os.path.join(self.folder, 'differences'), '--build', os.path.join(self.root, 'build'),
                              *arguments], capture_output=True, text=True)
        with open(self.list, encoding='utf8') as f:
            return run, f.read()

    def test_a_run_that_ended_well_is_believed(self):
        run, listed = self.run_over(f"cat <<'END'\n{FINDING}END")
        self.assertEqual((run.returncode, listed), (0, LISTED))
        run, listed = self.run_over('exit 0')
        self.assertEqual(run.returncode, 0)
        self.assertNotIn('one.cqltest', listed)

    def test_a_failed_run_leaves_the_list_alone(self):
        for program in ('exit 1', 'kill -SEGV $$', f"cat <<'END'\n{FINDING}END\necho why >&2; exit 3"):
            for arguments in ((), ('--summary',)):
                run, listed = self.run_over(program, *arguments)
                self.assertNotEqual(run.returncode, 0, program)
                self.assertIn('one.cqltest', run.stderr)
                self.assertEqual(listed, LISTED)
        self.assertIn('why', run.stderr)


if __name__ == '__main__':
    unittest.main()
