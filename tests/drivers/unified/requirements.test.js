'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CLASS, unmetRequirement } = require('./requirements.js');

const deployment = {
  version: '8.0.4',
  topology: 'replicaset',
  authenticates: false,
  parameters: { enableTestCommands: true, requireApiVersion: false },
};

const met = [
  ['nothing', undefined],
  ['an older server or this', [{ minServerVersion: '8.0.4' }]],
  ['a version with fewer parts', [{ minServerVersion: '8.0' }]],
  ['a bound above', [{ maxServerVersion: '8.0.99' }]],
  ['one of several topologies', [{ topologies: ['single', 'replicaset'] }]],
  ['no serverless', [{ serverless: 'forbid' }]],
  ['no encryption', [{ csfle: false }]],
  ['no access control', [{ auth: false }]],
  ['a number for a boolean', [{ serverParameters: { enableTestCommands: 1 } }]],
  ['any of several', [{ topologies: ['sharded'] }, { minServerVersion: '4.0' }]],
];

const unmet = [
  ['a newer server', [{ minServerVersion: '8.1.0' }], CLASS.requirement],
  ['an older server', [{ maxServerVersion: '4.2.99' }], CLASS.requirement],
  ['a version counted by numbers', [{ minServerVersion: '10.0' }], CLASS.requirement],
  ['another topology', [{ topologies: ['sharded'] }], CLASS.requirement],
  ['encryption', [{ csfle: true }], CLASS.driver],
  ['access control', [{ auth: true }], CLASS.gap],
  ['another value', [{ serverParameters: { requireApiVersion: true } }], CLASS.requirement],
  ['a parameter that there is not', [{ serverParameters: { other: true } }], CLASS.gap],
  [
    'a topology beside access control',
    [{ auth: true, topologies: ['sharded'] }],
    CLASS.requirement,
  ],
  [
    'the alternative that only the server lacks',
    [{ topologies: ['sharded'] }, { auth: true }],
    CLASS.gap,
  ],
];

for (const [what, alternatives] of met) {
  test(`${what}: met`, () => {
    assert.equal(unmetRequirement(alternatives, deployment), undefined);
  });
}

for (const [what, alternatives, cause] of unmet) {
  test(`${what}: not met`, () => {
    assert.equal(unmetRequirement(alternatives, deployment).class, cause);
  });
}

test('a requirement that the format does not have is an error', () => {
  assert.throws(() => unmetRequirement([{ weather: 'fine' }], deployment), /unknown here/);
});
