/** What was given to secret options is in no text that a mount says of itself. */

import test from 'ava';
import { AosError } from '../../core/errors.ts';
import type { Log } from '../../core/types.ts';
import { failureOf, HttpFailure } from '../../plugin-sdk/index.ts';
import { Secrets } from '../../plugin-sdk/mount-secrets.ts';

const TOKEN = 's3cr3t/TOKEN=';
const secrets = new Secrets([`Authorization: Bearer ${TOKEN}`, 'X-Two: 2', `Basic ${btoa('me:hidden pass')}`]);

const TEXTS: readonly [what: string, text: string, shown: string][] = [
  ['a whole header', `got Authorization: Bearer ${TOKEN}!`, 'got [secret]!'],
  ['a header in small letters', `got authorization: bearer ${TOKEN.toLowerCase()}`, 'got [secret]'],
  ['a header under another name', `got X-Auth: Bearer ${TOKEN}`, 'got X-Auth: [secret]'],
  ['the token alone', `bad token ${TOKEN}`, 'bad token [secret]'],
  ['every time', `${TOKEN} and ${TOKEN}`, '[secret] and [secret]'],
  ['in an address', `?key=${encodeURIComponent(TOKEN)}`, '?key=[secret]'],
  ['what Basic encodes', 'user me:hidden pass', 'user [secret]'],
  ['its password', 'wrong password "hidden pass"', 'wrong password "[secret]"'],
  ['a short one leaves texts alone', 'within 2 s', 'within 2 s'],
  ['a short one with its name', 'sent X-Two: 2', 'sent [secret]'],
  ['the beginning of one, where a text was cut', `no: Bearer ${TOKEN.slice(0, 6)}\u2026)`, 'no: [secret]\u2026)'],
  ['what is hidden already', '[secret]', '[secret]'],
  ['nothing secret', 'the service answered 500', 'the service answered 500'],
];

for (const [what, text, shown] of TEXTS) test(`hidden: ${what}`, t => void t.is(secrets.hide(text), shown));

test('a text that is hidden twice stays as it is, even for the secret "secret"', t => {
  const one = new Secrets(['secret']);
  t.is(one.hide(one.hide('my secret')), 'my [secret]');
});

test('a token that is cut by an excerpt is not shown by half', t => {
  for (let length = 60; length < 220; length++) {
    const body = Buffer.from(
      `${'x'.repeat(length)} ${TOKEN} and more, so much more that nobody wants to read it at once`,
    );
    const error = secrets.error(failureOf('http', '/aos/mnt/a', { status: 401, headers: {}, body }));
    t.notRegex(error instanceof AosError ? error.message : 'no error', /s3cr/, `at ${length}`);
  }
});

test('the causes of an error, its stack and what hangs on it are clean', t => {
  const inner = Object.assign(new Error(`inner ${TOKEN}`), { code: 'EPIPE', config: { headers: { a: TOKEN } } });
  const parts = { component: 'x', why: `why ${TOKEN}`, remedy: `do ${TOKEN}`, cause: inner };
  const error = secrets.error(new AosError('io', parts));
  if (!(error instanceof AosError) || !(error.cause instanceof Error)) return t.fail('it is another kind of error');
  t.like(error, { kind: 'io', component: 'x', why: 'why [secret]', remedy: 'do [secret]' });
  t.like(error.cause, { message: 'inner [secret]', code: 'EPIPE', config: undefined });
  t.notRegex(`${error.stack}${error.cause.stack}`, /s3cr/);
});

test('what a service said keeps its status, without the secret', t => {
  const said = new HttpFailure({ status: 401, headers: { 'x-you-sent': TOKEN }, body: Buffer.from(TOKEN) });
  t.like(secrets.error(said), { status: 401, body: '[secret]', headers: { 'x-you-sent': '[secret]' } });
});

test('an error of the system that holds no secret is the very same, whatever its class', t => {
  class Special extends AosError {}
  const error = new Special('budget', { component: 'cost', why: 'over' });
  t.is(secrets.error(error), error);
});

test('a line of the log is clean, however deep', t => {
  const lines: unknown[] = [];
  const line = (fields: object, message: string): void => void lines.push({ ...fields, message });
  const log: Log = { debug: line, info: line, warn: line, error: line };
  const circle: { self?: unknown } = {};
  circle.self = circle;
  secrets
    .log(log)
    .warn({ url: new URL(`http://h/?k=${TOKEN}`), deep: [{ token: TOKEN }], n: 1, circle }, `at ${TOKEN}`);
  t.notRegex(JSON.stringify(lines), /s3cr/);
  t.like(lines[0], { n: 1, message: 'at [secret]', deep: [{ token: '[secret]' }] });
});
