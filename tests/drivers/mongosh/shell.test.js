// The stock shell, as people and scripts use it: what it sends by itself, and what it shows.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { Quired } = require('../node/quired.js');

const server = new Quired(['--setParameter', 'enableTestCommands=1']);
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'quire-shell-'));

before(() => server.start());

after(async () => {
  await server.destroy();
  fs.rmSync(home, { recursive: true, force: true });
});

/** Runs the shell; `input` is what somebody would type. */
async function shell(flags, input = '') {
  const child = spawn(process.env.QUIRE_MONGOSH, [`${server.uri}shell`, ...flags], {
    // The shell keeps settings and logs at home, and nothing may leave this machine.
    env: { ...process.env, HOME: home, MONGOSH_FORCE_DISABLE_TELEMETRY_FOR_TESTING: '1' },
    timeout: 30_000,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', data => (output += data));
  child.stderr.on('data', data => (errors += data));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, output, errors };
}

/** Evaluates a script and gives what its last expression is, as JSON. */
async function evaluate(script) {
  const { code, output, errors } = await shell(['--quiet', '--json=relaxed', '--eval', script]);
  assert.equal(code, 0, `${errors}\n${output}`);
  return JSON.parse(output);
}

test('the shell connects and warns of nothing but open access', async () => {
  const { code, output, errors } = await shell([], 'db.getName()\nexit\n');
  assert.equal(code, 0, errors);
  assert.match(output, /Using MongoDB:\s+8\.0\./);
  assert.match(output, /shell/);
  const warnings = output.match(/^\s+\d{4}-\d\d-\d\dT\S+: .*$/gm) ?? [];
  for (const warning of warnings) {
    assert.match(warning, /Access control is not enabled/);
  }
  assert.equal(errors.replace(/\s/g, ''), '');
});

test('what is typed is answered', async () => {
  const typed = [
    'use typed',
    'for (let n = 0; n < 50; n++) { db.things.insertOne({ _id: n, kind: n % 2 }) }',
    'show dbs',
    'show collections',
    'db.things.find()',
    'it',
    'db.things.countDocuments()',
    'db.things.createIndex({ kind: 1 })',
    'db.things.getIndexes()',
    'show profile',
    'show log global',
    'db.dropDatabase()',
    'exit',
  ];
  const { code, output, errors } = await shell(['--quiet'], `${typed.join('\n')}\n`);
  assert.equal(code, 0, errors);
  assert.match(output, /switched to db typed/);
  assert.match(output, /typed\s+[\d.]+ [KM]iB/);
  assert.match(output, /^.*things$/m);
  assert.match(output, /Type "it" for more/);
  assert.match(output, /\{ _id: 39, kind: 1 \}/);
  assert.match(output, /^.*50$/m);
  assert.match(output, /kind_1/);
  assert.match(output, /\{ ok: 1, dropped: 'typed' \}/);
  assert.doesNotMatch(output, /MongoServerError|SyntaxError/);
});

test('documents are written and read', async () => {
  const results = await evaluate(`
    const c = db.crud;
    c.drop();
    [
      c.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 2 }, { _id: 3, a: 3 }]).insertedIds,
      c.updateOne({ _id: 1 }, { $set: { a: 9 } }),
      c.updateMany({ a: { $gt: 0 } }, { $inc: { a: 1 } }).modifiedCount,
      c.replaceOne({ _id: 4 }, { a: 4 }, { upsert: true }).insertedId,
      c.deleteOne({ _id: 2 }).deletedCount,
      c.findOneAndUpdate({ _id: 3 }, { $set: { a: 0 } }, { returnDocument: 'after' }),
      c.find({}, { a: 1 }).sort({ _id: -1 }).toArray(),
      c.distinct('a').sort((a, b) => a - b),
      c.aggregate([{ $group: { _id: null, n: { $sum: 1 } } }]).toArray(),
      c.countDocuments({ a: { $gte: 4 } }),
    ]`);
  assert.deepEqual(results, [
    { 0: 1, 1: 2, 2: 3 },
    { acknowledged: true, insertedId: null, matchedCount: 1, modifiedCount: 1, upsertedCount: 0 },
    3,
    4,
    1,
    { _id: 3, a: 0 },
    [{ _id: 4, a: 4 }, { _id: 3, a: 0 }, { _id: 1, a: 10 }],
    [0, 4, 10],
    [{ _id: null, n: 3 }],
    2,
  ]);
});

test('a plan is explained', async () => {
  const [plan, statistics] = await evaluate(`
    db.plans.drop();
    db.plans.insertMany([...Array(20).keys()].map(n => ({ _id: n, n })));
    db.plans.createIndex({ n: 1 });
    [
      db.plans.find({ n: 5 }).explain().queryPlanner.winningPlan,
      db.plans.explain('executionStats').find({ n: { $lt: 5 } }).finish().executionStats,
    ]`);
  assert.equal(plan.stage, 'FETCH');
  assert.equal(plan.inputStage.indexName, 'n_1');
  assert.equal(statistics.nReturned, 5);
  assert.equal(statistics.executionSuccess, true);
});

test('the helpers of administration are answered', async () => {
  const results = await evaluate(`
    db.admin1.drop();
    db.admin1.insertOne({ _id: 1 });
    ({
      stats: db.stats().ok,
      collection: db.admin1.stats().count,
      status: db.serverStatus().ok,
      version: db.version(),
      ping: db.adminCommand({ ping: 1 }).ok,
      host: db.hostInfo().ok,
      operations: db.currentOp().ok,
      parameters: db.adminCommand({ getParameter: '*' }).enableTestCommands,
      hello: db.hello().isWritablePrimary,
      names: db.getCollectionNames().includes('admin1'),
      infos: db.getCollectionInfos({ name: 'admin1' })[0].type,
      profiling: db.getProfilingStatus().was,
      size: db.admin1.dataSize() > 0,
      validated: db.admin1.validate().valid,
      logs: db.adminCommand({ getLog: '*' }).names.length > 0,
      commands: 'find' in db.adminCommand({ listCommands: 1 }).commands,
    })`);
  assert.match(results.version, /^8\.0\./);
  delete results.version;
  assert.deepEqual(results, {
    stats: 1,
    collection: 1,
    status: 1,
    ping: 1,
    host: 1,
    operations: 1,
    parameters: true,
    hello: true,
    names: true,
    infos: 'collection',
    profiling: 0,
    size: true,
    validated: true,
    logs: true,
    commands: true,
  });
});

test('errors are shown with their names', async () => {
  const failures = await evaluate(`
    const failing = f => {
      try { f(); return 'nothing' } catch (e) { return [e.code, e.codeName ?? null] }
    };
    db.errors.drop();
    db.errors.insertOne({ _id: 1 });
    [
      failing(() => db.runCommand({ nothing: 1 })),
      failing(() => db.errors.insertOne({ _id: 1 })),
      failing(() => db.errors.find({ a: { $wrong: 1 } }).toArray()),
      failing(() => rs.status()),
      failing(() => db.missing.renameCollection('found')),
    ]`);
  assert.deepEqual(failures, [
    [59, 'CommandNotFound'],
    [11000, null],
    [2, 'BadValue'],
    [76, 'NoReplicationEnabled'],
    [26, 'NamespaceNotFound'],
  ]);
});

test('rs.status() tells that this is no replica set', async () => {
  const { code, errors } = await shell(['--quiet', '--eval', 'rs.status()']);
  assert.equal(code, 1);
  assert.match(errors, /MongoServerError.*not running with --replSet/);
});
