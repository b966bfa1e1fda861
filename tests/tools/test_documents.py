"""What README.md and docs/manual.md claim about the program is so."""
import os
import re

from program import KEYSPACE, ProgramTest, main, run

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
COMMANDS = ('serve', 'shell', 'exec', 'demo', 'inspect', 'verify', 'scrub')

TABLE = KEYSPACE + 'USE k; CREATE TABLE t (p int, c int, v text, n int, s int static, PRIMARY KEY (p, c));'

# The words of README's list of what is missing, and a statement of each.
MISSING = {
    'user-defined functions': "CREATE FUNCTION x (a int) CALLED ON NULL INPUT RETURNS int LANGUAGE lua AS 'return 1'",
    'roles': "CREATE ROLE x WITH PASSWORD = 'x'",
    'change data capture': "CREATE TABLE x (p int PRIMARY KEY) WITH cdc = {'enabled': true}",
}

SUPPORTED = [
    "ALTER TABLE t ADD x int", "ALTER TABLE t DROP v", "ALTER TABLE t RENAME c TO cc", "TRUNCATE t", "DROP TABLE t", "DROP KEYSPACE k",
    "CREATE MATERIALIZED VIEW x AS SELECT p, c, n FROM t WHERE n IS NOT NULL AND p IS NOT NULL AND c IS NOT NULL PRIMARY KEY (n, p, c)",
    "CREATE INDEX ON t (s)", "CREATE INDEX ON t ((p), n)",
    "CREATE INDEX ON t (n); DROP INDEX t_n_idx", "CREATE INDEX ON t (c)", "DESCRIBE KEYSPACE", "DESCRIBE TABLE t",
    "INSERT INTO t (p, c, v, s) VALUES (1, 2, 'x', 3) USING TTL 10 AND TIMESTAMP 5", "UPDATE t SET v = 'x' WHERE p = 1 AND c = 2",
    "DELETE v FROM t WHERE p = 1 AND c = 2", "DELETE FROM t WHERE p = 1 AND c > 2", "DELETE FROM t WHERE p = 1",
    "BEGIN BATCH INSERT INTO t (p, c) VALUES (1, 2); DELETE FROM t WHERE p = 1 AND c = 3; APPLY BATCH",
    "INSERT INTO t (p, c) VALUES (1, 2) IF NOT EXISTS", "UPDATE t SET v = 'x' WHERE p = 1 AND c = 2 IF v = 'y'",
    "DELETE FROM t WHERE p = 1 AND c = 2 IF EXISTS", "BEGIN BATCH INSERT INTO t (p, c) VALUES (1, 2) IF NOT EXISTS; APPLY BATCH",
    "SELECT * FROM t WHERE p IN (1, 2) AND (c) >= (2) LIMIT 3", "SELECT * FROM t WHERE token(p) > 0 PER PARTITION LIMIT 1",
    "SELECT * FROM t WHERE p = 1 ORDER BY c DESC", "SELECT DISTINCT p, s FROM t", "SELECT p, sum(n) FROM t GROUP BY p",
    "SELECT count(*), min(n), max(n), avg(n) FROM t", "SELECT writetime(v), ttl(v), CAST(n AS text), toDate(now()) FROM t",
    "SELECT * FROM t WHERE n > 1 ALLOW FILTERING", "SELECT * FROM t WHERE v LIKE 'x%' ALLOW FILTERING",
    "CREATE TABLE x (p int PRIMARY KEY, l frozen<list<int>>, s frozen<set<int>>, m frozen<map<int, text>>, t tuple<int, text>)",
    "CREATE TABLE x (p int PRIMARY KEY) WITH compaction = {'class': 'SizeTieredCompactionStrategy'}",
    "CREATE TABLE x (p int PRIMARY KEY) WITH compaction = {'class': 'TimeWindowCompactionStrategy'}",
]


def document(*path):
    with open(os.path.join(ROOT, *path), encoding='utf-8') as file:
        return file.read()


class Readme(ProgramTest):
    def test_what_it_calls_missing_is_refused_in_these_words_and_nothing_else_is(self):
        listed = re.sub(r'\s+', ' ', document('README.md').split('**Not supported yet**')[1])
        for words, statement in MISSING.items():
            done = run('exec', TABLE, statement)
            is_missing = b'not supported by Strait' in done.stderr
            self.assertEqual(is_missing, words in listed, (statement, done.stderr))

    def test_what_it_calls_supported_runs(self):
        for statement in SUPPORTED:
            self.run_well('exec', TABLE, statement)

    def test_every_compaction_strategy_of_the_target_is_taken_without_a_warning(self):
        for name in ('SizeTiered', 'TimeWindow', 'Leveled', 'Incremental'):
            done = run('exec', TABLE, "CREATE TABLE x (p int PRIMARY KEY) WITH compaction = {'class': '%sCompactionStrategy'}" % name)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn(b'runs as', done.stderr)

    def test_pages_that_it_names_exist(self):
        for path in re.findall(r'`((?:docs|examples)/[\w./-]*)`', document('README.md')):
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)


class Manual(ProgramTest):
    def options_of(self, text):
        return set(re.findall(r'(?<![\w-])--[a-z][a-z-]+', text)) - {'--help'}

    def test_it_lists_every_option_and_only_those(self):
        offered = set().union(*(self.options_of(self.run_well(command, '--help')) for command in COMMANDS))
        self.assertEqual(self.options_of(document('docs', 'manual.md')), offered)

    def test_readme_uses_options_that_exist(self):
        for command, arguments in re.findall(r'strait (\w+)((?: +[^\s#`]+)*)', document('README.md')):
            if command in COMMANDS:
                self.assertLessEqual(self.options_of(arguments), self.options_of(self.run_well(command, '--help')))

    def test_it_lists_every_command_of_the_shell(self):
        shown = set(re.findall(r'(?m)^  (\.\w+)', self.run_well('shell', text='.help\n')))
        self.assertEqual(set(re.findall(r'`(\.\w+)', document('docs', 'manual.md'))), shown)

    def test_it_names_the_tables_of_the_keyspace_strait(self):
        tables = self.run_well('exec', '--format', 'csv', "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'strait'")
        self.assertEqual(set(re.findall(r'(?m)^\| `strait\.(\w+)`', document('docs', 'manual.md'))), set(tables.split()[1:]))


if __name__ == '__main__':
    main()
