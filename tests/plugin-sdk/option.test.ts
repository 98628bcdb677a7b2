import test from 'ava';
import { httpMount } from '../../mounts/http/index.ts';
import { describeMount, HIDDEN, readOptions, redacted, withEnvironment } from '../../plugin-sdk/index.ts';

const { options } = httpMount;
const BASE = { 'base-url': 'https://example.org' };
const read = (given: object): Record<string, unknown> => ({ ...readOptions('http', options, { ...BASE, ...given }) });

test('what is given is checked once, in the units that the system counts in', t => {
  t.like(read({ price: '0.002', ttl: '0', timeout: '1.5s', limit: '5/24h', writable: true, header: 'A: b' }), {
    price: 2000,
    ttl: 0,
    timeout: 1500,
    limit: { usd: 5_000_000, per: 86_400_000 },
    writable: true,
    header: ['A: b'],
  });
  t.like(read({}), { price: 1000, ttl: 60_000, timeout: 10_000, limit: undefined, writable: false });
});

const WRONG: readonly [object, RegExp][] = [
  ...['-1', 'NaN', '1e309', 'Infinity', '', ' ', 'abc', '0x', '2e9'].map((price): [object, RegExp] => [
    { price },
    /--price ".*": /,
  ]),
  ...['30', '-1s', '30 minutes', 'x', ''].map((ttl): [object, RegExp] => [{ ttl }, /--ttl ".*": /]),
  [{ timeout: '0' }, /--timeout "0"/],
  [{ timeout: '30d' }, /--timeout "30d": must be 1h at most/],
  [{ price: 'a lot' }, /--price "a lot": must be dollars from 0 up, such as 0.001; /],
  [{ limit: 'abc/1h' }, /--limit "abc\/1h": must be dollars from 0 up/],
  ...['0/1h', '-5/1h', '5/', '5/0s', '5/1h/2', '/1h', 'NaN/1h', '1e309/1h'].map((limit): [object, RegExp] => [
    { limit },
    /--limit ".*": /,
  ]),
  [{ writable: 'perhaps' }, /--writable "perhaps"/],
  [{ 'base-url': 'ftp://x' }, /--base-url "ftp:\/\/x": must be an address/],
  [{ 'base-url': 'file:///etc/passwd' }, /--base-url/],
  [{ 'base-url': undefined }, /--base-url <url> is missing.*AOS_HTTP_BASE_URL/],
  [{ basurl: 'x' }, /there is no option --basurl/],
];

for (const [given, message] of WRONG) {
  test(`refused: ${JSON.stringify(given)}`, t => {
    t.throws(() => read(given), { message });
  });
}

test('an hour is not too long a timeout', t => {
  t.is(read({ timeout: '1h' }).timeout, 3_600_000);
});

test('no secret is in an error, nor in what is shown', t => {
  for (const header of ['no colon s3cret', 'A: s3cret\r\nB: c']) {
    const error = t.throws(() => read({ header }));
    t.notRegex(error.message, /s3cret/);
    t.regex(error.message, /--header: must look like/);
  }
  t.notRegex(t.throws(() => read({ 'base-url': 'http://u:s3cret@h/' })).message, /s3cret/);
  t.deepEqual(redacted(options, { ...BASE, header: ['A: s3cret'], unheardOf: 's3cret' }), {
    ...BASE,
    header: HIDDEN,
    unheardOf: HIDDEN,
  });
});

test('the environment stands in for what is not given', t => {
  const env = { AOS_HTTP_PRICE: '0.5', AOS_HTTP_TTL: '5s', AOS_OTHER: 'x' };
  t.deepEqual(withEnvironment('http', options, { ttl: '0' }, env), { price: '0.5', ttl: '0' });
});

test('one declaration says what a flag needs', t => {
  const header = describeMount(httpMount).options.find(option => option.name === 'header');
  t.like(header, { value: 'name:value', secret: true, repeat: true, required: false, env: 'AOS_HTTP_HEADER' });
});
