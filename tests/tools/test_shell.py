"""strait shell with a pipe for standard input: no prompt, no greeting, the same commands."""
from program import KEYSPACE, ProgramTest, main, run

TABLE = KEYSPACE + 'USE k; CREATE TABLE t (id int PRIMARY KEY, v text);\n'


class Shell(ProgramTest):
    def shell(self, text, *arguments):
        return self.run_well('shell', '--format', 'csv', *arguments, text=text)

    def test_only_results_are_printed(self):
        self.assertEqual(self.shell(TABLE + "INSERT INTO t (id, v)\n  VALUES (1, 'a;b');\nSELECT * FROM t;\n"), 'id,v\r\n1,a;b\r\n')

    def test_the_last_statement_may_lack_its_semicolon_and_its_newline(self):
        self.assertEqual(self.shell(TABLE + 'SELECT * FROM t'), 'id,v\r\n')

    def test_comments_and_empty_lines_are_no_statements(self):
        self.assertEqual(self.shell('\n-- SELECT ;\n/* a\n.quit\nb */\n;\n' + TABLE + '// end\n.tables\n'), 'table_name\r\nt\r\n')

    def test_a_failure_does_not_stop_it_but_is_remembered(self):
        done = run('shell', '--format', 'csv', text=TABLE + 'oops;\nSELECT * FROM t;\n')
        self.assertEqual((done.returncode, done.stdout), (1, b'id,v\r\n'))
        self.assertIn(b'error 0x2000', done.stderr)

    def test_what_was_written_stays(self):
        self.shell(TABLE + "INSERT INTO t (id, v) VALUES (1, 'kept');", '--dir', self.path('s'))
        self.assertEqual(self.shell('SELECT v FROM k.t;', '--dir', self.path('s'), '--read-only'), 'v\r\nkept\r\n')


class DotCommands(ProgramTest):
    def shell(self, text):
        return self.run_well('shell', '--format', 'csv', text=text)

    def test_tables_of_the_keyspace_in_use_of_another_and_of_all(self):
        self.assertEqual(self.shell(TABLE + '.tables\n'), 'table_name\r\nt\r\n')
        self.assertEqual(self.shell(KEYSPACE + 'CREATE TABLE k.t (id int PRIMARY KEY);\n.tables k\n'), 'table_name\r\nt\r\n')
        self.assertIn('system_schema,table,columns\r\n', self.shell('.tables\n'))

    def test_columns(self):
        expected = 'column_name,type,kind,position,clustering_order\r\nid,int,partition_key,0,none\r\nv,text,regular,-1,none\r\n'
        self.assertEqual(self.shell(TABLE + '.columns t\n'), expected)
        self.assertEqual(self.shell(TABLE + '.columns k.t  \n'), expected)

    def test_schema_is_what_describe_says(self):
        described = self.run_well('shell', text=TABLE + '.schema\n')
        self.assertEqual(described, self.run_well('shell', text=TABLE + 'DESCRIBE KEYSPACE;\n'))
        self.assertIn(self.run_well('shell', text=TABLE + '.schema t\n'), described)

    def test_mode_changes_the_form_and_tells_it(self):
        self.assertEqual(self.shell(TABLE + '.mode\n.mode json\nINSERT INTO t (id) VALUES (1);\nSELECT id FROM t;\n.mode\n'),
                         'csv\n{"id": 1}\njson\n')

    def test_read_runs_a_file_and_stops_at_its_first_failure(self):
        self.assertEqual(self.shell('.read %s\n.tables\n' % self.write('a file.cql', TABLE)), 'table_name\r\nt\r\n')
        file = self.write('bad.cql', TABLE + '\noops;\nDROP TABLE t;')
        done = run('shell', '--format', 'csv', text='.read %s\n.tables\n' % file)
        self.assertEqual((done.returncode, done.stdout), (1, b'table_name\r\nt\r\n'))
        self.assertIn('%s:3: error 0x2000' % file, done.stderr.decode())

    def test_timing(self):
        done = run('shell', text='.timing on\nUSE system;\n.timing off\nUSE system;\n')
        self.assertRegex(done.stderr.decode(), r'^\d+\.\d{3} ms\n$')

    def test_quit_leaves_what_follows_unread(self):
        for word in ('.quit', '.exit', 'quit', 'exit;', '  quit  '):
            self.assertEqual(self.shell(word + '\noops;\n'), '', word)

    def test_help_names_every_command(self):
        text = self.shell('.help\n')
        for command in ('.help', '.tables', '.columns', '.schema', '.read', '.mode', '.timing', '.quit'):
            self.assertIn('\n  %s ' % command, text)
        self.assertEqual(self.shell('help\n'), text)
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 80)

    def test_a_wrong_one_is_explained(self):
        for text, message in (('.nonsense x', "no command '.nonsense x'; .help lists them"), ('.mode xml', "no mode 'xml'"),
                              ('.read', 'usage: .read FILE'), ('.timing', 'usage: .timing on|off'),
                              ('.columns t', 'usage: .columns'), ('.read /nowhere', 'No such file')):
            self.assertIn(message, self.run_badly('shell', text=text + '\n'))

    def test_inside_a_statement_a_dot_is_cql(self):
        self.assertEqual(self.shell(TABLE + 'SELECT count(*) FROM k\n.t;\n'), 'count\r\n0\r\n')


if __name__ == '__main__':
    main()
