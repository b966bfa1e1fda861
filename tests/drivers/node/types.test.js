'use strict';
// Every type both ways through the Node.js driver: bound and read back, alone, within collections, tuples and user-defined
// types, as parts of keys, null, unset and empty; and pages of every kind of query.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const cassandra = require('cassandra-driver');
const { Server, refusal } = require('./server');

const { BigDecimal, Duration, InetAddress, Integer, LocalDate, LocalTime, Long, TimeUuid, Tuple, Uuid, responseErrorCodes } =
  cassandra.types;
const prepared = { prepare: true };
const unset = cassandra.types.unset;

// Two values of each type, in the order of the type.
const scalars = {
  ascii: ['', 'ascii ~'],
  bigint: [Long.MIN_VALUE, Long.MAX_VALUE],
  blob: [Buffer.alloc(0), Buffer.from([0, 0xff])],
  boolean: [false, true],
  date: [LocalDate.fromString('-2000-01-01'), LocalDate.fromString('2024-02-29')],
  decimal: [BigDecimal.fromString('-12345.678901234567890'), BigDecimal.fromString('1E+20')],
  double: [-Infinity, 1.7976931348623157e308],
  duration: [new Duration(-1, -2, Long.fromNumber(-3000)), new Duration(1, 2, Long.fromNumber(3000))],
  float: [-0.5, Infinity],
  inet: [InetAddress.fromString('2001:db8::1'), InetAddress.fromString('127.0.0.1')], // by bytes
  int: [-2147483648, 2147483647],
  smallint: [-32768, 32767],
  text: ['', 'Grüße, 世界, 🦊'],
  time: [LocalTime.fromString('00:00:00'), LocalTime.fromString('23:59:59.999999999')],
  timestamp: [new Date(-1), new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123))],
  timeuuid: [TimeUuid.fromDate(new Date(0)), TimeUuid.fromDate(new Date(1))],
  tinyint: [-128, 127],
  uuid: [Uuid.fromString('00000000-0000-0000-0000-000000000000'), Uuid.random()],
  varint: [Integer.fromString('-123456789012345678901234567890'), Integer.fromString('1')],
};

/** Values of the driver know how to compare themselves; the rest is compared structurally. */
function assertSame(got, wanted, message) {
  if (wanted && typeof wanted === 'object' && typeof wanted.equals === 'function' && !Buffer.isBuffer(wanted)) {
    assert.ok(got && wanted.equals(got), `${message}: ${got} is not ${wanted}`);
  } else if (Array.isArray(wanted)) {
    assert.equal(got.length, wanted.length, message);
    wanted.forEach((item, i) => assertSame(got[i], item, message));
  } else {
    assert.deepEqual(got, wanted, message);
  }
}

for (const profile of ['scylla-2025.1', 'cassandra-5.0']) {
  describe(`types through the Node.js driver, ${profile}`, () => {
    let server;
    let client;

    before(async () => {
      server = await Server.start('--profile', profile);
      client = await server.connect();
      await client.execute("CREATE KEYSPACE t WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      await client.execute('USE t');
    });
    after(() => server.stop());

    for (const [type, values] of Object.entries(scalars)) {
      test(`${type} comes back as it was bound, alone and within others`, async () => {
        const [low, high] = values;
        const table = `of_${type}`;
        const comparable = type !== 'duration';
        await client.execute(`CREATE TYPE udt_${type} (first ${type}, second ${type})`);
        await client.execute(`CREATE TABLE ${table} (id int PRIMARY KEY, one ${type}, list list<${type}>,
          frozen_list frozen<list<${type}>>, map map<int, ${type}>, pair tuple<${type}, int, ${type}>,
          udt udt_${type}, frozen_udt frozen<udt_${type}>, nested map<int, frozen<list<udt_${type}>>>
          ${comparable ? `, members set<${type}>, keys map<${type}, int>` : ''})`);
        const udt = { first: low, second: high };
        const columns = ['one', 'list', 'frozen_list', 'map', 'pair', 'udt', 'frozen_udt', 'nested'];
        const bound = [high, [high, low, high], [high, low], { 1: low, 2: high }, new Tuple(high, 7, low), udt, udt,
          { 5: [udt, { first: high, second: null }] }];
        if (comparable) {
          columns.push('members');
          bound.push([high, low]);
        }
        await client.execute(`INSERT INTO ${table} (id, ${columns.join(', ')}) VALUES (1${', ?'.repeat(columns.length)})`,
          bound, prepared);
        const row = (await client.execute(`SELECT * FROM ${table} WHERE id = 1`)).first();
        assertSame(row.one, high, type);
        assertSame(row.list, [high, low, high], `list<${type}>`);
        assertSame(row.frozen_list, [high, low], `frozen<list<${type}>>`);
        assertSame(row.map[1], low, `map<int, ${type}>`);
        assertSame(row.map[2], high, `map<int, ${type}>`);
        assertSame(row.pair.values(), [high, 7, low], `tuple of ${type}`);
        for (const got of [row.udt, row.frozen_udt, row.nested[5][0]]) {
          assertSame(got.first, low, `user-defined type of ${type}`);
          assertSame(got.second, high, `user-defined type of ${type}`);
        }
        assertSame(row.nested[5][1].second, null, 'null within a user-defined type');
        if (comparable) {
          assertSame(row.members, [low, high], `set<${type}> in the order of its type`);
        }
      });
    }

    for (const [type, values] of Object.entries(scalars)) {
      if (type === 'duration') {
        continue;
      }
      test(`${type} is found as a key, and rows come in its order`, async () => {
        const [low, high] = values;
        await client.execute(`CREATE TABLE key_${type} (p ${type}, q int, c ${type}, PRIMARY KEY ((p, q), c))
          WITH CLUSTERING ORDER BY (c DESC)`);
        const insert = `INSERT INTO key_${type} (p, q, c) VALUES (?, 1, ?)`;
        await client.execute(insert, [low, low], prepared);
        await client.execute(insert, [low, high], prepared);
        const whole = await client.execute(`SELECT c FROM key_${type} WHERE p = ? AND q = 1`, [low], prepared);
        assertSame(whole.rows.map((row) => row.c), [high, low], `${type} falls`);
        const slice = await client.execute(`SELECT p, c FROM key_${type} WHERE p = ? AND q = 1 AND c < ?`, [low, high], prepared);
        assert.equal(slice.rowLength, 1);
        assertSame(slice.first().p, low, type);
        assertSame(slice.first().c, low, type);
        const list = await client.execute(`SELECT c FROM key_${type} WHERE p = ? AND q = 1 AND c IN ?`, [low, [low, high]], prepared);
        assertSame(list.rows.map((row) => row.c), [high, low], `${type} in a list`);
      });
    }

    test('null deletes, unset leaves alone, empty stays empty', async () => {
      await client.execute('CREATE TABLE nothing (id int PRIMARY KEY, a text, b blob, c set<int>, d frozen<set<int>>, e int)');
      const insert = 'INSERT INTO nothing (id, a, b, c, d, e) VALUES (?, ?, ?, ?, ?, ?)';
      await client.execute(insert, [1, 'a', Buffer.from('b'), [1], [1], 5], prepared);
      await client.execute(insert, [1, unset, undefined, unset, unset, unset], prepared);
      let row = (await client.execute('SELECT * FROM nothing WHERE id = 1')).first();
      assert.equal(row.a, 'a');
      assert.deepEqual(row.c, [1]);
      assert.equal(row.e, 5);
      await client.execute(insert, [1, '', Buffer.alloc(0), [], [], null], prepared);
      row = (await client.execute('SELECT * FROM nothing WHERE id = 1')).first();
      assert.equal(row.a, '');
      assert.equal(row.b.length, 0);
      assert.equal(row.c, null);
      assert.equal(row.d, null); // this driver sends an empty array as null
      assert.equal(row.e, null);
      await assert.rejects(client.execute(insert, [1, 'a', null, [null], null, 1], prepared));
    });

    test('collections are changed in place', async () => {
      await client.execute('CREATE TABLE bags (id int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>)');
      const set = (assignment, parameters) =>
        client.execute(`UPDATE bags SET ${assignment} WHERE id = 1`, parameters, prepared);
      await set('l = ?, s = ?, m = ?', [[2, 3], ['b'], { b: 2 }]);
      await set('l = ? + l', [[0, 1]]);
      await set('l = l + ?', [[4]]);
      await set('l[0] = ?', [10]);
      await set('s = s + ?', [['a', 'c']]);
      await set('s = s - ?', [['b']]);
      await set("m['a'] = ?", [1]);
      await set('m = m + ?', [{ c: 3 }]);
      await set('m = m - ?', [['b']]);
      const row = (await client.execute('SELECT * FROM bags WHERE id = 1')).first();
      assert.deepEqual(row.l, [10, 1, 2, 3, 4]);
      assert.deepEqual(row.s, ['a', 'c']);
      assert.deepEqual(row.m, { a: 1, c: 3 });
      await assert.rejects(set('l[9] = ?', [1]), refusal(responseErrorCodes.invalid, /out of bound/));
    });

    test('the metadata knows user-defined types', async () => {
      await client.execute('CREATE TYPE address (street text, numbers frozen<set<int>>)');
      await client.execute('CREATE TABLE people (id int PRIMARY KEY, home frozen<address>, others list<frozen<address>>)');
      const udt = await client.metadata.getUdt('t', 'address');
      assert.deepEqual(udt.fields.map((field) => field.name), ['street', 'numbers']);
      const table = await client.metadata.getTable('t', 'people');
      assert.equal(table.columnsByName.home.type.info.name, 'address');
    });

    describe('pages', () => {
      before(async () => {
        await client.execute('CREATE TABLE paged (p int, c int, s int STATIC, v int, tags set<text>, PRIMARY KEY (p, c))');
        await client.execute('CREATE INDEX ON paged (v)');
        for (let p = 0; p < 4; p++) {
          await client.batch(Array.from({ length: 25 }, (_, c) => ({
            query: 'INSERT INTO paged (p, c, s, v, tags) VALUES (?, ?, ?, ?, ?)', params: [p, c, p, c % 3, ['t' + c % 2]] })), prepared);
        }
      });

      async function inPages(query, parameters) {
        const rows = [];
        let pages = 0;
        let pageState;
        do {
          const result = await client.execute(query, parameters, { prepare: true, fetchSize: 7, pageState });
          pages++;
          rows.push(...result.rows);
          pageState = result.pageState;
        } while (pageState);
        return { rows, pages };
      }

      const queries = {
        'a scan': ['SELECT * FROM paged', []],
        'a partition': ['SELECT * FROM paged WHERE p = ?', [1]],
        'a partition backwards': ['SELECT * FROM paged WHERE p = ? ORDER BY c DESC', [1]],
        'several partitions': ['SELECT * FROM paged WHERE p IN ?', [[0, 2, 3]]],
        'a slice with a limit': ['SELECT * FROM paged WHERE p = ? AND c > ? LIMIT 16', [1, 3]],
        'a limit of each partition': ['SELECT * FROM paged PER PARTITION LIMIT 9', []],
        'an index': ['SELECT * FROM paged WHERE v = ?', [1]],
        'an index and a filter': ['SELECT * FROM paged WHERE v = ? AND c > ? ALLOW FILTERING', [1, 10]],
        'a filter': ['SELECT * FROM paged WHERE tags CONTAINS ? ALLOW FILTERING', ['t1']],
        'a token range': ['SELECT * FROM paged WHERE token(p) > ?', [Long.fromNumber(-4069959284402364209)]],
        'distinct partitions': ['SELECT DISTINCT p, s FROM paged', []],
        'groups': ['SELECT p, c, count(v) FROM paged GROUP BY p, c', []],
        JSON: ['SELECT JSON p, c FROM paged', []],
        'an aggregate': ['SELECT count(*), max(v) FROM paged', []],
      };
      for (const [name, [query, parameters]] of Object.entries(queries)) {
        test(`of ${name} make the whole`, async () => {
          const whole = await client.execute(query, parameters, { prepare: true, fetchSize: 5000 });
          assert.ok(whole.rowLength > 0);
          const { rows, pages } = await inPages(query, parameters);
          assert.deepEqual(rows, whole.rows);
          // ScyllaDB answers what is grouped at once.
          if (!query.includes('GROUP BY')) {
            assert.ok(pages >= whole.rowLength / 7);
          }
        });
      }
    });
  });
}
