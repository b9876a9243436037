// The names that the format has for the type of a value. The driver turns numbers of every width
// into JavaScript's one kind where nothing is lost, so a number can answer to several.
'use strict';

const OF_BSON = {
  Binary: 'binData',
  BSONRegExp: 'regex',
  BSONSymbol: 'symbol',
  Code: 'javascript',
  DBRef: 'dbPointer',
  Decimal128: 'decimal',
  Double: 'double',
  Int32: 'int',
  Long: 'long',
  MaxKey: 'maxKey',
  MinKey: 'minKey',
  ObjectId: 'objectId',
  Timestamp: 'timestamp',
};

const NUMBERS = ['int', 'long', 'double', 'decimal'];

function plainNamesOf(value) {
  switch (typeof value) {
    case 'string':
      return ['string'];
    case 'boolean':
      return ['bool'];
    case 'bigint':
      return ['long'];
    case 'number':
      return Number.isInteger(value) ? ['int', 'long', 'double'] : ['double'];
    case 'undefined':
      return [];
    default:
      break;
  }
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (value instanceof Date) return ['date'];
  if (value instanceof RegExp) return ['regex'];
  if (ArrayBuffer.isView(value)) return ['binData'];
  const name = OF_BSON[value._bsontype];
  if (name === 'javascript' && value.scope) return ['javascriptWithScope'];
  return [name ?? 'object'];
}

/** Every name that the value's type answers to; none when there is no value. */
function typeNamesOf(value) {
  const names = plainNamesOf(value);
  return names.some(name => NUMBERS.includes(name)) ? [...names, 'number'] : names;
}

module.exports = { typeNamesOf };
