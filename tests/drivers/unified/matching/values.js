// Whether a value is what a test file expects: the rules of the unified test format. Knows nothing
// of events or errors, and asks its context only for named entities.
'use strict';

const { isDeepStrictEqual } = require('node:util');
const { BSON } = require('mongodb');
const { typeNamesOf } = require('./types.js');

/** What was expected at some place, and what was there. */
class Mismatch extends Error {
  get name() {
    return 'Mismatch';
  }
}

function shown(value) {
  if (value === undefined) return 'nothing';
  let text;
  try {
    text = BSON.EJSON.stringify(value, { relaxed: true });
  } catch {
    text = String(value);
  }
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function refuse(path, expected, actual) {
  const place = path.length === 0 ? '' : `${path.join('.')}: `;
  throw new Mismatch(`${place}expected ${shown(expected)}, found ${shown(actual)}`);
}

const isDocument = value =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  !(value instanceof Date) &&
  !(value instanceof RegExp) &&
  !ArrayBuffer.isView(value) &&
  value._bsontype === undefined;

/** The fields of a document; the driver keeps some (sorts, for one) as maps, or undefined. */
function fieldsOf(document) {
  const pairs = document instanceof Map ? [...document] : Object.entries(document);
  return new Map(pairs.filter(([, value]) => value !== undefined));
}

function numberOf(value) {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  switch (value?._bsontype) {
    case 'Long':
      return value.toNumber();
    case 'Int32':
    case 'Double':
      return value.valueOf();
    default:
      return undefined;
  }
}

function sameScalar(expected, actual) {
  const number = numberOf(expected);
  if (number !== undefined) return number === numberOf(actual);
  if (expected === null || typeof expected !== 'object') return expected === actual;
  if (expected instanceof RegExp || actual instanceof RegExp)
    return String(expected) === String(actual);
  if (actual === null || typeof actual !== 'object' || isDocument(actual)) return false;
  const canonical = value =>
    BSON.EJSON.parse(BSON.EJSON.stringify({ value }, { relaxed: false }), { relaxed: false });
  return isDeepStrictEqual(canonical(expected), canonical(actual));
}

const hexOf = bytes =>
  Buffer.from(bytes.buffer ?? bytes, bytes.byteOffset, bytes.byteLength).toString('hex');

/** Special operators: name -> check of what stands there. `$$exists` is with the fields. */
const OPERATORS = {
  $$unsetOrMatches(operand, actual, context, at) {
    if (actual !== undefined) check(operand, actual, context, at);
  },
  $$type(operand, actual, _context, at) {
    const wanted = [operand].flat();
    const found = typeNamesOf(actual);
    if (!wanted.some(name => found.includes(name))) refuse(at.path, { $$type: operand }, actual);
  },
  $$matchesEntity(operand, actual, context, at) {
    check(context.entities.get(operand), actual, context, at);
  },
  $$matchesHexBytes(operand, actual, _context, at) {
    if (!ArrayBuffer.isView(actual) || hexOf(actual) !== operand.toLowerCase()) {
      refuse(at.path, { $$matchesHexBytes: operand }, actual);
    }
  },
  $$sessionLsid(operand, actual, context, at) {
    if (!sameScalar(context.entities.sessionId(operand).id, actual?.id)) {
      refuse(at.path, { $$sessionLsid: operand }, actual);
    }
  },
  $$lte(operand, actual, _context, at) {
    const number = numberOf(actual);
    if (number === undefined || !(number <= numberOf(operand))) {
      refuse(at.path, { $$lte: operand }, actual);
    }
  },
  $$matchAsDocument(operand, actual, context, at) {
    let document;
    try {
      document = BSON.EJSON.parse(actual, { relaxed: true });
    } catch {
      return refuse(at.path, { $$matchAsDocument: operand }, actual);
    }
    return check(operand, document, context, { ...at, root: false });
  },
  $$matchAsRoot(operand, actual, context, at) {
    check(operand, actual, context, { ...at, root: true });
  },
};

function operatorOf(expected) {
  if (!isDocument(expected)) return undefined;
  const names = Object.keys(expected);
  if (names.length !== 1 || !names[0].startsWith('$$') || names[0] === '$$exists') return undefined;
  const operator = OPERATORS[names[0]];
  if (operator === undefined) throw new Error(`no such operator of the format: ${names[0]}`);
  return { operator, operand: expected[names[0]] };
}

function checkArray(expected, actual, context, at) {
  if (!Array.isArray(actual) || actual.length !== expected.length)
    refuse(at.path, expected, actual);
  expected.forEach((element, index) =>
    check(element, actual[index], context, { ...at, path: [...at.path, index] }),
  );
}

/** What stands in a field, which may be nothing. */
function checkField(expected, actual, context, at) {
  if (isDocument(expected) && '$$exists' in expected) {
    if ((actual !== undefined) !== expected.$$exists) refuse(at.path, expected, actual);
  } else if (
    actual === undefined &&
    operatorOf(expected)?.operator !== OPERATORS.$$unsetOrMatches
  ) {
    refuse(at.path, expected, actual);
  } else {
    check(expected, actual, context, at);
  }
}

function checkDocument(expected, actual, context, at) {
  if (!isDocument(actual)) refuse(at.path, expected, actual);
  const found = fieldsOf(actual);
  for (const [name, value] of Object.entries(expected)) {
    checkField(value, found.get(name), context, { root: false, path: [...at.path, name] });
  }
  if (at.root) return;
  for (const name of found.keys()) {
    if (!(name in expected)) refuse([...at.path, name], undefined, found.get(name));
  }
}

function check(expected, actual, context, at) {
  const special = operatorOf(expected);
  if (special) return special.operator(special.operand, actual, context, at);
  if (Array.isArray(expected)) return checkArray(expected, actual, context, at);
  if (isDocument(expected)) return checkDocument(expected, actual, context, at);
  if (!sameScalar(expected, actual)) refuse(at.path, expected, actual);
  return undefined;
}

/**
 * Throws a Mismatch unless `actual` is what is expected. A document at the root, or in an array at
 * the root, may hold more than was expected; one further down may not.
 */
function match(expected, actual, context) {
  check(expected, actual, context, { root: true, path: [] });
}

/** As `match`, for something that has a name, and that may be expected to be or not to be there. */
function matchField(name, expected, actual, context) {
  checkField(expected, actual, context, { root: true, path: [name] });
}

/** As `match`, but nothing may hold more than was expected. */
function matchWhole(expected, actual, context) {
  check(expected, actual, context, { root: false, path: [] });
}

module.exports = { Mismatch, match, matchField, matchWhole, shown };
