'use strict';
// The golden cases of the crystal application (CRYSTAL-1 to CRYSTAL-15), with the driver and the options it uses, against
// every profile.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const cassandra = require('cassandra-driver');
const { Server, crystalSchema, createCrystal, refusal } = require('./server');

const { Integer, Uuid, responseErrorCodes } = cassandra.types;
const { invalid } = responseErrorCodes;
const prepared = { prepare: true };

const insertChannel = 'INSERT INTO channels (server_id, position, id, name, type, profile_id, category_id, created_at, ' +
  'updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';
const insertMessage = 'INSERT INTO messages (channel_id, created_at, id, content, member_id, deleted, updated_at) ' +
  'VALUES (?, ?, ?, ?, ?, ?, ?)';
const insertProfile = 'INSERT INTO profiles (id, user_id, name, global_name, image_url, email, custom_css, status, ' +
  'prev_status, bio, presence_status, pronouns, banner_url, friend_request_privacy, allow_non_friend_dms, created_at, ' +
  'updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
const newest = 'SELECT * FROM messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT ?';

// Where profiles differ.
const scylla = {
  wrongSize: (bytes) => new RegExp(`Exception while binding column position: marshaling error: .*got ${bytes} bytes`),
  keyGap: /PRIMARY KEY column "id" cannot be restricted as preceding column "position" is not restricted/,
  keyGapSelect: /PRIMARY KEY column "id" cannot be restricted as preceding column "created_at" is not restricted/,
};
const profiles = {
  'scylla-2025.1': scylla,
  'scylla-5.2': scylla,
  'cassandra-4.1': {
    wrongSize: (bytes) => new RegExp(`Expected 4 or 0 byte int \\(${bytes}\\)`),
    keyGap: /Some partition key parts are missing: server_id/,
    keyGapSelect: scylla.keyGapSelect,
  },
};

function uuid() {
  return Uuid.random().toString();
}

function channel(position) {
  const now = new Date();
  return [uuid(), position, uuid(), 'general', 'TEXT', uuid(), null, now, now];
}

function message(channelId, createdAt, id = uuid()) {
  return [channelId, createdAt, id, `message at ${createdAt.getTime()}`, uuid(), false, createdAt];
}

for (const [profile, expected] of Object.entries(profiles)) {
  describe(`crystal on ${profile}`, () => {
    let server;
    let client;

    before(async () => {
      server = await Server.start('--profile', profile);
    });
    after(() => server.stop());

    test('CRYSTAL-1 connecting with a keyspace that does not exist yet fails with the text of USE', async () => {
      const early = server.client({ keyspace: 'crystal' });
      await assert.rejects(early.connect(), (error) => {
        const inner = error.innerErrors ? Object.values(error.innerErrors)[0] : error;
        assert.match(inner.message, /Keyspace 'crystal' does not exist/);
        return true;
      });
    });

    test('CRYSTAL-2 the keyspace is created with SimpleStrategy', async () => {
      client = await server.connect();
      const create = "CREATE KEYSPACE IF NOT EXISTS crystal WITH replication = {'class':'SimpleStrategy','replication_factor':1}";
      await client.execute(create);
      await client.execute(create);
      await client.execute('USE crystal');
      assert.equal(client.keyspace, 'crystal');
    });

    test('CRYSTAL-3 the whole schema is created statement by statement, comments and all', async () => {
      const statements = crystalSchema();
      assert.equal(statements.filter((text) => /CREATE TABLE/.test(text)).length, 21);
      assert.equal(statements.filter((text) => /CREATE INDEX/.test(text)).length, 17);
      await createCrystal(client);
      const tables = await client.execute(
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'crystal'");
      assert.equal(tables.rowLength, 21);
      const indexes = await client.execute("SELECT * FROM system_schema.indexes WHERE keyspace_name = 'crystal'");
      assert.equal(indexes.rowLength, 17);
    });

    test('CRYSTAL-4 an unprepared insert takes uuid strings, dates, booleans and nulls', async () => {
      const id = uuid();
      const now = new Date(1700000000123);
      await client.execute(insertProfile, [id, 'user_1', 'Ada', null, null, 'ada@example.org', null, null, null, null,
        'ONLINE', null, null, null, true, now, now]);
      const row = (await client.execute('SELECT * FROM profiles WHERE id = ? LIMIT 1', [id], prepared)).first();
      assert.ok(row.id.equals(Uuid.fromString(id)));
      assert.equal(row.name, 'Ada');
      assert.equal(row.global_name, null);
      assert.equal(row.allow_non_friend_dms, true);
      assert.deepEqual(row.created_at, now);
    });

    test('CRYSTAL-5 an unprepared number for an int is refused: the driver sends a double', async () => {
      await assert.rejects(client.execute(insertChannel, channel(0)), refusal(invalid, expected.wrongSize(8)));
    });

    test('CRYSTAL-6 with the hint int it is taken', async () => {
      const values = channel(3);
      await client.execute(insertChannel, values, { hints: [null, 'int', null, null, null, null, null, null, null] });
      const rows = await client.execute('SELECT * FROM channels WHERE server_id = ?', [values[0]], prepared);
      assert.equal(rows.rowLength, 1);
      assert.equal(rows.first().position, 3);
    });

    test('CRYSTAL-7 the Integer of the driver, a varint, is refused', async () => {
      await assert.rejects(client.execute(insertChannel, channel(Integer.fromInt(3))),
        refusal(invalid, expected.wrongSize(1)));
    });

    test('CRYSTAL-8 messages come newest first', async () => {
      const channelId = uuid();
      const times = [5, 1, 4, 2, 3].map((minute) => new Date(Date.UTC(2024, 0, 1, 12, minute)));
      for (const time of times) {
        await client.execute(insertMessage, message(channelId, time));
      }
      const rows = await client.execute(newest, [channelId, 3], prepared);
      assert.deepEqual(rows.rows.map((row) => row.created_at.getUTCMinutes()), [5, 4, 3]);
      assert.deepEqual(rows.columns.map((column) => column.name),
        ['channel_id', 'created_at', 'id', 'content', 'deleted', 'member_id', 'updated_at']);
    });

    test('CRYSTAL-9 a message by id alone is refused: created_at stands before it in the key', async () => {
      await assert.rejects(
        client.execute('SELECT * FROM messages WHERE channel_id = ? AND id = ? LIMIT 1', [uuid(), uuid()], prepared),
        refusal(invalid, expected.keyGapSelect));
    });

    test('CRYSTAL-10 a channel by id is found through the index on a clustering column', async () => {
      const values = channel(7);
      await client.execute(insertChannel, values, prepared);
      const row = (await client.execute('SELECT * FROM channels WHERE id = ? LIMIT 1', [values[2]], prepared)).first();
      assert.equal(row.server_id.toString(), values[0]);
      assert.equal(row.position, 7);
      const none = await client.execute('SELECT * FROM channels WHERE id = ? LIMIT 1', [uuid()], prepared);
      assert.equal(none.rowLength, 0);
    });

    test('CRYSTAL-11 renaming a channel by its id alone is refused', async () => {
      await assert.rejects(
        client.execute('UPDATE channels SET name = ?, updated_at = ? WHERE id = ?', ['x', new Date(), uuid()], prepared),
        refusal(invalid, expected.keyGap));
    });

    test('CRYSTAL-12 moving a channel is refused: position is part of the key', async () => {
      await assert.rejects(
        client.execute('UPDATE channels SET position = ?, updated_at = ? WHERE id = ?', [1, new Date(), uuid()], prepared),
        refusal(invalid, /PRIMARY KEY part position found in SET part/));
    });

    test('CRYSTAL-13 a null in a clustering column is refused', async () => {
      await assert.rejects(
        client.execute('INSERT INTO role_permissions (role_id, permission, scope, target_id, id, grant_type, created_at, ' +
          'updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        [uuid(), 'SEND_MESSAGES', 'SERVER', null, uuid(), 'ALLOW', new Date(), new Date()]),
        refusal(invalid, /Invalid null value in condition for column target_id/));
    });

    test('CRYSTAL-14 a profile is found by its indexed user_id right after the insert', async () => {
      for (let i = 0; i < 20; i++) {
        const now = new Date();
        const userId = `user_${uuid()}`;
        await client.execute(insertProfile, [uuid(), userId, `name ${i}`, null, null, null, null, null, null, null, null,
          null, null, null, false, now, now]);
        const found = await client.execute('SELECT * FROM profiles WHERE user_id = ? LIMIT 1', [userId], prepared);
        assert.equal(found.rowLength, 1);
        assert.equal(found.first().name, `name ${i}`);
      }
    });

    test('CRYSTAL-15 two messages of one millisecond are both kept, the larger id first', async () => {
      const channelId = uuid();
      const now = new Date();
      const ids = ['11111111-1111-4111-8111-111111111111', 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee'];
      for (const id of ids) {
        await client.execute(insertMessage, message(channelId, now, id));
      }
      const rows = await client.execute(newest, [channelId, 50], prepared);
      assert.deepEqual(rows.rows.map((row) => row.id.toString()), [ids[1], ids[0]]);
    });
  });
}
