// Operations on a cursor or a change stream.
'use strict';

module.exports = {
  async iterateUntilDocumentOrError(cursor) {
    for (;;) {
      // A cursor that is not tailable says null at its end.
      const document = await cursor.next();
      if (document !== null || cursor.closed) return document;
    }
  },
  async iterateOnce(cursor) {
    return cursor.tryNext();
  },
  async close(cursor, args) {
    await cursor.close(args);
  },
};
