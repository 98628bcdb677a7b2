/** What a user waits for at each start: as little as can be is loaded before it is needed. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { parseAll } from '../../cli/commander.ts';
import { loadConfig } from '../../cli/config.ts';
import { parsePlain } from '../../cli/flags.ts';
import { verb as invoke } from '../../cli/verbs/invoke.ts';
import { command } from '../support/command.ts';
import { tmpDir } from '../support/dirs.ts';

const SERVE = pathToFileURL(join(import.meta.dirname, '../../cli/serve.ts')).href;

const LOADS = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  registerHooks({
    load(url, context, next) {
      const name = /.*[/]node_modules[/]([^/]+)/.exec(url)?.[1];
      if (name !== undefined) packages.add(name);
      return next(url, context);
    },
  });
  await import(process.argv[1]);
  if (process.moduleLoadList.some(name => name.endsWith('deps/undici/undici'))) packages.add('undici');
  console.log(JSON.stringify([...packages]));
  process.exit();
`;

test('the daemon starts without the libraries that are needed later', async t => {
  const { code, stdout, stderr } = await command(process.execPath, ['--input-type=module', '-e', LOADS, SERVE]);
  t.is(code, 0, stderr);
  const loaded: unknown = JSON.parse(stdout);
  t.true(Array.isArray(loaded));
  for (const later of ['zod', 'yaml', 'cosmiconfig', 'openai', 'just-bash', 'undici', 'commander']) {
    t.false(Array.isArray(loaded) && loaded.includes(later), `${later} is loaded`);
  }
});

const LINES: readonly (readonly string[])[] = [
  ['researcher', 'a question'],
  ['researcher', 'a question', '--wait'],
  ['--wait', 'researcher', '--model', 'mock/default', 'a question'],
  ['researcher', '--budget', '0.5', '--budget', '0.6', '--json', 'a question'],
  ['researcher', '--dry-run', '--idempotency-key', '', 'x'],
];

for (const line of LINES) {
  test(`read without commander, and as commander reads it: ${line.join(' ')}`, t => {
    const plain = parsePlain(invoke, line);
    const all = parseAll(invoke, line);
    t.not(plain, undefined);
    t.deepEqual(plain?.args, all.args);
    for (const name of ['wait', 'json', 'dryRun']) t.is(plain?.flags.on(name), all.flags.on(name));
    for (const name of ['model', 'budget', 'idempotencyKey']) t.is(plain?.flags.text(name), all.flags.text(name));
    t.deepEqual(plain?.flags.list('attach'), all.flags.list('attach'));
  });
}

for (const line of [
  ['a', '--model'],
  ['a', '--model', '--wait'],
  ['a', '--model=m'],
  ['a', '--', '-x'],
  ['a', '--modle', 'm'],
]) {
  test(`left to commander: ${line.join(' ')}`, t => {
    t.is(parsePlain(invoke, line), undefined);
  });
}

test('a configuration in JSON: what is wrong is told with its line, and a key that is there twice is wrong', async t => {
  const file = join(tmpDir(t), 'aos.config.json');
  const refused = async (text: string, said: RegExp): Promise<void> => {
    writeFileSync(file, text);
    await t.throwsAsync(loadConfig(file, '/'), { message: said });
  };
  await refused(JSON.stringify({ model: 'a/b', modle: 1 }, null, 2), /line 3: unknown key "modle"/);
  await refused('{"model": "a/b", "model": "c/d"}', /unique/);
  writeFileSync(file, JSON.stringify({ model: 'a/b' }));
  const { config } = await loadConfig(file, '/');
  t.is(config.model, 'a/b');
  t.is(config.budgets.velocity, 100);
});
