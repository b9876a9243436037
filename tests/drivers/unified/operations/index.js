// Finds the operation that a case names, by what it is to be done to.
'use strict';

const {
  AbstractCursor,
  ChangeStream,
  ClientSession,
  Collection,
  Db,
  GridFSBucket,
} = require('mongodb');
const { ObservedClient } = require('../observed_client.js');
const { LACKING, Lacking } = require('../lacking.js');
const { requireArguments } = require('./required.js');
const testRunner = require('./test_runner.js');

/** Class of an object -> its operations: name -> (object, arguments, context) -> result. */
const FAMILIES = [
  [ObservedClient, require('./client.js')],
  [Db, require('./database.js')],
  [Collection, require('./collection.js')],
  [ClientSession, require('./session.js')],
  [GridFSBucket, require('./bucket.js')],
  [AbstractCursor, require('./cursor.js')],
  [ChangeStream, require('./cursor.js')],
];

/** Does what the operation says, and returns or throws what the driver does. */
async function execute({ name, object, arguments: args = {} }, context) {
  if (object === 'testRunner') {
    if (!(name in testRunner)) throw new Error(`this runner has no operation ${name}`);
    return testRunner[name](args, context);
  }
  const target = context.entities.get(object);
  const family = FAMILIES.find(([kind]) => target instanceof kind);
  if (family === undefined) throw new Error(`nothing can be done to ${object}, a ${typeof target}`);
  const [kind, operations] = family;
  if (name in operations) {
    requireArguments(name, args);
    return operations[name](target, args, context);
  }
  const lack = LACKING[`${kind.name}.${name}`];
  if (lack === undefined) throw new Error(`this runner has no operation ${kind.name}.${name}`);
  throw new Lacking(lack);
}

module.exports = { execute };
