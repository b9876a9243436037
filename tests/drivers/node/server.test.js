// Connections, sessions, catalogue, files and what waits: the server beside its documents.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { after, before, beforeEach, test } = require('node:test');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { GridFSBucket } = require('mongodb');
const { Quired } = require('./quired.js');

const server = new Quired([
  ...['--setParameter', 'enableTestCommands=1', '--setParameter', 'ttlMonitorSleepSecs=1'],
  ...['--networkMessageCompressors', 'snappy,zlib'],
]);
let client;
let db;

before(async () => {
  await server.start();
  client = server.client();
  db = client.db('server');
});

after(async () => {
  await client?.close();
  await server.destroy();
});

beforeEach(() => db.dropDatabase());

for (const compressor of ['snappy', 'zlib']) {
  test(`messages are compressed with ${compressor}`, async () => {
    const own = server.client({ compressors: [compressor] });
    try {
      const things = own.db('server').collection('things');
      await things.insertMany([...Array(200).keys()].map(_id => ({ _id, text: 'x'.repeat(999) })));
      assert.equal((await things.find().toArray()).length, 200);
    } finally {
      await own.close();
    }
  });
}

test('the monitor is streamed to', async () => {
  const own = server.client({ heartbeatFrequencyMS: 500 });
  try {
    let awaited = 0;
    const twice = new Promise(resolve =>
      own.on('serverHeartbeatSucceeded', event => {
        awaited += event.awaited ? 1 : 0;
        if (awaited >= 2) resolve();
      }));
    await own.connect();
    await twice;
  } finally {
    await own.close();
  }
});

test('sessions carry operations, and transactions are refused by a single server', async () => {
  const things = db.collection('things');
  await client.withSession(async session => {
    await things.insertOne({ _id: 1 }, { session });
    assert.deepEqual(await things.findOne({}, { session }), { _id: 1 });
    session.startTransaction();
    // The driver's own words for code 20 with the server's message about transaction numbers.
    const refused = /does not support retryable writes/;
    await assert.rejects(things.insertOne({ _id: 2 }, { session }), refused);
    await session.abortTransaction();
  });
  assert.equal(await things.countDocuments(), 1);
});

test('change streams are refused by a single server', async () => {
  const stream = db.collection('things').watch();
  stream.once('change', () => {});
  const [error] = await once(stream, 'error');
  assert.equal(error.code, 40573);
  await stream.close();
});

test('databases and collections are listed, renamed and dropped', async () => {
  await db.collection('a').insertOne({});
  await db.createCollection('view', { viewOn: 'a', pipeline: [{ $project: { _id: 0 } }] });
  assert.deepEqual(await db.collection('view').find().toArray(), [{}]);
  const listed = await db.listCollections().toArray();
  const types = Object.fromEntries(listed.map(({ name, type }) => [name, type]));
  assert.equal(types.a, 'collection');
  assert.equal(types.view, 'view');
  await db.collection('a').rename('b');
  assert.ok((await db.listCollections({}, { nameOnly: true }).toArray()).some(c => c.name === 'b'));
  const { databases } = await client.db('admin').admin().listDatabases();
  assert.ok(databases.some(({ name }) => name === 'server'));
  assert.equal(await db.collection('b').drop(), true);
  assert.equal(await db.dropDatabase(), true);
});

test('indexes are made, listed and dropped', async () => {
  const things = db.collection('things');
  const names = await things.createIndexes([
    { key: { a: 1, b: -1 } },
    { key: { c: 1 }, unique: true, sparse: true, name: 'c' },
  ]);
  assert.deepEqual(names, ['a_1_b_-1', 'c']);
  const indexes = await things.indexes();
  assert.deepEqual(indexes.map(({ name }) => name), ['_id_', 'a_1_b_-1', 'c']);
  assert.deepEqual(indexes[2], { v: 2, key: { c: 1 }, name: 'c', unique: true, sparse: true });
  await things.dropIndex('c');
  await assert.rejects(things.dropIndex('c'), { code: 27, codeName: 'IndexNotFound' });
});

test('documents whose time has come expire', { timeout: 20_000 }, async () => {
  const things = db.collection('things');
  await things.createIndex({ at: 1 }, { expireAfterSeconds: 1 });
  await things.insertMany([{ at: new Date(0) }, { at: new Date(Date.now() + 3_600_000) }]);
  while ((await things.countDocuments()) !== 1) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
});

test('a waiting cursor is woken by a write', { timeout: 30_000 }, async () => {
  const events = await db.createCollection('events', { capped: true, size: 100_000 });
  await events.insertOne({ _id: 1 });
  const options = { tailable: true, awaitData: true, maxAwaitTimeMS: 20_000 };
  const cursor = events.find({}, options);
  assert.deepEqual(await cursor.next(), { _id: 1 });
  const next = cursor.next();
  await events.insertOne({ _id: 2 });
  assert.deepEqual(await next, { _id: 2 });
  await cursor.close();
});

test('files are kept in chunks', async () => {
  const bucket = new GridFSBucket(db, { chunkSizeBytes: 1024 });
  const content = Buffer.alloc(10_000, 'quire');
  await pipeline(Readable.from([content]), bucket.openUploadStream('a', { metadata: { n: 1 } }));
  const [file] = await bucket.find({ filename: 'a' }).toArray();
  assert.equal(file.length, content.length);
  const chunks = [];
  for await (const chunk of bucket.openDownloadStream(file._id, { start: 100, end: 5000 })) {
    chunks.push(chunk);
  }
  assert.ok(Buffer.concat(chunks).equals(content.subarray(100, 5000)));
  await bucket.delete(file._id);
  assert.equal(await db.collection('fs.chunks').countDocuments(), 0);
});

test('writes nobody waits for are done', async () => {
  const things = db.collection('things', { writeConcern: { w: 0 } });
  const { acknowledged } = await things.insertOne({ _id: 1 });
  assert.equal(acknowledged, false);
  while ((await things.countDocuments()) !== 1) {
    await new Promise(resolve => setTimeout(resolve, 20));
  }
});

test('what tools ask for is answered', async () => {
  const admin = client.db('admin');
  for (const name of ['serverStatus', 'buildInfo', 'hostInfo', 'connectionStatus', 'top',
    'getCmdLineOpts', 'listCommands', 'whatsmyuri', 'hello', 'isMaster', 'currentOp']) {
    assert.equal((await admin.command({ [name]: 1 })).ok, 1, name);
  }
  const { featureCompatibilityVersion } = await admin.command({
    getParameter: 1,
    featureCompatibilityVersion: 1,
  });
  assert.deepEqual(featureCompatibilityVersion, { version: '8.0' });
  await assert.rejects(admin.command({ atlasVersion: 1 }), {
    code: 59,
    codeName: 'CommandNotFound',
    message: "no such command: 'atlasVersion'",
  });
});

test('SIGTERM ends the server in order, and the driver finds it again', async () => {
  const own = new Quired();
  await own.start();
  const patient = own.client();
  try {
    const things = patient.db('test').collection('things');
    await things.insertOne({ _id: 1 });
    assert.equal(await own.stop(), 0);
    await own.start();
    assert.deepEqual(await things.findOne(), { _id: 1 });
  } finally {
    await patient.close();
    await own.destroy();
  }
});
