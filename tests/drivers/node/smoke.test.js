// The least that a client relies on.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { Quired } = require('./quired.js');

const server = new Quired();
let client;

before(async () => {
  await server.start();
  client = server.client();
});

after(async () => {
  await client?.close();
  await server.destroy();
});

test('ping is answered', async () => {
  const reply = await client.db('admin').command({ ping: 1 });
  assert.equal(reply.ok, 1);
});

test('what is inserted is found', async () => {
  const things = client.db('smoke').collection('things');
  const documents = [1, 2, 3].map(number => ({ _id: number, name: `thing ${number}` }));
  const { insertedCount } = await things.insertMany(documents);
  assert.equal(insertedCount, 3);
  assert.deepEqual(await things.find().sort({ _id: 1 }).toArray(), documents);
  assert.deepEqual(await things.findOne({ name: 'thing 2' }), documents[1]);
  assert.equal(await things.findOne({ name: 'nothing' }), null);
});
