// What stands for a thread: operations given to it run one after the other, beside everything else.
'use strict';

class TestThread {
  #last = Promise.resolve();

  /** @param {() => Promise<void>} work */
  run(work) {
    this.#last = this.#last.then(work);
    // Told of when the case waits for the thread; until then nobody listens.
    this.#last.catch(() => {});
  }

  /** Fails with what failed first in the thread. */
  async wait(timeoutMs) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`a thread did not end within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    try {
      await Promise.race([this.#last, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

module.exports = { TestThread };
