/** What every mount has to keep to, as tests of any runner that has `test(title, fn)` and an assertion `is`. */

import { AosError } from '../../core/errors.ts';
import type { MountType } from '../mount.ts';
import { describeMount } from '../mount.ts';

/** What the suite needs of a runner's assertions; AVA's `t` has it. */
export interface Assert {
  is(actual: unknown, expected: unknown, message?: string): unknown;
  true(actual: boolean, message?: string): unknown;
}

export type Register<T extends Assert> = (title: string, run: (t: T) => Promise<void>) => void;

/** One mount under test, made anew for each test. Paths are relative to the mount. */
export interface Bench {
  read(path: string): Promise<string>;
  list(path: string): Promise<string[]>;
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
  /** Rules that do not hold, each with its reason. */
  readonly skip?: Readonly<Partial<Record<Rule, string>>>;
}

/** A subject as one rule sees it. */
interface Case {
  readonly type: MountType;
  readonly file: string;
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

/** Registers one test for each rule. A rule that is skipped keeps its title, with the reason. */
export function conforms<T extends Assert>(test: Register<T>, subject: Subject<T>): void {
  const { type, file, skip = {} } = subject;
  for (const [rule, check] of Object.entries(RULES)) {
    // The keys of RULES are its rules.
    const reason = skip[rule as Rule];
    if (reason === undefined)
      test(`${type.name} ${rule}`, t => check(t, { type, file, open: how => subject.open(t, how) }));
    else test(`${type.name} ${rule} (skipped: ${reason})`, async t => void t.true(true));
  }
}

async function errnoOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'nothing';
  } catch (error) {
    return error instanceof AosError ? error.errno : String(error);
  }
}
