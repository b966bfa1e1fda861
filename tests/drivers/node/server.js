'use strict';
// A Strait server for one test file: started on a free port, ended with SIGTERM.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const cassandra = require('cassandra-driver');

const program = process.env.STRAIT;
assert.ok(program, 'the environment variable STRAIT must name the program to test');

class Server {
  /** Starts `strait serve --memory` and resolves when it answers. */
  static async start(...options) {
    const child = spawn(program, ['serve', '--memory', '--listen', '127.0.0.1:0', ...options],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const announced = new Promise((resolve) => readline.createInterface({ input: child.stdout }).once('line', resolve));
    const line = await Promise.race([announced, ended.then((end) => {
      throw new Error(`strait serve ended at once: ${JSON.stringify(end)}`);
    })]);
    return new Server(child, ended, JSON.parse(line));
  }

  constructor(child, ended, announcement) {
    this.child = child;
    this.ended = ended;
    this.announcement = announcement;
    this.clients = [];
  }

  get contactPoint() {
    return `127.0.0.1:${this.announcement.port}`;
  }

  /** A client with the options that the crystal application uses. */
  client(options = {}) {
    const { local, remote } = cassandra.types.distance;
    const client = new cassandra.Client({
      contactPoints: [this.contactPoint],
      localDataCenter: 'datacenter1',
      pooling: { coreConnectionsPerHost: { [local]: 2, [remote]: 1 } },
      socketOptions: { connectTimeout: 30000, readTimeout: 30000 },
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  async connect(options) {
    const client = this.client(options);
    await client.connect();
    return client;
  }

  /** Every client is shut down, and the server must end cleanly. */
  async stop() {
    await Promise.all(this.clients.map((client) => client.shutdown()));
    this.child.kill('SIGTERM');
    assert.deepEqual(await this.ended, { code: 0, signal: null });
  }
}

/** The statements of the crystal schema one by one, each with the comment lines that stand before it. */
function crystalSchema() {
  const file = path.join(__dirname, '..', '..', '..', 'examples', 'crystal.cql');
  return fs.readFileSync(file, 'utf8').split(/;[ \t]*\n/).filter((text) => text.trim());
}

async function createCrystal(client) {
  for (const statement of crystalSchema()) {
    await client.execute(statement);
  }
}

/** What assert.rejects() compares with: an answer of the server with this code and text. */
function refusal(code, message) {
  return (error) => {
    assert.ok(error instanceof cassandra.errors.ResponseError, `not an answer of the server: ${error.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

/** Resolves when `condition` is true, which it must become within some seconds. */
async function eventually(what, condition) {
  for (const end = Date.now() + 8000; Date.now() < end;) {
    if (await condition()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`did not happen: ${what}`);
}

module.exports = { Server, crystalSchema, createCrystal, refusal, eventually };
