// A `quired` process with a data directory of its own: started, stopped, killed, started again.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { MongoClient } = require('mongodb');

const WAITING_FOR_CONNECTIONS = 23016;

class Quired {
  /** @param {string[]} flags */
  constructor(flags = []) {
    this.flags = flags;
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'quire-test-'));
    this.port = 0;
    this.lines = [];
    this.process = null;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  get uri() {
    return `mongodb://${this.address}/`;
  }

  client(options = {}) {
    return new MongoClient(this.uri, { serverSelectionTimeoutMS: 10_000, ...options });
  }

  /** Starts the process and waits until it says that it waits for connections. */
  async start(timeoutMs = 30_000) {
    const flags = ['--dbpath', this.directory, '--port', String(this.port)];
    flags.push('--bind_ip', '127.0.0.1', '--nounixsocket', ...this.flags);
    const child = spawn(process.env.QUIRE_BIN, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.process = child;
    this.exited = once(child, 'exit').then(([code, signal]) => {
      this.process = null;
      return code ?? signal;
    });
    const announced = new Promise(resolve => {
      for (const stream of [child.stdout, child.stderr]) {
        readline.createInterface({ input: stream }).on('line', line => {
          this.lines.push(line);
          if (line.includes(`"id":${WAITING_FOR_CONNECTIONS},`)) {
            resolve(JSON.parse(line).attr.port);
          }
        });
      }
    });
    let timer;
    const failed = new Promise((_, reject) => {
      const refuse = what => reject(new Error(`${what}:\n${this.lines.slice(-50).join('\n')}`));
      timer = setTimeout(() => refuse(`no server within ${timeoutMs} ms`), timeoutMs);
      this.exited.then(code => refuse(`the server ended with ${code}`));
    });
    try {
      this.port = await Promise.race([announced, failed]);
    } catch (error) {
      await this.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    // The loser of the race must not become an unhandled rejection when the server ends later.
    failed.catch(() => {});
    return this;
  }

  /** Asks the process to end, as a supervisor does, and returns its exit code. */
  async stop() {
    this.process.kill('SIGTERM');
    return this.exited;
  }

  /** Ends the process as a crash does. */
  async kill() {
    this.process.kill('SIGKILL');
    return this.exited;
  }

  async destroy() {
    if (this.process) {
      await this.kill();
    }
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

module.exports = { Quired };
