/** What a door is given, over a fake tree, and delays in the test's hand. */

import type { Authority, Cancel, DoorApi, Log, Path } from '../../../core/types.ts';
import { FakeAos } from './fake-aos.ts';
import { fail } from './fake-node.ts';

/** A door's view of a fake tree, with the two signals in the test's hand and every warning kept. */
export class FakeApi implements DoorApi {
  readonly aos: FakeAos;
  readonly said: { level: string; fields: object; message: string }[] = [];
  readonly log: Log;
  readonly #changed = new Set<(path: Path) => void>();
  readonly #narrowed = new Set<() => void>();

  constructor(aos: FakeAos = new FakeAos()) {
    this.aos = aos;
    const at = (level: string) => (fields: object, message: string) => {
      this.said.push({ level, fields, message });
    };
    this.log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  now(): number {
    return Date.now();
  }

  authorityOf(_uid?: number): Authority {
    return NO_SETS;
  }

  onChanged(fn: (path: Path) => void): () => void {
    this.#changed.add(fn);
    return () => this.#changed.delete(fn);
  }

  refused(): void {}

  onNarrowed(fn: () => void): () => void {
    this.#narrowed.add(fn);
    return () => this.#narrowed.delete(fn);
  }

  change(path: Path): void {
    for (const fn of this.#changed) fn(path);
  }

  narrow(): void {
    for (const fn of this.#narrowed) fn();
  }
}

const NO_SETS: Authority = [];

/** A delay that ends when the test says so, or fails when the caller gives up. */
export function gate(): {
  slow: (cancel: Cancel | undefined) => Promise<void>;
  open: () => void;
  aborted: () => boolean;
} {
  let open: () => void = () => {};
  let aborted = false;
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  const slow = (cancel: Cancel | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      opened.then(resolve);
      cancel?.signal.addEventListener('abort', () => {
        aborted = true;
        reject(fail('interrupted', ''));
      });
    });
  return { slow, open: () => open(), aborted: () => aborted };
}
