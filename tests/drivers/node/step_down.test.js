// Whether a client's connections outlive the primary's stepping down, and what clears its pool.
// Counted twice: by the client's own events, and by `connections.totalCreated` of the server, asked
// for by a second client.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, test } = require('node:test');
const { withFailPoint } = require('./fail_points.js');
const { Pools } = require('./observing.js');
const { ReplicaSet } = require('./replica_set.js');

const NOT_WRITABLE_PRIMARY = 10107;
const SHUTDOWN_IN_PROGRESS = 91;
const INTERRUPTED_AT_SHUTDOWN = 11600;

const majority = { writeConcern: { w: 'majority' } };
// Polling, a client monitors each member over one connection only, made before a test begins.
const polling = { serverMonitoringMode: 'poll' };

const members = new ReplicaSet({ parameters: ['enableTestCommands=1'] });
let client;
let second;
let pools;
let things;

before(() => members.start());
after(() => members.destroy());

beforeEach(async () => {
  client = members.client({ retryWrites: false, ...polling });
  pools = new Pools(client);
  const database = client.db('step-down');
  await database.collection('step-down').drop(majority);
  things = await database.createCollection('step-down', majority);
  const { me } = await client.db('admin').command({ hello: 1 });
  second = members.direct(me, polling);
  await second.db('admin').command({ ping: 1 });
});

afterEach(async () => {
  await second.close();
  await client.close();
});

/** How many connections the first primary has ever taken. */
async function totalCreated() {
  return (await second.db('admin').command({ serverStatus: 1 })).connections.totalCreated;
}

test('a cursor is read on over the same connection after a step-down', async () => {
  await things.insertMany(
    [0, 1, 2, 3, 4].map(_id => ({ _id })),
    majority,
  );
  const cursor = things.find({}, { batchSize: 2 });
  const read = [(await cursor.next())._id, (await cursor.next())._id];
  const counts = pools.counts();
  try {
    const { ok } = await client.db('admin').command({ replSetStepDown: 5, force: true });
    assert.equal(ok, 1);
    // The batch that was asked for first is used up, so this needs a getMore.
    read.push((await cursor.next())._id);
    assert.deepEqual(read, [0, 1, 2]);
    assert.deepEqual(pools.counts(), counts);
    assert.deepEqual(
      (await cursor.toArray()).map(({ _id }) => _id),
      [3, 4],
    );
  } finally {
    await members.whole();
  }
});

const failOneInsert = errorCode =>
  withFailPoint(client, 'failCommand', { times: 1 }, { failCommands: ['insert'], errorCode }, () =>
    assert.rejects(things.insertOne({ test: 1 }), { code: errorCode }),
  );

test('a primary that is none any more keeps the pool', async () => {
  const total = await totalCreated();
  const counts = pools.counts();
  await failOneInsert(NOT_WRITABLE_PRIMARY);
  await things.insertOne({ test: 1 });
  assert.deepEqual(pools.counts(), counts);
  assert.equal(await totalCreated(), total);
});

for (const code of [SHUTDOWN_IN_PROGRESS, INTERRUPTED_AT_SHUTDOWN]) {
  test(`a server that shuts down (${code}) clears the pool`, async () => {
    const total = await totalCreated();
    const { created } = pools.counts();
    await failOneInsert(code);
    assert.equal(pools.cleared, 1);
    await things.insertOne({ test: 1 });
    assert.equal(pools.created, created + 1);
    assert.equal(await totalCreated(), total + 1);
  });
}
