// Operations on a collection.
'use strict';

const { operationOptions } = require('./options.js');
const { plainResult, updateResult } = require('./results.js');

module.exports = {
  async aggregate(collection, { pipeline, ...rest }, context) {
    return collection.aggregate(pipeline, operationOptions(rest, context)).toArray();
  },
  async find(collection, { filter, ...rest }, context) {
    return collection.find(filter, operationOptions(rest, context)).toArray();
  },
  async findOne(collection, { filter, ...rest }, context) {
    return collection.findOne(filter, operationOptions(rest, context));
  },
  async createFindCursor(collection, { filter, ...rest }, context) {
    const cursor = collection.find(filter, operationOptions(rest, context));
    await cursor.cursorInit();
    return cursor;
  },
  async createChangeStream(collection, { pipeline, ...rest }, context) {
    const stream = collection.watch(pipeline, operationOptions(rest, context));
    await stream.cursor.cursorInit();
    return stream;
  },
  async count(collection, { filter, ...rest }, context) {
    return collection.count(filter, operationOptions(rest, context));
  },
  async countDocuments(collection, { filter, ...rest }, context) {
    return collection.countDocuments(filter, operationOptions(rest, context));
  },
  async estimatedDocumentCount(collection, args, context) {
    return collection.estimatedDocumentCount(operationOptions(args, context));
  },
  async distinct(collection, { fieldName, filter, ...rest }, context) {
    return collection.distinct(fieldName, filter, operationOptions(rest, context));
  },
  async insertOne(collection, { document, ...rest }, context) {
    return plainResult(await collection.insertOne(document, operationOptions(rest, context)));
  },
  async insertMany(collection, { documents, ...rest }, context) {
    return plainResult(await collection.insertMany(documents, operationOptions(rest, context)));
  },
  async updateOne(collection, { filter, update, ...rest }, context) {
    return updateResult(
      await collection.updateOne(filter, update, operationOptions(rest, context)),
    );
  },
  async updateMany(collection, { filter, update, ...rest }, context) {
    return updateResult(
      await collection.updateMany(filter, update, operationOptions(rest, context)),
    );
  },
  async replaceOne(collection, { filter, replacement, ...rest }, context) {
    const options = operationOptions(rest, context);
    return updateResult(await collection.replaceOne(filter, replacement, options));
  },
  async deleteOne(collection, { filter, ...rest }, context) {
    return plainResult(await collection.deleteOne(filter, operationOptions(rest, context)));
  },
  async deleteMany(collection, { filter, ...rest }, context) {
    return plainResult(await collection.deleteMany(filter, operationOptions(rest, context)));
  },
  async bulkWrite(collection, { requests, ...rest }, context) {
    return plainResult(await collection.bulkWrite(requests, operationOptions(rest, context)));
  },
  async findOneAndUpdate(collection, { filter, update, ...rest }, context) {
    return collection.findOneAndUpdate(filter, update, operationOptions(rest, context));
  },
  async findOneAndReplace(collection, { filter, replacement, ...rest }, context) {
    return collection.findOneAndReplace(filter, replacement, operationOptions(rest, context));
  },
  async findOneAndDelete(collection, { filter, ...rest }, context) {
    return collection.findOneAndDelete(filter, operationOptions(rest, context));
  },
  async createIndex(collection, { keys, ...rest }, context) {
    return collection.createIndex(keys, operationOptions(rest, context));
  },
  async dropIndex(collection, { name, ...rest }, context) {
    return collection.dropIndex(name, operationOptions(rest, context));
  },
  async dropIndexes(collection, args, context) {
    return collection.dropIndexes(operationOptions(args, context));
  },
  async listIndexes(collection, args, context) {
    return collection.listIndexes(operationOptions(args, context)).toArray();
  },
  async rename(collection, { to, ...rest }, context) {
    return collection.rename(to, operationOptions(rest, context));
  },
  async createSearchIndex(collection, { model }) {
    return collection.createSearchIndex(model);
  },
  async createSearchIndexes(collection, { models }) {
    return collection.createSearchIndexes(models);
  },
  async dropSearchIndex(collection, { name }) {
    return collection.dropSearchIndex(name);
  },
  async updateSearchIndex(collection, { name, definition }) {
    return collection.updateSearchIndex(name, definition);
  },
  async listSearchIndexes(collection, { name, aggregationOptions }) {
    return collection.listSearchIndexes(name, aggregationOptions).toArray();
  },
};
