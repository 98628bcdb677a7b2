/** SIGIO, shared by all mounts of this process. Once listened to it stays so: without a listener it would end the process. */

const waiting = new Set<() => void>();
let listening = false;

/** Calls `fn` at every SIGIO, whichever descriptor it is about, until the returned function is called. */
export function onReadable(fn: () => void): () => void {
  if (!listening) process.on('SIGIO', tell);
  listening = true;
  waiting.add(fn);
  return () => waiting.delete(fn);
}

function tell(): void {
  for (const fn of waiting) fn();
}
