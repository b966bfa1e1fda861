'use strict';
// What the Node.js driver offers an application, used against a Strait server.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const cassandra = require('cassandra-driver');
const { Server, createCrystal, refusal, eventually } = require('./server');

const { BigDecimal, Duration, InetAddress, Integer, LocalDate, LocalTime, Long, TimeUuid, Tuple, Uuid, responseErrorCodes } =
  cassandra.types;
const prepared = { prepare: true };

describe('the Node.js driver', () => {
  let server;
  let client;

  before(async () => {
    server = await Server.start();
    client = await server.connect();
    await client.execute("CREATE KEYSPACE t WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await client.execute('USE t');
    await client.execute('CREATE TABLE numbers (part int, number int, PRIMARY KEY (part, number))');
  });
  after(() => server.stop());

  async function fill(part, count) {
    const queries = Array.from({ length: count }, (_, number) => ({
      query: 'INSERT INTO numbers (part, number) VALUES (?, ?)', params: [part, number] }));
    for (let at = 0; at < count; at += 250) {
      await client.batch(queries.slice(at, at + 250), prepared);
    }
  }

  test('knows the host, its rack and its version', () => {
    const hosts = client.hosts.values();
    assert.equal(hosts.length, 1);
    assert.equal(hosts[0].datacenter, 'datacenter1');
    assert.equal(hosts[0].rack, 'rack1');
    assert.equal(hosts[0].cassandraVersion, '3.0.8');
    assert.ok(hosts[0].hostId);
  });

  test('routes by token: the replicas of a key are known', async () => {
    const replicas = client.getReplicas('t', Buffer.from([0, 0, 0, 1]));
    assert.equal(replicas.length, 1);
  });

  test('sends heartbeats on idle connections and stays connected', async () => {
    const idle = await server.connect({ pooling: { heartBeatInterval: 30 } });
    let lost = 0;
    idle.on('hostDown', () => lost++);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal((await idle.execute('SELECT key FROM system.local')).first().key, 'local');
    assert.equal(lost, 0);
  });

  test('pages through 1,050 rows with pageState', async () => {
    await fill(1, 1050);
    const seen = [];
    let pages = 0;
    let pageState;
    do {
      const page = await client.execute('SELECT number FROM numbers WHERE part = ?', [1],
        { prepare: true, fetchSize: 100, pageState });
      seen.push(...page.rows.map((row) => row.number));
      pageState = page.pageState;
      pages++;
    } while (pageState);
    assert.ok(pages >= 11);
    assert.deepEqual(seen, Array.from({ length: 1050 }, (_, i) => i));
  });

  test('goes on with a pageState in another client', async () => {
    await fill(2, 30);
    const query = 'SELECT number FROM numbers WHERE part = 2';
    const first = await client.execute(query, [], { fetchSize: 10 });
    const other = await server.connect({ keyspace: 't' });
    const second = await other.execute(query, [], { fetchSize: 10, pageState: first.pageState });
    assert.deepEqual(second.rows.map((row) => row.number), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  test('walks rows with eachRow, page after page', async () => {
    await fill(3, 230);
    const seen = [];
    await new Promise((resolve, reject) => {
      client.eachRow('SELECT number FROM numbers WHERE part = ?', [3], { prepare: true, fetchSize: 50, autoPage: true },
        (n, row) => seen.push(row.number), (error) => (error ? reject(error) : resolve()));
    });
    assert.equal(seen.length, 230);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  });

  test('streams rows, and iterates over a result asynchronously', async () => {
    await fill(4, 130);
    const streamed = [];
    for await (const row of client.stream('SELECT number FROM numbers WHERE part = 4', [], { fetchSize: 40 })) {
      streamed.push(row.number);
    }
    assert.equal(streamed.length, 130);
    const iterated = [];
    for await (const row of await client.execute('SELECT number FROM numbers WHERE part = 4', [], { fetchSize: 40 })) {
      iterated.push(row.number);
    }
    assert.deepEqual(iterated, streamed);
  });

  test('runs batches of texts and of prepared statements, logged and unlogged', async () => {
    await client.batch([
      'INSERT INTO numbers (part, number) VALUES (5, 1)',
      { query: 'INSERT INTO numbers (part, number) VALUES (5, ?)', params: [2] },
    ], { prepare: false, hints: [[], ['int']] });
    await client.batch([
      { query: 'INSERT INTO numbers (part, number) VALUES (?, ?)', params: [5, 3] },
      { query: 'DELETE FROM numbers WHERE part = ? AND number = ?', params: [5, 1] },
    ], { prepare: true, logged: false });
    const rows = await client.execute('SELECT number FROM numbers WHERE part = 5');
    assert.deepEqual(rows.rows.map((row) => row.number), [2, 3]);
  });

  test('counts, and reads counters as Longs', async () => {
    await client.execute('CREATE TABLE counts (id int PRIMARY KEY, c counter)');
    const add = 'UPDATE counts SET c = c + ? WHERE id = ?';
    await client.execute(add, [Long.fromString('9007199254740993'), 1], prepared);
    await client.batch([{ query: add, params: [1, 1] }, { query: add, params: [-4, 2] }], { prepare: true, counter: true });
    const rows = (await client.execute('SELECT id, c FROM counts')).rows;
    assert.deepEqual(rows.map((row) => [row.id, row.c.toString()]), [[1, '9007199254740994'], [2, '-4']]);
    await assert.rejects(client.execute('INSERT INTO counts (id, c) VALUES (1, 1)'),
      refusal(responseErrorCodes.invalid, /use UPDATE instead/));
    await assert.rejects(client.batch([{ query: add, params: [1, 1] }], prepared),
      refusal(responseErrorCodes.invalid, /^Cannot include a counter statement in a logged batch$/));
  });

  test('sees whether a conditional write was applied, and the row that was in its way', async () => {
    await client.execute('CREATE TABLE claims (room int, seat int, owner text, PRIMARY KEY (room, seat))');
    const claim = 'INSERT INTO claims (room, seat, owner) VALUES (?, ?, ?) IF NOT EXISTS';
    const first = await client.execute(claim, [1, 1, 'ann'], prepared);
    assert.equal(first.wasApplied(), true);
    const second = await client.execute(claim, [1, 1, 'bob'], prepared);
    assert.equal(second.wasApplied(), false);
    assert.equal(second.first().owner, 'ann');
    const both = [{ query: claim, params: [1, 2, 'cid'] },
      { query: 'UPDATE claims SET owner = ? WHERE room = ? AND seat = ? IF owner = ?', params: ['cid', 1, 1, 'bob'] }];
    const refused = await client.batch(both, prepared);
    assert.equal(refused.wasApplied(), false);
    assert.deepEqual(refused.rows.map((row) => [row['[applied]'], row.seat, row.owner]), [[false, null, null], [false, 1, 'ann']]);
    both[1].params[3] = 'ann';
    assert.equal((await client.batch(both, prepared)).wasApplied(), true);
    assert.deepEqual((await client.execute('SELECT owner FROM claims WHERE room = 1')).rows.map((row) => row.owner), ['cid', 'cid']);
    await assert.rejects(client.execute('UPDATE claims USING TIMESTAMP 1 SET owner = null WHERE room = 1 AND seat = 1 IF EXISTS'),
      refusal(responseErrorCodes.invalid, /^Cannot provide custom timestamp for conditional updates$/));
  });

  const values = [
    ['ascii', 'text of 7 bits'],
    ['bigint', Long.fromString('-9007199254740993')],
    ['blob', Buffer.from([0, 1, 254, 255])],
    ['boolean', true],
    ['date', LocalDate.fromString('2024-02-29')],
    ['decimal', BigDecimal.fromString('-12345.678901234567890')],
    ['double', 3.141592653589793],
    ['duration', Duration.fromString('1mo2d3h4m5s6ms')],
    ['float', 0.5],
    ['inet', InetAddress.fromString('2001:db8::1')],
    ['int', -2147483648],
    ['smallint', -32768],
    ['text', 'Grüße, 世界, 🦊'],
    ['time', LocalTime.fromString('23:59:59.999999999')],
    ['timestamp', new Date(1700000000123)],
    ['timeuuid', TimeUuid.now()],
    ['tinyint', -128],
    ['uuid', Uuid.random()],
    ['varchar', 'the same as text'],
    ['varint', Integer.fromString('123456789012345678901234567890')],
    ['frozen<list<int>>', [3, 1, 2]],
    ['frozen<set<text>>', ['a', 'b', 'c']],
    ['frozen<map<text, int>>', { one: 1, two: 2 }],
    ['frozen<tuple<int, text>>', new Tuple(7, 'seven')],
  ];

  test('gives every type back as it was written', async () => {
    const columns = values.map(([type], i) => `c${i} ${type}`).join(', ');
    await client.execute(`CREATE TABLE types (id int PRIMARY KEY, ${columns})`);
    const names = values.map((_, i) => `c${i}`);
    await client.execute(
      `INSERT INTO types (id, ${names.join(', ')}) VALUES (?, ${names.map(() => '?').join(', ')})`,
      [1, ...values.map(([, value]) => value)], prepared);
    const row = (await client.execute('SELECT * FROM types WHERE id = 1')).first();
    values.forEach(([type, value], i) => {
      const got = row[`c${i}`];
      const same = typeof value.equals === 'function' ? value.equals(got) : undefined;
      if (same === undefined) {
        assert.deepEqual(got, value, type);
      } else {
        assert.ok(same, `${type}: ${got} is not ${value}`);
      }
    });
  });

  test('NUL-4 gives nulls back, and leaves what is undefined alone', async () => {
    await client.execute('CREATE TABLE notes (id int PRIMARY KEY, a text, b text)');
    const insert = 'INSERT INTO notes (id, a, b) VALUES (?, ?, ?)';
    await client.execute(insert, [1, 'kept', 'gone'], prepared);
    await client.execute(insert, [1, undefined, null], prepared);
    const row = (await client.execute('SELECT a, b FROM notes WHERE id = 1')).first();
    assert.equal(row.a, 'kept');
    assert.equal(row.b, null);
  });

  test('binds by name', async () => {
    await client.execute('INSERT INTO notes (id, a) VALUES (:id, :text)', { text: 'by name', id: 2 }, prepared);
    const row = (await client.execute('SELECT a FROM notes WHERE id = :id', { id: 2 }, prepared)).first();
    assert.equal(row.a, 'by name');
  });

  test('tells errors apart by code and text', async () => {
    const codes = responseErrorCodes;
    await assert.rejects(client.execute('SELEKT 1'), refusal(codes.syntaxError, /^line 1:0 /));
    await assert.rejects(client.execute('SELECT * FROM nothing'), refusal(codes.invalid, /unconfigured table nothing/));
    await assert.rejects(client.execute('SELECT nothing FROM notes'), refusal(codes.invalid, /nothing/));
    await assert.rejects(client.execute('CREATE TABLE notes (id int PRIMARY KEY)'),
      (error) => error.code === codes.alreadyExists && error.table === 'notes' && error.keyspace === 't');
    await assert.rejects(client.execute("CREATE KEYSPACE t WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"),
      (error) => error.code === codes.alreadyExists && error.keyspace === 't' && !error.table);
    await assert.rejects(client.execute("CREATE KEYSPACE u WITH replication = {'class': 'NoStrategy'}"),
      refusal(codes.configError, /NoStrategy/));
    await assert.rejects(client.execute('INSERT INTO system.local (key) VALUES (\'x\')'),
      refusal(codes.unauthorized, /not user-modifiable/));
  });

  test('prepares again what the server does not know any more', async () => {
    await client.execute('CREATE TABLE changing (id int PRIMARY KEY, a int)');
    await client.execute('INSERT INTO changing (id, a) VALUES (1, 2)');
    const query = 'SELECT * FROM changing WHERE id = ?';
    assert.deepEqual(Object.keys((await client.execute(query, [1], prepared)).first()), ['id', 'a']);
    await client.execute('ALTER TABLE changing ADD b int');
    await client.execute('UPDATE changing SET b = 3 WHERE id = 1');
    const row = (await client.execute(query, [1], prepared)).first();
    assert.equal(row.a, 2);
    assert.equal(row.b, 3);
  });

  test('runs light-weight transactions', async () => {
    const insert = 'INSERT INTO notes (id, a) VALUES (?, ?) IF NOT EXISTS';
    assert.equal((await client.execute(insert, [9, 'first'], prepared)).wasApplied(), true);
    const second = await client.execute(insert, [9, 'second'], prepared);
    assert.equal(second.wasApplied(), false);
    assert.equal(second.first().a, 'first');
    const update = 'UPDATE notes SET a = ? WHERE id = ? IF a = ?';
    assert.equal((await client.execute(update, ['third', 9, 'other'], prepared)).wasApplied(), false);
    assert.equal((await client.execute(update, ['third', 9, 'first'], prepared)).wasApplied(), true);
    assert.equal((await client.execute('SELECT a FROM notes WHERE id = 9')).first().a, 'third');
  });

  test('is told what Strait does not have', async () => {
    const missing = refusal(responseErrorCodes.invalid, /^not supported by Strait: /);
    await assert.rejects(client.execute("CREATE ROLE guest WITH LOGIN = true"), missing);
  });

  test('answers 500 inserts at once', async () => {
    await Promise.all(Array.from({ length: 500 }, (_, number) =>
      client.execute('INSERT INTO numbers (part, number) VALUES (?, ?)', [6, number], prepared)));
    const count = await client.execute('SELECT count(*) FROM numbers WHERE part = 6');
    assert.equal(Number(count.first().count), 500);
  });

  test('runs concurrently with executeConcurrent', async () => {
    const result = await cassandra.concurrent.executeConcurrent(client,
      'INSERT INTO numbers (part, number) VALUES (?, ?)', Array.from({ length: 300 }, (_, number) => [7, number]),
      { concurrencyLevel: 32 });
    assert.equal(result.totalExecuted, 300);
    assert.equal(result.errors.length, 0);
  });

  test('reads the schema: columns, keys, clustering order and indexes', async () => {
    const reader = await server.connect();
    await createCrystal(reader);
    const messages = await reader.metadata.getTable('crystal', 'messages');
    assert.deepEqual(messages.partitionKeys.map((column) => column.name), ['channel_id']);
    assert.deepEqual(messages.clusteringKeys.map((column) => column.name), ['created_at', 'id']);
    assert.deepEqual(messages.clusteringOrder, ['DESC', 'DESC']);
    assert.equal(messages.columns.length, 7);
    assert.equal(messages.columnsByName.created_at.type.code, cassandra.types.dataTypes.timestamp);
    assert.equal(messages.isCompact, false);
    const channels = await reader.metadata.getTable('crystal', 'channels');
    assert.deepEqual(channels.indexes.map((index) => [index.name, index.target, index.isCompositesKind()]),
      [['channels_id_idx', 'id', true]]);
    assert.equal(await reader.metadata.getTable('crystal', 'nothing'), null);
  });

  test('reads the schema: materialized views', async () => {
    const reader = await server.connect();
    await reader.execute(`CREATE KEYSPACE viewed WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`);
    await reader.execute('CREATE TABLE viewed.t (k int, c int, v int, PRIMARY KEY (k, c))');
    await reader.execute('CREATE MATERIALIZED VIEW viewed.by_v AS SELECT * FROM viewed.t WHERE v IS NOT NULL'
      + ' AND k IS NOT NULL AND c IS NOT NULL PRIMARY KEY (v, k, c)');
    const view = await reader.metadata.getMaterializedView('viewed', 'by_v');
    assert.equal(view.tableName, 't');
    assert.equal(view.includeAllColumns, true);
    assert.equal(view.whereClause, 'v IS NOT NULL AND k IS NOT NULL AND c IS NOT NULL');
    assert.deepEqual(view.partitionKeys.map((column) => column.name), ['v']);
    assert.deepEqual(view.clusteringKeys.map((column) => column.name), ['k', 'c']);
    await reader.execute('INSERT INTO viewed.t (k, c, v) VALUES (1, 2, 3)');
    const { rows } = await reader.execute('SELECT k, c FROM viewed.by_v WHERE v = ?', [3], { prepare: true });
    assert.deepEqual(rows.map((row) => [row.k, row.c]), [[1, 2]]);
    await reader.execute('DROP KEYSPACE viewed');
  });

  test('tells one client of the schema changes of another', async () => {
    const watching = await server.connect({ refreshSchemaDelay: 20 });
    assert.equal(watching.metadata.keyspaces.seen, undefined);
    await client.execute("CREATE KEYSPACE seen WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await eventually('the keyspace is known', () => watching.metadata.keyspaces.seen !== undefined);
    await client.execute('CREATE TABLE seen.t (id int PRIMARY KEY)');
    assert.equal((await watching.metadata.getTable('seen', 't')).columns.length, 1);
    await client.execute('ALTER TABLE seen.t ADD more text');
    await eventually('the new column is known',
      async () => (await watching.metadata.getTable('seen', 't')).columns.length === 2);
    await client.execute('DROP KEYSPACE seen');
    await eventually('the keyspace is gone', () => watching.metadata.keyspaces.seen === undefined);
  });

  test('goes back to a snapshot before each case, statements stay prepared', async () => {
    await client.execute("CREATE KEYSPACE reset WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await client.execute('CREATE TABLE reset.t (id int PRIMARY KEY, a text)');
    await client.execute('CREATE INDEX ON reset.t (a)');
    await client.execute("INSERT INTO reset.t (id, a) VALUES (0, 'kept')");
    await client.execute("INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('reset', 'base')");
    for (let i = 1; i < 20; i++) {
      await client.execute('INSERT INTO strait.restores (keyspace_name, name) VALUES (?, ?)', ['reset', 'base'], prepared);
      await client.execute('INSERT INTO reset.t (id, a) VALUES (?, ?)', [i, 'kept'], prepared);
      const found = await client.execute('SELECT id FROM reset.t WHERE a = ?', ['kept'], prepared);
      assert.deepEqual(found.rows.map((row) => row.id).sort((a, b) => a - b), [0, i]);
    }
  });

  test('follows a restore that changes the schema', async () => {
    const watching = await server.connect({ refreshSchemaDelay: 20 });
    await client.execute("CREATE KEYSPACE turned WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await client.execute('CREATE TABLE turned.t (id int PRIMARY KEY)');
    await client.execute("INSERT INTO strait.snapshots (keyspace_name, name) VALUES ('turned', 'base')");
    await client.execute('ALTER TABLE turned.t ADD a text');
    assert.equal((await client.execute('SELECT * FROM turned.t', [], prepared)).columns.length, 2);
    await eventually('the new column is known',
      async () => (await watching.metadata.getTable('turned', 't'))?.columns.length === 2);
    await client.execute("INSERT INTO strait.restores (keyspace_name, name) VALUES ('turned', 'base')");
    assert.equal((await client.execute('SELECT * FROM turned.t', [], prepared)).columns.length, 1);
    await eventually('the column is gone',
      async () => (await watching.metadata.getTable('turned', 't'))?.columns.length === 1);
  });

  test('clones a keyspace', async () => {
    await client.execute("CREATE KEYSPACE template WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    await client.execute('CREATE TABLE template.t (id int PRIMARY KEY)');
    await client.execute('INSERT INTO template.t (id) VALUES (1)');
    await client.execute("INSERT INTO strait.clones (keyspace_name, source) VALUES ('case_1', 'template')");
    await client.execute('INSERT INTO case_1.t (id) VALUES (2)');
    assert.equal((await client.execute('SELECT id FROM case_1.t')).rows.length, 2);
    assert.equal((await client.execute('SELECT id FROM template.t')).rows.length, 1);
    await client.execute('DROP KEYSPACE case_1');
  });

  test('maps rows to objects with the mapper', async () => {
    const mapper = new cassandra.mapping.Mapper(client, { models: { Note: { tables: ['notes'], keyspace: 't' } } });
    const notes = mapper.forModel('Note');
    await notes.insert({ id: 20, a: 'mapped' });
    assert.equal((await notes.get({ id: 20 })).a, 'mapped');
    await notes.remove({ id: 20 });
    assert.equal(await notes.get({ id: 20 }), null);
  });

  test('speaks version 3 when told to', async () => {
    const old = await server.connect({ keyspace: 't', protocolOptions: { maxVersion: 3 } });
    assert.equal(old.controlConnection.protocolVersion, 3);
    await old.execute('INSERT INTO notes (id, a) VALUES (?, ?)', [30, 'three'], prepared);
    assert.equal((await old.execute('SELECT a FROM notes WHERE id = ?', [30], prepared)).first().a, 'three');
  });
});
