// Which commands of the driver carry a transaction number, and which never do.
'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { Commands } = require('./observing.js');
const { ReplicaSet } = require('./replica_set.js');

const members = new ReplicaSet({ parameters: ['enableTestCommands=1'] });
const set = { $set: { x: 1 } };
const unacknowledged = { writeConcern: { w: 0 } };
let client;
let commands;
let things;

const ONES = () => [
  { insertOne: { document: {} } },
  { updateOne: { filter: {}, update: set } },
  { replaceOne: { filter: {}, replacement: {} } },
  { deleteOne: { filter: {} } },
];

const NEVER = {
  'an insert that nobody acknowledges': () => things.insertOne({}, unacknowledged),
  'an update that nobody acknowledges': () => things.updateOne({}, set, unacknowledged),
  'a delete that nobody acknowledges': () => things.deleteOne({}, unacknowledged),
  // What the server makes of it does not matter here.
  'aggregate with $out': () =>
    things
      .aggregate([{ $out: 'others' }])
      .toArray()
      .catch(() => {}),
  updateMany: () => things.updateMany({}, set),
  deleteMany: () => things.deleteMany({}),
  'bulkWrite with an updateMany': () =>
    things.bulkWrite([{ updateMany: { filter: {}, update: set } }]),
  'bulkWrite with a deleteMany': () => things.bulkWrite([{ deleteMany: { filter: {} } }]),
};

const ALWAYS = {
  insertOne: () => things.insertOne({}),
  updateOne: () => things.updateOne({}, set),
  replaceOne: () => things.replaceOne({}, {}),
  deleteOne: () => things.deleteOne({}),
  findOneAndDelete: () => things.findOneAndDelete({}),
  findOneAndReplace: () => things.findOneAndReplace({}, {}),
  findOneAndUpdate: () => things.findOneAndUpdate({}, set),
  'insertMany, ordered': () => things.insertMany([{}, {}]),
  'insertMany, unordered': () => things.insertMany([{}, {}], { ordered: false }),
  'bulkWrite, ordered': () => things.bulkWrite(ONES()),
  'bulkWrite, unordered': () => things.bulkWrite(ONES(), { ordered: false }),
};

before(async () => {
  await members.start();
  client = members.client({ monitorCommands: true });
  commands = new Commands(client);
  things = client.db('transaction_numbers').collection('things');
});

after(async () => {
  await client?.close();
  await members.destroy();
});

beforeEach(async () => {
  await things.drop();
  await things.insertOne({ x: 0 });
  commands.clear();
});

for (const [name, write] of Object.entries(NEVER)) {
  test(`${name} has no number`, async () => {
    await write();
    assert.ok(commands.sent.length > 0, 'nothing was sent');
    assert.ok(commands.numbers().every(number => number === undefined));
  });
}

for (const [name, write] of Object.entries(ALWAYS)) {
  test(`${name} has a number`, async () => {
    await write();
    const numbers = commands.numbers();
    assert.ok(numbers.length > 0 && numbers.every(number => typeof number === 'number'));
    // Each command has a number of its own.
    assert.equal(new Set(numbers).size, numbers.length);
  });
}
