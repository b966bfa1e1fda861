"""strait demo: loads, reads, reopens and verifies; the report; the stores that it keeps."""
import os
import re
import signal
import subprocess

from program import STRAIT, ProgramTest, main, run
from terminal import Terminal, plain

SMALL = ('--messages', '2000', '--reads', '50')


def verified(text):
    return re.search(r'verified after reopening: (\d+) rows, content hash ([0-9a-f]{16})', text).groups()


class Demo(ProgramTest):
    def test_it_verifies_every_key_and_reports_them_side_by_side(self):
        done = run('demo', '--messages', '20000', '--reads', '500')
        self.assertEqual(done.returncode, 0, done.stderr)
        text = done.stdout.decode()
        header = next(line for line in text.splitlines() if line.startswith('partition key'))
        self.assertEqual(re.split(r'  +', header), ['partition key', '(channel_id)', '(channel_id, month)', '(server_id)'])
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)
        for label in ('partitions', 'largest, % of all rows', 'queries for the newest 50', 'write amplification',
                      'read amplification', 'space amplification', 'MiB on disk', 'reopening, ms'):
            self.assertRegex(text, r'(?m)^  %s +[\d.,]+ +[\d.,]+ +[\d.,]+$' % re.escape(label))
        self.assertIn('What to notice\n- (channel_id): the largest partition holds ', text)
        rows, _ = verified(text)
        self.assertGreater(int(rows), 19500)
        self.assertLess(int(rows), 20000)  # some were deleted

    def test_the_numbers_stand_in_columns(self):
        text = run('demo', *SMALL).stdout.decode()
        header = next(line for line in text.splitlines() if line.startswith('partition key'))
        ends = [header.index(name) + len(name) for name in ('(channel_id)', '(channel_id, month)', '(server_id)')]
        for line in re.findall(r'(?m)^  \S.* [\d.,]+$', text[text.index('---'):text.index('Storage')]):
            self.assertEqual([match.end() for match in re.finditer(r'(?<= )[\d.,]+(?= |$)', line)][-3:], ends, line)

    def test_one_seed_is_one_stream(self):
        runs = [run('demo', *SMALL, '--strategy', 'channel', '--seed', seed).stdout.decode() for seed in ('7', '7', '8')]
        self.assertEqual(verified(runs[0]), verified(runs[1]))
        self.assertNotEqual(verified(runs[0])[1], verified(runs[2])[1])

    def test_the_content_does_not_depend_on_key_io_or_durability(self):
        texts = [run('demo', *SMALL, *options).stdout.decode()
                 for options in (('--strategy', 'server'), ('--strategy', 'channel-month', '--io', 'threads'),
                                 ('--strategy', 'channel', '--durability', 'none'))]
        self.assertEqual(len({verified(text) for text in texts}), 1)
        self.assertIn('io threads', texts[1])
        self.assertIn('durability of the load: none', texts[2])

    def test_stores_are_kept_where_it_is_told(self):
        done = run('demo', *SMALL, '--dir', self.path('kept'))
        rows, _ = verified(done.stdout.decode())
        self.assertEqual(sorted(os.listdir(self.path('kept'))), ['by-channel', 'by-channel-month', 'by-server'])
        for name in os.listdir(self.path('kept')):
            count = self.run_well('exec', '--dir', self.path('kept', name), '--read-only', '--format', 'csv',
                                  'SELECT count(*) FROM crystal.messages')
            self.assertEqual(count, 'count\r\n%s\r\n' % rows)
        self.assertIn('is there already', self.run_badly('demo', *SMALL, '--dir', self.path('kept')))

    def test_a_single_message_will_do(self):
        self.assertEqual(verified(run('demo', '--messages', '1', '--reads', '1').stdout.decode())[0], '1')

    def test_wrong_options_are_wrong_usage(self):
        for options in (('--messages', '0'), ('--messages', 'many'), ('--messages', '-5'), ('--reads', '1.5'), ('--seed', ''),
                        ('--durability', 'maybe'), ('--strategy', 'nobody'), ('--bogus',), ('stray',)):
            self.assertIn('usage: strait demo', self.run_badly('demo', *options, status=2), options)

    def test_what_cannot_work_fails(self):
        self.assertIn('No such file or directory', self.run_badly('demo', *SMALL, '--dir', self.path('no', 'where')))
        self.assertIn('no such profile', self.run_badly('demo', *SMALL, '--profile', 'oracle'))


class Progress(ProgramTest):
    def test_on_a_terminal_a_phase_is_one_line_that_is_redrawn(self):
        with Terminal([STRAIT, 'demo', '--messages', '20000', '--reads', '100', '--strategy', 'channel']) as terminal:
            self.assertEqual(terminal.wait_end(), 0)
        loading = next(line for line in terminal.seen.split('\n') if 'loading' in line)
        states = [plain(state) for state in loading.split('\r') if state.strip()]
        for state in states:
            self.assertLessEqual(len(state), 80)
            self.assertRegex(state, r'^  loading     \[[#.]+\]  *\d+ %  +\d+ messages/s  (ETA \d+ s|in \d+\.\d s)$')
        self.assertRegex(states[-1], r'\[#+\] 100 %')
        self.assertGreater(len([state for state in states if 'ETA' in state]), 0)
        for phase in ('settling', 'newest 50', 'page back', 'verifying'):
            self.assertEqual(len([line for line in terminal.seen.split('\n') if phase in line and (' in ' in line)]), 1, phase)

    def test_elsewhere_there_is_a_line_for_each_phase(self):
        text = run('demo', *SMALL, '--strategy', 'channel').stderr.decode()
        self.assertNotIn('\r', text)
        self.assertNotIn('\x1b', text)
        self.assertRegex(text, r'(?m)^  loading +100 % +\d+ messages/s  in \d+\.\d s$')

    def test_ctrl_c_leaves_nothing_behind(self):
        demo = subprocess.Popen([STRAIT, 'demo', '--messages', '3000000'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        folder = re.search(rb'stores in (\S+)', demo.stdout.readline()).group(1).decode()
        while not os.path.exists(os.path.join(folder, 'by-channel', 'log')):
            self.assertIsNone(demo.poll())
        demo.send_signal(signal.SIGINT)
        errors = demo.communicate(timeout=60)[1].decode()
        self.assertEqual(demo.returncode, 130, errors)
        self.assertTrue(errors.endswith('strait demo: interrupted\n'), errors)
        self.assertFalse(os.path.exists(folder))


if __name__ == '__main__':
    main()
