// Writes and reads through the driver's methods: what they report, and how they fail.
'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, describe, test } = require('node:test');
const { Binary, Decimal128, Long, MaxKey, MinKey, ObjectId, Timestamp } = require('mongodb');
const { Quired } = require('./quired.js');

const server = new Quired(['--setParameter', 'enableTestCommands=1']);
let client;
let db;
let things;

before(async () => {
  await server.start();
  client = server.client();
  db = client.db('crud');
  things = db.collection('things');
});

after(async () => {
  await client?.close();
  await server.destroy();
});

beforeEach(() => db.dropDatabase());

describe('writes', () => {
  test('an insert reports the ids the driver made', async () => {
    const { insertedId, acknowledged } = await things.insertOne({ a: 1 });
    assert.ok(acknowledged);
    assert.ok(insertedId instanceof ObjectId);
    assert.deepEqual(await things.findOne(), { _id: insertedId, a: 1 });
  });

  test('a duplicate key tells which', async () => {
    await things.createIndex({ email: 1 }, { unique: true });
    await things.insertOne({ email: 'a' });
    await assert.rejects(things.insertOne({ email: 'a' }), error => {
      assert.equal(error.name, 'MongoServerError');
      assert.equal(error.code, 11000);
      assert.deepEqual(error.keyPattern, { email: 1 });
      assert.deepEqual(error.keyValue, { email: 'a' });
      assert.match(error.message, /^E11000 duplicate key error collection: crud\.things index/);
      return true;
    });
  });

  test('an ordered batch stops at the first error, an unordered one goes on', async () => {
    const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    await assert.rejects(things.insertMany(documents), error => {
      assert.equal(error.name, 'MongoBulkWriteError');
      assert.equal(error.result.insertedCount, 1);
      assert.equal(error.writeErrors[0].index, 1);
      return true;
    });
    await things.deleteMany({});
    await assert.rejects(things.insertMany(documents, { ordered: false }), error => {
      assert.equal(error.result.insertedCount, 2);
      return true;
    });
  });

  test('an update tells matched from modified', async () => {
    await things.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 1 }]);
    const changed = await things.updateMany({ a: 1 }, { $set: { a: 2 } });
    assert.deepEqual([changed.matchedCount, changed.modifiedCount], [2, 2]);
    const same = await things.updateOne({ _id: 1 }, { $set: { a: 2 } });
    assert.deepEqual([same.matchedCount, same.modifiedCount], [1, 0]);
    const fresh = await things.updateOne({ _id: 9 }, { $set: { a: 9 } }, { upsert: true });
    assert.deepEqual([fresh.upsertedCount, fresh.upsertedId], [1, 9]);
  });

  test('array filters and pipelines update', async () => {
    await things.insertOne({ _id: 1, list: [1, 5, 9], a: 2 });
    const arrayFilters = [{ big: { $gt: 4 } }];
    await things.updateOne({ _id: 1 }, { $inc: { 'list.$[big]': 100 } }, { arrayFilters });
    await things.updateOne({ _id: 1 }, [{ $set: { sum: { $sum: '$list' } } }]);
    assert.deepEqual(await things.findOne(), { _id: 1, list: [1, 105, 109], a: 2, sum: 215 });
  });

  test('findOneAnd methods return what was asked for', async () => {
    await things.insertOne({ _id: 1, n: 1 });
    const up = { $inc: { n: 1 } };
    assert.deepEqual(await things.findOneAndUpdate({ _id: 1 }, up), { _id: 1, n: 1 });
    const options = { returnDocument: 'after', includeResultMetadata: true };
    const whole = await things.findOneAndUpdate({ _id: 1 }, up, options);
    assert.deepEqual(whole.value, { _id: 1, n: 3 });
    assert.deepEqual(whole.lastErrorObject, { n: 1, updatedExisting: true });
    assert.deepEqual(await things.findOneAndReplace({ _id: 1 }, { x: 1 }), { _id: 1, n: 3 });
    assert.deepEqual(await things.findOneAndDelete({ _id: 1 }), { _id: 1, x: 1 });
    assert.equal(await things.findOneAndDelete({ _id: 1 }), null);
  });

  test('a bulk write counts every kind', async () => {
    const result = await things.bulkWrite([
      { insertOne: { document: { _id: 1 } } },
      { updateOne: { filter: { _id: 2 }, update: { $set: { a: 1 } }, upsert: true } },
      { updateMany: { filter: {}, update: { $set: { b: 1 } } } },
      { replaceOne: { filter: { _id: 1 }, replacement: { c: 1 } } },
      { deleteOne: { filter: { _id: 2 } } },
    ]);
    assert.equal(result.insertedCount, 1);
    assert.equal(result.upsertedCount, 1);
    assert.deepEqual(result.upsertedIds, { 1: 2 });
    assert.equal(result.modifiedCount, 3);
    assert.equal(result.deletedCount, 1);
    assert.deepEqual(await things.find().toArray(), [{ _id: 1, c: 1 }]);
  });

  test('a validator refuses and explains', async () => {
    await db.createCollection('people', {
      validator: { $jsonSchema: { required: ['name'], properties: { age: { minimum: 0 } } } },
    });
    await assert.rejects(db.collection('people').insertOne({ _id: 1, age: -1 }), error => {
      assert.equal(error.code, 121);
      assert.equal(error.errInfo.failingDocumentId, 1);
      const rules = error.errInfo.details.schemaRulesNotSatisfied.map(rule => rule.operatorName);
      assert.deepEqual(rules.sort(), ['properties', 'required']);
      return true;
    });
  });

  test('every type comes back as it went', async () => {
    const document = {
      _id: new ObjectId(),
      double: 1.5,
      text: 'ü 🙂 \0',
      nested: { list: [1, [2, { three: 3 }]] },
      binary: new Binary(Buffer.from([0, 1, 2])),
      yes: true,
      date: new Date(0),
      nothing: null,
      pattern: /^a/i,
      int: 5,
      stamp: new Timestamp({ t: 1, i: 2 }),
      long: Long.fromString('9007199254740993'),
      decimal: Decimal128.fromString('1.10'),
      least: new MinKey(),
      greatest: new MaxKey(),
    };
    await things.insertOne(document);
    const found = await things.findOne({}, { promoteLongs: false, promoteValues: true });
    assert.deepEqual(Object.keys(found), Object.keys(document));
    assert.equal(found.long.toString(), '9007199254740993');
    assert.equal(found.decimal.toString(), '1.10');
    assert.deepEqual(found.nested, document.nested);
    assert.deepEqual(found.pattern, document.pattern);
    assert.deepEqual(found.date, document.date);
    assert.ok(found.stamp.equals(document.stamp));
  });
});

describe('reads', () => {
  beforeEach(() =>
    things.insertMany([...Array(250).keys()].map(n => ({ _id: n, n, odd: n % 2 === 1 }))));

  test('cursors go on in batches', async () => {
    const seen = [];
    for await (const { _id } of things.find({ odd: true }).sort({ n: -1 }).batchSize(20)) {
      seen.push(_id);
    }
    assert.equal(seen.length, 125);
    assert.equal(seen[0], 249);
    assert.equal(seen.at(-1), 1);
  });

  test('skip, limit and projection', async () => {
    const found = await things.find({}, { projection: { _id: 0, n: 1 } }).skip(5).limit(2)
      .sort({ _id: 1 }).toArray();
    assert.deepEqual(found, [{ n: 5 }, { n: 6 }]);
  });

  test('a cursor that is closed is killed', async () => {
    const cursor = things.find().batchSize(2);
    await cursor.next();
    const { id } = cursor;
    await cursor.close();
    await assert.rejects(db.command({ getMore: id, collection: 'things' }), { code: 43 });
  });

  test('counting and distinct values', async () => {
    assert.equal(await things.countDocuments({ odd: true }), 125);
    assert.equal(await things.estimatedDocumentCount(), 250);
    assert.deepEqual((await things.distinct('odd')).sort(), [false, true]);
  });

  test('a pipeline groups and sorts', async () => {
    const groups = await things.aggregate([
      { $match: { n: { $lt: 100 } } },
      { $group: { _id: '$odd', sum: { $sum: '$n' }, n: { $count: {} } } },
      { $sort: { _id: 1 } },
    ]).toArray();
    assert.deepEqual(groups, [
      { _id: false, sum: 2450, n: 50 },
      { _id: true, sum: 2500, n: 50 },
    ]);
  });

  test('explain tells that the index is used', async () => {
    await things.createIndex({ n: 1 });
    const plan = await things.find({ n: 7 }).explain('executionStats');
    assert.equal(plan.queryPlanner.winningPlan.stage, 'FETCH');
    assert.equal(plan.queryPlanner.winningPlan.inputStage.indexName, 'n_1');
    assert.equal(plan.executionStats.totalDocsExamined, 1);
  });

  test('a query stops when its time is over', async () => {
    const range = { $range: [0, 200_000] };
    const sum = { $add: ['$$value', '$$this'] };
    const slow = { $expr: { $lt: [{ $reduce: { input: range, initialValue: 0, in: sum } }, 0] } };
    await assert.rejects(things.find(slow).maxTimeMS(100).toArray(), {
      code: 50,
      codeName: 'MaxTimeMSExpired',
    });
  });

  test('an operator that does not exist is named', async () => {
    await assert.rejects(things.find({ a: { $wrong: 1 } }).toArray(), {
      code: 2,
      message: 'unknown operator: $wrong',
    });
  });
});
