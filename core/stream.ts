/** Streams of values in process, and how to know when one is over. */

import type { AosError } from './errors.ts';

export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The same stream; `over` is called once: when it has ended, failed (with what `name` makes of the error), or was left by its
 * reader, begun or not.
 */
export function watched(
  stream: AsyncIterable<unknown>,
  name: (thrown: unknown) => AosError,
  over: (error?: AosError) => void,
): AsyncIterable<unknown> {
  const inner = stream[Symbol.asyncIterator]();
  let open = true;
  const close = (error?: AosError): void => {
    if (open) over(error);
    open = false;
  };
  const fail = (thrown: unknown): AosError => {
    const error = name(thrown);
    close(error);
    return error;
  };
  const outer: AsyncIterator<unknown> = {
    async next() {
      try {
        const step = await inner.next();
        if (step.done === true) close();
        return step;
      } catch (thrown) {
        throw fail(thrown);
      }
    },
    async return(value) {
      try {
        await inner.return?.();
      } catch (thrown) {
        throw fail(thrown);
      }
      close();
      return { done: true, value };
    },
  };
  return { [Symbol.asyncIterator]: () => outer };
}
