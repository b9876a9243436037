// What the driver returned, as the plain documents in which test files speak of results.
'use strict';

/** Maps become documents, classes their visible fields; a missing value is missing, not null. */
function plainResult(result) {
  if (result === null || typeof result !== 'object' || result._bsontype) return result;
  if (result instanceof Date || result instanceof RegExp || ArrayBuffer.isView(result))
    return result;
  if (Array.isArray(result)) return result.map(plainResult);
  const pairs = result instanceof Map ? [...result] : Object.entries(result);
  return Object.fromEntries(pairs.map(([name, value]) => [String(name), plainResult(value)]));
}

/** The result of an update: the driver says null where nothing was upserted. */
function updateResult(result) {
  const plain = plainResult(result);
  if (plain.upsertedId === null) delete plain.upsertedId;
  return plain;
}

/** The result of a client's bulk write: that of an update also says what its upsertedId says. */
function clientBulkResult(result) {
  const plain = plainResult(result);
  for (const update of Object.values(plain?.updateResults ?? {})) delete update.didUpsert;
  return plain;
}

module.exports = { clientBulkResult, plainResult, updateResult };
