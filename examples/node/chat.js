'use strict';
// A chat channel: create the schema, write messages, read the newest 50, page back.
//
//   strait serve --memory            in one terminal
//   npm install && node chat.js      in another
//
// Nothing here is special to Strait: the same program runs against ScyllaDB and Cassandra.

const { Client, types } = require('cassandra-driver');

const client = new Client({
  contactPoints: [`${process.env.STRAIT_HOST || '127.0.0.1'}:${process.env.STRAIT_PORT || 9042}`],
  localDataCenter: 'datacenter1',
});

const insertMessage = 'INSERT INTO messages (channel_id, created_at, id, content) VALUES (?, ?, ?, ?)';
const newestMessages = 'SELECT created_at, id, content FROM messages WHERE channel_id = ? LIMIT ?';
const olderMessages =
  'SELECT created_at, id, content FROM messages WHERE channel_id = ? AND (created_at, id) < (?, ?) LIMIT ?';

async function createSchema() {
  await client.execute(
    "CREATE KEYSPACE IF NOT EXISTS chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  await client.execute('USE chat');
  // One partition a channel, newest messages first: the page that is read most is the one that is cheapest to read.
  await client.execute(`CREATE TABLE IF NOT EXISTS messages (
    channel_id uuid, created_at timestamp, id uuid, content text,
    PRIMARY KEY (channel_id, created_at, id)
  ) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)`);
}

// `prepare: true` lets the driver learn the types: without it a JavaScript number is sent as a double.
async function write(channelId, count) {
  const start = Date.now() - count * 1000;
  for (let i = 0; i < count; i++) {
    const values = [channelId, new Date(start + i * 1000), types.Uuid.random(), `message ${i + 1}`];
    await client.execute(insertMessage, values, { prepare: true });
  }
}

async function main() {
  await client.connect();
  await createSchema();
  const channelId = types.Uuid.random();
  await write(channelId, 120);

  let page = (await client.execute(newestMessages, [channelId, 50], { prepare: true })).rows;
  while (page.length > 0) {
    const last = page[page.length - 1];
    console.log(`${page.length} messages, from "${page[0].content}" back to "${last.content}"`);
    page = (await client.execute(olderMessages, [channelId, last.created_at, last.id, 50], { prepare: true })).rows;
  }
}

main()
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  })
  .finally(() => client.shutdown());
