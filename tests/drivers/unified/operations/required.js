// The arguments without which an operation cannot be meant: a file that leaves one out is
// malformed, and must not pass because the driver made something of it.
'use strict';

/** A test file says what the format does not allow; never a failure that a case may expect. */
class Malformed extends Error {
  get name() {
    return 'Malformed';
  }
}

const REQUIRED = {
  aggregate: ['pipeline'],
  bulkWrite: ['requests'],
  clientBulkWrite: ['models'],
  countDocuments: ['filter'],
  createChangeStream: ['pipeline'],
  createCollection: ['collection'],
  createCommandCursor: ['command'],
  createFindCursor: ['filter'],
  createIndex: ['keys'],
  deleteMany: ['filter'],
  deleteOne: ['filter'],
  distinct: ['fieldName', 'filter'],
  dropCollection: ['collection'],
  find: ['filter'],
  findOne: ['filter'],
  findOneAndDelete: ['filter'],
  findOneAndReplace: ['filter', 'replacement'],
  findOneAndUpdate: ['filter', 'update'],
  insertMany: ['documents'],
  insertOne: ['document'],
  replaceOne: ['filter', 'replacement'],
  runCommand: ['command', 'commandName'],
  runCursorCommand: ['command', 'commandName'],
  updateMany: ['filter', 'update'],
  updateOne: ['filter', 'update'],
  upload: ['filename', 'source'],
};

function requireArguments(name, args) {
  const missing = (REQUIRED[name] ?? []).filter(argument => args[argument] === undefined);
  if (missing.length > 0) throw new Malformed(`${name} needs ${missing.join(' and ')}`);
}

module.exports = { Malformed, requireArguments };
