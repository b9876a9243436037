// The contract of fail points: how they are switched, when they are entered, what they then do.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, test } = require('node:test');
const { configure, withFailPoint } = require('./fail_points.js');
const { Commands } = require('./observing.js');
const { Quired } = require('./quired.js');
const { ReplicaSet } = require('./replica_set.js');

const TRANSACTIONAL = 'onPrimaryTransactionalWrite';
const NOT_COMMITTED = { failBeforeCommitExceptionCode: 2, closeConnection: false };
const INSERT_FAILS = { failCommands: ['insert'], errorCode: 2 };

const members = new ReplicaSet({ parameters: ['enableTestCommands=1'] });
/** Retries nothing, so that every failure is seen. */
let client;
/** Sends transaction numbers with its writes. */
let retrying;
let things;

before(() => members.start());
after(() => members.destroy());

beforeEach(async () => {
  client = members.client({ retryWrites: false, retryReads: false });
  retrying = members.client({ monitorCommands: true });
  things = client.db('fail_points').collection('things');
  await things.drop();
});

afterEach(async () => {
  try {
    for (const name of ['failCommand', TRANSACTIONAL]) await configure(client, name, 'off');
  } finally {
    await client.close();
    await retrying.close();
  }
});

/** One letter for each insert: done or failed. */
async function outcomes(tries) {
  let letters = '';
  for (let count = 0; count < tries; count++) {
    letters += await things.insertOne({}).then(
      () => 'd',
      error => {
        assert.equal(error.code, 2);
        return 'f';
      },
    );
  }
  return letters;
}

for (const [mode, expected] of [
  ['alwaysOn', 'ffff'],
  ['off', 'dddd'],
  [{ times: 2 }, 'ffdd'],
  [{ skip: 3 }, 'dddf'],
]) {
  test(`with the mode ${JSON.stringify(mode)} four inserts go ${expected}`, () =>
    withFailPoint(client, 'failCommand', mode, INSERT_FAILS, async () => {
      assert.equal(await outcomes(4), expected);
    }));
}

test('what does not match uses up nothing', () =>
  withFailPoint(client, 'failCommand', { times: 1 }, INSERT_FAILS, async () => {
    await client.db('admin').command({ ping: 1 });
    await things.findOne();
    assert.equal(await outcomes(2), 'fd');
  }));

test('the reply counts how often a fail point was entered', async () => {
  const entered = await configure(client, 'failCommand', 'off');
  assert.equal(await configure(client, 'failCommand', { times: 2 }, INSERT_FAILS), entered);
  assert.equal(await outcomes(3), 'ffd');
  assert.equal(await configure(client, 'failCommand', 'off'), entered + 2);
});

test('switching fail points cannot be failed', async () => {
  const data = { failCommands: ['configureFailPoint'], errorCode: 2 };
  await configure(client, 'failCommand', 'alwaysOn', data);
  await configure(client, 'failCommand', 'off');
});

test('times and skip exclude each other', () =>
  assert.rejects(configure(client, TRANSACTIONAL, { times: 1, skip: 1 })));

test('a fail point that there is not is refused', () =>
  assert.rejects(configure(client, 'noSuchFailPoint', 'alwaysOn'), { code: 266 }));

test('without test commands there are no fail points', async () => {
  const server = await new Quired().start();
  const own = server.client();
  try {
    await assert.rejects(configure(own, 'failCommand', 'off'), { code: 59 });
  } finally {
    await own.close();
    await server.destroy();
  }
});

test('only writes with a transaction number enter that fail point', async () => {
  const numbered = retrying.db('fail_points').collection('things');
  await withFailPoint(client, TRANSACTIONAL, { times: 1 }, NOT_COMMITTED, async () => {
    // A write without a number, one that cannot be retried, and a read let it be.
    await things.insertOne({ _id: 1 });
    await numbered.updateMany({}, { $set: { x: 1 } });
    await numbered.findOne();
    await assert.rejects(numbered.insertOne({ _id: 2 }), { code: 2 });
    await numbered.insertOne({ _id: 3 });
  });
  const ids = await things.find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    ids.map(({ _id }) => _id),
    [1, 3],
  );
});

test('the connection is closed after the commit unless told otherwise', async () => {
  const commands = new Commands(retrying);
  const numbered = retrying.db('fail_points').collection('things');
  await withFailPoint(client, TRANSACTIONAL, 'alwaysOn', {}, () => numbered.insertOne({ _id: 1 }));
  assert.deepEqual(commands.names(), ['insert', 'insert']);
  assert.equal(commands.replies()[0], null);
  commands.clear();
  const open = { closeConnection: false };
  await withFailPoint(client, TRANSACTIONAL, 'alwaysOn', open, () =>
    numbered.insertOne({ _id: 2 }),
  );
  assert.deepEqual(commands.names(), ['insert']);
  assert.equal(await things.countDocuments(), 2);
});

test('the documents of one insert are one commit', async () => {
  const numbered = retrying.db('fail_points').collection('things');
  await withFailPoint(client, TRANSACTIONAL, { skip: 1 }, NOT_COMMITTED, async () => {
    await numbered.insertMany([0, 1, 2, 3, 4].map(_id => ({ _id })));
    await assert.rejects(numbered.insertMany([5, 6, 7].map(_id => ({ _id }))));
  });
  assert.equal(await things.countDocuments(), 5);
});
