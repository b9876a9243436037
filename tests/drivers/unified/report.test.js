'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CaseList } = require('./lists.js');
const { Report } = require('./report.js');

const known = () =>
  new CaseList([{ reason: 'later', cases: { 'a.json': ['fails'], 'b.json': '*' } }]);

function surprises(results) {
  const report = new Report(known());
  for (const [file, description, status] of results) {
    report.add({ area: 'area', file, description, status, class: 'server gap', ms: 1 });
  }
  return report.surprises().map(({ file, description }) => `${file}: ${description}`);
}

test('a failure that is known and a pass that is not are no news', () => {
  assert.deepEqual(
    surprises([
      ['a.json', 'fails', 'failed'],
      ['a.json', 'other', 'passed'],
    ]),
    [],
  );
});

test('a failure that nobody knew of is news', () => {
  assert.deepEqual(surprises([['a.json', 'other', 'failed']]), ['a.json: other']);
});

for (const status of ['passed', 'skipped']) {
  test(`what is known to fail and is ${status} is news`, () => {
    assert.deepEqual(surprises([['a.json', 'fails', status]]), ['a.json: fails']);
  });
}

test('a whole file may be known to fail', () => {
  assert.deepEqual(surprises([['b.json', 'any', 'failed']]), []);
  assert.deepEqual(surprises([['b.json', 'any', 'passed']]), ['b.json: any']);
});

test('a case cannot be listed twice', () => {
  const cases = { 'a.json': ['one'] };
  assert.throws(
    () =>
      new CaseList([
        { reason: 'x', cases },
        { reason: 'y', cases },
      ]),
    /twice/,
  );
});
