"""What the Python driver offers an application, used against a Strait server."""

import unittest
import uuid
from datetime import date, datetime, time
from decimal import Decimal

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest, Unauthorized
from cassandra.cluster import NoHostAvailable
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import ConstantSpeculativeExecutionPolicy
from cassandra.protocol import ConfigurationException, SyntaxException
from cassandra.query import BatchStatement, BatchType, SimpleStatement, dict_factory
from cassandra.util import Date, Duration, Time

from server import Server, eventually

REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}"


class Driver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.cluster = cls.server.cluster()
        cls.session = cls.cluster.connect()
        cls.session.execute('CREATE KEYSPACE t WITH replication = ' + REPLICATION)
        cls.session.set_keyspace('t')
        cls.session.execute('CREATE TABLE numbers (part int, number int, PRIMARY KEY (part, number))')
        cls.session.execute('CREATE TABLE notes (id int PRIMARY KEY, a text, b text)')

    def fill(self, part, count):
        insert = self.session.prepare('INSERT INTO numbers (part, number) VALUES (?, ?)')
        execute_concurrent_with_args(self.session, insert, [(part, number) for number in range(count)])

    # Connecting

    def test_steps_down_to_version_4(self):
        self.assertEqual(4, self.cluster.protocol_version)

    def test_knows_cluster_host_and_token_map(self):
        metadata = self.cluster.metadata
        self.assertEqual('Strait', metadata.cluster_name)
        self.assertEqual('org.apache.cassandra.dht.Murmur3Partitioner', metadata.partitioner)
        host, = metadata.all_hosts()
        self.assertEqual(('datacenter1', 'rack1', '3.0.8'), (host.datacenter, host.rack, host.release_version))
        self.assertIsNotNone(host.host_id)
        self.assertGreaterEqual(len(metadata.token_map.ring), 1)
        self.assertEqual([host], metadata.get_replicas('t', b'\0\0\0\1'))

    def test_identity_of_a_cassandra(self):
        server = Server('--profile', 'cassandra-4.1')
        self.addCleanup(server.stop)
        cluster = server.cluster()
        cluster.connect()
        host, = cluster.metadata.all_hosts()
        self.assertTrue(host.release_version.startswith('4.1'), host.release_version)

    def test_unknown_keyspace_is_refused(self):
        with self.assertRaises(NoHostAvailable):
            self.server.cluster().connect('nowhere')
        with self.assertRaisesRegex(InvalidRequest, "Keyspace 'nowhere' does not exist"):
            self.session.execute('USE nowhere')

    def test_version_3_works_when_asked_for(self):
        session = self.server.cluster(protocol_version=3).connect('t')
        session.execute("INSERT INTO notes (id, a) VALUES (3, 'three')")
        self.assertEqual('three', session.execute('SELECT a FROM notes WHERE id = 3').one().a)

    # Statements

    def test_prepared_statements_and_named_binds(self):
        insert = self.session.prepare('INSERT INTO notes (id, a, b) VALUES (:id, :first, :second)')
        self.session.execute(insert, {'second': 'two', 'first': 'one', 'id': 10})
        self.session.execute(insert, {'id': 10, 'first': 'more'})  # what is left out is unset, not null
        self.assertEqual((10, 'more', 'two'), tuple(self.session.execute('SELECT id, a, b FROM notes WHERE id = 10').one()))

    def test_bound_by_name_without_preparing(self):
        self.session.execute("INSERT INTO notes (id, a) VALUES (%(id)s, %(a)s)", {'id': 11, 'a': "it's"})
        self.assertEqual("it's", self.session.execute('SELECT a FROM notes WHERE id = %s', (11,)).one().a)

    def test_routing_key_comes_from_the_partition_key_binds(self):
        insert = self.session.prepare('INSERT INTO numbers (number, part) VALUES (?, ?)')
        self.assertEqual([1], insert.routing_key_indexes)

    def test_schema_change_prepares_again(self):
        self.session.execute('CREATE TABLE changing (id int PRIMARY KEY, a int)')
        self.session.execute('INSERT INTO changing (id, a) VALUES (1, 2)')
        select = self.session.prepare('SELECT * FROM changing WHERE id = ?')
        self.assertEqual((1, 2), tuple(self.session.execute(select, (1,)).one()))
        self.session.execute('ALTER TABLE changing ADD b int')
        self.session.execute('UPDATE changing SET b = 3 WHERE id = 1')
        self.assertEqual((1, 2, 3), tuple(self.session.execute(select, (1,)).one()))

    def test_paging(self):
        self.fill(1, 1000)
        result = self.session.execute(SimpleStatement('SELECT number FROM numbers WHERE part = 1', fetch_size=70))
        self.assertTrue(result.has_more_pages)
        self.assertEqual(70, len(result.current_rows))
        self.assertEqual(list(range(1000)), [row.number for row in result])

    def test_paging_state_on_another_connection(self):
        self.fill(2, 30)
        statement = SimpleStatement('SELECT number FROM numbers WHERE part = 2', fetch_size=10)
        first = self.session.execute(statement)
        session = self.server.cluster().connect('t')
        second = session.execute(statement, paging_state=first.paging_state)
        self.assertEqual(list(range(10, 20)), [row.number for row in second.current_rows])

    def test_foreign_paging_state_is_refused(self):
        # The driver gives up a connection on which it made a protocol error: another client must not notice.
        session = self.server.cluster().connect('t')
        with self.assertRaisesRegex(Exception, 'paging state'):
            session.execute(SimpleStatement('SELECT * FROM numbers WHERE part = 2', fetch_size=10),
                            paging_state=b'no such page').all()
        self.session.execute('SELECT key FROM system.local')

    def test_batches(self):
        insert = self.session.prepare('INSERT INTO numbers (part, number) VALUES (?, ?)')
        for kind in BatchType.LOGGED, BatchType.UNLOGGED:
            batch = BatchStatement(batch_type=kind)
            batch.add(insert, (3, 1))
            batch.add('INSERT INTO numbers (part, number) VALUES (%s, %s)', (3, 2))
            batch.add(SimpleStatement('DELETE FROM numbers WHERE part = 3 AND number = 9'))
            self.session.execute(batch)
        self.assertEqual([1, 2], [row.number for row in self.session.execute('SELECT number FROM numbers WHERE part = 3')])

    def test_every_consistency_level_is_honoured_by_one_node(self):
        for level in (ConsistencyLevel.ONE, ConsistencyLevel.QUORUM, ConsistencyLevel.LOCAL_QUORUM, ConsistencyLevel.ALL):
            self.session.execute(SimpleStatement("INSERT INTO notes (id, a) VALUES (12, 'x')", consistency_level=level))
            self.session.execute(SimpleStatement('SELECT * FROM notes WHERE id = 12', consistency_level=level))

    def test_500_requests_in_flight(self):
        futures = [self.session.execute_async('INSERT INTO numbers (part, number) VALUES (4, %d)' % number)
                   for number in range(500)]
        for future in futures:
            future.result()
        self.assertEqual(500, self.session.execute('SELECT count(*) FROM numbers WHERE part = 4').one()[0])

    def test_speculative_execution_policy_is_accepted(self):
        from cassandra.cluster import EXEC_PROFILE_DEFAULT, ExecutionProfile
        profile = ExecutionProfile(speculative_execution_policy=ConstantSpeculativeExecutionPolicy(.01, 2))
        session = self.server.cluster(execution_profiles={EXEC_PROFILE_DEFAULT: profile}).connect('t')
        select = session.prepare('SELECT * FROM notes WHERE id = ?')
        select.is_idempotent = True
        session.execute(select, (1,))

    def test_light_weight_transactions(self):
        """LWT-12: was_applied looks for [applied]."""
        insert = self.session.prepare('INSERT INTO notes (id, a) VALUES (?, ?) IF NOT EXISTS')
        self.assertTrue(self.session.execute(insert, (15, 'first')).was_applied)
        second = self.session.execute(insert, (15, 'second'))
        self.assertFalse(second.was_applied)
        self.assertEqual('first', second.one().a)
        update = self.session.prepare('UPDATE notes SET a = ? WHERE id = ? IF a = ?')
        self.assertFalse(self.session.execute(update, ('third', 15, 'other')).was_applied)
        self.assertTrue(self.session.execute(update, ('third', 15, 'first')).was_applied)

    def test_conditional_batches(self):
        self.session.execute('CREATE TABLE claims (room int, seat int, owner text, PRIMARY KEY (room, seat))')
        claim = self.session.prepare('INSERT INTO claims (room, seat, owner) VALUES (?, ?, ?) IF NOT EXISTS')
        self.session.execute(claim, (1, 1, 'ann'))
        batch = BatchStatement()
        batch.add(claim, (1, 1, 'bob'))
        batch.add(claim, (1, 2, 'bob'))
        result = self.session.execute(batch)
        self.assertEqual(('[applied]', 'room', 'seat', 'owner'), tuple(result.column_names))
        self.assertEqual([(False, 1, 1, 'ann'), (False, None, None, None)], [tuple(row) for row in result])
        batch = BatchStatement()
        batch.add(claim, (2, 1, 'bob'))
        batch.add(SimpleStatement('INSERT INTO claims (room, seat) VALUES (2, 2)'))
        self.assertEqual([True, True], [row[0] for row in self.session.execute(batch)])
        self.assertEqual(2, len(self.session.execute('SELECT * FROM claims WHERE room = 2').all()))
        batch.add(claim, (3, 1, 'bob'))
        with self.assertRaisesRegex(InvalidRequest, 'BATCH with conditions cannot span multiple partitions'):
            self.session.execute(batch)

    def test_counters(self):
        self.session.execute('CREATE TABLE counts (id int PRIMARY KEY, c counter)')
        add = self.session.prepare('UPDATE counts SET c = c + ? WHERE id = ?')
        self.session.execute(add, (2 ** 40, 1))
        batch = BatchStatement(batch_type=BatchType.COUNTER)
        batch.add(add, (5, 1))
        batch.add(add, (-7, 2))
        self.session.execute(batch)
        self.assertEqual({1: 2 ** 40 + 5, 2: -7}, {row.id: row.c for row in self.session.execute('SELECT * FROM counts')})
        with self.assertRaisesRegex(InvalidRequest, 'Cannot set the value of counter column c'):
            self.session.execute('UPDATE counts SET c = 5 WHERE id = 1')
        with self.assertRaisesRegex(InvalidRequest, 'Cannot provide custom TTL for counter updates'):
            self.session.execute('UPDATE counts USING TTL 5 SET c = c + 1 WHERE id = 1')

    # Values

    def test_types(self):
        values = {
            'ascii': 'ascii', 'bigint': -2 ** 63, 'blob': b'\0\xff', 'boolean': True, 'date': Date(date(2024, 2, 29)),
            'decimal': Decimal('-12345.678901234567890'), 'double': 3.141592653589793, 'duration': Duration(1, 2, 3000),
            'float': 0.5, 'inet': '2001:db8::1', 'int': -2 ** 31, 'smallint': -2 ** 15, 'text': 'Grüße, 世界, 🦊',
            'time': Time(time(23, 59, 59, 999999)), 'timestamp': datetime(2024, 2, 29, 12, 30, 15, 123000),
            'timeuuid': uuid.uuid1(), 'tinyint': -2 ** 7, 'uuid': uuid.uuid4(), 'varint': 2 ** 100,
            'frozen<list<int>>': [3, 1, 2], 'frozen<set<text>>': {'a', 'b'}, 'frozen<map<text, int>>': {'one': 1},
            'frozen<tuple<int, text>>': (7, 'seven'),
        }
        types = list(values)
        self.session.execute('CREATE TABLE types (id int PRIMARY KEY, %s)' % ', '.join(
            'c%d %s' % (number, name) for number, name in enumerate(types)))
        insert = self.session.prepare('INSERT INTO types (id, %s) VALUES (1, %s)' % (
            ', '.join('c%d' % number for number in range(len(types))), ', '.join('?' * len(types))))
        self.session.execute(insert, [values[name] for name in types])
        row = self.session.execute('SELECT * FROM types').one()
        for number, name in enumerate(types):
            with self.subTest(name):
                self.assertEqual(values[name], getattr(row, 'c%d' % number))

    def test_rows_as_dictionaries(self):
        session = self.server.cluster().connect('t')
        session.row_factory = dict_factory
        session.execute("INSERT INTO notes (id, a) VALUES (13, 'x')")
        self.assertEqual({'id': 13, 'a': 'x', 'b': None}, session.execute('SELECT * FROM notes WHERE id = 13').one())

    def test_timestamps_and_ttl_of_statements(self):
        self.session.execute("INSERT INTO notes (id, a) VALUES (14, 'x') USING TIMESTAMP 1000 AND TTL 500")
        row = self.session.execute('SELECT WRITETIME(a) AS w, TTL(a) AS t FROM notes WHERE id = 14').one()
        self.assertEqual(1000, row.w)
        self.assertTrue(490 <= row.t <= 500)

    # Refusals

    def test_refusals_are_told_apart(self):
        with self.assertRaises(SyntaxException):
            self.session.execute('SELEKT 1')
        with self.assertRaises(InvalidRequest):
            self.session.execute('SELECT * FROM nothing')
        with self.assertRaises(AlreadyExists) as raised:
            self.session.execute('CREATE TABLE notes (id int PRIMARY KEY)')
        self.assertEqual(('t', 'notes'), (raised.exception.keyspace, raised.exception.table))
        with self.assertRaises(AlreadyExists) as raised:
            self.session.execute('CREATE KEYSPACE t WITH replication = ' + REPLICATION)
        self.assertEqual('t', raised.exception.keyspace)
        with self.assertRaises(ConfigurationException):
            self.session.execute("CREATE KEYSPACE u WITH replication = {'class': 'NoStrategy'}")
        with self.assertRaises(Unauthorized):
            self.session.execute('DROP TABLE system.local')

    # Schema

    def test_metadata_knows_views(self):
        self.session.execute('CREATE TABLE t.based (k int, c int, v int, PRIMARY KEY (k, c))')
        self.session.execute('CREATE MATERIALIZED VIEW t.by_v AS SELECT * FROM t.based WHERE v IS NOT NULL AND k IS NOT NULL'
                             ' AND c IS NOT NULL PRIMARY KEY (v, k, c) WITH CLUSTERING ORDER BY (k DESC, c ASC)')
        view = self.cluster.metadata.keyspaces['t'].views['by_v']
        self.assertIs(view, self.cluster.metadata.keyspaces['t'].tables['based'].views['by_v'])
        self.assertEqual(['v'], [column.name for column in view.partition_key])
        self.assertEqual(['k', 'c'], [column.name for column in view.clustering_key])
        self.assertTrue(view.include_all_columns)
        self.assertIn('v IS NOT NULL', view.export_as_string())
        self.session.execute('INSERT INTO t.based (k, c, v) VALUES (1, 2, 3)')
        self.assertEqual([(3, 1, 2)], [tuple(row) for row in self.session.execute('SELECT * FROM t.by_v WHERE v = 3')])
        self.session.execute('DROP MATERIALIZED VIEW t.by_v')
        self.assertNotIn('by_v', self.cluster.metadata.keyspaces['t'].views)
        self.session.execute('DROP TABLE t.based')

    def test_metadata_follows_own_changes(self):
        self.session.execute('CREATE TABLE followed (id int PRIMARY KEY, a int)')
        tables = self.cluster.metadata.keyspaces['t'].tables
        self.assertIn('followed', tables)
        self.session.execute('CREATE INDEX ON followed (a)')
        self.assertIn('followed_a_idx', self.cluster.metadata.keyspaces['t'].tables['followed'].indexes)
        self.session.execute('DROP TABLE followed')
        self.assertNotIn('followed', self.cluster.metadata.keyspaces['t'].tables)

    def test_another_client_is_told_of_changes(self):
        watching = self.server.cluster(schema_event_refresh_window=0)
        watching.connect()
        self.session.execute('CREATE KEYSPACE seen WITH replication = ' + REPLICATION)
        self.assertTrue(eventually(lambda: 'seen' in watching.metadata.keyspaces))
        self.session.execute('CREATE TABLE seen.t (id int PRIMARY KEY)')
        self.assertTrue(eventually(lambda: 't' in watching.metadata.keyspaces['seen'].tables))
        self.session.execute('DROP KEYSPACE seen')
        self.assertTrue(eventually(lambda: 'seen' not in watching.metadata.keyspaces))

    # Snapshots

    def test_goes_back_to_a_snapshot_before_each_case(self):
        self.session.execute('CREATE KEYSPACE reset WITH replication = ' + REPLICATION)
        self.session.execute('CREATE TABLE reset.t (id int PRIMARY KEY, a text)')
        self.session.execute('CREATE INDEX ON reset.t (a)')
        self.session.execute("INSERT INTO reset.t (id, a) VALUES (0, 'kept')")
        self.session.execute("INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('reset', 'base')")
        restore = self.session.prepare('INSERT INTO strait.restores (keyspace_name, name) VALUES (?, ?)')
        insert = self.session.prepare('INSERT INTO reset.t (id, a) VALUES (?, ?)')
        read = self.session.prepare('SELECT id FROM reset.t WHERE a = ?')
        for case in range(1, 20):
            self.session.execute(restore, ('reset', 'base'))
            self.session.execute(insert, (case, 'kept'))
            self.assertEqual({0, case}, {row.id for row in self.session.execute(read, ('kept',))})

    def test_a_restore_that_changes_the_schema_is_followed(self):
        watching = self.server.cluster(schema_event_refresh_window=0)
        watching.connect()
        self.session.execute('CREATE KEYSPACE turned WITH replication = ' + REPLICATION)
        self.session.execute('CREATE TABLE turned.t (id int PRIMARY KEY)')
        self.session.execute("INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('turned', 'base')")
        self.session.execute('ALTER TABLE turned.t ADD a text')
        self.session.execute('CREATE TABLE turned.newer (id int PRIMARY KEY)')
        all_of_it = self.session.prepare('SELECT * FROM turned.t')
        self.session.execute("INSERT INTO strait.restores (keyspace_name, name) VALUES ('turned', 'base')")
        self.assertEqual([], list(self.session.execute(all_of_it)))  # prepared anew by the driver

        def followed():
            tables = watching.metadata.keyspaces['turned'].tables
            return 'newer' not in tables and list(tables['t'].columns) == ['id']
        self.assertTrue(eventually(followed))

    def test_a_clone_has_its_own_rows(self):
        self.session.execute('CREATE KEYSPACE template WITH replication = ' + REPLICATION)
        self.session.execute('CREATE TABLE template.t (id int PRIMARY KEY)')
        self.session.execute('INSERT INTO template.t (id) VALUES (1)')
        self.session.execute("INSERT INTO strait.clones (keyspace_name, source) VALUES ('case_1', 'template')")
        self.session.execute('INSERT INTO case_1.t (id) VALUES (2)')
        self.assertEqual({1, 2}, {row.id for row in self.session.execute('SELECT id FROM case_1.t')})
        self.assertEqual([1], [row.id for row in self.session.execute('SELECT id FROM template.t')])
        self.session.execute('DROP KEYSPACE case_1')


if __name__ == '__main__':
    unittest.main()
