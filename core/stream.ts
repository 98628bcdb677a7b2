/** Streams of values in process, and how to know when one is over. */

import type { AosError } from './errors.ts';

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The same stream; `over` is called once: when it has ended, failed (with what `name` makes of the error), or was left by its
 * reader, begun or not. It may give what the reader is to hear instead.
 */
export function watched(
  stream: AsyncIterable<unknown>,
  name: (thrown: unknown) => AosError,
  over: (error?: AosError) => AosError | undefined,
): AsyncIterable<unknown> {
  const inner = stream[Symbol.asyncIterator]();
  let open = true;
  const close = (error?: AosError): void => {
    const said = open ? over(error) : error;
    open = false;
    if (said !== undefined) throw said;
  };
  const attempt = async <T>(step: () => T | Promise<T>): Promise<T> => {
    try {
      return await step();
    } catch (thrown) {
      const error = name(thrown);
      close(error);
      throw error;
    }
  };
  const outer: AsyncIterator<unknown> = {
    async next() {
      const step = await attempt(() => inner.next());
      if (step.done === true) close();
      return step;
    },
    async return(value) {
      await attempt(() => inner.return?.());
      close();
      return { done: true, value };
    },
  };
  return { [Symbol.asyncIterator]: () => outer };
}
