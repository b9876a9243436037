// Operations on a client.
'use strict';

const { operationOptions } = require('./options.js');
const { clientBulkResult } = require('./results.js');

/** `{insertOne: {...}}` as the driver wants it: `{name: 'insertOne', ...}`. */
function modelOf(model) {
  const [[name, fields]] = Object.entries(model);
  return { name, ...fields };
}

module.exports = {
  async listDatabases({ client }, { filter, ...rest }, context) {
    const options = { ...operationOptions(rest, context), ...(filter && { filter }) };
    return (await client.db().admin().listDatabases(options)).databases;
  },
  async listDatabaseNames({ client }, { filter, ...rest }, context) {
    const options = {
      ...operationOptions(rest, context),
      nameOnly: true,
      ...(filter && { filter }),
    };
    const { databases } = await client.db().admin().listDatabases(options);
    return databases.map(({ name }) => name);
  },
  async dropDatabase({ client }, { database, ...rest }, context) {
    await client.db(database).dropDatabase(operationOptions(rest, context));
  },
  async clientBulkWrite({ client }, { models, ...rest }, context) {
    return clientBulkResult(
      await client.bulkWrite(models.map(modelOf), operationOptions(rest, context)),
    );
  },
  async createChangeStream({ client }, { pipeline, ...rest }, context) {
    const stream = client.watch(pipeline, operationOptions(rest, context));
    await stream.cursor.cursorInit();
    return stream;
  },
  async appendMetadata({ client }, { driverInfoOptions }) {
    client.appendMetadata(driverInfoOptions);
  },
  async close(observed) {
    await observed.close();
  },
};
