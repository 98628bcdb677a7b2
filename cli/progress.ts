/** A line on stderr that says how long something has taken, for a person who waits. Nothing where nobody looks. */

import { isTerminal, write } from './output.ts';

const EVERY_MS = 1000;
const CLEAR_LINE = '\r\u001b[K';

/** Shows `what` and the seconds gone by until the returned function is called. */
export function progress(what: string): () => void {
  if (!isTerminal(2)) return () => undefined;
  const began = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    write(`${CLEAR_LINE}${what} (${Math.round((performance.now() - began) / 1000)} s)`, 2);
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (shown) write(CLEAR_LINE, 2);
    shown = false;
  };
}
