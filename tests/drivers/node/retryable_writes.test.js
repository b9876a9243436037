// Each write that a driver may retry takes effect at most once, wherever its connection breaks.
'use strict';

const assert = require('node:assert/strict');
const { after, afterEach, before, beforeEach, test } = require('node:test');
const { withFailPoint } = require('./fail_points.js');
const { Commands } = require('./observing.js');
const { ReplicaSet } = require('./replica_set.js');

const FAIL_POINT = 'onPrimaryTransactionalWrite';
const NOT_COMMITTED = { failBeforeCommitExceptionCode: 1 };
const MEBIBYTE = 1024 * 1024;

const START = [
  { _id: 1, x: 11 },
  { _id: 2, x: 22 },
];
const [FIRST, SECOND] = START;
const THIRD = { _id: 3, x: 33 };
const FOURTH = { _id: 4, x: 44 };
const INCREMENTED = { _id: 1, x: 12 };

const REQUESTS = [
  { insertOne: { document: THIRD } },
  { updateOne: { filter: { _id: 1 }, update: { $inc: { x: 1 } } } },
  { replaceOne: { filter: { x: 22 }, replacement: { x: 5 } } },
  { deleteOne: { filter: { x: { $gte: 33 } } } },
];

const bulk = async ordered => {
  const result = await things.bulkWrite(REQUESTS, { ordered });
  return [result.insertedCount, result.modifiedCount, result.deletedCount];
};

/**
 * Writes with the result that each must have, and what must then be in the collection. None of them
 * can be applied twice without being told from one that was applied once.
 */
const SINGLE = {
  insertOne: {
    run: async () => (await things.insertOne({ ...THIRD })).insertedId,
    result: 3,
    state: [FIRST, SECOND, THIRD],
  },
  updateOne: {
    run: async () => (await things.updateOne({ _id: 1 }, { $inc: { x: 1 } })).modifiedCount,
    result: 1,
    state: [INCREMENTED, SECOND],
  },
  'updateOne with an upsert': {
    run: async () => {
      const options = { upsert: true };
      return (await things.updateOne({ _id: 3 }, { $inc: { x: 33 } }, options)).upsertedId;
    },
    result: 3,
    state: [FIRST, SECOND, THIRD],
  },
  replaceOne: {
    run: async () => (await things.replaceOne({ x: { $gte: 11 } }, { x: 5 })).modifiedCount,
    result: 1,
    state: [{ _id: 1, x: 5 }, SECOND],
  },
  deleteOne: {
    run: async () => (await things.deleteOne({ x: { $gte: 11 } })).deletedCount,
    result: 1,
    state: [SECOND],
  },
  findOneAndUpdate: {
    run: () => things.findOneAndUpdate({ _id: 1 }, { $inc: { x: 1 } }),
    result: FIRST,
    state: [INCREMENTED, SECOND],
  },
  'findOneAndUpdate that returns what it left': {
    run: () => things.findOneAndUpdate({ _id: 1 }, { $inc: { x: 1 } }, { returnDocument: 'after' }),
    result: INCREMENTED,
    state: [INCREMENTED, SECOND],
  },
  findOneAndReplace: {
    run: () => things.findOneAndReplace({ x: { $gte: 11 } }, { x: 5 }, { sort: { x: 1 } }),
    result: FIRST,
    state: [{ _id: 1, x: 5 }, SECOND],
  },
  findOneAndDelete: {
    run: () => things.findOneAndDelete({ x: { $gte: 11 } }, { sort: { x: 1 } }),
    result: FIRST,
    state: [SECOND],
  },
};

const MULTI = {
  'insertMany, ordered': {
    run: async () => (await things.insertMany([{ ...THIRD }, { ...FOURTH }])).insertedIds,
    result: { 0: 3, 1: 4 },
    state: [FIRST, SECOND, THIRD, FOURTH],
  },
  'insertMany, unordered': {
    run: async () => {
      const options = { ordered: false };
      return (await things.insertMany([{ ...THIRD }, { ...FOURTH }], options)).insertedIds;
    },
    result: { 0: 3, 1: 4 },
    state: [FIRST, SECOND, THIRD, FOURTH],
  },
  'bulkWrite, ordered': {
    run: () => bulk(true),
    result: [1, 2, 1],
    state: [INCREMENTED, { _id: 2, x: 5 }],
  },
  'bulkWrite, unordered': {
    run: () => bulk(false),
    result: [1, 2, 1],
    state: [INCREMENTED, { _id: 2, x: 5 }],
  },
};

const members = new ReplicaSet({ parameters: ['enableTestCommands=1'] });
let client;
let commands;
let things;

before(() => members.start());
after(() => members.destroy());

beforeEach(async () => {
  client = members.client({ monitorCommands: true });
  commands = new Commands(client);
  things = client.db('retryable').collection('things');
  await things.drop();
  await things.insertMany(START.map(document => ({ ...document })));
  commands.clear();
});

afterEach(() => client.close());

const state = () => things.find().sort({ _id: 1 }).toArray();

const failing = (mode, data, work) => withFailPoint(client, FAIL_POINT, mode, data, work);

function assertRetried() {
  const [first, second] = commands.numbers();
  assert.equal(typeof first, 'number');
  assert.equal(first, second);
  assert.equal(commands.replies()[0], null);
}

for (const [name, write] of Object.entries({ ...SINGLE, ...MULTI })) {
  test(`${name}: what was committed when its connection broke is not done again`, async () => {
    assert.deepEqual(await failing({ times: 1 }, {}, write.run), write.result);
    assertRetried();
    assert.deepEqual(await state(), write.state);
  });

  test(`${name}: what was not committed when its connection broke is done by a retry`, async () => {
    assert.deepEqual(await failing({ times: 1 }, NOT_COMMITTED, write.run), write.result);
    assertRetried();
    assert.deepEqual(await state(), write.state);
  });

  test(`${name}: what is not committed twice never is`, async () => {
    await assert.rejects(failing({ times: 2 }, NOT_COMMITTED, write.run));
    assert.deepEqual(await state(), START);
  });
}

for (const [name, write] of Object.entries(SINGLE)) {
  test(`${name}: it is committed once though every commit breaks a connection`, async () => {
    assert.deepEqual(await failing('alwaysOn', {}, write.run), write.result);
    assert.deepEqual(await state(), write.state);
  });
}

test('the answer to a retry names the statements that were done before', async () => {
  await failing({ times: 1 }, {}, () => things.insertMany([{ ...THIRD }, { ...FOURTH }]));
  assert.deepEqual(commands.replies()[1].retriedStmtIds, [0, 1]);
});

// Insert, update and delete go as commands of their own; each statement of the latter two is a
// commit.
[
  [0, [FIRST, SECOND]],
  [1, [FIRST, SECOND, THIRD]],
  [2, [INCREMENTED, SECOND, THIRD]],
  [3, [INCREMENTED, { _id: 2, x: 5 }, THIRD]],
].forEach(([skip, left]) => {
  test(`a batch split by type stops at the commit that fails after ${skip}`, async () => {
    await assert.rejects(failing({ skip }, NOT_COMMITTED, () => things.bulkWrite(REQUESTS)));
    assert.deepEqual(await state(), left);
  });
});

test('inserts split by their number are done once', async () => {
  const { maxWriteBatchSize: most } = await client.db('admin').command({ hello: 1 });
  const documents = Array.from({ length: most + 1 }, (_, index) => ({ _id: index + 10 }));
  commands.clear();
  await failing({ skip: 1 }, {}, () => things.insertMany(documents));
  assert.deepEqual(commands.names(), ['insert', 'insert', 'insert']);
  const [first, second, retry] = commands.numbers();
  assert.notEqual(first, second);
  assert.equal(second, retry);
  assert.equal(await things.estimatedDocumentCount(), START.length + documents.length);
});

test('inserts split by their bytes are done once', async () => {
  // More than the driver puts into one command, and more than a message may hold.
  const documents = [10, 11, 12, 13, 14].map(_id => ({ _id, x: 'x'.repeat(10 * MEBIBYTE) }));
  commands.clear();
  await failing({ skip: 1 }, {}, () => things.insertMany(documents));
  const [first, ...others] = commands.numbers();
  assert.ok(others.length > 0 && !others.includes(first));
  others.forEach((number, index) => assert.equal(number, others[index - (index % 2)]));
  const ids = await things
    .find({}, { projection: { _id: 1 } })
    .sort({ _id: 1 })
    .toArray();
  assert.deepEqual(
    ids.map(({ _id }) => _id),
    [1, 2, 10, 11, 12, 13, 14],
  );
  await things.drop();
});
