// Operations on a database.
'use strict';

const { operationOptions } = require('./options.js');

/** A cursor over a command of the caller's; `maxTimeMS` and such are those of its getMores. */
function commandCursor(database, args, context) {
  const { command, commandName: _name, batchSize, maxTimeMS, comment, cursorType, ...rest } = args;
  const options = operationOptions(rest, context);
  // The driver spells the kind of cursor as the format does only here.
  if (cursorType) Object.assign(options, operationOptions({ cursorType }, context));
  const cursor = database.runCursorCommand(command, options);
  if (batchSize !== undefined) cursor.setBatchSize(batchSize);
  if (maxTimeMS !== undefined) cursor.setMaxTimeMS(maxTimeMS);
  if (comment !== undefined) cursor.setComment(comment);
  return cursor;
}

module.exports = {
  async runCommand(database, { command, commandName: _name, ...rest }, context) {
    return database.command(command, operationOptions(rest, context));
  },
  async runCursorCommand(database, args, context) {
    return commandCursor(database, args, context).toArray();
  },
  async createCommandCursor(database, args, context) {
    const cursor = commandCursor(database, args, context);
    await cursor.cursorInit();
    return cursor;
  },
  async aggregate(database, { pipeline, ...rest }, context) {
    return database.aggregate(pipeline, operationOptions(rest, context)).toArray();
  },
  async createCollection(database, { collection, ...rest }, context) {
    return database.createCollection(collection, operationOptions(rest, context));
  },
  async dropCollection(database, { collection, ...rest }, context) {
    return database.dropCollection(collection, operationOptions(rest, context));
  },
  async modifyCollection(database, { collection, ...options }) {
    return database.command({ collMod: collection, ...options });
  },
  async listCollections(database, { filter, ...rest }, context) {
    return database.listCollections(filter, operationOptions(rest, context)).toArray();
  },
  async listCollectionNames(database, { filter, ...rest }, context) {
    const options = { ...operationOptions(rest, context), nameOnly: true };
    return (await database.listCollections(filter, options).toArray()).map(({ name }) => name);
  },
  async createChangeStream(database, { pipeline, ...rest }, context) {
    const stream = database.watch(pipeline, operationOptions(rest, context));
    await stream.cursor.cursorInit();
    return stream;
  },
};
