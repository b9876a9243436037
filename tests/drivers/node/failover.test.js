// A write that meets a primary that is stepping down is done by the next one.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { configure } = require('./fail_points.js');
const { Commands } = require('./observing.js');
const { ReplicaSet } = require('./replica_set.js');

const HANG = 'stepdownHangBeforePerformingPostMemberStateUpdateActions';
const NOT_WRITABLE_PRIMARY = 10107;

const members = new ReplicaSet({ parameters: ['enableTestCommands=1'] });

before(() => members.start());
after(() => members.destroy());

async function steppedDown(direct) {
  const deadline = Date.now() + 10_000;
  while ((await direct.db('admin').command({ hello: 1 })).isWritablePrimary) {
    assert.ok(Date.now() < deadline, 'the primary did not step down');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

test('a write is retried on the next primary', async () => {
  // Asking this seldom, and not being streamed to, the client learns of the step-down by its write.
  const seldom = { heartbeatFrequencyMS: 60_000, serverMonitoringMode: 'poll' };
  const client = members.client({ monitorCommands: true, ...seldom });
  const commands = new Commands(client);
  const stepping = members.client();
  const things = client.db('failover').collection('things');
  await things.insertOne({ _id: 1 });
  const { me } = await client.db('admin').command({ hello: 1 });
  const direct = members.direct(me);
  let ended = false;
  try {
    await configure(direct, HANG, 'alwaysOn');
    // The old primary drops its clients' connections when it is let go, so any outcome will do.
    const hanging = stepping
      .db('admin')
      .command({ replSetStepDown: 60, force: true })
      .catch(() => {})
      .then(() => (ended = true));
    await steppedDown(direct);
    assert.equal(ended, false, 'the step-down did not hang');
    commands.clear();
    assert.equal((await things.insertOne({ _id: 2 })).acknowledged, true);
    assert.equal(ended, false, 'the step-down ended before it was let go');
    assert.deepEqual(commands.names(), ['insert', 'insert']);
    const [first, second] = commands.numbers();
    assert.equal(first, second);
    const [refusal, answer] = commands.replies();
    assert.equal(refusal.code, NOT_WRITABLE_PRIMARY);
    assert.ok(refusal.errorLabels.includes('RetryableWriteError'));
    assert.equal(answer.n, 1);
    await configure(direct, HANG, 'off');
    await hanging;
    assert.deepEqual(await things.find().sort({ _id: 1 }).toArray(), [{ _id: 1 }, { _id: 2 }]);
  } finally {
    // On a connection of its own: those of before may have been dropped.
    const fresh = members.direct(me);
    await configure(fresh, HANG, 'off');
    await Promise.all([fresh, direct, stepping, client].map(one => one.close()));
  }
  await members.whole();
});
