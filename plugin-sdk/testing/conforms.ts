/** What every mount has to keep to, as tests of any runner that has `test(title, fn)` and the assertions `is` and `true`. */

import { AosError } from '../../core/errors.ts';
import type { MountType } from '../mount.ts';
import { describeMount } from '../mount.ts';
import { PAGE_MAX } from '../page.ts';

/** What the suite needs of a runner's assertions; AVA's `t` has it. */
export interface Assert {
  is(actual: unknown, expected: unknown, message?: string): unknown;
  true(actual: boolean, message?: string): unknown;
}

/** A runner's `test`; with its `skip`, which AVA's has, the rules that are skipped are shown as such. */
export interface Register<T extends Assert> {
  (title: string, run: (t: T) => Promise<void>): void;
  readonly skip?: (title: string, run: (t: T) => Promise<void>) => void;
}

/** One mount under test, made anew for each test. Paths are relative to the mount. */
export interface Bench {
  read(path: string): Promise<string>;
  /** Names, from a cursor on where one is given. */
  list(path: string, cursor?: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly kind: string; readonly size: number }>;
  write(path: string, text: string): Promise<unknown>;
  remove(path: string): Promise<void>;
  /** Requests that reached the service. */
  asked(): number;
  /** Calls that were paid. */
  paid(): number;
}

export interface How {
  /** Options, by flag name, beside those that the type needs. */
  readonly given?: Readonly<Record<string, unknown>>;
  /** Without a lease. */
  readonly locked?: true;
}

export interface Subject<T extends Assert> {
  readonly type: MountType;
  /** Makes a mount of the type for one test. */
  open(t: T, how: How): Promise<Bench>;
  /** A file that can be read. */
  readonly file: string;
  /** A directory of more than 1,000 names; one without is a reason to skip the rule about pages. */
  readonly long?: string;
  /** Rules that do not hold, each with its reason. */
  readonly skip?: Readonly<Partial<Record<Rule, string>>>;
}

/** A subject as one rule sees it. */
interface Case {
  readonly type: MountType;
  readonly file: string;
  readonly long: string;
  open(how: How): Promise<Bench>;
}

const RULES = {
  'says what it is and what its options are': async (t, { type }) => {
    const { name, help, options } = describeMount(type);
    t.true(/^[a-z][a-z0-9-]*$/.test(name), 'a name is typed');
    t.true(/\.$/.test(help), 'the help is a sentence');
    for (const option of options) t.true(/\.$/.test(option.help), `--${option.name}: its help is a sentence`);
  },
  'asks nobody when it is made, nor under the lock': async (t, { open, file }) => {
    const bench = await open({ locked: true });
    t.true((await bench.list('')).includes('.aos'));
    t.is(await bench.read('.aos/locked'), 'true\n');
    t.is(await errnoOf(() => bench.read(file)), 'EACCES');
    t.is(bench.asked(), 0);
  },
  'pays for each call that goes out': async (t, { open, file }) => {
    const bench = await open({ given: { ttl: '0', price: '0.001' } });
    await bench.read(file);
    await bench.read(file);
    t.true(bench.asked() >= 2);
    t.is(bench.paid(), bench.asked());
  },
  'answers again from what it keeps, for nothing': async (t, { open, file }) => {
    const bench = await open({ given: { price: '0.001' } });
    const first = await bench.read(file);
    const asked = bench.asked();
    t.is(await bench.read(file), first);
    t.is(bench.asked(), asked);
    t.is(bench.paid(), asked);
  },
  'sends nothing that its limit does not cover': async (t, { open, file }) => {
    const bench = await open({ given: { ttl: '0', price: '0.001', limit: '0.0005/1h' } });
    t.is(await errnoOf(() => bench.read(file)), 'EDQUOT');
    t.is(bench.asked(), 0);
  },
  'never tells a size that it does not know': async (t, { open, file }) => {
    const bench = await open({});
    const { kind, size } = await bench.stat(file);
    t.true(kind === 'dir' || size === 0 || size === Buffer.byteLength(await bench.read(file)));
  },
  'takes no cursor that it did not give': async (t, { open, long }) => {
    const bench = await open({ given: { price: '0.001' } });
    for (const cursor of ['', 'x', '1000', 'A'.repeat(60)]) {
      t.is(await errnoOf(() => bench.list(long, cursor)), 'EINVAL');
      t.is(await errnoOf(() => bench.list('', cursor)), 'EINVAL');
    }
    t.is(bench.asked(), 0);
    t.is(bench.paid(), 0);
  },
  'cuts a long listing, says so, and goes on to its end': async (t, { open, long }) => {
    const bench = await open({ given: { price: '0.001' } });
    const more = long === '' ? '.more.json' : `${long}/.more.json`;
    t.is(await errnoOf(() => bench.read(more)), 'ENOENT');
    const seen = new Set<string>();
    let cursor: string | undefined;
    do {
      const names = await bench.list(long, cursor);
      const before = seen.size;
      for (const name of names) if (!name.startsWith('.')) seen.add(name);
      t.true(seen.size - before <= PAGE_MAX, `at most ${PAGE_MAX} names`);
      t.true(seen.size > before, 'a page that goes on has names');
      const asked = bench.asked();
      cursor = names.includes('.more.json') ? nextIn(await bench.read(more)) : undefined;
      t.is(bench.asked(), asked, 'to look at .more.json asks nobody');
    } while (cursor !== undefined);
    t.true(seen.size > PAGE_MAX, 'there was more than one page');
    t.is(await errnoOf(() => bench.read(more)), 'ENOENT');
    t.is(bench.paid(), bench.asked());
  },
  'is read-only unless it is made writable': async (t, { open, file }) => {
    const bench = await open({});
    t.is(await errnoOf(() => bench.write(file, 'x')), 'EROFS');
    t.is(await errnoOf(() => bench.remove(file)), 'EROFS');
    t.is(bench.asked(), 0);
  },
  'removes nothing unless that is allowed': async (t, { open, file }) => {
    const bench = await open({ given: { writable: true } });
    t.is(await errnoOf(() => bench.remove(file)), 'EPERM');
    t.is(bench.asked(), 0);
  },
} satisfies Record<string, (t: Assert, subject: Case) => Promise<void>>;

export type Rule = keyof typeof RULES;

/** Registers one test for each rule. One that is skipped goes to the runner's `skip` with its reason, or is left out. */
export function conforms<T extends Assert>(test: Register<T>, subject: Subject<T>): void {
  const { type, file, long = '', skip = {} } = subject;
  for (const [rule, check] of Object.entries(RULES)) {
    // The keys of RULES are its rules.
    const reason = skip[rule as Rule];
    const run = (t: T): Promise<void> => check(t, { type, file, long, open: how => subject.open(t, how) });
    if (reason === undefined) test(`${type.name} ${rule}`, run);
    else test.skip?.(`${type.name} ${rule} (skipped: ${reason})`, run);
  }
}

/** The cursor in a `.more.json`. */
function nextIn(text: string): string | undefined {
  const said: unknown = JSON.parse(text);
  if (typeof said !== 'object' || said === null || !('next' in said)) return undefined;
  return typeof said.next === 'string' ? said.next : undefined;
}

async function errnoOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'nothing';
  } catch (error) {
    return error instanceof AosError ? error.errno : String(error);
  }
}
