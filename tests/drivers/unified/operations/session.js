// Operations on a session.
'use strict';

const { operationOptions } = require('./options.js');

module.exports = {
  async startTransaction(session, args, context) {
    session.startTransaction(operationOptions(args, context));
  },
  async commitTransaction(session, args) {
    await session.commitTransaction(args);
  },
  async abortTransaction(session, args) {
    await session.abortTransaction(args);
  },
  async withTransaction(session, { callback, ...rest }, context) {
    const transact = async () => {
      // What fails inside is checked and then thrown on: the driver decides on it whether to retry.
      for (const operation of callback) await context.perform(operation, { throwOn: true });
    };
    await session.withTransaction(transact, operationOptions(rest, context));
  },
  async endSession(session) {
    await session.endSession();
  },
};
