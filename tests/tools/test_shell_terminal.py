"""strait shell under a pseudo terminal: prompts, history, Ctrl-C and Ctrl-D."""
import os

from program import KEYSPACE, STRAIT, ProgramTest, main
from terminal import Terminal


class Prompt(ProgramTest):
    def shell(self, *arguments, columns=80):
        environment = dict(os.environ, TERM='xterm', HOME=self.folder)
        terminal = Terminal([STRAIT, 'shell', *arguments], environment, columns)
        self.addCleanup(terminal.__exit__)
        return terminal

    def test_it_greets_and_says_where_it_is(self):
        self.assertIn('in memory: nothing is kept', self.shell().wait_for('strait> '))
        self.assertIn('on %s' % self.path('s'), self.shell('--dir', self.path('s')).wait_for('strait> '))

    def test_the_prompt_names_the_keyspace_and_asks_for_the_rest_of_a_statement(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type(KEYSPACE + ' USE k;\n')
        shell.wait_for('strait:k> ')
        shell.type('SELECT count(*)\n')
        shell.wait_for('\n   ... ')
        shell.type('FROM system.local;\n')
        self.assertIn(' count\n-------\n     1\n\n(1 row)\n', shell.wait_for('strait:k> '))

    def test_an_error_leaves_the_prompt(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type('oops;\n')
        self.assertIn('error 0x2000', shell.wait_for('strait> '))

    def test_a_result_wider_than_the_terminal_becomes_a_list(self):
        shell = self.shell(columns=60)
        shell.wait_for('strait> ')
        shell.type('SELECT * FROM system.local;\n')
        self.assertIn('row 1\n key                     | local\n', shell.wait_for('(1 row)'))
        shell.type('SELECT key, rack FROM system.local;\n')
        self.assertIn(' key   | rack\n-------+-------\n local | rack1\n', shell.wait_for('(1 row)'))

    def test_ctrl_c_gives_up_the_line_and_the_statement(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type('DROP KEYSPACE system\n')
        shell.wait_for('   ... ')
        shell.type('half a line\x03')
        shell.wait_for('^C\nstrait> ')
        shell.type('SELECT rack FROM system.local;\n')
        self.assertNotIn('error', shell.wait_for('(1 row)'))

    def test_ctrl_d_leaves(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type('\x04')
        self.assertEqual(shell.wait_end(), 0)

    def test_an_unfinished_statement_is_not_run_by_leaving(self):
        shell = self.shell('--dir', self.path('s'))
        shell.wait_for('strait> ')
        shell.type(KEYSPACE.rstrip(';') + '\n')
        shell.wait_for('   ... ')
        shell.type('\x04')
        self.assertEqual(shell.wait_end(), 0)
        self.assertNotIn('k,', self.run_well('exec', '--dir', self.path('s'), '--format', 'csv', 'DESCRIBE KEYSPACES'))

    def test_many_byte_characters_can_be_typed(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type("SELECT key FROM system.local WHERE key = 'ü日本';\n")
        shell.wait_for("'ü日本';")
        self.assertIn('(0 rows)', shell.wait_for('strait> '))

    def test_a_running_result_is_stopped_by_ctrl_c(self):
        rows = ''.join('INSERT INTO t (id) VALUES (%d);\n' % i for i in range(20000))
        self.run_well('exec', '--dir', self.path('s'), '--file', self.write('rows.cql', KEYSPACE + 'USE k; CREATE TABLE t (id int PRIMARY KEY);' + rows))
        shell = self.shell('--dir', self.path('s'))
        shell.wait_for('strait> ')
        shell.type('SELECT id FROM k.t;\n')
        shell.wait_for('-\n')
        shell.press('\x03')
        self.assertIn(' rows, interrupted)', shell.wait_for('strait> '))

    def test_lines_are_remembered_by_the_next_shell(self):
        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type('SELECT rack FROM system.local;\n')
        shell.wait_for('(1 row)')
        shell.type('.quit\n')
        self.assertEqual(shell.wait_end(), 0)
        self.assertEqual(os.stat(self.path('.strait_history')).st_mode & 0o777, 0o600)

        shell = self.shell()
        shell.wait_for('strait> ')
        shell.type('\x1b[A\x1b[A\n')  # twice up, past .quit
        self.assertIn(' rack\n-------\n rack1\n', shell.wait_for('(1 row)'))


if __name__ == '__main__':
    main()
