'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Binary, Int32, Long, ObjectId, Timestamp } = require('mongodb');
const { Mismatch, match, matchWhole } = require('./values.js');

const session = { id: new Binary(Buffer.alloc(16, 7), Binary.SUBTYPE_UUID) };
const context = {
  entities: {
    get: name => ({ answer: 42 })[name],
    sessionId: () => session,
  },
};

const matches = [
  ['numbers of any width', 1, Long.fromNumber(1)],
  ['numbers with and without a class', { a: 1 }, { a: new Int32(1) }],
  ['more than was expected at the root', { a: 1 }, { a: 1, b: 2 }],
  ['more than was expected in an array at the root', [{ a: 1 }], [{ a: 1, b: 2 }]],
  ['fields in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a map for a document', { sort: { a: -1 } }, { sort: new Map([['a', -1]]) }],
  ['what may be there or not, and is not', { a: { $$exists: false } }, { a: undefined }],
  ['what must be there, whatever it is', { a: { $$exists: true } }, { a: null }],
  ['what is unset', { a: { $$unsetOrMatches: 1 } }, {}],
  ['what is set and matches', { a: { $$unsetOrMatches: 1 } }, { a: 1 }],
  ['one of several types', { a: { $$type: ['int', 'long'] } }, { a: Long.fromNumber(1) }],
  ['an entity', { a: { $$matchesEntity: 'answer' } }, { a: 42 }],
  ['bytes', { $$matchesHexBytes: 'ff00' }, Buffer.from([255, 0])],
  ['the id of a session', { lsid: { $$sessionLsid: 'session0' } }, { lsid: session }],
  ['a bound', { a: { $$lte: 5 } }, { a: 5 }],
  ['a document in a string', { a: { $$matchAsDocument: { b: 1 } } }, { a: '{"b": 1}' }],
  [
    'a document in a string that may hold more',
    { a: { $$matchAsDocument: { $$matchAsRoot: { b: 1 } } } },
    { a: '{"b": 1, "c": 2}' },
  ],
];

const mismatches = [
  ['another number', 1, 2],
  ['a string for a number', 1, '1'],
  ['null for nothing', { a: null }, {}],
  ['more than was expected further down', { a: { b: 1 } }, { a: { b: 1, c: 2 } }],
  ['more than was expected in an array further down', { a: [{ b: 1 }] }, { a: [{ b: 1, c: 2 }] }],
  ['a longer array', [1], [1, 2]],
  ['an array for a document', {}, []],
  ['what must not be there', { a: { $$exists: false } }, { a: null }],
  ['what must be there', { a: { $$exists: true } }, {}],
  ['what is set and differs', { a: { $$unsetOrMatches: 1 } }, { a: 2 }],
  ['a type other than any', { a: { $$type: ['int', 'long'] } }, { a: 1.5 }],
  ['a time stamp for a long', { a: { $$type: 'long' } }, { a: new Timestamp({ t: 1, i: 1 }) }],
  ['nothing where a type is expected', { a: { $$type: 'string' } }, {}],
  ['another entity', { a: { $$matchesEntity: 'answer' } }, { a: 41 }],
  ['other bytes', { $$matchesHexBytes: 'ff00' }, Buffer.from([255])],
  ['text for bytes', { $$matchesHexBytes: 'ff00' }, 'ff00'],
  ['the id of no session', { lsid: { $$sessionLsid: 'session0' } }, {}],
  ['more than a bound', { a: { $$lte: 5 } }, { a: 6 }],
  ['text that is no document', { a: { $$matchAsDocument: { b: 1 } } }, { a: 'b' }],
  [
    'a document in a string that holds more',
    { a: { $$matchAsDocument: { b: 1 } } },
    { a: '{"b": 1, "c": 2}' },
  ],
  ['another identifier', new ObjectId('0'.repeat(24)), new ObjectId('1'.repeat(24))],
];

for (const [what, expected, actual] of matches) {
  test(`${what}: matches`, () => match(expected, actual, context));
}

for (const [what, expected, actual] of mismatches) {
  test(`${what}: does not match`, () => {
    assert.throws(() => match(expected, actual, context), Mismatch);
  });
}

test('an outcome may hold nothing more, not even at the root', () => {
  matchWhole([{ a: 1 }], [{ a: 1 }], context);
  assert.throws(() => matchWhole([{ a: 1 }], [{ a: 1, b: 2 }], context), Mismatch);
});

test('an operator that the format does not have is no mismatch but an error', () => {
  assert.throws(() => match({ a: { $$almost: 1 } }, { a: 1 }, context), /no such operator/);
});
