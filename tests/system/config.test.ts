import test from 'ava';
import { yaml } from '../../plugin-sdk/yaml.ts';
import { configOf, makeWorld, who } from './world.ts';

const WRITTEN = {
  model: 'mock/default',
  aliases: { fast: 'openai/small' },
  backends: {
    openai: {
      base_url: 'https://u:p@host/v1?q=a@b',
      models: ['a@b'],
      api_key: 'sk-1',
      max_tokens: 5,
      headers: { authorization: 'Bearer x' },
    },
    mock: { file: '/answers.jsonl', pricing: { input_per_1m: 1 } },
  },
  grants: {
    '1001': [
      { verbs: ['stat', 'list'], path: '/aos/memory/keys/**' },
      { verbs: ['all'], path: '/aos/memory/**', until: '2027-01-01T00:00:00.000Z' },
    ],
  },
  ceilings: { '/aos/memory/tokens/**': ['read'], '/aos/etc/**': ['all'] },
  budgets: {
    pid: { usd: 0.25, per: '90s' },
    session: { usd: 0 },
    uid: { usd: 0, per: '30m' },
    global: { usd: 12.5, per: '24h' },
    velocity: 0,
    agents: { keymaker: { usd: 2, per: '7d' } },
    subtree: { '/aos/models/**': { usd: 0.000001, per: '1500ms' } },
  },
  audit: { reads: true, file_bytes_max: 8192 },
  plugins: ['mine'],
  log: { level: 'debug' },
};

test('the configuration in force is written as a user would, and can be given back', async t => {
  const world = await makeWorld(t, WRITTEN);
  const text = await world.read(who(), '/aos/system/config.yaml');
  const read: unknown = yaml().parse(text);
  const openai = {
    base_url: 'https://host/v1?q=a@b',
    models: ['a@b'],
    api_key: '(set, not shown)',
    max_tokens: 5,
    headers: { authorization: '(set, not shown)' },
  };
  t.deepEqual(read, { ...WRITTEN, backends: { ...WRITTEN.backends, openai } });
  const { backends: _given, ...rest } = configOf(WRITTEN);
  // What it was read from is an object.
  t.like(configOf(read as object), rest);
});

test('with nothing configured it says what the defaults are', async t => {
  const world = await makeWorld(t);
  const read: unknown = yaml().parse(await world.read(who(), '/aos/system/config.yaml'));
  t.like(read, { budgets: { pid: { usd: 0.1, per: '60s' }, session: { usd: 1 }, velocity: 100 } });
  t.like(configOf(read as object), world.core.config());
});

for (const [written, shown] of [
  [Number.NaN, 'NaN'],
  [JSON.parse('1e309'), 'Infinity'],
] as const) {
  test(`a number that is none is shown as what it is: ${shown}`, t => {
    t.throws(() => configOf({ budgets: { uid: { usd: written } } }), {
      message: new RegExp(`"budgets.uid.usd" is ${shown}: `),
    });
  });
}
