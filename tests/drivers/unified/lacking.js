// What the driver under test has no means to do at all. Single cases that it does differently are
// in driver.json.
'use strict';

/** A case needs something that the driver does not have. */
class Lacking extends Error {
  get name() {
    return 'Lacking';
  }
}

/** Operations, by the class that they would be done to. */
const LACKING = {
  'Collection.mapReduce': 'the driver has no mapReduce since 5.0',
  'Collection.listIndexNames': 'the driver lists indexes whole only',
  'Db.listCollectionObjects': 'the driver lists no collections as objects',
  'ObservedClient.listDatabaseObjects': 'the driver lists no databases as objects',
  'GridFSBucket.deleteByName': 'the driver deletes files by id only',
  'GridFSBucket.renameByName': 'the driver renames files by id only',
};

/** Kinds of entities and properties of them. */
const ENCRYPTION = 'client-side encryption needs libmongocrypt';

module.exports = { ENCRYPTION, LACKING, Lacking };
