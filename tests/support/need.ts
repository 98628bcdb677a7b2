/** Tests that need something of the machine. Where it is missing the test is registered as skipped, with what is missing. */

import test, { type ImplementationFn } from 'ava';
import { missing, type Needs } from './machine.ts';

export { missing, type Needs } from './machine.ts';

/** `test`, `test.serial`: whatever registers a test and can skip one. */
interface Register<Context> {
  (title: string, implementation: ImplementationFn<[], Context>): void;
  skip(title: string, implementation: ImplementationFn<[], Context>): void;
}

/** The same registration, or a skip whose title says why. `needs(test, { fuse: true })('mounts', async t => ...)`. */
export function needs<Context>(register: Register<Context>, what: Needs) {
  const reason = missing(what);
  return (title: string, implementation: ImplementationFn<[], Context>): void => {
    if (reason === undefined) register(title, implementation);
    else register.skip(`${title} (skipped: ${reason})`, implementation);
  };
}

/** A test over a real kernel mount. One file's tests run one after another: each has a daemon of its own. */
export const fuseTest = needs(test.serial, { fuse: true });
