// Operations on a GridFS bucket.
'use strict';

const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { operationOptions } = require('./options.js');

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

module.exports = {
  async find(bucket, { filter, ...rest }, context) {
    return bucket.find(filter, operationOptions(rest, context)).toArray();
  },
  async upload(bucket, { filename, source, disableMD5: _nothingToDisable, ...options }) {
    const stream = bucket.openUploadStream(filename, options);
    await pipeline(Readable.from([Buffer.from(source.$$hexBytes, 'hex')]), stream);
    return stream.id;
  },
  async download(bucket, { id, ...options }) {
    return bytesOf(bucket.openDownloadStream(id, options));
  },
  async downloadByName(bucket, { filename, ...options }) {
    return bytesOf(bucket.openDownloadStreamByName(filename, options));
  },
  async delete(bucket, { id, ...options }) {
    await bucket.delete(id, options);
  },
  async rename(bucket, { id, newFilename, ...options }) {
    await bucket.rename(id, newFilename, options);
  },
  async drop(bucket, options) {
    await bucket.drop(options);
  },
};
