"""The crystal schema through the Python driver: what its metadata makes of it, and a chat on top."""

import datetime
import unittest
import uuid

from cassandra.query import BatchStatement, SimpleStatement

from server import Server, crystal_schema


class Crystal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.cluster = cls.server.cluster()
        cls.session = cls.cluster.connect()
        for statement in crystal_schema():
            cls.session.execute(statement)

    def test_metadata_knows_tables_columns_and_indexes(self):
        keyspace = self.cluster.metadata.keyspaces['crystal']
        self.assertEqual(21, len(keyspace.tables))
        self.assertEqual(17, len(keyspace.indexes))
        messages = keyspace.tables['messages']
        self.assertEqual(['channel_id'], [column.name for column in messages.partition_key])
        self.assertEqual(['created_at', 'id'], [column.name for column in messages.clustering_key])
        self.assertTrue(all(column.is_reversed for column in messages.clustering_key))
        self.assertEqual(
            {'channel_id': 'uuid', 'created_at': 'timestamp', 'id': 'uuid', 'content': 'text', 'member_id': 'uuid',
             'deleted': 'boolean', 'updated_at': 'timestamp'},
            {name: column.cql_type for name, column in messages.columns.items()})

    def test_exported_schema_can_be_run_again(self):
        exported = self.cluster.metadata.keyspaces['crystal'].export_as_string()
        self.assertEqual(21, exported.count('CREATE TABLE'))
        self.assertEqual(17, exported.count('CREATE INDEX'))
        other = Server()
        self.addCleanup(other.stop)
        cluster = other.cluster()
        session = cluster.connect()
        for statement in exported.split(';\n'):
            if statement.strip():
                session.execute(statement)
        self.assertEqual(exported, cluster.metadata.keyspaces['crystal'].export_as_string())

    def test_chat(self):
        insert = self.session.prepare(
            'INSERT INTO crystal.messages (channel_id, created_at, id, content, member_id, deleted, updated_at) '
            'VALUES (?, ?, ?, ?, ?, ?, ?)')
        channel, member = uuid.uuid4(), uuid.uuid4()
        start = datetime.datetime(2024, 1, 1)
        for number in range(120):
            at = start + datetime.timedelta(seconds=number)
            self.session.execute(insert, (channel, at, uuid.uuid4(), 'message %d' % number, member, False, at))
        newest = self.session.prepare(
            'SELECT * FROM crystal.messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT ?')
        page = self.session.execute(newest, (channel, 50)).all()
        self.assertEqual(['message %d' % number for number in range(119, 69, -1)], [row.content for row in page])
        before = self.session.prepare(
            'SELECT * FROM crystal.messages WHERE channel_id = ? AND (created_at, id) < (?, ?) LIMIT 50')
        last = page[-1]
        page = self.session.execute(before, (channel, last.created_at, last.id)).all()
        self.assertEqual(['message %d' % number for number in range(69, 19, -1)], [row.content for row in page])

    def test_index_finds_messages_of_a_member(self):
        member = uuid.uuid4()
        batch = BatchStatement()
        insert = SimpleStatement('INSERT INTO crystal.messages (channel_id, created_at, id, member_id) VALUES (%s, %s, %s, %s)')
        for _ in range(5):
            batch.add(insert, (uuid.uuid4(), datetime.datetime(2024, 1, 1), uuid.uuid4(), member))
        self.session.execute(batch)
        rows = self.session.execute('SELECT * FROM crystal.messages WHERE member_id = %s', (member,)).all()
        self.assertEqual(5, len(rows))


if __name__ == '__main__':
    unittest.main()
