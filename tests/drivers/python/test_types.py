"""Every type both ways through the Python driver: bound and read back, alone, within collections, tuples and user-defined types,
and as parts of keys; null, unset and empty."""

import unittest
import uuid
from collections import namedtuple
from datetime import date, datetime, time
from decimal import Decimal

from cassandra import InvalidRequest
from cassandra.query import UNSET_VALUE
from cassandra.util import Date, Duration, OrderedMapSerializedKey, Time

from server import Server

REPLICATION = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
INFINITY = float('inf')

# Two values of each type, in the order of the type.
SCALARS = {
    'ascii': ('', 'ascii ~'), 'bigint': (-2 ** 63, 2 ** 63 - 1), 'blob': (b'', b'\0\xff'), 'boolean': (False, True),
    'date': (Date(date(1, 1, 1)), Date(date(2024, 2, 29))), 'decimal': (Decimal('-12345.678901234567890'), Decimal('1E+20')),
    'double': (-INFINITY, 1.7976931348623157e308), 'duration': (Duration(-1, -2, -3000), Duration(1, 2, 3000)),
    'float': (-0.5, INFINITY), 'inet': ('2001:db8::1', '127.0.0.1'), 'int': (-2 ** 31, 2 ** 31 - 1),
    'smallint': (-2 ** 15, 2 ** 15 - 1), 'text': ('', 'Grüße, 世界, 🦊'),
    'time': (Time(time(0, 0, 0)), Time(time(23, 59, 59, 999999))),
    'timestamp': (datetime(1969, 12, 31, 23, 59, 59, 999000), datetime(2024, 2, 29, 12, 30, 15, 123000)),
    'timeuuid': (uuid.UUID('00000000-0000-1000-8080-808080808080'), uuid.UUID('00000001-0000-1000-8080-808080808080')),
    'tinyint': (-2 ** 7, 2 ** 7 - 1), 'uuid': (uuid.UUID(int=0), uuid.UUID('ffffffff-ffff-4fff-bfff-ffffffffffff')),
    'varint': (-2 ** 100, 2 ** 100),
}
Pair = namedtuple('Pair', ('first', 'second'))


class Types(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.session = cls.server.cluster().connect()
        cls.session.execute('CREATE KEYSPACE t WITH replication = ' + REPLICATION)
        cls.session.set_keyspace('t')

    def bind(self, statement, *values):
        return self.session.execute(self.session.prepare(statement), values)

    def test_every_type_alone_and_within_others(self):
        for name, (low, high) in SCALARS.items():
            with self.subTest(name):
                self.session.execute('CREATE TYPE udt_%s (first %s, second %s)' % (name, name, name))
                self.session.execute(
                    'CREATE TABLE of_%s (id int PRIMARY KEY, one %s, l list<%s>, m map<int, %s>, pair tuple<%s, int, %s>, '
                    'udt udt_%s, frozen_udt frozen<udt_%s>, nested map<int, frozen<list<frozen<tuple<%s>>>>>)' % ((name,) * 9))
                pair = Pair(low, high)
                self.bind('INSERT INTO of_%s (id, one, l, m, pair, udt, frozen_udt, nested) VALUES (1, ?, ?, ?, ?, ?, ?, ?)' % name,
                          high, [high, low, high], {1: low, 2: high}, (high, 7, None), pair, pair, {5: [(low,), (high,)]})
                row = self.session.execute('SELECT * FROM of_%s' % name).one()
                self.assertEqual(high, row.one)
                self.assertEqual([high, low, high], row.l)
                self.assertEqual({1: low, 2: high}, dict(row.m))
                self.assertEqual((high, 7, None), row.pair)
                self.assertEqual(tuple(pair), tuple(row.udt))
                self.assertEqual(tuple(pair), tuple(row.frozen_udt))
                self.assertEqual([(low,), (high,)], list(row.nested[5]))

    def test_every_type_as_a_key(self):
        for name, (low, high) in SCALARS.items():
            if name == 'duration':
                continue
            with self.subTest(name):
                self.session.execute(
                    'CREATE TABLE key_%s (p %s, q int, c %s, members set<%s>, m map<%s, int>, PRIMARY KEY ((p, q), c)) '
                    'WITH CLUSTERING ORDER BY (c DESC)' % ((name,) * 5))
                insert = self.session.prepare('INSERT INTO key_%s (p, q, c, members, m) VALUES (?, 1, ?, ?, ?)' % name)
                for value in low, high:
                    self.session.execute(insert, (low, value, {high, low}, {high: 2, low: 1}))
                rows = self.bind('SELECT * FROM key_%s WHERE p = ? AND q = 1' % name, low).all()
                self.assertEqual([high, low], [row.c for row in rows])
                self.assertEqual({low, high}, set(rows[0].members))
                self.assertEqual([1, 2], list(rows[0].m.values()), 'maps keep the order of the server')
                below = self.bind('SELECT p, c FROM key_%s WHERE p = ? AND q = 1 AND c < ?' % name, low, high).all()
                self.assertEqual([(low, low)], [tuple(row) for row in below])

    def test_null_unset_and_empty(self):
        self.session.execute('CREATE TABLE nothing (id int PRIMARY KEY, a text, b set<int>, c frozen<set<int>>, d int)')
        insert = 'INSERT INTO nothing (id, a, b, c, d) VALUES (1, ?, ?, ?, ?)'
        self.bind(insert, 'a', {1}, {1}, 5)
        self.bind(insert, UNSET_VALUE, UNSET_VALUE, UNSET_VALUE, UNSET_VALUE)
        row = self.session.execute('SELECT a, b, c, d FROM nothing').one()
        self.assertEqual(('a', {1}, {1}, 5), tuple(row))
        self.bind(insert, '', set(), set(), None)
        row = self.session.execute('SELECT a, b, c, d FROM nothing').one()
        self.assertEqual('', row.a)
        self.assertFalse(row.b)
        self.assertEqual(set(), set(row.c))
        self.assertIsNone(row.d)

    def test_collections_are_changed_in_place(self):
        self.session.execute('CREATE TABLE bags (id int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>)')

        def change(assignment, *values):
            self.bind('UPDATE bags SET %s WHERE id = 1' % assignment, *values)

        change('l = ?, s = ?, m = ?', [2, 3], {'b'}, {'b': 2})
        change('l = ? + l', [0, 1])
        change('l = l + ?', [4])
        change('l[0] = ?', 10)
        change('s = s + ?', {'a', 'c'})
        change('s = s - ?', {'b'})
        change("m['a'] = ?", 1)
        change('m = m - ?', {'b'})
        row = self.session.execute('SELECT l, s, m FROM bags').one()
        self.assertEqual([10, 1, 2, 3, 4], row.l)
        self.assertEqual({'a', 'c'}, row.s)
        self.assertEqual(OrderedMapSerializedKey, type(row.m))
        self.assertEqual({'a': 1}, dict(row.m))
        with self.assertRaises(InvalidRequest):
            change('l[9] = ?', 1)

    def test_metadata_knows_user_defined_types(self):
        self.session.execute('CREATE TYPE address (street text, numbers frozen<set<int>>)')
        self.session.execute('CREATE TABLE people (id int PRIMARY KEY, home frozen<address>)')
        keyspace = self.session.cluster.metadata.keyspaces['t']
        self.assertEqual(['street', 'numbers'], keyspace.user_types['address'].field_names)
        self.assertEqual('frozen<address>', keyspace.tables['people'].columns['home'].cql_type)
        self.assertIn('CREATE TYPE t.address', keyspace.export_as_string())


if __name__ == '__main__':
    unittest.main()
