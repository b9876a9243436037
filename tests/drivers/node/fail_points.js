// Fail points that a test switches on, and that are off again when it ends, however it ends.
'use strict';

/** Sets the fail point on the client's primary; returns how often it has been entered. */
async function configure(client, name, mode, data) {
  const command = { configureFailPoint: name, mode, ...(data && { data }) };
  return (await client.db('admin').command(command)).count;
}

/** Does `work` while the fail point is on. */
async function withFailPoint(client, name, mode, data, work) {
  await configure(client, name, mode, data);
  try {
    return await work();
  } finally {
    await configure(client, name, 'off');
  }
}

module.exports = { configure, withFailPoint };
