"""strait exec: statements from arguments, files and standard input; tables, JSON and CSV; errors and their places."""
import os
import subprocess

from program import KEYSPACE, STRAIT, ProgramTest, main, run

TABLE = KEYSPACE + "CREATE TABLE k.t (id int PRIMARY KEY, name text, score double, tags frozen<map<text, int>>);"
ROWS = ("INSERT INTO k.t (id, name, score) VALUES (1, 'plain', 1.5);"
        "INSERT INTO k.t (id, name) VALUES (2, '');"
        "INSERT INTO k.t (id, name, score, tags) VALUES (1000, 'ünï 日本 \"q\", a\nb', -0.25, {'a': 1});"
        "INSERT INTO k.t (id) VALUES (4);")
SELECT = "SELECT * FROM k.t WHERE id IN (1, 2, 4, 1000)"


class Statements(ProgramTest):
    def test_they_come_from_arguments_one_after_another(self):
        self.assertEqual(self.run_well('exec', '--format', 'csv', TABLE, "INSERT INTO k.t (id) VALUES (7)",
                                       'SELECT id FROM k.t'), 'id\r\n7\r\n')

    def test_one_argument_may_hold_several(self):
        self.assertEqual(self.run_well('exec', '--format', 'csv', TABLE + ROWS + 'SELECT count(*) FROM k.t'),
                         'count\r\n4\r\n')

    def test_they_come_from_standard_input_when_none_is_given(self):
        self.assertEqual(self.run_well('exec', '--format', 'csv', text=TABLE + ROWS + 'SELECT count(*) FROM k.t'),
                         'count\r\n4\r\n')

    def test_they_come_from_a_file_before_the_arguments(self):
        file = self.write('schema.cql', '-- the schema; of one table\n' + TABLE + '/* and its ; rows */' + ROWS)
        self.assertEqual(self.run_well('exec', '--file', file, '--format', 'csv', 'SELECT count(*) FROM k.t'),
                         'count\r\n4\r\n')

    def test_a_dash_is_standard_input(self):
        self.assertEqual(self.run_well('exec', '--file', '-', '--format', 'csv', 'SELECT count(*) FROM k.t',
                                       text=TABLE), 'count\r\n0\r\n')

    def test_nothing_and_comments_are_no_statements(self):
        for text in ('', ';;', '  \n', '-- x', '/* x; */ ; // y\n'):
            self.assertEqual(self.run_well('exec', text=text), '', text)

    def test_a_keyspace_can_be_chosen_by_its_name(self):
        store = self.path('s')
        self.run_well('exec', '--dir', store, KEYSPACE.replace(' k ', ' "Big" ') + 'CREATE TABLE "Big".t (id int PRIMARY KEY)')
        self.assertEqual(self.run_well('exec', '--dir', store, '--keyspace', 'Big', '--format', 'csv', 'SELECT count(*) FROM t'),
                         'count\r\n0\r\n')
        self.assertIn("Keyspace 'nope' does not exist", self.run_badly('exec', '--keyspace', 'nope', 'SELECT 1'))

    def test_what_was_written_is_there_after_reopening(self):
        store = self.path('s')
        self.run_well('exec', '--dir', store, text=TABLE + ROWS)
        for _ in range(2):
            self.assertEqual(self.run_well('exec', '--dir', store, '--format', 'csv', 'SELECT id, name FROM k.t WHERE id = 1'),
                             'id,name\r\n1,plain\r\n')

    def test_a_script_may_be_long(self):
        script = TABLE + '\n'.join("INSERT INTO k.t (id, name) VALUES (%d, 'x');" % i for i in range(3000))
        self.assertEqual(self.run_well('exec', '--dir', self.path('s'), '--format', 'csv', 'SELECT count(*) FROM k.t',
                                       '--file', '-', text=script), 'count\r\n3000\r\n')

    def test_memory_is_forgotten(self):
        self.run_well('exec', TABLE)
        self.assertIn('does not exist', self.run_badly('exec', 'SELECT * FROM k.t'))


class Output(ProgramTest):
    def rows(self, *arguments, select=SELECT):
        return self.run_well('exec', *arguments, TABLE + ROWS, select)

    def test_a_table_is_aligned_and_shows_null_and_escapes(self):
        name = 'ünï 日本 "q", a\\nb'  # 18 columns: two of its 16 characters are two wide, a newline is shown as two
        self.assertEqual(self.rows(),
                         '   id | name               | score | tags\n'
                         '------+--------------------+-------+----------\n'
                         '    1 | plain              |   1.5 | null\n'
                         '    2 |                    |  null | null\n'
                         '    4 | null               |  null | null\n'
                         ' 1000 | ' + name + ' | -0.25 | {\'a\': 1}\n'
                         '\n'
                         '(4 rows)\n')

    def test_json_is_one_object_a_line(self):
        self.assertEqual(self.rows('--format', 'json'),
                         '{"id": 1, "name": "plain", "score": 1.5, "tags": null}\n'
                         '{"id": 2, "name": "", "score": null, "tags": null}\n'
                         '{"id": 4, "name": null, "score": null, "tags": null}\n'
                         '{"id": 1000, "name": "ünï 日本 \\"q\\", a\\nb", "score": -0.25, "tags": {"a": 1}}\n')

    def test_csv_tells_null_from_empty_text(self):
        self.assertEqual(self.rows('--format', 'csv'),
                         'id,name,score,tags\r\n'
                         '1,plain,1.5,\r\n'
                         '2,"",,\r\n'
                         '4,,,\r\n'
                         '1000,"ünï 日本 ""q"", a\nb",-0.25,{\'a\': 1}\r\n')

    def test_a_list_has_a_line_for_every_column(self):
        self.assertEqual(self.rows('--format', 'list', select='SELECT id, name FROM k.t WHERE id IN (2, 4)'),
                         'row 1\n id   | 2\n name | \nrow 2\n id   | 4\n name | null\n\n(2 rows)\n')

    def test_the_locale_does_not_matter(self):
        plain = dict(os.environ, LC_ALL='C')
        self.assertEqual(self.run_well('exec', TABLE + ROWS, SELECT, env=plain), self.rows())

    def test_no_rows_and_one_row_are_counted(self):
        self.assertEqual(self.rows(select='SELECT id FROM k.t WHERE id = 99'), ' id\n----\n\n(0 rows)\n')
        self.assertIn('\n(1 row)\n', self.rows(select='SELECT id FROM k.t WHERE id = 1'))

    def test_a_conditional_write_answers_with_a_table(self):
        self.assertEqual(self.rows(select='INSERT INTO k.t (id) VALUES (77) IF NOT EXISTS').splitlines()[2].split('|')[0].strip(),
                         'True')

    def test_describe_prints_statements_that_make_the_schema_again(self):
        described = self.run_well('exec', TABLE, 'DESCRIBE KEYSPACE k')
        self.assertIn('\n\nCREATE TABLE k.t (\n    id int PRIMARY KEY,\n', described)
        self.assertEqual(self.run_well('exec', described, 'DESCRIBE KEYSPACE k'), described)

    def test_more_rows_than_fit_one_table_are_all_there(self):
        inserts = ''.join('INSERT INTO k.t (id) VALUES (%d);' % i for i in range(2500))
        lines = self.run_well('exec', TABLE + inserts, 'SELECT id FROM k.t').splitlines()
        self.assertEqual(lines[-1], '(2500 rows)')
        self.assertEqual(len([line for line in lines if line.strip().isdigit()]), 2500)

    def test_timing_is_said_on_standard_error(self):
        done = run('exec', '--timing', 'USE system')
        self.assertEqual((done.returncode, done.stdout), (0, b''))
        self.assertRegex(done.stderr.decode(), r'^\d+\.\d{3} ms\n$')


class Errors(ProgramTest):
    def test_a_refusal_has_its_code_and_a_mark_below_the_place(self):
        message, *place = self.run_badly('exec', 'SELECT * FORM t').splitlines()
        self.assertRegex(message, r"^error 0x2000: line 1:9 .*'FORM'")
        self.assertEqual(place, ['  SELECT * FORM t',
                                 '           ^'])

    def test_in_a_file_the_line_is_the_file_s(self):
        file = self.write('bad.cql', TABLE + '\n\n-- a comment\n/* of\n two lines */ SELECT *\n  FROM k.t\n  WHERE nam = 1;\n')
        self.assertEqual(self.run_badly('exec', '--file', file),
                         '%s:7: error 0x2200: Unrecognized name nam\n'
                         '    WHERE nam = 1;\n'
                         '          ^\n' % file)

    def place(self, line):
        """Where the mark stands: the text from there on."""
        _, shown, mark = self.run_badly('exec', text=line).splitlines()
        self.assertEqual(mark.strip(), '^')
        return shown, mark.index('^')

    def test_the_mark_stands_right_behind_tabs_and_many_byte_characters(self):
        shown, column = self.place("SELECT key FROM system.local\t\tWHERE foo = 1")
        self.assertEqual(shown[column:], 'foo = 1')
        shown, column = self.place("SELECT key FROM system.local WHERE key = 'üß' AND foo = 1")
        self.assertEqual(shown[column:], 'foo = 1')
        shown, column = self.place("SELECT key FROM system.local WHERE key = '日本' AND foo = 1")
        self.assertEqual(shown[column - 2:], 'foo = 1')  # two characters are two columns wide

    def test_of_a_long_line_the_surroundings_are_shown(self):
        shown, column = self.place('SELECT key FROM system.local WHERE key = \'%s\' AND foo = 1 AND key = \'%s\'' % ('x' * 500, 'y' * 500))
        self.assertTrue(shown[column:].startswith('foo = 1'))
        self.assertLess(len(shown), 140)
        self.assertTrue(shown.startswith('  ...') and shown.endswith('...'), shown)

    def test_the_first_one_ends_the_run(self):
        done = run('exec', '--format', 'csv', TABLE + 'SELECT oops FROM k.t; SELECT count(*) FROM k.t', 'SELECT count(*) FROM k.t')
        self.assertEqual((done.returncode, done.stdout), (1, b''))

    def test_keep_going_runs_the_rest_and_still_fails(self):
        done = run('exec', '--keep-going', '--format', 'csv', TABLE + 'SELECT oops FROM k.t; SELECT count(*) FROM k.t',
                   'oops', 'SELECT count(*) FROM k.t')
        self.assertEqual((done.returncode, done.stdout), (1, b'count\r\n0\r\ncount\r\n0\r\n'))
        self.assertEqual(done.stderr.count(b'error 0x'), 2)

    def test_a_comment_that_is_not_closed_is_one(self):
        self.assertIn('stdin:2: error: a comment is not closed', self.run_badly('exec', text='USE system;\n/* x'))

    def test_a_file_that_is_not_there(self):
        self.assertIn('nope.cql: No such file or directory', self.run_badly('exec', '--file', self.path('nope.cql')))
        self.assertIn('Is a directory', self.run_badly('exec', '--file', self.folder))

    def test_an_unknown_format(self):
        self.assertIn("no format 'xml': table, list, json or csv", self.run_badly('exec', '--format', 'xml', status=2))


class Places(ProgramTest):
    def test_read_only_modifies_nothing(self):
        store = self.path('s')
        self.run_well('exec', '--dir', store, TABLE + ROWS)
        before = self.contents(store)
        self.assertIn('(4 rows)', self.run_well('exec', '--dir', store, '--read-only', SELECT))
        self.assertIn('--read-only', self.run_badly('exec', '--dir', store, '--read-only', 'DELETE FROM k.t WHERE id = 1'))
        self.assertEqual(self.contents(store), before)

    def contents(self, folder):
        found = {}
        for root, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(root, name), 'rb') as file:
                    found[os.path.join(root, name)] = file.read()
        return found

    def test_read_only_creates_nothing(self):
        self.assertIn('there is no store', self.run_badly('exec', '--dir', self.path('none'), '--read-only', 'USE system'))
        self.assertFalse(os.path.exists(self.path('none')))

    def test_a_folder_with_other_files_is_left_alone(self):
        self.write('letter', 'dear')
        self.assertIn('not a store', self.run_badly('exec', '--dir', self.folder, 'USE system'))
        self.assertEqual(os.listdir(self.folder), ['letter'])

    def test_a_store_in_use_says_so(self):
        store = self.path('s')
        holder = subprocess.Popen([STRAIT, 'shell', '--dir', store, '--format', 'csv'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            holder.stdin.write(b'SELECT key FROM system.local;\n')
            holder.stdin.flush()
            self.assertEqual(holder.stdout.readline(), b'key\r\n')  # it is open
            self.assertIn('another process has this store open', self.run_badly('exec', '--dir', store, 'USE system'))
        finally:
            holder.communicate()
        self.run_well('exec', '--dir', store, 'USE system')

    def test_a_damaged_store_points_to_inspect(self):
        store = self.path('s')
        self.run_well('exec', '--dir', store, TABLE + ROWS)
        with open(os.path.join(store, 'STORE'), 'r+b') as file:
            file.write(b'\0' * 64)
        self.assertIn("'strait inspect'", self.run_badly('exec', '--dir', store, 'USE system'))

    def test_both_io_bodies_write_the_same_store(self):
        for body in ('threads', 'auto'):
            self.run_well('exec', '--dir', self.path(body), '--io', body, TABLE + ROWS)
            self.assertIn('(4 rows)', self.run_well('exec', '--dir', self.path(body), '--io', 'threads', SELECT))


if __name__ == '__main__':
    main()
