// Arguments of the format as options of the driver.
'use strict';

const { ReadConcern, ReadPreference, WriteConcern } = require('mongodb');
const { Malformed } = require('./required.js');

/** Name of an argument -> options that say the same to the driver. */
const TRANSLATIONS = {
  readConcern: value => ({ readConcern: ReadConcern.fromOptions({ readConcern: value }) }),
  writeConcern: value => ({ writeConcern: WriteConcern.fromOptions({ writeConcern: value }) }),
  readPreference: ({ mode, tagSets, ...rest }) => ({
    // Some files write modes as type names: Secondary.
    readPreference: new ReadPreference(mode[0].toLowerCase() + mode.slice(1), tagSets, rest),
  }),
  cursorType: value => ({
    ...(value !== 'nonTailable' && { tailable: true }),
    ...(value === 'tailableAwait' && { awaitData: true }),
  }),
  returnDocument(value) {
    if (!['Before', 'After'].includes(value))
      throw new Malformed(`returnDocument cannot be ${value}`);
    return { returnDocument: value.toLowerCase() };
  },
};

function driverOptions(options = {}) {
  const translated = {};
  for (const [name, value] of Object.entries(options)) {
    Object.assign(translated, TRANSLATIONS[name]?.(value) ?? { [name]: value });
  }
  return translated;
}

/** Arguments of an operation with its session, which test files give by name. */
function operationOptions({ session, ...options }, context) {
  const translated = driverOptions(options);
  if (session !== undefined) translated.session = context.entities.get(session);
  return translated;
}

module.exports = { driverOptions, operationOptions };
