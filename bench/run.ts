/**
 * `npm run bench [-- --only=fuse,grep,perform,policy,ps,start] [--json]`: one table, both sides of each ratio in the same run. What
 * cannot be measured here has a row that says what is missing. Exit 1 where a goal is not reached or a benchmark failed.
 */

import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Teardown } from '../tests/support/dirs.ts';
import { benchFuse } from './fuse.ts';
import { benchGrep } from './grep.ts';
import { Cleanup } from './measure.ts';
import { benchPerform } from './perform.ts';
import { benchPolicy } from './policy.ts';
import { benchPs, benchStart } from './start.ts';
import { judge, printTable, type Row } from './table.ts';

const BENCHES: Readonly<Record<string, (t: Teardown) => Promise<Row[]>>> = {
  fuse: benchFuse,
  grep: benchGrep,
  perform: benchPerform,
  policy: benchPolicy,
  ps: benchPs,
  start: benchStart,
};

function chosen(only: string | undefined): string[] {
  const names = only === undefined ? Object.keys(BENCHES) : only.split(',');
  const unknown = names.find(name => !Object.hasOwn(BENCHES, name));
  if (unknown === undefined) return names;
  process.stderr.write(`bench: there is no benchmark "${unknown}"; choose from ${Object.keys(BENCHES).join(', ')}\n`);
  process.exit(2);
}

async function run(name: string): Promise<Row[]> {
  const cleanup = new Cleanup();
  process.stderr.write(`bench: ${name}\n`);
  try {
    return (await BENCHES[name]?.(cleanup)) ?? [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`bench: ${name} failed: ${why}\n`);
    process.exitCode = 1;
    return [
      { measure: name, unit: '', ours: undefined, goal: { kind: 'none' }, missing: `failed: ${why.split('\n')[0]}` },
    ];
  } finally {
    await cleanup.run();
  }
}

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const [busy = 0] = loadavg();
if (busy > 0.7) {
  process.stderr.write(`bench: the machine is busy (load ${busy.toFixed(1)}): do not rely on these numbers\n`);
}
const rows: Row[] = [];
for (const name of chosen(values.only)) rows.push(...(await run(name)));
const judged = rows.map(judge);
process.stdout.write(values.json ? `${JSON.stringify(judged, null, 2)}\n` : `${printTable(judged)}\n`);
if (judged.some(({ ok }) => ok === false)) process.exitCode = 1;
